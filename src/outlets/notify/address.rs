//! An address that messages are posted to, and that is a secret.

use std::time::{Duration, Instant};

use url::Url;

use super::{TRIES, Undelivered};
use crate::settings::Patience;
use crate::settings::SecretUrl;
use crate::sources::http::{Connections, Http, HttpError};

/// An address, and what reaches it.
#[derive(Debug)]
pub struct Address {
    url: SecretUrl,
    key: String,
    http: Http,
}

impl Address {
    /// The address that the settings have under `key`. A try takes at most `timeout`.
    pub fn new(url: SecretUrl, key: String, timeout: Duration) -> Self {
        let patience = Patience {
            timeout,
            connect_timeout: timeout,
            deadline: timeout * TRIES,
            retries: TRIES as usize - 1,
        };
        let http = Http::new(patience, Connections::Close, [url.expose()])
            .with_secret_urls()
            // Nobody else tells, and no later run makes up for it.
            .retrying_refusals();
        Self { url, key, http }
    }

    /// The address itself.
    pub fn url(&self) -> &Url {
        self.url.expose()
    }

    /// Posts `body` to `url`, which is the address or lies below it.
    pub fn post(
        &self,
        url: &Url,
        content_type: &'static str,
        body: &str,
        deadline: Instant,
    ) -> Result<Vec<u8>, HttpError> {
        self.http.post(url, content_type, body, deadline)
    }

    /// That who is at the address was not told of `signal`.
    pub fn undelivered(&self, signal: &'static str, reason: String) -> Undelivered {
        Undelivered::Http {
            address: self.url.to_string(),
            signal,
            reason,
            key: self.key.clone(),
        }
    }
}
