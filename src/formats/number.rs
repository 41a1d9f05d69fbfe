//! Numbers as the seeds print them.

use crate::model::Percent;

pub const NO_MEAN: &str = "N/A";

/// A mean in a CSV: two decimals, rounded as C's `printf("%.2f")` does.
pub fn two_decimals(mean: Option<Percent>) -> String {
    mean.map_or_else(|| NO_MEAN.to_owned(), |mean| format!("{:.2}", mean.value()))
}

/// A mean for people: that of the CSV with its unit.
pub fn percent(mean: Option<Percent>) -> String {
    two_decimals(mean) + if mean.is_some() { "%" } else { "" }
}

/// A mean in the summary: that of the CSV without trailing zeros, but with one decimal at least (`0.0%`, `42.4%`).
pub fn summary_percent(mean: Option<Percent>) -> String {
    percent(mean).replace("0%", "%")
}

/// A number of seconds as the old programs print it: `86399.0`.
pub fn seconds(seconds: f64) -> String {
    if seconds.fract() == 0.0 {
        format!("{seconds:.1}")
    } else {
        seconds.to_string()
    }
}

/// GPU-seconds as hours, rounded to the nearest: `14.00`.
pub fn hours(seconds: u64, decimals: usize) -> String {
    let parts = (0..decimals).fold(1, |parts, _| parts * 10);
    let rounded = (seconds * parts + 1800) / 3600;
    format!("{}.{:0decimals$}", rounded / parts, rounded % parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percent(value: f64) -> Option<Percent> {
        assert!(Percent::new(value).is_some(), "{value} is no percentage");
        Percent::new(value)
    }

    #[test]
    fn two_decimals_round_as_printf_does() {
        // What `printf '%.2f'` of C prints: halves that binary numbers can hold go to the even digit.
        for (value, printed) in [
            (0.125, "0.12"),
            (0.375, "0.38"),
            (0.625, "0.62"),
            (2.675, "2.67"),
            (1.005, "1.00"),
            (50.875, "50.88"),
            (99.995, "100.00"),
            (99.994_999, "99.99"),
            (0.0, "0.00"),
            (100.0, "100.00"),
        ] {
            assert_eq!(two_decimals(percent(value)), printed, "{value}");
        }
        assert_eq!(two_decimals(None), "N/A");
    }

    #[test]
    fn the_summary_drops_trailing_zeros_but_one() {
        for (value, printed) in [
            (0.0, "0.0%"),
            (42.4, "42.4%"),
            (20.28, "20.28%"),
            (100.0, "100.0%"),
            (10.0, "10.0%"),
        ] {
            assert_eq!(summary_percent(percent(value)), printed);
        }
        assert_eq!(summary_percent(None), "N/A");
    }

    #[test]
    fn hours_are_rounded_to_the_hundredth() {
        for (seconds, printed) in [
            (0, "0.00"),
            (3618, "1.01"),
            (17, "0.00"),
            (18, "0.01"),
            (3600, "1.00"),
            (50_400, "14.00"),
            (86_399, "24.00"),
            (90_000, "25.00"),
        ] {
            assert_eq!(hours(seconds, 2), printed, "{seconds} s");
        }
        // To the second.
        for (seconds, printed) in [
            (0, "0.0000"),
            (1, "0.0003"),
            (3599, "0.9997"),
            (86_400, "24.0000"),
        ] {
            assert_eq!(hours(seconds, 4), printed, "{seconds} s");
        }
    }

    #[test]
    fn seconds_have_a_decimal() {
        for (value, printed) in [
            (86399.0, "86399.0"),
            (0.0, "0.0"),
            (12.25, "12.25"),
            (1234.5678, "1234.5678"),
        ] {
            assert_eq!(seconds(value), printed);
        }
    }
}
