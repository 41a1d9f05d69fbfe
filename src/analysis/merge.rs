//! A day's new readings, merged with those of earlier runs.

use std::collections::BTreeMap;

use crate::model::{CardId, CardUsage, Metric, NodeUsage, Reading};

/// The readings of each card: those of the agent, and in their gaps those of `earlier` runs.
pub fn merge(
    usage: NodeUsage,
    earlier: &BTreeMap<CardId, CardUsage>,
) -> BTreeMap<CardId, CardUsage> {
    let NodeUsage {
        cards: mut merged,
        coarse,
        ..
    } = usage;
    for (&card, known) in earlier.iter().chain(&coarse) {
        let due = known.gpu.len();
        merged
            .entry(card)
            .or_insert_with(|| CardUsage::without_readings(due));
    }
    for (card, usage) in &mut merged {
        for metric in Metric::ALL {
            let earlier = earlier.get(card).map(|usage| &usage.series(metric)[..]);
            let coarse = coarse.get(card).map(|usage| &usage.series(metric)[..]);
            join(usage.series_mut(metric), earlier, coarse);
        }
    }
    merged
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
