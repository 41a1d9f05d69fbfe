//! `users`: who held how many GPU-hours over some days, from the reports of those days.

use std::collections::BTreeSet;

use anyhow::Result;

use super::request::{RequestError, now, range};
use super::users_args::UsersArgs;
use crate::analysis::ledger::DayLedger;
use crate::analysis::record::NodeRecord;
use crate::analysis::usage::{AbsenceReason, Usage, dates};
use crate::formats::{usage_csv, usage_table};
use crate::model::capped::Capped;
use crate::model::cluster::Node;
use crate::model::day::{DateError, Window};
use crate::model::exit_status::ExitStatus;
use crate::model::task::TaskSource;
use crate::outlets::console::{self, Console, print_json};
use crate::report::UsageReport;
use crate::settings::{self, Config};
use crate::store::archive::Archive;
use crate::store::{pseudonym_key, reports};

/// Says who held how many GPU-hours.
pub fn run(args: &UsersArgs) -> Result<ExitStatus> {
    let console = Console::open(&args.output)?;
    let config = settings::load(&args.settings)?;
    let usage = add_up(&config, args)?;
    let usage = select_users(usage, &config, args)?;
    let exit_status = if usage.is_complete() {
        ExitStatus::Complete
    } else {
        ExitStatus::Incomplete
    };
    if args.output.json {
        let zone = config.zone.name();
        print_json(
            &console,
            &UsageReport::new(&usage, args.sort, zone, exit_status),
        )?;
    } else if args.csv {
        console.print(&usage_csv::render(&usage, args.sort))?;
        usage_table::remarks(&usage).iter().for_each(console::warn);
    } else if !(args.output.quiet && usage.is_complete()) {
        console.print(usage_table::render(&usage, args.sort).as_bytes())?;
    }
    Ok(exit_status)
}

/// The accounts of every day that is asked for, one day after the other.
fn add_up(config: &Config, args: &UsersArgs) -> Result<Usage> {
    let wanted = WantedNodes::new(config, &args.nodes);
    let (now, zone) = (now(), config.zone);
    let (first, last) = range(args.date, args.to, zone, now)?;
    let window = |date| Window::new(date, zone, config.interval, now);
    if let Err(error @ DateError::Future { .. }) = window(last) {
        return Err(error.into());
    }
    let archive = Archive::new(&config.data_dir, config.gpu_files);
    let mut usage = Usage::new(first, last);
    let mut reported = BTreeSet::new();
    for date in first.iter_days().take_while(|&date| date <= last) {
        match window(date) {
            // A zone that crossed the date line has no such day, and the days around it are whole.
            Err(DateError::Skipped { .. }) if args.to.is_some() => {}
            window => {
                let day = Day {
                    window: window?,
                    wanted: &wanted,
                    archive: &archive,
                };
                reported.extend(day.add_to(&mut usage, config));
            }
        }
    }
    wanted.are_known(&reported, config, &dates(first, last))?;
    Ok(usage)
}

/// The nodes that are asked for.
struct WantedNodes<'a> {
    /// Whether they are named; else they are all that the settings or the reports name.
    are_named: bool,
    /// Those of the settings.
    present: Vec<&'a Node>,
    /// The names of the others, which the settings may have had once.
    former: Vec<&'a str>,
}

impl<'a> WantedNodes<'a> {
    fn new(config: &'a Config, names: &'a [String]) -> Self {
        let nodes = config.nodes.iter();
        let is_former = |name: &&str| !config.nodes.iter().any(|node| node.name == **name);
        Self {
            are_named: !names.is_empty(),
            present: nodes
                .filter(|node| names.is_empty() || names.contains(&node.name))
                .collect(),
            former: names.iter().map(String::as_str).filter(is_former).collect(),
        }
    }

    fn include(&self, name: &str) -> bool {
        !self.are_named
            || self.present.iter().any(|node| node.name == name)
            || self.former.contains(&name)
    }

    /// Refuses a name that neither the settings nor a report has.
    fn are_known(
        &self,
        reported: &BTreeSet<String>,
        config: &Config,
        days: &str,
    ) -> Result<(), RequestError> {
        let mut former = self.former.iter();
        let Some(name) = former.find(|&&name| !reported.contains(name)) else {
            return Ok(());
        };
        let mut known: Vec<_> = config.nodes.iter().map(|node| node.name.as_str()).collect();
        for name in reported {
            if !known.contains(&name.as_str()) {
                known.push(name);
            }
        }
        Err(RequestError::UnreportedNode {
            name: (*name).to_owned(),
            days: days.to_owned(),
            known: known.join("、"),
        })
    }
}

/// One of the days.
struct Day<'a> {
    window: Window,
    wanted: &'a WantedNodes<'a>,
    archive: &'a Archive,
}

impl Day<'_> {
    /// Adds the day, and tells which nodes its report has.
    fn add_to(&self, usage: &mut Usage, config: &Config) -> BTreeSet<String> {
        let date = self.window.date;
        let WantedNodes {
            present, former, ..
        } = self.wanted;
        let absence = match reports::ledger(&config.data_dir, date) {
            Ok(Some(ledger)) if self.is_of_this_zone(&ledger) => {
                usage.add(date, &ledger, |name| self.wanted.include(name));
                for &node in present {
                    if !ledger.contains_key(&node.name) {
                        usage.lacks_node(date, &node.name, self.why_not(&[node], &[]));
                    }
                }
                for &name in former {
                    if !ledger.contains_key(name) {
                        usage.lacks_node(date, name, self.why_not(&[], &[name]));
                    }
                }
                return ledger.into_keys().collect();
            }
            Ok(Some(_)) => AbsenceReason::OtherZone,
            Ok(None) => self.why_not(present, former),
            Err(error) => {
                console::fail(error);
                AbsenceReason::Damaged
            }
        };
        usage.add_nothing(date, absence);
        BTreeSet::new()
    }

    fn is_of_this_zone(&self, ledger: &DayLedger) -> bool {
        let (start, end) = (self.window.start, self.window.end);
        let mut nodes = ledger.values();
        nodes.all(|node| node.known.from == start && node.known.to <= end)
    }

    /// Why there are no accounts of these nodes, by the record of the runs of the day.
    fn why_not(&self, present: &[&Node], former: &[&str]) -> AbsenceReason {
        let date = self.window.date;
        let Ok(record) = self.archive.record(date) else {
            return AbsenceReason::Unexplained;
        };
        let Some(record) = record else {
            return if self.archive.day(date).are_any_there(present) {
                AbsenceReason::Lost
            } else {
                AbsenceReason::NotCollected
            };
        };
        let names = present.iter().map(|node| node.name.as_str());
        let reasons = names
            .chain(former.iter().copied())
            .map(|name| why_not_of_node(record.node(name)));
        reasons.max().unwrap_or(AbsenceReason::NotCollected)
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
    // Without accounts nobody can tell whether there is such a user, and there is nobody to be hidden.
    if usage.total().is_none() {
        return Ok(usage);
    }
    let (mut usage, wanted) = if args.anonymize {
        let pseudonyms = pseudonym_key::pseudonyms(&config.data_dir)?;
        let wanted = args.user.as_deref();
        let wanted = wanted.map(|user| pseudonyms.user_meant_by(user));
        (usage.renamed(|user| pseudonyms.user(user)), wanted)
    } else {
        (usage, args.user.clone())
    };
    if let Some(wanted) = wanted {
        if !usage.users.contains_key(&wanted) {
            return Err(unknown_user(wanted, &usage).into());
        }
        usage.users.retain(|user, _| *user == wanted);
    }
    Ok(usage)
}

fn unknown_user(name: String, usage: &Usage) -> RequestError {
    let users: Capped<_, 20> = usage.users.keys().collect();
    let count = users.len();
    let known = match count {
        0 => "沒有人佔用 GPU".to_owned(),
        _ => "有 ".to_owned() + &users.joined(|_| format!(" 等 {count} 位使用者")),
    };
    RequestError::UnknownUser {
        name,
        days: dates(usage.from, usage.to),
        known,
    }
}
