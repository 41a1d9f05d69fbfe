//! The days that a command is about: `[DATE] [--to DATE]`, or `--days N`, or `--month YYYY-MM`.

use std::str::FromStr;

use chrono::{Days, Months, NaiveDate};
use clap::Args;

use super::calendar::Calendar;
use super::request::RequestError;
use super::values::{MOST_DAYS, parse_within};
use crate::model::{DateArg, DateError, redacted, said, text};

#[derive(Args, Debug)]
pub struct SpanArgs {
    #[arg(value_name = "DATE")]
    #[arg(help = text(
        "日期: YYYY-MM-DD、today 或 yesterday [預設: yesterday]",
        "the day: YYYY-MM-DD, today or yesterday [default: yesterday]",
    ))]
    date: Option<DateArg>,
    #[arg(long, value_name = "DATE")]
    #[arg(help = text("DATE 到這個日期的每一天", "each day from DATE to this one"))]
    to: Option<DateArg>,
    #[arg(long, value_name = "N", value_parser = parse_days, conflicts_with_all = ["date", "to", "month"])]
    #[arg(help = text("到昨天為止的 N 天", "the N days that end with yesterday"))]
    days: Option<u16>,
    #[arg(long, value_name = "YYYY-MM", conflicts_with_all = ["date", "to"])]
    #[arg(help = text("一個月；還沒過完的月到昨天為止", "a month (the current one: up to yesterday)"))]
    month: Option<Month>,
}

fn parse_days(days: &str) -> Result<u16, String> {
    parse_within(days, 1..=MOST_DAYS, text("天數", "a number of days"))
}

/// A month, by its first day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Month(pub NaiveDate);

impl FromStr for Month {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let first: Result<DateArg, DateError> = format!("{text}-01").parse();
        let Ok(DateArg::On(first)) = first else {
            let text = redacted(text);
            return Err(said!(
                "「{text}」不是月份：請用 YYYY-MM，例如 2025-08",
                "'{text}' is no month: use YYYY-MM, such as 2025-08"
            ));
        };
        Ok(Self(first))
    }
}

impl SpanArgs {
    /// The first and the last day. None of them lies in the future.
    pub fn range(&self, calendar: &Calendar) -> anyhow::Result<(NaiveDate, NaiveDate)> {
        let yesterday = calendar.date(DateArg::Yesterday);
        let (first, last) = if let Some(days) = self.days {
            let before = Days::new(u64::from(days) - 1);
            let first = yesterday.checked_sub_days(before).unwrap_or(yesterday);
            (first, yesterday)
        } else if let Some(Month(first)) = self.month {
            let last = first + Months::new(1) - Days::new(1);
            (first, last.min(yesterday).max(first))
        } else {
            let date = self.date.unwrap_or(DateArg::Yesterday);
            calendar.range(date, self.to, DateArg::Yesterday)?
        };
        if let Err(error @ DateError::Future { .. }) = calendar.window(last) {
            return Err(error.into());
        }
        Ok((first, last))
    }

    /// The day, where the line names one alone, or none: yesterday then.
    pub fn lone_date(&self) -> Option<DateArg> {
        let is_lone = self.to.is_none() && self.days.is_none() && self.month.is_none();
        is_lone.then(|| self.date.unwrap_or(DateArg::Yesterday))
    }

    /// The number of days, where that is all that is said of them: `default` where nothing is.
    pub fn lone_days(&self, default: u16) -> Option<u16> {
        let is_said = self.date.is_some() || self.to.is_some() || self.month.is_some();
        (!is_said).then(|| self.days.unwrap_or(default))
    }

    /// The same for what is looked at as a whole, which is at most a year.
    pub fn year_at_most(&self, calendar: &Calendar) -> anyhow::Result<(NaiveDate, NaiveDate)> {
        let (first, last) = self.range(calendar)?;
        let days = (last - first).num_days() + 1;
        if days > i64::from(MOST_DAYS) {
            return Err(RequestError::usage(said!(
                "{first} 到 {last} 有 {days} 天，最多 {MOST_DAYS} 天：請分成幾段",
                "{first} to {last} are {days} days, and at most {MOST_DAYS} are possible: ask for parts"
            ))
            .into());
        }
        Ok((first, last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Config;
    use pretty_assertions::assert_eq;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn each_way_to_say_a_span_has_its_days() {
        let config = Config::default();
        // Noon of 2025-08-15.
        let calendar = Calendar::at(&config, 1_754_006_400 + (14 * 24 + 12) * 3600);
        let none = || SpanArgs {
            date: None,
            to: None,
            days: None,
            month: None,
        };
        let of_month = |text: &str| SpanArgs {
            month: Some(text.parse().expect("a month")),
            ..none()
        };
        let from = |text| Some(DateArg::On(date(text)));
        for (span, first, last) in [
            (none(), "2025-08-14", "2025-08-14"),
            (
                SpanArgs {
                    date: from("2025-08-01"),
                    ..none()
                },
                "2025-08-01",
                "2025-08-01",
            ),
            (
                SpanArgs {
                    date: from("2025-07-30"),
                    to: Some(DateArg::Today),
                    ..none()
                },
                "2025-07-30",
                "2025-08-15",
            ),
            (
                SpanArgs {
                    days: Some(7),
                    ..none()
                },
                "2025-08-08",
                "2025-08-14",
            ),
            (of_month("2025-02"), "2025-02-01", "2025-02-28"),
            (of_month("2024-12"), "2024-12-01", "2024-12-31"),
            (of_month("2025-08"), "2025-08-01", "2025-08-14"),
        ] {
            let range = span.range(&calendar).expect("a range");
            assert_eq!(range, (date(first), date(last)), "{span:?}");
        }
        let future = of_month("2025-09").range(&calendar);
        assert!(future.expect_err("it has not begun").is::<DateError>());
        let long = SpanArgs {
            date: from("2024-01-01"),
            to: from("2025-06-01"),
            ..none()
        };
        assert!(long.range(&calendar).is_ok());
        assert!(
            long.year_at_most(&calendar)
                .expect_err("too long")
                .is::<RequestError>()
        );
    }

    #[test]
    fn only_a_month_is_a_month() {
        for text in ["2025-8", "2025-13", "2025-08-01", "august", ""] {
            assert!(text.parse::<Month>().is_err(), "{text}");
        }
    }
}
