//! A run: what the command line asks for, for one day or several.

pub mod alerts_args;
pub mod args;
pub mod check;
pub mod check_args;
pub mod collect;
pub mod config;
pub mod config_args;
pub mod reminders;
pub mod status_args;
pub mod users_args;
pub mod values;

pub mod alerts;
pub mod failure;
pub mod request;
pub mod status;
pub mod task_report;
pub mod users;

use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use crate::cli::command::Command;
use crate::cli::{Cli, reference};
use crate::model::exit_status::ExitStatus;
use crate::outlets::console::{self, Console, LogFileError, print_json};
use crate::outlets::notify::Watch;
use crate::settings::{self, Config};
use crate::store::archive::Archive;
use args::OutputArgs;
use collect::args::RunArgs;
use collect::metrics_file::MetricsFile;
use collect::{finish, plan};
use request::Request;

/// Does what the command line asks for.
pub fn run(cli: &Cli) -> Result<ExitStatus> {
    let Some(command) = &cli.command else {
        let metrics = MetricsFile::new(metrics_file(cli), Instant::now());
        let done = collect_or_report(&cli.run, &metrics);
        return done.inspect_err(|error| metrics.write_failure(error));
    };
    match command {
        Command::Check(args) => return check::run(args),
        Command::Alerts(args) => return alerts::run(args),
        Command::Status(args) => return status::run(args),
        Command::Users(args) => return users::run(args),
        Command::Config { command } => config::run(command, &plain_console()?)?,
        Command::Completions { shell } => {
            plain_console()?.print(&reference::completions(*shell))?;
        }
        Command::Man => plain_console()?.print(&reference::manual_page())?,
    }
    Ok(ExitStatus::Complete)
}

/// Tells monitoring of a run that began at `started` and is being stopped.
pub fn write_interrupted(metrics_file: Option<&Path>, started: Instant) {
    MetricsFile::new(metrics_file, started).write_interrupted();
}

/// The file that monitoring is told in how the run ends, if there is one, and this is a run.
pub fn metrics_file(cli: &Cli) -> Option<&Path> {
    let is_run = cli.command.is_none() && !cli.run.dry_run;
    cli.run.metrics_file.as_deref().filter(|_| is_run)
}

/// For what is said without settings.
fn plain_console() -> Result<Console> {
    Ok(Console::open(&OutputArgs::default())?)
}

fn collect_or_report(args: &RunArgs, metrics: &MetricsFile) -> Result<ExitStatus> {
    let (console, no_log) = if args.user_report || args.dry_run {
        (Console::open(&args.output)?, None)
    } else {
        Console::open_as_far_as_possible(&args.output)
    };
    // Without a trace the figures are worth no less, and tomorrow the agents may have forgotten them.
    no_log.iter().for_each(console::fail);
    let config = settings::load(&args.settings)?;
    tracing::info!(settings = %config.source, "settings loaded");
    if args.user_report {
        task_report::print(&Request::new(&console, &config, args)?)
    } else if args.dry_run {
        print_plan(&Request::new(&console, &config, args)?)
    } else {
        collect(&console, &config, args, metrics, no_log.as_ref())
    }
}

/// Collects, and tells those who wait for it how that ended.
fn collect(
    console: &Console,
    config: &Config,
    args: &RunArgs,
    metrics: &MetricsFile,
    no_log: Option<&LogFileError>,
) -> Result<ExitStatus> {
    let watch = Watch::begin(&config.notify);
    watch.warnings.iter().for_each(console::warn);
    match Request::new(console, config, args) {
        Ok(request) => {
            let dates = request.dates().unwrap_or_default();
            let collected = collect::collect(&request);
            let collected = collected.map(|mut collected| {
                if let Some(error) = no_log {
                    collected.add_failed_output(error);
                }
                metrics.write_result(collected)
            });
            finish::finish(watch, collected, &dates)
        }
        Err(error) => finish::finish(watch, Err(error.into()), &[]),
    }
}

/// Says what would be collected.
fn print_plan(request: &Request) -> Result<ExitStatus> {
    let archive = Archive::new(&request.config.data_dir, request.config.gpu_files);
    let plan = plan::plan(request, &archive)?;
    if request.args.output.json {
        print_json(request.console, &plan)?;
    } else {
        request.console.print(plan.lines().as_bytes())?;
    }
    Ok(ExitStatus::Complete)
}
