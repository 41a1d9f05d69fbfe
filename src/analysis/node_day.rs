//! One node's day, with everything that its files say.

use std::collections::{BTreeMap, BTreeSet};

use super::attribution::NodeTasks;
use super::average::{Coverage, Mean};
use super::conflict::{Conflicts, busy_without_task, conflicts};
use super::holding::{Holdings, Span};
use super::ledger::{Doubt, GpuLedger, NodeLedger};
use crate::model::{
    Both, CardId, CardUsage, GpuIndex, Node, Thresholds, UnixSeconds, UserColumn, Window,
};

#[derive(Debug)]
pub struct NodeDay<'a> {
    pub node: &'a Node,
    pub window: &'a Window,
    pub gpus: Vec<GpuDay>,
    pub tasks: TaskKnowledge<'a>,
    /// What counts as busy, idle, and held.
    pub thresholds: Thresholds,
    /// How many rows of each card's earlier file were 0 for want of a reading, and are gaps now.
    pub false_zeros: BTreeMap<CardId, usize>,
}

#[derive(Debug)]
pub struct GpuDay {
    pub index: GpuIndex,
    pub card: CardId,
    /// Its readings: `None` where there is not one of either metric.
    pub usage: Option<CardUsage>,
    pub mean: Mean,
    pub coverage: Coverage,
    /// Who held it; `None` without task information.
    pub held: Option<GpuUse>,
}

/// What became of a GPU in the hands of its users.
#[derive(Clone, Debug, PartialEq)]
pub struct GpuUse {
    /// What it did while each user held it, and while nobody did.
    pub ledger: GpuLedger,
    pub conflicts: Conflicts,
    /// When it was busy for an hour or more though nobody held it.
    pub busy_without_task: Vec<Span>,
}

#[derive(Clone, Debug)]
pub enum TaskKnowledge<'a> {
    /// The management API's answer, placed on the node.
    Known {
        tasks: NodeTasks<'a>,
        /// When the answer was given, if it is one that an earlier run kept.
        kept_since: Option<UnixSeconds>,
        /// Whether the answer has tasks that cannot be read, and so may be of this node or of any other.
        has_malformed: bool,
    },
    Unknown {
        reason: Both,
        /// The user column that an earlier run left.
        earlier: BTreeMap<GpuIndex, String>,
    },
}

impl<'a> NodeDay<'a> {
    pub fn new(
        node: &'a Node,
        window: &'a Window,
        mut cards: BTreeMap<CardId, CardUsage>,
        tasks: TaskKnowledge<'a>,
        thresholds: Thresholds,
    ) -> Self {
        let gpu = |(index, &card): (usize, &CardId)| {
            let index = GpuIndex(index);
            let usage = cards.remove(&card);
            GpuDay {
                index,
                card,
                held: tasks
                    .known()
                    .map(|tasks| GpuUse::new(index, usage.as_ref(), tasks, window, thresholds)),
                mean: usage.as_ref().map(Mean::of_readings).unwrap_or_default(),
                coverage: Coverage::of_readings(usage.as_ref(), window.due()),
                usage,
            }
        };
        Self {
            node,
            window,
            gpus: node.cards.iter().enumerate().map(gpu).collect(),
            tasks,
            thresholds,
            false_zeros: BTreeMap::new(),
        }
    }

    pub fn mean(&self) -> Mean {
        Mean::of_means(self.gpus.iter().map(|gpu| gpu.mean))
    }

    pub fn coverage(&self) -> Coverage {
        Coverage::sum(self.gpus.iter().map(|gpu| gpu.coverage))
    }

    /// Who held a GPU, in order of first hold and joined by `;`; `None` if nobody is known to have.
    pub fn users(&self, gpu: GpuIndex) -> Option<String> {
        match &self.tasks {
            TaskKnowledge::Known { tasks, .. } => {
                let users: Vec<_> = tasks.users(gpu).collect();
                (!users.is_empty()).then(|| users.join(";"))
            }
            TaskKnowledge::Unknown { earlier, .. } => earlier.get(&gpu).cloned(),
        }
    }

    /// The user column of the average CSV, of the GPUs that have a user in it.
    pub fn user_column(&self, which: UserColumn) -> BTreeMap<GpuIndex, String> {
        if let (UserColumn::Last, Some(tasks)) = (which, self.tasks.known()) {
            let users = tasks.last_users(self.node).into_iter();
            return users.map(|(gpu, user)| (gpu, user.to_owned())).collect();
        }
        let gpus = self.gpus.iter().map(|gpu| gpu.index);
        gpus.filter_map(|gpu| Some((gpu, self.users(gpu)?)))
            .collect()
    }

    /// The node's accounts; `None` without task information.
    pub fn ledger(&self) -> Option<NodeLedger> {
        let tasks = self.tasks.known()?;
        let doubts = self.doubts().into_iter().map(|(_, doubt)| doubt).collect();
        let gpus = self.gpus.iter();
        let gpus = gpus.filter_map(|gpu| Some((gpu.index, &gpu.held.as_ref()?.ledger)));
        Some(NodeLedger::new(tasks.known, doubts, gpus))
    }

    /// Why the accounts of a GPU, or of any of the node's, may not be the truth.
    pub fn doubts(&self) -> BTreeSet<(Option<GpuIndex>, Doubt)> {
        let TaskKnowledge::Known {
            tasks,
            has_malformed,
            ..
        } = &self.tasks
        else {
            return BTreeSet::new();
        };
        let of_node = [
            (Doubt::Unfinished, tasks.known.to < self.window.end),
            (
                Doubt::Unplaced,
                !tasks.unplaced.is_empty() || !tasks.unlisted.is_empty(),
            ),
            (Doubt::Malformed, *has_malformed),
        ];
        let of_node = of_node.into_iter().filter(|(_, is_so)| *is_so);
        let disagreements = tasks.disagreements.iter().flat_map(|of| {
            let indices = [Some(of.index), of.id_place.index()];
            indices.into_iter().flatten()
        });
        let timeless = tasks.timeless.iter().flat_map(|task| match &task.gpus {
            Some(gpus) => gpus.iter().copied().map(Some).collect(),
            None => vec![None],
        });
        let held = self
            .gpus
            .iter()
            .filter_map(|gpu| Some((gpu.index, gpu.held.as_ref()?)));
        let of_use = held.flat_map(|(index, held)| {
            let doubts = [
                (Doubt::Conflict, !held.conflicts.first.is_empty()),
                (Doubt::BusyWithoutTask, !held.busy_without_task.is_empty()),
            ];
            let doubts = doubts.into_iter().filter(|(_, is_so)| *is_so);
            doubts.map(move |(doubt, _)| (Some(index), doubt))
        });
        of_node
            .map(|(doubt, _)| (None, doubt))
            .chain(disagreements.map(|index| (Some(index), Doubt::Disagreement)))
            .chain(timeless.map(|gpu| (gpu, Doubt::Timeless)))
            .chain(of_use)
            .collect()
    }
}

impl<'a> TaskKnowledge<'a> {
    pub fn known(&self) -> Option<&NodeTasks<'a>> {
        match self {
            Self::Known { tasks, .. } => Some(tasks),
            Self::Unknown { .. } => None,
        }
    }
}

impl GpuUse {
    /// In order of first hold.
    pub fn users(&self) -> Vec<&str> {
        self.ledger.users.iter().map(|(user, _)| &**user).collect()
    }

    fn new(
        index: GpuIndex,
        usage: Option<&CardUsage>,
        tasks: &NodeTasks,
        window: &Window,
        thresholds: Thresholds,
    ) -> Self {
        let holdings = tasks.holdings.get(&index);
        let not_free = holdings.map(Holdings::not_free).unwrap_or_default();
        let busy = usage
            .map(|usage| busy_without_task(usage, &not_free, tasks.known, window, thresholds.busy));
        let conflicts = holdings.map(|of_gpu| conflicts(of_gpu, thresholds.handover_seconds));
        Self {
            ledger: GpuLedger::new(holdings, usage, tasks.known, window, thresholds),
            conflicts: conflicts.unwrap_or_default(),
            busy_without_task: busy.unwrap_or_default(),
        }
    }
}
