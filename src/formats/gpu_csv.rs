//! `gpu<index>_<date>.csv`: the readings of one GPU.

mod as_written;

use std::io::{self, Read};

use csv::{Position, ReaderBuilder, StringRecord};

use super::csv_text;
use super::unreadable::Unreadable;
use crate::analysis::other_setting::{Stamped, WrittenFor, written_for};
use crate::model::{CardUsage, Reading, RowPlace, Window, said, text};

pub fn header() -> &'static str {
    text(
        "時間戳,日期時間,GPU使用率(%),VRAM使用率(%)",
        "timestamp,datetime,gpu_percent,vram_percent",
    )
}

/// The first two columns of every GPU's file of a day: made once, for all GPUs of all nodes.
#[derive(Clone, Debug)]
pub struct Stamps {
    pub window: Window,
    rows: Vec<String>,
}

impl Stamps {
    pub fn of(window: &Window) -> Self {
        let row = |stamp| format!("{stamp},\"{}\",", window.clock(stamp));
        Self {
            window: window.clone(),
            rows: window.stamps().map(row).collect(),
        }
    }
}

/// The file: a row for every reading due, with an empty field for a gap. As in the old programs, the date-time alone has
/// quotes.
pub fn render(stamps: &Stamps, usage: &CardUsage) -> Vec<u8> {
    let mut file = Vec::with_capacity(8 << 10);
    file.extend_from_slice(header().as_bytes());
    file.push(b'\n');
    for (stamp, readings) in stamps.rows.iter().zip(usage.gpu.iter().zip(&usage.vram)) {
        file.extend_from_slice(stamp.as_bytes());
        for (reading, end) in [(readings.0, b','), (readings.1, b'\n')] {
            if let Some(reading) = reading {
                reading.push_to(&mut file);
            }
            file.push(end);
        }
    }
    file
}

/// The readings of the window of `stamps`. Rows of another day, which the old programs left in the files of a day that
/// still ran, are passed over.
pub fn parse(mut file: impl io::Read, stamps: &Stamps) -> Result<CardUsage, Unreadable> {
    let most = as_written::most_bytes(stamps);
    let mut start = Vec::with_capacity(most);
    file.by_ref().take(most as u64).read_to_end(&mut start)?;
    match as_written::read(&start, stamps) {
        Some(usage) => Ok(usage),
        None => parse_any(start.chain(file), &stamps.window),
    }
}

fn parse_any(file: impl io::Read, window: &Window) -> Result<CardUsage, Unreadable> {
    let mut csv = ReaderBuilder::new().from_reader(file);
    if csv_text::language(csv.headers()?, header).is_none() {
        return Err(Unreadable::malformed(text(
            "第 1 列不是 GPU 檔案的標題",
            "line 1 is not the header of a GPU's file",
        )));
    }
    let not_a_reading = |line| {
        let (zone, interval) = (window.zone, window.interval);
        let problem = said!(
            "不是 {zone} 每 {interval} 一筆的讀數",
            "is not the reading of an interval of {interval} in {zone}"
        );
        Unreadable::line(line, &problem)
    };
    let (mut stamped, mut rows) = (Vec::new(), Vec::new());
    for row in csv.records() {
        let row = row?;
        let line = row.position().map_or(0, Position::line);
        let (of, readings) = read_row(&row).map_err(|NotAReading| not_a_reading(line))?;
        stamped.push(of);
        rows.push((line, readings));
    }
    let has_other_clocks = match written_for(&stamped, window) {
        WrittenFor::Window => false,
        WrittenFor::OtherClocks => true,
        WrittenFor::Other(setting) => return Err(Unreadable::OtherSetting(setting)),
    };
    let mut usage = CardUsage::without_readings(window.due());
    let mut slots = Vec::new();
    for (row, (line, [gpu, vram])) in stamped.into_iter().zip(rows) {
        // The date-time shows the zone that the file was written for, in which the day may be another.
        let place = if has_other_clocks || row.is_on_clocks_of(window) {
            window.place(row.stamp)
        } else {
            RowPlace::OffGrid
        };
        match place {
            RowPlace::Slot(slot) => {
                (usage.gpu[slot], usage.vram[slot]) = (gpu, vram);
                slots.push(slot);
            }
            RowPlace::Outside => {}
            RowPlace::OffGrid => return Err(not_a_reading(line)),
        }
    }
    slots.sort_unstable();
    // Readings of a longer interval, from before the settings were changed, may stand where those of this one would.
    if slots.len() > 1 && slots.is_sorted_by(|slot, next| next - slot > 1) {
        let interval = window.interval;
        return Err(Unreadable::Malformed(said!(
            "各列相隔超過 {interval}",
            "its lines are more than {interval} apart"
        )));
    }
    Ok(usage)
}

struct NotAReading;

/// When a row was stamped, and its readings.
fn read_row(row: &StringRecord) -> Result<(Stamped, [Option<Reading>; 2]), NotAReading> {
    let field = |column| row.get(column).ok_or(NotAReading);
    let stamp = field(0)?.parse().map_err(|_| NotAReading)?;
    let readings = [reading(field(2)?)?, reading(field(3)?)?];
    Ok((Stamped::new(stamp, field(1)?), readings))
}

/// The value of a field: an empty one is a gap.
fn reading(field: &str) -> Result<Option<Reading>, NotAReading> {
    if field.is_empty() {
        return Ok(None);
    }
    let value = field.parse().ok().and_then(Reading::new);
    value.map(Some).ok_or(NotAReading)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Interval, Language, OtherSetting};
    use chrono_tz::Tz;
    use proptest::prelude::*;

    fn window() -> Window {
        let date = "2025-08-01".parse().expect("a date");
        Window::new(date, Tz::UTC, Interval::DEFAULT, 2_000_000_000).expect("a window")
    }

    fn parsed(rows: &str) -> Result<CardUsage, Unreadable> {
        let text = format!("{}\n{rows}", header());
        parse(text.as_bytes(), &Stamps::of(&window()))
    }

    /// A row with what Netdata's values would be, at `seconds` after midnight.
    fn row(seconds: i64, values: &str) -> String {
        let stamp = window().start + seconds;
        format!("{stamp},\"{}\",{values}\n", window().clock(stamp))
    }

    #[test]
    fn rows_of_another_day_are_passed_over() {
        let rows = [row(0, "1,2"), row(600, "3,"), row(87_000, "4,5")].concat();
        let usage = parsed(&rows).expect("a file");
        assert_eq!(usage.gpu.iter().flatten().count(), 1);
        assert_eq!((usage.gpu[0], usage.vram[0]), (Reading::new(3.0), None));
    }

    /// The setting that the rows were written under.
    fn other(rows: &str) -> Option<OtherSetting> {
        match parsed(rows) {
            Err(Unreadable::OtherSetting(setting)) => Some(setting),
            _ => None,
        }
    }

    #[test]
    fn readings_of_another_interval_are_not_taken_for_those_of_this_one() {
        for step in [1200_u32, 3600, 300, 60] {
            let rows = [1, 2, 3, 4]
                .map(|n| row(n * i64::from(step), "1,2"))
                .concat();
            let interval = Interval::from_seconds(step.into()).map(OtherSetting::Interval);
            assert!(interval.is_some() && other(&rows) == interval, "{step} s");
        }
        let with_a_hole = [row(600, "1,2"), row(1200, "1,2"), row(7200, "1,2")].concat();
        assert!(parsed(&with_a_hole).is_ok());
        for damaged in [[600, 1201, 1802], [600, 5400, 9000]] {
            let rows = damaged.map(|seconds| row(seconds, "1,2")).concat();
            assert!(
                matches!(parsed(&rows), Err(Unreadable::Malformed(_))),
                "{damaged:?}"
            );
        }
    }

    /// Rows at so many hours after UTC's midnight, on clocks that are so many hours ahead of UTC.
    fn hours(hours: impl Iterator<Item = i64>, ahead: i64) -> String {
        let row = |hour: i64| {
            let stamp = window().start + hour * 3600;
            [-600, 0]
                .map(|more| {
                    let (stamp, clock) =
                        (stamp + more, window().clock(stamp + more + ahead * 3600));
                    format!("{stamp},\"{clock}\",1,2\n")
                })
                .concat()
        };
        hours.map(row).collect()
    }

    #[test]
    fn readings_of_a_day_of_another_zone_are_not_taken_for_those_of_this_one() {
        let taipei = Some(OtherSetting::Zone(8 * 3600));
        assert_eq!(other("1754007000,\"2025-08-01 08:10:00\",1,2\n"), taipei);
        assert_eq!(other(&hours(-7..=16, 8)), taipei);
        // As far as a running day had passed.
        assert_eq!(other(&hours(-7..=4, 8)), taipei);
        assert_eq!(
            other(&hours(6..=29, -5)),
            Some(OtherSetting::Zone(-5 * 3600))
        );
        // A day of New York on the clocks of this zone, and on those of Taipei.
        assert_eq!(
            other(&hours(6..=29, 0)),
            Some(OtherSetting::Zone(-5 * 3600))
        );
        assert_eq!(
            other(&hours(6..=29, 8)),
            Some(OtherSetting::Zone(-5 * 3600))
        );
    }

    #[test]
    fn a_day_of_this_zone_on_the_clocks_of_another_is_this_day() {
        let usage = parsed(&hours(1..=24, 8)).expect("a file");
        assert_eq!(usage.gpu.iter().flatten().count(), 48);
    }

    #[test]
    fn clocks_that_no_zone_has_are_damage() {
        let shifted = row(600, "1,2").replace("00:10:00", "00:11:00");
        let mixed = row(600, "1,2") + "1754007600,\"2025-08-01 08:20:00\",1,2\n";
        for rows in [shifted, mixed] {
            assert!(
                matches!(parsed(&rows), Err(Unreadable::Malformed(_))),
                "{rows}"
            );
        }
    }

    #[test]
    fn what_is_no_reading_is_not_taken_for_one() {
        for rows in [
            row(600, "1"),
            row(600, "1,many"),
            row(600, "1,100.1"),
            row(601, "1,2"),
            "soon,\"x\",1,2\n".to_owned(),
            format!("{},\"x\",1,2\n", i64::MAX),
            "\0\0\0\0".to_owned(),
        ] {
            assert!(
                matches!(parsed(&rows), Err(Unreadable::Malformed(_))),
                "{rows:?}"
            );
        }
        assert!(matches!(
            parse(&b"GPU,x\n"[..], &Stamps::of(&window())),
            Err(Unreadable::Malformed(_))
        ));
        assert!(matches!(
            parse(&b""[..], &Stamps::of(&window())),
            Err(Unreadable::Malformed(_))
        ));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            values in prop::collection::vec(prop::option::of((0.0..=100.0, 0.0..=100.0)), 144),
        ) {
            let column = |pick: fn((f64, f64)) -> f64| -> Vec<_> {
                values.iter().map(|value| value.map(pick).and_then(Reading::new)).collect()
            };
            let usage = CardUsage { gpu: column(|value| value.0), vram: column(|value| value.1) };
            for language in Language::BOTH {
                let stamps = Stamps::of(&window());
                let file = language.in_it(|| render(&stamps, &usage));
                prop_assert_eq!(&as_written::read(&file, &stamps).expect("a usual file"), &usage);
                prop_assert_eq!(&parse(file.as_slice(), &stamps).expect("a file"), &usage);
                prop_assert_eq!(&parse_any(file.as_slice(), &window()).expect("a file"), &usage);
            }
        }
    }
}
