//! A share of the nodes, where several machines collect one cluster.

use std::fmt;

use super::{Written, said};

const MOST: u16 = 1000;

/// The share of number K of N, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    pub number: u16,
    pub count: u16,
}

impl Shard {
    /// The one of so many that a node is in: by rendezvous hashing, so that one more takes its share from each of the
    /// others and moves no other node.
    ///
    /// For ever, because a tree that lies on another machine would be begun anew: the FNV-1a hash of the name seeds
    /// `SplitMix64`, shard K draws its K-th number, and the greatest wins.
    pub fn of(node: &str, count: u16) -> Self {
        let fnv = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        let seed = node.bytes().fold(0xcbf2_9ce4_8422_2325, fnv);
        let drawn = |number: &u16| {
            let state = seed.wrapping_add(u64::from(*number).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        };
        let number = (1..=count).max_by_key(drawn).unwrap_or(1);
        Self { number, count }
    }

    pub fn has(self, node: &str) -> bool {
        Self::of(node, self.count) == self
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

impl Written for Shard {
    fn parse(text: &str) -> Result<Self, String> {
        let shard = text.split_once('/').and_then(|(number, count)| {
            let (number, count) = (number.parse().ok()?, count.parse().ok()?);
            Some(Self { number, count })
        });
        let is_one = |shard: &Self| (1..=shard.count).contains(&shard.number);
        let is_written_so = |shard: &Self| shard.to_string() == text && shard.count <= MOST;
        let shard = shard.filter(is_one).filter(is_written_so);
        shard.ok_or_else(|| {
            said!(
                "「{text}」不是 K/N：例如 2/4 是四份中的第二份，最多 {MOST} 份",
                "'{text}' is not K/N, such as 2/4 for the second of four shards; at most {MOST}"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    #[test]
    fn a_node_stays_in_its_shard_for_ever() {
        let of = |node: &str| [2, 3, 4, 10, 1000].map(|count| Shard::of(node, count).number);
        for (node, expected) in [
            ("colab-gpu1", [2, 2, 2, 8, 203]),
            ("colab-gpu2", [1, 1, 1, 8, 860]),
            ("colab-gpu3", [2, 2, 2, 2, 949]),
            ("colab-gpu4", [2, 3, 3, 5, 579]),
            ("節點", [1, 1, 1, 9, 315]),
        ] {
            assert_eq!(of(node), expected, "{node}");
        }
    }

    #[test]
    fn only_k_of_n_is_a_shard() {
        for right in ["1/1", "2/4", "1000/1000"] {
            assert_eq!(Shard::parse(right).expect("a shard").to_string(), right);
        }
        for wrong in [
            "", "/", "1", "0/4", "5/4", "1/0", "1/1001", "+1/4", "01/4", "1/ 4", "1/4/2", "-1/4",
            "１/４",
        ] {
            assert!(Shard::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn one_more_shard_takes_its_share_and_moves_nothing_else(
            prefix in "[a-z]{1,8}-?",
            count in 1_u16..20,
        ) {
            let nodes: Vec<_> = (0..2000).map(|n| format!("{prefix}{n}")).collect();
            let mut shares = vec![0_u32; usize::from(count) + 1];
            for node in &nodes {
                let (before, after) = (Shard::of(node, count), Shard::of(node, count + 1));
                prop_assert!(after.number == before.number || after.number == count + 1);
                shares[usize::from(after.number) - 1] += 1;
            }
            // Six times the standard deviation of so many throws.
            let share = 2000.0 / f64::from(count + 1);
            let most = 6.0 * (share * (1.0 - 1.0 / f64::from(count + 1))).sqrt();
            for has in shares {
                prop_assert!((f64::from(has) - share).abs() <= most, "{has} of {share}");
            }
        }
    }
}
