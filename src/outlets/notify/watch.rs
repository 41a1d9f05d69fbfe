//! One run, from the moment at which somebody may have to be notified of it.

use super::address::Address;
use super::healthcheck::Healthcheck;
use super::run_message::Ended;
use super::{Channels, Undelivered};
use crate::model::said;
use crate::settings::{self, SecretError, When};
use crate::sources::parallel::NoThread;

/// A run that has begun, and the channels that carry how it ends.
pub struct Watch<'a> {
    settings: &'a settings::Notify,
    monitor: Option<Healthcheck>,
    channels: Channels,
    /// The channels that are missing, which the message over the others names.
    pub warnings: Vec<String>,
}

impl<'a> Watch<'a> {
    pub fn begin(settings: &'a settings::Notify) -> Self {
        let warn = |error: SecretError| {
            said!(
                "{error}（執行結果不會送到這裡）",
                "{error} (this channel will not be notified)"
            )
        };
        let warnings = settings.missing_secrets().into_iter().map(warn).collect();
        let (channels, _) = Channels::open(settings);
        let monitor = Address::find(&settings.healthcheck(), settings.timeout);
        Self {
            monitor: monitor.ok().flatten().map(Healthcheck::begin),
            channels,
            settings,
            warnings,
        }
    }

    /// Sends how the run ended, and answers what did not arrive.
    pub fn end(self, ended: &Ended) -> Vec<Undelivered> {
        let is_due = self.settings.when == When::Always || ended.is_problem(&self.warnings);
        let message = ended.message(&self.warnings, self.settings.include_users);
        let monitor = self.monitor;
        let monitor = monitor.map(|monitor| monitor.end(ended.exit_status(), &message));
        let mut undelivered = Vec::new();
        if is_due {
            undelivered = self.channels.deliver(&message);
        }
        undelivered.extend(match monitor {
            Some(Ok(sending)) => sending
                .join()
                .unwrap_or_else(|_| vec![Undelivered::Panicked]),
            Some(Err(error)) => vec![NoThread::from(error).into()],
            None => Vec::new(),
        });
        undelivered
    }
}
