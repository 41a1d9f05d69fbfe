//! The map between the names of one GPU: its index on the node, its DRM card, its UUID, and the management API's id.

use std::fmt;

use crate::model::{CardId, GpuIndex, GpuUuid, Node, say, text};

/// How a day's tasks name the GPUs of a node.
///
/// The GPU that the management API calls by an id and a UUID is found by UUID, else by `first_gpu_id`, else by the id as
/// a card number, as in the first seed. A node with `first_gpu_id` counts its ids across the cluster, so there an id that
/// happens to equal a card number is not taken for one; nor is it where the day's tasks name an id that is none.
#[derive(Clone, Copy, Debug)]
pub struct GpuMap<'a> {
    pub node: &'a Node,
    ids_are_cards: bool,
}

impl<'a> GpuMap<'a> {
    /// The map of a day whose tasks name these ids on the node.
    pub fn new(node: &'a Node, ids: impl IntoIterator<Item = u64>) -> Self {
        let is_card = |id| node.index_of_card(CardId(id)).is_some();
        let ids_are_cards = node.first_gpu_id.is_none() && ids.into_iter().all(is_card);
        Self {
            node,
            ids_are_cards,
        }
    }

    /// A UUID of another node is not placed by its id: one of the two is wrong, and the id may be it. A UUID that is
    /// unknown, or cannot be read, is not placed where `gpu_uuids` has another one.
    pub fn place(&self, id: Option<u64>, uuid: Option<&str>) -> Result<Placement, Unplaceable<'a>> {
        let node = self.node;
        let by_id = id.and_then(|id| Some((id, self.place_id(id)?)));
        if let Some(uuid) = uuid.and_then(GpuUuid::parse) {
            if let Some(&index) = node.gpu_uuids.get(&uuid) {
                let elsewhere = by_id.filter(|(_, place)| place.index() != Some(index));
                let disagreement = elsewhere.map(|(id, id_place)| Disagreement {
                    index,
                    uuid,
                    id,
                    id_place,
                });
                return Ok(Placement {
                    index,
                    rule: Rule::Uuid,
                    disagreement,
                });
            }
            if let Some(owner) = node.uuid_owners.get(&uuid) {
                return Err(Unplaceable::OnNode(owner));
            }
        }
        let is_another = |index| uuid.is_some() && node.gpu_uuids.values().any(|&of| of == index);
        let place = by_id.map(|(_, place)| place);
        match place.and_then(|place| Some((place.index()?, place))) {
            Some((index, place)) if !is_another(index) => Ok(Placement {
                index,
                rule: match place {
                    IdPlace::Card(_) => Rule::Card,
                    IdPlace::Counted(_) | IdPlace::OffNode => Rule::FirstGpuId,
                },
                disagreement: None,
            }),
            _ => Err(Unplaceable::Unknown),
        }
    }

    /// What the id alone says. A number that is no card's says nothing: it may count something else.
    fn place_id(&self, id: u64) -> Option<IdPlace> {
        let node = self.node;
        let Some(first) = node.first_gpu_id else {
            let card = self.ids_are_cards.then_some(CardId(id))?;
            return node.index_of_card(card).map(IdPlace::Card);
        };
        let index = id
            .checked_sub(first)
            .and_then(|index| usize::try_from(index).ok());
        let place = match index {
            Some(index) if index < node.cards.len() => IdPlace::Counted(GpuIndex(index)),
            _ => IdPlace::OffNode,
        };
        Some(place)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    pub index: GpuIndex,
    pub rule: Rule,
    /// What speaks against it.
    pub disagreement: Option<Disagreement>,
}

/// By what a GPU was placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    Uuid,
    FirstGpuId,
    Card,
}

impl Rule {
    /// As logs have it: the key of the settings.
    pub fn word(self) -> &'static str {
        match self {
            Self::Uuid => "gpu_uuids",
            Self::FirstGpuId => "first_gpu_id",
            Self::Card => "cards",
        }
    }
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
        say!(
            f,
            "{uuid} 依 gpu_uuids 是 {index}，但 id {id} {id_place}",
            "{uuid} is {index} by gpu_uuids, but id {id} is {id_place}"
        )
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
    pub fn index(self) -> Option<GpuIndex> {
        match self {
            Self::Counted(index) | Self::Card(index) => Some(index),
            Self::OffNode => None,
        }
    }
}

impl fmt::Display for IdPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counted(index) => {
                say!(f, "依 first_gpu_id 是 {index}", "{index} by first_gpu_id")
            }
            Self::OffNode => f.write_str(text(
                "依 first_gpu_id 不在此節點",
                "not on this node by first_gpu_id",
            )),
            Self::Card(index) => say!(f, "當作卡號是 {index}", "{index} as a card number"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Language;
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

    /// Where the node has a GPU that is named so, and is the only one that the day's tasks name.
    fn place<'a>(
        node: &'a Node,
        id: Option<u64>,
        uuid: Option<&str>,
    ) -> Result<Placement, Unplaceable<'a>> {
        GpuMap::new(node, id).place(id, uuid)
    }

    #[test]
    fn without_settings_an_id_is_a_card_number() {
        let node = node(None, None);
        assert_eq!(index(place(&node, Some(25), None)), Some(3));
        let rule = place(&node, Some(25), None).map(|placement| placement.rule);
        assert_eq!(rule, Ok(Rule::Card));
        for id in [26, 27, 28, 0] {
            let placed = place(&node, Some(id), Some("APU-52f67b3700dcc6f3"));
            assert_eq!(placed, Err(Unplaceable::Unknown), "{id}");
        }
    }

    #[test]
    fn ids_are_card_numbers_only_if_all_of_the_days_are() {
        let node = node(None, Some(5));
        let placed = |ids: &[u64], id, uuid| {
            index(GpuMap::new(&node, ids.iter().copied()).place(Some(id), uuid))
        };
        assert_eq!(placed(&[25, 33, 57], 33, None), Some(4));
        for id in [25, 26, 27] {
            assert_eq!(placed(&[25, 26, 27], id, None), None, "{id}");
        }
        let map = GpuMap::new(&node, [25, 26]);
        let placed = map.place(Some(25), Some(OURS)).expect("the UUID is known");
        assert_eq!((placed.index, placed.rule), (GpuIndex(5), Rule::Uuid));
        assert_eq!(placed.disagreement, None, "25 is no card number here");
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
            assert_eq!(index(place(&node, Some(id), None)), expected, "{id}");
        }
    }

    #[test]
    fn a_uuid_of_no_setting_leaves_the_id() {
        let node = node(Some(25), Some(5));
        assert_eq!(index(place(&node, Some(25), Some(STRANGE))), Some(0));
        assert_eq!(
            place(&node, Some(30), Some(STRANGE)),
            Err(Unplaceable::Unknown),
            "the GPU there has another UUID"
        );
        assert_eq!(place(&node, None, Some(STRANGE)), Err(Unplaceable::Unknown));
    }

    #[test]
    fn a_uuid_that_cannot_be_read_is_not_the_gpu_of_another_uuid() {
        let known = node(Some(25), Some(5));
        let unknown = node(Some(25), None);
        for none in [
            "N/A",
            "0x0",
            "APU-0000000000000000",
            "APU-xyz",
            "70cb99ce3e214bda0",
        ] {
            let placed = |node, id| index(place(node, Some(id), Some(none)));
            assert_eq!(placed(&known, 30), None, "{none}");
            assert_eq!(placed(&known, 29), Some(4), "{none}");
            assert_eq!(placed(&unknown, 30), Some(5), "{none}");
            assert_eq!(
                place(&known, None, Some(none)),
                Err(Unplaceable::Unknown),
                "{none}"
            );
        }
        assert_eq!(index(place(&known, Some(30), None)), Some(5), "without one");
    }

    #[test]
    fn where_the_id_says_otherwise_the_placement_says_so() {
        let message = |first_gpu_id, id| {
            let node = node(first_gpu_id, Some(5));
            let placed = place(&node, id, Some("0x70CB99CE3E214BDA"));
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
        let english = |first, id| Language::English.in_it(|| message(Some(first), Some(id)));
        let but = |what: &str| Some(format!("{OURS} is GPU[5] by gpu_uuids, but id {what}"));
        assert_eq!(english(25, 25), but("25 is GPU[0] by first_gpu_id"));
        assert_eq!(
            english(25, 33),
            but("33 is not on this node by first_gpu_id")
        );
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
            let placement = place(&node, id, Some(OURS)).expect("the UUID is of the settings");
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
            prop_assert_eq!(place(&node, id, Some(THEIRS)), Err(Unplaceable::OnNode("colab-gpu3")));
        }

        #[test]
        fn nothing_is_placed_off_the_node_and_nothing_panics(
            id in any_id(), first in any_id(), ours in prop::option::of(0..8_usize), text in prop::option::of("\\PC*|(APU-)?[0-9a-fA-Fx]{0,20}"),
        ) {
            let node = node(first, ours);
            if let Ok(placement) = place(&node, id, text.as_deref()) {
                prop_assert!(placement.index.0 < node.cards.len());
            }
        }
    }
}
