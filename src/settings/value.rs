//! The values of the settings, read from their text.

use std::time::Duration;

use chrono_tz::Tz;
use url::Url;

use super::token;
use crate::model::day::Interval;

/// No duration of the settings can sensibly be longer.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// A key whose value makes no sense.
#[derive(Debug)]
pub struct Invalid {
    pub key: String,
    pub problem: String,
}

pub fn invalid<T>(key: impl Into<String>, problem: impl Into<String>) -> Result<T, Invalid> {
    Err(Invalid {
        key: key.into(),
        problem: problem.into(),
    })
}

pub fn parse_url(key: &str, text: &str) -> Result<Url, Invalid> {
    if text.contains('@') {
        // The text is not repeated: it may hold a password.
        return invalid(key, "網址不可含有帳號或密碼");
    }
    let example = "請寫成 http://主機:埠";
    let parsed = Url::parse(text);
    let text = shown(text);
    match parsed {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => invalid(
            key,
            format!("「{text}」不是 http:// 或 https://：{example}"),
        ),
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {
            invalid(key, format!("「{text}」不可含有 ? 或 # 之後的部分"))
        }
        Ok(url) => Ok(url),
        Err(url::ParseError::RelativeUrlWithoutBase) => invalid(
            key,
            format!("「{text}」沒有 http:// 或 https://：{example}"),
        ),
        Err(error) => invalid(key, format!("「{text}」不是網址（{error}）：{example}")),
    }
}

pub fn parse_zone(key: &str, text: &str) -> Result<Tz, Invalid> {
    text.parse().or_else(|_| {
        let text = shown(text);
        invalid(
            key,
            format!("不認得的時區「{text}」：請用 IANA 名稱，例如 Asia/Taipei"),
        )
    })
}

pub fn parse_interval(text: &str) -> Result<Interval, Invalid> {
    let duration = parse_duration("interval", text)?;
    let whole = duration.subsec_nanos() == 0;
    Interval::from_seconds(duration.as_secs())
        .filter(|_| whole)
        .map_or_else(
            || {
                invalid(
                    "interval",
                    format!("「{text}」必須是能整除一小時的整數分鐘，例如 10m"),
                )
            },
            Ok,
        )
}

pub fn parse_duration(key: &str, text: &str) -> Result<Duration, Invalid> {
    match humantime::parse_duration(text) {
        Ok(duration) if !duration.is_zero() && duration <= LONGEST => Ok(duration),
        _ => {
            let text = shown(text);
            invalid(
                key,
                format!("「{text}」不是一天以內的時間長度，例如 30s 或 10m"),
            )
        }
    }
}

/// A value as a message may show it: not what looks like a token that was put in the wrong place.
pub fn shown(value: &str) -> &str {
    if token::looks_like_one(value) {
        "…"
    } else {
        value
    }
}
