//! The map between the names of one GPU: its index on the node, its DRM card, its UUID, and the management API's id.

use std::fmt;

use crate::model::{CardId, GpuIndex, GpuUuid, Node};

impl Node {
    /// The GPU that the management API calls by this `id` and `uuid`: by UUID, else by `first_gpu_id`, else by the
    /// id as a card number, as in the first seed.
    ///
    /// A node with `first_gpu_id` counts its ids across the cluster, so there an id that happens to equal a card
    /// number is not taken for one. A UUID of another node is not placed by its id either: one of the two is wrong,
    /// and the id may be it.
    pub fn place_gpu(
        &self,
        id: Option<u64>,
        uuid: Option<&str>,
    ) -> Result<Placement, Unplaceable<'_>> {
        let uuid = uuid.and_then(GpuUuid::parse);
        let by_id = id.and_then(|id| Some((id, self.place_id(id)?)));
        if let Some(uuid) = uuid {
            if let Some(&index) = self.gpu_uuids.get(&uuid) {
                let elsewhere = by_id.filter(|(_, place)| place.index() != Some(index));
                let disagreement = elsewhere.map(|(id, id_place)| Disagreement {
                    index,
                    uuid,
                    id,
                    id_place,
                });
                return Ok(Placement {
                    index,
                    disagreement,
                });
            }
            if let Some(owner) = self.uuid_owners.get(&uuid) {
                return Err(Unplaceable::OnNode(owner));
            }
        }
        let index = by_id.and_then(|(_, place)| place.index());
        // The GPU there is known to be another one.
        let is_another = |index| uuid.is_some() && self.gpu_uuids.values().any(|&of| of == index);
        match index {
            Some(index) if !is_another(index) => Ok(Placement {
                index,
                disagreement: None,
            }),
            _ => Err(Unplaceable::Unknown),
        }
    }

    /// What the id alone says. A number that is no card's says nothing: it may count something else.
    fn place_id(&self, id: u64) -> Option<IdPlace> {
        let Some(first) = self.first_gpu_id else {
            return self.index_of_card(CardId(id)).map(IdPlace::Card);
        };
        let index = id
            .checked_sub(first)
            .and_then(|index| usize::try_from(index).ok());
        let place = match index {
            Some(index) if index < self.cards.len() => IdPlace::Counted(GpuIndex(index)),
            _ => IdPlace::OffNode,
        };
        Some(place)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    pub index: GpuIndex,
    /// What speaks against it.
    pub disagreement: Option<Disagreement>,
}

/// Why a task's GPU is nowhere on its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unplaceable<'a> {
    /// Nothing says which of the node's GPUs it is.
    Unknown,
    /// The settings have its UUID on the node of this name.
    OnNode(&'a str),
}

/// A GPU whose UUID and id the settings place differently. The UUID wins, because it is the GPU's own.
///
/// They disagree where `gpu_uuids` has the UUID, and the id counts from `first_gpu_id` to another GPU or off the node, or,
/// without `first_gpu_id`, is the card number of another GPU. An id that is missing, or no card's number, says nothing
/// that could disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Disagreement {
    pub index: GpuIndex,
    pub uuid: GpuUuid,
    pub id: u64,
    pub id_place: IdPlace,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            index,
            uuid,
            id,
            id_place,
        } = self;
        write!(f, "{uuid} 依 gpu_uuids 是 {index}，但 id {id} {id_place}")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IdPlace {
    /// This GPU, counted from `first_gpu_id`.
    Counted(GpuIndex),
    /// Not among the node's GPUs, counted from `first_gpu_id`.
    OffNode,
    /// The GPU of the card with this number.
    Card(GpuIndex),
}

impl IdPlace {
    fn index(self) -> Option<GpuIndex> {
        match self {
            Self::Counted(index) | Self::Card(index) => Some(index),
            Self::OffNode => None,
        }
    }
}

impl fmt::Display for IdPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counted(index) => write!(f, "依 first_gpu_id 是 {index}"),
            Self::OffNode => f.write_str("依 first_gpu_id 不在此節點"),
            Self::Card(index) => write!(f, "當作卡號是 {index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    /// UUIDs of the node's own GPUs, of another node's, and of none.
    const OURS: &str = "APU-70cb99ce3e214bda";
    const THEIRS: &str = "APU-00a1b2c3d4e5f607";
    const STRANGE: &str = "APU-0000000000000001";

    fn uuid(text: &str) -> GpuUuid {
        GpuUuid::parse(text).expect("an UUID")
    }

    /// The fourth node of the seeds, whose GPUs the API counts 25 to 32, and on which [`OURS`] may be a GPU.
    fn node(first_gpu_id: Option<u64>, ours: Option<usize>) -> Node {
        let mut owners = BTreeMap::from([(uuid(THEIRS), "colab-gpu3".to_owned())]);
        owners.extend(ours.map(|_| (uuid(OURS), "colab-gpu4".to_owned())));
        Node {
            name: "colab-gpu4".to_owned(),
            url: "http://127.0.0.1".parse().expect("an URL"),
            cards: [1, 9, 17, 25, 33, 41, 49, 57].map(CardId).to_vec(),
            first_gpu_id,
            gpu_uuids: ours
                .map(|index| (uuid(OURS), GpuIndex(index)))
                .into_iter()
                .collect(),
            uuid_owners: Arc::new(owners),
        }
    }

    fn index(placed: Result<Placement, Unplaceable>) -> Option<usize> {
        placed.ok().map(|placement| placement.index.0)
    }

    #[test]
    fn without_settings_an_id_is_a_card_number() {
        let node = node(None, None);
        assert_eq!(index(node.place_gpu(Some(25), None)), Some(3));
        for id in [26, 27, 28, 0] {
            let placed = node.place_gpu(Some(id), Some("APU-52f67b3700dcc6f3"));
            assert_eq!(placed, Err(Unplaceable::Unknown), "{id}");
        }
    }

    #[test]
    fn ids_that_count_across_the_cluster_are_counted_from_the_first() {
        let node = node(Some(25), None);
        for (id, expected) in [
            (25, Some(0)),
            (27, Some(2)),
            (32, Some(7)),
            (33, None),
            (24, None),
            (1, None),
        ] {
            assert_eq!(index(node.place_gpu(Some(id), None)), expected, "{id}");
        }
    }

    #[test]
    fn a_uuid_of_no_setting_leaves_the_id() {
        let node = node(Some(25), Some(5));
        assert_eq!(index(node.place_gpu(Some(25), Some(STRANGE))), Some(0));
        assert_eq!(
            node.place_gpu(Some(30), Some(STRANGE)),
            Err(Unplaceable::Unknown),
            "the GPU there has another UUID"
        );
        assert_eq!(
            node.place_gpu(None, Some(STRANGE)),
            Err(Unplaceable::Unknown)
        );
    }

    #[test]
    fn a_uuid_that_is_none_leaves_the_id() {
        let node = node(Some(25), Some(5));
        for none in ["", "N/A", "0x0", "APU-0000000000000000"] {
            assert_eq!(
                index(node.place_gpu(Some(30), Some(none))),
                Some(5),
                "{none}"
            );
            assert_eq!(
                node.place_gpu(None, Some(none)),
                Err(Unplaceable::Unknown),
                "{none}"
            );
        }
    }

    #[test]
    fn where_the_id_says_otherwise_the_placement_says_so() {
        let message = |first_gpu_id, id| {
            let node = node(first_gpu_id, Some(5));
            let placed = node.place_gpu(id, Some("0x70CB99CE3E214BDA"));
            let placement = placed.expect("the UUID is of the settings");
            assert_eq!(placement.index, GpuIndex(5));
            placement
                .disagreement
                .map(|disagreement| disagreement.to_string())
        };
        let but = |what: &str| Some(format!("{OURS} 依 gpu_uuids 是 GPU[5]，但 id {what}"));
        assert_eq!(message(Some(25), Some(30)), None);
        assert_eq!(
            message(Some(25), Some(25)),
            but("25 依 first_gpu_id 是 GPU[0]")
        );
        assert_eq!(
            message(Some(25), Some(33)),
            but("33 依 first_gpu_id 不在此節點")
        );
        assert_eq!(message(None, Some(41)), None);
        assert_eq!(message(None, Some(25)), but("25 當作卡號是 GPU[3]"));
        assert_eq!(message(None, Some(30)), None, "no card's number");
        assert_eq!(message(None, None), None);
    }

    fn any_id() -> impl Strategy<Value = Option<u64>> {
        prop::option::of(prop_oneof![0..70_u64, any::<u64>()])
    }

    proptest! {
        #[test]
        fn the_uuid_wins_whatever_the_id_says(
            id in any_id(), first in prop::option::of(prop_oneof![0..70_u64, any::<u64>()]), ours in 0..8_usize,
        ) {
            let node = node(first, Some(ours));
            let placement = node.place_gpu(id, Some(OURS)).expect("the UUID is of the settings");
            prop_assert_eq!(placement.index, GpuIndex(ours));
            // What the id names, counted GPU by GPU.
            let named = id.and_then(|id| (0..8).find(|&index| match first {
                Some(first) => first.checked_add(index) == Some(id),
                None => 1 + 8 * index == id,
            }));
            let may_be_silent = id.is_none() || first.is_none();
            let agrees = named.map_or(may_be_silent, |named| named == ours as u64);
            prop_assert_eq!(placement.disagreement.is_none(), agrees);
        }

        #[test]
        fn a_uuid_of_another_node_is_never_placed(id in any_id(), first in any_id(), ours in prop::option::of(0..8_usize)) {
            let node = node(first, ours);
            prop_assert_eq!(node.place_gpu(id, Some(THEIRS)), Err(Unplaceable::OnNode("colab-gpu3")));
        }

        #[test]
        fn nothing_is_placed_off_the_node_and_nothing_panics(
            id in any_id(), first in any_id(), ours in prop::option::of(0..8_usize), text in prop::option::of("\\PC*|(APU-)?[0-9a-fA-Fx]{0,20}"),
        ) {
            let node = node(first, ours);
            if let Ok(placement) = node.place_gpu(id, text.as_deref()) {
                prop_assert!(placement.index.0 < node.cards.len());
            }
        }
    }
}
