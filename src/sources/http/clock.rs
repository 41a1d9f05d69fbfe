//! How far a server's clock is from the machine's, and how long it asks to be left alone.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::DateTime;

/// How far the clock that a `Date` header was read from is ahead of ours, on which the request was `sent` and the answer
/// `received`. The header was written at some moment between the two and has no fractions of a second, so that
/// only what lies outside of that is a difference.
pub fn ahead(date: &str, sent: SystemTime, received: SystemTime) -> Option<i64> {
    let date = 1000 * DateTime::parse_from_rfc2822(date).ok()?.timestamp();
    let ahead = date - milliseconds(received)?;
    let behind = milliseconds(sent)? - (date + 999);
    Some((ahead.max(0) - behind.max(0)) / 1000)
}

/// What a `Retry-After` header asks for: a number of seconds, or the time until a date.
pub fn wait(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some(
        SystemTime::from(date)
            .duration_since(SystemTime::now())
            .unwrap_or_default(),
    )
}

fn milliseconds(moment: SystemTime) -> Option<i64> {
    let since = moment.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2025-08-01 00:00:00 UTC.
    const MIDNIGHT: u64 = 1_754_006_400;

    #[test]
    fn a_server_says_how_long_to_wait_in_seconds_or_by_a_date() {
        assert_eq!(wait("2"), Some(Duration::from_secs(2)));
        assert_eq!(wait("Fri, 01 Aug 2025 00:00:10 GMT"), Some(Duration::ZERO));
        let minute = Duration::from_mins(1);
        let date = DateTime::<chrono::Utc>::from(SystemTime::now() + minute).to_rfc2822();
        let left = wait(&date).expect("a date");
        assert!(left <= minute && left + Duration::from_secs(5) > minute);
        for text in ["", "-1", "soon", "1.5"] {
            assert_eq!(wait(text), None, "{text}");
        }
    }

    #[test]
    fn a_clock_is_off_by_what_the_time_of_the_answer_cannot_explain() {
        let at = |milliseconds| {
            UNIX_EPOCH + Duration::from_secs(MIDNIGHT) + Duration::from_millis(milliseconds)
        };
        for (date, sent, received, expected) in [
            ("Fri, 01 Aug 2025 00:00:10 GMT", 10_500, 10_600, Some(0)),
            ("Fri, 01 Aug 2025 00:00:10 GMT", 9_900, 10_100, Some(0)),
            ("Fri, 01 Aug 2025 00:00:10 GMT", 10_998, 11_050, Some(0)),
            // A slow answer says little.
            ("Fri, 01 Aug 2025 00:00:10 GMT", 2_000, 32_000, Some(0)),
            ("Fri, 01 Aug 2025 00:01:30 GMT", 10_000, 10_100, Some(79)),
            ("Fri, 01 Aug 2025 00:01:30 GMT", 2_000, 32_000, Some(58)),
            ("Fri, 01 Aug 2025 00:00:10 GMT", 90_000, 90_100, Some(-79)),
            ("Thu, 31 Jul 2025 23:00:00 GMT", 10_000, 10_100, Some(-3609)),
            ("yesterday", 10_000, 10_100, None),
        ] {
            assert_eq!(ahead(date, at(sent), at(received)), expected, "{date}");
        }
    }
}
