//! From which readings on a GPU counts as busy, as idle, and its VRAM as held; and when idle GPUs are worth a notice.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::{Reading, text, written};

/// A rule's hours are whole ones, and are compared in seconds.
const HOUR_SECONDS: u64 = 3600;
/// The most days that are looked at together.
const MOST_DAYS: u16 = 92;
/// More than any cluster has in that time.
const MOST_HOURS: u32 = 1_000_000;
/// What overlaps for longer is no hand-over on any system.
const LONGEST_HANDOVER_SECONDS: u32 = 3600;
/// The name of the rule that the table itself is.
pub const GENERAL: &str = "default";

/// What parts what a GPU does into kinds, and a hand-over from a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// Over this a GPU reading is busy, and somebody ought to hold the GPU.
    #[serde(rename = "busy_percent")]
    pub busy: Reading,
    /// Up to this a GPU reading is idle. It is not 0, because AMD's busy counter is not exact.
    #[serde(rename = "idle_percent")]
    pub idle: Reading,
    /// Over this a VRAM reading means that something is loaded. An empty MI300X shows 0.14 % (first seed).
    #[serde(rename = "vram_floor_percent")]
    pub vram_floor: Reading,
    /// For how long the users of a GPU may overlap where one hands it over to the next.
    #[serde(deserialize_with = "seconds")]
    pub handover_seconds: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        let percent = |value| Reading::new(value).expect("a percentage");
        Self {
            busy: percent(20.0),
            idle: percent(5.0),
            vram_floor: percent(1.0),
            handover_seconds: 60,
        }
    }
}

/// From when on idle GPUs are worth a notice.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Alerts {
    /// How many days are looked at together, and for how many nobody is notified of the same rule again.
    #[serde(deserialize_with = "days")]
    pub window_days: u16,
    /// From how many idle GPU-hours on, for the tasks of no rule.
    #[serde(deserialize_with = "hours")]
    pub min_idle_hours: u32,
    /// From which part of the held time on, in percent, for the tasks of no rule.
    #[serde(deserialize_with = "percent")]
    pub min_idle_share: u8,
    /// How much of the time, in percent, must have readings.
    #[serde(rename = "min_coverage", deserialize_with = "percent")]
    pub min_coverage_percent: u8,
    pub exempt_users: BTreeSet<String>,
    /// By their UUID.
    pub exempt_projects: BTreeSet<String>,
    pub exempt_nodes: BTreeSet<String>,
    pub rules: Vec<WrittenRule>,
}

/// A rule of task types as it is written: the limits that it has not are those of [`Alerts`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenRule {
    pub name: String,
    pub task_types: Vec<String>,
    #[serde(default, deserialize_with = "own_hours")]
    pub min_idle_hours: Option<u32>,
    #[serde(default, deserialize_with = "own_percent")]
    pub min_idle_share: Option<u8>,
}

/// From when on a user is notified of the idle GPUs of their tasks of some types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AlertRule<'a> {
    pub name: &'a str,
    /// The types of its tasks; none for the rule of all other tasks.
    pub task_types: &'a [String],
    /// From how many idle GPU-seconds on.
    #[serde(rename = "min_idle_hours", serialize_with = "in_hours")]
    pub min_idle_seconds: u64,
    /// From which part of the held time on, in percent.
    pub min_idle_share_percent: u8,
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            window_days: 7,
            min_idle_hours: 24,
            min_idle_share: 50,
            min_coverage_percent: 90,
            exempt_users: BTreeSet::new(),
            exempt_projects: BTreeSet::new(),
            exempt_nodes: BTreeSet::new(),
            rules: Vec::new(),
        }
    }
}

fn days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    written::within(
        deserializer,
        1..=MOST_DAYS,
        text("天數", "a number of days"),
    )
}

fn hours<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    written::within(
        deserializer,
        1..=MOST_HOURS,
        text("小時數", "a number of hours"),
    )
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    written::within(
        deserializer,
        0..=LONGEST_HANDOVER_SECONDS,
        text("秒數", "a number of seconds"),
    )
}

fn own_hours<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    hours(deserializer).map(Some)
}

fn percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    written::within(deserializer, 0..=100, text("百分比", "a percentage"))
}

fn own_percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    percent(deserializer).map(Some)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn in_hours<S: Serializer>(seconds: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(seconds / HOUR_SECONDS)
}

impl Alerts {
    /// The rule of the tasks of no other one, and then those of task types. Each task belongs to one.
    pub fn rules(&self) -> Vec<AlertRule<'_>> {
        let rule = |name, task_types, hours: Option<u32>, share: Option<u8>| AlertRule {
            name,
            task_types,
            min_idle_seconds: u64::from(hours.unwrap_or(self.min_idle_hours)) * HOUR_SECONDS,
            min_idle_share_percent: share.unwrap_or(self.min_idle_share),
        };
        let written = self.rules.iter().map(|of| {
            let (hours, share) = (of.min_idle_hours, of.min_idle_share);
            rule(&*of.name, &*of.task_types, hours, share)
        });
        let general = rule(GENERAL, &[], None, None);
        [general].into_iter().chain(written).collect()
    }

    /// The position of the rule of tasks of a type.
    pub fn rule_of(&self, task_type: Option<&str>) -> usize {
        let has_type = |rule: &WrittenRule| {
            let mut types = rule.task_types.iter();
            types.any(|name| Some(&**name) == task_type)
        };
        let position = self.rules.iter().position(has_type);
        position.map_or(0, |position| position + 1)
    }
}

impl AlertRule<'_> {
    /// [`AlertRule::min_idle_seconds`] as the settings have it.
    pub fn min_idle_hours(self) -> u64 {
        self.min_idle_seconds / HOUR_SECONDS
    }
}
