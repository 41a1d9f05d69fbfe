//! Under which settings the rows of an earlier file were written, by their stamps and what the clock showed then.

use chrono::{NaiveDate, NaiveTime};

use crate::model::{Interval, OtherSetting, UnixSeconds, Window, is_offset};

/// When a row was stamped, and how far the clock beside it was ahead of UTC.
#[derive(Clone, Copy, Debug)]
pub struct Stamped {
    pub stamp: UnixSeconds,
    /// `None` where the text is no clock's.
    ahead: Option<i64>,
}

impl Stamped {
    /// By the text of the clock, as `2025-08-01 00:10:00`.
    pub fn new(stamp: UnixSeconds, clock: &str) -> Self {
        let ahead = shown(clock).and_then(|shown| shown.checked_sub(stamp));
        Self { stamp, ahead }
    }

    pub fn is_on_clocks_of(self, window: &Window) -> bool {
        self.ahead == Some(window.offset(self.stamp))
    }

    fn zone(self) -> Option<i64> {
        self.ahead.filter(|ahead| is_offset(*ahead))
    }
}

/// The seconds since the epoch that a clock shows, were it one of UTC. A large tree has millions of them.
fn shown(clock: &str) -> Option<i64> {
    let bytes: &[u8; 19] = clock.as_bytes().try_into().ok()?;
    let signs = [(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':')];
    if signs.iter().any(|&(at, sign)| bytes[at] != sign) {
        return None;
    }
    let number = |from: usize, to: usize| {
        let mut digits = bytes[from..to].iter();
        digits.try_fold(0, |number, byte| {
            let digit = char::from(*byte).to_digit(10)?;
            Some(number * 10 + digit)
        })
    };
    let year = i32::try_from(number(0, 4)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(5, 7)?, number(8, 10)?)?;
    let clock = date.and_hms_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?)?;
    Some(clock.and_utc().timestamp())
}

/// What the rows of a file say of its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenFor {
    /// The window's day, or nothing that makes sense.
    Window,
    /// The window's day too, on the clocks of another zone: the first programs counted the day in UTC and showed the
    /// machine's clocks.
    OtherClocks,
    Other(OtherSetting),
}

/// What file the `rows`, which are in order, are of.
pub fn written_for(rows: &[Stamped], window: &Window) -> WrittenFor {
    use WrittenFor::{Other, OtherClocks};
    let Some(last) = rows.last() else {
        return WrittenFor::Window;
    };
    let own = rows.iter().filter(|row| row.is_on_clocks_of(window));
    let own = own.count();
    if own == rows.len() {
        // Rows that the window has no place for, and the day of another zone has.
        let zone = Some(last.stamp).filter(|stamp| *stamp > window.end);
        let zone = zone.and_then(|stamp| window.zone_of_end(stamp));
        let zone = zone.map(OtherSetting::Zone);
        let interval = || other_interval(rows, window).map(OtherSetting::Interval);
        return zone.or_else(interval).map_or(WrittenFor::Window, Other);
    }
    match last.zone() {
        Some(ahead) if own == 0 && rows.iter().all(|row| row.zone().is_some()) => {
            if last.stamp == window.end {
                return OtherClocks;
            }
            let shown = last.stamp + ahead;
            let midnight = window.date.and_time(NaiveTime::MIN);
            let midnight = midnight.and_utc().timestamp();
            let is_of_clocks = shown > midnight && shown <= midnight + 24 * 3600;
            let zone = if is_of_clocks {
                Some(ahead)
            } else {
                window.zone_of_end(last.stamp)
            };
            zone.map_or(WrittenFor::Window, |zone| Other(OtherSetting::Zone(zone)))
        }
        _ => WrittenFor::Window,
    }
}

/// The interval of the rows, if all are on its grid, and either not all on the window's or none next to another.
fn other_interval(rows: &[Stamped], window: &Window) -> Option<Interval> {
    let pairs = rows.iter().zip(rows.iter().skip(1));
    let step = pairs.map(|(row, next)| next.stamp - row.stamp).min()?;
    let interval = Interval::from_seconds(u64::try_from(step).ok()?)?;
    let is_on_grid = |step: i64| {
        let mut rows = rows.iter();
        rows.all(|row| (row.stamp - window.start) % step == 0)
    };
    let own = window.interval.seconds();
    let is_other = step > own || !is_on_grid(own);
    (is_other && is_on_grid(step)).then_some(interval)
}
