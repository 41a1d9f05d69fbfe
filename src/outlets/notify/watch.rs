//! One run, from the moment that somebody may have to be told of it.

use std::thread;

use super::address::Address;
use super::healthcheck::Healthcheck;
use super::of_run::Ended;
use super::{Channels, Undelivered};
use crate::settings::SecretUrl;
use crate::settings::{self, When};
use crate::sources::parallel::{Aside, aside};

/// A run that has begun, and those who are to be told how it ends.
#[derive(Debug)]
pub struct Watch {
    healthcheck: Option<Healthcheck>,
    channels: Channels,
    when: When,
    include_users: bool,
    /// Why somebody cannot be told, which those who can be are told.
    warnings: Vec<String>,
}

impl Watch {
    /// Tells the monitor that a run begins. Where a secret cannot be had, those who need none of it are told.
    pub fn begin(settings: &settings::Notify) -> Self {
        let warn = |error| format!("{error}（執行結果會少通知一處）");
        let warnings = settings.missing_secrets().into_iter().map(warn).collect();
        let (channels, _) = Channels::open(settings);
        let setting = settings.healthcheck();
        let url = setting.find().ok().flatten();
        let (key, timeout) = (setting.key.to_owned(), settings.timeout);
        let begin = |url: SecretUrl| {
            let address = move || Address::new(url.clone(), key.clone(), timeout);
            Healthcheck::begin(address, timeout)
        };
        Self {
            healthcheck: url.map(begin),
            channels,
            when: settings.when,
            include_users: settings.include_users,
            warnings,
        }
    }

    /// Why somebody cannot be told. It is also told to those who can be.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Tells how the run ended, and answers who could not be told.
    pub fn end(self, ended: &Ended) -> Vec<Undelivered> {
        let is_told = self.when == When::Always || ended.is_problem(&self.warnings);
        let tells_people = is_told && !self.channels.is_empty();
        if self.healthcheck.is_none() && !tells_people {
            return Vec::new();
        }
        let message = ended.message(&hostname(), &self.warnings, self.include_users);
        thread::scope(|scope| {
            let monitor = self
                .healthcheck
                .map(|monitor| aside(scope, || monitor.end(ended.exit_status(), &message)));
            let mut undelivered = if tells_people {
                self.channels.deliver(&message)
            } else {
                Vec::new()
            };
            let monitor = monitor.map(Aside::end);
            let monitor = monitor.map(|sent| sent.unwrap_or_else(|_| vec![Undelivered::Panicked]));
            undelivered.extend(monitor.into_iter().flatten());
            undelivered
        })
    }
}

/// What this machine calls itself.
pub fn hostname() -> String {
    let system = rustix::system::uname();
    system.nodename().to_string_lossy().into_owned()
}
