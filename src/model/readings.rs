//! What an agent knows of a node's cards, and how it goes together with what is known from before.

use std::collections::{BTreeMap, BTreeSet};

use std::fmt;

use serde::{Deserialize, Serialize};

use super::units::{CardId, Reading, UnixSeconds};

/// What is measured of a card. Its context is stable; the chart ids below it hold the product's name, which an
/// upgrade of Netdata can change (netdata/facts.md §1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// How busy the GPU was, from `gpu_busy_percent`.
    Gpu,
    /// How much of its VRAM was in use.
    Vram,
}

impl Metric {
    /// Both, in the order of the columns of a GPU's CSV.
    pub const ALL: [Self; 2] = [Self::Gpu, Self::Vram];

    /// Netdata's context of the metric.
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

/// What an agent knows of one node's cards in a window.
#[derive(Debug, Default)]
pub struct NodeUsage {
    /// The cards with at least one reading, from the agent's samples.
    pub cards: BTreeMap<CardId, CardUsage>,
    /// Readings from its coarser tiers, which were asked for what may be older than the samples.
    pub coarse: BTreeMap<CardId, CardUsage>,
    /// Why the coarser tiers, though they were asked, said nothing.
    pub coarse_problem: Option<String>,
    /// Readings that cannot be true. They count as gaps.
    pub rejected: Vec<RejectedReading>,
    /// The series without any reading for which the agent has no chart, as far as it says so.
    pub without_chart: BTreeSet<(CardId, Metric)>,
}

/// The readings of one card: one a due interval of the window, in its order; `None` is a gap.
#[derive(Clone, Debug, PartialEq)]
pub struct CardUsage {
    /// How busy the GPU was.
    pub gpu: Vec<Option<Reading>>,
    /// How full its VRAM was.
    pub vram: Vec<Option<Reading>>,
}

/// A reading that is not within 0..=100 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RejectedReading {
    /// The card that it is said of.
    pub card: CardId,
    /// Which of its metrics.
    pub metric: Metric,
    /// The end of its interval.
    pub stamp: UnixSeconds,
    /// What the agent said.
    pub value: f64,
}

impl CardUsage {
    /// `due` gaps.
    pub fn without_readings(due: usize) -> Self {
        Self {
            gpu: vec![None; due],
            vram: vec![None; due],
        }
    }

    fn of(&self, metric: Metric) -> &[Option<Reading>] {
        match metric {
            Metric::Gpu => &self.gpu,
            Metric::Vram => &self.vram,
        }
    }

    pub fn of_mut(&mut self, metric: Metric) -> &mut [Option<Reading>] {
        match metric {
            Metric::Gpu => &mut self.gpu,
            Metric::Vram => &mut self.vram,
        }
    }
}

impl NodeUsage {
    /// Whether the agent has not one reading.
    pub fn is_empty(&self) -> bool {
        self.cards.is_empty() && self.coarse.is_empty() && self.rejected.is_empty()
    }

    /// Whether the window's first reading of one of `cards` is missing: it may be older than the samples that the
    /// agent still has.
    pub fn may_lack_old_readings(&self, cards: &[CardId]) -> bool {
        let has_first = |usage: &CardUsage| {
            let starts = |metric| usage.of(metric).first().is_some_and(Option::is_some);
            Metric::ALL.into_iter().all(starts)
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
            usages.any(|usage: &CardUsage| usage.of(metric).iter().any(Option::is_some))
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

    /// Adds what the coarser tiers say.
    pub fn add_coarse(&mut self, coarse: Self) {
        self.coarse = coarse.cards;
        // The same false sample shows in every tier.
        let series = |reading: &RejectedReading| (reading.card, reading.metric, reading.stamp);
        let known: BTreeSet<_> = self.rejected.iter().map(series).collect();
        let new = coarse.rejected.into_iter();
        self.rejected
            .extend(new.filter(|reading| !known.contains(&series(reading))));
    }

    /// The readings of each card, together with those that are known from `earlier` runs.
    pub fn together_with(
        mut self,
        earlier: &BTreeMap<CardId, CardUsage>,
    ) -> BTreeMap<CardId, CardUsage> {
        let sources = [&self.coarse, earlier];
        let others = sources.iter().flat_map(|source| source.keys());
        let cards: BTreeSet<_> = self.cards.keys().chain(others).copied().collect();
        let mut together = BTreeMap::new();
        for card in cards {
            let (earlier, coarse) = (earlier.get(&card), self.coarse.get(&card));
            let Some(due) = [self.cards.get(&card), earlier, coarse]
                .into_iter()
                .flatten()
                .map(|usage| usage.gpu.len())
                .next()
            else {
                continue;
            };
            let exact = self.cards.remove(&card);
            let mut usage = exact.unwrap_or_else(|| CardUsage::without_readings(due));
            for metric in Metric::ALL {
                let (earlier, coarse) = (
                    earlier.map(|usage| usage.of(metric)),
                    coarse.map(|usage| usage.of(metric)),
                );
                join(usage.of_mut(metric), earlier, coarse);
            }
            together.insert(card, usage);
        }
        together
    }
}

/// Fills the gaps of a series of exact readings.
///
/// A new reading wins over one of an earlier run. Before its first reading, where the samples may have been
/// forgotten, an earlier run's exact reading wins over a coarse one. Later gaps are no matter of age, and a coarser
/// tier has nothing to fill them with but what leaks from their neighbours.
///
/// Where something older than the first exact reading is known, that reading may be of the part of its interval that
/// is not forgotten yet, and any other is the truer one.
fn join(
    series: &mut [Option<Reading>],
    earlier: Option<&[Option<Reading>]>,
    coarse: Option<&[Option<Reading>]>,
) {
    let first = series.iter().position(Option::is_some);
    let first = first.unwrap_or(series.len());
    let earlier = |slot: usize| earlier.and_then(|earlier| earlier[slot]);
    let coarse = |slot: usize| coarse.and_then(|coarse| trusted(coarse, slot, first));
    let is_part = (0..first).any(|slot| earlier(slot).or(coarse(slot)).is_some());
    for (slot, reading) in series.iter_mut().enumerate() {
        *reading = if slot < first || (slot == first && is_part) {
            earlier(slot).or(coarse(slot)).or(*reading)
        } else {
            reading.or(earlier(slot))
        };
    }
}

/// The coarse reading at `slot`, unless it may be what leaked into an empty interval: rows of the coarser tiers begin
/// a second early, so the one after an outage's beginning holds a second of what was before.
fn trusted(coarse: &[Option<Reading>], slot: usize, first: usize) -> Option<Reading> {
    let is_last_before_a_gap = coarse.get(slot + 1).is_some_and(Option::is_none);
    // If the first interval alone has no samples, its end is likelier an outage's than that of the retention.
    let is_lone_start = slot == 0 && first == 1;
    coarse[slot].filter(|_| !is_last_before_a_gap && !is_lone_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(percents: [Option<u8>; 5]) -> Vec<Option<Reading>> {
        let reading = |percent: Option<u8>| percent.and_then(|p| Reading::new(f64::from(p)));
        percents.map(reading).to_vec()
    }

    #[track_caller]
    fn joined(
        exact: [Option<u8>; 5],
        earlier: [Option<u8>; 5],
        coarse: [Option<u8>; 5],
        expected: [Option<u8>; 5],
    ) {
        let mut joined = series(exact);
        join(&mut joined, Some(&series(earlier)), Some(&series(coarse)));
        assert_eq!(joined, series(expected));
    }

    const NONE: [Option<u8>; 5] = [None; 5];

    #[test]
    fn a_new_reading_wins_and_an_earlier_one_fills_its_gaps() {
        joined(
            [Some(1), None, Some(1), None, None],
            [Some(2), Some(2), Some(2), None, Some(2)],
            NONE,
            [Some(1), Some(2), Some(1), None, Some(2)],
        );
    }

    #[test]
    fn coarse_readings_fill_only_what_is_older_than_the_samples() {
        joined(
            [None, None, Some(1), None, Some(1)],
            NONE,
            [Some(3), Some(3), Some(3), Some(3), Some(3)],
            [Some(3), Some(3), Some(3), None, Some(1)],
        );
    }

    #[test]
    fn what_was_exact_once_is_not_made_coarse() {
        joined(
            [None, None, Some(1), Some(1), Some(1)],
            [Some(2), None, Some(2), Some(2), None],
            [Some(3), Some(3), Some(3), Some(3), Some(3)],
            [Some(2), Some(3), Some(2), Some(1), Some(1)],
        );
    }

    #[test]
    fn what_leaks_into_an_outage_is_no_reading() {
        let down_at_midnight = [None, None, None, Some(1), Some(1)];
        let leak = [Some(3), None, None, Some(3), Some(3)];
        joined(down_at_midnight, NONE, leak, down_at_midnight);
        let late = [None, Some(1), Some(1), Some(1), Some(1)];
        joined(late, NONE, [Some(3); 5], late);
    }

    #[test]
    fn part_of_a_reading_does_not_win_over_the_whole() {
        joined(
            [None, None, Some(1), Some(1), Some(1)],
            [Some(2); 5],
            NONE,
            [Some(2), Some(2), Some(2), Some(1), Some(1)],
        );
    }

    #[test]
    fn the_first_reading_of_a_card_that_began_mid_day_stays() {
        joined(
            [None, None, Some(1), Some(1), Some(1)],
            NONE,
            [None, None, Some(3), Some(3), Some(3)],
            [None, None, Some(1), Some(1), Some(1)],
        );
    }
}
