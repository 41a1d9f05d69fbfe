//! A secret address that messages are posted to.

use std::time::Duration;

use super::{TRIES, Undelivered};
use crate::settings::{Patience, SecretError, SecretUrl, UrlSetting};
use crate::sources::http::{Connections, Http};

#[derive(Debug)]
pub struct Address {
    pub url: SecretUrl,
    key: &'static str,
    pub timeout: Duration,
}

impl Address {
    pub fn find(setting: &UrlSetting, timeout: Duration) -> Result<Option<Self>, SecretError> {
        let url = setting.find()?;
        Ok(url.map(|url| Self {
            url,
            key: setting.key,
            timeout,
        }))
    }

    /// What posts to the address. Making it may read the system's certificates, which takes time.
    pub fn http(&self) -> Http {
        let patience = Patience {
            timeout: self.timeout,
            connect_timeout: self.timeout,
            deadline: self.timeout * TRIES,
            retries: TRIES as usize - 1,
            ..Patience::default()
        };
        Http::new(&patience, Connections::Close, [self.url.expose()])
            .with_secret_urls()
            // Nothing else brings the message, and no later run makes up for it.
            .retrying_refusals()
    }

    /// `signal` names the message, in parentheses, where the address gets more than one.
    pub fn undelivered(&self, signal: &'static str, reason: String) -> Undelivered {
        Undelivered::Http {
            address: self.url.to_string(),
            signal,
            reason,
            key: self.key.to_owned(),
        }
    }
}
