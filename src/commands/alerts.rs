//! `alerts`: who has idle GPUs, and notifying them.

use std::time::Duration;

use anyhow::Result;
use chrono::{Days, NaiveDate};
use clap::Args;

use super::calendar::{Calendar, now};
use super::frame::Frame;
use super::reminders;
use super::request::{RequestError, open_archive, warn_of_archive_dirs};
use super::span::SpanArgs;
use super::values::parse_seconds;
use crate::analysis::DayRecord;
use crate::analysis::idle::{Reason, RuledTasks, Tally};
use crate::model::{DateArg, DateError, ExitStatus, KeptAnswer, Node, Window, counted, said, text};
use crate::outlets::console;
use crate::outlets::notify::Channels;
use crate::report::alerts::AlertsReport;
use crate::settings::Config;
use crate::sources::management_api::kept;
use crate::store::{Archive, DataDir, Earlier, ReadError, UnusableFile, WriteError};

#[derive(Args, Debug)]
pub struct AlertsArgs {
    #[command(flatten)]
    span: SpanArgs,
    #[arg(long, help = text(
        "通知管理員 ([notify])，並寄信給 [users] 中有地址的\n使用者",
        "notify the admin ([notify]), and mail the users with an\naddress in [users]",
    ))]
    send: bool,
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, requires = "send")]
    #[arg(default_value = "0", hide_default_value = true)]
    #[arg(help = text(
        "--send 時，另一次執行佔用資料目錄，最多等待的秒數\n[預設: 0]",
        "with --send, how long to wait for another run that\nholds the data directory [default: 0]",
    ))]
    wait: Duration,
}

pub fn run(args: &AlertsArgs, frame: &Frame) -> Result<ExitStatus> {
    let config = frame.config()?;
    let days = days(&config, &args.span)?;
    if args.send {
        send(args, frame, &config, days)
    } else {
        let archive = open_archive(&config);
        let tally = tally(&config, &archive, days)?;
        let memory = reminders::memory(&archive)?;
        let report = AlertsReport::new(&tally, &config, days, &memory, now());
        print(frame, &report, report.alerts.is_empty())
    }
}

fn send(
    args: &AlertsArgs,
    frame: &Frame,
    config: &Config,
    days: (NaiveDate, NaiveDate),
) -> Result<ExitStatus> {
    check_recent(days.1, config)?;
    check_length(days, config)?;
    let (channels, no_secret) = Channels::open(&config.notify);
    if let Some(error) = no_secret {
        return Err(error.into());
    }
    if channels.is_empty() {
        let message = text(
            "--send 需要通知的管道：請在設定檔的 [notify] 設定 webhook_url 或 [notify.smtp]",
            "--send needs a channel for notifications: set webhook_url in [notify], or [notify.smtp], in the settings file",
        );
        let (message, exit_status) = (message.to_owned(), ExitStatus::Configuration);
        return Err(RequestError {
            message,
            exit_status,
        }
        .into());
    }
    let open = |patience| DataDir::open(config, patience);
    let data_dir = open(args.wait)?;
    warn_of_archive_dirs(&data_dir);
    let tally = tally(config, &data_dir, days)?;
    let mut memory = reminders::memory(&data_dir)?;
    let mut report = AlertsReport::new(&tally, config, days, &memory, now());
    let due = reminders::remember(&mut report, &mut memory, config, &channels);
    if !due.is_empty() {
        reminders::check_threads()?;
        data_dir.keep_alerts(&memory)?;
    }
    // The lock is for what is remembered. Whoever collects need not wait until everybody is notified.
    drop(data_dir);
    if !due.is_empty() {
        reminders::send(&mut report, due, config, &channels, open);
    }
    // Who is notified of the alerts need not read of them twice.
    print(frame, &report, true)
}

/// Who is notified of days long past is not notified again for a while, and so not of what is idle now.
fn check_recent(date: NaiveDate, config: &Config) -> Result<(), RequestError> {
    let window_days = config.alerts.window_days;
    let today = Calendar::now(config).date(DateArg::Today);
    match today.checked_sub_days(Days::new(window_days.into())) {
        Some(earliest) if date < earliest => Err(RequestError::usage(said!(
            "--send 只能通知最近 {days}（window_days）的閒置情形，{date} 太早\
             （請改用 {earliest} 或之後的日期；不加 --send 可以列出）",
            "--send notifies only of idle GPUs in the last {days} (window_days), and {date} is too early (use \
             {earliest} or later, or list them without --send)",
            days = counted(window_days.into(), "天", "day", "days")
        ))),
        _ => Ok(()),
    }
}

/// The thresholds are for `window_days` days: over more, whoever keeps below them reaches them.
fn check_length(
    (first, last): (NaiveDate, NaiveDate),
    config: &Config,
) -> Result<(), RequestError> {
    let window_days = usize::from(config.alerts.window_days);
    let asked = first.iter_days().take_while(|date| *date <= last).count();
    if asked <= window_days {
        return Ok(());
    }
    let of_days = |days| counted(days, "天", "day", "days");
    let (most, asked) = (of_days(window_days), of_days(asked));
    Err(RequestError::usage(said!(
        "--send 一次最多通知 {most}（window_days）的閒置情形，{first} 到 {last} 有 {asked}\
         （請縮短期間；不加 --send 可以列出）",
        "--send notifies of at most {most} (window_days), and {first} to {last} are {asked} (ask for fewer, or list \
         them without --send)"
    )))
}

/// Prints the report, and warns if there was little evidence.
fn print(frame: &Frame, report: &AlertsReport, is_fine: bool) -> Result<ExitStatus> {
    frame.print_report(report, is_fine, AlertsReport::text)?;
    if let Some(warning) = report.warning() {
        console::warn(warning);
    }
    Ok(report.exit_status)
}

/// The first and the last of the days that are looked at together. A date alone is the last one.
fn days(config: &Config, span: &SpanArgs) -> Result<(NaiveDate, NaiveDate)> {
    let calendar = Calendar::now(config);
    let Some(last) = span.lone_date() else {
        return span.year_at_most(&calendar);
    };
    let last = calendar.date(last);
    let before = u64::from(config.alerts.window_days.saturating_sub(1));
    let first = last.checked_sub_days(Days::new(before));
    Ok((first.unwrap_or(last), last))
}

/// What users held on these days.
fn tally(
    config: &Config,
    archive: &Archive,
    (first, last): (NaiveDate, NaiveDate),
) -> Result<Tally> {
    let calendar = Calendar::now(config);
    // Only of the day that is asked for it is an error that there is no such day.
    calendar.window(last)?;
    let mut tally = Tally::default();
    for (date, window) in calendar.windows(first, last) {
        match window {
            Ok(window) => add_day(&mut tally, config, archive, &window)?,
            Err(DateError::Skipped { .. }) => {}
            Err(error) => tally.leave_out(date, None, None, Reason::NoSuchDay(error)),
        }
    }
    Ok(tally)
}

fn add_day(tally: &mut Tally, config: &Config, archive: &Archive, window: &Window) -> Result<()> {
    let kept = match tasks(archive, window) {
        Ok(kept) => kept,
        Err(reason) => {
            tally.leave_out(window.date, None, None, reason);
            return Ok(());
        }
    };
    let tasks = RuledTasks::new(&kept, window, &config.alerts);
    let nodes = config.nodes.iter().filter(|node| tasks.concern(node));
    if let Some(reason) = &tasks.doubt {
        tally.leave_out(window.date, None, None, reason.clone());
        nodes.for_each(|node| tally.add_unknown(node, window, &tasks));
        return Ok(());
    }
    let record = archive.record(window.date)?;
    if nodes.clone().next().is_none() {
        tally.has_free_day = true;
    }
    for node in nodes {
        match earlier(archive, node, window, record.as_ref()) {
            Ok(Earlier { usage, .. }) => {
                let settings = (&config.alerts, config.thresholds);
                tally.add(node, window, &tasks, usage, settings);
            }
            Err(reason) => {
                tally.leave_out(window.date, Some(node), None, reason);
                tally.add_unknown(node, window, &tasks);
            }
        }
    }
    Ok(())
}

fn tasks(archive: &Archive, window: &Window) -> Result<KeptAnswer, Reason> {
    if !window.is_over() {
        return Err(Reason::Running);
    }
    let file = archive.kept_tasks(window.date);
    let file = file.map_err(|error| Reason::Unreadable(error.to_string()))?;
    let file = file.ok_or(Reason::NoTasks)?;
    kept::recall(&file, window).ok_or(Reason::UnreadableTasks)
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
    let unreadable = |WriteError { path, cause }| {
        let error = ReadError { path, cause };
        Reason::Unreadable(error.to_string())
    };
    let earlier = archive.day(window.date).earlier(node, window);
    let earlier = earlier.map_err(unreadable)?;
    if let Some(UnusableFile { path, problem, .. }) = earlier.unusable.first() {
        let path = path.display();
        let reason = said!(
            "{path} 無法使用：{problem}",
            "{path} cannot be used: {problem}"
        );
        return Err(Reason::Unreadable(reason));
    }
    Ok(earlier)
}
