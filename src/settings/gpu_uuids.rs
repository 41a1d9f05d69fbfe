//! The GPUs that the settings name by UUID: each is one GPU, on one node.

use std::collections::BTreeMap;

use super::value::{Invalid, invalid, shown};
use crate::model::cluster::Node;
use crate::model::units::{GpuIndex, GpuUuid};

/// The GPUs of one node, which has so many `cards`.
pub fn check(
    key: &str,
    settings: BTreeMap<String, usize>,
    cards: usize,
) -> Result<BTreeMap<GpuUuid, GpuIndex>, Invalid> {
    let mut gpu_uuids = BTreeMap::new();
    for (text, index) in settings {
        let Some(uuid) = GpuUuid::parse(&text) else {
            return invalid(
                key,
                format!(
                    "「{}」不是 GPU UUID（例如 APU-70cb99ce3e214bda）",
                    shown(&text)
                ),
            );
        };
        if index >= cards {
            return invalid(
                key,
                format!(
                    "{uuid} = {index}，但此節點只有 {cards} 張卡（索引 0 到 {}）",
                    cards - 1
                ),
            );
        }
        if gpu_uuids.insert(uuid, GpuIndex(index)).is_some() {
            return invalid(key, format!("GPU UUID {uuid} 出現兩次"));
        }
    }
    Ok(gpu_uuids)
}

/// Whose each GPU is. It cannot be two nodes': a task on it would be counted on either.
pub fn owners(nodes: &[Node]) -> Result<BTreeMap<GpuUuid, String>, Invalid> {
    let mut owners: BTreeMap<GpuUuid, String> = BTreeMap::new();
    for node in nodes {
        for &uuid in node.gpu_uuids.keys() {
            if let Some(other) = owners.insert(uuid, node.name.clone()) {
                return invalid(
                    "nodes.gpu_uuids",
                    format!(
                        "GPU UUID {uuid} 同時出現在節點「{other}」與「{}」：\
                         請在這兩個節點上執行 scripts/gpu-inventory.sh 核對",
                        node.name
                    ),
                );
            }
        }
    }
    Ok(owners)
}
