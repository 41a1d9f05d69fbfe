//! The table `[ledger]`: from which readings on a GPU counts as busy, as idle, and its VRAM as held.

use serde::{Deserialize, Serialize};

use super::value::{Invalid, invalid};
use crate::model::thresholds::Thresholds;
use crate::model::units::Reading;

/// The keys of the table.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerSettings {
    #[serde(rename = "busy_percent")]
    busy: Option<f64>,
    #[serde(rename = "idle_percent")]
    idle: Option<f64>,
    #[serde(rename = "vram_floor_percent")]
    vram_floor: Option<f64>,
}

impl LedgerSettings {
    /// The table that would bring these about.
    pub fn in_force(thresholds: &Thresholds) -> Self {
        Self {
            busy: Some(thresholds.busy.percent()),
            idle: Some(thresholds.idle.percent()),
            vram_floor: Some(thresholds.vram_floor.percent()),
        }
    }

    /// Sets what the table sets.
    pub fn overlay(&self, thresholds: &mut Thresholds) -> Result<(), Invalid> {
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
