//! Copies of the tree in other engines, a file each. The tree stays the truth: a copy is made equal to it, day by day.

pub mod parquet;
pub mod postgres;
pub mod sqlite;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::Serialize;

use crate::analysis::{Coverage, Doubt, Entry, LastRun, NodeLedger, Severity, Span};
use crate::model::{Both, CardId, CardUsage, GpuIndex, Language, TaskSource, UnixSeconds, Window};

/// What the tree has of a node's day, as a digest: a copy with the same one is equal to it.
pub type Fingerprint = [u8; 32];

/// A day of the tree.
#[derive(Clone, Debug)]
pub struct TreeDay<'a> {
    pub window: &'a Window,
    /// Whose tree it is: `all`, or which of several machines collected it.
    pub shard: &'a str,
    /// What is known of the last run that collected it.
    pub last_run: Option<&'a LastRun>,
    pub exported_at: UnixSeconds,
}

/// A node's day of the tree.
#[derive(Clone, Debug)]
pub struct NodeCopy {
    pub node: String,
    pub fingerprint: Fingerprint,
    /// The end of the last interval that was asked for: there is no row of a later one.
    pub until: UnixSeconds,
    /// The readings that there are of those due.
    pub coverage: Coverage,
    pub task_information: Option<TaskSource>,
    /// When the management API gave its answer.
    pub tasks_as_of: Option<UnixSeconds>,
    /// By index.
    pub gpus: Vec<GpuCopy>,
    /// By GPU, and on each by user and start.
    pub holdings: Vec<Holding>,
    /// The accounts of the usage report.
    pub usage: Option<NodeLedger>,
}

#[derive(Clone, Debug)]
pub struct GpuCopy {
    pub index: GpuIndex,
    pub card: CardId,
    /// One of each metric for each interval up to the node's `until`; `None` where the tree has no file of the GPU.
    pub usage: Option<CardUsage>,
}

/// That a task held a GPU, within the day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    pub gpu: GpuIndex,
    pub user: String,
    pub task: String,
    pub task_type: Option<String>,
    pub project: Option<String>,
    pub span: Span,
}

impl NodeCopy {
    pub fn task_source(&self) -> Option<&'static str> {
        Some(match self.task_information? {
            TaskSource::Known => "known",
            TaskSource::Kept => "kept",
            TaskSource::NotAsked => "not_asked",
            TaskSource::Unavailable => "unavailable",
        })
    }
}

impl Entry {
    /// Whether somebody held the GPU, or nobody.
    pub fn kind(&self) -> &'static str {
        if self.user.is_some() { "held" } else { "free" }
    }
}

/// The doubts as programs get them.
pub fn doubt_words(doubts: &BTreeSet<Doubt>) -> String {
    let words = doubts
        .iter()
        .map(|doubt| Language::English.in_it(|| doubt.word_of_file()));
    words.collect::<Vec<_>>().join(";")
}

/// What was noticed in a run, as JSON, without the character of number 0, which PostgreSQL's has not.
pub fn notices(run: &LastRun) -> String {
    #[derive(Serialize)]
    struct Notice {
        severity: Severity,
        code: String,
        message: String,
    }
    let text = |text: &str| text.replace('\0', "\u{fffd}");
    let notices = run.notices.iter().map(|notice| Notice {
        severity: notice.severity,
        code: text(&notice.code),
        message: text(&notice.message),
    });
    let notices: Vec<_> = notices.collect();
    serde_json::to_string(&notices).expect("notices are texts")
}

/// Takes node-days of the tree.
pub trait Sink {
    /// The fingerprints of the node-days of a date that it has. Nothing is made where nothing is there.
    fn fingerprints(&mut self, date: NaiveDate)
    -> Result<BTreeMap<String, Fingerprint>, SinkError>;

    /// Whether all nodes of a day are written together, even where only one differs.
    fn writes_whole_days(&self) -> bool {
        false
    }

    /// Puts the nodes in the place of what it has of them on that day. They come one after the other, so that a large
    /// day is never in memory. Of one that is [`Unread`] it keeps what it has, and of its day where it writes whole
    /// days and has that node.
    fn write(
        &mut self,
        day: &TreeDay,
        nodes: &mut dyn Iterator<Item = Result<NodeCopy, Unread>>,
    ) -> Result<(), SinkError>;
}

/// The node whose day cannot be read; whoever reads it has said why.
#[derive(Clone, Debug)]
pub struct Unread(pub String);

/// Why a copy is not equal to the tree, and what to do. It never holds a secret.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct SinkError(pub Both);

#[cfg(test)]
pub mod samples {
    use super::*;
    use crate::analysis::{Account, Entry};
    use crate::model::{Interval, Reading};
    use chrono_tz::Tz;

    pub fn window(date: &str) -> Window {
        let date = date.parse().expect("a date");
        Window::new(date, Tz::Asia__Taipei, Interval::DEFAULT, 2_000_000_000).expect("a window")
    }

    /// A node's day: two GPUs with a gap in the first interval, and one without a file; the first held by a user all day.
    pub fn node(name: &str, window: &Window, seed: u8) -> NodeCopy {
        let due = window.due();
        let reading = |number: usize| {
            let percent = (number * 7_654_321 + usize::from(seed)) % 1_000_000_000;
            Reading::new(f64::from(u32::try_from(percent).expect("small")) / 1e7)
        };
        let series = |of: usize| -> Vec<_> {
            let numbers = 0..due;
            numbers
                .map(|number| {
                    if number == 0 {
                        None
                    } else {
                        reading(number + of)
                    }
                })
                .collect()
        };
        let gpu = |index: usize| GpuCopy {
            index: GpuIndex(index),
            card: CardId(1 + 8 * index as u64),
            usage: (index < 2).then(|| CardUsage {
                gpu: series(index),
                vram: series(index + 1000),
            }),
        };
        let day = Span::new(window.start, window.end).expect("a day");
        let account = Account {
            active: 86_400 - 600,
            unknown: 600,
            ..Account::default()
        };
        NodeCopy {
            node: name.to_owned(),
            fingerprint: [seed; 32],
            until: window.until,
            coverage: Coverage {
                found: 4 * (due - 1),
                due: 6 * due,
            },
            task_information: Some(TaskSource::Known),
            tasks_as_of: Some(window.end + 60),
            gpus: (0..3).map(gpu).collect(),
            holdings: vec![Holding {
                gpu: GpuIndex(0),
                user: "王小明".to_owned(),
                task: "t-1".to_owned(),
                task_type: Some("LAB".to_owned()),
                project: None,
                span: day,
            }],
            usage: Some(NodeLedger {
                known: day,
                doubts: BTreeSet::new(),
                entries: vec![Entry {
                    user: Some("王小明".to_owned()),
                    gpu: GpuIndex(0),
                    account,
                }],
            }),
        }
    }

    /// What there was of a node's day when so many intervals of it had ended.
    pub fn until(mut node: NodeCopy, intervals: usize) -> NodeCopy {
        for usage in node.gpus.iter_mut().filter_map(|gpu| gpu.usage.as_mut()) {
            usage.gpu.truncate(intervals);
            usage.vram.truncate(intervals);
        }
        node
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{DOUBTS, NoticeRecord, Shortfall};

    #[test]
    fn a_notice_is_its_severity_code_and_message() {
        let notice = NoticeRecord {
            severity: Severity::Warning,
            code: "late".to_owned(),
            message: "任務「\0」".to_owned(),
            shortfall: Some(Shortfall::NoTasks),
        };
        let run = LastRun {
            version: "0.1.0".to_owned(),
            started_at: 0,
            duration_seconds: 1.0,
            exit_status: 3,
            completeness: None,
            nodes: Vec::new(),
            notices: vec![notice],
        };
        let expected =
            "[{\"severity\":\"warning\",\"code\":\"late\",\"message\":\"任務「\u{fffd}」\"}]";
        assert_eq!(notices(&run), expected);
    }

    #[test]
    fn the_word_of_a_doubt_is_the_one_that_json_has() {
        for doubt in DOUBTS {
            let json = serde_json::to_string(&doubt).expect("a word");
            assert_eq!(json, format!("\"{}\"", doubt_words(&[doubt].into())));
        }
    }
}
