//! Who is notified how a run ended, and the secrets that this needs.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::Mailbox;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

use super::digest::Digest;
use super::private_file;
use super::secret::{Places, SecretError, line};
use super::{duration, value};
use crate::model::{Item, Written, said, text, written};

/// The name of the mail server's password among a service's credentials.
const PASSWORD_CREDENTIAL: &str = "smtp-password";
pub const PASSWORD_FILE: &str = "notify.smtp.password_file";

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Notify {
    /// Of which runs the webhook and the mail give notice.
    pub when: When,
    pub include_users: bool,
    pub digest: Option<Digest>,
    /// The longest that one try may take. There are two.
    #[serde(
        deserialize_with = "duration::of_notification",
        serialize_with = "duration::serialize"
    )]
    pub timeout: Duration,
    /// The monitor that learns when a run begins and how it ends.
    healthcheck_url: Option<Item<SecretUrl>>,
    healthcheck_url_file: Option<PathBuf>,
    webhook_url: Option<Item<SecretUrl>>,
    webhook_url_file: Option<PathBuf>,
    pub smtp: Option<Smtp>,
}

/// Nobody is notified.
impl Default for Notify {
    fn default() -> Self {
        Self {
            when: When::Problem,
            include_users: false,
            digest: None,
            timeout: Duration::from_secs(10),
            healthcheck_url: None,
            healthcheck_url_file: None,
            webhook_url: None,
            webhook_url_file: None,
            smtp: None,
        }
    }
}

/// Of which runs somebody is notified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// Of those that did not end with status 0, and of those with warnings.
    Problem,
    Always,
}

/// A mail server, and the mail that it is given.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    #[serde(deserialize_with = "value::host")]
    pub host: String,
    /// Its port, unless it is the usual one.
    pub port: Option<u16>,
    #[serde(default)]
    pub security: Security,
    /// Who logs in, if anybody does.
    pub username: Option<String>,
    /// The file with the password. A credential wins over it.
    pub password_file: Option<PathBuf>,
    #[serde(with = "written")]
    pub from: Mailbox,
    /// The recipients of what is for the admin. At least one.
    pub to: Vec<Item<Mailbox>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// From the command STARTTLS on, without which nothing is sent.
    #[default]
    Starttls,
    /// From the first byte.
    Tls,
    None,
}

/// An address that only those may know who may write there. It shows no more of itself than its origin.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(Url);

impl SecretUrl {
    pub fn expose(&self) -> &Url {
        &self.0
    }
}

impl Written for SecretUrl {
    /// The problem repeats none of the text.
    fn parse(address: &str) -> Result<Self, String> {
        let url = Url::parse(address.trim()).map_err(|error| {
            said!(
                "不是網址（{error}）：請寫成 https://主機/路徑",
                "not a URL ({error}): write https://host/path"
            )
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(text(
                "不是 http:// 或 https:// 的網址",
                "not an http:// or https:// URL",
            )
            .to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(value::credentials_in_url());
        }
        if url.fragment().is_some() {
            return Err(text(
                "網址不可含有 # 之後的部分",
                "a URL must not have a part after #",
            )
            .to_owned());
        }
        Ok(Self(url))
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/…", self.0.origin().ascii_serialization())
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Notify {
    pub fn healthcheck(&self) -> UrlSetting<'_> {
        UrlSetting {
            key: "notify.healthcheck_url",
            credential: "healthcheck-url",
            url: self.healthcheck_url.as_deref(),
            file: self.healthcheck_url_file.as_deref(),
        }
    }

    pub fn webhook(&self) -> UrlSetting<'_> {
        UrlSetting {
            key: "notify.webhook_url",
            credential: "webhook-url",
            url: self.webhook_url.as_deref(),
            file: self.webhook_url_file.as_deref(),
        }
    }

    /// The keys whose place a credential of the service takes, each with the name of the credential.
    pub fn credentials(&self) -> Vec<(&'static str, &'static str)> {
        let urls = [self.healthcheck(), self.webhook()];
        let urls = urls.map(|setting| (setting.key, setting.credential));
        let login = self.smtp.as_ref().and_then(|smtp| smtp.username.as_ref());
        let password = login.map(|_| (PASSWORD_FILE, PASSWORD_CREDENTIAL));
        let all = urls.into_iter().chain(password);
        all.filter(|(_, name)| private_file::credential(name).is_some())
            .collect()
    }

    /// What keeps the digest from being sent, if one is wanted.
    pub fn digest_problem(&self) -> Option<&'static str> {
        let lacks_mail = self.digest.is_some() && self.smtp.is_none();
        lacks_mail.then(|| {
            text(
                "用量摘要（notify.digest）要以郵件寄出：請設定 [notify.smtp]",
                "the digest (notify.digest) goes by mail: set [notify.smtp]",
            )
        })
    }

    /// Why those secrets cannot be had that are needed to notify everybody.
    pub fn missing_secrets(&self) -> Vec<SecretError> {
        let found = [
            self.healthcheck().find().err(),
            self.webhook().find().err(),
            self.smtp.as_ref().and_then(|smtp| smtp.login().err()),
        ];
        found.into_iter().flatten().collect()
    }
}

/// An address that is a secret, as the settings have it. A credential wins over them.
#[derive(Debug)]
pub struct UrlSetting<'a> {
    pub key: &'static str,
    credential: &'static str,
    pub url: Option<&'a SecretUrl>,
    pub file: Option<&'a Path>,
}

impl UrlSetting<'_> {
    pub fn find(&self) -> Result<Option<SecretUrl>, SecretError> {
        let places = Places {
            credential: self.credential,
            file: self.file,
            file_name: said!("{key}_file 的檔案", "{key}_file", key = self.key),
            variable: None,
        };
        let found = places.parse(Written::parse)?;
        Ok(found.or_else(|| self.url.cloned()))
    }
}

impl Smtp {
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.security {
            // The ports that servers usually have (RFC 6409, RFC 8314, RFC 5321).
            Security::Starttls => 587,
            Security::Tls => 465,
            Security::None => 25,
        })
    }

    /// The name and the password of who logs in, if anybody does.
    pub fn login(&self) -> Result<Option<(&str, SecretString)>, SecretError> {
        let Some(username) = &self.username else {
            return Ok(None);
        };
        let places = Places {
            credential: PASSWORD_CREDENTIAL,
            file: self.password_file.as_deref(),
            file_name: said!("{PASSWORD_FILE} 的檔案", "{PASSWORD_FILE}"),
            variable: None,
        };
        let password = places.parse(line)?;
        let missing = || {
            SecretError::Unusable(said!(
                "notify.smtp 有 username 而沒有密碼：請設定 {PASSWORD_FILE}（chmod 600），\
                 或以 systemd 的 LoadCredential 提供 {PASSWORD_CREDENTIAL}",
                "notify.smtp has a username and no password: set {PASSWORD_FILE} (chmod 600), \
                 or provide {PASSWORD_CREDENTIAL} with systemd's LoadCredential"
            ))
        };
        Ok(Some((username, password.ok_or_else(missing)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_no_more_than_its_origin() {
        for (address, shown) in [
            (
                "https://hooks.example.org/services/T0/B0/hush",
                "https://hooks.example.org/…",
            ),
            (
                "http://127.0.0.1:8000/ping/hush?key=hush",
                "http://127.0.0.1:8000/…",
            ),
            (
                "https://ntfy.example.org:443/hush",
                "https://ntfy.example.org/…",
            ),
        ] {
            let url: SecretUrl = Written::parse(address).expect("an address");
            assert_eq!(
                (format!("{url}"), format!("{url:?}")),
                (shown.to_owned(), shown.to_owned())
            );
            assert!(url.expose().as_str().contains("hush"));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        for text in [
            "",
            "hush",
            "hooks.example.org/hush",
            "ftp://example.org/hush",
            "https://hush@example.org/",
            "https://:hush@example.org/",
            "https://example.org/#hush",
            "https://example.org:hush/",
        ] {
            let problem = SecretUrl::parse(text).expect_err(text);
            assert!(!problem.contains("hush"), "{text}: {problem}");
        }
    }
}
