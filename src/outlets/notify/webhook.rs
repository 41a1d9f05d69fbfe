//! A chat that takes messages over HTTP, as Slack, Mattermost and ntfy do.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::address::Address;
use super::message::Message;
use super::{TRIES, Undelivered};
use crate::settings::SecretUrl;

/// ntfy takes messages of 4,096 bytes, Slack and Mattermost longer ones; and it is a chat.
const LIMIT_BYTES: usize = 4000;

/// A chat.
#[derive(Debug)]
pub struct Webhook {
    url: SecretUrl,
    key: String,
    timeout: Duration,
}

impl Webhook {
    pub fn new(url: SecretUrl, key: String, timeout: Duration) -> Self {
        Self { url, key, timeout }
    }

    pub fn deliver(&self, message: &Message) -> Result<(), Undelivered> {
        #[derive(Serialize)]
        struct Body {
            text: String,
        }
        let text = message.text(LIMIT_BYTES);
        let body = serde_json::to_string(&Body { text }).expect("a text is JSON");
        let deadline = Instant::now() + self.timeout * TRIES;
        // Only now: it may read the system's certificates.
        let address = Address::new(self.url.clone(), self.key.clone(), self.timeout);
        let posted = address.post(address.url(), "application/json", &body, deadline);
        match posted {
            Ok(_) => Ok(()),
            Err(error) => Err(address.undelivered("", error.to_string())),
        }
    }
}
