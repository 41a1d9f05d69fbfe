//! The values of the settings that are written as text.

use std::net::IpAddr;

use chrono_tz::Tz;
use lettre::message::Mailbox;
use serde::{Deserialize, Deserializer};
use url::{Host, Url};

use super::duration;
use crate::model::{Interval, Written, problem, redacted, said};

impl Written for Url {
    fn parse(text: &str) -> Result<Self, String> {
        if text.contains('@') {
            // The text is not repeated: it may hold a password.
            return Err(credentials_in_url());
        }
        let example = said!("請寫成 http://主機:埠", "write http://host:port");
        let url = Self::parse(text);
        let text = redacted(text);
        match url {
            Ok(url) if !matches!(url.scheme(), "http" | "https") => Err(said!(
                "「{text}」不是 http:// 或 https://：{example}",
                "'{text}' is not an http:// or https:// URL: {example}"
            )),
            Ok(url) if url.query().is_some() || url.fragment().is_some() => Err(said!(
                "「{text}」不可含有 ? 或 # 之後的部分",
                "'{text}' must not have a part after ? or #"
            )),
            Ok(url) => Ok(url),
            Err(url::ParseError::RelativeUrlWithoutBase) => Err(said!(
                "「{text}」沒有 http:// 或 https://：{example}",
                "'{text}' has no http:// or https://: {example}"
            )),
            Err(error) => Err(said!(
                "「{text}」不是網址（{error}）：{example}",
                "'{text}' is not a URL ({error}): {example}"
            )),
        }
    }
}

impl Written for Tz {
    fn parse(text: &str) -> Result<Self, String> {
        let unknown = |_| {
            let text = redacted(text);
            said!(
                "不認得的時區「{text}」，請用 IANA 名稱，例如 Asia/Taipei",
                "unknown time zone '{text}': use an IANA name, such as Asia/Taipei"
            )
        };
        text.parse().map_err(unknown)
    }
}

impl Written for Interval {
    fn parse(text: &str) -> Result<Self, String> {
        let duration = duration::parse(text)?;
        let interval = Self::from_seconds(duration.as_secs());
        let interval = interval.filter(|_| duration.subsec_nanos() == 0);
        interval.ok_or_else(|| {
            said!(
                "「{text}」必須是能整除一小時的整數分鐘，例如 10m",
                "'{text}' must be whole minutes that divide an hour, such as 10m"
            )
        })
    }
}

impl Written for Mailbox {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| {
            let text = redacted(text);
            said!(
                "「{text}」不是電子郵件地址，例如 admin@example.org 或 管理員 <admin@example.org>",
                "'{text}' is not a mail address, such as admin@example.org or Admin <admin@example.org>"
            )
        })
    }
}

pub fn credentials_in_url() -> String {
    said!(
        "網址不可含有帳號或密碼",
        "a URL must not contain a user name or a password"
    )
}

pub fn host<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let host = String::deserialize(deserializer)?;
    if host.parse::<IpAddr>().is_ok() || matches!(Host::parse(&host), Ok(Host::Domain(_))) {
        return Ok(host);
    }
    let host = redacted(&host);
    Err(problem(said!(
        "「{host}」不是主機名稱或 IP 位址，例如 smtp.example.org；埠請寫在 port",
        "'{host}' is not a host name or an IP address, such as smtp.example.org; the port goes into port"
    )))
}
