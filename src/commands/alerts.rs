//! `alerts`: who has idle GPUs, and telling them.

use anyhow::Result;
use chrono::{Days, NaiveDate};

use super::alerts_args::AlertsArgs;
use super::reminders;
use super::request::now;
use crate::analysis::idle::{Memory, Reason, RuledTasks, Tally, TaskEvidence};
use crate::analysis::record::DayRecord;
use crate::model::cluster::Node;
use crate::model::day::{DateArg, DateError, Window};
use crate::model::exit_status::ExitStatus;
use crate::model::units::UnixSeconds;
use crate::outlets::console::{self, Console, print_json};
use crate::outlets::notify::Channels;
use crate::report::alerts::{self, AlertsReport};
use crate::settings::{self, Config};
use crate::sources::management_api::kept;
use crate::store::archive::Archive;
use crate::store::day_files::Earlier;
use crate::store::records;
use crate::store::state::ReadError;
use crate::store::tree::DataDir;

/// Why nobody can be told of idle GPUs.
#[derive(Debug, thiserror::Error)]
pub enum AlertsError {
    /// The settings name no channel.
    #[error("--send 需要通知的管道：請在設定檔的 [notify] 設定 webhook_url 或 [notify.smtp]")]
    NoChannel,
    /// Whoever is told of days long past is not told again for a while, and so not of what is idle now.
    #[error(
        "--send 只能通知最近 {window_days} 天（window_days）的閒置情形，{date} 太早\
         （請改用 {earliest} 或之後的日期；不加 --send 可以列出）"
    )]
    LongPast {
        /// The date.
        date: NaiveDate,
        /// How many days back it may lie.
        window_days: u16,
        /// The first one that does not lie further back.
        earliest: NaiveDate,
    },
    /// What is known of earlier notices cannot be read.
    #[error(
        "{path} 無法解析：不知道通知過誰，因此不再通知（請從備份還原；移除它會重新通知所有人）"
    )]
    MemoryDamaged {
        /// The file.
        path: String,
    },
}

/// Says who has idle GPUs, and tells them if that is asked for.
pub fn run(args: &AlertsArgs) -> Result<ExitStatus> {
    let console = Console::open(&args.output)?;
    let config = settings::load(&args.settings)?;
    let last = args.date.resolve(config.zone, now());
    if args.send {
        let today = DateArg::Today.resolve(config.zone, now());
        check_recent(last, today, config.alerts.window_days)?;
        send(args, &console, &config, last)
    } else {
        list(args, &console, &config, last)
    }
}

fn check_recent(date: NaiveDate, today: NaiveDate, window_days: u16) -> Result<(), AlertsError> {
    let earliest = today.checked_sub_days(Days::new(window_days.into()));
    match earliest {
        Some(earliest) if date < earliest => Err(AlertsError::LongPast {
            date,
            window_days,
            earliest,
        }),
        _ => Ok(()),
    }
}

fn list(
    args: &AlertsArgs,
    console: &Console,
    config: &Config,
    last: NaiveDate,
) -> Result<ExitStatus> {
    let archive = Archive::new(&config.data_dir, config.gpu_files);
    let tally = tally(config, &archive, last)?;
    let report = report(config, &tally, last, &memory(&archive)?);
    print(args, console, &report)?;
    Ok(report.exit_status)
}

fn send(
    args: &AlertsArgs,
    console: &Console,
    config: &Config,
    last: NaiveDate,
) -> Result<ExitStatus> {
    let channels = channels(config)?;
    let open = |patience| DataDir::open(&config.data_dir, config.gpu_files, patience);
    let data_dir = open(args.wait)?;
    let tally = tally(config, data_dir.archive(), last)?;
    let mut memory = memory(data_dir.archive())?;
    let mut report = report(config, &tally, last, &memory);
    let due = reminders::remember(&mut report, &mut memory, config, &channels);
    if !due.is_empty() {
        data_dir.keep_alerts(&memory.to_json())?;
    }
    // The lock is for what is remembered. Whoever collects need not wait until everybody is told.
    drop(data_dir);
    if !due.is_empty() {
        reminders::send(&mut report, due, config, &channels, open);
    }
    print(args, console, &report)?;
    Ok(report.exit_status)
}

/// Prints the report, and warns if it says little. With `--quiet`, those who are told of the alerts need not read of them twice.
fn print(args: &AlertsArgs, console: &Console, report: &AlertsReport) -> Result<()> {
    if args.output.json {
        print_json(console, report)?;
    } else if !args.output.quiet || (!args.send && !report.alerts.is_empty()) {
        console.print(report.text().as_bytes())?;
    }
    if let Some(warning) = report.warning() {
        console::warn(warning);
    }
    Ok(())
}

/// The channels of the admin, of which there has to be one.
fn channels(config: &Config) -> Result<Channels> {
    let (channels, no_secret) = Channels::open(&config.notify);
    if let Some(error) = no_secret {
        return Err(error.into());
    }
    if channels.is_empty() {
        return Err(AlertsError::NoChannel.into());
    }
    Ok(channels)
}

fn report<'a>(
    config: &'a Config,
    tally: &'a Tally,
    last: NaiveDate,
    memory: &Memory,
) -> AlertsReport<'a> {
    let days = alerts::Days {
        first: first_date(config, last),
        last,
        zone: config.zone,
    };
    let settings = (&config.alerts, config.thresholds.idle);
    AlertsReport::new(tally, settings, days, memory, now())
}

/// The first of the days that end with `last`.
fn first_date(config: &Config, last: NaiveDate) -> NaiveDate {
    let before = u64::from(config.alerts.window_days.saturating_sub(1));
    last.checked_sub_days(Days::new(before)).unwrap_or(last)
}

/// Who was told before.
pub fn memory(archive: &Archive) -> Result<Memory> {
    let Some(file) = archive.alerts()? else {
        return Ok(Memory::default());
    };
    let path = archive.alerts_file().display().to_string();
    Memory::from_json(&file).ok_or_else(|| AlertsError::MemoryDamaged { path }.into())
}

/// What users held on the days that end with `last`.
fn tally(config: &Config, archive: &Archive, last: NaiveDate) -> Result<Tally> {
    let now = now();
    // Only of the day that is asked for it is an error that there is no such day.
    Window::new(last, config.zone, config.interval, now)?;
    let mut tally = Tally::default();
    for date in first_date(config, last)
        .iter_days()
        .take_while(|date| *date <= last)
    {
        add_day(&mut tally, config, archive, date, now)?;
    }
    Ok(tally)
}

fn add_day(
    tally: &mut Tally,
    config: &Config,
    archive: &Archive,
    date: NaiveDate,
    now: UnixSeconds,
) -> Result<()> {
    let window = match Window::new(date, config.zone, config.interval, now) {
        Ok(window) => window,
        Err(DateError::Skipped { .. }) => return Ok(()),
        Err(error) => {
            tally.leave_out_date(date, Reason::NoSuchDay(error));
            return Ok(());
        }
    };
    let evidence = match tasks(archive, &window) {
        Ok(evidence) => evidence,
        Err(reason) => {
            tally.leave_out(&window, None, reason);
            return Ok(());
        }
    };
    let tasks = RuledTasks::new(&evidence, &config.alerts);
    let nodes = config.nodes.iter().filter(|node| tasks.concern(node));
    if let Some(reason) = evidence.doubt() {
        tally.leave_out(&window, None, reason.clone());
        nodes.for_each(|node| tally.add_unknown(node, &window, &tasks));
        return Ok(());
    }
    let record = records::record(archive, date)?;
    if nodes.clone().next().is_none() {
        tally.add_free_day();
    }
    for node in nodes {
        match earlier(archive, node, &window, record.as_ref()) {
            Ok(Earlier { usage, .. }) => {
                let settings = (&config.alerts, config.thresholds);
                tally.add(node, &window, &tasks, usage, settings);
            }
            Err(reason) => {
                tally.leave_out(&window, Some(node), reason);
                tally.add_unknown(node, &window, &tasks);
            }
        }
    }
    Ok(())
}

/// The tasks of a day that is over.
fn tasks(archive: &Archive, window: &Window) -> Result<TaskEvidence, Reason> {
    if !window.is_over() {
        return Err(Reason::Running);
    }
    let file = archive.kept_tasks(window.date).ok_or(Reason::NoTasks)?;
    let kept = kept::recall(&file, window).ok_or(Reason::UnreadableTasks)?;
    Ok(TaskEvidence::new(kept, window))
}

/// The readings of a node's whole day, as far as there are any.
fn earlier(
    archive: &Archive,
    node: &Node,
    window: &Window,
    record: Option<&DayRecord>,
) -> Result<Earlier, Reason> {
    let record = record.filter(|record| record.is_of(window));
    let files = record.and_then(|record| record.node(&node.name)?.files.as_ref());
    if let Some(files) = files.filter(|files| files.until < window.end) {
        return Err(Reason::CollectedEarly(window.clock(files.until)));
    }
    let earlier = archive.day(window.date).earlier(node, window);
    let earlier = earlier.map_err(|error| {
        let (path, cause) = (error.path, error.cause);
        Reason::Unreadable(ReadError { path, cause }.to_string())
    })?;
    match earlier.unusable.first() {
        Some(file) => Err(Reason::Unreadable(format!(
            "{} 無法使用：{}",
            file.path.display(),
            file.problem
        ))),
        None => Ok(earlier),
    }
}
