//! The result of collecting one day.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveDate;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::notice::Notice;
use crate::analysis::{
    Completeness, Coverage, DayRecord, FilesRecord, GpuRecord, GpuUse, NodeLedger, Shortfall,
    WindowRecord,
};
use crate::formats::number::percent;
use crate::model::{
    ExitStatus, Node, TaskInformation, TaskSource, UnixSeconds, Window, comma, counted, said,
};

#[derive(Debug, Default)]
pub struct NodeResult {
    /// Its files; `None` if none was written, and then a notice has the reason.
    pub files: Option<FilesRecord>,
    /// Its users' accounts; `None` without task information. They are there, by the readings of earlier runs, even
    /// where its agent gave none.
    pub ledger: Option<NodeLedger>,
    pub notices: Vec<Notice>,
}

impl NodeResult {
    pub fn failed(why: Notice) -> Self {
        Self {
            notices: vec![why],
            ..Self::default()
        }
    }
}

impl From<Notice> for Box<NodeResult> {
    fn from(why: Notice) -> Self {
        Self::new(NodeResult::failed(why))
    }
}

#[derive(Debug, Serialize)]
pub struct RunReport<'a> {
    version: &'static str,
    pub date: NaiveDate,
    pub timezone: &'a str,
    /// The day in seconds, and how much of it has passed.
    pub window: WindowRecord,
    pub task_information: TaskSource,
    #[serde(flatten)]
    pub completeness: Completeness,
    /// The nodes that were asked for, in the order of the settings.
    pub nodes: Vec<NodeReport<'a>>,
    pub notices: Vec<Notice>,
    pub exit_status: ExitStatus,
    #[serde(skip)]
    pub started_at: UnixSeconds,
    #[serde(skip)]
    pub took: Duration,
    /// How many nodes there are, and how many of them have new files, also where `nodes` has been let go.
    #[serde(skip)]
    pub counts: (usize, usize),
    #[serde(skip)]
    pub shortfalls: BTreeSet<Shortfall>,
    #[serde(skip)]
    pub users_report: Option<PathBuf>,
    #[serde(skip)]
    pub page: Option<PathBuf>,
}

#[derive(Debug)]
pub struct NodeReport<'a> {
    pub node: &'a Node,
    /// The readings that there are now, also where this run wrote none.
    pub coverage: Coverage,
    pub files: Option<FilesRecord>,
}

impl<'a> RunReport<'a> {
    /// The report of a run that began at `started_at`, by the `results` of its nodes, with the `notices` that are about
    /// no single one. The `skipped` nodes were to be collected as well. `earlier` is the record of the runs before.
    pub fn new(
        window: &Window,
        started_at: UnixSeconds,
        tasks: &TaskInformation,
        results: impl Iterator<Item = (&'a Node, NodeResult)>,
        skipped: &[&Node],
        mut notices: Vec<Notice>,
        earlier: Option<&DayRecord>,
    ) -> Self {
        let mut reports = Vec::new();
        for (node, result) in results {
            notices.extend(result.notices);
            let coverage = match &result.files {
                Some(files) => files.coverage,
                None => kept_coverage([node], window, earlier),
            };
            let files = result.files;
            reports.push(NodeReport {
                node,
                coverage,
                files,
            });
        }
        let written = reports.iter().filter(|node| node.files.is_some()).count();
        let mut shortfalls: BTreeSet<_> = notices.iter().filter_map(Notice::shortfall).collect();
        if tasks.source() == TaskSource::Unavailable {
            shortfalls.insert(Shortfall::NoTasks);
        }
        if !skipped.is_empty() {
            shortfalls.insert(Shortfall::Node);
        }
        let of_skipped = kept_coverage(skipped.iter().copied(), window, earlier);
        let coverage = reports.iter().map(|node| node.coverage);
        let coverage = Coverage::sum(coverage.chain([of_skipped]));
        let completeness = Completeness::new(coverage, window.is_over(), &shortfalls);
        let completeness = completeness.of_run(written);
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
            task_information: tasks.source(),
            completeness,
            counts: (reports.len() + skipped.len(), written),
            nodes: reports,
            notices,
            exit_status: completeness.verdict.exit_status(),
            started_at,
            took: Duration::ZERO,
            shortfalls,
            users_report: None,
            page: None,
        }
    }

    /// Adds what was noticed once everything else was written.
    pub fn add_notice(&mut self, notice: Notice) {
        self.shortfalls.extend(notice.shortfall());
        let is_over = self.window.until == self.window.end;
        let completeness = Completeness::new(self.completeness.coverage, is_over, &self.shortfalls);
        self.completeness = completeness.of_run(self.counts.1);
        self.exit_status = self.completeness.verdict.exit_status();
        self.notices.push(notice);
    }

    pub fn day_line(&self) -> String {
        let (nodes, written) = self.counts;
        let Completeness { verdict, coverage } = self.completeness;
        let (date, verdict) = (self.date, verdict.word());
        said!(
            "{date}：{verdict}，節點 {written}/{nodes}，讀數 {coverage}",
            "{date}: {verdict}, nodes {written}/{nodes}, readings {coverage}"
        )
    }

    pub fn lines(&self) -> String {
        let mut lines = String::new();
        for NodeReport { node, files, .. } in &self.nodes {
            if let Some(files) = files {
                let (name, files) = (&node.name, files_line(files));
                lines += &said!("{name}：{files}\n", "{name}: {files}\n");
            }
        }
        if let Some(path) = &self.users_report {
            let path = path.display();
            lines += &said!("用量報告：{path}\n", "Usage report: {path}\n");
        }
        if let Some(path) = &self.page {
            let path = path.display();
            lines += &said!("網頁：{path}\n", "Page: {path}\n");
        }
        lines
    }

    pub fn result_line(&self) -> String {
        let (nodes, written) = self.counts;
        let nodes = counted(nodes, "個節點", "node", "nodes");
        let Completeness { verdict, coverage } = self.completeness;
        if written == 0 {
            return said!(
                "失敗：{nodes}都沒有寫入，讀數 {coverage}",
                "Failed: 0 of {nodes} written, readings {coverage}"
            );
        }
        let reasons = reasons(&self.shortfalls);
        let verdict = verdict.word();
        said!(
            "完成：{nodes}中 {written} 個已寫入，讀數 {coverage}，{verdict}{reasons}",
            "Done: {written} of {nodes} written, readings {coverage}, {verdict}{reasons}"
        )
    }
}

/// The readings of nodes of which this run wrote nothing: those of the runs before.
pub fn kept_coverage<'a>(
    nodes: impl IntoIterator<Item = &'a Node>,
    window: &Window,
    earlier: Option<&DayRecord>,
) -> Coverage {
    let of_node = |node: &Node| {
        let due = window.due() * node.cards.len();
        let files = earlier.and_then(|earlier| earlier.node(&node.name)?.files.as_ref());
        let found = files.map_or(0, |files| files.coverage.found.min(due));
        Coverage { found, due }
    };
    Coverage::sum(nodes.into_iter().map(of_node))
}

pub fn reasons(shortfalls: &BTreeSet<Shortfall>) -> String {
    let reasons: Vec<_> = shortfalls.iter().map(|why| why.message()).collect();
    match reasons[..] {
        [] => String::new(),
        _ => said!(
            "：{reasons}",
            ": {reasons}",
            reasons = reasons.join(comma())
        ),
    }
}

fn files_line(files: &FilesRecord) -> String {
    said!(
        "讀數 {coverage}，平均 GPU {gpu}、VRAM {vram}，{directory}",
        "readings {coverage}, mean GPU {gpu}, VRAM {vram}, {directory}",
        coverage = files.coverage,
        gpu = percent(files.mean_percent.gpu),
        vram = percent(files.mean_percent.vram),
        directory = files.directory.display()
    )
}

impl Serialize for NodeReport<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("name", &self.node.name)?;
        object.serialize_entry("url", self.node.address())?;
        object.serialize_entry("written", &self.files.is_some())?;
        if let Some(files) = &self.files {
            object.serialize_entry("directory", &files.directory)?;
            object.serialize_entry("readings", &files.coverage.found)?;
            object.serialize_entry("readings_due", &files.coverage.due)?;
            object.serialize_entry("mean_percent", &files.mean_percent)?;
            let gpus: Vec<_> = files.gpus.iter().map(GpuFields).collect();
            object.serialize_entry("gpus", &gpus)?;
        }
        object.end()
    }
}

/// A GPU for programs.
struct GpuFields<'a>(&'a GpuRecord);

impl Serialize for GpuFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (gpu, held) = (self.0, self.0.held.as_ref());
        let conflicts = held.map(|held| &held.conflicts);
        let more = conflicts.map_or(0, |conflicts| conflicts.more);
        let busy = held.map(|held| &held.busy_without_task);
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("index", &gpu.index)?;
        object.serialize_entry("card", &gpu.card)?;
        object.serialize_entry("readings", &gpu.coverage.found)?;
        object.serialize_entry("readings_due", &gpu.coverage.due)?;
        object.serialize_entry("mean_percent", &gpu.mean_percent)?;
        object.serialize_entry("users", &held.map(GpuUse::users))?;
        object.serialize_entry("conflicts", &conflicts.map(|conflicts| &conflicts.first))?;
        if more > 0 {
            object.serialize_entry("more_conflicts", &more)?;
        }
        object.serialize_entry("busy_without_task", &busy)?;
        object.end()
    }
}
