//! `users`: who held how many GPU-hours over some days, from the reports of those days.

use anyhow::Result;
use chrono::NaiveDate;

use crate::cli::UsersArgs;
use crate::config::{self, Config, Node};
use crate::console::{self, Console};
use crate::day::{DateError, Window};
use crate::exit_status::ExitStatus;
use crate::ledger::DayLedger;
use crate::output::{self, Archive};
use crate::record::NodeRecord;
use crate::report::UsageReport;
use crate::usage::{AbsenceReason, Usage};

use super::request::{RequestError, now, range, select};
use super::{plan, print_json};

/// How many users are named where one is not among them.
const USERS_NAMED: usize = 20;

/// Says who held how many GPU-hours.
pub(super) fn tell(args: &UsersArgs) -> Result<ExitStatus> {
    let console = Console::open(&args.output)?;
    let config = config::load(args.settings.overrides())?;
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
        console.print(&output::usage_csv(&usage, args.sort))?;
        output::usage_remarks(&usage).iter().for_each(console::warn);
    } else if !(args.output.quiet && usage.is_complete()) {
        console.print(output::usage_table(&usage, args.sort).as_bytes())?;
    }
    Ok(exit_status)
}

/// The accounts of every day that is asked for, one day after the other.
fn add_up(config: &Config, args: &UsersArgs) -> Result<Usage> {
    let nodes = select(config, &args.nodes)?;
    let (now, zone) = (now(), config.zone);
    let (first, last) = range(args.date, args.to, zone, now)?;
    let window = |date| Window::new(date, zone, config.interval, now);
    if let Err(error @ DateError::Future { .. }) = window(last) {
        return Err(error.into());
    }
    let archive = Archive::new(&config.data_dir, config.gpu_files);
    let mut usage = Usage::new(first, last);
    for date in first.iter_days().take_while(|&date| date <= last) {
        match window(date) {
            // A zone that crossed the date line has no such day, and the days around it are whole.
            Err(DateError::Skipped { .. }) if args.to.is_some() => {}
            window => {
                let day = Day {
                    window: window?,
                    nodes: &nodes,
                    archive: &archive,
                };
                day.add_to(&mut usage, config, args);
            }
        }
    }
    Ok(usage)
}

/// One of the days.
struct Day<'a> {
    window: Window,
    /// The nodes of the settings that are asked for.
    nodes: &'a [&'a Node],
    archive: &'a Archive,
}

impl Day<'_> {
    fn add_to(&self, usage: &mut Usage, config: &Config, args: &UsersArgs) {
        let date = self.window.date;
        let ledger = match output::ledger(&config.data_dir, date) {
            Ok(Some(ledger)) if self.is_of_this_zone(&ledger) => ledger,
            Ok(Some(_)) => return usage.add_nothing(date, AbsenceReason::OtherZone),
            Ok(None) => return usage.add_nothing(date, self.why_not(self.nodes)),
            Err(error) => {
                console::fail(error);
                return usage.add_nothing(date, AbsenceReason::Damaged);
            }
        };
        // Those that the settings no longer name as well, unless nodes are named.
        let is_wanted =
            |name: &str| args.nodes.is_empty() || self.nodes.iter().any(|node| node.name == name);
        usage.add(date, &ledger, is_wanted);
        for &node in self.nodes {
            if !ledger.contains_key(&node.name) {
                usage.lacks_node(date, &node.name, self.why_not(&[node]));
            }
        }
    }

    fn is_of_this_zone(&self, ledger: &DayLedger) -> bool {
        let (start, end) = (self.window.start, self.window.end);
        let mut nodes = ledger.values();
        nodes.all(|node| node.known.from == start && node.known.to <= end)
    }

    /// Why there are no accounts of these nodes, by the record of the runs of the day.
    fn why_not(&self, nodes: &[&Node]) -> AbsenceReason {
        let date = self.window.date;
        let Ok(record) = plan::record(self.archive, date) else {
            return AbsenceReason::Unexplained;
        };
        let Some(record) = record else {
            return if self.archive.day(date).are_any_there(nodes) {
                AbsenceReason::Lost
            } else {
                AbsenceReason::NotCollected
            };
        };
        let reasons = nodes
            .iter()
            .map(|node| why_not_of_node(record.node(&node.name)));
        reasons.max().unwrap_or(AbsenceReason::NotCollected)
    }
}

fn why_not_of_node(record: Option<&NodeRecord>) -> AbsenceReason {
    let Some(record) = record else {
        return AbsenceReason::NotCollected;
    };
    let tasks = record
        .files
        .as_ref()
        .map(|files| files.task_information.as_str());
    match tasks {
        None => AbsenceReason::NoReadings,
        Some("not_asked") => AbsenceReason::TasksNotAsked,
        Some("unavailable") => AbsenceReason::TasksUnavailable,
        Some(_) => AbsenceReason::Lost,
    }
}

/// The users who are asked for, by the names that they are to be shown by.
fn select_users(usage: Usage, config: &Config, args: &UsersArgs) -> Result<Usage> {
    // Without accounts nobody can tell whether there is such a user, and there is nobody to be hidden.
    if usage.total().is_none() {
        return Ok(usage);
    }
    let (mut usage, wanted) = if args.anonymize {
        let pseudonyms = output::pseudonyms(&config.data_dir)?;
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
    let users: Vec<_> = usage.users.keys().map(String::as_str).collect();
    let shown = users[..users.len().min(USERS_NAMED)].join("、");
    let known = match users.len() {
        0 => "沒有人佔用 GPU".to_owned(),
        count if count > USERS_NAMED => format!("有 {shown} 等 {count} 位使用者"),
        _ => format!("有 {shown}"),
    };
    RequestError::UnknownUser {
        name,
        days: days(usage.from, usage.to),
        known,
    }
}

fn days(from: NaiveDate, to: NaiveDate) -> String {
    if from == to {
        from.to_string()
    } else {
        format!("{from} 到 {to}")
    }
}
