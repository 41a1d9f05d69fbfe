//! The map between the names of one GPU: its index on the node, its DRM card, its UUID, and the management API's id.

use std::fmt;

use serde::Serialize;

use crate::config::Node;
use crate::units::{CardId, GpuIndex};

/// A GPU's UUID, in the one form in which two spellings of it are equal.
///
/// The API writes `APU-70cb99ce3e214bda`, sysfs `70cb99ce3e214bda` (`unique_id`), `rocm-smi` `0x70cb99ce3e214bda`,
/// and a leading zero may be lost on the way; all name the GPU of one 64-bit `unique_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GpuUuid(u64);

impl GpuUuid {
    /// Reads any of the spellings, or `None` where the text is none of them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let lower = text.trim().to_ascii_lowercase();
        let bare = lower
            .strip_prefix("apu-")
            .or_else(|| lower.strip_prefix("gpu-"))
            .unwrap_or(&lower);
        let digits = bare.strip_prefix("0x").unwrap_or(bare);
        // `from_str_radix` alone would take a sign.
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        u64::from_str_radix(digits, 16).ok().map(Self)
    }
}

impl fmt::Display for GpuUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "APU-{:016x}", self.0)
    }
}

impl Serialize for GpuUuid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

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
        let by_uuid = uuid
            .and_then(GpuUuid::parse)
            .and_then(|uuid| self.gpu_uuids.get(&uuid))
            .copied();
        by_uuid.or_else(|| self.place_id(id?))
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
        }
    }

    #[test]
    fn spellings_of_one_uuid_are_equal() {
        let spelled = [
            "APU-00cb99ce3e214bda",
            "0xCB99CE3E214BDA",
            "GPU-cb99ce3e214bda",
            " apu-0x00CB99ce3e214bda ",
        ];
        for text in spelled {
            assert_eq!(
                GpuUuid::parse(text),
                Some(GpuUuid(0x00cb_99ce_3e21_4bda)),
                "{text}"
            );
        }
        for text in ["", "APU-", "N/A", "+1", "70cb99ce3e214bda0"] {
            assert_eq!(GpuUuid::parse(text), None, "{text:?}");
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
        assert_eq!(node.place_gpu(None, Some("APU-1")), None);
    }
}
