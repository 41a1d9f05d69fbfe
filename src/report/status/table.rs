//! The status as a table for people.

use std::fmt;

use comfy_table::CellAlignment;

use super::stopped::StoppedNode;
use super::{DayStatus, StatusReport, TaskState, Verdict};
use crate::formats::table;

/// How many reasons of a day are shown; JSON has them all.
const REASONS_SHOWN: usize = 5;

impl StatusReport {
    /// The table, and below it what is missing and what stopped.
    pub fn text(&self) -> String {
        let header = ["日期", "狀態", "節點", "讀數", "任務資訊"];
        let table = table::lines(header, self.days.iter().map(row), CellAlignment::Left);
        let mut text: String = table.into_iter().map(|line| line + "\n").collect();
        let reasons: Vec<_> = self.days.iter().flat_map(reasons).collect();
        let stopped: Vec<_> = self.stopped.iter().map(StoppedNode::message).collect();
        for lines in [reasons, stopped] {
            if !lines.is_empty() {
                text.push('\n');
                text.extend(lines.into_iter().map(|line| line + "\n"));
            }
        }
        text
    }
}

fn row(day: &DayStatus) -> [String; 5] {
    let verdict = day.verdict.to_string();
    if day.verdict == Verdict::Missing {
        let nothing = || "-".to_owned();
        return [
            day.date.to_string(),
            verdict,
            nothing(),
            nothing(),
            nothing(),
        ];
    }
    let coverage = day.coverage;
    [
        day.date.to_string(),
        verdict,
        format!("{}/{}", day.nodes_written, day.nodes),
        format!(
            "{}/{} ({:.1}%)",
            coverage.found,
            coverage.due,
            coverage.percent()
        ),
        match day.task_information {
            Some(TaskState::Known) => "有",
            Some(TaskState::NotAsked) => "未查詢",
            Some(TaskState::Early) => "不完整",
            Some(TaskState::Unknown) => "無",
            None => "-",
        }
        .to_owned(),
    ]
}

fn reasons(day: &DayStatus) -> Vec<String> {
    let date = day.date;
    let shown = day.reasons.iter().take(REASONS_SHOWN);
    let mut lines: Vec<_> = shown.map(|reason| format!("{date}：{reason}")).collect();
    let more = day.reasons.len().saturating_sub(REASONS_SHOWN);
    if more > 0 {
        lines.push(format!("{date}：還有 {more} 項（以 --json 查看）"));
    }
    lines
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Complete => "完整",
            Self::Running => "尚未結束",
            Self::Incomplete => "不完整",
            Self::Missing => "缺少",
        })
    }
}
