//! The secrets of the notifications: where they come from, and what may be shown of them.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{Login, Notify, UrlSetting, UrlSource};
use crate::settings::private_file::{self, NoSecret};

/// The name of the mail server's password among a service's credentials.
const PASSWORD_CREDENTIAL: &str = "smtp-password";
/// The key of its file.
const PASSWORD_FILE: &str = "notify.smtp.password_file";

/// A secret that cannot be had. Whoever is told with it is not told, and nothing else changes.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Its file cannot be read. The path is not shown: it may be the secret itself, in the wrong place.
    #[error("無法讀取 {place}：{cause}")]
    Unreadable {
        /// The key or the credential.
        place: String,
        /// Why.
        cause: io::Error,
    },
    /// Users other than the owner may read its file.
    #[error("{place} {path} 可被其他使用者讀取（權限 {mode:04o}）：請執行 chmod 600 {path}", path = .path.display())]
    Exposed {
        /// The key.
        place: String,
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// What the file holds cannot be it.
    #[error("{place}內容不能用：{problem}")]
    Malformed {
        /// The key or the credential.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
    /// There is a user name for the mail server, and no password.
    #[error(
        "notify.smtp 有 username 而沒有密碼：請設定 {PASSWORD_FILE}（chmod 600），\
         或以 systemd 的 LoadCredential 提供 {PASSWORD_CREDENTIAL}"
    )]
    NoPassword,
}

/// An address that only those may know who may write there. It shows no more of itself than its origin.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(Url);

impl SecretUrl {
    /// Reads an address, or says what is wrong with it without repeating any of it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text.trim())
            .map_err(|error| format!("不是網址（{error}）：請寫成 https://主機/路徑"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("不是 http:// 或 https:// 的網址".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("網址不可含有帳號或密碼".to_owned());
        }
        if url.fragment().is_some() {
            return Err("網址不可含有 # 之後的部分".to_owned());
        }
        Ok(Self(url))
    }

    /// The address itself, for the request that goes there.
    pub fn expose(&self) -> &Url {
        &self.0
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
    /// The keys whose place a credential of the service takes, each with the name of the credential.
    pub fn credentials(&self) -> Vec<(String, String)> {
        let urls = [&self.healthcheck, &self.webhook];
        let urls = urls.map(|setting| (setting.key(), setting.credential()));
        let login = self.smtp.as_ref().and_then(|smtp| smtp.login.as_ref());
        let password = login.map(|_| (PASSWORD_FILE.to_owned(), PASSWORD_CREDENTIAL.to_owned()));
        let all = urls.into_iter().chain(password);
        all.filter(|(_, name)| private_file::credential(name).is_some())
            .collect()
    }

    /// Why those secrets cannot be had that are needed to tell everybody.
    pub fn missing_secrets(&self) -> Vec<SecretError> {
        let login = self.smtp.as_ref().and_then(|smtp| smtp.login.as_ref());
        let found = [
            self.healthcheck.find().err(),
            self.webhook.find().err(),
            login.and_then(|login| login.password().err()),
        ];
        found.into_iter().flatten().collect()
    }
}

impl UrlSetting {
    pub fn none(name: &'static str) -> Self {
        Self { name, source: None }
    }

    /// The key of the address itself.
    pub fn key(&self) -> String {
        format!("notify.{}_url", self.name)
    }

    /// The name of the address among a service's credentials.
    fn credential(&self) -> String {
        format!("{}-url", self.name)
    }

    /// The address from the first of its sources that has one: the credential of a service, the settings.
    pub fn find(&self) -> Result<Option<SecretUrl>, SecretError> {
        let credential = self.credential();
        if let Some(path) = private_file::credential(&credential) {
            return read_url(
                &format!("憑證 {credential} 的檔案"),
                &path,
                private_file::read_credential,
            )
            .map(Some);
        }
        match &self.source {
            None => Ok(None),
            Some(UrlSource::Settings(url)) => Ok(Some(url.clone())),
            Some(UrlSource::File(path)) => {
                let place = format!("{}_file 的檔案", self.key());
                read_url(&place, path, private_file::read_private).map(Some)
            }
        }
    }
}

fn read_url(place: &str, path: &Path, read: Read) -> Result<SecretUrl, SecretError> {
    let text = read_secret(place, path, read)?;
    SecretUrl::parse(text.expose_secret()).map_err(|problem| SecretError::Malformed {
        place: place.to_owned(),
        problem,
    })
}

impl Login {
    /// The password from the first of its sources that has one: the credential of a service, the file.
    pub fn password(&self) -> Result<SecretString, SecretError> {
        let credential = private_file::credential(PASSWORD_CREDENTIAL);
        let (place, text) = match (credential, &self.password_file) {
            (Some(path), _) => {
                let place = format!("憑證 {PASSWORD_CREDENTIAL} 的檔案");
                let text = read_secret(&place, &path, private_file::read_credential)?;
                (place, text)
            }
            (None, Some(path)) => {
                let place = format!("{PASSWORD_FILE} 的檔案");
                let text = read_secret(&place, path, private_file::read_private)?;
                (place, text)
            }
            (None, None) => return Err(SecretError::NoPassword),
        };
        // A password may begin or end with a space.
        let password = text.expose_secret().trim_end_matches(['\r', '\n']);
        if password.is_empty() || password.contains(char::is_control) {
            let problem = "必須是一行密碼".to_owned();
            return Err(SecretError::Malformed { place, problem });
        }
        Ok(password.into())
    }
}

type Read = fn(&Path) -> Result<SecretString, NoSecret>;

fn read_secret(place: &str, path: &Path, read: Read) -> Result<SecretString, SecretError> {
    let place = || place.to_owned();
    read(path).map_err(|problem| match problem {
        NoSecret::Unreadable(cause) => SecretError::Unreadable {
            place: place(),
            cause,
        },
        NoSecret::Exposed { mode } => SecretError::Exposed {
            place: place(),
            path: path.to_owned(),
            mode,
        },
    })
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
            let url = SecretUrl::parse(address).expect("an address");
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
