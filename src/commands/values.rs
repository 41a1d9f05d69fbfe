//! The values of options, read from their text.

use std::ops::RangeInclusive;
use std::time::Duration;

use clap::builder::{NonEmptyStringValueParser, StringValueParser, TypedValueParser};

use crate::model::{composed, said};

/// How many nodes are collected at once, to begin with, unless `--jobs` says otherwise. The wait for an agent's answer
/// is what takes the time, so it is no function of the machine's cores.
pub const DEFAULT_JOBS: u16 = 64;

/// How many nodes are collected at once at most. A thread and at most two sockets each: below the usual limit of
/// 1,024 open files.
pub const MOST_JOBS: u16 = 400;

/// Longer than any Netdata keeps its samples by default.
pub const MOST_DAYS: u16 = 366;

pub fn parse_within(text: &str, bounds: RangeInclusive<u16>, unit: &str) -> Result<u16, String> {
    let number = text.parse().ok().filter(|number| bounds.contains(number));
    let (least, most) = bounds.into_inner();
    number.ok_or_else(|| {
        said!(
            "「{text}」不是 {least} 到 {most} 的{unit}",
            "'{text}' is not {unit} from {least} to {most}"
        )
    })
}

pub fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: u32 = text
        .parse()
        .map_err(|_| said!("「{text}」不是秒數", "'{text}' is not a number of seconds"))?;
    Ok(Duration::from_secs(seconds.into()))
}

/// A name in the form in which names are compared.
pub fn node_name() -> impl TypedValueParser<Value = String> {
    StringValueParser::new().map(|name| composed(&name))
}

/// Such a name of a user, which is not empty.
pub fn user_name() -> impl TypedValueParser<Value = String> {
    NonEmptyStringValueParser::new().map(|name| composed(&name))
}
