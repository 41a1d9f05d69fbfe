//! What an agent knows of a node's cards.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{Capped, CardId, Reading, UnixSeconds, Window, said};

/// What is measured of a card. Its context is stable; the chart ids below it hold the product's name, which an
/// upgrade of Netdata can change (netdata/facts.md §1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// From `gpu_busy_percent`.
    Gpu,
    Vram,
}

impl Metric {
    /// In the order of the columns of a GPU's CSV.
    pub const ALL: [Self; 2] = [Self::Gpu, Self::Vram];

    pub fn context(self) -> &'static str {
        match self {
            Self::Gpu => "amdgpu.gpu_utilization",
            Self::Vram => "amdgpu.gpu_mem_vram_usage_perc",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gpu => "GPU",
            Self::Vram => "VRAM",
        })
    }
}

#[derive(Debug, Default)]
pub struct NodeUsage {
    /// The cards with at least one reading, from the agent's samples.
    pub cards: BTreeMap<CardId, CardUsage>,
    /// Readings from its coarser tiers, which were asked for what may be older than the samples.
    pub coarse: BTreeMap<CardId, CardUsage>,
    /// Why the coarser tiers, though they were asked, have no answer.
    pub coarse_problem: Option<String>,
    /// What stands in the place of readings and cannot be one, as the agent wrote it, by the end of its interval. It
    /// counts as a gap.
    pub rejected: BTreeMap<(CardId, Metric, UnixSeconds), String>,
    pub rejected_rows: Option<RejectedRows>,
    /// Rows, by their place in the window, of which two charts of one card hold a part each. They count as gaps.
    pub in_part: BTreeSet<(CardId, Metric, usize)>,
    /// By how many seconds the node's clock is ahead of the machine's, if its answer has the time.
    pub clock_ahead: Option<i64>,
    /// Cards that the agent has charts of, and that the node is not said to have.
    pub other_cards: Capped<CardId, 12>,
    /// The series without any reading for which the agent has no chart, as far as it says so.
    pub without_chart: BTreeSet<(CardId, Metric)>,
}

/// What there is of each metric of a card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByMetric<T> {
    pub gpu: T,
    pub vram: T,
}

/// The readings of one card: one a due interval of the window, in its order; `None` is a gap.
pub type CardUsage = ByMetric<Vec<Option<Reading>>>;

/// Rows of an answer that are none of the window's. They count as gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRows {
    /// What is wrong with the first.
    pub problem: String,
    pub count: usize,
}

impl CardUsage {
    pub fn without_readings(due: usize) -> Self {
        Self {
            gpu: vec![None; due],
            vram: vec![None; due],
        }
    }
}

impl<T> ByMetric<T> {
    pub fn map<U>(&self, make: impl Fn(&T) -> U) -> ByMetric<U> {
        let (gpu, vram) = (make(&self.gpu), make(&self.vram));
        ByMetric { gpu, vram }
    }

    pub fn series(&self, metric: Metric) -> &T {
        match metric {
            Metric::Gpu => &self.gpu,
            Metric::Vram => &self.vram,
        }
    }

    pub fn series_mut(&mut self, metric: Metric) -> &mut T {
        match metric {
            Metric::Gpu => &mut self.gpu,
            Metric::Vram => &mut self.vram,
        }
    }
}

impl NodeUsage {
    pub fn is_empty(&self) -> bool {
        self.cards.is_empty()
            && self.coarse.is_empty()
            && self.rejected.is_empty()
            && self.in_part.is_empty()
            && self.other_cards.is_empty()
    }

    /// The first of the rejected readings, in words.
    pub fn rejected_example(&self, window: &Window) -> Option<String> {
        let (&(card, metric, stamp), value) = self.rejected.first_key_value()?;
        let at = window.clock(stamp);
        Some(said!(
            "Card {card} 在 {at} 的 {metric} = {value}",
            "{metric} of card {card} = {value} at {at}"
        ))
    }

    /// The first of the rows of which two charts hold a part each, in words.
    pub fn in_part_example(&self, window: &Window) -> Option<String> {
        let &(card, metric, slot) = self.in_part.first()?;
        let at = window.clock(window.stamps().nth(slot)?);
        Some(said!(
            "Card {card} 在 {at} 的 {metric}",
            "{metric} of card {card} at {at}"
        ))
    }

    pub fn reject_row(&mut self, problem: impl FnOnce() -> String) {
        match &mut self.rejected_rows {
            Some(rows) => rows.count += 1,
            none => {
                let problem = problem();
                *none = Some(RejectedRows { problem, count: 1 });
            }
        }
    }

    /// Whether the window's first reading of one of `cards` is missing: it may be older than the samples that the
    /// agent still has. It is not where the card's other metric has its first reading, and this one has none at all.
    pub fn may_lack_old_readings(&self, cards: &[CardId]) -> bool {
        let has_first = |usage: &CardUsage| {
            let starts = |metric| usage.series(metric).first().is_some_and(Option::is_some);
            let is_empty = |metric| usage.series(metric).iter().all(Option::is_none);
            let mut metrics = Metric::ALL.into_iter();
            metrics.clone().any(starts) && metrics.all(|metric| starts(metric) || is_empty(metric))
        };
        !cards
            .iter()
            .all(|card| self.cards.get(card).is_some_and(has_first))
    }

    /// The metrics of `cards` that have no reading where the card's other metric has some.
    pub fn half_empty(&self, cards: &[CardId]) -> Vec<(CardId, Metric)> {
        let has = |card, metric| {
            let sources = [&self.cards, &self.coarse].into_iter();
            let mut usages = sources.filter_map(|source| source.get(&card));
            usages.any(|usage: &CardUsage| usage.series(metric).iter().any(Option::is_some))
        };
        let lacking = |&card: &CardId| {
            let lacks = Metric::ALL
                .into_iter()
                .filter(move |&metric| !has(card, metric));
            let lacks: Vec<_> = lacks.map(|metric| (card, metric)).collect();
            Some(lacks).filter(|lacks| lacks.len() == 1)
        };
        cards.iter().filter_map(lacking).flatten().collect()
    }

    pub fn add_coarse(&mut self, coarse: Self) {
        self.clock_ahead = self.clock_ahead.or(coarse.clock_ahead);
        self.coarse = coarse.cards;
        // What is a gap in the coarser tiers may well have an exact reading.
        let is_gap = |(card, metric, slot): &(CardId, Metric, usize)| {
            let exact = self.cards.get(card);
            exact.is_none_or(|exact| exact.series(*metric)[*slot].is_none())
        };
        self.in_part
            .extend(coarse.in_part.into_iter().filter(is_gap));
        if self.other_cards.is_empty() {
            self.other_cards = coarse.other_cards;
        }
        // The same false sample shows in every tier.
        for (place, value) in coarse.rejected {
            self.rejected.entry(place).or_insert(value);
        }
        self.rejected_rows = self.rejected_rows.take().or(coarse.rejected_rows);
    }
}
