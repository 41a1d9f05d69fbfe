//! The message about a run that collects.

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;

use super::message::{Message, hostname};
use super::outsiders;
use crate::analysis::Severity;
use crate::analysis::usage::dates;
use crate::model::{ExitStatus, comma, said, text};
use crate::report::notice::{Notice, first_of_each_kind};
use crate::report::{Collected, DayResult, NodeReport};

pub enum Ended<'a> {
    Collected(&'a Collected<'a>),
    Failed {
        error: &'a anyhow::Error,
        exit_status: ExitStatus,
        /// The days that were to be collected, as far as they are known.
        dates: &'a [NaiveDate],
    },
}

impl Ended<'_> {
    pub fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Collected(collected) => collected.exit_status(),
            Self::Failed { exit_status, .. } => *exit_status,
        }
    }

    /// Whether cron would send its output of a run with `--quiet`: also warnings are output, those of the run itself
    /// and those of its days.
    pub fn is_problem(&self, warnings: &[String]) -> bool {
        let has_notices = match self {
            Self::Collected(collected) => {
                let mut reports = collected.days.iter().filter_map(DayResult::report);
                reports.any(|report| !report.notices.is_empty())
            }
            Self::Failed { .. } => false,
        };
        self.exit_status() != ExitStatus::Complete || !warnings.is_empty() || has_notices
    }

    /// Without `include_users`, it names no user and nothing else that the management API says.
    pub fn message(&self, warnings: &[String], include_users: bool) -> Message {
        let host = hostname();
        let verdict = match self {
            Self::Collected(collected) => collected.verdict().word(),
            Self::Failed { exit_status, .. } => failure(*exit_status),
        };
        let caveat = match self.exit_status() {
            ExitStatus::Complete if self.is_problem(warnings) => {
                text("，但有警告", ", with warnings")
            }
            _ => "",
        };
        let dates = self.dates();
        let subject = said!(
            "daily-gpu-log {host}：{verdict}{caveat}{dates}",
            "daily-gpu-log {host}: {verdict}{caveat}{dates}"
        );
        let mut lines: Vec<_> = warnings
            .iter()
            .map(|warning| line(Severity::Warning, warning))
            .collect();
        lines.extend(match self {
            Self::Collected(collected) => day_lines(collected, include_users),
            // What the management API says is in no error that ends a run or a day: such errors are notices.
            Self::Failed { error, .. } => vec![line(Severity::Error, format_args!("{error:#}"))],
        });
        let (status, version) = (u8::from(self.exit_status()), env!("CARGO_PKG_VERSION"));
        let signature = said!(
            "主機 {host}，結束狀態 {status}，daily-gpu-log {version}",
            "host {host}, exit status {status}, daily-gpu-log {version}"
        );
        Message::new(&subject, lines, &signature)
    }

    fn dates(&self) -> String {
        let all: Vec<NaiveDate> = match self {
            Self::Collected(collected) => collected.days.iter().map(date).collect(),
            Self::Failed { dates, .. } => dates.to_vec(),
        };
        match (all.first(), all.last()) {
            (Some(first), Some(last)) => {
                let dates = dates(*first, *last);
                said!("（{dates}）", " ({dates})")
            }
            _ => String::new(),
        }
    }
}

fn failure(status: ExitStatus) -> &'static str {
    match status {
        ExitStatus::Usage => text("用法錯誤", "wrong usage"),
        ExitStatus::Configuration => text("設定或憑證錯誤", "wrong settings or credentials"),
        ExitStatus::Locked => text(
            "資料目錄正由另一次執行使用",
            "another run holds the data directory",
        ),
        ExitStatus::Interrupted => text("被中斷", "interrupted"),
        ExitStatus::Complete | ExitStatus::Incomplete | ExitStatus::Failed => {
            text("失敗", "failed")
        }
    }
}

fn date(day: &DayResult) -> NaiveDate {
    match day {
        DayResult::Collected(report) => report.date,
        DayResult::Failed { date, .. } => *date,
    }
}

fn day_lines(collected: &Collected, include_users: bool) -> Vec<String> {
    let failed = collected.failed_outputs.iter();
    let mut lines: Vec<_> = failed.map(|why| line(Severity::Error, why)).collect();
    lines.extend(collected.given_up_lines.iter().cloned());
    if collected.days.is_empty() {
        lines.push(text("沒有需要收集的日期", "No day needs to be collected").to_owned());
    }
    for day in &collected.days {
        match day {
            DayResult::Collected(report) => {
                lines.push(report.day_line());
                lines.extend(notice_lines(&report.notices, include_users));
                if include_users {
                    lines.extend(report.nodes.iter().filter_map(user_line));
                }
            }
            DayResult::Failed { date, error, .. } => {
                lines.push(said!("{date}：失敗", "{date}: failed"));
                lines.push(line(Severity::Error, error));
            }
        }
    }
    lines
}

/// A line of each notice, as on stderr. Without names, many may read the same, which are then counted.
fn notice_lines(notices: &[Notice], include_users: bool) -> Vec<String> {
    let notice_line = |notice: &Notice| {
        let message = if include_users {
            notice.to_string()
        } else {
            outsiders::message(notice)
        };
        line(notice.severity(), message)
    };
    let lines: Vec<_> = notices
        .iter()
        .map(|notice| (notice, notice_line(notice)))
        .collect();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (_, line) in &lines {
        *counts.entry(line.clone()).or_default() += 1;
    }
    let counted = lines.into_iter().filter_map(|(notice, line)| {
        let line = match counts.remove(&line)? {
            1 => line,
            count => said!("{line}（共 {count} 則）", "{line} ({count} times)"),
        };
        Some((notice, line))
    });
    let (named, others) = first_of_each_kind(counted, |(notice, _)| notice);
    let named = named.into_iter().map(|(_, line)| line);
    let others = others.iter();
    named
        .chain(others.map(|others| line(others.severity, others)))
        .collect()
}

fn line(severity: Severity, message: impl fmt::Display) -> String {
    match severity {
        Severity::Error => said!("錯誤：{message}", "error: {message}"),
        Severity::Warning => said!("警告：{message}", "warning: {message}"),
    }
}

/// Who held which GPU of a node, if anything of the node was written.
fn user_line(node: &NodeReport) -> Option<String> {
    let gpus = &node.files.as_ref()?.gpus;
    let held = gpus.iter().filter_map(|gpu| {
        let users = gpu.held.as_ref()?.users();
        (!users.is_empty()).then(|| format!("{} {}", gpu.index, users.join(comma())))
    });
    let held: Vec<String> = held.collect();
    let users = if gpus.iter().any(|gpu| gpu.held.is_none()) {
        text("無任務資訊", "no task information").to_owned()
    } else if held.is_empty() {
        text("無", "none").to_owned()
    } else {
        held.join(text("；", "; "))
    };
    let node = &node.node.name;
    Some(said!(
        "{node} 的使用者：{users}",
        "users of {node}: {users}"
    ))
}
