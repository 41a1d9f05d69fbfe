//! Whether there is a token, and for how long.

use chrono_tz::Tz;

use super::{Check, Subject};
use crate::model::{UnixSeconds, clock};
use crate::settings::{SecretError, Token};

pub fn token(token: &Result<Token, SecretError>, zone: Tz, now: UnixSeconds) -> Check {
    let token = match token {
        Ok(token) => token,
        Err(error) => return Check::error(Subject::Token, error.to_string()),
    };
    let from = format!("（取自 {}）", token.origin.description);
    let Some(end) = token.expires_at() else {
        return Check::ok(Subject::Token, format!("Token{from}：沒有註明期限"));
    };
    let at = clock(zone, end);
    if end <= now {
        let message = format!("Token{from}已於 {at} 過期：請換新的 Token");
        Check::error(Subject::Token, message)
    } else if token.ends_soon(now).is_some() {
        let left = time_left(end - now);
        let message = format!("Token{from}將於 {at} 過期，只剩{left}：請換新的 Token");
        Check::warning(Subject::Token, message)
    } else {
        Check::ok(Subject::Token, format!("Token{from}：有效期限到 {at}"))
    }
}

pub fn time_left(seconds: UnixSeconds) -> String {
    match seconds / (24 * 3600) {
        0 => "不到一天".to_owned(),
        days => format!("{days} 天"),
    }
}
