//! What a person should know of a run besides its figures.

mod message;
mod of_tasks;

use std::path::PathBuf;

use serde::{Serialize, Serializer};

use crate::analysis::attribution::{TimelessTask, UnplacedGpu};
use crate::analysis::conflict::Conflict;
use crate::analysis::gpu_map::Disagreement;
use crate::analysis::stopped_series::Stopped;
use crate::model::readings::{Metric, RejectedReading};
use crate::model::task::MalformedTask;
use crate::model::units::{CardId, GpuIndex, Reading};
use crate::sources::management_api::TasksError;
use crate::sources::netdata::NodeError;
use crate::store::day_files::UnusableFile;
use crate::store::reports::NotMergedReport;
use crate::store::write::WriteError;

/// Something that a run noticed.
#[derive(Debug)]
pub enum Notice {
    /// A node's agent gave no usage; its files are as they were.
    NodeFailed {
        /// The node.
        node: String,
        /// Why.
        error: NodeError,
    },
    /// A node's agent has no reading of the day any more; those of earlier runs stay.
    NoReadingsLeft {
        /// The node.
        node: String,
        /// What it said.
        error: NodeError,
    },
    /// A node's files could not be written; they are as they were.
    NotWritten {
        /// The node.
        node: String,
        /// Why.
        error: WriteError,
    },
    /// The files are in place, but their names may not last through a power cut.
    NotSynced(WriteError),
    /// The work on a node ended in a bug of this program; its files are as they were.
    Panicked {
        /// The node.
        node: String,
    },
    /// A GPU has not one reading of a metric.
    NoReadings {
        /// The node.
        node: String,
        /// The GPU.
        gpu: GpuIndex,
        /// Its card.
        card: CardId,
        /// The metric.
        metric: Metric,
    },
    /// Series had readings, and have none at the end.
    SeriesStopped {
        /// The node.
        node: String,
        /// Their last reading's moment, on the clocks of the day's zone.
        since: String,
        /// Which.
        stopped: Stopped,
    },
    /// The coarser tiers could not be asked for readings that are older than the samples.
    OldReadings {
        /// The node.
        node: String,
        /// Why not.
        problem: String,
    },
    /// Readings that cannot be true were left out.
    Rejected {
        /// The node.
        node: String,
        /// One of the readings.
        first: RejectedReading,
        /// That reading's moment, on the clocks of the day's zone.
        at: String,
        /// How many there are.
        count: usize,
    },
    /// There is no task information.
    TasksUnavailable(TasksError),
    /// The work on the tasks ended in a bug of this program.
    TasksPanicked,
    /// The management API gave no answer, and that of an earlier run was used.
    TasksKept {
        /// Why there is no new answer, if one was asked for.
        error: Option<TasksError>,
        /// When the old one was given, on the clocks of the day's zone.
        since: String,
        /// Whether the day was over by then, so that a new answer could say no more.
        is_final: bool,
    },
    /// The management API's answer could not be kept for later runs.
    TasksNotKept(WriteError),
    /// What became of the run could not be recorded for later ones.
    NotRecorded(WriteError),
    /// An agent has a card that the settings do not name.
    UnknownCard {
        /// The node.
        node: String,
        /// The card.
        card: CardId,
    },
    /// GPUs of tasks cannot be placed on their node.
    Unplaced {
        /// The node.
        node: String,
        /// The node that the settings have their UUIDs on, if that is another.
        owner: Option<String>,
        /// The GPUs.
        gpus: Vec<UnplacedGpu>,
    },
    /// GPUs of tasks were placed by UUID where their id says otherwise.
    Disagreement {
        /// The node.
        node: String,
        /// The GPUs.
        gpus: Vec<Disagreement>,
    },
    /// Tasks run on a host that the settings do not name.
    UnknownHost {
        /// The host.
        host: String,
        /// The tasks.
        tasks: Vec<String>,
    },
    /// Several users held one GPU at once.
    Conflict {
        /// The node.
        node: String,
        /// The GPU.
        gpu: GpuIndex,
        /// Who, and with which tasks.
        conflict: Box<Conflict>,
        /// When, on the clocks of the day's zone.
        when: String,
    },
    /// Several users held one GPU at once more often than is told one by one.
    MoreConflicts {
        /// The node.
        node: String,
        /// The GPU.
        gpu: GpuIndex,
        /// How many times more.
        count: usize,
    },
    /// A GPU was busy for an hour or more though no task held it.
    BusyWithoutTask {
        /// The node.
        node: String,
        /// The GPU.
        gpu: GpuIndex,
        /// Over what its readings were.
        limit: Reading,
        /// When, on the clocks of the day's zone.
        when: Vec<String>,
    },
    /// It is not known when a task held its GPUs.
    Timeless {
        /// The node.
        node: String,
        /// The task.
        task: TimelessTask,
    },
    /// A task could not be read.
    Malformed(MalformedTask),
    /// The accounts of the users could not be written.
    LedgerNotWritten(WriteError),
    /// The accounts of the users that were there could not be merged with the new ones.
    LedgerNotMerged(NotMergedReport),
    /// A file of an earlier run was not merged with the new readings.
    NotMerged {
        /// The node.
        node: String,
        /// The file.
        file: UnusableFile,
        /// Its name now, if a new file took its place.
        kept_as: Option<PathBuf>,
    },
}

/// What a notice means for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something that was asked for is missing from the files: the run is incomplete.
    Error,
    /// The files are complete, but somebody should look.
    Warning,
}

impl Notice {
    /// What it means for the run.
    pub fn severity(&self) -> Severity {
        match self {
            Self::NodeFailed { .. }
            | Self::NotWritten { .. }
            | Self::NotSynced(_)
            | Self::Panicked { .. }
            | Self::NoReadings { .. }
            | Self::OldReadings { .. }
            | Self::Rejected { .. }
            | Self::LedgerNotWritten(_)
            | Self::TasksUnavailable(_)
            | Self::TasksPanicked
            | Self::TasksKept {
                is_final: false, ..
            } => Severity::Error,
            Self::TasksKept { is_final: true, .. }
            | Self::TasksNotKept(_)
            | Self::NotRecorded(_)
            | Self::NoReadingsLeft { .. }
            | Self::SeriesStopped { .. }
            | Self::UnknownCard { .. }
            | Self::Unplaced { .. }
            | Self::Disagreement { .. }
            | Self::UnknownHost { .. }
            | Self::Timeless { .. }
            | Self::Conflict { .. }
            | Self::MoreConflicts { .. }
            | Self::BusyWithoutTask { .. }
            | Self::LedgerNotMerged(_)
            | Self::Malformed(_)
            | Self::NotMerged { .. } => Severity::Warning,
        }
    }

    /// The node that it is about, if it is about one.
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::NodeFailed { node, .. }
            | Self::NoReadingsLeft { node, .. }
            | Self::NotWritten { node, .. }
            | Self::Panicked { node }
            | Self::NoReadings { node, .. }
            | Self::SeriesStopped { node, .. }
            | Self::OldReadings { node, .. }
            | Self::Rejected { node, .. }
            | Self::UnknownCard { node, .. }
            | Self::Unplaced { node, .. }
            | Self::Disagreement { node, .. }
            | Self::Timeless { node, .. }
            | Self::Conflict { node, .. }
            | Self::MoreConflicts { node, .. }
            | Self::BusyWithoutTask { node, .. }
            | Self::NotMerged { node, .. } => Some(node),
            Self::NotSynced(_)
            | Self::TasksUnavailable(_)
            | Self::TasksPanicked
            | Self::TasksKept { .. }
            | Self::TasksNotKept(_)
            | Self::NotRecorded(_)
            | Self::LedgerNotWritten(_)
            | Self::LedgerNotMerged(_)
            | Self::UnknownHost { .. }
            | Self::Malformed(_) => None,
        }
    }

    /// A word for programs to tell notices apart by.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NodeFailed { .. } => "node_failed",
            Self::NoReadingsLeft { .. } => "no_new_readings",
            Self::NotWritten { .. } => "not_written",
            Self::NotSynced(_) => "not_synced",
            Self::Panicked { .. } => "panicked",
            Self::NoReadings { .. } => "no_readings",
            Self::OldReadings { .. } => "old_readings",
            Self::Rejected { .. } => "rejected_readings",
            Self::TasksUnavailable(_) => "tasks_unavailable",
            Self::TasksPanicked => "tasks_panicked",
            Self::TasksKept { .. } => "tasks_kept",
            Self::TasksNotKept(_) => "tasks_not_kept",
            Self::NotRecorded(_) => "not_recorded",
            Self::SeriesStopped { .. } => "series_stopped",
            Self::UnknownCard { .. } => "unknown_card",
            Self::Unplaced { .. } => "unplaced_gpus",
            Self::Disagreement { .. } => "gpu_disagreement",
            Self::UnknownHost { .. } => "unknown_host",
            Self::Timeless { .. } => "timeless_task",
            Self::Malformed(_) => "malformed_task",
            Self::Conflict { .. } | Self::MoreConflicts { .. } => "conflict",
            Self::BusyWithoutTask { .. } => "busy_without_task",
            Self::LedgerNotWritten(_) => "ledger_not_written",
            Self::LedgerNotMerged(_) => "ledger_not_merged",
            Self::NotMerged { .. } => "not_merged",
        }
    }
}

impl Serialize for Notice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            severity: Severity,
            code: &'a str,
            message: String,
        }
        Fields {
            severity: self.severity(),
            code: self.code(),
            message: self.to_string(),
        }
        .serialize(serializer)
    }
}
