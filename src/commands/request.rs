//! What is asked for, in terms of the settings in force.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::collect::args::RunArgs;
use crate::model::cluster::Node;
use crate::model::day::{DateArg, DateError, Window};
use crate::model::units::UnixSeconds;
use crate::outlets::console::Console;
use crate::settings::{Config, SecretError, Token};

/// What the command line asks for that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// `--node` names a node that the settings do not.
    #[error("設定中沒有節點「{name}」：可用的節點是 {known}")]
    UnknownNode {
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// `--node` of `users` names a node that neither the settings nor the reports do.
    #[error("設定與 {days} 的報告中都沒有節點「{name}」：可用的節點是 {known}")]
    UnreportedNode {
        /// The name.
        name: String,
        /// Of which days the reports are.
        days: String,
        /// The names that there are.
        known: String,
    },
    /// The range ends before it begins.
    #[error("--to {last} 早於 {first}：請先寫較早的日期")]
    ReversedRange {
        /// The date.
        first: NaiveDate,
        /// The date of `--to`.
        last: NaiveDate,
    },
    /// `--user` names nobody who held a GPU.
    #[error("{days} 的報告中沒有使用者「{name}」：{known}")]
    UnknownUser {
        /// The name, or the pseudonym.
        name: String,
        /// Of which days the reports are.
        days: String,
        /// Who there is.
        known: String,
    },
    /// Not one interval of the day has ended.
    #[error("{date} 還沒有任何已結束的 {minutes} 分鐘區間可收集：請稍後再執行，或改收集 yesterday")]
    NothingDue {
        /// The day.
        date: NaiveDate,
        /// The interval.
        minutes: i64,
    },
}

/// A request, with the moment at which it was made.
#[derive(Debug)]
pub struct Request<'a> {
    pub console: &'a Console,
    pub config: &'a Config,
    pub args: &'a RunArgs,
    /// The nodes that are asked for, in the order of the settings.
    pub nodes: Vec<&'a Node>,
    /// When it was made: that is what `today` means, however long the run takes.
    made_at: UnixSeconds,
}

impl<'a> Request<'a> {
    pub fn new(
        console: &'a Console,
        config: &'a Config,
        args: &'a RunArgs,
    ) -> Result<Self, RequestError> {
        let nodes = select(config, &args.nodes)?;
        Ok(Self {
            console,
            config,
            args,
            nodes,
            made_at: now(),
        })
    }

    /// The days that are asked for, oldest first.
    pub fn dates(&self) -> Result<Vec<NaiveDate>, RequestError> {
        let (zone, now) = (self.config.zone, self.made_at);
        let (first, last) = range(self.args.date, self.args.to, zone, now)?;
        Ok(first.iter_days().take_while(|&date| date <= last).collect())
    }

    /// The window of a day, as far as it has passed by now.
    pub fn window(&self, date: NaiveDate) -> Result<Window, DateError> {
        Window::new(date, self.config.zone, self.config.interval, now())
    }

    /// The window of DATE itself.
    pub fn first_window(&self) -> Result<Window, DateError> {
        self.window(self.args.date.resolve(self.config.zone, self.made_at))
    }

    pub fn token(&self) -> Result<Token, SecretError> {
        Token::find(&self.config.management_api.token_file)
    }

    /// Whether somebody is told the figures of all days once they are all there.
    pub fn keeps_figures(&self) -> bool {
        self.args.output.json || self.config.notify.include_users
    }

    /// Whether tasks on this host are asked for.
    pub fn wants_host(&self, host: &str) -> bool {
        self.args.nodes.is_empty() || self.nodes.iter().any(|node| node.name == host)
    }
}

/// The first and the last day of those that are asked for, which is the first where no last one is.
pub fn range(
    date: DateArg,
    to: Option<DateArg>,
    zone: Tz,
    now: UnixSeconds,
) -> Result<(NaiveDate, NaiveDate), RequestError> {
    let first = date.resolve(zone, now);
    let last = to.map_or(first, |to| to.resolve(zone, now));
    if last < first {
        return Err(RequestError::ReversedRange { first, last });
    }
    Ok((first, last))
}

/// The nodes that `names` name, in the order of the settings; all if there are none.
pub fn select<'a>(config: &'a Config, names: &[String]) -> Result<Vec<&'a Node>, RequestError> {
    let is_known = |name: &&String| config.nodes.iter().any(|node| node.name == **name);
    if let Some(name) = names.iter().find(|name| !is_known(name)) {
        let known: Vec<_> = config.nodes.iter().map(|node| node.name.as_str()).collect();
        return Err(RequestError::UnknownNode {
            name: name.clone(),
            known: known.join("、"),
        });
    }
    let is_wanted = |node: &&Node| names.is_empty() || names.contains(&node.name);
    Ok(config.nodes.iter().filter(is_wanted).collect())
}

/// The clock.
pub fn now() -> UnixSeconds {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixSeconds::try_from(since_epoch.as_secs()).unwrap_or(UnixSeconds::MAX)
}
