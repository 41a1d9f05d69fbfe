//! Under which settings the rows of an earlier file were written, by their stamps and what the clock showed then.

use chrono::NaiveDateTime;

use crate::model::{Interval, OtherSetting, UnixSeconds, Window, is_offset};

/// When a row was stamped, and the clock's text beside it.
#[derive(Clone, Debug)]
pub struct Stamped {
    pub stamp: UnixSeconds,
    pub clock: String,
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
    let own = rows
        .iter()
        .filter(|row| window.clock(row.stamp) == row.clock);
    let own = own.count();
    if own == rows.len() {
        // Rows that the window has no place for, and the day of another zone has.
        let zone = Some(last.stamp).filter(|stamp| *stamp > window.end);
        let zone = zone.and_then(|stamp| window.zone_of_end(stamp));
        let zone = zone.map(OtherSetting::Zone);
        let interval = || other_interval(rows, window).map(OtherSetting::Interval);
        return zone.or_else(interval).map_or(WrittenFor::Window, Other);
    }
    let offsets: Option<Vec<_>> = rows.iter().map(offset).collect();
    match offsets.as_deref() {
        Some([.., offset]) if own == 0 => {
            if last.stamp == window.end {
                return OtherClocks;
            }
            let shown = last.stamp + offset;
            let midnight = window
                .date
                .and_time(chrono::NaiveTime::MIN)
                .and_utc()
                .timestamp();
            let is_of_clocks = shown > midnight && shown <= midnight + 24 * 3600;
            let zone = if is_of_clocks {
                Some(*offset)
            } else {
                window.zone_of_end(last.stamp)
            };
            zone.map_or(WrittenFor::Window, |zone| Other(OtherSetting::Zone(zone)))
        }
        _ => WrittenFor::Window,
    }
}

/// How far the clock of a row is ahead of UTC, if it can be.
fn offset(row: &Stamped) -> Option<i64> {
    let clock = NaiveDateTime::parse_from_str(&row.clock, "%Y-%m-%d %H:%M:%S").ok()?;
    let offset = clock.and_utc().timestamp() - row.stamp;
    is_offset(offset).then_some(offset)
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
