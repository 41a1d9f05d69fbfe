//! A chat that takes messages over HTTP, as Slack, Mattermost and ntfy do.

use serde_json::json;

use super::Undelivered;
use super::address::Address;
use super::message::Message;

/// ntfy takes messages of 4,096 bytes, Slack and Mattermost longer ones; and it is a chat.
const LIMIT_BYTES: usize = 4000;

/// The text in which nothing is a mention, a link or markup of any chat: what agents and users wrote may be in it.
fn without_markup(text: &str) -> String {
    let harmless = |c| match c {
        '<' => '‹',
        '>' => '›',
        '@' => '＠',
        '*' => '＊',
        '`' => 'ˋ',
        c => c,
    };
    let text: String = text.chars().map(harmless).collect();
    text.replace("://", ":⁄⁄")
}

pub fn post(address: &Address, message: &Message) -> Result<(), Undelivered> {
    let deadline = address.deadline();
    let body = json!({ "text": message.map(without_markup).text(LIMIT_BYTES) }).to_string();
    let (http, url) = (address.http(), address.url.expose());
    let posted = http.post(url, "application/json", &body, deadline);
    posted.map_or_else(
        |error| Err(address.undelivered("", error.to_string())),
        |_| Ok(()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_no_mention_link_or_markup() {
        let text = "<!channel> @all *b* `c` [d](https://example.org|e) 節點 n_1";
        let harmless = "‹!channel› ＠all ＊b＊ ˋcˋ [d](https:⁄⁄example.org|e) 節點 n_1";
        assert_eq!(without_markup(text), harmless);
    }
}
