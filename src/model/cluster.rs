//! The cluster: its nodes, and the names of their GPUs.

use std::collections::BTreeMap;
use std::sync::Arc;

use url::Url;

use super::units::{CardId, GpuIndex, GpuUuid};

#[derive(Clone, Debug)]
pub struct Node {
    /// The name of its directory, and its `hostname` in the management API. Safe as one path component.
    pub name: String,
    /// Its Netdata agent, or its place on a parent (`http://parent:19999/host/NAME`).
    pub url: Url,
    /// The DRM cards in the order of GPU index.
    pub cards: Vec<CardId>,
    /// The management API's id of `GPU[0]`, where ids count across the cluster.
    pub first_gpu_id: Option<u64>,
    pub gpu_uuids: BTreeMap<GpuUuid, GpuIndex>,
    /// The names of the nodes whose GPUs the UUIDs of all settings are, this one's among them. All nodes share it.
    pub uuid_owners: Arc<BTreeMap<GpuUuid, String>>,
}

impl Node {
    /// The agent's address as people write it: without the slash that ends every URL of a host.
    pub fn address(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    pub fn index_of_card(&self, card: CardId) -> Option<GpuIndex> {
        self.cards
            .iter()
            .position(|&known| known == card)
            .map(GpuIndex)
    }
}

/// Which number stands in the name of a GPU's file, `gpu<number>_<date>.csv`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum GpuFileNumber {
    /// The GPU's index, as in `GPU[3]`.
    Index,
    /// The DRM card's number, as in the tree of the first seed (`gpu1_…`, `gpu9_…`).
    Card,
}
