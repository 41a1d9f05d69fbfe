//! A chat that takes messages over HTTP, as Slack, Mattermost and ntfy do.

use serde_json::json;

use super::Undelivered;
use super::address::Address;
use super::message::Message;

/// ntfy takes messages of 4,096 bytes, Slack and Mattermost longer ones; and it is a chat.
const LIMIT_BYTES: usize = 4000;

pub fn post(address: &Address, message: &Message) -> Result<(), Undelivered> {
    let deadline = address.deadline();
    let body = json!({ "text": message.text(LIMIT_BYTES) }).to_string();
    let (http, url) = (address.http(), address.url.expose());
    let posted = http.post(url, "application/json", &body, deadline);
    posted.map_or_else(
        |error| Err(address.undelivered("", error.to_string())),
        |_| Ok(()),
    )
}
