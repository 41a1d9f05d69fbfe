//! Sending people and monitors how a run ended: a message, and the channels that carry it.
//!
//! The message is made without any network. A channel has two tries, each with a deadline that holds, and what it
//! could not deliver is an [`Undelivered`], which changes nothing else.

mod address;
mod healthcheck;
mod mail;
mod message;
mod of_alerts;
mod of_run;
mod outsiders;
mod watch;
mod webhook;

use std::thread;

use crate::settings;
use crate::settings::SecretError;
use crate::sources::parallel::{Aside, aside};
use webhook::Webhook;

pub use mail::{MailError, Mailer};
pub use message::Message;
pub use of_alerts::{mail_for_user, notice_for_admin};
pub use of_run::Ended;
pub use watch::Watch;

/// How often a channel is tried.
const TRIES: u32 = 2;

/// Why somebody was not told.
#[derive(Debug, thiserror::Error)]
pub enum Undelivered {
    /// The monitor or the chat did not take it.
    #[error("無法通知 {address}{signal}：{reason}（請檢查 {key}）")]
    Http {
        /// The address, of which no more is shown than the origin.
        address: String,
        /// Of what, in parentheses, where that is not said by the address alone.
        signal: &'static str,
        /// Why.
        reason: String,
        /// The key of the address.
        key: String,
    },
    /// The mail server did not take it.
    #[error("無法寄信給 {recipient}（經由 {server}）：{reason}（請檢查 [notify.smtp]）")]
    Mail {
        /// Who was not told.
        recipient: String,
        /// The mail server, with its port.
        server: String,
        /// Why.
        reason: MailError,
    },
    /// A bug of this program.
    #[error("通知時程式發生內部錯誤，請回報")]
    Panicked,
}

/// Whom the admin is told by, and what can carry a message to anybody else.
#[derive(Debug)]
pub struct Channels {
    webhook: Option<Webhook>,
    mailer: Option<Mailer>,
}

impl Channels {
    /// The channels that the settings have. One whose secret cannot be had is missing, and the error says why; the
    /// others may still tell of that.
    pub fn open(settings: &settings::Notify) -> (Self, Option<SecretError>) {
        let timeout = settings.timeout;
        let setting = settings.webhook();
        let (webhook, no_url) = apart(setting.find());
        let webhook = webhook.flatten();
        let webhook = webhook.map(|url| Webhook::new(url, setting.key.to_owned(), timeout));
        let mailer = settings
            .smtp
            .as_ref()
            .map(|smtp| Mailer::new(smtp, timeout));
        let (mailer, no_password) = apart(mailer.transpose());
        let mailer = mailer.flatten();
        (Self { webhook, mailer }, no_url.or(no_password))
    }

    /// Whether the settings have none.
    pub fn is_empty(&self) -> bool {
        self.webhook.is_none() && self.mailer.is_none()
    }

    /// Tells the admin, by all channels at once, and answers who was not told.
    pub fn deliver(&self, message: &Message) -> Vec<Undelivered> {
        thread::scope(|scope| {
            let mut deliveries = Vec::new();
            if let Some(webhook) = &self.webhook {
                deliveries.push(aside(scope, || webhook.deliver(message)));
            }
            if let Some(mailer) = &self.mailer {
                let send = |recipient| aside(scope, move || mailer.send(recipient, message));
                deliveries.extend(mailer.admins().map(send));
            }
            deliveries.into_iter().filter_map(undelivered).collect()
        })
    }

    /// What sends mail to anybody, if the settings have a mail server.
    pub fn mailer(&self) -> Option<&Mailer> {
        self.mailer.as_ref()
    }
}

fn apart<T, E>(result: Result<T, E>) -> (Option<T>, Option<E>) {
    match result {
        Ok(value) => (Some(value), None),
        Err(error) => (None, Some(error)),
    }
}

fn undelivered(sent: Aside<Result<(), Undelivered>>) -> Option<Undelivered> {
    sent.end().unwrap_or(Err(Undelivered::Panicked)).err()
}
