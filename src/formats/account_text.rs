//! The figures of an account as CSVs show them.

use std::fmt;

use serde::{Serialize, Serializer};

use super::number::NO_MEAN;
use crate::analysis::ledger::Account;
use crate::model::units::Reading;

/// A field that is written as it is shown.
pub struct Shown<T>(pub T);

impl<T: fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A mean with all its digits.
pub struct Mean(pub Option<Reading>);

impl fmt::Display for Mean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(mean) => mean.fmt(f),
            None => f.write_str(NO_MEAN),
        }
    }
}

/// The columns of means: of the GPU, and of its VRAM.
pub fn means(account: Account) -> [Shown<Mean>; 2] {
    [account.gpu, account.vram].map(|readings| Shown(Mean(readings.mean())))
}

/// The exact columns, which add up and are read back.
pub fn seconds(account: Account) -> [u64; 7] {
    let idle = account.idle;
    [
        account.seconds(),
        account.active,
        idle.vram_held,
        idle.vram_empty,
        idle.vram_unknown,
        account.unknown,
        account.vram.seconds(),
    ]
}

/// Seconds as hours with four decimals: to the second, though only the seconds add up.
pub struct Hours(pub u64);

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ten_thousandths = (self.0 * 10_000 + 1800) / 3600;
        write!(
            f,
            "{}.{:04}",
            ten_thousandths / 10_000,
            ten_thousandths % 10_000
        )
    }
}

/// The seconds that have a GPU reading, in percent of all. Only what is whole is 100.
pub struct Coverage(pub Account);

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.coverage_hundredths() {
            Some(hundredths) => write!(f, "{}.{:02}", hundredths / 100, hundredths % 100),
            None => f.write_str(NO_MEAN),
        }
    }
}
