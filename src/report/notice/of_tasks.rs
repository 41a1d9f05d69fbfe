//! What is to be said of the tasks of a node.

use std::collections::BTreeMap;

use super::Notice;
use crate::analysis::attribution::{NodeTasks, UnplacedGpu};

impl Notice {
    /// What is to be said of where the GPUs of the tasks are, and of when they held them.
    pub fn of_tasks(node: &str, tasks: &NodeTasks) -> Vec<Self> {
        let mut unplaced: BTreeMap<Option<&str>, Vec<UnplacedGpu>> = BTreeMap::new();
        for gpu in &tasks.unplaced {
            let owner = gpu.owner.as_deref();
            unplaced.entry(owner).or_default().push(gpu.clone());
        }
        let node = || node.to_owned();
        let unplaced = unplaced.into_iter().map(|(owner, gpus)| Self::Unplaced {
            node: node(),
            owner: owner.map(str::to_owned),
            gpus,
        });
        let disagreements: Vec<_> = tasks.disagreements.iter().copied().collect();
        let disagreement = (!disagreements.is_empty()).then(|| Self::Disagreement {
            node: node(),
            gpus: disagreements,
        });
        let timeless = tasks.timeless.iter().map(|task| Self::Timeless {
            node: node(),
            task: task.clone(),
        });
        unplaced.chain(disagreement).chain(timeless).collect()
    }
}
