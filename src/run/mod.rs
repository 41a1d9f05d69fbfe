//! A run: what the command line asks for, for one day or several.

mod alerts;
mod checking;
mod collecting;
mod configuration;
mod failure;
mod last_run;
mod plan;
mod range;
mod reminding;
mod request;
mod status;
mod task_information;
mod task_report;
mod telling;
mod users;

use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use crate::cli::{self, Cli, Command, OutputArgs, RunArgs};
use crate::config::{self, Config};
use crate::console::{self, Console, LogFileError, PrintError};
use crate::exit_status::ExitStatus;
use crate::notify::Watch;
use crate::output::Archive;

pub use alerts::AlertsError;
pub use failure::exit_status;
use last_run::MetricsFile;
use request::Request;
pub use request::RequestError;

/// Does what the command line asks for.
pub fn run(cli: &Cli) -> Result<ExitStatus> {
    let Some(command) = &cli.command else {
        let metrics = MetricsFile::new(metrics_file(cli), Instant::now());
        let done = collect_or_report(&cli.run, &metrics);
        return done.inspect_err(|error| metrics.tell_failure(error));
    };
    match command {
        Command::Check(args) => return checking::check(args),
        Command::Alerts(args) => return alerts::tell(args),
        Command::Status(args) => return status::tell(args),
        Command::Users(args) => return users::tell(args),
        Command::Config { command } => configuration::run(command, &plain_console()?)?,
        Command::Completions { shell } => plain_console()?.print(&cli::completions(*shell))?,
        Command::Man => plain_console()?.print(&cli::manual_page())?,
    }
    Ok(ExitStatus::Complete)
}

/// Tells monitoring of a run that began at `started` and is being stopped.
pub fn tell_stopped(metrics_file: Option<&Path>, started: Instant) {
    MetricsFile::new(metrics_file, started).tell_stopped();
}

/// The file that monitoring is told in how the run ends, if there is one, and this is a run.
#[must_use]
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
    let config = config::load(args.settings.overrides())?;
    tracing::info!(settings = %config.source, "settings loaded");
    if args.user_report {
        task_report::print(&Request::new(&console, &config, args)?)
    } else if args.dry_run {
        tell_plan(&Request::new(&console, &config, args)?)
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
    watch.warnings().iter().for_each(console::warn);
    match Request::new(console, config, args) {
        Ok(request) => {
            let dates = request.dates().unwrap_or_default();
            let collected = collecting::collect(&request);
            let collected = collected.map(|mut collected| {
                if let Some(error) = no_log {
                    collected.add_untold(error);
                }
                metrics.tell(collected)
            });
            telling::tell(watch, collected, &dates)
        }
        Err(error) => telling::tell(watch, Err(error.into()), &[]),
    }
}

/// Says what would be collected.
fn tell_plan(request: &Request) -> Result<ExitStatus> {
    let archive = Archive::new(&request.config.data_dir, request.config.gpu_files);
    let plan = plan::plan(request, &archive)?;
    if request.args.output.json {
        print_json(request.console, &plan)?;
    } else {
        request.console.print(plan.lines().as_bytes())?;
    }
    Ok(ExitStatus::Complete)
}

fn print_json(console: &Console, report: &impl serde::Serialize) -> Result<(), PrintError> {
    let mut text = serde_json::to_vec_pretty(report).expect("a report has string keys alone");
    text.push(b'\n');
    console.print(&text)
}
