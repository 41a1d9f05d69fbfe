//! Days as the runs that they make up: a year without reports is one run.

use std::fmt;

use chrono::NaiveDate;

use crate::model::{Capped, counted, said};

/// The first and the last day of each run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DateRuns(pub Vec<(NaiveDate, NaiveDate)>);

impl DateRuns {
    /// Adds a day that is no earlier than those that are there.
    pub fn add(&mut self, date: NaiveDate) {
        match self.0.last_mut() {
            Some((_, last)) if *last == date || last.succ_opt() == Some(date) => *last = date,
            _ => self.0.push((date, date)),
        }
    }
}

/// The first five runs; JSON has them all.
impl fmt::Display for DateRuns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run = |&(first, last): &(NaiveDate, NaiveDate)| dates(first, last);
        let runs: Capped<_, 5> = self.0.iter().map(run).collect();
        f.write_str(&runs.joined(|more| {
            let more = counted(more, "段日期", "more period", "more periods");
            said!(
                "，以及另外 {more}（以 --json 查看）",
                ", and {more} (see --json)"
            )
        }))
    }
}

pub fn dates(first: NaiveDate, last: NaiveDate) -> String {
    if first == last {
        first.to_string()
    } else {
        said!("{first} 到 {last}", "{first} to {last}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Language;
    use chrono::Days;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn runs(days: &[u64]) -> DateRuns {
        let first = NaiveDate::from_ymd_opt(2025, 8, 1).expect("a date");
        let mut runs = DateRuns::default();
        for &day in days {
            runs.add(first + Days::new(day));
        }
        runs
    }

    #[test]
    fn days_that_follow_each_other_are_one_run() {
        for (days, shown) in [
            (&[][..], ""),
            (&[0], "2025-08-01"),
            (
                &[0, 2, 3, 3, 4, 30, 31],
                "2025-08-01、2025-08-03 到 2025-08-05、2025-08-31 到 2025-09-01",
            ),
            (
                &[0, 2, 4, 6, 8, 10, 12],
                "2025-08-01、2025-08-03、2025-08-05、2025-08-07、2025-08-09，以及另外 2 段日期（以 --json 查看）",
            ),
        ] {
            assert_eq!(runs(days).to_string(), shown);
        }
    }

    #[test]
    fn runs_of_days_in_english() {
        let english = |days: &[u64]| Language::English.in_it(|| runs(days).to_string());
        assert_eq!(
            english(&[0, 2, 3, 4]),
            "2025-08-01, 2025-08-03 to 2025-08-05"
        );
        assert_eq!(
            english(&[0, 2, 4, 6, 8, 10]),
            "2025-08-01, 2025-08-03, 2025-08-05, 2025-08-07, 2025-08-09, \
             and 1 more period (see --json)"
        );
    }

    proptest! {
        #[test]
        fn runs_hold_the_days_that_were_added_and_no_others(days in prop::collection::btree_set(0_u64..60, 0..40)) {
            let days: Vec<_> = days.into_iter().collect();
            let runs = runs(&days);
            let within = |&(first, last): &(NaiveDate, NaiveDate)| first.iter_days().take_while(move |date| *date <= last);
            let held: BTreeSet<_> = runs.0.iter().flat_map(within).collect();
            let first = NaiveDate::from_ymd_opt(2025, 8, 1).expect("a date");
            prop_assert_eq!(held, days.iter().map(|day| first + Days::new(*day)).collect());
            prop_assert!(runs.0.windows(2).all(|pair| pair[0].1.succ_opt() < Some(pair[1].0)));
        }
    }
}
