//! Which months were moved away, and which stayed for the sake of a day.

use std::path::Path;

use chrono::NaiveDate;
use indicatif::HumanBytes;
use serde::Serialize;

use super::first_reasons::first_reasons;
use crate::model::{ExitStatus, counted, said, text};
use crate::store::Size;

#[derive(Debug, Serialize)]
pub struct ArchiveReport<'a> {
    #[serde(skip)]
    pub data_dir: &'a Path,
    /// The first month that stays in any case.
    pub before: String,
    pub directory: String,
    pub dry_run: bool,
    pub months: Vec<MonthReport>,
    pub exit_status: ExitStatus,
}

#[derive(Debug, Serialize)]
pub struct MonthReport {
    pub month: String,
    pub state: MonthState,
    /// Where it is, or is to be.
    pub directory: String,
    pub days: usize,
    pub files: usize,
    pub bytes: u64,
    pub kept_by: Vec<KeptBy>,
    /// Why it was not moved as a whole.
    pub error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MonthState {
    Moved,
    /// It would be, without `--dry-run`.
    ToMove,
    Stays,
    /// Not all of it was moved, for an error.
    Failed,
}

/// A day for whose sake its month stays.
#[derive(Debug, Serialize)]
pub struct KeptBy {
    pub date: NaiveDate,
    pub reasons: Vec<String>,
    /// Whether it is for what it lacks.
    #[serde(skip)]
    pub lacks: bool,
}

impl<'a> ArchiveReport<'a> {
    pub fn new(
        (data_dir, directory): (&'a Path, &Path),
        before: String,
        dry_run: bool,
        months: Vec<MonthReport>,
    ) -> Self {
        let is = |state| move |month: &MonthReport| month.state == state;
        let has_moved = months.iter().any(is(MonthState::Moved));
        let exit_status = if months.iter().any(is(MonthState::Failed)) && !has_moved {
            ExitStatus::Failed
        } else {
            let is_well =
                |month: &MonthReport| matches!(month.state, MonthState::Moved | MonthState::ToMove);
            ExitStatus::incomplete_unless(months.iter().all(is_well))
        };
        Self {
            data_dir,
            before,
            directory: directory.display().to_string(),
            dry_run,
            months,
            exit_status,
        }
    }

    pub fn text(&self) -> String {
        if self.months.is_empty() {
            let (data_dir, before) = (self.data_dir.display(), &self.before);
            return said!(
                "沒有要移出的月份：資料目錄 {data_dir} 中沒有 {before} 之前的資料\n",
                "No month to move: the data directory {data_dir} has no days before {before}\n"
            );
        }
        let lines = self.months.iter().flat_map(MonthReport::lines);
        let mut lines: String = lines.map(|line| line + "\n").collect();
        let mut kept_by = self.months.iter().flat_map(|month| &month.kept_by);
        if kept_by.any(|day| day.lacks) {
            lines.push_str(text(
                "要移出留下的月份：請指定列出的日期再收集一次，即使 Netdata 已沒有更多讀數，然後再執行這個命令\n",
                "To move the months that stay: collect the listed days once more by date, even if Netdata has no more readings, and run this again\n",
            ));
        }
        lines
    }
}

impl MonthReport {
    pub fn new(
        month: String,
        directory: &Path,
        state: MonthState,
        days: usize,
        size: Size,
    ) -> Self {
        Self {
            month,
            state,
            directory: directory.display().to_string(),
            days,
            files: size.files,
            bytes: size.bytes,
            kept_by: Vec::new(),
            error: None,
        }
    }

    fn lines(&self) -> Vec<String> {
        let Self {
            month, directory, ..
        } = self;
        let days = counted(self.days, "天", "day", "days");
        let files = counted(self.files, "個檔案", "file", "files");
        let size = HumanBytes(self.bytes);
        match self.state {
            MonthState::Moved => vec![said!(
                "{month}：已移到 {directory}（{days}、{files}，{size}）",
                "{month}: moved to {directory} ({days}, {files}, {size})"
            )],
            MonthState::ToMove => vec![said!(
                "{month}：將移到 {directory}（{days}、{files}，{size}）",
                "{month}: to be moved to {directory} ({days}, {files}, {size})"
            )],
            MonthState::Failed => vec![said!(
                "{month}：沒有全部移到 {directory}，請再執行一次",
                "{month}: not all of it was moved to {directory}, run this again"
            )],
            MonthState::Stays => {
                let kept_by = counted(self.kept_by.len(), "天", "day", "days");
                let stays = said!(
                    "{month}：整個月留在資料目錄，因為有 {kept_by}還不能移出",
                    "{month}: stays in the data directory as a whole: {kept_by} cannot be moved yet"
                );
                let days = self.kept_by.iter();
                let days = days.flat_map(|day| first_reasons(day.date, &day.reasons));
                [stays].into_iter().chain(days).collect()
            }
        }
    }
}
