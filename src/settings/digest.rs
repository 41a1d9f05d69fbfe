//! How often the admin gets a digest by mail.

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Digest {
    /// From Monday to Sunday.
    Weekly,
    Monthly,
}

impl Digest {
    /// The first and the last day of the last week or month that is over.
    pub fn last_span(self, today: NaiveDate) -> (NaiveDate, NaiveDate) {
        let days = |count: u32| Days::new(count.into());
        match self {
            Self::Weekly => {
                let monday = today - days(today.weekday().num_days_from_monday());
                (monday - days(7), monday - days(1))
            }
            Self::Monthly => {
                let first = today - days(today.day0());
                (first - Months::new(1), first - days(1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_ends_on_sunday_and_a_month_on_its_last_day() {
        for (digest, today, first, last) in [
            // A Monday, a Wednesday and a Sunday.
            (Digest::Weekly, "2025-08-04", "2025-07-28", "2025-08-03"),
            (Digest::Weekly, "2025-08-06", "2025-07-28", "2025-08-03"),
            (Digest::Weekly, "2025-08-10", "2025-07-28", "2025-08-03"),
            (Digest::Monthly, "2025-08-01", "2025-07-01", "2025-07-31"),
            (Digest::Monthly, "2025-03-31", "2025-02-01", "2025-02-28"),
            (Digest::Monthly, "2025-01-15", "2024-12-01", "2024-12-31"),
        ] {
            let date = |text: &str| text.parse::<NaiveDate>().expect("a date");
            let span = digest.last_span(date(today));
            assert_eq!(span, (date(first), date(last)), "{digest:?} {today}");
        }
    }
}
