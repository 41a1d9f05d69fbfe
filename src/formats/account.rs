//! The figures of an account, for files, tables and programs.

use serde::{Deserialize, Serialize};

use super::number::{self, NO_MEAN, two_decimals};
use crate::analysis::{Account, Idle};
use crate::model::{Percent, Reading, WeightedSum};

/// No day, and so no account of one GPU, is longer.
const LONGEST_SECONDS: u64 = 48 * 3600;

/// The last columns of both CSVs of accounts. The seconds add up, and are read back.
#[derive(Serialize, Deserialize)]
pub struct Columns {
    gpu_mean: String,
    vram_mean: String,
    coverage: String,
    seconds: u64,
    active: u64,
    vram_held: u64,
    vram_empty: u64,
    vram_unknown: u64,
    unknown: u64,
    with_vram: u64,
}

impl From<Account> for Columns {
    fn from(account: Account) -> Self {
        // With all its digits.
        let mean = |readings: WeightedSum| match readings.mean() {
            Some(mean) => mean.to_string(),
            None => NO_MEAN.to_owned(),
        };
        Self {
            gpu_mean: mean(account.gpu),
            vram_mean: mean(account.vram),
            coverage: two_decimals(account.coverage()),
            seconds: account.seconds(),
            active: account.active,
            vram_held: account.idle.vram_held,
            vram_empty: account.idle.vram_empty,
            vram_unknown: account.idle.vram_unknown,
            unknown: account.unknown,
            with_vram: account.vram.seconds(),
        }
    }
}

impl Columns {
    /// The account of one GPU, or `None` where the columns contradict each other.
    pub fn account(&self) -> Option<Account> {
        let readings = |mean: &str, seconds: u64| {
            let mut readings = WeightedSum::default();
            match (mean, seconds) {
                (NO_MEAN, 0) => {}
                (_, 0) => return None,
                (mean, seconds) => readings.add(Reading::new(mean.parse().ok()?)?, seconds),
            }
            Some(readings)
        };
        let idle = Idle {
            vram_held: self.vram_held,
            vram_empty: self.vram_empty,
            vram_unknown: self.vram_unknown,
        };
        let seconds = [idle.vram_held, idle.vram_empty, idle.vram_unknown];
        let more = [self.active, self.unknown, self.with_vram, self.seconds];
        let mut all = seconds.into_iter().chain(more);
        if all.any(|seconds| seconds > LONGEST_SECONDS) {
            return None;
        }
        let mut account = Account {
            active: self.active,
            idle,
            unknown: self.unknown,
            ..Account::default()
        };
        account.gpu = readings(&self.gpu_mean, account.observed())?;
        account.vram = readings(&self.vram_mean, self.with_vram)?;
        let fits = self.seconds == account.seconds() && self.with_vram <= self.seconds;
        fits.then_some(account)
    }
}

/// The hours of an account: all, active, idle, idle with VRAM held, without a reading.
pub fn hours(account: Account, decimals: usize) -> [String; 5] {
    let seconds = [
        account.seconds(),
        account.active,
        account.idle.seconds(),
        account.idle.vram_held,
        account.unknown,
    ];
    seconds.map(|seconds| number::hours(seconds, decimals))
}

#[derive(Debug, Serialize)]
pub struct AccountFields {
    allocated_seconds: u64,
    active_seconds: u64,
    idle_seconds: u64,
    idle_vram_held_seconds: u64,
    idle_vram_empty_seconds: u64,
    idle_vram_unknown_seconds: u64,
    unknown_seconds: u64,
    vram_observed_seconds: u64,
    gpu_mean_percent: Option<Reading>,
    vram_mean_percent: Option<Reading>,
    coverage_percent: Option<Percent>,
}

impl From<Account> for AccountFields {
    fn from(account: Account) -> Self {
        let idle = account.idle;
        Self {
            allocated_seconds: account.seconds(),
            active_seconds: account.active,
            idle_seconds: idle.seconds(),
            idle_vram_held_seconds: idle.vram_held,
            idle_vram_empty_seconds: idle.vram_empty,
            idle_vram_unknown_seconds: idle.vram_unknown,
            unknown_seconds: account.unknown,
            vram_observed_seconds: account.vram.seconds(),
            gpu_mean_percent: account.gpu.mean(),
            vram_mean_percent: account.vram.mean(),
            coverage_percent: account.coverage(),
        }
    }
}
