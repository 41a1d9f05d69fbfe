//! What is not idle for anybody, because it is incomplete or in doubt.

use std::fmt;

use chrono::NaiveDate;
use serde::{Serialize, Serializer};

use crate::analysis::ledger::Doubt;
use crate::model::day::DateError;
use crate::model::units::GpuIndex;

/// A day, a node of it, or a GPU of that, of which not everything is known. Nobody is idle in what is not known; who
/// held it did so all the same, where that is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    pub date: NaiveDate,
    pub node: Option<String>,
    pub gpu: Option<GpuIndex>,
    #[serde(flatten)]
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    Running,
    /// No interval of the settings fits into the day.
    NoSuchDay(DateError),
    /// Nothing was kept of the management API's answers.
    NoTasks,
    /// What was kept is damaged, or of the day of another zone.
    UnreadableTasks,
    /// What was kept is an answer from before the day's end, given at this time.
    EarlyTasks(String),
    /// The answer has so many entries that cannot be read.
    MalformedTasks(usize),
    Unreadable(String),
    /// The node was last collected before the day's end: until this time.
    CollectedEarly(String),
    NoReadings,
    /// The time for which the GPU was held has too few readings: so many percent of it. These count.
    Coverage(u64),
    Doubt(Doubt),
}

impl Reason {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::NoSuchDay(_) => "no_such_day",
            Self::NoTasks => "no_tasks",
            Self::UnreadableTasks => "unreadable_tasks",
            Self::EarlyTasks(_) => "early_tasks",
            Self::MalformedTasks(_) | Self::Doubt(Doubt::Malformed) => "malformed_tasks",
            Self::Unreadable(_) => "unreadable",
            Self::CollectedEarly(_) => "collected_early",
            Self::NoReadings => "no_readings",
            Self::Coverage(_) => "coverage",
            Self::Doubt(Doubt::Unfinished) => "unfinished",
            Self::Doubt(Doubt::Unplaced) => "unplaced",
            Self::Doubt(Doubt::Disagreement) => "disagreement",
            Self::Doubt(Doubt::Timeless) => "timeless",
            Self::Doubt(Doubt::Conflict) => "conflict",
            Self::Doubt(Doubt::BusyWithoutTask) => "busy_without_task",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str("這一天尚未結束"),
            Self::NoSuchDay(error) => error.fmt(f),
            Self::NoTasks => f.write_str("沒有保存的任務資訊"),
            Self::UnreadableTasks => f.write_str("保存的任務資訊已損壞，或屬於另一個時區的這一天"),
            Self::EarlyTasks(at) => write!(f, "任務資訊是這一天結束前的（{at}）"),
            Self::MalformedTasks(count) => write!(f, "有 {count} 筆任務資料無法解析"),
            Self::Unreadable(problem) => f.write_str(problem),
            Self::CollectedEarly(until) => write!(f, "只收集到 {until}"),
            Self::NoReadings => f.write_str("沒有讀數"),
            Self::Coverage(percent) => write!(f, "佔用期間只有 {percent}% 有讀數，其餘不算閒置"),
            Self::Doubt(doubt) => f.write_str(doubt.word()),
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields {
            reason: &'static str,
            message: String,
        }
        let (reason, message) = (self.code(), self.to_string());
        Fields { reason, message }.serialize(serializer)
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.date)?;
        if let Some(node) = &self.node {
            write!(f, " {node}")?;
        }
        if let Some(gpu) = self.gpu {
            write!(f, " {gpu}")?;
        }
        write!(f, "：{}", self.reason)
    }
}
