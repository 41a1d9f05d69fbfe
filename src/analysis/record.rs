//! What is remembered of the collection of a day: for `--catch-up`, for `status`, and for whoever looks later.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::average::{Coverage, Mean};
use super::stopped_series::LastReadings;
use crate::model::cluster::Node;
use crate::model::day::Window;
use crate::model::units::{CardId, GpuIndex, UnixSeconds};

/// The record of a day. It has every node that was ever asked for the day, each as it was asked last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DayRecord {
    /// The day.
    pub date: NaiveDate,
    /// The zone whose midnights bound it.
    pub timezone: String,
    /// The day in seconds, and how much of it had passed at the last run.
    pub window: WindowRecord,
    /// The last run, whichever nodes it asked.
    pub last_run: LastRun,
    /// The nodes.
    pub nodes: Vec<NodeRecord>,
}

/// The day in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowRecord {
    /// Its first midnight.
    pub start: UnixSeconds,
    /// The next midnight.
    pub end: UnixSeconds,
    /// The end of the last interval that had ended.
    pub until: UnixSeconds,
    /// What one reading stands for.
    pub interval_seconds: i64,
}

/// The last run of a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastRun {
    /// The version of the program.
    pub version: String,
    /// When it began.
    pub started_at: UnixSeconds,
    /// How long it took.
    pub duration_seconds: f64,
    /// How it ended.
    pub exit_status: u8,
    /// The nodes that it asked.
    pub nodes: Vec<String>,
    /// What it noticed that is about no single node.
    pub notices: Vec<NoticeRecord>,
}

/// The record of a node's day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeRecord {
    /// Its name.
    pub name: String,
    /// Its agent.
    pub url: String,
    /// The cards that were looked for, by GPU index.
    pub cards: Vec<CardId>,
    /// When it was asked last.
    pub asked_at: UnixSeconds,
    /// Whether its agent then gave all that it had, be that nothing.
    pub answered: bool,
    /// What was noticed then.
    pub notices: Vec<NoticeRecord>,
    /// What is in its files, from this run or an earlier one.
    pub files: Option<FilesRecord>,
}

/// The record of the files of a node's day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FilesRecord {
    /// The end of the last interval that had ended when they were written.
    pub until: UnixSeconds,
    /// The readings of all GPUs together.
    #[serde(flatten)]
    pub coverage: Coverage,
    /// The same in percent.
    pub coverage_percent: f64,
    /// The mean over its GPUs, in percent.
    pub mean_percent: Mean,
    /// Where the users are from: `known`, `kept`, `not_asked` or `unavailable`.
    pub task_information: String,
    /// When the management API gave that, if it did.
    pub tasks_as_of: Option<UnixSeconds>,
    /// The GPUs, by index.
    pub gpus: Vec<GpuRecord>,
}

/// The record of a GPU's day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GpuRecord {
    /// Its index.
    pub index: GpuIndex,
    /// Its DRM card.
    pub card: CardId,
    /// Its readings.
    #[serde(flatten)]
    pub coverage: Coverage,
    /// The same in percent.
    pub coverage_percent: f64,
    /// Their means, in percent.
    pub mean_percent: Mean,
    /// When they end.
    pub last_readings: LastReadings,
}

/// Something that a run noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeRecord {
    /// `error` or `warning`.
    pub severity: String,
    /// A word for programs.
    pub code: String,
    /// What a person should know.
    pub message: String,
}

impl DayRecord {
    /// Reads a record back, or `None` where the file is none.
    pub fn from_json(file: &[u8]) -> Option<Self> {
        serde_json::from_slice(file).ok()
    }

    /// The contents of the file that keeps it.
    pub fn to_json(&self) -> Vec<u8> {
        let mut file = serde_json::to_vec(self).expect("a record has string keys alone");
        file.push(b'\n');
        file
    }

    /// Whether it is of the window's day: not of a day of another zone, nor of readings of another interval.
    pub fn is_of(&self, window: &Window) -> bool {
        let of = (
            self.window.start,
            self.window.end,
            self.window.interval_seconds,
        );
        of == (window.start, window.end, window.interval.seconds())
    }

    /// Whether every node of which it knows files is among `names`.
    pub fn is_about(&self, names: &[&str]) -> bool {
        let mut nodes = self.nodes.iter().filter(|node| node.files.is_some());
        nodes.all(|node| names.contains(&node.name.as_str()))
    }

    /// What it says of a node.
    pub fn node(&self, name: &str) -> Option<&NodeRecord> {
        self.nodes.iter().find(|node| node.name == name)
    }
}

impl FilesRecord {
    /// The GPUs that have a file.
    pub fn with_readings(&self) -> Vec<(GpuIndex, CardId)> {
        let has_file = |gpu: &&GpuRecord| !gpu.last_readings.is_none();
        let gpus = self.gpus.iter().filter(has_file);
        gpus.map(|gpu| (gpu.index, gpu.card)).collect()
    }
}

impl NodeRecord {
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
