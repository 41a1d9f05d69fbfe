//! Several days in one run.

use std::collections::BTreeSet;

use super::tasks::Asking;
use super::{Stages, log_end, note_failed_output};
use crate::model::cluster::Node;
use crate::outlets::console::{self, print_json};
use crate::report::notice::Kind;
use crate::report::{Collected, DayResult, PlannedDay, RunReport};
use crate::sources::management_api::TasksError;
use crate::sources::netdata::NodeErrorReason;

/// Collects the days, oldest first, because that is what Netdata will forget first, and says a line of each.
pub fn collect<'a>(stages: &Stages<'a>, days: &[PlannedDay<'a>]) -> Collected<'a> {
    let mut range = Range {
        stages,
        collected: Collected::default(),
        absent: Absent::default(),
    };
    for day in days {
        range.add(day);
    }
    let mut collected = range.collected;
    let args = &stages.request.args.output;
    if args.json {
        let told = print_json(stages.request.console, &collected);
        note_failed_output(&mut collected, told);
    } else {
        let line = match collected.days[..] {
            [] => "沒有需要收集的日期".to_owned(),
            _ => collected.result_line(),
        };
        let said = stages.request.console.say(line);
        note_failed_output(&mut collected, said);
    }
    collected
}

struct Range<'a, 'b> {
    stages: &'b Stages<'a>,
    collected: Collected<'a>,
    absent: Absent,
}

/// Who did not answer in this run. They are not waited for again on each of the days that nobody asked for by date.
#[derive(Debug, Default)]
struct Absent {
    nodes: BTreeSet<String>,
    /// Why the management API gave no answer, if it did not.
    api: Option<String>,
}

impl<'a> Range<'a, '_> {
    fn add(&mut self, day: &PlannedDay<'a>) {
        for line in day.given_up_lines() {
            self.say(&line);
            self.collected.given_up_lines.push(line);
        }
        self.collected.given_up.extend(day.given_up());
        let (skipped, nodes) = self.nodes(day);
        if nodes.is_empty() {
            return;
        }
        let date = day.window.date;
        let asking = match &self.absent.api {
            Some(problem) if !day.is_asked_for => Asking::Absent(problem),
            _ => self.stages.asking(),
        };
        let result = match self.stages.collect(&day.window, &nodes, &skipped, asking) {
            Ok(report) => {
                for notice in &report.notices {
                    console::log_range_notice(date, notice);
                }
                log_end(&report);
                self.absent.learn(&report);
                if !self.stages.request.keeps_figures() {
                    self.collected.forget_figures();
                }
                self.say(&report.day_line());
                DayResult::Collected(Box::new(report))
            }
            Err(error) => {
                console::fail(format_args!("{date}：{error:#}"));
                DayResult::failed(date, &error)
            }
        };
        self.collected.days.push(result);
    }

    /// The nodes of a day that are not worth asking, and those that are.
    fn nodes(&mut self, day: &PlannedDay<'a>) -> (Vec<&'a Node>, Vec<&'a Node>) {
        let is_absent = |node: &Node| !day.is_asked_for && self.absent.nodes.contains(&node.name);
        let (absent, nodes): (Vec<_>, Vec<_>) = day
            .collect
            .iter()
            .map(|planned| planned.node)
            .partition(|node| is_absent(node));
        if !absent.is_empty() {
            let names: Vec<_> = absent.iter().map(|node| node.name.as_str()).collect();
            let (date, names) = (day.window.date, names.join("、"));
            self.say(&format!("{date}：略過 {names}：在這次執行中沒有回應"));
        }
        (absent, nodes)
    }

    fn say(&mut self, line: &str) {
        let request = self.stages.request;
        if !request.args.output.json {
            note_failed_output(&mut self.collected, request.console.say(line));
        }
    }
}

impl Absent {
    fn learn(&mut self, report: &RunReport) {
        for notice in &report.notices {
            match &notice.kind {
                Kind::NodeFailed(error) if is_absence(&error.reason) => {
                    self.nodes.extend(notice.node().map(str::to_owned));
                }
                Kind::TasksUnavailable(error @ TasksError::Http { .. })
                | Kind::TasksKept {
                    error: Some(error @ TasksError::Http { .. }),
                    ..
                } => self.api = Some(error.to_string()),
                _ => {}
            }
        }
    }
}

/// Whether there was no answer, so that the next question would only be waited for in vain.
fn is_absence(reason: &NodeErrorReason) -> bool {
    matches!(reason, NodeErrorReason::Http(error) if error.status().is_none())
}
