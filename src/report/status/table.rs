//! The status as a table for people.

use comfy_table::CellAlignment;

use super::{DayStatus, NO_RECORD, StatusReport, TaskState};
use crate::analysis::Verdict;
use crate::analysis::usage::dates;
use crate::formats::table;
use crate::model::Capped;

impl StatusReport<'_> {
    /// The table, and below it what is missing and what stopped.
    pub fn text(&self) -> String {
        if let Some(nothing) = self.nothing() {
            return nothing;
        }
        let runs = self.runs();
        let header = ["日期", "狀態", "節點", "讀數", "任務資訊"];
        let table = table::lines(header, runs.iter().map(|run| row(run)), CellAlignment::Left);
        let mut text: String = table.into_iter().map(|line| line + "\n").collect();
        let reasons: Vec<_> = runs.iter().flat_map(|run| reasons(run)).collect();
        let stopped = self.stopped.iter().map(|stopped| stopped.message.clone());
        let stopped: Vec<_> = stopped.collect();
        for lines in [reasons, stopped] {
            if !lines.is_empty() {
                text.push('\n');
                text.extend(lines.into_iter().map(|line| line + "\n"));
            }
        }
        text
    }

    /// One line, where none of the days was collected.
    fn nothing(&self) -> Option<String> {
        let (first, last) = (self.days.first()?, self.days.last()?);
        let is_nothing = |day: &DayStatus| day.reasons == [NO_RECORD];
        self.days.iter().all(is_nothing).then(|| {
            let (days, data_dir) = (dates(first.date, last.date), self.data_dir.display());
            format!(
                "{days}：{}，資料目錄 {data_dir} 中{NO_RECORD}\
                 （若資料在別處，請以 --data-dir 或設定檔的 data_dir 指定）\n",
                Verdict::Missing.word()
            )
        })
    }

    /// The days, of which missing or moved ones that follow each other for the same reason are one run.
    fn runs(&self) -> Vec<&[DayStatus]> {
        let is_same = |one: &DayStatus, next: &DayStatus| {
            let follows = one.date.succ_opt() == Some(next.date);
            follows && !has_figures(one) && !has_figures(next) && one.reasons == next.reasons
        };
        self.days.chunk_by(is_same).collect()
    }
}

/// Whether it has figures of its own in the table.
fn has_figures(day: &DayStatus) -> bool {
    !matches!(day.completeness.verdict, Verdict::Missing | Verdict::Moved)
}

fn date_of(run: &[DayStatus]) -> String {
    dates(run[0].date, run[run.len() - 1].date)
}

fn row(run: &[DayStatus]) -> [String; 5] {
    let day = &run[0];
    let verdict = day.completeness.verdict;
    let (date, verdict_word) = (date_of(run), verdict.word().to_owned());
    if !has_figures(day) {
        let [nodes, readings, tasks] = ["-"; 3].map(str::to_owned);
        return [date, verdict_word, nodes, readings, tasks];
    }
    let tasks = match day.task_information {
        Some(TaskState::Known) => "有",
        Some(TaskState::NotAsked) => "未查詢",
        Some(TaskState::Early) => "不完整",
        Some(TaskState::Unavailable) => "無",
        None => "-",
    };
    [
        date,
        verdict_word,
        format!("{}/{}", day.nodes_written, day.nodes),
        day.completeness.coverage.to_string(),
        tasks.to_owned(),
    ]
}

/// The first five reasons; JSON has them all.
fn reasons(run: &[DayStatus]) -> Vec<String> {
    let date = date_of(run);
    let reasons = run[0].reasons.iter();
    let reasons: Capped<_, 5> = reasons.map(|reason| format!("{date}：{reason}")).collect();
    reasons.followed_by(|more| format!("{date}：還有 {more} 項（以 --json 查看）"))
}
