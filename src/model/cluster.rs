//! The cluster: its nodes, and the names of their GPUs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use crate::model::{CardId, GpuIndex, GpuUuid, problem, redacted, said, text, written};

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// The name of its directory, and its `hostname` in the management API. Safe as one path component.
    pub name: String,
    /// Its Netdata agent, or its place on a parent (`http://parent:19999/host/NAME`).
    #[serde(
        deserialize_with = "written::deserialize",
        serialize_with = "without_slash"
    )]
    pub url: Url,
    #[serde(default, deserialize_with = "cards")]
    pub cards: Vec<CardId>,
    /// The management API's id of `GPU[0]`, where ids count across the cluster.
    pub first_gpu_id: Option<u64>,
    #[serde(
        default,
        deserialize_with = "gpu_uuids",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub gpu_uuids: BTreeMap<GpuUuid, GpuIndex>,
    /// The names of the nodes whose GPUs the UUIDs of all settings are, this one's among them. All nodes share it.
    #[serde(skip)]
    pub uuid_owners: Arc<BTreeMap<GpuUuid, String>>,
}

impl Node {
    /// The agent's address as people write it: without the slash that ends every URL of a host.
    pub fn address(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    /// Whether its agent's answers come from a parent, which stands for it.
    pub fn is_on_parent(&self) -> bool {
        let mut parts = self.url.path_segments().into_iter().flatten();
        parts.any(|part| matches!(part, "host" | "node"))
    }

    /// Its parent's address, and what the parent is to answer for: a host's name or guid.
    pub fn place_on_parent(&self) -> Option<(Url, String)> {
        let parts: Vec<&str> = self.url.path_segments()?.collect();
        let at = parts
            .iter()
            .position(|part| matches!(*part, "host" | "node"))?;
        let host = parts.get(at + 1).filter(|host| !host.is_empty())?;
        let mut parent = self.url.clone();
        parent.set_path(&parts[..at].join("/"));
        Some((parent, (*host).to_owned()))
    }

    pub fn index_of_card(&self, card: CardId) -> Option<GpuIndex> {
        self.cards
            .iter()
            .position(|&known| known == card)
            .map(GpuIndex)
    }
}

pub fn cards<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<CardId>, D::Error> {
    let cards = Vec::<CardId>::deserialize(deserializer)?;
    if cards.is_empty() {
        return Err(problem(text(
            "沒有任何卡：請依 GPU 索引順序列出 DRM 卡號",
            "no cards: list the DRM card numbers in the order of the GPU index",
        )));
    }
    let mut seen = BTreeSet::new();
    match cards.iter().find(|card| !seen.insert(**card)) {
        Some(twice) => Err(problem(said!(
            "卡 {twice} 出現兩次",
            "card {twice} is listed twice"
        ))),
        None => Ok(cards),
    }
}

fn gpu_uuids<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<GpuUuid, GpuIndex>, D::Error> {
    let mut gpu_uuids = BTreeMap::new();
    for (text, index) in BTreeMap::<String, GpuIndex>::deserialize(deserializer)? {
        let Some(uuid) = GpuUuid::parse(&text) else {
            let text = redacted(&text);
            return Err(problem(said!(
                "「{text}」不是 GPU UUID（例如 APU-70cb99ce3e214bda）",
                "'{text}' is not a GPU UUID (such as APU-70cb99ce3e214bda)"
            )));
        };
        if gpu_uuids.insert(uuid.clone(), index).is_some() {
            return Err(problem(said!(
                "GPU UUID {uuid} 出現兩次",
                "GPU UUID {uuid} is listed twice"
            )));
        }
    }
    Ok(gpu_uuids)
}

fn without_slash<S: Serializer>(url: &Url, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(url.as_str().trim_end_matches('/'))
}

/// Which users of a GPU the average CSV names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserColumn {
    All,
    /// The one whom the old programs named, for readers that compare the column.
    Last,
}

/// Which number stands in the name of a GPU's file, `gpu<number>_<date>.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GpuFileNumber {
    /// The GPU's index, as in `GPU[3]`.
    Index,
    /// The DRM card's number, as in the tree of the first seed (`gpu1_…`, `gpu9_…`).
    Card,
}
