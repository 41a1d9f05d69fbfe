//! Collecting: the stages in their order, for each day that is asked for.

use std::time::Instant;

use anyhow::Result;

use crate::collect;
use crate::config::Token;
use crate::console::{self, PrintError};
use crate::day::Window;
use crate::netdata;
use crate::notice::Notice;
use crate::output::DataDir;
use crate::record::DayRecord;
use crate::report::{Collected, DayResult, PlannedDay, RunReport};

use super::request::{Request, now};
use super::{plan, print_json, task_information};

/// What the days of a run share.
struct Stages<'a> {
    request: &'a Request<'a>,
    /// `None` if the management API is not to be asked.
    token: Option<Token>,
    data_dir: DataDir,
    client: netdata::Client,
}

/// Collects what the plan says, and writes it.
pub(super) fn collect<'a>(request: &'a Request<'a>) -> Result<Collected<'a>> {
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
    let days = plan::plan(request, stages.data_dir.archive())?.days;
    if request.args.to.is_some() || request.args.catch_up > 0 {
        Ok(stages.range(&days))
    } else {
        stages.day(&days[0])
    }
}

impl<'a> Stages<'a> {
    /// Collects one day, and says what became of each node.
    fn day(&self, day: &PlannedDay<'a>) -> Result<Collected<'a>> {
        let report = self.collect(day)?;
        let told = if self.request.args.output.json {
            print_json(self.request.console, &report)
        } else {
            self.request.console.say(report.lines().trim_end())
        };
        Ok(Collected {
            is_untold: is_untold(told),
            days: vec![DayResult::Collected(Box::new(report))],
            ..Collected::default()
        })
    }

    /// Collects several days, oldest first, because that is what Netdata will forget first, and says a line of each.
    fn range(&self, days: &[PlannedDay<'a>]) -> Collected<'a> {
        let is_json = self.request.args.output.json;
        let mut collected = Collected::default();
        for day in days {
            for line in day.given_up_lines() {
                if !is_json {
                    collected.is_untold |= is_untold(self.request.console.say(&line));
                }
                collected.given_up.push(line);
            }
            if day.collect.is_empty() {
                continue;
            }
            let date = day.window.date;
            let result = match self.collect(day) {
                Ok(report) => {
                    if !self.request.tells_figures_at_the_end() {
                        collected.forget_figures();
                    }
                    if !is_json {
                        let told = self.request.console.say(report.day_line());
                        collected.is_untold |= is_untold(told);
                    }
                    DayResult::Collected(Box::new(report))
                }
                Err(error) => {
                    console::fail(format_args!("{date}：{error:#}"));
                    DayResult::failed(date, &error)
                }
            };
            collected.days.push(result);
        }
        if self.request.args.output.json {
            let told = print_json(self.request.console, &collected);
            collected.is_untold |= is_untold(told);
        }
        collected
    }

    /// The stages of one day.
    fn collect(&self, day: &PlannedDay<'a>) -> Result<RunReport<'a>> {
        let (started_at, clock) = (now(), Instant::now());
        let (args, console, window) = (self.request.args, self.request.console, &day.window);
        let nodes: Vec<_> = day.collect.iter().map(|planned| planned.node).collect();
        let tree = self.data_dir.begin(window)?;
        let token = self.token.as_ref();
        let (tasks, mut notices) =
            task_information::obtain(self.request, token, window, &self.data_dir);
        let mut progress = console.progress(nodes.iter().map(|node| node.name.as_str()));
        let done = |position| progress.done(position);
        let jobs = args.jobs.into();
        let results = collect::collect(&nodes, jobs, window, &tasks, &self.client, &tree, done);
        drop(progress);
        notices.extend(tree.finish().err().map(Notice::NotSynced));
        let mut report = RunReport::new(window, started_at, &tasks, &nodes, results, notices);
        report.took = clock.elapsed();
        self.remember(window, &mut report);
        let notify = |notice| console::notify_of_day(report.date, notice);
        report.notices.iter().for_each(notify);
        let totals = report.totals;
        tracing::info!(
            date = %report.date,
            nodes = totals.nodes,
            nodes_written = totals.written,
            readings = totals.coverage.found,
            readings_due = totals.coverage.due,
            exit_status = u8::from(report.exit_status),
            "day collected"
        );
        Ok(report)
    }

    /// Keeps the record of a day for later runs.
    fn remember(&self, window: &Window, report: &mut RunReport) {
        let earlier = plan::record(self.data_dir.archive(), window.date);
        let earlier = earlier.filter(|earlier| earlier.is_of(window));
        let record = DayRecord::of_run(report, earlier).to_json();
        let kept = self.data_dir.end(window.date, &record);
        report.notices.extend(kept.err().map(Notice::NotRecorded));
    }
}

/// Whether a result could not be told, which is then said.
fn is_untold(told: Result<(), PrintError>) -> bool {
    told.inspect_err(|error| console::fail(error)).is_err()
}
