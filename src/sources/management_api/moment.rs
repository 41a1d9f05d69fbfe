//! A moment as the management API writes it.

use chrono::{Datelike, NaiveDateTime, Weekday};

use crate::model::UnixSeconds;

/// `Wed, 16 Jul 2025 08:19:32 GMT`, as the API's own, without its weekday, or ISO 8601.
const FORMS: [&str; 7] = [
    "%d %b %Y %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%d %b %Y %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%Y%m%dT%H%M%S%.f",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub unix: UnixSeconds,
    /// Whether the day is of another weekday than the text has.
    pub has_wrong_weekday: bool,
}

/// Reads a moment, which must have its zone. Names of zones but GMT and UTC are of several (CST is three).
pub fn parse(text: &str) -> Option<Moment> {
    let text = match text.strip_suffix(')') {
        // A comment, as in dates of mail.
        Some(commented) => commented.rsplit_once('(')?.0.trim_end(),
        None => text,
    };
    let (clock, ahead) = zone(text)?;
    let (weekday, clock) = weekday(clock.trim_end())?;
    let mut forms = FORMS.iter();
    let clock = forms.find_map(|form| NaiveDateTime::parse_from_str(clock, form).ok())?;
    // A year of two digits is not one of the first century.
    let year = format!("{:04}", clock.year());
    text.contains(&year).then(|| Moment {
        unix: clock.and_utc().timestamp() - ahead,
        has_wrong_weekday: weekday.is_some_and(|weekday| weekday != clock.weekday()),
    })
}

/// The text before the zone, and by how many seconds the zone is ahead of UTC.
fn zone(text: &str) -> Option<(&str, i64)> {
    for name in ["GMT", "UTC", "UT", "Z"] {
        if let Some((clock, zone)) = text.split_at_checked(text.len().saturating_sub(name.len()))
            && zone.eq_ignore_ascii_case(name)
        {
            return Some((clock, 0));
        }
    }
    let (clock, offset) = text.split_at(text.rfind(['+', '-'])?);
    let digits = offset[1..].replacen(':', "", 1);
    let is_offset = matches!(digits.len(), 2 | 4) && digits.bytes().all(|b| b.is_ascii_digit());
    let number: i64 = is_offset.then(|| digits.parse().ok())??;
    let (hours, minutes) = match digits.len() {
        2 => (number, 0),
        _ => (number / 100, number % 100),
    };
    let seconds = hours * 3600 + minutes * 60;
    let ahead = if offset.starts_with('-') {
        -seconds
    } else {
        seconds
    };
    (hours < 24 && minutes < 60).then_some((clock, ahead))
}

/// The weekday at the head of the text, if there is one, and the text after it.
fn weekday(text: &str) -> Option<(Option<Weekday>, &str)> {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Some((None, text));
    }
    let (name, rest) = text.split_once([',', ' '])?;
    Some((Some(name.parse().ok()?), rest.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MOMENT: UnixSeconds = 1_752_653_972;

    #[test]
    fn moments_of_every_form_are_read() {
        for text in [
            "Wed, 16 Jul 2025 08:19:32 GMT",
            "Wed, 16 Jul 2025 08:19:32 UTC",
            "Wed, 16 Jul 2025 08:19:32.250 GMT",
            "Wed 16 Jul 2025 08:19:32 GMT",
            "16 Jul 2025 08:19:32 +0000",
            "Wed, 16 Jul 2025 16:19:32 +0800 (CST)",
            "2025-07-16T08:19:32Z",
            "2025-07-16T08:19:32.999999+00:00",
            "2025-07-16T16:19:32+08:00",
            "2025-07-16 16:19:32+08",
            "2025-07-16 03:19:32 -0500",
            "2025-07-16 08:19:32 UTC",
            "20250716T081932Z",
        ] {
            let moment = parse(text).map(|moment| (moment.unix, moment.has_wrong_weekday));
            assert_eq!(moment, Some((MOMENT, false)), "{text}");
        }
        let thursday = parse("Thu, 16 Jul 2025 08:19:32 GMT").expect("a moment");
        assert_eq!(
            thursday,
            Moment {
                unix: MOMENT,
                has_wrong_weekday: true
            }
        );
    }

    #[test]
    fn what_may_be_several_moments_is_none() {
        for text in [
            "",
            "soon",
            "2025-07-16",
            "2025-07-16T08:19:32",
            "Wed, 16 Jul 2025 08:19:32",
            "Wed, 16 Jul 2025 08:19:32 CST",
            "Wed, 16 Jul 2025 08:19:32 EST",
            "Wed, 16 Jul 2025 08:19:32 GMT+0800",
            "16 Jul 25 08:19:32 GMT",
            "Foo, 16 Jul 2025 08:19:32 GMT",
            "Wed, 31 Jun 2025 08:19:32 GMT",
            "2025-07-16T08:19:32+24:00",
            "1752653972",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*", zone in "[-+:0-9A-Z]{0,6}") {
            let _ = parse(&text);
            let _ = parse(&format!("2025-07-16T08:19:32{zone}"));
        }
    }
}
