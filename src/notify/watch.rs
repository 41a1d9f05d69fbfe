//! One run, from the moment that somebody may have to be told of it.

use std::thread::{self, ScopedJoinHandle};

use super::address::Address;
use super::healthcheck::Healthcheck;
use super::{Channels, Ended, Undelivered, apart};
use crate::config::{self, SecretError, When};

/// A run that has begun, and those who are to be told how it ends.
#[derive(Debug)]
pub struct Watch {
    healthcheck: Option<Healthcheck>,
    channels: Channels,
    when: When,
    include_users: bool,
}

impl Watch {
    /// Tells the monitor that a run begins. The error is of a secret that cannot be had; those who need none of it
    /// may still be told.
    #[must_use]
    pub fn begin(settings: &config::Notify) -> (Self, Option<SecretError>) {
        let (channels, no_secret) = Channels::open(settings);
        let (url, no_url) = apart(settings.healthcheck.find());
        let (key, timeout) = (settings.healthcheck.key(), settings.timeout);
        let begin = |url| Healthcheck::begin(move || Address::new(url, key, timeout), timeout);
        let watch = Self {
            healthcheck: url.flatten().map(begin),
            channels,
            when: settings.when,
            include_users: settings.include_users,
        };
        (watch, no_url.or(no_secret))
    }

    /// Tells how the run ended, and answers who could not be told.
    #[must_use]
    pub fn end(self, ended: &Ended) -> Vec<Undelivered> {
        let tells_people =
            !self.channels.is_empty() && (self.when == When::Always || ended.is_problem());
        if self.healthcheck.is_none() && !tells_people {
            return Vec::new();
        }
        let message = ended.message(&hostname(), self.include_users);
        thread::scope(|scope| {
            let monitor = self
                .healthcheck
                .map(|healthcheck| scope.spawn(|| healthcheck.end(ended.exit_status(), &message)));
            let mut undelivered = if tells_people {
                self.channels.tell(&message)
            } else {
                Vec::new()
            };
            let monitor = monitor.map(ScopedJoinHandle::join);
            let monitor = monitor.map(|told| told.unwrap_or_else(|_| vec![Undelivered::Panicked]));
            undelivered.extend(monitor.into_iter().flatten());
            undelivered
        })
    }
}

/// What this machine calls itself.
pub(super) fn hostname() -> String {
    let system = rustix::system::uname();
    system.nodename().to_string_lossy().into_owned()
}
