//! For how long a GPU has been idle.

use serde::Serialize;

use crate::model::{Reading, UnixSeconds};

/// The time up to now in which every reading was an idle one, on the clock of the node's agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleRun {
    pub since: UnixSeconds,
    /// Whether it may have begun earlier than anybody asked.
    pub is_at_least: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct IdleFor {
    #[serde(rename = "idle_seconds")]
    pub seconds: i64,
    #[serde(rename = "idle_is_at_least")]
    pub is_at_least: bool,
}

impl IdleRun {
    /// After the mean of the `seconds` up to `until`: a gap says nothing of what went on.
    pub fn after_reading(
        earlier: Option<Self>,
        reading: Option<Reading>,
        (until, seconds): (UnixSeconds, u32),
        limit: Reading,
    ) -> Option<Self> {
        match reading {
            None => earlier,
            Some(reading) if reading > limit => None,
            Some(_) => earlier.or(Some(Self {
                since: until.saturating_sub(seconds.into()),
                is_at_least: false,
            })),
        }
    }

    /// After the rows of `seconds` each up to `until`, which say again what went on in that time.
    pub fn after_rows(
        earlier: Option<Self>,
        rows: &[Option<Reading>],
        (until, seconds): (UnixSeconds, u32),
        limit: Reading,
    ) -> Option<Self> {
        let is_idle = |row: &&Option<Reading>| row.is_some_and(|reading| reading <= limit);
        let idle = rows.iter().rev().take_while(is_idle).count();
        let length = |rows: usize| i64::try_from(rows).unwrap_or(0) * i64::from(seconds);
        let before = rows.len().checked_sub(idle + 1).map(|at| rows[at]);
        match before {
            // A burst within the last row, and then nothing.
            _ if idle == 0 => earlier.filter(|run| run.since > until.saturating_sub(length(1))),
            Some(before) => Some(Self {
                since: until.saturating_sub(length(idle)),
                // What a gap hides is not known.
                is_at_least: before.is_none(),
            }),
            None => {
                let since = until.saturating_sub(length(idle));
                let whole = Self {
                    since,
                    is_at_least: true,
                };
                Some(earlier.filter(|run| run.since <= since).unwrap_or(whole))
            }
        }
    }

    /// For how long by `until`, while somebody held it for `held_seconds`.
    pub fn lasts(self, until: UnixSeconds, held_seconds: i64) -> IdleFor {
        let seconds = until.saturating_sub(self.since).max(0);
        if held_seconds <= seconds {
            return IdleFor {
                seconds: held_seconds.max(0),
                is_at_least: false,
            };
        }
        IdleFor {
            seconds,
            is_at_least: self.is_at_least,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    const NOW: UnixSeconds = 1_795_219_200;

    fn limit() -> Reading {
        Reading::new(5.0).expect("a percentage")
    }

    /// `.` is idle, `#` is busy, and a space is a gap.
    fn rows(picture: &str) -> Vec<Option<Reading>> {
        let reading = |c| match c {
            '.' => Reading::new(5.0),
            '#' => Reading::new(5.1),
            _ => None,
        };
        picture.chars().map(reading).collect()
    }

    fn run(minutes: i64, is_at_least: bool) -> Option<IdleRun> {
        let since = NOW.checked_sub(minutes * 60)?;
        Some(IdleRun { since, is_at_least })
    }

    #[test]
    fn the_idle_rows_up_to_now_count() {
        for (picture, expected) in [
            ("###########.", run(5, false)),
            ("#...#.......", run(35, false)),
            ("............", run(60, true)),
            ("####.... ...", run(15, true)),
            ("...........#", None),
            ("........... ", None),
            ("            ", None),
        ] {
            let idle = IdleRun::after_rows(None, &rows(picture), (NOW, 300), limit());
            assert_eq!(idle, expected, "{picture}");
        }
    }

    #[test]
    fn what_is_known_of_earlier_times_stays_where_the_rows_are_idle_throughout() {
        let after =
            |earlier, picture| IdleRun::after_rows(earlier, &rows(picture), (NOW, 300), limit());
        assert_eq!(after(run(300, false), "............"), run(300, false));
        assert_eq!(after(run(30, false), "............"), run(60, true));
        assert_eq!(after(run(300, false), "#..........."), run(55, false));
        assert_eq!(after(run(3, false), "...........#"), run(3, false));
        assert_eq!(after(run(6, false), "...........#"), None);
    }

    #[test]
    fn a_reading_begins_goes_on_or_ends_it() {
        let after = |earlier, picture| {
            let reading = rows(picture)[0];
            IdleRun::after_reading(earlier, reading, (NOW, 60), limit())
        };
        assert_eq!(after(None, "."), run(1, false));
        assert_eq!(after(run(20, true), "."), run(20, true));
        assert_eq!(after(run(20, true), " "), run(20, true));
        assert_eq!(after(run(20, true), "#"), None);
        assert_eq!(after(None, " "), None);
    }

    #[test]
    fn nobody_is_idle_on_a_gpu_before_they_hold_it() {
        let idle = run(60, true).expect("a run");
        let of = |seconds, is_at_least| IdleFor {
            seconds,
            is_at_least,
        };
        assert_eq!(idle.lasts(NOW, 7200), of(3600, true));
        assert_eq!(idle.lasts(NOW + 5, 7200), of(3605, true));
        assert_eq!(idle.lasts(NOW, 600), of(600, false));
        assert_eq!(idle.lasts(NOW, -5), of(0, false));
    }
}
