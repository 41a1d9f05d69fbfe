//! Quantities that carry their unit in their type, so that a card number is never taken for a GPU index or a
//! reading for a count.

use std::fmt;
use std::ops::AddAssign;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::{text, written};

/// Seconds since the Unix epoch.
pub type UnixSeconds = i64;

/// One reading of a utilisation: a percentage within `0..=100`, with the digits that Netdata printed.
///
/// Netdata prints at most seven decimals (netdata/facts.md §2), so the whole number of 10⁻⁷ % is exact, and so is a
/// sum of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reading(u32);

/// One percent, in the unit of a [`Reading`].
const PERCENT: u32 = 10_000_000;
const DECIMALS: usize = 7;

impl Reading {
    pub const ZERO: Self = Self(0);

    /// A reading of `percent`, or `None` where that is no percentage.
    pub fn new(percent: f64) -> Option<Self> {
        let is_percentage = (0.0..=100.0).contains(&percent);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a percentage is at most 10^9 of the units"
        )]
        is_percentage.then(|| Self((percent * f64::from(PERCENT)).round() as u32))
    }

    /// In units of 10^-7 percent, which are all that Netdata has.
    pub fn units(self) -> u32 {
        self.0
    }

    /// The reading that is written so, with decimals or without; `None` where it is written in another way, as a number
    /// may be. A large tree has millions of them.
    pub fn from_digits(text: &[u8]) -> Option<Self> {
        let point = text.iter().position(|byte| *byte == b'.');
        let (whole, decimals) = match point {
            Some(point) => (&text[..point], &text[point + 1..]),
            None => (text, &b"0"[..]),
        };
        if !(1..=3).contains(&whole.len()) || !(1..=DECIMALS).contains(&decimals.len()) {
            return None;
        }
        let number = |digits: &[u8]| {
            digits.iter().try_fold(0, |number: u64, byte| {
                let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
                Some(number * 10 + digit)
            })
        };
        let percent = u64::from(PERCENT);
        let scale = decimals.iter().fold(percent, |scale, _| scale / 10);
        let units = number(whole)? * percent + number(decimals)? * scale;
        let units = u32::try_from(units).ok()?;
        (units <= 100 * PERCENT).then_some(Self(units))
    }

    /// Adds its digits to a text.
    pub fn push_to(self, text: &mut Vec<u8>) {
        let mut digits = [b'0'; DECIMALS + 3];
        let mut left = self.0;
        for digit in digits.iter_mut().rev() {
            *digit += u8::try_from(left % 10).unwrap_or(0);
            left /= 10;
        }
        let (whole, decimals) = digits.split_at(3);
        let zeros = whole.iter().take(2).take_while(|digit| **digit == b'0');
        text.extend_from_slice(&whole[zeros.count()..]);
        if let Some(last) = decimals.iter().rposition(|digit| *digit != b'0') {
            text.push(b'.');
            text.extend_from_slice(&decimals[..=last]);
        }
    }

    pub fn percent(self) -> f64 {
        f64::from(self.0) / f64::from(PERCENT)
    }

    /// The arithmetic mean, or `None` of nothing.
    pub fn mean(readings: impl IntoIterator<Item = Self>) -> Option<Percent> {
        let (mut sum, mut count) = (0_u64, 0_u64);
        for Self(reading) in readings {
            sum += u64::from(reading);
            count += 1;
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "a day's sum is far below 2^53 units"
        )]
        (count > 0).then(|| Percent(sum as f64 / (count * u64::from(PERCENT)) as f64))
    }
}

/// A sum of readings of which each counts for so many seconds. It is exact, however many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WeightedSum {
    /// In the unit of a [`Reading`], times seconds.
    sum: u128,
    seconds: u64,
}

impl WeightedSum {
    pub fn add(&mut self, reading: Reading, seconds: u64) {
        self.sum += u128::from(reading.0) * u128::from(seconds);
        self.seconds += seconds;
    }

    /// The seconds that have a reading.
    pub fn seconds(self) -> u64 {
        self.seconds
    }

    /// The mean, to the nearest 10⁻⁷ %; `None` without a second.
    pub fn mean(self) -> Option<Reading> {
        let seconds = u128::from(self.seconds);
        let mean = (self.sum + seconds / 2).checked_div(seconds)?;
        Some(Reading(
            u32::try_from(mean).expect("no mean exceeds the greatest reading"),
        ))
    }
}

impl AddAssign for WeightedSum {
    fn add_assign(&mut self, other: Self) {
        self.sum += other.sum;
        self.seconds += other.seconds;
    }
}

/// A mean utilisation in percent: within `0..=100`, and with more digits than are printed of it.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64")]
pub struct Percent(f64);

impl TryFrom<f64> for Percent {
    type Error = &'static str;

    fn try_from(value: f64) -> Result<Self, Self::Error> {
        Self::new(value).ok_or("not a percentage")
    }
}

impl From<Reading> for Percent {
    fn from(reading: Reading) -> Self {
        Self(reading.percent())
    }
}

/// Its digits as Netdata prints them: without trailing zeros.
impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = Vec::with_capacity(DECIMALS + 4);
        self.push_to(&mut digits);
        f.pad(&String::from_utf8_lossy(&digits))
    }
}

impl<'de> Deserialize<'de> for Reading {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let percent = written::within(deserializer, 0.0..=100.0, text("百分比", "a percentage"))?;
        Ok(Self::new(percent).expect("a percentage"))
    }
}

impl Serialize for Reading {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.percent())
    }
}

impl Percent {
    pub fn new(value: f64) -> Option<Self> {
        (0.0..=100.0).contains(&value).then_some(Self(value))
    }

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
        // The sum of values close to 100 can round up by its last bit.
        (count > 0.0).then(|| Self((sum / count).min(100.0)))
    }
}

/// The position of a GPU in its node's list of cards: the `i` of `GPU[i]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GpuIndex(pub usize);

impl GpuIndex {
    /// The index that is printed so.
    pub fn parse(text: &str) -> Option<Self> {
        let index = text.strip_prefix("GPU[")?.strip_suffix(']')?;
        index.parse().ok().map(Self)
    }
}

impl fmt::Display for GpuIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GPU[{}]", self.0)
    }
}

/// The number of a DRM card on its node: the `9` of `card9` in sysfs and in Netdata's chart ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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

    fn digits(percent: f64) -> String {
        let reading = Reading::new(percent).expect("a percentage");
        reading.to_string()
    }

    #[test]
    fn a_reading_is_finite_and_within_its_bounds() {
        for wrong in [-0.001, 100.000_000_1, f64::NAN, f64::INFINITY] {
            assert_eq!(Reading::new(wrong), None, "{wrong}");
        }
        for (right, printed) in [(-0.0, "0"), (100.0, "100"), (10.0, "10"), (0.5, "0.5")] {
            assert_eq!(digits(right), printed);
        }
    }

    proptest! {
        #[test]
        fn the_seven_decimals_of_netdata_are_kept(units in 0_u64..=1_000_000_000) {
            let text = format!("{}.{:07}", units / 10_000_000, units % 10_000_000);
            let netdata = text.trim_end_matches('0').trim_end_matches('.');
            prop_assert_eq!(digits(netdata.parse().expect("a number")), netdata);
        }

        #[test]
        fn digits_are_read_as_any_number_is(text in "[0-9]{0,4}(\\.[0-9]{0,8})?|[-+0-9.e]{0,6}") {
            let number = text.parse().ok().and_then(Reading::new);
            if let Some(reading) = Reading::from_digits(text.as_bytes()) {
                prop_assert_eq!(Some(reading), number);
            }
            // Whatever is written is read.
            if let Some(reading) = number {
                let written = reading.to_string();
                prop_assert_eq!(Reading::from_digits(written.as_bytes()), Some(reading));
                prop_assert_eq!(&written, &reading.percent().to_string());
            }
        }

        #[test]
        fn a_mean_lies_between_the_least_and_the_greatest(values in prop::collection::vec(0.0..=100.0, 1..200)) {
            let readings: Vec<_> = values.iter().copied().filter_map(Reading::new).collect();
            let mean = Reading::mean(readings.iter().copied()).expect("readings").value();
            let least = readings.iter().min().expect("readings").percent();
            let greatest = readings.iter().max().expect("readings").percent();
            prop_assert!(least <= mean && mean <= greatest);
        }
    }
}
