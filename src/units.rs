//! Quantities that carry their unit in their type, so that a card number is never taken for a GPU index or a
//! reading for a count.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Seconds since the Unix epoch.
pub type UnixSeconds = i64;

/// A utilisation in percent: finite and within `0..=100`.
///
/// It prints with the digits that Netdata printed. Netdata gives at most seven decimals, and the shortest decimal
/// that reads back as the same `f64` has the same digits.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
pub struct Percent(f64);

impl Percent {
    /// `value` as a percentage, or `None` where it is not one.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        // Adding zero turns -0.0, which would print its sign, into 0.0.
        (0.0..=100.0).contains(&value).then_some(Self(value + 0.0))
    }

    /// The number, in percent.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }

    /// The arithmetic mean, or `None` of nothing.
    pub fn mean(values: impl IntoIterator<Item = Self>) -> Option<Self> {
        let (mut sum, mut count) = (0.0, 0.0);
        for Self(value) in values {
            sum += value;
            count += 1.0;
        }
        // The sum of many values close to 100 can round up by its last bit.
        (count > 0.0).then(|| Self((sum / count).min(100.0)))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The position of a GPU in its node's list of cards: the `i` of `GPU[i]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct GpuIndex(pub usize);

impl fmt::Display for GpuIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GPU[{}]", self.0)
    }
}

/// The number of a DRM card on its node: the `9` of `card9` in sysfs and in Netdata's chart ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CardId(pub u64);

impl fmt::Display for CardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_percentage_is_finite_and_within_its_bounds() {
        for wrong in [-0.001, 100.000_000_1, f64::NAN, f64::INFINITY] {
            assert_eq!(Percent::new(wrong), None, "{wrong}");
        }
        assert_eq!(Percent::new(-0.0).expect("zero").to_string(), "0");
        assert_eq!(Percent::new(100.0).expect("the top").to_string(), "100");
    }

    proptest! {
        #[test]
        fn the_seven_decimals_of_netdata_are_kept(units in 0_u64..=1_000_000_000) {
            let text = format!("{}.{:07}", units / 10_000_000, units % 10_000_000);
            let netdata = text.trim_end_matches('0').trim_end_matches('.');
            let read: f64 = netdata.parse().expect("a number");
            prop_assert_eq!(Percent::new(read).expect("within 0..=100").to_string(), netdata);
        }

        #[test]
        fn a_mean_lies_between_the_least_and_the_greatest(values in prop::collection::vec(0.0..=100.0, 1..200)) {
            let mean = Percent::mean(values.iter().copied().filter_map(Percent::new)).expect("values").value();
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let greatest = values.iter().copied().fold(0.0, f64::max);
            prop_assert!(least - 1e-9 <= mean && mean <= greatest + 1e-9);
        }
    }
}
