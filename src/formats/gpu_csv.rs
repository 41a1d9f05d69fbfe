//! `gpu<index>_<date>.csv`: the readings of one GPU.

use std::fmt::Write;
use std::io;

use csv::{ReaderBuilder, StringRecord};

use super::unreadable::Unreadable;
use crate::model::{CardUsage, Reading, RowPlace, Window};

const HEADER: [&str; 4] = ["時間戳", "日期時間", "GPU使用率(%)", "VRAM使用率(%)"];

/// The first two columns of every GPU's file of a day: made once, for all GPUs of all nodes.
#[derive(Clone, Debug)]
pub struct Stamps(Vec<String>);

impl Stamps {
    pub fn of(window: &Window) -> Self {
        let row = |stamp| format!("{stamp},\"{}\"", window.clock(stamp));
        Self(window.stamps().map(row).collect())
    }
}

/// The file: a row for every reading due, with an empty field for a gap. As in the old programs, the date-time alone has
/// quotes.
pub fn render(stamps: &Stamps, usage: &CardUsage) -> Vec<u8> {
    let mut file = HEADER.join(",");
    file.reserve(8 << 10);
    file.push('\n');
    for (stamp, readings) in stamps.0.iter().zip(usage.gpu.iter().zip(&usage.vram)) {
        file.push_str(stamp);
        for reading in [readings.0, readings.1] {
            file.push(',');
            if let Some(reading) = reading {
                let _ = write!(file, "{reading}");
            }
        }
        file.push('\n');
    }
    file.into_bytes()
}

/// The readings of the window. Rows of another day, which the old programs left in the files of a day that still ran, are passed
/// over.
pub fn parse(file: impl io::Read, window: &Window) -> Result<CardUsage, Unreadable> {
    let mut csv = ReaderBuilder::new().from_reader(file);
    let header = csv.headers()?;
    if header != HEADER.as_slice() {
        return Err(Unreadable::malformed("第 1 列不是 GPU 檔案的標題"));
    }
    let mut usage = CardUsage::without_readings(window.due());
    let mut slots = Vec::new();
    for row in csv.records() {
        let row = row?;
        let slot = read_row(&row, window, &mut usage).map_err(|NotAReading| {
            let (zone, interval) = (window.zone, window.interval);
            Unreadable::row(&row, &format!("不是 {zone} 每 {interval} 一筆的讀數"))
        })?;
        slots.extend(slot);
    }
    slots.sort_unstable();
    // Readings of a longer interval, from before the settings were changed, may stand where those of this one would.
    if slots.len() > 1 && slots.is_sorted_by(|slot, next| next - slot > 1) {
        let problem = format!("各列相隔超過 {}", window.interval);
        return Err(Unreadable::Malformed(problem));
    }
    Ok(usage)
}

struct NotAReading;

/// Takes the reading of a row, and returns where it stands, if it is one of the window.
fn read_row(
    row: &StringRecord,
    window: &Window,
    usage: &mut CardUsage,
) -> Result<Option<usize>, NotAReading> {
    let field = |column| row.get(column).ok_or(NotAReading);
    let stamp = field(0)?.parse().map_err(|_| NotAReading)?;
    let (gpu, vram) = (reading(field(2)?)?, reading(field(3)?)?);
    // The date-time shows the zone that the file was written for, in which the day may be another.
    if *field(1)? != *window.clock(stamp) {
        return Err(NotAReading);
    }
    match window.place(stamp) {
        RowPlace::Slot(slot) => {
            usage.gpu[slot] = gpu;
            usage.vram[slot] = vram;
            Ok(Some(slot))
        }
        RowPlace::Outside => Ok(None),
        RowPlace::OffGrid => Err(NotAReading),
    }
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
    use crate::model::Interval;
    use chrono_tz::Tz;
    use proptest::prelude::*;

    fn window() -> Window {
        let date = "2025-08-01".parse().expect("a date");
        Window::new(date, Tz::UTC, Interval::DEFAULT, 2_000_000_000).expect("a window")
    }

    fn parsed(rows: &str) -> Result<CardUsage, Unreadable> {
        let text = format!("{}\n{rows}", HEADER.join(","));
        parse(text.as_bytes(), &window())
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

    #[test]
    fn readings_of_another_interval_are_not_taken_for_those_of_this_one() {
        for step in [1200, 3600, 300, 60] {
            let rows = [1, 2, 3, 4].map(|n| row(n * step, "1,2")).concat();
            assert!(
                matches!(parsed(&rows), Err(Unreadable::Malformed(_))),
                "{step} s"
            );
        }
        let with_a_hole = [row(600, "1,2"), row(1200, "1,2"), row(7200, "1,2")].concat();
        assert!(parsed(&with_a_hole).is_ok());
    }

    #[test]
    fn readings_of_a_day_of_another_zone_are_not_taken_for_those_of_this_one() {
        let taipei = "1754007000,\"2025-08-01 08:10:00\",1,2\n";
        assert!(matches!(parsed(taipei), Err(Unreadable::Malformed(_))));
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
            parse(&b"GPU,x\n"[..], &window()),
            Err(Unreadable::Malformed(_))
        ));
        assert!(matches!(
            parse(&b""[..], &window()),
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
            let file = render(&Stamps::of(&window()), &usage);
            prop_assert_eq!(parse(file.as_slice(), &window()).expect("a file"), usage);
        }
    }
}
