//! The values of the settings that are written as text.

use std::net::IpAddr;

use chrono_tz::Tz;
use lettre::message::Mailbox;
use serde::{Deserialize, Deserializer};
use url::{Host, Url};

use super::duration;
use crate::model::{Interval, Written, problem, redacted};

impl Written for Url {
    fn parse(text: &str) -> Result<Self, String> {
        if text.contains('@') {
            // The text is not repeated: it may hold a password.
            return Err("網址不可含有帳號或密碼".to_owned());
        }
        let example = "請寫成 http://主機:埠";
        let url = Self::parse(text);
        let text = redacted(text);
        match url {
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                Err(format!("「{text}」不是 http:// 或 https://：{example}"))
            }
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                Err(format!("「{text}」不可含有 ? 或 # 之後的部分"))
            }
            Ok(url) => Ok(url),
            Err(url::ParseError::RelativeUrlWithoutBase) => {
                Err(format!("「{text}」沒有 http:// 或 https://：{example}"))
            }
            Err(error) => Err(format!("「{text}」不是網址（{error}）：{example}")),
        }
    }
}

impl Written for Tz {
    fn parse(text: &str) -> Result<Self, String> {
        let unknown = |_| {
            let text = redacted(text);
            format!("不認得的時區「{text}」，請用 IANA 名稱，例如 Asia/Taipei")
        };
        text.parse().map_err(unknown)
    }
}

impl Written for Interval {
    fn parse(text: &str) -> Result<Self, String> {
        let duration = duration::parse(text)?;
        let interval = Self::from_seconds(duration.as_secs());
        let interval = interval.filter(|_| duration.subsec_nanos() == 0);
        interval.ok_or_else(|| format!("「{text}」必須是能整除一小時的整數分鐘，例如 10m"))
    }
}

impl Written for Mailbox {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| {
            let text = redacted(text);
            format!(
                "「{text}」不是電子郵件地址，例如 admin@example.org 或 管理員 <admin@example.org>"
            )
        })
    }
}

pub fn host<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let host = String::deserialize(deserializer)?;
    if host.parse::<IpAddr>().is_ok() || matches!(Host::parse(&host), Ok(Host::Domain(_))) {
        return Ok(host);
    }
    let host = redacted(&host);
    Err(problem(format_args!(
        "「{host}」不是主機名稱或 IP 位址，例如 smtp.example.org；埠請寫在 port"
    )))
}
