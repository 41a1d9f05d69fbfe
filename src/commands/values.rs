//! The values of options, read from their text.

use std::time::Duration;

/// How many nodes are collected at once, to begin with, unless `--jobs` says otherwise. The wait for an agent's answer
/// is what takes the time, so it is no function of the machine's cores.
pub const DEFAULT_JOBS: u16 = 64;

/// How many nodes are collected at once at most. A thread and at most two sockets each: below the usual limit of
/// 1,024 open files.
pub const MOST_JOBS: u16 = 400;

/// Longer than any Netdata keeps its samples by default.
const MOST_DAYS: u16 = 366;

pub fn parse_jobs(text: &str) -> Result<u16, String> {
    let jobs = text
        .parse()
        .ok()
        .filter(|jobs| (1..=MOST_JOBS).contains(jobs));
    jobs.ok_or_else(|| format!("「{text}」不是 1 到 {MOST_JOBS} 的整數"))
}

pub fn parse_days(text: &str) -> Result<u16, String> {
    let days = text.parse().ok().filter(|days| *days <= MOST_DAYS);
    days.ok_or_else(|| format!("「{text}」不是 0 到 {MOST_DAYS} 的天數"))
}

pub fn parse_some_days(text: &str) -> Result<u16, String> {
    let days = parse_days(text).ok().filter(|days| *days > 0);
    days.ok_or_else(|| format!("「{text}」不是 1 到 {MOST_DAYS} 的天數"))
}

pub fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: u32 = text.parse().map_err(|_| format!("「{text}」不是秒數"))?;
    Ok(Duration::from_secs(seconds.into()))
}
