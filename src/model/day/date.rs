//! The day as the user names it, and why it may be none.

use std::str::FromStr;

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;

use super::interval::Interval;
use super::local;
use crate::model::{UnixSeconds, said};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateArg {
    /// The day that the zone's clocks show now.
    Today,
    Yesterday,
    On(NaiveDate),
}

impl DateArg {
    pub fn resolve(self, zone: Tz, now: UnixSeconds) -> NaiveDate {
        let today = local(zone, now).date_naive();
        match self {
            Self::Today => today,
            Self::Yesterday => today - Days::new(1),
            Self::On(date) => date,
        }
    }
}

impl FromStr for DateArg {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        match text {
            "today" => Ok(Self::Today),
            "yesterday" => Ok(Self::Yesterday),
            _ => parse_date(text).map(Self::On),
        }
    }
}

fn parse_date(text: &str) -> Result<NaiveDate, DateError> {
    let fits = |(position, byte): (usize, u8)| match position {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    if text.len() != "YYYY-MM-DD".len() || !text.bytes().enumerate().all(fits) {
        return Err(DateError::NotADate(text.to_owned()));
    }
    text.parse()
        .map_err(|_| DateError::NotInCalendar(text.to_owned()))
}

/// Why a day cannot be collected. Each is a wrong argument (exit status 2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    #[error("{}", said!(
        "日期「{0}」格式不正確：請用 YYYY-MM-DD、today 或 yesterday",
        "'{0}' is not a date: use YYYY-MM-DD, today or yesterday", .0
    ))]
    NotADate(String),
    #[error("{}", said!("日期「{0}」不存在", "the date '{0}' does not exist", .0))]
    NotInCalendar(String),
    #[error("{}", said!(
        "日期 {date} 尚未開始：{zone} 現在是 {today}",
        "{date} has not begun: it is {today} in {zone}"
    ))]
    Future {
        date: NaiveDate,
        zone: Tz,
        today: NaiveDate,
    },
    /// The day lies before the time that Netdata's queries can name.
    #[error("{}", said!(
        "日期 {0} 太早：Netdata 只能查詢 1973-01-03 之後的日期",
        "{0} is too early: Netdata can be asked only for days from 1973-01-03 on", .0
    ))]
    TooEarly(NaiveDate),
    #[error("{}", said!("時區 {zone} 沒有 {date} 這一天", "there is no {date} in the time zone {zone}"))]
    Skipped { date: NaiveDate, zone: Tz },
    #[error("{}", said!(
        "{date} 在 {zone} 長 {seconds} 秒，無法以 interval = {interval} 整除：請改用較短的 interval",
        "{date} is {seconds} s long in {zone}, which is no multiple of interval = {interval}: use a shorter interval"
    ))]
    UnevenInterval {
        date: NaiveDate,
        zone: Tz,
        seconds: i64,
        interval: Interval,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::Asia;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn names_of_days_are_read_strictly() {
        assert_eq!("today".parse(), Ok(DateArg::Today));
        assert_eq!("2024-02-29".parse(), Ok(DateArg::On(date("2024-02-29"))));
        for text in [
            "2025-8-1",
            "20250801",
            "2025-08-01 ",
            "now",
            "",
            "+025-08-01",
            "２０２５-08-01",
        ] {
            assert_eq!(
                text.parse::<DateArg>(),
                Err(DateError::NotADate(text.to_owned()))
            );
        }
        assert_eq!(
            "2025-02-30".parse::<DateArg>(),
            Err(DateError::NotInCalendar("2025-02-30".to_owned()))
        );
    }

    #[test]
    fn yesterday_is_counted_on_the_clocks_of_the_zone() {
        let evening = 1_754_006_400 + 20 * 3600;
        assert_eq!(
            DateArg::Yesterday.resolve(Tz::UTC, evening),
            date("2025-07-31")
        );
        assert_eq!(
            DateArg::Yesterday.resolve(Asia::Taipei, evening),
            date("2025-08-01")
        );
    }
}
