//! What "complete" means of a day and of a run, whoever asks: one word, one figure, one exit status.
//!
//! *Complete*: every reading due is there, of every node that was to be collected; of a running day, so far. *With
//! gaps*: every node answered, and single readings do not exist, or one metric of a GPU has no chart. *Incomplete*:
//! anything that a [`Shortfall`] names.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::average::Coverage;
use crate::model::{ExitStatus, text};

/// Why a day is incomplete, in the order of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortfall {
    NotCollected,
    Node,
    /// A GPU has no reading at all, or none of a metric that it has a chart for.
    Gpu,
    RefusedReadings,
    /// The agent has, or may have, readings that it did not give.
    Unasked,
    LostFiles,
    NoTasks,
    EarlyTasks,
    DoubtfulTasks,
    Unplaced,
    UsersReport,
    NotSynced,
}

impl Shortfall {
    pub fn message(self) -> &'static str {
        match self {
            Self::NotCollected => text("有節點沒有收集", "nodes not collected"),
            Self::Node => text("有節點沒有寫入", "nodes not written"),
            Self::Gpu => text("有 GPU 沒有讀數", "GPUs without readings"),
            Self::RefusedReadings => text("有讀數不合理而未採用", "impossible readings left out"),
            Self::Unasked => text("有讀數未能取得", "readings that could not be fetched"),
            Self::LostFiles => text("有檔案不見了", "lost files"),
            Self::NoTasks => text("沒有任務資訊", "no task information"),
            Self::EarlyTasks => text(
                "任務資訊取得時當日尚未結束",
                "task information from before the day's end",
            ),
            Self::DoubtfulTasks => text("有任務的資料不明", "tasks in doubt"),
            Self::Unplaced => text("有任務的 GPU 無法對應", "unplaced task GPUs"),
            Self::UsersReport => text("沒有用量報告", "no usage report"),
            Self::NotSynced => text(
                "未能確認檔案已存到磁碟",
                "files that may not have reached the disk",
            ),
        }
    }
}

/// From the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Complete,
    /// Complete so far, of a day that still runs.
    Running,
    /// With all of its files in an archive, and not looked into.
    Moved,
    Gaps,
    Incomplete,
    Missing,
    Failed,
}

impl Verdict {
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => text("完整", "complete"),
            Self::Running => text("尚未結束", "still running"),
            Self::Moved => text("已移出", "moved away"),
            Self::Gaps => text("有缺漏", "with gaps"),
            Self::Incomplete => text("不完整", "incomplete"),
            Self::Missing => text("缺少", "missing"),
            Self::Failed => text("失敗", "failed"),
        }
    }

    pub fn exit_status(self) -> ExitStatus {
        match self {
            Self::Complete | Self::Running | Self::Moved | Self::Gaps => ExitStatus::Complete,
            Self::Incomplete | Self::Missing => ExitStatus::Incomplete,
            Self::Failed => ExitStatus::Failed,
        }
    }
}

/// How complete a day is. The readings due are those of every node that was to be collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completeness {
    pub verdict: Verdict,
    #[serde(flatten)]
    pub coverage: Coverage,
}

impl Completeness {
    pub fn new(coverage: Coverage, is_over: bool, shortfalls: &BTreeSet<Shortfall>) -> Self {
        let verdict = if !shortfalls.is_empty() {
            Verdict::Incomplete
        } else if !coverage.is_whole() {
            Verdict::Gaps
        } else if is_over {
            Verdict::Complete
        } else {
            Verdict::Running
        };
        Self { verdict, coverage }
    }

    /// The same for a run that wrote the files of so many nodes of the day.
    pub fn of_run(mut self, written: usize) -> Self {
        if written == 0 {
            self.verdict = Verdict::Failed;
        }
        self
    }
}

/// How a run ends whose days ended so, and whose result reached everybody or not: failed only if no day has anything
/// new, and by a wrong setting if it stopped one of them.
pub fn run_status(days: &[ExitStatus], is_delivered: bool) -> ExitStatus {
    let all = |status| days.iter().all(|day| *day == status);
    if days.contains(&ExitStatus::Configuration) {
        return ExitStatus::Configuration;
    }
    match (all(ExitStatus::Complete), all(ExitStatus::Failed)) {
        // The files are in place, but whoever reads the output does not know.
        (true, _) if is_delivered => ExitStatus::Complete,
        (false, true) => ExitStatus::Failed,
        _ => ExitStatus::Incomplete,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn a_day_has_one_word_and_one_exit_status() {
        let (whole, gaps) = ((576, 576), (570, 576));
        for ((found, due), is_over, shortfalls, written, word, status) in [
            (whole, true, &[][..], 4, "完整", 0),
            (whole, false, &[], 4, "尚未結束", 0),
            (gaps, true, &[], 4, "有缺漏", 0),
            (gaps, false, &[], 4, "有缺漏", 0),
            ((432, 576), true, &[Shortfall::Node], 3, "不完整", 3),
            // Their files of an earlier run are whole, and this run did not see to that.
            (whole, true, &[Shortfall::Node], 3, "不完整", 3),
            (whole, true, &[Shortfall::Node], 0, "失敗", 1),
            ((0, 576), true, &[Shortfall::Node], 0, "失敗", 1),
            (gaps, true, &[Shortfall::Gpu], 4, "不完整", 3),
            (gaps, true, &[Shortfall::RefusedReadings], 4, "不完整", 3),
            (gaps, true, &[Shortfall::Unasked], 4, "不完整", 3),
            (whole, true, &[Shortfall::NoTasks], 4, "不完整", 3),
            (whole, false, &[Shortfall::EarlyTasks], 4, "不完整", 3),
            (whole, true, &[Shortfall::DoubtfulTasks], 4, "不完整", 3),
            (whole, true, &[Shortfall::Unplaced], 4, "不完整", 3),
            (whole, true, &[Shortfall::UsersReport], 4, "不完整", 3),
        ] {
            let shortfalls: BTreeSet<_> = shortfalls.iter().copied().collect();
            let day = Completeness::new(Coverage { found, due }, is_over, &shortfalls);
            let verdict = day.of_run(written).verdict;
            let ended = (verdict.word(), u8::from(verdict.exit_status()));
            assert_eq!(ended, (word, status), "{day:?} {shortfalls:?} {written}");
        }
    }

    #[test]
    fn a_run_ends_as_its_days_did() {
        use ExitStatus::{Complete, Configuration, Failed, Incomplete};
        for (days, is_delivered, status) in [
            (&[][..], true, Complete),
            (&[Complete, Complete], true, Complete),
            (&[Complete, Complete], false, Incomplete),
            (&[Complete, Incomplete], true, Incomplete),
            (&[Complete, Failed], true, Incomplete),
            (&[Incomplete, Failed], true, Incomplete),
            (&[Incomplete, Incomplete], true, Incomplete),
            (&[Failed, Failed], true, Failed),
            (&[Failed, Failed], false, Failed),
            (&[Complete, Configuration], true, Configuration),
            (&[Configuration, Failed], false, Configuration),
        ] {
            assert_eq!(run_status(days, is_delivered), status, "{days:?}");
        }
    }
}
