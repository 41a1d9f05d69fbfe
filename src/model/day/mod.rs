//! The day: which absolute seconds it spans in its zone, and which of its intervals have ended.

mod date;
mod interval;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::units::UnixSeconds;

pub use date::{DateArg, DateError};
pub use interval::Interval;

/// Netdata takes a time of at most three years after the epoch for one relative to now (netdata/facts.md §2), so
/// days before this one cannot be asked for.
const FIRST_DATE: NaiveDate = NaiveDate::from_ymd_opt(1973, 1, 3).expect("a date of the calendar");

/// The part of a day that can be asked for now: `(start, until]`, in intervals that have ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    pub date: NaiveDate,
    pub zone: Tz,
    /// The day's first midnight, `T0`.
    pub start: UnixSeconds,
    /// The next midnight, `T1`.
    pub end: UnixSeconds,
    /// The end of the last interval that has ended: `end` once the day is over. It never lies in the future,
    /// because Netdata answers such a window with the rows of an earlier one (netdata/facts.md §2).
    pub until: UnixSeconds,
    /// The moment of the look, within the day: `end` once it is over.
    pub seen_until: UnixSeconds,
    pub interval: Interval,
}

impl Window {
    /// The window of `date` in `zone`, as far as it has passed at `now`.
    pub fn new(
        date: NaiveDate,
        zone: Tz,
        interval: Interval,
        now: UnixSeconds,
    ) -> Result<Self, DateError> {
        let today = local(zone, now).date_naive();
        if date > today {
            return Err(DateError::Future { date, zone, today });
        }
        if date < FIRST_DATE {
            return Err(DateError::TooEarly(date));
        }
        let start = midnight(zone, date);
        let end = midnight(zone, date + Days::new(1));
        let seconds = end - start;
        if seconds <= 0 {
            return Err(DateError::Skipped { date, zone });
        }
        if seconds % interval.seconds() != 0 {
            return Err(DateError::UnevenInterval {
                date,
                zone,
                seconds,
                interval,
            });
        }
        // Whole intervals since the day's own midnight: in a zone of odd offset they do not end on multiples of
        // the interval since the epoch. The second that runs now is not over, hence the one less.
        let elapsed = (now - 1 - start).clamp(0, seconds);
        let until = start + elapsed / interval.seconds() * interval.seconds();
        Ok(Self {
            date,
            zone,
            start,
            end,
            until,
            seen_until: now.clamp(start, end),
            interval,
        })
    }

    /// The last `rows` rows of `seconds` each up to `until`, on whatever day.
    pub fn ending(zone: Tz, until: UnixSeconds, rows: u16, seconds: u32) -> Self {
        let interval = Interval::of_row(seconds);
        Self {
            date: local(zone, until).date_naive(),
            zone,
            start: until.saturating_sub(i64::from(rows) * interval.seconds()),
            end: until,
            until,
            seen_until: until,
            interval,
        }
    }

    /// How many readings a GPU owes so far.
    pub fn due(&self) -> usize {
        usize::try_from((self.until - self.start) / self.interval.seconds()).unwrap_or(0)
    }

    pub fn is_over(&self) -> bool {
        self.until == self.end
    }

    /// The stamps of the readings due: each is the end of the interval that its reading is the mean of.
    pub fn stamps(&self) -> impl Iterator<Item = UnixSeconds> + use<> {
        let (start, step) = (self.start, self.interval.seconds());
        (1..).map(move |n| start + n * step).take(self.due())
    }

    pub fn place(&self, stamp: UnixSeconds) -> RowPlace {
        if stamp <= self.start || stamp > self.until {
            return RowPlace::Outside;
        }
        let since = stamp - self.start;
        match usize::try_from(since / self.interval.seconds() - 1) {
            Ok(slot) if since % self.interval.seconds() == 0 => RowPlace::Slot(slot),
            _ => RowPlace::OffGrid,
        }
    }

    /// The seconds by which the zone's clocks are ahead of UTC at `stamp`.
    pub fn offset(&self, stamp: UnixSeconds) -> i64 {
        let offset = local(self.zone, stamp).offset().fix();
        offset.local_minus_utc().into()
    }

    /// The offset of the zone in which the day begins at `midnight`, if that may be a zone's.
    pub fn zone_of_start(&self, midnight: UnixSeconds) -> Option<i64> {
        zone_of_midnight(self.date, midnight)
    }

    /// The same of the day's end.
    pub fn zone_of_end(&self, midnight: UnixSeconds) -> Option<i64> {
        zone_of_midnight(self.date + Days::new(1), midnight)
    }

    /// `stamp` on the zone's clocks, as `2025-08-01 00:10:00`.
    pub fn clock(&self, stamp: UnixSeconds) -> String {
        clock(self.zone, stamp)
    }
}

/// Where a row of an answer stands in a [`Window`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowPlace {
    /// The row is the reading of this number, counted from 0.
    Slot(usize),
    /// The row belongs to another day, or to an interval that has not ended.
    Outside,
    /// The row lies in the day, but not at the end of one of its intervals.
    OffGrid,
}

/// `stamp` on the clocks of `zone`, as `2025-08-01 00:10:00`.
pub fn clock(zone: Tz, stamp: UnixSeconds) -> String {
    local(zone, stamp).format("%Y-%m-%d %H:%M:%S").to_string()
}

fn zone_of_midnight(date: NaiveDate, midnight: UnixSeconds) -> Option<i64> {
    let offset = date.and_time(NaiveTime::MIN).and_utc().timestamp() - midnight;
    is_offset(offset).then_some(offset)
}

/// Whether a zone may be so many seconds ahead of UTC.
pub fn is_offset(seconds: i64) -> bool {
    seconds % 900 == 0 && (-12 * 3600..=14 * 3600).contains(&seconds)
}

fn local(zone: Tz, stamp: UnixSeconds) -> DateTime<Tz> {
    // The year 5138: a damaged file can hold any number, and the calendar has an end.
    const LAST: UnixSeconds = 100_000_000_000;
    let stamp = stamp.clamp(-LAST, LAST);
    let utc = DateTime::<Utc>::from_timestamp(stamp, 0).expect("a moment of the calendar");
    utc.with_timezone(&zone)
}

/// The first moment of `date` in `zone`. Where clocks were set forward at midnight, that is the moment they were.
fn midnight(zone: Tz, date: NaiveDate) -> UnixSeconds {
    let midnight = date.and_time(NaiveTime::MIN);
    // A gap of up to a day (zones that crossed the date line) is walked over by the minute.
    (0..=24 * 60)
        .find_map(|minutes| {
            zone.from_local_datetime(&(midnight + TimeDelta::minutes(minutes)))
                .earliest()
        })
        .map_or_else(
            || midnight.and_utc().timestamp(),
            |moment| moment.timestamp(),
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::{America, Asia, Australia, Europe, Pacific};
    use proptest::prelude::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn past_day(day: &str, zone: Tz) -> Window {
        Window::new(date(day), zone, Interval::DEFAULT, 2_000_000_000).expect("a window")
    }

    #[test]
    fn a_past_day_is_asked_for_from_midnight_to_midnight() {
        for (day, zone, start, rows) in [
            ("2025-08-01", Tz::UTC, 1_754_006_400, 144),
            ("2025-08-01", Asia::Taipei, 1_753_977_600, 144),
            ("2025-08-01", Asia::Kathmandu, 1_753_985_700, 144),
            ("2025-03-30", Europe::Berlin, 1_743_289_200, 138),
            ("2025-10-26", Europe::Berlin, 1_761_429_600, 150),
            ("2025-04-06", Australia::Lord_Howe, 1_743_858_000, 147),
        ] {
            let window = past_day(day, zone);
            assert_eq!(
                (window.start, window.due(), window.is_over()),
                (start, rows, true),
                "{day} in {zone}"
            );
            assert_eq!(window.stamps().last(), Some(window.end), "{day} in {zone}");
        }
    }

    #[test]
    fn a_day_whose_midnight_was_skipped_begins_when_the_clocks_were_set() {
        let window = past_day("2018-11-04", America::Sao_Paulo);
        assert_eq!(window.clock(window.start), "2018-11-04 01:00:00");
        assert_eq!(window.due(), 138);
    }

    #[test]
    fn a_day_that_the_zone_skipped_is_refused() {
        let skipped = Window::new(
            date("2011-12-30"),
            Pacific::Apia,
            Interval::DEFAULT,
            2_000_000_000,
        );
        assert!(
            matches!(skipped, Err(DateError::Skipped { .. })),
            "{skipped:?}"
        );
    }

    #[test]
    fn an_interval_that_does_not_divide_the_day_is_refused() {
        let hour = Interval::from_seconds(3600).expect("an hour");
        let uneven = Window::new(
            date("2025-04-06"),
            Australia::Lord_Howe,
            hour,
            2_000_000_000,
        );
        assert!(
            matches!(
                uneven,
                Err(DateError::UnevenInterval {
                    seconds: 88_200,
                    ..
                })
            ),
            "{uneven:?}"
        );
    }

    #[test]
    fn of_a_day_that_runs_only_ended_intervals_are_due() {
        let midnight = 1_754_006_400;
        for (now, due) in [
            (0, 0),
            (600, 0),
            (601, 1),
            (1200, 1),
            (1201, 2),
            (86_400, 143),
            (86_401, 144),
        ] {
            let day = date("2025-08-01");
            let window =
                Window::new(day, Tz::UTC, Interval::DEFAULT, midnight + now).expect("a window");
            assert_eq!(window.due(), due, "{now} s after midnight");
            assert!(window.until <= midnight + now);
            assert_eq!(window.seen_until, (midnight + now).min(window.end));
        }
    }

    #[test]
    fn intervals_are_counted_from_the_midnight_of_a_zone_of_odd_offset() {
        let start = past_day("2025-08-01", Asia::Kathmandu).start;
        let running = Window::new(
            date("2025-08-01"),
            Asia::Kathmandu,
            Interval::DEFAULT,
            start + 1801,
        );
        assert_eq!(running.expect("a window").until, start + 1800);
    }

    #[test]
    fn a_day_that_has_not_begun_is_refused() {
        let noon = 1_754_006_400 + 43_200;
        let tomorrow = Window::new(date("2025-08-02"), Tz::UTC, Interval::DEFAULT, noon);
        assert!(matches!(tomorrow, Err(DateError::Future { .. })));
        let already_there = Window::new(
            date("2025-08-02"),
            Pacific::Kiritimati,
            Interval::DEFAULT,
            noon,
        );
        assert_eq!(already_there.expect("a window").due(), 11);
    }

    proptest! {
        #[test]
        fn days_follow_each_other_without_gap_or_overlap(
            days in 0_u64..20_000,
            zone in prop::sample::select(&chrono_tz::TZ_VARIANTS[..]),
        ) {
            let date = FIRST_DATE + Days::new(days);
            prop_assert_eq!(midnight(zone, date + Days::new(1)) >= midnight(zone, date), true);
            if let Ok(window) = Window::new(date, zone, Interval::DEFAULT, 4_000_000_000) {
                prop_assert_eq!(local(zone, window.start).date_naive(), date);
                prop_assert_eq!(local(zone, window.end - 1).date_naive(), date);
                prop_assert!(window.stamps().enumerate().all(|(n, t)| window.place(t) == RowPlace::Slot(n)));
                prop_assert_eq!(window.place(window.start), RowPlace::Outside);
                prop_assert_eq!(window.place(window.end + 600), RowPlace::Outside);
            }
        }
    }
}
