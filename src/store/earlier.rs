//! What earlier runs left of a GPU's day, so that collecting it again loses nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord};

use crate::formats::average_csv;
use crate::formats::gpu_csv::HEADER;
use crate::formats::unreadable::Unreadable;
use crate::model::day::{RowPlace, Window};
use crate::model::if_there::if_there;
use crate::model::readings::CardUsage;
use crate::model::units::{GpuIndex, Reading};

/// The readings in the file at `path` that belong to the window, or `None` where there is no file.
///
/// Rows of another day, which the old programs left in the files of a day that still ran, are passed over.
pub fn read(path: &Path, window: &Window) -> Result<Option<CardUsage>, Unreadable> {
    if_there(File::open(path))?
        .map(|file| parse(file, window))
        .transpose()
}

/// The user column of the average CSV at `path`, of the GPUs that have one, or `None` where there is no file.
pub fn users(path: &Path) -> Result<Option<BTreeMap<GpuIndex, String>>, Unreadable> {
    if_there(File::open(path))?
        .map(average_csv::users)
        .transpose()
}

fn parse(file: impl io::Read, window: &Window) -> Result<CardUsage, Unreadable> {
    let mut csv = ReaderBuilder::new().from_reader(file);
    let header = csv.headers()?;
    if header != HEADER.as_slice() {
        return Err(Unreadable::Malformed(
            "第 1 列不是 GPU 檔案的標題".to_owned(),
        ));
    }
    let mut usage = CardUsage::without_readings(window.due());
    let mut slots = Vec::new();
    for row in csv.records() {
        let row = row?;
        let slot = read_row(&row, window, &mut usage).map_err(|NotAReading| {
            let line = row.position().map_or(0, csv::Position::line);
            Unreadable::Malformed(format!(
                "第 {line} 列不是 {} 每 {} 一筆的讀數",
                window.zone, window.interval
            ))
        })?;
        slots.extend(slot);
    }
    slots.sort_unstable();
    // Readings of a longer interval, from before the settings were changed, may stand where those of this one would.
    if slots.len() > 1 && slots.is_sorted_by(|slot, next| next - slot > 1) {
        return Err(Unreadable::Malformed(format!(
            "各列相隔超過 {}",
            window.interval
        )));
    }
    Ok(usage)
}

/// A row that holds no reading of the window's interval.
struct NotAReading;

/// Takes the reading of a row, and answers where it stands, if it is one of the window.
fn read_row(
    row: &StringRecord,
    window: &Window,
    usage: &mut CardUsage,
) -> Result<Option<usize>, NotAReading> {
    let field = |column| row.get(column).ok_or(NotAReading);
    let stamp = field(0)?.parse().map_err(|_| NotAReading)?;
    let (gpu, vram) = (reading(field(2)?)?, reading(field(3)?)?);
    // The date-time tells the zone that the file was written for, in which the day may be another.
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
    use crate::formats::gpu_csv::{self, Stamps};
    use crate::model::day::Interval;
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
            let file = gpu_csv::render(&Stamps::of(&window()), &usage);
            prop_assert_eq!(parse(file.as_slice(), &window()).expect("a file"), usage);
        }
    }
}
