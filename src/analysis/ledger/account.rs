//! What a GPU did in some time, in whole seconds, so that the parts make up the whole exactly.

use std::iter::Sum;
use std::ops::AddAssign;

use crate::analysis::Spans;
use crate::model::{CardUsage, Percent, Reading, Thresholds, WeightedSum, Window};

/// What a GPU did, or several GPUs did, in some time. A second is a GPU-second: an hour of eight GPUs is eight hours.
///
/// A second has the reading of the interval that it lies in, which is the mean over that interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Seconds with a GPU reading over `idle_percent`.
    pub active: u64,
    /// Seconds with a GPU reading of at most `idle_percent`.
    pub idle: Idle,
    /// Seconds without a GPU reading: it is not known whether they were active or idle.
    pub unknown: u64,
    /// The GPU readings. They have as many seconds as were active or idle.
    pub gpu: WeightedSum,
    pub vram: WeightedSum,
}

/// The idle seconds of an [`Account`], by what the VRAM held meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "each is about the VRAM")]
pub struct Idle {
    /// Seconds with a VRAM reading over `vram_floor_percent`: something is loaded.
    pub vram_held: u64,
    /// Seconds with a VRAM reading of at most that.
    pub vram_empty: u64,
    pub vram_unknown: u64,
}

impl Idle {
    pub fn seconds(self) -> u64 {
        self.vram_held + self.vram_empty + self.vram_unknown
    }
}

impl Account {
    pub fn of(
        time: &Spans,
        usage: Option<&CardUsage>,
        window: &Window,
        thresholds: Thresholds,
    ) -> Self {
        let mut account = Self::default();
        let (of_gpu, of_vram) = usage.map_or_else(Default::default, |usage| {
            (usage.gpu.as_slice(), usage.vram.as_slice())
        });
        let intervals = time.iter().flat_map(|span| span.by_interval(window));
        // A loop over nested iterators would ask the outer one again for every interval.
        intervals.for_each(|(slot, seconds)| {
            let reading = |of: &[Option<Reading>]| of.get(slot).copied().flatten();
            let (gpu, vram) = (reading(of_gpu), reading(of_vram));
            let part = match (gpu, vram) {
                (None, _) => &mut account.unknown,
                (Some(gpu), _) if gpu > thresholds.idle => &mut account.active,
                (_, Some(vram)) if vram > thresholds.vram_floor => &mut account.idle.vram_held,
                (_, Some(_)) => &mut account.idle.vram_empty,
                (_, None) => &mut account.idle.vram_unknown,
            };
            *part += seconds;
            for (sum, reading) in [(&mut account.gpu, gpu), (&mut account.vram, vram)] {
                if let Some(reading) = reading {
                    sum.add(reading, seconds);
                }
            }
        });
        account.gpu = as_written(account.gpu);
        account.vram = as_written(account.vram);
        account
    }

    pub fn seconds(self) -> u64 {
        self.observed() + self.unknown
    }

    /// The seconds with a GPU reading.
    pub fn observed(self) -> u64 {
        self.active + self.idle.seconds()
    }

    /// The idle seconds in percent of all.
    pub fn idle_share(self) -> Option<Percent> {
        share(self.idle.seconds(), self.seconds())
    }

    /// The seconds with a GPU reading in percent of all.
    pub fn coverage(self) -> Option<Percent> {
        share(self.observed(), self.seconds())
    }
}

/// In percent, rounded down to hundredths: only what is whole is 100. `None` of no time.
fn share(part: u64, whole: u64) -> Option<Percent> {
    let hundredths = (part * 10_000).checked_div(whole)?;
    #[expect(clippy::cast_precision_loss, reason = "at most 10,000")]
    Percent::new(hundredths as f64 / 100.0)
}

impl AddAssign for Account {
    fn add_assign(&mut self, other: Self) {
        self.active += other.active;
        self.idle.vram_held += other.idle.vram_held;
        self.idle.vram_empty += other.idle.vram_empty;
        self.idle.vram_unknown += other.idle.vram_unknown;
        self.unknown += other.unknown;
        self.gpu += other.gpu;
        self.vram += other.vram;
    }
}

impl Sum for Account {
    fn sum<I: Iterator<Item = Self>>(accounts: I) -> Self {
        accounts.fold(Self::default(), |mut sum, account| {
            sum += account;
            sum
        })
    }
}

/// A sum with the mean that a file holds of it, so that a total is the same whether its parts come from a run or from
/// a file.
fn as_written(readings: WeightedSum) -> WeightedSum {
    let mut written = WeightedSum::default();
    if let Some(mean) = readings.mean() {
        written.add(mean, readings.seconds());
    }
    written
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::analysis::Span;
    use crate::model::Interval;
    use chrono_tz::Tz;
    use proptest::prelude::*;

    /// A day of twenty minutes, in rows of one, so that a test can look at every second.
    pub fn short_day() -> Window {
        let start = 1_754_006_400;
        Window {
            date: "2025-08-01".parse().expect("a date"),
            zone: Tz::UTC,
            start,
            end: start + 1200,
            until: start + 1200,
            seen_until: start + 1200,
            interval: Interval::from_seconds(60).expect("a minute"),
        }
    }

    /// Readings of that day, in hundredths of a percent.
    pub type Hundredths = Vec<Option<u32>>;

    pub fn hundredths() -> impl Strategy<Value = Hundredths> {
        // Around the thresholds, and with gaps.
        prop::collection::vec(prop::option::weighted(0.8, 0..=1000_u32), 20)
    }

    pub fn usage(gpu: &Hundredths, vram: &Hundredths) -> CardUsage {
        let readings = |of: &Hundredths| {
            let reading = |value: u32| Reading::new(f64::from(value) / 100.0);
            of.iter().map(|value| value.and_then(reading)).collect()
        };
        CardUsage {
            gpu: readings(gpu),
            vram: readings(vram),
        }
    }

    /// What a look at each of these seconds of the day shows, by kind, and the means.
    pub fn counted(
        seconds: impl IntoIterator<Item = usize>,
        gpu: &Hundredths,
        vram: &Hundredths,
    ) -> ([u64; 5], [Option<f64>; 2]) {
        let mut kinds = [0; 5];
        let mut readings = [Vec::new(), Vec::new()];
        for second in seconds {
            let (gpu, vram) = (gpu[second / 60], vram[second / 60]);
            let kind = match (gpu, vram) {
                (None, _) => 4,
                (Some(501..), _) => 0,
                (Some(_), Some(101..)) => 1,
                (Some(_), Some(_)) => 2,
                (Some(_), None) => 3,
            };
            kinds[kind] += 1;
            readings[0].extend(gpu.map(f64::from));
            readings[1].extend(vram.map(f64::from));
        }
        let mean = |values: Vec<f64>| {
            #[expect(clippy::cast_precision_loss, reason = "few seconds")]
            let count = values.len() as f64;
            (count > 0.0).then(|| values.iter().sum::<f64>() / count / 100.0)
        };
        (kinds, readings.map(mean))
    }

    pub fn shown(account: Account) -> ([u64; 5], [Option<f64>; 2]) {
        let Idle {
            vram_held,
            vram_empty,
            vram_unknown,
        } = account.idle;
        let kinds = [
            account.active,
            vram_held,
            vram_empty,
            vram_unknown,
            account.unknown,
        ];
        let mean = |readings: WeightedSum| readings.mean().map(Reading::percent);
        (kinds, [mean(account.gpu), mean(account.vram)])
    }

    pub fn agree(
        account: Account,
        (kinds, means): ([u64; 5], [Option<f64>; 2]),
    ) -> Result<(), TestCaseError> {
        let (shown_kinds, shown_means) = shown(account);
        prop_assert_eq!(shown_kinds, kinds);
        for (shown, counted) in shown_means.into_iter().zip(means) {
            prop_assert_eq!(shown.is_some(), counted.is_some());
            // The last decimal may be rounded twice.
            prop_assert!((shown.unwrap_or(0.0) - counted.unwrap_or(0.0)).abs() < 1.5e-7);
        }
        Ok(())
    }

    #[test]
    fn thresholds_belong_to_the_lower_kind() {
        let window = short_day();
        let mut gpu = vec![None; 20];
        let mut vram = vec![None; 20];
        for (slot, (of_gpu, of_vram)) in [
            (Some(500), Some(100)),
            (Some(500), Some(101)),
            (Some(501), Some(0)),
            (Some(0), None),
            (None, Some(9999)),
        ]
        .into_iter()
        .enumerate()
        {
            (gpu[slot], vram[slot]) = (of_gpu, of_vram);
        }
        // From the middle of the first minute to the middle of the sixth.
        let time = Spans::union(Span::new(window.start + 30, window.start + 330));
        let account = Account::of(
            &time,
            Some(&usage(&gpu, &vram)),
            &window,
            Thresholds::default(),
        );
        let (kinds, [gpu, vram]) = shown(account);
        assert_eq!(kinds, [60, 60, 30, 60, 60 + 30]);
        assert_eq!((account.seconds(), account.observed()), (300, 210));
        // (30 x 5 + 60 x 5 + 60 x 5.01 + 60 x 0) / 210, and (30 x 1 + 60 x 1.01 + 60 x 0 + 60 x 99.99) / 210
        assert_eq!((gpu, vram), (Some(3.574_285_7), Some(29.0)));
    }

    #[test]
    fn without_any_reading_all_is_unknown() {
        let window = short_day();
        let time = Spans::union(Span::new(window.start, window.end));
        let account = Account::of(&time, None, &window, Thresholds::default());
        assert_eq!(shown(account), ([0, 0, 0, 0, 1200], [None, None]));
    }

    proptest! {
        #[test]
        fn an_account_is_what_a_look_at_every_second_shows(
            spans in prop::collection::vec((0_i64..1200, 0_i64..500), 0..6),
            gpu in hundredths(),
            vram in hundredths(),
        ) {
            let window = short_day();
            let day = Span::new(window.start, window.end).expect("a day");
            let span = |&(from, length): &(i64, i64)| {
                Span::new(window.start + from, window.start + from + length)?.within(day)
            };
            let time = Spans::union(spans.iter().filter_map(span));
            let account = Account::of(&time, Some(&usage(&gpu, &vram)), &window, Thresholds::default());
            let is_held = |second: &usize| {
                let second = i64::try_from(*second).expect("few");
                spans.iter().any(|(from, length)| *from <= second && second < from + length)
            };
            agree(account, counted((0..1200).filter(is_held), &gpu, &vram))?;
            prop_assert_eq!(account.seconds(), time.seconds());
        }

        #[test]
        fn a_sum_is_the_account_of_all_the_time(gpu in hundredths(), vram in hundredths(), at in 0_i64..=1200) {
            let window = short_day();
            let usage = usage(&gpu, &vram);
            let account = |from, to| {
                let time = Spans::union(Span::new(window.start + from, window.start + to));
                Account::of(&time, Some(&usage), &window, Thresholds::default())
            };
            let parts: Account = [account(0, at), account(at, 1200)].into_iter().sum();
            agree(parts, shown(account(0, 1200)))?;
        }
    }
}
