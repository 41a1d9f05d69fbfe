//! Sending people and monitors how a run ended: a message, and the channels that carry it.
//!
//! The message is made without any network. A channel has two tries, each with a deadline that holds, and what it
//! could not deliver is an [`Undelivered`], which changes nothing else.

mod address;
mod alerts_message;
mod digest_message;
mod healthcheck;
mod mail;
mod message;
mod outsiders;
mod run_message;
#[cfg(test)]
mod tests;
mod watch;
mod webhook;

use lettre::message::Mailbox;

use crate::model::said;
use crate::settings::{self, SecretError};
use crate::sources::parallel::{self, Jobs, NoThread};
use address::Address;

pub use alerts_message::{mail_for_user, notice_for_admin};
pub use digest_message::digest;
pub use mail::{Attachment, MailError, Mailer};
pub use message::Message;
pub use run_message::Ended;
pub use watch::Watch;

const TRIES: u32 = 2;

#[derive(Debug, thiserror::Error)]
pub enum Undelivered {
    #[error("{}", said!(
        "無法通知 {address}{signal}：{reason}（請檢查 {key}）",
        "cannot notify {address}{signal}: {reason}; check {key}"
    ))]
    Http {
        /// No more of it than the origin.
        address: String,
        /// Which of its messages, in parentheses, where the address gets more than one.
        signal: &'static str,
        reason: String,
        key: String,
    },
    #[error("{}", said!(
        "無法寄信給 {recipient}（經由 {server}）：{reason}（請檢查 [notify.smtp]）",
        "cannot send mail to {recipient} (via {server}): {reason}; check [notify.smtp]"
    ))]
    Mail {
        recipient: String,
        /// With its port.
        server: String,
        reason: MailError,
    },
    #[error("{}", said!("無法通知：{0}", "cannot notify anybody: {0}", .0))]
    NoThread(#[from] NoThread),
    #[error("{}", said!("通知時程式發生內部錯誤，請回報", "internal error while notifying, report this bug"))]
    Panicked,
}

/// The channels to the admin, one of which also carries mail to anybody else.
pub struct Channels {
    chat: Option<Address>,
    pub mailer: Option<Mailer>,
}

enum Channel<'a> {
    Chat(&'a Address),
    Mail(&'a Mailer, &'a Mailbox),
}

impl Channels {
    /// The channels that the settings have. One whose secret cannot be had is missing, and the error says why; the
    /// others may still carry that.
    pub fn open(settings: &settings::Notify) -> (Self, Option<SecretError>) {
        let (timeout, smtp) = (settings.timeout, settings.smtp.as_ref());
        let (chat, no_url) = apart(Address::find(&settings.webhook(), timeout));
        let mailer = smtp.map(|smtp| Mailer::new(smtp, timeout));
        let (mailer, no_password) = apart(mailer.transpose());
        (Self { chat, mailer }, no_url.or(no_password))
    }

    pub fn is_empty(&self) -> bool {
        self.chat.is_none() && self.mailer.is_none()
    }

    /// Sends the message to the admin by all channels at once, and answers what did not arrive.
    pub fn deliver(&self, message: &Message) -> Vec<Undelivered> {
        let mut channels: Vec<_> = self.chat.iter().map(Channel::Chat).collect();
        if let Some(mailer) = &self.mailer {
            let admins = mailer.admins();
            channels.extend(admins.map(|admin| Channel::Mail(mailer, admin)));
        }
        let deliver = |channel: &Channel| match channel {
            Channel::Chat(address) => webhook::post(address, message),
            Channel::Mail(mailer, to) => mailer.send(to, message),
        };
        let delivered = deliver_all(&channels, Jobs::exactly(u16::MAX), deliver);
        delivered.into_iter().filter_map(Result::err).collect()
    }
}

fn apart<T>(found: Result<Option<T>, SecretError>) -> (Option<T>, Option<SecretError>) {
    match found {
        Ok(found) => (found, None),
        Err(error) => (None, Some(error)),
    }
}

fn deliver_all<T: Sync>(
    all: &[T],
    jobs: Jobs,
    deliver: impl Fn(&T) -> Result<(), Undelivered> + Sync,
) -> Vec<Result<(), Undelivered>> {
    match parallel::map(all, jobs, deliver) {
        Ok(delivered) => {
            let delivered = delivered.into_iter();
            delivered
                .map(|one| one.unwrap_or(Err(Undelivered::Panicked)))
                .collect()
        }
        Err(error) => all.iter().map(|_| Err(error.clone().into())).collect(),
    }
}
