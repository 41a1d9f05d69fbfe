//! What one row of a GPU's CSV stands for.

use std::fmt;

/// The time that one row of a GPU's CSV stands for: whole minutes that divide an hour.
///
/// Whole minutes, because Netdata's tiers hold one-minute means and other grids smear them (netdata/facts.md §2);
/// a divisor of the hour, so that days of 23 and 25 hours divide as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval(i64);

impl Interval {
    /// Ten minutes, as the shell script and its Python rewrite had.
    pub const DEFAULT: Self = Self(600);

    /// An interval of `seconds`, or `None` where that is not whole minutes that divide an hour.
    pub fn from_seconds(seconds: u64) -> Option<Self> {
        let seconds = i64::try_from(seconds).ok()?;
        (seconds > 0 && seconds % 60 == 0 && 3600 % seconds == 0).then_some(Self(seconds))
    }

    /// That of a row which is in no file.
    pub fn of_row(seconds: u32) -> Self {
        Self(i64::from(seconds).max(1))
    }

    pub fn seconds(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}m", self.0 / 60)
    }
}
