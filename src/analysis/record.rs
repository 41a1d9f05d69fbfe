//! The result of collecting a day: what a run reports, and what is remembered of it for `--catch-up`, for `status`,
//! and for whoever looks later.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::average::{Coverage, Mean};
use super::completeness::{Completeness, Shortfall};
use super::node_day::{GpuDay, GpuUse, NodeDay};
use super::stopped_series::{LastReadings, last_readings};
use crate::model::{
    CardId, GpuIndex, Interval, Metric, Node, OtherSetting, TaskSource, UnixSeconds, Window,
};

/// The record of a day. It has every node that was ever asked for the day, each as it was asked last. Whoever needs none
/// of the GPUs reads them as `IgnoredAny`: they are most of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DayRecord<G = GpuRecord> {
    pub date: NaiveDate,
    pub timezone: String,
    /// The day in seconds, and how much of it had passed at the last run.
    pub window: WindowRecord,
    pub last_run: LastRun,
    pub nodes: Vec<NodeRecord<G>>,
    #[serde(skip)]
    by_name: ByName,
}

/// Where each of the nodes stands: found out when the first is asked for, after which they stay as they are.
#[derive(Clone, Debug, Default)]
struct ByName(OnceLock<HashMap<String, usize>>);

impl PartialEq for ByName {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowRecord {
    pub start: UnixSeconds,
    pub end: UnixSeconds,
    /// The end of the last interval that had ended.
    pub until: UnixSeconds,
    pub interval_seconds: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastRun {
    pub version: String,
    pub started_at: UnixSeconds,
    pub duration_seconds: f64,
    pub exit_status: u8,
    /// How complete the day was of the nodes that it asked. The first versions did not record that.
    #[serde(flatten)]
    pub completeness: Option<Completeness>,
    pub nodes: Vec<String>,
    /// What it noticed that is about no single node.
    pub notices: Vec<NoticeRecord>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeRecord<G = GpuRecord> {
    pub name: String,
    pub url: String,
    pub cards: Vec<CardId>,
    pub asked_at: UnixSeconds,
    /// Whether its agent then gave all that it had, be that nothing.
    pub answered: bool,
    pub notices: Vec<NoticeRecord>,
    /// What is in its files, from this run or an earlier one.
    pub files: Option<FilesRecord<G>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FilesRecord<G = GpuRecord> {
    /// Where they are, once they are in place.
    #[serde(skip)]
    pub directory: PathBuf,
    /// The end of the last interval that had ended when they were written.
    pub until: UnixSeconds,
    #[serde(flatten)]
    pub coverage: Coverage,
    pub coverage_percent: f64,
    /// The mean over its GPUs, in percent.
    pub mean_percent: Mean,
    pub task_information: TaskSource,
    pub tasks_as_of: Option<UnixSeconds>,
    pub gpus: Vec<G>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GpuRecord {
    pub index: GpuIndex,
    pub card: CardId,
    #[serde(flatten)]
    pub coverage: Coverage,
    pub coverage_percent: f64,
    /// The means of its readings, in percent.
    pub mean_percent: Mean,
    pub last_readings: LastReadings,
    /// The metrics without a reading for which the agent has no chart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without_chart: Vec<Metric>,
    /// Who held it in this run's files; `None` without task information.
    #[serde(skip)]
    pub held: Option<GpuUse>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeRecord {
    pub severity: Severity,
    pub code: String,
    pub message: String,
    /// What it takes from the day, if anything. The first versions did not record that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortfall: Option<Shortfall>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something that was asked for is missing from the files.
    Error,
    /// What is there stands, but somebody should look.
    Warning,
}

impl DayRecord {
    pub fn new(
        date: NaiveDate,
        timezone: String,
        window: WindowRecord,
        last_run: LastRun,
        nodes: Vec<NodeRecord>,
    ) -> Self {
        Self {
            date,
            timezone,
            window,
            last_run,
            nodes,
            by_name: ByName::default(),
        }
    }
}

impl<G> DayRecord<G> {
    /// Whether it is of the window's day: not of a day of another zone, nor of readings of another interval.
    pub fn is_of(&self, window: &Window) -> bool {
        let of = (
            self.window.start,
            self.window.end,
            self.window.interval_seconds,
        );
        of == (window.start, window.end, window.interval.seconds())
    }

    /// Of which other setting it is, if it is not of the window's day.
    pub fn other_setting(&self, window: &Window) -> Option<OtherSetting> {
        let of = &self.window;
        if (of.start, of.end) != (window.start, window.end) {
            return window.zone_of_end(of.end).map(OtherSetting::Zone);
        }
        let interval = u64::try_from(of.interval_seconds).ok();
        let interval = interval.and_then(Interval::from_seconds);
        let interval = interval.filter(|interval| *interval != window.interval);
        interval.map(OtherSetting::Interval)
    }

    /// Whether every node of which it knows files is among `names`.
    pub fn is_about(&self, names: &[&str]) -> bool {
        let mut nodes = self.nodes.iter().filter(|node| node.files.is_some());
        nodes.all(|node| names.contains(&node.name.as_str()))
    }

    pub fn node(&self, name: &str) -> Option<&NodeRecord<G>> {
        let by_name = self.by_name.0.get_or_init(|| {
            let mut by_name = HashMap::new();
            for (at, node) in self.nodes.iter().enumerate() {
                // Of two of one name the first counts.
                by_name.entry(node.name.clone()).or_insert(at);
            }
            by_name
        });
        by_name.get(name).map(|&at| &self.nodes[at])
    }
}

impl FilesRecord {
    /// The files of `day`, which are not in place yet.
    pub fn new(
        day: &NodeDay,
        task_information: TaskSource,
        tasks_as_of: Option<UnixSeconds>,
        without_chart: &BTreeSet<(CardId, Metric)>,
    ) -> Self {
        let coverage = day.coverage();
        let gpu = |gpu: &GpuDay| GpuRecord::new(gpu, day.window, without_chart);
        Self {
            directory: PathBuf::new(),
            until: day.window.until,
            coverage,
            coverage_percent: coverage.percent(),
            mean_percent: day.mean(),
            task_information,
            tasks_as_of,
            gpus: day.gpus.iter().map(gpu).collect(),
        }
    }

    /// The GPUs that have a file.
    pub fn with_readings(&self) -> Vec<(GpuIndex, CardId)> {
        let has_file = |gpu: &&GpuRecord| !gpu.last_readings.is_none();
        let gpus = self.gpus.iter().filter(has_file);
        gpus.map(|gpu| (gpu.index, gpu.card)).collect()
    }
}

impl GpuRecord {
    fn new(gpu: &GpuDay, window: &Window, without_chart: &BTreeSet<(CardId, Metric)>) -> Self {
        let usage = gpu.usage.as_ref();
        let last_readings = usage.map(|usage| last_readings(usage, window));
        let mut record = Self {
            index: gpu.index,
            card: gpu.card,
            coverage: gpu.coverage,
            coverage_percent: gpu.coverage.percent(),
            mean_percent: gpu.mean,
            last_readings: last_readings.unwrap_or_default(),
            without_chart: Vec::new(),
            held: gpu.held.clone(),
        };
        let mut metrics = record.without_reading();
        metrics.retain(|metric| without_chart.contains(&(gpu.card, *metric)));
        record.without_chart = metrics;
        record
    }

    pub fn without_reading(&self) -> Vec<Metric> {
        let has_none = |metric: &Metric| self.last_readings.series(*metric).is_none();
        Metric::ALL.into_iter().filter(has_none).collect()
    }

    /// Those of them that it should have: all but one for which there is no chart.
    pub fn lacks(&self) -> Vec<Metric> {
        let mut lacks = self.without_reading();
        if lacks.len() < Metric::ALL.len() {
            lacks.retain(|metric| !self.without_chart.contains(metric));
        }
        lacks
    }
}

impl<G> NodeRecord<G> {
    /// The node, as far as it is needed to read its files.
    pub fn as_node(&self) -> Option<Node> {
        Some(Node {
            name: self.name.clone(),
            url: self.url.parse().ok()?,
            cards: self.cards.clone(),
            first_gpu_id: None,
            gpu_uuids: BTreeMap::new(),
            uuid_owners: Arc::default(),
        })
    }

    /// Whether `node`'s agent was asked for all of its cards so long after the day's end that it will not have more:
    /// a parent that was cut off from its node is sent what it missed within minutes of their coming together.
    pub fn had_no_more(&self, node: &Node, window: &Window) -> bool {
        const SETTLING_SECONDS: i64 = 3600;
        self.answered
            && self.asked_at >= window.end + SETTLING_SECONDS
            && self.url == node.address()
            && node.cards.iter().all(|card| self.cards.contains(card))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_entries_of_one_name_the_first_counts() {
        let node = |url| serde_json::json!({"name": "a", "url": url, "cards": [], "asked_at": 0, "answered": true, "notices": []});
        let record = serde_json::json!({
            "date": "2025-08-01",
            "timezone": "UTC",
            "window": {"start": 0, "end": 0, "until": 0, "interval_seconds": 600},
            "last_run": {
                "version": "", "started_at": 0, "duration_seconds": 0.0, "exit_status": 0, "nodes": [], "notices": []
            },
            "nodes": [node("first"), node("second")],
        });
        let record: DayRecord = serde_json::from_value(record).expect("a record");
        assert_eq!(record.node("a").expect("a node").url, "first");
    }
}
