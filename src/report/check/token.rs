//! Whether there is a token, and for how long.

use chrono_tz::Tz;

use super::{Check, Subject};
use crate::model::{UnixSeconds, clock, said, text};
use crate::settings::{SecretError, Token};

pub fn token(token: &Result<Token, SecretError>, zone: Tz, now: UnixSeconds) -> Check {
    let token = match token {
        Ok(token) => token,
        Err(error) => return Check::error(Subject::Token, error.to_string()),
    };
    let from = &token.origin.description;
    let Some(end) = token.expires_at() else {
        let message = said!(
            "Token（取自 {from}）：沒有註明期限",
            "token (from {from}): states no expiry"
        );
        return Check::ok(Subject::Token, message);
    };
    let at = clock(zone, end);
    if end <= now {
        let message = said!(
            "Token（取自 {from}）已於 {at} 過期：請換新的 Token",
            "token (from {from}) expired at {at}: renew the token"
        );
        Check::error(Subject::Token, message)
    } else if token.ends_soon(now).is_some() {
        let left = time_left(end - now);
        let message = said!(
            "Token（取自 {from}）將於 {at} 過期，{left}：請換新的 Token",
            "token (from {from}) expires at {at}, {left}: renew the token"
        );
        Check::warning(Subject::Token, message)
    } else {
        let message = said!(
            "Token（取自 {from}）：有效期限到 {at}",
            "token (from {from}): valid until {at}"
        );
        Check::ok(Subject::Token, message)
    }
}

pub fn time_left(seconds: UnixSeconds) -> String {
    match seconds / (24 * 3600) {
        0 => text("只剩不到一天", "less than a day left").to_owned(),
        1 => said!("只剩 1 天", "1 day left"),
        days => said!("只剩 {days} 天", "{days} days left"),
    }
}
