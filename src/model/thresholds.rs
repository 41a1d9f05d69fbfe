//! From which readings on a GPU counts as busy, as idle, and its VRAM as held; and when idle GPUs are worth a notice.

use std::collections::BTreeSet;

use super::units::Reading;

/// A rule's hours are whole ones, and are compared in seconds.
pub const HOUR_SECONDS: u64 = 3600;
/// The name of the rule that the table itself is.
pub const GENERAL: &str = "default";

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

/// From when on idle GPUs are worth a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alerts {
    /// How many days are looked at together, and for how many nobody is notified of the same rule again.
    pub window_days: u16,
    /// How much of the time, in percent, must have readings.
    pub min_coverage_percent: u8,
    pub exempt_users: BTreeSet<String>,
    /// By their UUID.
    pub exempt_projects: BTreeSet<String>,
    pub exempt_nodes: BTreeSet<String>,
    /// The rule of the tasks of no other one, and then those of task types. Each task belongs to one.
    pub rules: Vec<AlertRule>,
}

/// From when on a user is notified of the idle GPUs of their tasks of some types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRule {
    pub name: String,
    /// The types of its tasks; none for the rule of all other tasks.
    pub task_types: Vec<String>,
    /// From how many idle GPU-seconds on.
    pub min_idle_seconds: u64,
    /// From which part of the held time on, in percent.
    pub min_idle_share_percent: u8,
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            window_days: 7,
            min_coverage_percent: 90,
            exempt_users: BTreeSet::new(),
            exempt_projects: BTreeSet::new(),
            exempt_nodes: BTreeSet::new(),
            rules: vec![AlertRule {
                name: GENERAL.to_owned(),
                task_types: Vec::new(),
                min_idle_seconds: 24 * HOUR_SECONDS,
                min_idle_share_percent: 50,
            }],
        }
    }
}

impl Alerts {
    pub fn rule_of(&self, task_type: Option<&str>) -> usize {
        let has_type = |rule: &AlertRule| {
            rule.task_types
                .iter()
                .any(|name| Some(&**name) == task_type)
        };
        self.rules.iter().position(has_type).unwrap_or(0)
    }
}

impl AlertRule {
    /// [`AlertRule::min_idle_seconds`] as the settings have it.
    pub fn min_idle_hours(&self) -> u64 {
        self.min_idle_seconds / HOUR_SECONDS
    }
}
