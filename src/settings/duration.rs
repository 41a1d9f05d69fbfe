//! Lengths of time, such as `1m 30s`. A field of one has `#[serde(with = "duration")]`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

use crate::model::{problem, redacted, said};

/// No duration of the settings can sensibly be longer.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Who waits for a run to end need not wait much longer for the notifications.
const LONGEST_NOTIFICATION: Duration = Duration::from_secs(60);

pub fn parse(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).ok();
    let is_sensible = |duration: &Duration| !duration.is_zero() && *duration <= LONGEST;
    duration.filter(is_sensible).ok_or_else(|| {
        let text = redacted(text);
        said!(
            "「{text}」不是一天以內的時間長度，例如 30s 或 10m",
            "'{text}' is not a duration of up to a day, such as 30s or 10m"
        )
    })
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse(&String::deserialize(deserializer)?).map_err(problem)
}

pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_duration(*duration))
}

pub fn of_notification<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let duration = parse(&text).map_err(problem)?;
    if duration > LONGEST_NOTIFICATION {
        let seconds = LONGEST_NOTIFICATION.as_secs();
        return Err(problem(said!(
            "「{text}」超過 {seconds} 秒",
            "'{text}' is more than {seconds} s"
        )));
    }
    Ok(duration)
}
