//! Who is told how a run ended, and where the secrets for that are.

mod resolve;
mod secret;

use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use serde::{Deserialize, Serialize};

pub use resolve::{parse_mailbox, resolve};
pub use secret::{SecretError, SecretUrl};

/// Who is told how a run ended, and when.
#[derive(Clone, Debug)]
pub struct Notify {
    /// Of which runs the webhook and the mail tell.
    pub when: When,
    /// Whether they may name users.
    pub include_users: bool,
    /// The longest that one try may take. There are two.
    pub timeout: Duration,
    /// The monitor that is told when a run begins and how it ends.
    pub healthcheck: UrlSetting,
    /// The chat that is told.
    pub webhook: UrlSetting,
    /// The mail server, if mail is to be sent.
    pub smtp: Option<Smtp>,
}

impl Default for Notify {
    /// Nobody is told.
    fn default() -> Self {
        Self {
            when: When::Problem,
            include_users: false,
            timeout: Duration::from_secs(10),
            healthcheck: UrlSetting::none("healthcheck"),
            webhook: UrlSetting::none("webhook"),
            smtp: None,
        }
    }
}

/// Of which runs somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// Of those that did not end with status 0, and of those with warnings.
    Problem,
    /// Of all.
    Always,
}

/// An address that is a secret: whoever knows it may write there.
#[derive(Clone, Debug)]
pub struct UrlSetting {
    /// The first part of the names of its keys and of its credential.
    name: &'static str,
    /// Where the settings have it, if they do. A credential wins over that.
    pub source: Option<UrlSource>,
}

/// Where the settings have a secret address.
#[derive(Clone, Debug)]
pub enum UrlSource {
    /// In the settings file itself.
    Settings(SecretUrl),
    /// In a file that only its owner may read.
    File(PathBuf),
}

/// A mail server, and the mail that it is given.
#[derive(Clone, Debug)]
pub struct Smtp {
    /// Its name or its IP address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection to it is encrypted.
    pub security: Security,
    /// Who logs in, if anybody does.
    pub login: Option<Login>,
    /// The sender.
    pub from: Mailbox,
    /// The recipients of what is for the admin. At least one.
    pub to: Vec<Mailbox>,
}

/// How the connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// From the command STARTTLS on, without which nothing is sent.
    Starttls,
    /// From the first byte.
    Tls,
    /// Not at all.
    None,
}

impl Security {
    /// The port that servers usually have for it (RFC 6409, RFC 8314, RFC 5321).
    fn usual_port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// Who logs in to the mail server.
#[derive(Clone, Debug)]
pub struct Login {
    /// The name.
    pub username: String,
    /// The file with the password. A credential wins over it.
    pub password_file: Option<PathBuf>,
}
