//! The accounts of the days that are asked for, and what stands behind them in the tree.

use std::collections::{BTreeMap, BTreeSet};
use std::slice;

use anyhow::Result;
use chrono::NaiveDate;

use crate::analysis::usage::{
    AbsenceReason, Group, GroupBy, NodeShares, RowTasks, TaskGap, Usage, UserOrder, UserRow, dates,
    parted,
};
use crate::analysis::{DayLedger, Entry, Mean, NodeLedger, NodeRecord, TasksByHost};
use crate::commands::calendar::Calendar;
use crate::commands::request::RequestError;
use crate::formats::workbook::Book;
use crate::model::{
    CardId, CardUsage, GpuIndex, KeptAnswer, Node, TaskSource, Window, comma, said,
};
use crate::outlets::console;
use crate::settings::Config;
use crate::sources::management_api::kept;
use crate::store::{Archive, reports};

/// What is wanted besides who held how much.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Of these nodes alone, if any are named.
    pub nodes: &'a [String],
    pub by: GroupBy,
    pub rows: bool,
    /// The means of each node and day.
    pub means: bool,
}

#[derive(Debug)]
pub struct Gathered {
    pub usage: Usage,
    pub means: BTreeMap<(String, NaiveDate), Mean>,
}

impl Gathered {
    pub fn book(&self, config: &Config, by: GroupBy, order: UserOrder) -> Book<'_> {
        Book {
            usage: &self.usage,
            means: &self.means,
            by,
            order,
            zone: config.zone,
            thresholds: config.thresholds,
        }
    }
}

/// The accounts of every day from `first` to `last`, one day after the other.
pub fn gather(
    config: &Config,
    archive: &Archive,
    (first, last): (NaiveDate, NaiveDate),
    wanted: Wanted,
) -> Result<Gathered> {
    let nodes = WantedNodes::new(config, wanted.nodes);
    let mut gathered = Gathered {
        usage: Usage::new(first, last),
        means: BTreeMap::new(),
    };
    let mut reported = BTreeSet::new();
    for (_, window) in Calendar::now(config).windows(first, last) {
        let window = window?;
        let Some(day) = nodes.add_day(&window, archive, &mut gathered.usage) else {
            continue;
        };
        let closer = Closer {
            config,
            archive,
            window: &window,
            wanted,
        };
        let of_nodes = day.iter().filter(|(name, _)| nodes.include(name));
        closer.add(of_nodes, &mut gathered);
        reported.extend(day.into_keys());
    }
    nodes.are_known(&reported, config, &dates(first, last))?;
    gathered.usage.sort_rows();
    Ok(gathered)
}

/// A closer look at a day.
struct Closer<'a> {
    config: &'a Config,
    archive: &'a Archive,
    window: &'a Window,
    wanted: Wanted<'a>,
}

impl Closer<'_> {
    fn add<'a>(
        &self,
        nodes: impl Iterator<Item = (&'a String, &'a NodeLedger)>,
        to: &mut Gathered,
    ) {
        let Wanted {
            by, rows, means, ..
        } = self.wanted;
        let date = self.window.date;
        // Read where they are first needed.
        let needs_tasks = rows || by.needs_tasks();
        let kept = if needs_tasks {
            self.kept_tasks()
        } else {
            Err(TaskGap::NotKept)
        };
        let tasks = kept
            .as_ref()
            .map(|kept| TasksByHost::new(&kept.answer.tasks));
        for (name, ledger) in nodes {
            let node = self.config.nodes.iter().find(|node| node.name == *name);
            if let Some(node) = node.filter(|_| means)
                && let Some(mean) = self.archive.day(date).mean(node)
            {
                to.means.insert((name.clone(), date), mean);
            }
            let of_tasks = TasksOfNode {
                closer: self,
                node,
                shares: match (&tasks, node) {
                    (Ok(tasks), Some(node)) => Ok(NodeShares::new(node, tasks, ledger.known)),
                    (Ok(_), None) => Err((Some(name), TaskGap::UnknownNode)),
                    (Err(gap), _) => Err((None, **gap)),
                },
                usage: None,
            };
            self.add_node((name, ledger), of_tasks, &mut to.usage);
        }
    }

    fn add_node(
        &self,
        (name, ledger): (&String, &NodeLedger),
        mut of_tasks: TasksOfNode,
        usage: &mut Usage,
    ) {
        let (date, by) = (self.window.date, self.wanted.by);
        for entry in &ledger.entries {
            let Some(user) = &entry.user else { continue };
            let (account, gpu) = (entry.account, entry.gpu);
            match by {
                GroupBy::User => {}
                GroupBy::Node => usage.add_part(user, Group::Named(name.clone()), account),
                GroupBy::Day => usage.add_part(user, Group::Day(date), account),
                GroupBy::Project | GroupBy::TaskType => match of_tasks.parts(name, entry, by) {
                    Ok(parts) => {
                        for (group, account) in parts {
                            usage.add_part(user, group, account);
                        }
                    }
                    Err((node, gap)) => {
                        usage.add_part(user, Group::Unknown, account);
                        usage.add_task_gap(date, node.as_deref(), gap);
                    }
                },
            }
            if self.wanted.rows {
                let tasks = of_tasks.shares.as_ref().ok();
                let tasks = tasks.and_then(|shares| shares.of(entry).ok());
                usage.rows.push(UserRow {
                    user: user.clone(),
                    date,
                    node: name.clone(),
                    gpu,
                    account,
                    tasks: tasks.map(RowTasks::new),
                });
            }
        }
    }

    fn kept_tasks(&self) -> Result<KeptAnswer, TaskGap> {
        let file = self.archive.kept_tasks(self.window.date);
        let file = file.map_err(|_| TaskGap::Unreadable)?;
        let file = file.ok_or(TaskGap::NotKept)?;
        kept::recall(&file, self.window).ok_or(TaskGap::Unreadable)
    }
}

/// A gap, and the node that it is of, unless it is all nodes'.
type GapOf = (Option<String>, TaskGap);

/// The tasks of a node's day, and its readings once they are needed.
struct TasksOfNode<'a> {
    closer: &'a Closer<'a>,
    node: Option<&'a Node>,
    shares: Result<NodeShares<'a>, (Option<&'a String>, TaskGap)>,
    usage: Option<BTreeMap<CardId, CardUsage>>,
}

impl TasksOfNode<'_> {
    fn parts(
        &mut self,
        name: &str,
        entry: &Entry,
        by: GroupBy,
    ) -> Result<BTreeMap<Group, crate::analysis::Account>, GapOf> {
        let Closer {
            config,
            archive,
            window,
            ..
        } = self.closer;
        let shares = self.shares.as_ref();
        let shares = shares.map_err(|(node, gap)| (node.cloned(), *gap))?;
        let of_node = |gap| (Some(name.to_owned()), gap);
        let shares = shares.of(entry).map_err(of_node)?;
        let (node, usage) = (self.node, &mut self.usage);
        let readings = || {
            let node = node?;
            let GpuIndex(index) = entry.gpu;
            let usage = usage.get_or_insert_with(|| {
                let earlier = archive.day(window.date).earlier(node, window);
                earlier.map(|earlier| earlier.usage).unwrap_or_default()
            });
            usage.get(node.cards.get(index)?).cloned()
        };
        let how = (*window, config.thresholds);
        parted(entry, shares, by, how, readings).map_err(of_node)
    }
}

struct WantedNodes<'a> {
    /// Whether they are named; else they are all that the settings or the reports name.
    are_named: bool,
    /// Each with its node; the settings may have had the others once.
    nodes: Vec<(&'a str, Option<&'a Node>)>,
}

impl<'a> WantedNodes<'a> {
    fn new(config: &'a Config, names: &'a [String]) -> Self {
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

    fn include(&self, name: &str) -> bool {
        !self.are_named || self.nodes.iter().any(|(wanted, _)| *wanted == name)
    }

    /// Refuses a name that neither the settings nor a report has.
    fn are_known(
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
    fn add_day(&self, window: &Window, archive: &Archive, usage: &mut Usage) -> Option<DayLedger> {
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

/// Why there are no accounts of these nodes, by the record of the runs of the day.
fn why_not(archive: &Archive, date: NaiveDate, nodes: &[(&str, Option<&Node>)]) -> AbsenceReason {
    match archive.record(date) {
        Ok(Some(record)) => {
            let reasons = nodes
                .iter()
                .map(|(name, _)| why_not_of_node(record.node(name)));
            reasons.max().unwrap_or(AbsenceReason::NotCollected)
        }
        Ok(None) => {
            let present: Vec<_> = nodes.iter().filter_map(|(_, node)| *node).collect();
            if archive.day(date).are_any_there(&present) {
                AbsenceReason::Lost
            } else {
                AbsenceReason::NotCollected
            }
        }
        Err(_) => AbsenceReason::Unexplained,
    }
}

fn why_not_of_node(record: Option<&NodeRecord>) -> AbsenceReason {
    let Some(record) = record else {
        return AbsenceReason::NotCollected;
    };
    match record.files.as_ref().map(|files| files.task_information) {
        None => AbsenceReason::NoReadings,
        Some(TaskSource::NotAsked) => AbsenceReason::TasksNotAsked,
        Some(TaskSource::Unavailable) => AbsenceReason::TasksUnavailable,
        Some(TaskSource::Known | TaskSource::Kept) => AbsenceReason::Lost,
    }
}
