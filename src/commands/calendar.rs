//! The days that a command line asks for, on the clocks of the settings' zone.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::NaiveDate;

use super::request::RequestError;
use crate::model::{DateArg, DateError, UnixSeconds, Window, said, text};
use crate::settings::Config;

#[derive(Clone, Copy, Debug)]
pub struct Calendar<'a> {
    config: &'a Config,
    pub now: UnixSeconds,
}

impl<'a> Calendar<'a> {
    pub fn now(config: &'a Config) -> Self {
        let now = now();
        Self { config, now }
    }

    #[cfg(test)]
    pub fn at(config: &'a Config, now: UnixSeconds) -> Self {
        Self { config, now }
    }

    pub fn date(&self, date: DateArg) -> NaiveDate {
        date.resolve(self.config.zone, self.now)
    }

    /// The first and the last day of those from `date` to `to`, which is `date` alone where there is no `to`. A command
    /// line without a date means the `default`.
    pub fn range(
        &self,
        date: DateArg,
        to: Option<DateArg>,
        default: DateArg,
    ) -> Result<(NaiveDate, NaiveDate), RequestError> {
        let first = self.date(date);
        let last = to.map_or(first, |to| self.date(to));
        if last < first {
            // Where the first date comes from, if nobody need have written it.
            let hint = match date {
                DateArg::Today if date == default => text(
                    "（沒有寫 DATE 時是 today）",
                    " (without a DATE it is today)",
                ),
                DateArg::Yesterday if date == default => text(
                    "（沒有寫 DATE 時是 yesterday）",
                    " (without a DATE it is yesterday)",
                ),
                _ => "",
            };
            let message = said!(
                "--to {last} 早於 {first}{hint}：請先寫較早的日期",
                "--to {last} is before {first}{hint}: give the earlier date first"
            );
            return Err(RequestError::usage(message));
        }
        Ok((first, last))
    }

    pub fn window(&self, date: NaiveDate) -> Result<Window, DateError> {
        let config = self.config;
        Window::new(date, config.zone, config.interval, self.now)
    }

    /// The windows of the days from `first` to `last`, without those of several that a zone skipped when it crossed
    /// the date line: the days around them are whole.
    pub fn windows(
        &self,
        first: NaiveDate,
        last: NaiveDate,
    ) -> impl Iterator<Item = (NaiveDate, Result<Window, DateError>)> {
        let dates = first.iter_days().take_while(move |date| *date <= last);
        dates
            .map(|date| (date, self.window(date)))
            .filter(move |(_, window)| {
                first == last || !matches!(window, Err(DateError::Skipped { .. }))
            })
    }
}

pub fn now() -> UnixSeconds {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixSeconds::try_from(since_epoch.as_secs()).unwrap_or(UnixSeconds::MAX)
}
