//! What the files of a day must hold, worked out from the simulation alone.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::simulated_cluster::{Metric, SimulatedNode, expected_text};

/// A day as the test knows it: midnights as Unix seconds.
pub(crate) struct Day {
    pub(crate) zone: Tz,
    pub(crate) start: i64,
    pub(crate) end: i64,
}

impl Day {
    pub(crate) const INTERVAL: i64 = 600;

    /// The whole file of a GPU.
    pub(crate) fn gpu_csv(&self, node: &SimulatedNode, card: u32) -> String {
        let mut text = "時間戳,日期時間,GPU使用率(%),VRAM使用率(%)\n".to_owned();
        for stamp in (self.start + Self::INTERVAL..=self.end).step_by(600) {
            let value = |metric| {
                expected_text(node, metric, card, stamp, Self::INTERVAL).unwrap_or_default()
            };
            let clock = DateTime::<Utc>::from_timestamp(stamp, 0)
                .expect("a moment of the calendar")
                .with_timezone(&self.zone)
                .format("%Y-%m-%d %H:%M:%S");
            let (gpu, vram) = (value(Metric::GpuUtilization), value(Metric::VramUsage));
            writeln!(text, "{stamp},\"{clock}\",{gpu},{vram}").expect("a String takes all");
        }
        text
    }
}
