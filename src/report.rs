//! What a run has to say at its end: as lines for people, as JSON for programs, and as an exit status.

use std::fmt::Write;

use chrono::NaiveDate;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::average::Coverage;
use crate::collect::{NodeFigures, NodeResult, TaskInformation};
use crate::config::Node;
use crate::day::Window;
use crate::exit_status::ExitStatus;
use crate::notice::{Notice, Severity};
use crate::tasks::Task;
use crate::units::{Percent, UnixSeconds};

/// The result of collecting a day.
#[derive(Debug, Serialize)]
pub struct RunReport<'a> {
    version: &'static str,
    date: String,
    timezone: &'a str,
    window: WindowReport,
    /// `known`, `kept`, `not_asked` or `unavailable`.
    task_information: &'static str,
    nodes: Vec<NodeReport<'a>>,
    /// Everything that a person should know.
    pub notices: Vec<Notice>,
    /// How the run ended.
    pub exit_status: ExitStatus,
}

#[derive(Debug, Serialize)]
struct WindowReport {
    start: UnixSeconds,
    end: UnixSeconds,
    until: UnixSeconds,
    interval_seconds: i64,
}

#[derive(Debug, Serialize)]
struct NodeReport<'a> {
    name: &'a str,
    url: &'a str,
    written: bool,
    #[serde(flatten)]
    figures: Option<NodeFigures>,
}

impl<'a> RunReport<'a> {
    /// The report of a run over `nodes`, with the `notices` that are about no single node.
    #[must_use]
    pub fn new(
        window: &Window,
        tasks: &TaskInformation,
        nodes: &[&'a Node],
        results: Vec<NodeResult>,
        mut notices: Vec<Notice>,
    ) -> Self {
        let mut reports = Vec::with_capacity(nodes.len());
        for (node, result) in nodes.iter().zip(results) {
            notices.extend(result.notices);
            let written = result.figures.is_some();
            reports.push(NodeReport {
                name: &node.name,
                url: node.address(),
                written,
                figures: result.figures,
            });
        }
        let exit_status = if reports.iter().all(|node| !node.written) {
            ExitStatus::Failed
        } else if notices
            .iter()
            .any(|notice| notice.severity() == Severity::Error)
        {
            ExitStatus::Incomplete
        } else {
            ExitStatus::Complete
        };
        Self {
            version: env!("CARGO_PKG_VERSION"),
            date: window.date.to_string(),
            timezone: window.zone.name(),
            window: WindowReport {
                start: window.start,
                end: window.end,
                until: window.until,
                interval_seconds: window.interval.seconds(),
            },
            task_information: match tasks {
                TaskInformation::Known(_) => "known",
                TaskInformation::Kept(_) => "kept",
                TaskInformation::NotAsked => "not_asked",
                TaskInformation::Unavailable(_) => "unavailable",
            },
            nodes: reports,
            notices,
            exit_status,
        }
    }

    /// The day in one line.
    #[must_use]
    pub fn day_line(&self) -> String {
        let written = self.nodes.iter().filter(|node| node.written).count();
        let figures = self.nodes.iter().filter_map(|node| node.figures.as_ref());
        let coverage = Coverage::sum(figures.map(|figures| figures.coverage));
        let verdict = match self.exit_status {
            ExitStatus::Complete => "完整",
            ExitStatus::Failed => "失敗",
            _ => "不完整",
        };
        let nodes = format!(
            "{}：{verdict}，節點 {written}/{}",
            self.date,
            self.nodes.len()
        );
        if written == 0 {
            return nodes;
        }
        format!(
            "{nodes}，讀數 {}/{} ({:.1}%)",
            coverage.found,
            coverage.due,
            coverage.percent()
        )
    }

    /// A line for each node.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut lines = String::new();
        for node in &self.nodes {
            let _ = match &node.figures {
                Some(figures) => writeln!(lines, "{}：{}", node.name, figures_line(figures)),
                None => writeln!(lines, "{}：未寫入", node.name),
            };
        }
        lines
    }
}

fn figures_line(figures: &NodeFigures) -> String {
    let percent = |mean: Option<Percent>| {
        mean.map_or_else(|| "N/A".to_owned(), |mean| format!("{:.2}%", mean.value()))
    };
    format!(
        "讀數 {}/{} ({:.1}%)，平均 GPU {}、VRAM {}，{}",
        figures.coverage.found,
        figures.coverage.due,
        figures.coverage.percent(),
        percent(figures.mean_percent.gpu),
        percent(figures.mean_percent.vram),
        figures.directory.display()
    )
}

/// The result of collecting several days.
#[derive(Debug, Default)]
pub struct RangeReport<'a> {
    days: Vec<DayReport<'a>>,
    statuses: Vec<ExitStatus>,
}

/// A day of a range.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum DayReport<'a> {
    Collected(Box<RunReport<'a>>),
    Failed {
        date: String,
        error: String,
        nodes: [(); 0],
        notices: [(); 0],
        exit_status: ExitStatus,
    },
}

impl<'a> RangeReport<'a> {
    /// Adds a day with all that is to be told of it.
    pub fn add(&mut self, report: RunReport<'a>) {
        self.add_status(report.exit_status);
        self.days.push(DayReport::Collected(Box::new(report)));
    }

    /// Adds a day that could not be collected at all.
    pub fn add_failure(&mut self, date: NaiveDate, error: &anyhow::Error) {
        self.add_status(ExitStatus::Failed);
        let (date, error) = (date.to_string(), format!("{error:#}"));
        self.days.push(DayReport::Failed {
            date,
            error,
            nodes: [],
            notices: [],
            exit_status: ExitStatus::Failed,
        });
    }

    /// Adds a day of which all has been told.
    pub fn add_status(&mut self, status: ExitStatus) {
        self.statuses.push(status);
    }

    /// How the run ended: failed only if no day has anything new.
    #[must_use]
    pub fn exit_status(&self) -> ExitStatus {
        let all = |status| self.statuses.iter().all(|&of_day| of_day == status);
        if all(ExitStatus::Complete) {
            ExitStatus::Complete
        } else if all(ExitStatus::Failed) {
            ExitStatus::Failed
        } else {
            ExitStatus::Incomplete
        }
    }
}

impl Serialize for RangeReport<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("RangeReport", 3)?;
        object.serialize_field("version", env!("CARGO_PKG_VERSION"))?;
        object.serialize_field("days", &self.days)?;
        object.serialize_field("exit_status", &self.exit_status())?;
        object.end()
    }
}

/// The result of `--user-report`, for programs.
#[derive(Debug, Serialize)]
pub struct TaskReport<'a> {
    version: &'static str,
    date: String,
    timezone: &'a str,
    tasks: &'a [Task],
    notices: &'a [Notice],
}

impl<'a> TaskReport<'a> {
    /// The tasks of a day.
    #[must_use]
    pub fn new(window: &'a Window, tasks: &'a [Task], notices: &'a [Notice]) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            date: window.date.to_string(),
            timezone: window.zone.name(),
            tasks,
            notices,
        }
    }
}
