//! Some days of a cluster as one value, for whoever draws them: what was held, what was measured, and what to look at.

mod findings;
mod lane;
mod parts;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::usage::{DateRuns, Usage};
use super::{Coverage, Mean, Shortfall};
use crate::model::{GpuIndex, Interval, Percent, Thresholds, UnixSeconds};

pub use findings::{Conflicting, Findings, Missing, Unplaced, Untasked};
pub use lane::{Hold, Lane, Level};
pub use parts::Parts;

/// The most cells of one metric that are drawn; of more the means of longer times are.
const MOST_CELLS: usize = 1_000_000;

#[derive(Debug)]
pub struct Overview {
    pub first: NaiveDate,
    pub last: NaiveDate,
    pub zone: Tz,
    pub interval: Interval,
    pub thresholds: Thresholds,
    pub resolution: Resolution,
    /// Of every day, also of those that there is nothing of.
    pub days: Vec<OverviewDay>,
    pub nodes: Vec<OverviewNode>,
    /// By the numbers that tasks have them by.
    pub users: Vec<String>,
    pub tasks: Vec<HeldTask>,
    pub usage: Usage,
    /// What each user's VRAM readings come to, where the tasks say how much the cards have.
    pub vram: BTreeMap<String, HeldVram>,
    /// Which GPUs each user held, by node.
    pub gpus_of_users: BTreeMap<String, BTreeSet<(usize, GpuIndex)>>,
    /// The only user that it is of, if it is of one.
    pub user: Option<String>,
    pub findings: Findings,
    /// What else the runs of the days said that they lack.
    pub shortfalls: BTreeMap<BTreeSet<Shortfall>, DateRuns>,
    /// Files that could not be used, and why.
    pub unusable: BTreeSet<String>,
    pub sources: Sources,
}

/// What one cell is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    Interval,
    Hour,
    /// No time of the day is drawn.
    Day,
}

#[derive(Clone, Debug)]
pub struct OverviewDay {
    pub date: NaiveDate,
    pub start: UnixSeconds,
    pub end: UnixSeconds,
    /// The end of the last reading that is due.
    pub until: UnixSeconds,
    /// Up to when readings were collected, and the end of the last that there is, where there is any.
    pub collected: UnixSeconds,
    pub last_reading: Option<UnixSeconds>,
    /// The cells that it has.
    pub cells: usize,
    /// The seconds by which the zone's clocks are ahead of UTC, from each of these cells on.
    pub offsets: Vec<(usize, i64)>,
    /// `None` where there is no file of it at all.
    pub parts: Option<Parts>,
    /// Until when it is known which task held what; `None` where it is not known at all.
    pub tasks_until: Option<UnixSeconds>,
}

impl OverviewDay {
    pub fn is_over(&self) -> bool {
        self.until == self.end
    }
}

#[derive(Debug)]
pub struct OverviewNode {
    pub name: String,
    pub parts: Parts,
    pub lanes: Vec<Lane>,
    /// Each day's mean over its GPUs.
    pub days: Vec<Mean>,
    /// Why there is no reading of it, on days that there is something of.
    pub failures: BTreeMap<String, DateRuns>,
    /// GPUs without any reading, on days that have some of others.
    pub without_readings: BTreeMap<Vec<GpuIndex>, DateRuns>,
}

impl OverviewNode {
    /// The mean of its GPUs' means, as in its files.
    pub fn mean(&self) -> Mean {
        Mean::of_means(self.lanes.iter().map(Lane::mean))
    }

    pub fn coverage(&self) -> Coverage {
        Coverage::sum(self.lanes.iter().map(Lane::coverage))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeldTask {
    pub id: String,
    pub kind: Option<String>,
    pub user: usize,
    pub start: Option<UnixSeconds>,
}

/// The VRAM that somebody held, on the mean.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeldVram {
    mib_seconds: f64,
    seconds: u64,
    /// Seconds of cards whose size is not known.
    unknown: u64,
}

impl HeldVram {
    /// Adds a mean over `seconds` of a card of so many MiB.
    pub fn add(&mut self, mean: Percent, seconds: u64, card_mib: Option<f64>) {
        match card_mib {
            #[expect(clippy::cast_precision_loss, reason = "far below 2^53 seconds")]
            Some(mib) => {
                self.mib_seconds += mean.value() / 100.0 * mib * seconds as f64;
                self.seconds += seconds;
            }
            None => self.unknown += seconds,
        }
    }

    /// The mean in GB; `None` where any card's size is missing.
    pub fn gigabytes(self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53 seconds")]
        let seconds = self.seconds as f64;
        (self.unknown == 0 && self.seconds > 0).then(|| self.mib_seconds / seconds / 1024.0)
    }
}

/// What it was made from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sources {
    pub gpu_files: usize,
    pub reports: usize,
    pub kept_answers: usize,
}

impl Resolution {
    /// The finest that so many GPUs over so many days can be drawn in.
    pub fn of(gpus: usize, days: usize, interval: Interval) -> Self {
        let cells = |seconds| gpus * days * usize::try_from(86_400 / seconds).unwrap_or(1);
        if cells(interval.seconds()) <= MOST_CELLS {
            Self::Interval
        } else if cells(3600) <= MOST_CELLS {
            Self::Hour
        } else {
            Self::Day
        }
    }

    /// The seconds of one cell; 0 without cells.
    pub fn seconds(self, interval: Interval) -> i64 {
        match self {
            Self::Interval => interval.seconds(),
            Self::Hour => 3600,
            Self::Day => 0,
        }
    }
}

impl Overview {
    pub fn is_one_day(&self) -> bool {
        self.days.len() == 1
    }

    pub fn cell_seconds(&self) -> i64 {
        self.resolution.seconds(self.interval)
    }

    pub fn parts(&self) -> Parts {
        self.days.iter().filter_map(|day| day.parts).sum()
    }

    /// The mean of all GPUs' means.
    pub fn mean(&self) -> Mean {
        Mean::of_means(self.lanes().map(Lane::mean))
    }

    pub fn coverage(&self) -> Coverage {
        Coverage::sum(self.nodes.iter().map(OverviewNode::coverage))
    }

    /// Every GPU.
    pub fn lanes(&self) -> impl Iterator<Item = &Lane> + Clone {
        self.nodes.iter().flat_map(|node| &node.lanes)
    }

    pub fn days_without_files(&self) -> DateRuns {
        let mut dates = DateRuns::default();
        let without = self.days.iter().filter(|day| day.parts.is_none());
        without.for_each(|day| dates.add(day.date));
        dates
    }

    /// Whether a GPU of the node of this number is shown: of one user's, those that they held.
    pub fn shows(&self, node: usize, gpu: GpuIndex) -> bool {
        self.user.as_ref().is_none_or(|user| {
            let gpus = self.gpus_of_users.get(user);
            gpus.is_some_and(|gpus| gpus.contains(&(node, gpu)))
        })
    }

    /// Whether there is a file of any of its days.
    pub fn has_files(&self) -> bool {
        self.days.iter().any(|day| day.parts.is_some())
    }

    /// Whether every day and node has its accounts, and every GPU readings, and no run lacked anything.
    pub fn is_complete(&self) -> bool {
        let has_all =
            |node: &OverviewNode| node.failures.is_empty() && node.without_readings.is_empty();
        self.usage.is_complete()
            && self.shortfalls.is_empty()
            && self.unusable.is_empty()
            && self.nodes.iter().all(has_all)
    }
}
