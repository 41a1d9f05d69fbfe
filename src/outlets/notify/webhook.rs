//! A chat that takes messages over HTTP, as Slack, Mattermost and ntfy do.

use std::fmt;
use std::time::Instant;

use serde_json::{Value, json};

use super::address::Address;
use super::message::Message;
use super::{TRIES, Undelivered};
use crate::model::{said, text};

/// ntfy takes messages of 4,096 bytes, Slack and Mattermost longer ones; and it is a chat.
const LIMIT_BYTES: usize = 4000;

/// The text without the signs that mention somebody, set something off, or make a link of a text that looks like none:
/// what agents and users wrote may be in it. Names and paths stay as they are, whatever a chat makes of `_` or `#`.
fn without_markup(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    for c in text.chars() {
        let is_after = |before: &str| {
            let (text, before) = (harmless.as_bytes(), before.as_bytes());
            let start = text.len().checked_sub(before.len());
            start.is_some_and(|start| text[start..].eq_ignore_ascii_case(before))
        };
        harmless.push(match c {
            '<' => '‹',
            '>' => '›',
            '@' => '＠',
            '*' => '＊',
            '`' => 'ˋ',
            '~' => '～',
            '(' if is_after("]") => '（',
            '.' if is_after("www") => '．',
            c => c,
        });
    }
    harmless.replace("://", ":⁄⁄")
}

pub fn post(address: &Address, message: &Message) -> Result<(), Undelivered> {
    let deadline = Instant::now() + address.timeout * TRIES;
    let body = json!({ "text": message.map(without_markup).text(LIMIT_BYTES) }).to_string();
    let (http, url) = (address.http(), address.url.expose());
    let posted = http.post(url, "application/json", &body, deadline);
    let refused = posted.map(|answer| refusal(&answer));
    match refused.map_err(|error| error.to_string()) {
        Ok(None) => Ok(()),
        Ok(Some(why)) | Err(why) => Err(address.undelivered("", why)),
    }
}

/// Why a message was not taken although the status is a success: DingTalk and WeCom answer `errcode`, Feishu `code`,
/// Slack's and Telegram's APIs `ok`, and Teams a text. Nothing of the answer is quoted but a number.
fn refusal(answer: &[u8]) -> Option<String> {
    if answer.starts_with(b"Webhook message delivery failed") {
        let refusal = text(
            "對方回應成功，但內容表示沒有送達",
            "it answered with success, but says that nothing was delivered",
        );
        return Some(refusal.to_owned());
    }
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let codes = ["errcode", "code", "StatusCode"].into_iter();
    let mut codes = codes.filter_map(|key| Some((key, answer.get(key)?.as_i64()?)));
    if let Some((key, code)) = codes.find(|(_, code)| !matches!(code, 0 | 200)) {
        return Some(refused(format_args!("{key} {code}")));
    }
    let is_refused = answer.get("ok") == Some(&Value::Bool(false));
    is_refused.then(|| refused(format_args!("ok false")))
}

fn refused(code: fmt::Arguments) -> String {
    said!(
        "對方回應成功，但拒絕了訊息（{code}）",
        "it answered with success, but refused the message ({code})"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Language;

    #[test]
    fn a_success_may_be_a_refusal() {
        for (answer, code) in [
            (
                r#"{"errcode":310000,"errmsg":"keywords not in content"}"#,
                Some("errcode 310000"),
            ),
            (
                r#"{"code":19001,"data":{},"msg":"param invalid"}"#,
                Some("code 19001"),
            ),
            (
                r#"{"ok":false,"error":"invalid_payload"}"#,
                Some("ok false"),
            ),
            (
                "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429",
                Some("沒有送達"),
            ),
            (r#"{"errcode":0,"errmsg":"ok"}"#, None),
            (
                r#"{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}"#,
                None,
            ),
            (r#"{"ok":true}"#, None),
            ("ok", None),
            ("1", None),
            ("", None),
            (r#"{"id":"x","time":1754006400,"event":"message"}"#, None),
        ] {
            let refused = refusal(answer.as_bytes());
            assert_eq!(refused.is_some(), code.is_some(), "{answer}");
            assert!(
                refused
                    .unwrap_or_default()
                    .contains(code.unwrap_or_default()),
                "{answer}"
            );
        }
    }

    #[test]
    fn a_refusal_is_said_in_english() {
        for (answer, why) in [
            (
                r#"{"ok":false}"#,
                "it answered with success, but refused the message (ok false)",
            ),
            (
                r#"{"errcode":310000}"#,
                "it answered with success, but refused the message (errcode 310000)",
            ),
            (
                "Webhook message delivery failed",
                "it answered with success, but says that nothing was delivered",
            ),
        ] {
            let refused = Language::English.in_it(|| refusal(answer.as_bytes()));
            assert_eq!(refused.as_deref(), Some(why));
        }
    }

    #[test]
    fn what_others_wrote_is_no_mention_link_or_markup() {
        for (text, harmless) in [
            (
                "<!channel> @all *b* `c` ~~d~~",
                "‹!channel› ＠all ＊b＊ ˋcˋ ～～d～～",
            ),
            ("[d](https://example.org|e)", "[d]（https:⁄⁄example.org|e)"),
            ("[d](www.example.org)", "[d]（www．example.org)"),
            ("WWW.example.org", "WWW．example.org"),
        ] {
            assert_eq!(without_markup(text), harmless);
        }
        let plain = "[management_api] 節點 n_1（/srv/gpu_log/n-1.csv，#7，75.0%）(a|b)";
        assert_eq!(without_markup(plain), plain);
    }
}
