//! Mail over SMTP.

mod bounded;
mod session;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{self, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::TlsParameters;
use secrecy::ExposeSecret;

use super::Undelivered;
use super::message::{Message, hostname};
use crate::settings::{SecretError, Security, Smtp};
use crate::sources::http::root_cause;
use crate::sources::parallel::Jobs;

pub use session::MailError;

/// Longer mails are read by nobody.
const LIMIT_BYTES: usize = 100_000;
const AT_ONCE: u16 = 8;

/// A file that a mail carries.
#[derive(Clone, Debug)]
pub struct Attachment {
    pub name: String,
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
}

pub struct Mailer {
    smtp: Smtp,
    credentials: Option<Credentials>,
    timeout: Duration,
    /// Made when it is first needed, because it reads the system's certificates.
    tls: OnceLock<Result<TlsParameters, String>>,
}

impl Mailer {
    pub fn new(smtp: &Smtp, timeout: Duration) -> Result<Self, SecretError> {
        let credentials = smtp.login()?.map(|(username, password)| {
            let password = password.expose_secret().to_owned();
            Credentials::new(username.to_owned(), password)
        });
        Ok(Self {
            smtp: smtp.clone(),
            credentials,
            timeout,
            tls: OnceLock::new(),
        })
    }

    pub fn admins(&self) -> impl Iterator<Item = &Mailbox> {
        self.smtp.to.iter().map(|address| &**address)
    }

    /// Sends `message` to one recipient, who learns of no other. A try whose answer is lost may have been delivered;
    /// the second one has the same id then.
    pub fn send(&self, recipient: &Mailbox, message: &Message) -> Result<(), Undelivered> {
        self.send_with(recipient, message, &[])
    }

    fn send_with(
        &self,
        recipient: &Mailbox,
        message: &Message,
        attachments: &[Attachment],
    ) -> Result<(), Undelivered> {
        let letter = self.letter(recipient, message, attachments);
        session::deliver(self, &letter).map_err(|reason| Undelivered::Mail {
            recipient: recipient.email.to_string(),
            server: format!("{}:{}", self.smtp.host, self.smtp.port()),
            reason,
        })
    }

    /// Sends each recipient the message that is for them, and answers for each in that order.
    pub fn send_all(&self, mails: &[(&Mailbox, Message)]) -> Vec<Result<(), Undelivered>> {
        let send = |(recipient, message): &(&Mailbox, _)| self.send(recipient, message);
        super::deliver_all(mails, Jobs::exactly(AT_ONCE), send)
    }

    /// Sends all recipients the same, and answers for each in that order.
    pub fn send_to_each(
        &self,
        recipients: &[&Mailbox],
        message: &Message,
        attachments: &[Attachment],
    ) -> Vec<Result<(), Undelivered>> {
        let send = |recipient: &&Mailbox| self.send_with(recipient, message, attachments);
        super::deliver_all(recipients, Jobs::exactly(AT_ONCE), send)
    }

    fn letter(
        &self,
        recipient: &Mailbox,
        message: &Message,
        attachments: &[Attachment],
    ) -> lettre::Message {
        let from = &self.smtp.from;
        // Nobody answers it, and no machine should either (RFC 3834).
        let automatic = HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        );
        let letter = lettre::Message::builder()
            .from(from.clone())
            .to(recipient.clone())
            .subject(&*message.subject)
            .message_id(Some(message_id(from)))
            .raw_header(automatic);
        let text = SinglePart::plain(message.body(LIMIT_BYTES));
        let letter = if attachments.is_empty() {
            letter.singlepart(text)
        } else {
            let parts = MultiPart::mixed().singlepart(text);
            letter.multipart(attachments.iter().fold(parts, |parts, file| {
                let kind = ContentType::parse(file.content_type);
                let kind = kind.expect("a type of the program's own");
                let attached = message::Attachment::new(file.name.clone());
                parts.singlepart(attached.body(file.bytes.clone(), kind))
            }))
        };
        letter.expect("a sender and a recipient are all that a letter needs")
    }

    fn tls(&self) -> Result<Option<TlsParameters>, MailError> {
        if self.smtp.security == Security::None {
            return Ok(None);
        }
        let new = || {
            let parameters = TlsParameters::new(self.smtp.host.clone());
            parameters.map_err(|error| root_cause(&error))
        };
        let parameters = self.tls.get_or_init(new).clone();
        parameters.map(Some).map_err(MailError::Tls)
    }
}

fn message_id(from: &Mailbox) -> String {
    static LETTERS: AtomicUsize = AtomicUsize::new(0);
    let letter = LETTERS.fetch_add(1, Ordering::Relaxed);
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = since_epoch.unwrap_or_default().as_nanos();
    let (process, domain) = (std::process::id(), from.email.domain());
    format!(
        "<daily-gpu-log.{nanos}.{process}.{letter}.{}@{domain}>",
        hostname()
    )
}
