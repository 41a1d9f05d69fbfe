//! The map between the names of one GPU: its index on the node, its DRM card, its UUID, and the management API's id.

use crate::config::Node;
use crate::units::{CardId, GpuIndex, GpuUuid};

impl Node {
    /// The index of a DRM card on this node.
    #[must_use]
    pub fn index_of_card(&self, card: CardId) -> Option<GpuIndex> {
        self.cards
            .iter()
            .position(|&known| known == card)
            .map(GpuIndex)
    }

    /// The GPU that the management API calls by this `id` and `uuid`: by UUID, else by `first_gpu_id`, else by the
    /// id as a card number, as in the first seed. `None` where it cannot be placed.
    ///
    /// A node with `first_gpu_id` counts its ids across the cluster, so there an id that happens to equal a card
    /// number is not taken for one.
    #[must_use]
    pub fn place_gpu(&self, id: Option<u64>, uuid: Option<&str>) -> Option<GpuIndex> {
        let uuid = uuid.and_then(GpuUuid::parse);
        let by_uuid = uuid.and_then(|uuid| self.gpu_uuids.get(&uuid)).copied();
        by_uuid.or_else(|| {
            let index = self.place_id(id?)?;
            // The GPU there is known to be another one.
            let is_another = uuid.is_some() && self.gpu_uuids.values().any(|&of| of == index);
            (!is_another).then_some(index)
        })
    }

    fn place_id(&self, id: u64) -> Option<GpuIndex> {
        let Some(first) = self.first_gpu_id else {
            return self.index_of_card(CardId(id));
        };
        let index = usize::try_from(id.checked_sub(first)?).ok()?;
        (index < self.cards.len()).then_some(GpuIndex(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fourth node of the seeds, whose GPUs the API counts 25 to 32.
    fn node(first_gpu_id: Option<u64>, uuids: &[(&str, usize)]) -> Node {
        Node {
            name: "colab-gpu4".to_owned(),
            url: "http://127.0.0.1".parse().expect("an URL"),
            cards: [1, 9, 17, 25, 33, 41, 49, 57].map(CardId).to_vec(),
            first_gpu_id,
            gpu_uuids: uuids
                .iter()
                .map(|&(uuid, index)| (GpuUuid::parse(uuid).expect("an UUID"), GpuIndex(index)))
                .collect(),
            uuid_owners: std::sync::Arc::default(),
        }
    }

    #[test]
    fn without_settings_an_id_is_a_card_number() {
        let node = node(None, &[]);
        assert_eq!(node.place_gpu(Some(25), None), Some(GpuIndex(3)));
        for id in [26, 27, 28, 0] {
            assert_eq!(
                node.place_gpu(Some(id), Some("APU-52f67b3700dcc6f3")),
                None,
                "{id}"
            );
        }
    }

    #[test]
    fn ids_that_count_across_the_cluster_are_counted_from_the_first() {
        let node = node(Some(25), &[]);
        for (id, index) in [
            (25, Some(0)),
            (27, Some(2)),
            (32, Some(7)),
            (33, None),
            (24, None),
            (1, None),
        ] {
            assert_eq!(node.place_gpu(Some(id), None), index.map(GpuIndex), "{id}");
        }
    }

    #[test]
    fn the_uuid_wins_over_the_id() {
        let node = node(Some(25), &[("APU-70cb99ce3e214bda", 5)]);
        assert_eq!(
            node.place_gpu(Some(25), Some("0x70CB99CE3E214BDA")),
            Some(GpuIndex(5))
        );
        assert_eq!(
            node.place_gpu(None, Some("70cb99ce3e214bda")),
            Some(GpuIndex(5))
        );
        assert_eq!(
            node.place_gpu(Some(25), Some("APU-1")),
            Some(GpuIndex(0)),
            "an UUID of no setting leaves the id"
        );
        assert_eq!(
            node.place_gpu(Some(30), Some("APU-1")),
            None,
            "the GPU there has another UUID"
        );
        assert_eq!(node.place_gpu(None, Some("APU-1")), None);
    }
}
