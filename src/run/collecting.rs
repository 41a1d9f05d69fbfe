//! Collecting: the stages in their order, for each day that is asked for.

use std::panic;
use std::sync::OnceLock;
use std::thread;

use anyhow::Result;

use crate::collect::{self, Day, NodeResult};
use crate::config::{Node, Token};
use crate::console::{self, PrintError};
use crate::day::{DateError, Window};
use crate::exit_status::ExitStatus;
use crate::ledger::DayLedger;
use crate::netdata;
use crate::notice::Notice;
use crate::output::{DataDir, Tree};
use crate::report::{RangeReport, RunReport};

use super::print_json;
use super::request::{Request, RequestError};
use super::task_information;

/// What the days of a run share.
struct Stages<'a> {
    request: &'a Request<'a>,
    /// `None` if the management API is not to be asked.
    token: Option<Token>,
    data_dir: DataDir,
    client: netdata::Client,
}

/// Collects the day, or each day of the range, and writes it.
pub(super) fn collect(request: &Request) -> Result<ExitStatus> {
    let is_range = request.args.to.is_some();
    let dates = request.dates()?;
    let windows = || {
        let windows = dates.iter().map(|&date| request.window(date));
        // A zone that crossed the date line has no such day, and the days around it are whole.
        let is_skipped = |window: &_| matches!(window, Err(DateError::Skipped { .. }));
        let windows = windows.filter(|window| !(is_range && is_skipped(window)));
        windows.collect::<Result<Vec<Window>, _>>()
    };
    if windows()?.iter().all(|window| window.due() == 0) {
        let minutes = request.config.interval.seconds() / 60;
        let date = request.first_window()?.date;
        return Err(RequestError::NothingDue { date, minutes }.into());
    }
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
    // Anew, because the wait for another run may have been long.
    let windows = windows()?;
    if is_range {
        Ok(stages.range(&windows))
    } else {
        stages.day(&windows[0])
    }
}

impl Stages<'_> {
    /// Collects one day, and says what became of each node.
    fn day(&self, window: &Window) -> Result<ExitStatus> {
        let report = self.collect(window)?;
        let told = if self.request.args.json {
            print_json(self.request.console, &report)
        } else {
            self.request.console.say(report.lines().trim_end())
        };
        Ok(told_or_incomplete(told, report.exit_status))
    }

    /// Collects several days, oldest first, because that is what Netdata will forget first, and says a line of each.
    fn range(&self, windows: &[Window]) -> ExitStatus {
        let mut range = RangeReport::default();
        for window in windows.iter().filter(|window| window.due() > 0) {
            let report = match self.collect(window) {
                Ok(report) => report,
                Err(error) => {
                    console::fail(format_args!("{}：{error:#}", window.date));
                    range.add_failure(window.date, &error);
                    continue;
                }
            };
            if self.request.args.json {
                range.add(report);
            } else {
                let told = self.request.console.say(report.day_line());
                range.add_status(told_or_incomplete(told, report.exit_status));
            }
        }
        let status = range.exit_status();
        if self.request.args.json {
            let told = print_json(self.request.console, &range);
            return told_or_incomplete(told, status);
        }
        status
    }

    /// The stages of one day.
    fn collect(&self, window: &Window) -> Result<RunReport<'_>> {
        let Request {
            nodes,
            config,
            args,
            console,
            ..
        } = self.request;
        let tree = self.data_dir.begin(window)?;
        let token = self.token.as_ref();
        let tasks = OnceLock::new();
        let mut progress = console.progress(nodes.iter().map(|node| node.name.as_str()));
        let done = |position| progress.done(position);
        let day = Day {
            window,
            tasks: &tasks,
            thresholds: config.thresholds,
        };
        let (mut notices, mut results) = thread::scope(|scope| {
            let data_dir = &self.data_dir;
            let ask = || task_information::obtain(self.request, token, window, data_dir, &tasks);
            let asking = scope.spawn(ask);
            let jobs = args.jobs.into();
            let results = collect::collect(nodes, jobs, day, &self.client, &tree, done);
            let notices = asking.join();
            let notices = notices.unwrap_or_else(|bug| panic::resume_unwind(bug));
            (notices, results)
        });
        drop(progress);
        notices.extend(report_users(&tree, window, nodes, &mut results));
        notices.extend(tree.finish().err().map(Notice::NotSynced));
        let report = RunReport::new(window, tasks.wait(), nodes, results, notices);
        report.notices.iter().for_each(console::notify);
        Ok(report)
    }
}

/// Writes the accounts of the nodes that have some.
fn report_users(
    tree: &Tree,
    window: &Window,
    nodes: &[&Node],
    results: &mut [NodeResult],
) -> Option<Notice> {
    let with_accounts = nodes.iter().zip(results).filter_map(|(node, result)| {
        let ledger = result.figures.as_mut()?.ledger.take()?;
        Some((node.name.clone(), ledger))
    });
    let accounts: DayLedger = with_accounts.collect();
    if accounts.is_empty() {
        return None;
    }
    match tree.report_users(window, accounts) {
        Ok(not_merged) => not_merged.map(Notice::LedgerNotMerged),
        Err(error) => Some(Notice::LedgerNotWritten(error)),
    }
}

/// The status of a run whose files are in place and whose result could perhaps not be told.
fn told_or_incomplete(told: Result<(), PrintError>, status: ExitStatus) -> ExitStatus {
    match told {
        Err(error) => {
            console::fail(error);
            if status == ExitStatus::Complete {
                ExitStatus::Incomplete
            } else {
                status
            }
        }
        Ok(()) => status,
    }
}
