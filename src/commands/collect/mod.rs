//! Collecting: plan, then for each day its tasks and nodes, the files, and the record for later runs.

pub mod args;
pub mod day;
pub mod days;
pub mod digest;
pub mod metrics_file;
pub mod node;
pub mod nodes;
pub mod plan;
pub mod request;
pub mod task_report;
pub mod tasks;
pub mod without_readings;
pub mod worker;

use std::path::Path;

use anyhow::Result;
use chrono::NaiveDate;

use super::export;
use super::failure::exit_status;
use super::frame::{CommonArgs, Frame};
use crate::model::{ExitStatus, said, text};
use crate::outlets::console::{self, Console, LogFileError};
use crate::outlets::notify::{Ended, Watch};
use crate::report::{Collected, DayResult, PlanReport};
use crate::settings::{Config, Token};
use crate::sources::netdata;
use crate::store::{Archive, DataDir};
use args::RunArgs;
use day::Run;
use metrics_file::MetricsFile;
use request::Request;

/// Collects; or prints the tasks of a day, or what would be collected.
pub fn run(args: &RunArgs, common: &CommonArgs, metrics: &MetricsFile) -> Result<ExitStatus> {
    if args.user_report || args.dry_run {
        let frame = Frame::open(common)?;
        let config = loaded(frame.config()?);
        let request = Request::new(&frame, &config, args)?;
        return if args.user_report {
            task_report::print(&request)
        } else {
            print_plan(&request)
        };
    }
    // Without a trace the figures are worth no less, and tomorrow the agents may have forgotten them.
    let (console, no_log) = Console::open_as_far_as_possible(&common.output);
    no_log.iter().for_each(console::fail);
    let frame = Frame {
        args: common,
        console,
    };
    let ended = frame.config().map_err(Into::into).and_then(|config| {
        collect_and_notify(&frame, &loaded(config), args, metrics, no_log.as_ref())
    });
    ended.inspect_err(|error| drop(metrics.write(exit_status(error), None)))
}

fn loaded(config: Config) -> Config {
    let built_in = Path::new(text("內建設定", "built-in settings"));
    let source = config.source.as_deref().unwrap_or(built_in);
    let shard = config.shard.map(|shard| shard.to_string());
    tracing::info!(settings = %source.display(), shard, "settings loaded");
    config
}

/// Collects, and notifies those who wait for the result. That somebody could not be notified changes nothing.
fn collect_and_notify(
    frame: &Frame,
    config: &Config,
    args: &RunArgs,
    metrics: &MetricsFile,
    no_log: Option<&LogFileError>,
) -> Result<ExitStatus> {
    let watch = Watch::begin(&config.notify);
    watch.warnings.iter().for_each(console::warn);
    let request = match Request::new(frame, config, args) {
        Ok(request) => request,
        Err(error) => return finish(watch, Err(error.into()), &[]),
    };
    let collected = collect(&request).map(|mut collected| {
        if let Some(error) = no_log {
            collected.add_failed_output(error);
        }
        let last = collected.days.iter().rev().find_map(DayResult::report);
        // Whoever reads the file would take the run before for this one.
        if let Err(error) = metrics.write(collected.exit_status(), last) {
            collected.add_failed_output(&error);
        }
        collected
    });
    finish(watch, collected, &request.dates())
}

/// Notifies those who wait for the run of these days how it ended, and answers its status.
fn finish(watch: Watch, collected: Result<Collected>, dates: &[NaiveDate]) -> Result<ExitStatus> {
    let ended = match &collected {
        Ok(collected) => Ended::Collected(collected),
        Err(error) => Ended::Failed {
            error,
            exit_status: exit_status(error),
            dates,
        },
    };
    watch.end(&ended).iter().for_each(console::warn);
    Ok(collected?.exit_status())
}

fn collect<'a>(request: &'a Request<'a>) -> Result<Collected<'a>> {
    // Before anything is touched, because what is asked for may make no sense.
    plan::windows(request)?;
    let config = request.config;
    let token_file = &config.management_api.token_file;
    let token = (!request.args.skip_task_info).then(|| Token::find(token_file));
    let run = Run {
        request,
        token: token.transpose()?,
        data_dir: DataDir::open(config, request.args.wait)?,
        client: netdata::Client::new(&config.netdata, &request.nodes),
    };
    if let Some(owner) = run.data_dir.owner_beside_root() {
        console::warn(said!(
            "資料目錄 {data_dir} 屬於 UID {owner}，這次卻以 root 執行：該帳號之後可能無法讀寫這些檔案。請以該帳號執行（sudo -u '#{owner}'），並把檔案的擁有者改回來（chown -R）",
            "the data directory {data_dir} belongs to UID {owner}, but this run is by root: that account may then be unable to read or write these files. Run as that account (sudo -u '#{owner}'), and give the files back to it (chown -R)",
            data_dir = config.data_dir.display()
        ));
    }
    // With the lock: the run that was waited for may have changed what is missing, and have written readings that had
    // not been due before.
    let plan = plan::plan(request, &run.data_dir)?;
    let mut collected = days::collect_days(&run, &plan.days)?;
    let dates: Vec<_> = plan.days.iter().map(|day| day.window.date).collect();
    let copied = export::nightly(config, &run.data_dir, &dates);
    for problem in copied.unwrap_or_else(|error| vec![format!("{error:#}")]) {
        console::fail(&problem);
        collected.add_failed_output(&problem);
    }
    if let Err(error) = digest::send_if_due(request, &run.data_dir) {
        let error = format!("{error:#}");
        console::fail(&error);
        collected.add_failed_output(&error);
    }
    Ok(collected)
}

fn print_plan(request: &Request) -> Result<ExitStatus> {
    let archive = Archive::new(request.config);
    let plan = plan::plan(request, &archive)?;
    for day in &plan.days {
        plan::check_settings(request, day, &archive)?;
    }
    request
        .frame
        .print_report(&plan, false, PlanReport::lines)?;
    Ok(ExitStatus::Complete)
}
