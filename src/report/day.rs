//! The result of collecting one day.

use std::fmt::Write;
use std::time::Duration;

use chrono::NaiveDate;
use serde::Serialize;

use super::notice::{Notice, Severity};
use crate::analysis::average::Coverage;
use crate::analysis::figures::NodeFigures;
use crate::analysis::ledger::NodeLedger;
use crate::analysis::record::WindowRecord;
use crate::model::cluster::Node;
use crate::model::day::Window;
use crate::model::exit_status::ExitStatus;
use crate::model::task::TaskInformation;
use crate::model::units::{CardId, Percent, UnixSeconds};

/// What became of one node.
#[derive(Debug)]
pub struct NodeResult {
    /// Its figures; `None` if nothing of it was written, and then a notice says why.
    pub figures: Option<NodeFigures>,
    /// Its users' accounts; `None` without task information. They are there, by the readings of earlier runs, even
    /// where its agent gave none.
    pub ledger: Option<NodeLedger>,
    /// What was noticed.
    pub notices: Vec<Notice>,
}

/// The result of collecting a day.
#[derive(Debug, Serialize)]
pub struct RunReport<'a> {
    version: &'static str,
    /// The day.
    pub date: NaiveDate,
    /// The zone whose midnights bound it.
    pub timezone: &'a str,
    /// The day in seconds, and how much of it has passed.
    pub window: WindowRecord,
    /// `known`, `kept`, `not_asked` or `unavailable`.
    pub task_information: &'static str,
    /// The nodes that were asked for, in the order of the settings.
    pub nodes: Vec<NodeReport<'a>>,
    /// Everything that a person should know.
    pub notices: Vec<Notice>,
    /// How the run ended.
    pub exit_status: ExitStatus,
    /// When the run of the day began.
    #[serde(skip)]
    pub started_at: UnixSeconds,
    /// How long it took.
    #[serde(skip)]
    pub took: Duration,
    /// When the management API gave what is known of tasks, if it did; no later than it truly was.
    #[serde(skip)]
    pub tasks_as_of: Option<UnixSeconds>,
    /// What the day's line says, also where the figures of the nodes are forgotten.
    #[serde(skip)]
    pub totals: Totals,
}

/// The nodes of a day together.
#[derive(Clone, Copy, Debug)]
pub struct Totals {
    /// How many were asked for.
    pub nodes: usize,
    /// How many of them have new files.
    pub written: usize,
    /// The coverage of those.
    pub coverage: Coverage,
}

impl Totals {
    fn new(nodes: &[NodeReport]) -> Self {
        let figures = nodes.iter().filter_map(|node| node.figures.as_ref());
        Self {
            nodes: nodes.len(),
            written: nodes.iter().filter(|node| node.written).count(),
            coverage: Coverage::sum(figures.map(|figures| figures.coverage)),
        }
    }
}

/// What became of one node.
#[derive(Debug, Serialize)]
pub struct NodeReport<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its agent.
    pub url: &'a str,
    /// The cards that were looked for, by GPU index.
    #[serde(skip)]
    pub cards: &'a [CardId],
    /// Whether its files are new.
    pub written: bool,
    /// What is in them; `None` if none was written.
    #[serde(flatten)]
    pub figures: Option<NodeFigures>,
}

impl<'a> RunReport<'a> {
    /// The report of a run over `nodes` that began at `started_at`, with the `notices` that are about no single node.
    pub fn new(
        window: &Window,
        started_at: UnixSeconds,
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
                cards: &node.cards,
                written,
                figures: result.figures,
            });
        }
        let exit_status = if reports.iter().all(|node| !node.written) {
            ExitStatus::Failed
        } else if matches!(tasks, TaskInformation::Unavailable(_))
            || notices
                .iter()
                .any(|notice| notice.severity() == Severity::Error)
        {
            ExitStatus::Incomplete
        } else {
            ExitStatus::Complete
        };
        Self {
            version: env!("CARGO_PKG_VERSION"),
            date: window.date,
            timezone: window.zone.name(),
            window: WindowRecord {
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
            totals: Totals::new(&reports),
            nodes: reports,
            notices,
            exit_status,
            started_at,
            took: Duration::ZERO,
            tasks_as_of: match tasks {
                TaskInformation::Known(_) => Some(started_at),
                TaskInformation::Kept(kept) => Some(kept.fetched_at),
                TaskInformation::NotAsked | TaskInformation::Unavailable(_) => None,
            },
        }
    }

    /// The day in one line.
    pub fn day_line(&self) -> String {
        let Totals {
            nodes,
            written,
            coverage,
        } = self.totals;
        let verdict = match self.exit_status {
            ExitStatus::Complete if coverage.is_whole() => "完整",
            ExitStatus::Complete => "有缺漏",
            ExitStatus::Failed => "失敗",
            _ => "不完整",
        };
        let line = format!("{}：{verdict}，節點 {written}/{nodes}", self.date);
        if written == 0 {
            return line;
        }
        format!(
            "{line}，讀數 {}/{} ({:.1}%)",
            coverage.found,
            coverage.due,
            coverage.percent()
        )
    }

    /// A line for each node.
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
