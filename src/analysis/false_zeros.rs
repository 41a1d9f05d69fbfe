//! Zeros that the old programs wrote where they had no reading.

use std::collections::BTreeMap;

use crate::model::{CardId, CardUsage, Metric, NodeUsage, Reading, Window};

const ZERO: Option<Reading> = Some(Reading::ZERO);

/// Makes gaps of what the old programs wrote into the `earlier` files as 0 where the agent has nothing, and answers of
/// how many rows of each card.
///
/// Both values of such a row are exactly 0, which no GPU shows whose VRAM is above 0 elsewhere: an empty MI300X shows
/// 0.14 %. Outside of the card's first and last reading in the agent's answer, the agent may have forgotten what it had.
pub fn take_false_zeros(
    earlier: &mut BTreeMap<CardId, CardUsage>,
    usage: &NodeUsage,
    window: &Window,
) -> BTreeMap<CardId, usize> {
    let mut counts = BTreeMap::new();
    // Of rows that were left out it is not known what the agent has there.
    if usage.rejected_rows.is_some() {
        return counts;
    }
    for (card, earlier) in earlier {
        let Some(new) = usage.cards.get(card) else {
            continue;
        };
        if !has_vram(earlier) && !has_vram(new) {
            continue;
        }
        let is_there = |slot: &usize| new.gpu[*slot].is_some() || new.vram[*slot].is_some();
        let (first, last) = (
            (0..new.gpu.len()).find(is_there),
            (0..new.gpu.len()).rfind(is_there),
        );
        let (Some(first), Some(last)) = (first, last) else {
            continue;
        };
        let mut count = 0;
        for (slot, stamp) in (0..last).zip(window.stamps()).skip(first) {
            let was_rejected = |metric| usage.rejected.contains_key(&(*card, metric, stamp));
            let is_null = !is_there(&slot) && !Metric::ALL.into_iter().any(was_rejected);
            if is_null && (earlier.gpu[slot], earlier.vram[slot]) == (ZERO, ZERO) {
                (earlier.gpu[slot], earlier.vram[slot]) = (None, None);
                count += 1;
            }
        }
        if count > 0 {
            counts.insert(*card, count);
        }
    }
    counts
}

fn has_vram(usage: &CardUsage) -> bool {
    let mut readings = usage.vram.iter().flatten();
    readings.any(|reading| *reading > Reading::ZERO)
}
