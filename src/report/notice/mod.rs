//! What a person should know of a run besides its figures.

mod found;
mod message;
mod parts;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::analysis::{
    Conflict, Differing, Disagreement, Early, NoticeRecord, Remedy, Severity, Shortfall, Stopped,
    TimelessTask, UnplacedGpu,
};
use crate::model::{
    Capped, CardId, GpuIndex, MalformedTask, Metric, Node, Reading, RejectedRows, UnixSeconds,
    counted, say,
};
use crate::sources::management_api::TasksError;
use crate::sources::netdata::{Namesakes, NodeError};
use crate::store::{NotMergedReport, ReadError, UnusableFile, WriteError};

pub use found::{
    answer_notices, day_notices, parent_notices, task_notices, time_notices, usage_notices,
};
pub use parts::{cards_list, caveat, remedy};

#[derive(Debug)]
pub struct Notice {
    pub node: Option<Arc<str>>,
    pub kind: Kind,
}

/// What was noticed. Times are on the clocks of the day's zone.
#[derive(Debug)]
pub enum Kind {
    /// The agent gave no usage; the node's files are as they were.
    NodeFailed(NodeError),
    /// The agent has no reading of the day any more; those of earlier runs stay.
    NoReadingsLeft(NodeError),
    /// The node's files could not be written; they are as they were.
    NotWritten(WriteError),
    /// The files are in place, but their names may not last through a power cut.
    NotSynced(WriteError),
    /// The work on the node ended in a bug of this program; its files are as they were.
    Panicked,
    /// GPUs have not one reading of these metrics, though they have a chart, or have none of either.
    NoReadings(Series),
    NoChart(Series),
    /// Series had readings, and have none at the end.
    SeriesStopped {
        since: String,
        stopped: Stopped,
    },
    /// The coarser tiers could not be asked for readings that are older than the samples, for this reason.
    OldReadings(String),
    /// Readings that cannot be true were left out.
    Rejected {
        example: String,
        count: usize,
    },
    /// Readings were left out of which two charts of a renamed card hold a part each.
    Renamed {
        example: String,
        count: usize,
    },
    /// Rows of the answer were left out.
    RejectedRows(RejectedRows),
    /// The node's clock is ahead of the machine's by so many seconds.
    ClockOff(i64),
    /// The node's parent has several hosts of its name.
    Namesakes(Namesakes),
    /// The node's parent hears no more of it.
    LostByParent,
    /// The management API will take the token no longer than this.
    TokenEnds {
        at: String,
        seconds_left: UnixSeconds,
    },
    TasksUnavailable(TasksError),
    TasksPanicked,
    /// The management API gave no answer, and that of an earlier run was used.
    TasksKept {
        /// Why there is no new answer, if one was asked for.
        error: Option<TasksError>,
        since: String,
        /// Whether the day was over by then, so that a new answer could say no more.
        is_final: bool,
    },
    TasksNotKept(WriteError),
    /// The answer that is kept cannot be read, and the new one is not kept over it.
    TasksNotRead(ReadError),
    /// The answer that is kept, in this file, and the new one are together more than can be read.
    TasksNotUnited(PathBuf),
    NotRecorded(WriteError),
    /// The record that is there cannot be read, and stays.
    RecordNotRead(ReadError),
    UnknownCards(Capped<CardId, 12>),
    /// GPUs of tasks cannot be placed on their node.
    Unplaced {
        /// The node that the settings have their UUIDs on, if that is another.
        owner: Option<String>,
        gpus: Vec<UnplacedGpu>,
        remedy: Remedy,
    },
    /// Tasks were given GPUs that their records do not list.
    Unlisted(Capped<String, 20>),
    /// GPUs of tasks were placed by UUID where their id says otherwise.
    Disagreement(Vec<Disagreement>),
    UnknownHosts {
        /// So many that they can be copied into `ignore_hosts` in one go.
        hosts: Capped<String, 100>,
        tasks: Capped<String, 20>,
    },
    Conflict {
        gpu: GpuIndex,
        conflict: Box<Conflict>,
        when: String,
    },
    /// Several users held one GPU at once more often than is named one by one.
    MoreConflicts {
        gpu: GpuIndex,
        count: usize,
    },
    /// A GPU was busy for an hour or more though no task held it.
    BusyWithoutTask {
        gpu: GpuIndex,
        /// Over what its readings were.
        limit: Reading,
        when: Vec<String>,
    },
    Timeless(Capped<TimelessTask, 20>),
    Malformed(Capped<MalformedTask, 20>),
    /// Tasks that an earlier answer has are not in the newest.
    TasksGone(Capped<String, 20>),
    /// Times of tasks are of another weekday than they say.
    Misdated(Capped<String, 20>),
    /// The management API counts another time of tasks than it gives.
    Differing(Differing),
    /// A task begins after now.
    Early(Early),
    /// Ids that more than one task of the answer has.
    RepeatedTasks(Capped<String, 20>),
    LedgerNotWritten(WriteError),
    /// The accounts of the users that were there could not be merged with the new ones.
    LedgerNotMerged(NotMergedReport),
    /// A file of an earlier run was not merged with the new readings.
    NotMerged {
        file: UnusableFile,
        /// Its name now, if a new file took its place.
        kept_as: Option<PathBuf>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    pub gpus: Vec<(GpuIndex, CardId)>,
    pub metrics: Vec<Metric>,
}

impl Kind {
    /// How it is logged, a word for programs, and what it takes from the day.
    fn row(&self) -> (Severity, &'static str, Option<Shortfall>) {
        use Severity::{Error, Warning};
        use Shortfall as S;
        match self {
            Self::NodeFailed(_) => (Error, "node_failed", Some(S::Node)),
            Self::NoReadingsLeft(_) => (Warning, "no_new_readings", None),
            Self::NotWritten(_) => (Error, "not_written", Some(S::Node)),
            Self::NotSynced(_) => (Error, "not_synced", Some(S::NotSynced)),
            Self::Panicked => (Error, "panicked", Some(S::Node)),
            Self::NoReadings(_) => (Error, "no_readings", Some(S::Gpu)),
            Self::NoChart(_) => (Warning, "no_chart", None),
            Self::SeriesStopped { .. } => (Warning, "series_stopped", None),
            Self::OldReadings(_) => (Error, "old_readings", Some(S::Unasked)),
            Self::Rejected { .. } => (Error, "rejected_readings", Some(S::RefusedReadings)),
            Self::Renamed { .. } => (Warning, "renamed_chart", None),
            Self::RejectedRows(_) => (Error, "rejected_rows", Some(S::RefusedReadings)),
            Self::ClockOff(_) => (Warning, "clock_off", None),
            Self::Namesakes(_) => (Warning, "same_hostname", None),
            Self::LostByParent => (Warning, "lost_by_parent", None),
            Self::TokenEnds { .. } => (Warning, "token_ends", None),
            Self::TasksUnavailable(_) => (Error, "tasks_unavailable", Some(S::NoTasks)),
            Self::TasksPanicked => (Error, "tasks_panicked", Some(S::NoTasks)),
            Self::TasksKept { is_final: true, .. } => (Warning, "tasks_kept", None),
            Self::TasksKept { .. } => (Error, "tasks_kept", Some(S::EarlyTasks)),
            Self::TasksNotKept(_) => (Warning, "tasks_not_kept", None),
            Self::TasksNotRead(_) | Self::TasksNotUnited(_) => {
                (Warning, "tasks_not_kept", Some(S::DoubtfulTasks))
            }
            Self::NotRecorded(_) | Self::RecordNotRead(_) => (Warning, "not_recorded", None),
            Self::UnknownCards(_) => (Warning, "unknown_card", None),
            Self::Unplaced { .. } => (Warning, "unplaced_gpus", Some(S::Unplaced)),
            Self::Unlisted(_) => (Warning, "unlisted_gpus", Some(S::Unplaced)),
            Self::Disagreement(_) => (Warning, "gpu_disagreement", None),
            Self::UnknownHosts { .. } => (Warning, "unknown_host", None),
            Self::Conflict { .. } | Self::MoreConflicts { .. } => (Warning, "conflict", None),
            Self::BusyWithoutTask { .. } => (Warning, "busy_without_task", None),
            Self::Timeless(_) => (Warning, "timeless_task", Some(S::DoubtfulTasks)),
            Self::Malformed(_) => (Warning, "malformed_task", Some(S::DoubtfulTasks)),
            Self::TasksGone(_) => (Warning, "tasks_gone", None),
            Self::Misdated(_) => (Warning, "wrong_weekday", None),
            Self::Differing(_) => (Warning, "task_seconds_differ", None),
            Self::Early(_) => (Warning, "task_begins_later", None),
            Self::RepeatedTasks(_) => (Warning, "repeated_task", None),
            Self::LedgerNotWritten(_) => (Error, "ledger_not_written", Some(S::UsersReport)),
            Self::LedgerNotMerged(_) => (Warning, "ledger_not_merged", None),
            Self::NotMerged { .. } => (Warning, "not_merged", None),
        }
    }

    /// Whether it is about the moment of the run, and not about the day: it is said once in a run of many days.
    pub fn is_about_now(&self) -> bool {
        matches!(
            self,
            Self::ClockOff(_) | Self::Namesakes(_) | Self::LostByParent | Self::TokenEnds { .. }
        )
    }

    pub fn of(self, node: &Node) -> Notice {
        let node = Some(Arc::from(node.name.as_str()));
        Notice { node, kind: self }
    }
}

/// The notices of a kind that are not named one by one, because there are too many.
pub struct Others {
    pub severity: Severity,
    pub code: &'static str,
    pub count: usize,
}

impl fmt::Display for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        say!(
            f,
            "另有 {messages}（{code}）未列出",
            "{messages} ({code}) not listed",
            messages = counted(
                self.count,
                "則同類的訊息",
                "more message like this",
                "more messages like this"
            ),
            code = self.code
        )
    }
}

/// The first dozen of each kind of notices, or of what is made of them, and how many others there are.
pub fn first_of_each_kind<T>(
    all: impl IntoIterator<Item = T>,
    notice: impl Fn(&T) -> &Notice,
) -> (Vec<T>, Vec<Others>) {
    const NAMED: usize = 12;
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    let is_named = |one: &T| {
        let (severity, code, _) = notice(one).kind.row();
        let count = counts.entry((code, severity)).or_default();
        *count += 1;
        *count <= NAMED
    };
    let named = all.into_iter().filter(is_named).collect();
    let others = counts.into_iter().filter_map(|((code, severity), count)| {
        let count = count.checked_sub(NAMED).filter(|count| *count > 0)?;
        Some(Others {
            severity,
            code,
            count,
        })
    });
    (named, others.collect())
}

impl From<Kind> for Notice {
    fn from(kind: Kind) -> Self {
        Self { node: None, kind }
    }
}

impl Notice {
    pub fn severity(&self) -> Severity {
        self.kind.row().0
    }

    pub fn code(&self) -> &'static str {
        self.kind.row().1
    }

    pub fn shortfall(&self) -> Option<Shortfall> {
        self.kind.row().2
    }

    pub fn node(&self) -> Option<&str> {
        self.node.as_deref()
    }

    pub fn record(&self) -> NoticeRecord {
        let (severity, code, shortfall) = self.kind.row();
        NoticeRecord {
            severity,
            code: code.to_owned(),
            message: self.to_string(),
            shortfall,
        }
    }
}

impl Serialize for Notice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = NoticeRecord {
            shortfall: None,
            ..self.record()
        };
        record.serialize(serializer)
    }
}
