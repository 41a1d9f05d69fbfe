//! The table `[ledger]`: from which readings on a GPU counts as busy, as idle, and its VRAM as held.

use serde::{Deserialize, Serialize};

use super::value::{Invalid, invalid};
use crate::units::Reading;

/// The readings that part what a GPU does into kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Over this a GPU reading is busy, and somebody ought to hold the GPU.
    pub busy: Reading,
    /// Up to this a GPU reading is idle. It is not 0, because AMD's busy counter is not exact.
    pub idle: Reading,
    /// Over this a VRAM reading means that something is loaded. An empty MI300X shows 0.14 % (first seed).
    pub vram_floor: Reading,
}

impl Default for Thresholds {
    fn default() -> Self {
        let percent = |value| Reading::new(value).expect("a percentage");
        Self {
            busy: percent(20.0),
            idle: percent(5.0),
            vram_floor: percent(1.0),
        }
    }
}

/// The keys of the table.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LedgerSettings {
    #[serde(rename = "busy_percent")]
    busy: Option<f64>,
    #[serde(rename = "idle_percent")]
    idle: Option<f64>,
    #[serde(rename = "vram_floor_percent")]
    vram_floor: Option<f64>,
}

impl LedgerSettings {
    /// The table that would bring these about.
    pub(super) fn in_force(thresholds: &Thresholds) -> Self {
        Self {
            busy: Some(thresholds.busy.percent()),
            idle: Some(thresholds.idle.percent()),
            vram_floor: Some(thresholds.vram_floor.percent()),
        }
    }

    /// Sets what the table sets.
    pub(super) fn overlay(&self, thresholds: &mut Thresholds) -> Result<(), Invalid> {
        for (key, percent, threshold) in [
            ("ledger.busy_percent", self.busy, &mut thresholds.busy),
            ("ledger.idle_percent", self.idle, &mut thresholds.idle),
            (
                "ledger.vram_floor_percent",
                self.vram_floor,
                &mut thresholds.vram_floor,
            ),
        ] {
            let Some(percent) = percent else { continue };
            let Some(reading) = Reading::new(percent) else {
                return invalid(key, format!("{percent} 不是 0 到 100 的百分比"));
            };
            *threshold = reading;
        }
        if thresholds.idle > thresholds.busy {
            let (idle, busy) = (thresholds.idle, thresholds.busy);
            return invalid(
                "ledger.idle_percent",
                format!("{idle} 大於 busy_percent = {busy}：同一個讀數不能既閒置又忙碌"),
            );
        }
        Ok(())
    }
}
