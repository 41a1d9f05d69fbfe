//! What is not idle for anybody, because it is incomplete or in doubt.

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;
use serde::{Serialize, Serializer};

use crate::analysis::Doubt;
use crate::model::{DateError, GpuIndex};

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
    /// A word for programs, and what people read.
    pub fn parts(&self) -> (&'static str, String) {
        let plain = |code, message: &str| (code, message.to_owned());
        match self {
            Self::Running => plain("running", "這一天尚未結束"),
            Self::NoSuchDay(error) => ("no_such_day", error.to_string()),
            Self::NoTasks => plain("no_tasks", "沒有保存的任務資訊"),
            Self::UnreadableTasks => plain(
                "unreadable_tasks",
                "保存的任務資訊已損壞，或屬於另一個時區的這一天",
            ),
            Self::EarlyTasks(at) => ("early_tasks", format!("任務資訊是這一天結束前的（{at}）")),
            Self::MalformedTasks(count) => {
                ("malformed_tasks", format!("有 {count} 筆任務資料無法解析"))
            }
            Self::Unreadable(problem) => plain("unreadable", problem),
            Self::CollectedEarly(until) => ("collected_early", format!("只收集到 {until}")),
            Self::NoReadings => plain("no_readings", "沒有讀數"),
            Self::Coverage(percent) => (
                "coverage",
                format!("佔用期間只有 {percent}% 有讀數，其餘不算閒置"),
            ),
            Self::Doubt(doubt) => {
                let (code, message) = doubt_parts(*doubt);
                plain(code, message)
            }
        }
    }
}

fn doubt_parts(doubt: Doubt) -> (&'static str, &'static str) {
    match doubt {
        Doubt::Unfinished => ("unfinished", "任務資訊未達當日結束"),
        Doubt::Unplaced => ("unplaced", "有無法對應的任務 GPU"),
        Doubt::Disagreement => ("disagreement", "有 UUID 與 id 不一致的 GPU"),
        Doubt::Timeless => ("timeless", "有時間不明的任務"),
        Doubt::Conflict => ("conflict", "有資源衝突"),
        Doubt::BusyWithoutTask => ("busy_without_task", "有無任務而忙碌的 GPU"),
        Doubt::Malformed => ("malformed_tasks", "有無法解析的任務"),
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (code, message) = self.parts();
        BTreeMap::from([("reason", code), ("message", &message)]).serialize(serializer)
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
        write!(f, "：{}", self.reason.parts().1)
    }
}
