//! What the files of a day must hold, worked out from the simulation alone.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use pretty_assertions::assert_eq;

use super::outcome::Outcome;
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
        self.csv(Self::INTERVAL, |metric, stamp| {
            expected_text(node, metric, card, stamp, Self::INTERVAL)
        })
    }

    /// The whole file of a GPU whose rows stand for `interval` seconds and show what `value` gives for a metric and a stamp.
    pub(crate) fn csv(
        &self,
        interval: i64,
        value: impl Fn(Metric, i64) -> Option<String>,
    ) -> String {
        let mut text = "時間戳,日期時間,GPU使用率(%),VRAM使用率(%)\n".to_owned();
        let mut stamp = self.start;
        while stamp < self.end {
            stamp += interval;
            let value = |metric| value(metric, stamp).unwrap_or_default();
            let clock = self.clock(stamp);
            let (gpu, vram) = (value(Metric::GpuUtilization), value(Metric::VramUsage));
            writeln!(text, "{stamp},\"{clock}\",{gpu},{vram}").expect("a String takes all");
        }
        text
    }

    /// What the zone's clocks show.
    pub(crate) fn clock(&self, unix: i64) -> String {
        let moment = DateTime::<Utc>::from_timestamp(unix, 0).expect("a moment of the calendar");
        moment
            .with_timezone(&self.zone)
            .format("%Y-%m-%d %H:%M:%S")
            .to_string()
    }

    /// As in the names of directories and files.
    pub(crate) fn date(&self) -> String {
        self.clock(self.start)[..10].to_owned()
    }

    /// [`super::DATE`] in UTC.
    pub(crate) fn utc() -> Self {
        Self {
            zone: Tz::UTC,
            start: super::MIDNIGHT,
            end: super::MIDNIGHT + 24 * super::HOUR,
        }
    }

    /// The day that it is now in a zone whose clocks show this hour: a test of today that holds at any hour.
    pub(crate) fn now_in_hour(hour: i64) -> Self {
        // The program counts the second that runs as not over.
        let now = Utc::now().timestamp() - 1;
        let ahead = hour - now.rem_euclid(24 * 3600) / 3600;
        let ahead = if ahead < -12 { ahead + 24 } else { ahead };
        // These names have the sign the other way round.
        let zone = format!("Etc/GMT{:+}", -ahead);
        let start = (now + ahead * 3600).div_euclid(24 * 3600) * 24 * 3600 - ahead * 3600;
        Self {
            zone: zone.parse().expect("a zone"),
            start,
            end: start + 24 * 3600,
        }
    }

    /// Whether the files of all GPUs of a node with the usual cards hold what its samples say.
    #[track_caller]
    pub(crate) fn check_gpu_files(&self, outcome: &Outcome, name: &str, node: &SimulatedNode) {
        for (index, &card) in CARDS.iter().enumerate() {
            let file = outcome.of_day(name, &self.date(), &format!("gpu{index}"));
            assert_eq!(file, self.gpu_csv(node, card), "{name}, card {card}");
        }
    }
}

/// The cards of a node with eight GPUs, in the order of GPU indices.
pub(crate) const CARDS: [u32; 8] = [1, 9, 17, 25, 33, 41, 49, 57];
