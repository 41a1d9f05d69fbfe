//! What is not idle for anybody, because it is incomplete or in doubt.

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;
use serde::{Serialize, Serializer};

use crate::analysis::Doubt;
use crate::model::{DateError, GpuIndex, counted, said, say, text};

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
            Self::Running => plain("running", text("這一天尚未結束", "the day is not over")),
            Self::NoSuchDay(error) => ("no_such_day", error.to_string()),
            Self::NoTasks => plain(
                "no_tasks",
                text("沒有保存的任務資訊", "no task information is kept"),
            ),
            Self::UnreadableTasks => plain(
                "unreadable_tasks",
                text(
                    "保存的任務資訊已損壞，或屬於另一個時區的這一天",
                    "the kept task information is damaged, or of this date in another time zone",
                ),
            ),
            Self::EarlyTasks(at) => (
                "early_tasks",
                said!(
                    "任務資訊是這一天結束前的（{at}）",
                    "the task information is from before the day's end ({at})"
                ),
            ),
            Self::MalformedTasks(count) => {
                let records = counted(*count, "筆任務資料", "task record", "task records");
                (
                    "malformed_tasks",
                    said!("有 {records}無法解析", "{records} cannot be read"),
                )
            }
            Self::Unreadable(problem) => plain("unreadable", problem),
            Self::CollectedEarly(until) => (
                "collected_early",
                said!("只收集到 {until}", "collected only until {until}"),
            ),
            Self::NoReadings => plain("no_readings", text("沒有讀數", "no readings")),
            Self::Coverage(percent) => (
                "coverage",
                said!(
                    "佔用期間只有 {percent}% 有讀數，其餘不算閒置",
                    "only {percent}% of the time held has readings; the rest does not count as idle"
                ),
            ),
            Self::Doubt(doubt) => plain(code(*doubt), doubt.word()),
        }
    }
}

fn code(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Unfinished => "unfinished",
        Doubt::Unplaced => "unplaced",
        Doubt::Disagreement => "disagreement",
        Doubt::Timeless => "timeless",
        Doubt::Conflict => "conflict",
        Doubt::BusyWithoutTask => "busy_without_task",
        Doubt::Malformed => "malformed_tasks",
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
        let (_, reason) = self.reason.parts();
        say!(f, "：{reason}", ": {reason}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Language;

    #[test]
    fn a_reason_is_said_in_both_languages() {
        for (reason, chinese, english) in [
            (Reason::Running, "這一天尚未結束", "the day is not over"),
            (
                Reason::MalformedTasks(1),
                "有 1 筆任務資料無法解析",
                "1 task record cannot be read",
            ),
            (
                Reason::Coverage(80),
                "佔用期間只有 80% 有讀數，其餘不算閒置",
                "only 80% of the time held has readings; the rest does not count as idle",
            ),
            (
                Reason::Doubt(Doubt::BusyWithoutTask),
                "有 GPU 沒有任務佔用卻忙碌",
                "GPUs busy without a task",
            ),
        ] {
            let left_out = LeftOut {
                date: "2025-08-01".parse().expect("a date"),
                node: Some("n1".to_owned()),
                gpu: Some(GpuIndex(3)),
                reason,
            };
            let of = "2025-08-01 n1 GPU[3]";
            assert_eq!(left_out.to_string(), format!("{of}：{chinese}"));
            let said = Language::English.in_it(|| left_out.to_string());
            assert_eq!(said, format!("{of}: {english}"));
        }
    }
}
