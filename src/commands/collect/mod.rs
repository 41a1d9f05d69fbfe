//! Collecting: the stages in their order, for each day that is asked for.

pub mod args;
pub mod days;
pub mod finish;
pub mod metrics_file;
pub mod node;
pub mod nodes;
pub mod plan;
pub mod tasks;
pub mod worker;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::thread;
use std::time::Instant;

use anyhow::Result;

use super::request::{Request, now};
use super::values;
use crate::analysis::ledger::DayLedger;
use crate::analysis::record::DayRecord;
use crate::model::cluster::Node;
use crate::model::day::Window;
use crate::outlets::console::{self, PrintError, print_json};
use crate::report::notice::Kind;
use crate::report::{Collected, DayResult, NodeResult, PlannedDay, RunReport};
use crate::settings::Token;
use crate::sources::netdata;
use crate::sources::parallel::{self, Jobs};
use crate::store::reports::NotMergedReport;
use crate::store::tree::{DataDir, Tree};
use crate::store::write::WriteError;
use nodes::Day;
use tasks::Asking;

/// What the days of a run share.
pub struct Stages<'a> {
    pub request: &'a Request<'a>,
    /// `None` if the management API is not to be asked.
    token: Option<Token>,
    data_dir: DataDir,
    client: netdata::Client,
}

/// Collects what the plan says, and writes it.
pub fn collect<'a>(request: &'a Request<'a>) -> Result<Collected<'a>> {
    // Before anything is touched, because what is asked for may make no sense.
    plan::windows(request)?;
    let config = request.config;
    let stages = Stages {
        request,
        token: if request.args.skip_task_info {
            None
        } else {
            Some(request.token()?)
        },
        data_dir: DataDir::open(&config.data_dir, config.gpu_files, request.args.wait)?,
        client: netdata::Client::new(config.netdata, &request.nodes),
    };
    // With the lock, because the run before may have been waited for and has changed what is missing.
    let days = plan::plan(request, &stages.data_dir)?.days;
    if request.args.to.is_some() || request.args.catch_up > 0 {
        Ok(days::collect(&stages, &days))
    } else {
        stages.day(&days[0])
    }
}

impl<'a> Stages<'a> {
    /// Collects one day, and says what became of each node.
    fn day(&self, day: &PlannedDay<'a>) -> Result<Collected<'a>> {
        let nodes: Vec<_> = day.collect.iter().map(|planned| planned.node).collect();
        let report = self.collect(&day.window, &nodes, &[], self.asking())?;
        let notify = |notice| console::log_day_notice(report.date, notice);
        report.notices.iter().for_each(notify);
        log_end(&report);
        let told = if self.request.args.output.json {
            print_json(self.request.console, &report)
        } else {
            let lines = report.lines() + &report.result_line();
            self.request.console.say(lines)
        };
        let mut collected = Collected {
            days: vec![DayResult::Collected(Box::new(report))],
            ..Collected::default()
        };
        note_failed_output(&mut collected, told);
        Ok(collected)
    }

    /// Whom to ask for tasks.
    pub fn asking(&self) -> Asking<'_> {
        self.token.as_ref().map_or(Asking::Nobody, Asking::Api)
    }

    /// The stages of one day. The nodes that are `skipped` were to be collected as well.
    pub fn collect(
        &self,
        window: &Window,
        nodes: &[&'a Node],
        skipped: &[&Node],
        asking: Asking,
    ) -> Result<RunReport<'a>> {
        let (started_at, clock) = (now(), Instant::now());
        let (args, console) = (self.request.args, self.request.console);
        let tree = self.data_dir.begin(window)?;
        let tasks = OnceLock::new();
        let mut progress = console.progress(nodes.iter().map(|node| node.name.as_str()));
        let done = |position| progress.done(position);
        let usual = || Jobs::between(values::DEFAULT_JOBS, values::MOST_JOBS);
        let jobs = args.jobs.map_or_else(usual, Jobs::exactly);
        let day = Day {
            window,
            tasks: &tasks,
            started_at,
            thresholds: self.request.config.thresholds,
        };
        let (mut notices, mut results) = thread::scope(|scope| -> Result<_> {
            let data_dir = &self.data_dir;
            let ask = || tasks::obtain(self.request, asking, window, data_dir, &tasks);
            let asking = parallel::spawn(scope, ask)?;
            let results = nodes::collect(nodes, jobs, day, &self.client, &tree, done)?;
            // A bug costs the tasks, and no figure.
            let notices = asking.join();
            let notices = notices.unwrap_or_else(|_| vec![Kind::TasksPanicked.into()]);
            Ok((notices, results))
        })?;
        drop(progress);
        let users_report = match report_users(&tree, window, nodes, &mut results) {
            Ok(written) => {
                let (path, not_merged) = written.unzip();
                notices.extend(
                    not_merged
                        .flatten()
                        .map(|report| Kind::LedgerNotMerged(report).into()),
                );
                path
            }
            Err(error) => {
                notices.push(Kind::LedgerNotWritten(error).into());
                None
            }
        };
        notices.extend(
            tree.finish()
                .err()
                .map(|error| Kind::NotSynced(error).into()),
        );
        // What is no record, or cannot be read, is replaced.
        let earlier = self.data_dir.record(window.date);
        let earlier = earlier.ok().flatten();
        let known = earlier.as_ref().filter(|earlier| earlier.is_of(window));
        let tasks = tasks.wait();
        let mut report = RunReport::new(window, started_at, tasks, nodes, results, notices, known);
        report.add_skipped(skipped, window, known);
        report.users_report = users_report;
        report.took = clock.elapsed();
        self.remember(window, &mut report, earlier);
        Ok(report)
    }

    /// Keeps the record of a day for later runs.
    fn remember(&self, window: &Window, report: &mut RunReport, earlier: Option<DayRecord>) {
        let asked: Vec<_> = report.nodes.iter().map(|node| &*node.node.name).collect();
        let record = match earlier {
            // A look at a few nodes under other settings must not cost the record of the others.
            Some(earlier) if !earlier.is_of(window) && !earlier.is_about(&asked) => earlier,
            earlier => DayRecord::of_run(report, earlier.filter(|earlier| earlier.is_of(window))),
        };
        let kept = self.data_dir.end(window.date, &record.to_json());
        let not_recorded = kept.err().map(|error| Kind::NotRecorded(error).into());
        report.notices.extend(not_recorded);
    }
}

/// Writes the accounts of the nodes that have some, and answers where they are.
fn report_users(
    tree: &Tree,
    window: &Window,
    nodes: &[&Node],
    results: &mut [NodeResult],
) -> Result<Option<(PathBuf, Option<NotMergedReport>)>, WriteError> {
    let with_accounts = nodes.iter().zip(results).filter_map(|(node, result)| {
        let ledger = result.ledger.take()?;
        Some((node.name.clone(), ledger))
    });
    let accounts: DayLedger = with_accounts.collect();
    if accounts.is_empty() {
        return Ok(None);
    }
    tree.report_users(window, accounts).map(Some)
}

/// Leaves a line of the day in the log.
pub fn log_end(report: &RunReport) {
    let ((nodes, written), coverage) = (report.counts, report.completeness.coverage);
    tracing::info!(
        date = %report.date,
        nodes,
        nodes_written = written,
        readings = coverage.found,
        readings_due = coverage.due,
        exit_status = u8::from(report.exit_status),
        "day collected"
    );
}

/// Says that a result could not be told, if so, and remembers it.
pub fn note_failed_output(collected: &mut Collected, told: Result<(), PrintError>) {
    if let Err(error) = told {
        console::fail(&error);
        collected.add_failed_output(&error);
    }
}
