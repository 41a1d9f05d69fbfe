//! A GPU's file as this program writes it, which nearly all are: read by comparing it with what it should be.

use super::{Stamps, header};
use crate::model::{CardUsage, Language, Reading};

/// More than the header has, and than what follows the stamp in a row.
const HEADER_BYTES: usize = 128;
const READINGS_BYTES: usize = 32;

/// More than a file has that [`read`] can read.
pub fn most_bytes(stamps: &Stamps) -> usize {
    let rows = stamps.rows.iter().map(|stamp| stamp.len() + READINGS_BYTES);
    HEADER_BYTES + rows.sum::<usize>()
}

/// The readings of a file whose rows are the first ones of the window, each as it is written; `None` of any other file,
/// which may be sound as well.
pub fn read(file: &[u8], stamps: &Stamps) -> Option<CardUsage> {
    let line = file.iter().position(|byte| *byte == b'\n')?;
    let (first, rest) = file.split_at(line);
    Language::in_which(|| first == header().as_bytes())?;
    let mut rest = &rest[1..];
    let mut usage = CardUsage::without_readings(stamps.rows.len());
    for (slot, stamp) in stamps.rows.iter().enumerate() {
        if rest.is_empty() {
            break;
        }
        rest = rest.strip_prefix(stamp.as_bytes())?;
        for (series, end) in [(&mut usage.gpu, b','), (&mut usage.vram, b'\n')] {
            let at = rest.iter().position(|byte| *byte == end)?;
            if at > 0 {
                series[slot] = Some(Reading::from_digits(&rest[..at])?);
            }
            rest = &rest[at + 1..];
        }
    }
    rest.is_empty().then_some(usage)
}

#[cfg(test)]
mod tests {
    use super::super::{parse_any, render};
    use super::*;
    use crate::model::{Interval, Window};
    use chrono_tz::{Asia, Australia, Europe, Tz};
    use proptest::prelude::*;

    fn stamps(zone: Tz, minutes: u64, now: i64) -> Stamps {
        let date = "2025-10-26".parse().expect("a date");
        let interval = Interval::from_seconds(minutes * 60).expect("an interval");
        Stamps::of(&Window::new(date, zone, interval, now).expect("a window"))
    }

    proptest! {
        /// A file in which something is changed is read as any other, or not at all.
        #[test]
        fn what_is_read_so_is_read_the_same_in_any_case(
            zone in prop::sample::select(vec![Tz::UTC, Asia::Taipei, Europe::Berlin, Australia::Eucla]),
            minutes in prop::sample::select(vec![10_u64, 60]),
            rows in 0_usize..160,
            passed in 1_i64..30 * 3600,
            (at, byte) in (0_usize..4000, prop::sample::select(b"0159.,\n\r\" -".to_vec())),
            change in 0..3,
        ) {
            let whole = stamps(zone, minutes, 2_000_000_000);
            let none = CardUsage::without_readings(whole.rows.len());
            let usage = CardUsage { gpu: vec![Reading::new(12.5); whole.rows.len()], ..none };
            let mut file = render(&whole, &usage);
            // As a run on the day left it, or one that was cut off.
            let lines = file.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
            let end = lines.map(|(at, _)| at + 1).nth(rows).unwrap_or(file.len());
            file.truncate(end);
            let at = at % file.len();
            match change {
                0 => {}
                1 => file[at] = byte,
                _ => drop(file.remove(at)),
            }
            let seen = stamps(zone, minutes, whole.window.start + passed);
            for stamps in [&whole, &seen] {
                if let Some(usage) = read(&file, stamps) {
                    let any = parse_any(file.as_slice(), &stamps.window);
                    prop_assert_eq!(usage, any.expect("a file"));
                }
            }
            if change == 0 {
                prop_assert!(read(&file, &whole).is_some());
            }
        }
    }

    #[test]
    fn no_file_that_is_read_so_is_longer_than_most() {
        let stamps = stamps(Tz::UTC, 10, 2_000_000_000);
        let rows = stamps
            .rows
            .iter()
            .map(|stamp| format!("{stamp}100.0000000,099.0000000\n"));
        let file = format!("{}\n{}", header(), rows.collect::<String>());
        assert!(read(file.as_bytes(), &stamps).is_some());
        assert!(file.len() < most_bytes(&stamps));
    }
}
