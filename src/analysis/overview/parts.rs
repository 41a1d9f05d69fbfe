//! What became of the time of GPUs, in seconds, so that the parts make up the whole exactly. However many users held a
//! GPU at once, a second of it is one second.

use std::iter::Sum;
use std::ops::AddAssign;

use crate::analysis::{Account, Entry, Span};
use crate::model::GpuIndex;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Held and over the idle threshold.
    pub active: u64,
    /// Held and idle.
    pub idle: u64,
    /// Held, without a reading.
    pub unknown: u64,
    /// Not held by anybody; of one user's parts, not by that user.
    pub free: u64,
    /// Of which it is not known whether anybody held it.
    pub unaccounted: u64,
}

impl Parts {
    pub fn capacity(self) -> u64 {
        self.held() + self.free + self.unaccounted
    }

    pub fn held(self) -> u64 {
        self.active + self.idle + self.unknown
    }

    /// Of a GPU without accounts.
    pub fn unaccounted(seconds: u64) -> Self {
        Self {
            unaccounted: seconds,
            ..Self::default()
        }
    }

    /// The parts of a GPU's day of so many seconds, whose accounts are those of `index` among `entries`.
    ///
    /// Where users held it at once, their accounts have that time more than once. What the readings of the `known` time
    /// come to, `whole`, then parts the held time.
    pub fn of_gpu(
        entries: &[Entry],
        index: GpuIndex,
        known: Span,
        seconds: u64,
        whole: impl FnOnce() -> Account,
    ) -> Self {
        let of_gpu = || entries.iter().filter(|entry| entry.gpu == index);
        let sum = |is_held: bool| -> Account {
            let entries = of_gpu().filter(|entry| entry.user.is_some() == is_held);
            entries.map(|entry| entry.account).sum()
        };
        let (held, free) = (sum(true), sum(false));
        let known = known.seconds();
        let not_free = known.saturating_sub(free.seconds());
        let mut parts = if held.seconds() <= not_free {
            Self {
                active: held.active,
                idle: held.idle.seconds(),
                unknown: held.unknown,
                free: free.seconds(),
                unaccounted: not_free - held.seconds(),
            }
        } else {
            let whole = whole();
            let active = whole.active.saturating_sub(free.active).min(not_free);
            let idle = whole.idle.seconds().saturating_sub(free.idle.seconds());
            let idle = idle.min(not_free - active);
            Self {
                active,
                idle,
                unknown: not_free - active - idle,
                free: free.seconds(),
                unaccounted: 0,
            }
        };
        parts.unaccounted += seconds.saturating_sub(parts.capacity());
        parts
    }

    /// The same of one user alone, whose account of the GPU this is: what others held counts as not held.
    pub fn of_user(self, account: Account) -> Self {
        let accounted = self.capacity() - self.unaccounted;
        Self {
            active: account.active,
            idle: account.idle.seconds(),
            unknown: account.unknown,
            free: accounted.saturating_sub(account.seconds()),
            unaccounted: self.unaccounted,
        }
    }
}

impl AddAssign for Parts {
    fn add_assign(&mut self, other: Self) {
        self.active += other.active;
        self.idle += other.idle;
        self.unknown += other.unknown;
        self.free += other.free;
        self.unaccounted += other.unaccounted;
    }
}

impl Sum for Parts {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |mut sum, part| {
            sum += part;
            sum
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Idle, Spans};
    use crate::model::{CardUsage, Reading, Thresholds, Window};
    use chrono_tz::Tz;
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    /// Twenty minutes, in rows of one.
    fn window() -> Window {
        let date = "2025-08-01".parse().expect("a date");
        let interval = crate::model::Interval::from_seconds(60).expect("a minute");
        Window {
            end: 1_754_006_400 + 1200,
            until: 1_754_006_400 + 1200,
            ..Window::new(date, Tz::UTC, interval, 2_000_000_000).expect("a window")
        }
    }

    fn entry(user: Option<&str>, account: Account) -> Entry {
        Entry {
            user: user.map(str::to_owned),
            gpu: GpuIndex(0),
            account,
        }
    }

    #[test]
    fn what_is_not_accounted_for_is_a_part_of_its_own() {
        let account = |active, idle, unknown| Account {
            active,
            idle: Idle {
                vram_held: idle,
                ..Idle::default()
            },
            unknown,
            ..Account::default()
        };
        let entries = [
            entry(Some("alice"), account(100, 50, 10)),
            entry(None, account(0, 700, 0)),
        ];
        let known = Span::new(0, 1000).expect("a span");
        let none = || unreachable!("nobody held it twice");
        let parts = Parts::of_gpu(&entries, GpuIndex(0), known, 1200, none);
        assert_eq!(
            parts,
            Parts {
                active: 100,
                idle: 50,
                unknown: 10,
                free: 700,
                unaccounted: 340
            }
        );
        // The user's own page has the same time as not accounted for.
        let of_user = parts.of_user(account(100, 20, 0));
        let own = (of_user.held(), of_user.free, of_user.unaccounted);
        assert_eq!(own, (120, 740, 340));
        let other = Parts::of_gpu(&entries, GpuIndex(1), known, 1200, none);
        assert_eq!(other, Parts::unaccounted(1200));
    }

    proptest! {
        /// Every second is counted one by one, however many users hold the GPU in it.
        #[test]
        fn the_parts_make_up_the_capacity_to_the_second(
            holds in prop::collection::vec((0_usize..3, 0_i64..1200, 1_i64..900), 0..6),
            readings in prop::collection::vec(prop::option::of(0_u32..=100), 20),
            known in 1_i64..=1200,
        ) {
            let window = window();
            let start = window.start;
            let whole = Span::new(start, start + known).expect("a span");
            let gpu: Vec<_> = readings.iter().map(|of| Reading::new(f64::from((*of)?))).collect();
            let usage = CardUsage { vram: gpu.clone(), gpu };
            let limits = Thresholds::default();
            let account = |spans: &Spans| Account::of(spans, Some(&usage), &window, limits);
            let spans_of = |user: Option<usize>| {
                let holds = holds.iter().filter(|hold| user.is_none_or(|user| hold.0 == user));
                let spans = holds.filter_map(|&(_, from, length)| {
                    Span::new(start + from, start + from + length)?.within(whole)
                });
                Spans::union(spans)
            };
            let users = (0..3).map(|user| entry(Some("x"), account(&spans_of(Some(user)))));
            let mut entries: Vec<_> = users.collect();
            entries.push(entry(None, account(&spans_of(None).gaps_in(whole))));
            let of_whole = || account(&Spans::union([whole]));
            let parts = Parts::of_gpu(&entries, GpuIndex(0), whole, 1200, of_whole);
            let mut expected = Parts::unaccounted(1200 - known.unsigned_abs());
            for second in 0..known {
                let is_held = holds.iter().any(|&(_, from, length)| from <= second && second < from + length);
                let reading = readings[usize::try_from(second / 60).expect("few")];
                let part = match (is_held, reading) {
                    (false, _) => &mut expected.free,
                    (true, None) => &mut expected.unknown,
                    (true, Some(reading)) if reading > 5 => &mut expected.active,
                    (true, Some(_)) => &mut expected.idle,
                };
                *part += 1;
            }
            prop_assert_eq!(parts, expected);
            prop_assert_eq!(parts.capacity(), 1200);
        }
    }
}
