//! The status as a table for people.

use comfy_table::CellAlignment;

use super::{DayStatus, StatusReport, TaskState, no_record};
use crate::analysis::Verdict;
use crate::analysis::usage::dates;
use crate::formats::table;
use crate::model::{said, text};
use crate::report::first_reasons::first_reasons;

impl StatusReport<'_> {
    /// The table, and below it what is missing and what stopped.
    pub fn text(&self) -> String {
        if let Some(nothing) = self.nothing() {
            return nothing;
        }
        let runs = self.runs();
        let header = [
            text("日期", "Date"),
            text("狀態", "State"),
            text("節點", "Nodes"),
            text("讀數", "Readings"),
            text("任務資訊", "Task info"),
        ];
        let table = table::lines(header, runs.iter().map(|run| row(run)), CellAlignment::Left);
        let mut text: String = table.into_iter().map(|line| line + "\n").collect();
        let reasons: Vec<_> = runs
            .iter()
            .flat_map(|run| first_reasons(date_of(run), &run[0].reasons))
            .collect();
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
        let is_nothing = |day: &DayStatus| day.reasons == [no_record()];
        self.days.iter().all(is_nothing).then(|| {
            let (days, data_dir) = (dates(first.date, last.date), self.data_dir.display());
            said!(
                "{days}：{missing}，資料目錄 {data_dir} 中{no_record}\
                 （若資料在別處，請以 --data-dir 或設定檔的 data_dir 指定）\n",
                "{days}: {missing}, {no_record} in the data directory {data_dir} \
                 (if the data is elsewhere, name it with --data-dir or data_dir in the settings file)\n",
                missing = Verdict::Missing.word(),
                no_record = no_record()
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
        Some(TaskState::Known) => text("有", "known"),
        Some(TaskState::NotAsked) => text("未查詢", "not asked"),
        Some(TaskState::Early) => text("不完整", "incomplete"),
        Some(TaskState::Unavailable) => text("無", "none"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Completeness, Coverage};
    use crate::model::{ExitStatus, Language};
    use pretty_assertions::assert_eq;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn day(date: &str, verdict: Verdict, found: usize, reasons: &[&str]) -> DayStatus {
        let coverage = Coverage { found, due: 4608 };
        DayStatus {
            date: date.parse().expect("a date"),
            completeness: Completeness { verdict, coverage },
            nodes_written: 4,
            nodes: 4,
            task_information: Some(TaskState::Early),
            reasons: reasons.iter().map(ToString::to_string).collect(),
            shortfalls: BTreeSet::new(),
            last_run: None,
            last_exit_status: None,
        }
    }

    fn text_in_english(days: Vec<DayStatus>) -> String {
        let report = StatusReport {
            data_dir: Path::new("/data"),
            days,
            stopped: Vec::new(),
            exit_status: ExitStatus::Complete,
        };
        Language::English.in_it(|| report.text())
    }

    #[test]
    fn the_table_is_in_english_as_well() {
        let many: Vec<_> = (1..=7).map(|node| format!("n{node}: no files")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        let text = text_in_english(vec![
            day("2025-07-28", Verdict::Missing, 0, &["no run record"]),
            day("2025-07-29", Verdict::Missing, 0, &["no run record"]),
            day("2025-07-30", Verdict::Complete, 4608, &[]),
            day("2025-07-31", Verdict::Incomplete, 3456, &many),
            day("2025-08-01", Verdict::Running, 2304, &[]),
        ]);
        assert_eq!(
            text,
            "Date                      State          Nodes  Readings            Task info\n\
             2025-07-28 to 2025-07-29  missing        -      -                   -\n\
             2025-07-30                complete       4/4    4608/4608 (100.0%)  incomplete\n\
             2025-07-31                incomplete     4/4    3456/4608 (75.0%)   incomplete\n\
             2025-08-01                still running  4/4    2304/4608 (50.0%)   incomplete\n\
             \n\
             2025-07-28 to 2025-07-29: no run record\n\
             2025-07-31: n1: no files\n\
             2025-07-31: n2: no files\n\
             2025-07-31: n3: no files\n\
             2025-07-31: n4: no files\n\
             2025-07-31: n5: no files\n\
             2025-07-31: 2 more (see --json)\n"
        );
    }

    #[test]
    fn days_of_which_none_was_collected_are_one_line() {
        let text = text_in_english(vec![
            day("2025-07-28", Verdict::Missing, 0, &["no run record"]),
            day("2025-07-29", Verdict::Missing, 0, &["no run record"]),
        ]);
        assert_eq!(
            text,
            "2025-07-28 to 2025-07-29: missing, no run record in the data directory /data \
             (if the data is elsewhere, name it with --data-dir or data_dir in the settings file)\n"
        );
    }
}
