//! The nodes that are asked for, and why there are no accounts of them.

use std::collections::BTreeSet;
use std::slice;

use chrono::NaiveDate;

use crate::analysis::DayLedger;
use crate::analysis::usage::{AbsenceReason, Usage};
use crate::commands::request::{RequestError, refuse_of_other_shard};
use crate::model::{Node, Window, comma, said};
use crate::outlets::console;
use crate::report::absence::why_no_accounts;
use crate::settings::Config;
use crate::store::{Archive, reports};

pub struct WantedNodes<'a> {
    /// Whether they are named; else they are all that the settings or the reports name.
    are_named: bool,
    /// Each with its node; the settings may have had the others once.
    nodes: Vec<(&'a str, Option<&'a Node>)>,
}

impl<'a> WantedNodes<'a> {
    pub fn new(config: &'a Config, names: &'a [String]) -> Self {
        let is_wanted = |node: &&Node| names.is_empty() || names.contains(&node.name);
        let present = config.nodes.iter().filter(is_wanted);
        let present = present.map(|node| (node.name.as_str(), Some(node)));
        let is_former = |name: &&String| !config.nodes.iter().any(|node| node.name == **name);
        let former = names.iter().filter(is_former);
        let former = former.map(|name| (name.as_str(), None));
        Self {
            are_named: !names.is_empty(),
            nodes: present.chain(former).collect(),
        }
    }

    pub fn include(&self, name: &str) -> bool {
        !self.are_named || self.nodes.iter().any(|(wanted, _)| *wanted == name)
    }

    /// Refuses a name that neither the settings nor a report has.
    pub fn refuse_unknown(
        &self,
        reported: &BTreeSet<String>,
        config: &Config,
        days: &str,
    ) -> Result<(), RequestError> {
        let is_unknown =
            |(name, node): &&(&str, Option<&Node>)| node.is_none() && !reported.contains(*name);
        let Some((name, _)) = self.nodes.iter().find(is_unknown) else {
            return Ok(());
        };
        refuse_of_other_shard(name, config)?;
        let settings: Vec<_> = config.nodes.iter().map(|node| node.name.as_str()).collect();
        let others = reported.iter().map(String::as_str);
        let others = others.filter(|name| !settings.contains(name));
        let known: Vec<_> = settings.iter().copied().chain(others).collect();
        let known = known.join(comma());
        Err(RequestError::usage(said!(
            "設定與 {days} 的報告中都沒有節點「{name}」：可用的節點是 {known}",
            "no node '{name}' in the settings, nor in the reports of {days}: the nodes are {known}"
        )))
    }

    /// Adds a day, and answers its report if there is one.
    pub fn add_day(
        &self,
        window: &Window,
        archive: &Archive,
        usage: &mut Usage,
    ) -> Option<DayLedger> {
        let date = window.date;
        let absence = match reports::ledger(archive, window) {
            Ok(Some(ledger)) if reports::is_of(&ledger, window) => {
                usage.add(date, &ledger, |name| self.include(name));
                let without = self.nodes.iter();
                for node in without.filter(|(name, _)| !ledger.contains_key(*name)) {
                    let reason = why_not(archive, date, slice::from_ref(node));
                    usage.add_absence(date, Some(node.0), reason);
                }
                return Some(ledger);
            }
            Ok(Some(_)) => AbsenceReason::OtherZone,
            Ok(None) => why_not(archive, date, &self.nodes),
            Err(error) => {
                console::fail(error);
                AbsenceReason::Damaged
            }
        };
        usage.add_absence(date, None, absence);
        None
    }
}

/// Why a day has no accounts of these nodes.
fn why_not(archive: &Archive, date: NaiveDate, nodes: &[(&str, Option<&Node>)]) -> AbsenceReason {
    let names = nodes.iter().map(|(name, _)| *name);
    let present: Vec<_> = nodes.iter().filter_map(|(_, node)| *node).collect();
    let have_files = || archive.day(date).are_any_there(&present);
    why_no_accounts(&archive.record(date), names, have_files)
}
