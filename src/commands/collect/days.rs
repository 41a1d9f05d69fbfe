//! The days of a run, one after the other.

use std::collections::BTreeSet;

use anyhow::Result;

use super::day::Run;
use super::plan;
use super::request::Request;
use super::tasks::ApiAccess;
use crate::commands::failure::exit_status;
use crate::model::{Both, ExitStatus, Node, comma, said, text};
use crate::outlets::console::{self, PrintError};
use crate::report::notice::{Kind, Notice, first_of_each_kind};
use crate::report::{Collected, DayResult, NodeResult, PlannedDay, RunReport, kept_coverage};
use crate::sources::management_api::TasksError;

/// Collects the days, oldest first, because that is what Netdata will forget first, and prints what became of each.
pub fn collect_days<'a>(run: &Run<'a>, days: &[PlannedDay<'a>]) -> Result<Collected<'a>> {
    let mut progress = Progress {
        run,
        collected: Collected::default(),
        absent: Absent::default(),
    };
    let mut left = days;
    while let [day, later @ ..] = left {
        progress.add(day, later)?;
        left = later;
    }
    progress.print_end();
    Ok(progress.collected)
}

struct Progress<'a, 'b> {
    run: &'b Run<'a>,
    collected: Collected<'a>,
    absent: Absent,
}

/// Who did not answer in this run. They are not waited for again on each of the days that nobody asked for by date.
#[derive(Debug, Default)]
struct Absent {
    nodes: BTreeSet<String>,
    /// Why the management API gave no answer, if it did not.
    api: Option<Both>,
}

impl<'a> Progress<'a, '_> {
    fn add(&mut self, day: &PlannedDay<'a>, later: &[PlannedDay<'a>]) -> Result<()> {
        for line in day.given_up_lines() {
            self.print_line(&line);
            self.collected.given_up_lines.push(line);
        }
        self.collected.given_up.extend(day.given_up());
        if day.collect.is_empty() {
            return Ok(());
        }
        let date = day.window.date;
        let is_absent = |node: &&Node| !day.is_asked_for && self.absent.nodes.contains(&node.name);
        let nodes = day.collect.iter().map(|planned| planned.node);
        let (skipped, nodes): (Vec<&Node>, Vec<&Node>) = nodes.partition(is_absent);
        if !skipped.is_empty() {
            let names: Vec<_> = skipped.iter().map(|node| node.name.as_str()).collect();
            let problem = said!(
                "略過 {names}：在這次執行中沒有回應",
                "skipped {names}: no answer in this run",
                names = names.join(comma())
            );
            self.print_line(&said!("{date}：{problem}", "{date}: {problem}"));
            if nodes.is_empty() {
                let failed = self.failed_day(day, problem, ExitStatus::Failed);
                self.collected.days.push(failed);
                return Ok(());
            }
        }
        let source = match (&self.absent.api, &self.run.token) {
            (Some(problem), _) if !day.is_asked_for => ApiAccess::Absent(problem),
            (_, Some(token)) => ApiAccess::Api(token),
            (_, None) => ApiAccess::Nobody,
        };
        let is_range = self.run.request.is_range();
        let is_last = |results: &[NodeResult]| {
            let mut absent = self.absent.nodes.clone();
            let notices = results.iter().flat_map(|result| &result.notices);
            absent.extend(notices.filter_map(absent_node));
            let is_asked = |day: &PlannedDay| will_ask(day, &absent);
            !later.iter().any(is_asked)
        };
        let checked = plan::check_settings(self.run.request, day, &self.run.data_dir);
        let collected = checked.map_err(Into::into).and_then(|()| {
            let run = self.run;
            run.collect_day(&day.window, &nodes, &skipped, source, is_last)
        });
        let result = match collected {
            Ok(report) => {
                let (notices, others) = first_of_each_kind(&report.notices, |notice| notice);
                for notice in notices {
                    console::log_notice(notice, Some(date), is_range);
                }
                for others in others {
                    console::log_others(&others, date, is_range);
                }
                log_end(&report);
                self.absent.learn(&report);
                let Request { frame, config, .. } = self.run.request;
                if !frame.wants_json() && !config.notify.include_users {
                    self.collected.forget_figures();
                }
                if is_range {
                    self.print_line(&report.day_line());
                } else {
                    self.print_line(&(report.lines() + &report.result_line()));
                }
                DayResult::Collected(Box::new(report))
            }
            Err(error) if !is_range => return Err(error),
            Err(error) => {
                console::fail(said!("{date}：{error:#}", "{date}: {error:#}"));
                self.failed_day(day, format!("{error:#}"), exit_status(&error))
            }
        };
        self.collected.days.push(result);
        Ok(())
    }

    /// A day of which no node was asked. What was due counts all the same.
    fn failed_day(
        &self,
        day: &PlannedDay<'a>,
        error: String,
        exit_status: ExitStatus,
    ) -> DayResult<'a> {
        let window = &day.window;
        let earlier = self.run.data_dir.record(window.date).ok().flatten();
        let earlier = earlier.filter(|earlier| earlier.is_of(window));
        let nodes = day.collect.iter().map(|planned| planned.node);
        DayResult::Failed {
            date: window.date,
            error,
            coverage: kept_coverage(nodes, window, earlier.as_ref()),
            nodes: [],
            notices: [],
            exit_status,
        }
    }

    fn print_line(&mut self, line: &str) {
        let frame = self.run.request.frame;
        if !frame.wants_json() {
            self.note_failed_output(frame.console.print_line(line));
        }
    }

    fn print_end(&mut self) {
        if self.run.request.frame.wants_json() {
            let printed = match &self.collected.days[..] {
                [DayResult::Collected(report)] if !self.run.request.is_range() => {
                    console::print_json(report)
                }
                _ => console::print_json(&self.collected),
            };
            self.note_failed_output(printed);
        } else if self.collected.days.is_empty() {
            self.print_line(text("沒有需要收集的日期", "No day needs to be collected"));
        } else if self.run.request.is_range() {
            self.print_line(&self.collected.result_line());
        }
    }

    /// Logs that a result could not be printed, if so, and remembers it.
    fn note_failed_output(&mut self, printed: Result<(), PrintError>) {
        if let Err(error) = printed {
            console::fail(&error);
            self.collected.add_failed_output(&error);
        }
    }
}

/// Whether any node is asked for the day where these are absent.
fn will_ask(day: &PlannedDay, absent: &BTreeSet<String>) -> bool {
    let mut nodes = day.collect.iter().map(|planned| planned.node);
    nodes.any(|node| day.is_asked_for || !absent.contains(&node.name))
}

/// The node that the notice says to be absent.
fn absent_node(notice: &Notice) -> Option<String> {
    let is_absence = matches!(&notice.kind, Kind::NodeFailed(error) if error.is_absence());
    let node = notice.node().filter(|_| is_absence);
    node.map(str::to_owned)
}

impl Absent {
    fn learn(&mut self, report: &RunReport) {
        self.nodes
            .extend(report.notices.iter().filter_map(absent_node));
        for notice in &report.notices {
            match &notice.kind {
                Kind::TasksUnavailable(error @ TasksError::Http { .. })
                | Kind::TasksKept {
                    error: Some(error @ TasksError::Http { .. }),
                    ..
                } => self.api = Some(Both::of(|| error.to_string())),
                _ => {}
            }
        }
    }
}

fn log_end(report: &RunReport) {
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
