//! `users`: who held how many GPU-hours over some days, from the reports of those days.

use std::collections::BTreeSet;
use std::slice;

use anyhow::Result;
use chrono::NaiveDate;
use clap::Args;

use super::calendar::Calendar;
use super::frame::Frame;
use super::request::{RequestError, open_archive};
use super::values::{node_name, user_name};
use crate::analysis::NodeRecord;
use crate::analysis::usage::{AbsenceReason, Usage, UserOrder, dates};
use crate::formats::{usage_csv, usage_table};
use crate::model::{
    Capped, DateArg, DateError, ExitStatus, Node, TaskSource, Window, comma, said, text,
};
use crate::outlets::console;
use crate::report::UsageReport;
use crate::settings::Config;
use crate::store::{Archive, pseudonym_key, reports};

#[derive(Args, Debug)]
pub struct UsersArgs {
    // A day is in its report only once it is collected, which is at night.
    #[arg(value_name = "DATE", default_value = "yesterday")]
    #[arg(hide_default_value = true)]
    #[arg(help = text(
        "日期: YYYY-MM-DD、today 或 yesterday [預設: yesterday]",
        "the day: YYYY-MM-DD, today or yesterday [default: yesterday]",
    ))]
    date: DateArg,
    #[arg(long, value_name = "DATE")]
    #[arg(help = text("合計 DATE 到這個日期的每一天", "add up each day from DATE to this"))]
    to: Option<DateArg>,
    #[arg(long, value_name = "NAME", value_parser = user_name())]
    #[arg(help = text(
        "只列這位使用者 (搭配 --anonymize 時，名稱或代號皆可)",
        "list this user alone (with --anonymize, by name or\npseudonym)",
    ))]
    user: Option<String>,
    #[arg(long = "node", value_name = "NAME", value_delimiter = ',', value_parser = node_name())]
    #[arg(help = text(
        "只計這些節點 (可重複，或以逗號分隔)",
        "count these nodes alone (repeatable, or with commas)",
    ))]
    nodes: Vec<String>,
    #[arg(long, value_name = "ORDER", value_enum, default_value_t)]
    #[arg(hide_default_value = true, hide_possible_values = true)]
    #[arg(help = text(
        "排序: idle (閒置時數)、allocated (時數)\n或 name (名稱) [預設: idle]",
        "order: idle (hours idle), allocated (hours held)\nor name [default: idle]",
    ))]
    sort: UserOrder,
    #[arg(long, conflicts_with = "json")]
    #[arg(help = text("以 CSV 輸出，並含精確的秒數", "print CSV, with exact seconds"))]
    csv: bool,
    #[arg(long, help = text("以固定的代號取代使用者的名稱", "print stable pseudonyms instead of user names"))]
    anonymize: bool,
}

pub fn run(args: &UsersArgs, frame: &Frame) -> Result<ExitStatus> {
    let config = frame.config()?;
    let usage = add_up(&config, args)?;
    let usage = select_users(usage, &config, args)?;
    let exit_status = ExitStatus::incomplete_unless(usage.is_complete());
    if args.csv {
        let render = || usage_csv::render(&usage, args.sort);
        console::print(config.file_language.in_it(render))?;
        usage_table::remarks(&usage).iter().for_each(console::warn);
    } else {
        let report = UsageReport::new(&usage, args.sort, config.zone.name(), exit_status);
        frame.print_report(&report, usage.is_complete(), |_| {
            usage_table::render(&usage, args.sort)
        })?;
    }
    Ok(exit_status)
}

/// The accounts of every day that is asked for, one day after the other.
fn add_up(config: &Config, args: &UsersArgs) -> Result<Usage> {
    let wanted = WantedNodes::new(config, &args.nodes);
    let calendar = Calendar::now(config);
    let (first, last) = calendar.range(args.date, args.to, DateArg::Yesterday)?;
    if let Err(error @ DateError::Future { .. }) = calendar.window(last) {
        return Err(error.into());
    }
    let archive = open_archive(config);
    let mut usage = Usage::new(first, last);
    let mut reported = BTreeSet::new();
    for (_, window) in calendar.windows(first, last) {
        reported.extend(wanted.add_day(&window?, &archive, &mut usage));
    }
    wanted.are_known(&reported, config, &dates(first, last))?;
    Ok(usage)
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

    /// Adds a day, and answers which nodes its report has.
    fn add_day(&self, window: &Window, archive: &Archive, usage: &mut Usage) -> BTreeSet<String> {
        let date = window.date;
        let absence = match reports::ledger(archive, window) {
            Ok(Some(ledger)) if reports::is_of(&ledger, window) => {
                usage.add(date, &ledger, |name| self.include(name));
                let without = self.nodes.iter();
                for node in without.filter(|(name, _)| !ledger.contains_key(*name)) {
                    let reason = why_not(archive, date, slice::from_ref(node));
                    usage.add_absence(date, Some(node.0), reason);
                }
                return ledger.into_keys().collect();
            }
            Ok(Some(_)) => AbsenceReason::OtherZone,
            Ok(None) => why_not(archive, date, &self.nodes),
            Err(error) => {
                console::fail(error);
                AbsenceReason::Damaged
            }
        };
        usage.add_absence(date, None, absence);
        BTreeSet::new()
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

/// The users who are asked for, by the names that they are to be shown by.
fn select_users(usage: Usage, config: &Config, args: &UsersArgs) -> Result<Usage> {
    // Without accounts it is not known whether there is such a user, and there is nobody to be hidden.
    if usage.total().is_none() {
        return Ok(usage);
    }
    let (mut usage, mut wanted) = (usage, args.user.clone());
    if args.anonymize {
        let pseudonyms = pseudonym_key::pseudonyms(config)?;
        usage = usage.renamed(|user| pseudonyms.user(user));
        wanted = wanted.map(|user| pseudonyms.user_meant_by(&user));
    }
    if let Some(wanted) = wanted {
        if !usage.users.contains_key(&wanted) {
            return Err(unknown_user(&wanted, &usage).into());
        }
        usage.users.retain(|user, _| *user == wanted);
    }
    Ok(usage)
}

fn unknown_user(name: &str, usage: &Usage) -> RequestError {
    let users: Capped<_, 20> = usage.users.keys().collect();
    let count = users.len();
    let known = if count == 0 {
        text("沒有人佔用 GPU", "nobody held a GPU").to_owned()
    } else {
        let users = users.joined(|_| said!(" 等 {count} 位使用者", " and others, {count} in all"));
        said!("有 {users}", "those there are: {users}")
    };
    let days = dates(usage.from, usage.to);
    RequestError::usage(said!(
        "{days} 的報告中沒有使用者「{name}」：{known}",
        "no user '{name}' in the reports of {days}: {known}"
    ))
}
