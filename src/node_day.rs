//! One node's day, with everything that its files say.

use std::collections::BTreeMap;

use crate::attribution::NodeTasks;
use crate::average::{Coverage, Mean};
use crate::config::Node;
use crate::day::Window;
use crate::netdata::CardUsage;
use crate::units::{CardId, GpuIndex, UnixSeconds};

/// A node's day.
#[derive(Debug)]
pub struct NodeDay<'a> {
    /// The node.
    pub node: &'a Node,
    /// The day, and how much of it has passed.
    pub window: &'a Window,
    /// Its GPUs, by index.
    pub gpus: Vec<GpuDay>,
    /// Who held them.
    pub tasks: TaskKnowledge<'a>,
}

/// A GPU's day.
#[derive(Debug)]
pub struct GpuDay {
    /// Which GPU of the node.
    pub index: GpuIndex,
    /// Its DRM card.
    pub card: CardId,
    /// Its readings: `None` where there is not one of either metric.
    pub usage: Option<CardUsage>,
    /// Their means.
    pub mean: Mean,
    /// How many there are.
    pub coverage: Coverage,
}

/// What is known of the tasks of a node.
#[derive(Clone, Debug)]
pub enum TaskKnowledge<'a> {
    /// The management API's answer, placed on the node.
    Known {
        /// The tasks.
        tasks: NodeTasks<'a>,
        /// When the answer was given, if it is one that an earlier run kept.
        kept_since: Option<UnixSeconds>,
    },
    /// There is no answer.
    Unknown {
        /// Why there is none.
        reason: &'a str,
        /// The user column that an earlier run left.
        earlier: BTreeMap<GpuIndex, String>,
    },
}

impl<'a> NodeDay<'a> {
    /// The day of `node` from the readings of its cards.
    #[must_use]
    pub fn new(
        node: &'a Node,
        window: &'a Window,
        mut cards: BTreeMap<CardId, CardUsage>,
        tasks: TaskKnowledge<'a>,
    ) -> Self {
        let gpu = |(index, &card): (usize, &CardId)| {
            let usage = cards.remove(&card);
            GpuDay {
                index: GpuIndex(index),
                card,
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
        }
    }

    /// The mean of its GPUs' means.
    #[must_use]
    pub fn mean(&self) -> Mean {
        Mean::of_means(self.gpus.iter().map(|gpu| gpu.mean))
    }

    /// The coverage of all its GPUs together.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        Coverage::sum(self.gpus.iter().map(|gpu| gpu.coverage))
    }

    /// Who held a GPU, in order of first hold and joined by `;`; `None` if nobody is known to have.
    #[must_use]
    pub fn users(&self, gpu: GpuIndex) -> Option<String> {
        match &self.tasks {
            TaskKnowledge::Known { tasks, .. } => {
                tasks.users.get(&gpu).map(|users| users.join(";"))
            }
            TaskKnowledge::Unknown { earlier, .. } => earlier.get(&gpu).cloned(),
        }
    }
}
