//! What to write into the settings, so that a GPU that cannot be placed can.

use std::collections::BTreeSet;

use super::attribution::NodeTasks;
use super::gpu_map::GpuMap;
use crate::model::{Capped, GpuUuid, Node};

/// The settings that would place what cannot be placed on a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remedy {
    /// Where all ids of the day fit on the node, and only then.
    pub first_gpu_id: Option<u64>,
    /// For `gpu_uuids`.
    pub uuids: Capped<GpuUuid, 8>,
}

impl Remedy {
    pub fn new(node: &Node, tasks: &NodeTasks) -> Self {
        let unplaced = tasks.unplaced.iter();
        let uuids = unplaced.filter_map(|unplaced| GpuUuid::parse(unplaced.gpu.uuid.as_deref()?));
        let uuids: BTreeSet<_> = uuids.collect();
        Self {
            first_gpu_id: first_gpu_id(node, tasks),
            uuids: uuids.into_iter().collect(),
        }
    }
}

/// The id of `GPU[0]` by a GPU whose UUID is known; else as if all nodes had as many GPUs and the ids began with 1.
fn first_gpu_id(node: &Node, tasks: &NodeTasks) -> Option<u64> {
    let least = tasks.ids().min()?;
    let by_uuid = tasks.placed.iter().find_map(|placed| {
        let index = u64::try_from(placed.index.0).ok()?;
        placed.gpu.id?.checked_sub(index)
    });
    let count = u64::try_from(node.cards.len()).ok()?;
    let even = least.checked_sub(least.checked_sub(1)? % count)?;
    let places_all = |&first: &u64| {
        let node = Node {
            first_gpu_id: Some(first),
            ..node.clone()
        };
        let map = GpuMap::new(&node, None);
        let mut gpus = tasks.tasks.iter().flat_map(|task| &task.gpus);
        gpus.all(|gpu| {
            let placed = map.place(gpu.id, gpu.uuid.as_deref());
            placed.is_ok_and(|placed| placed.disagreement.is_none())
        })
    };
    let mut firsts = by_uuid.into_iter().chain([even, least]);
    firsts.find(places_all)
}
