//! The result of a run that collects: of each of its days.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::day::{RunReport, reasons};
use super::plan::GivenUp;
use crate::analysis::{Completeness, Coverage, Verdict, run_status};
use crate::model::{ExitStatus, comma, counted, said, text};

/// The days of a run, oldest first.
#[derive(Debug, Default)]
pub struct Collected<'a> {
    pub days: Vec<DayResult<'a>>,
    /// What `--catch-up` found incomplete and did not collect again.
    pub given_up: Vec<GivenUp<'a>>,
    /// The same as lines for people.
    pub given_up_lines: Vec<String>,
    /// Outputs that failed (standard output, the metrics file, the log file) with the reason, each once.
    pub failed_outputs: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum DayResult<'a> {
    Collected(Box<RunReport<'a>>),
    /// It was not collected at all: no node was asked, and there is no notice besides the error.
    Failed {
        date: NaiveDate,
        error: String,
        /// The readings that there are of it all the same.
        #[serde(flatten)]
        coverage: Coverage,
        nodes: [(); 0],
        notices: [(); 0],
        exit_status: ExitStatus,
    },
}

impl<'a> DayResult<'a> {
    pub fn report(&self) -> Option<&RunReport<'a>> {
        match self {
            Self::Collected(report) => Some(report),
            Self::Failed { .. } => None,
        }
    }

    fn completeness(&self) -> Completeness {
        match self {
            Self::Collected(report) => report.completeness,
            &Self::Failed { coverage, .. } => Completeness {
                verdict: Verdict::Failed,
                coverage,
            },
        }
    }

    fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Collected(report) => report.exit_status,
            Self::Failed { exit_status, .. } => *exit_status,
        }
    }
}

impl Collected<'_> {
    /// Lets go of the figures of the days so far, which of a thousand nodes and a year are more than memory has room
    /// for.
    pub fn forget_figures(&mut self) {
        for day in &mut self.days {
            if let DayResult::Collected(report) = day {
                report.nodes = Vec::new();
            }
        }
    }

    /// Remembers what kept the result from being printed or written, for those who read of the run another way.
    pub fn add_failed_output(&mut self, why: &impl ToString) {
        let why = why.to_string();
        if !self.failed_outputs.contains(&why) {
            self.failed_outputs.push(why);
        }
    }

    pub fn exit_status(&self) -> ExitStatus {
        let days: Vec<_> = self.days.iter().map(DayResult::exit_status).collect();
        run_status(&days, self.failed_outputs.is_empty())
    }

    /// The run in a word: what most needs attention.
    pub fn verdict(&self) -> Verdict {
        let days = self.days.iter().map(|day| day.completeness().verdict);
        let worst = days.clone().max();
        let mut days = days;
        match self.exit_status() {
            ExitStatus::Complete => worst.unwrap_or(Verdict::Complete),
            ExitStatus::Failed => Verdict::Failed,
            _ if days.all(|day| day == Verdict::Failed) => Verdict::Failed,
            _ => Verdict::Incomplete,
        }
    }

    pub fn result_line(&self) -> String {
        let verdicts = self.days.iter().map(|day| day.completeness().verdict);
        let mut verdicts: Vec<_> = verdicts.collect();
        verdicts.sort_unstable();
        let same = verdicts.chunk_by(Verdict::eq);
        let ended = same.map(|days| {
            let (count, word) = (days.len(), days[0].word());
            said!("{count} 天{word}", "{count} {word}")
        });
        let ended: Vec<_> = ended.collect();
        let coverage = Coverage::sum(self.days.iter().map(|day| day.completeness().coverage));
        let reports = self.days.iter().filter_map(DayResult::report);
        let incomplete = reports.filter(|report| report.exit_status == ExitStatus::Incomplete);
        let shortfalls: BTreeSet<_> = incomplete.flat_map(|day| day.shortfalls.clone()).collect();
        let word = match self.verdict() {
            Verdict::Failed => text("失敗", "Failed"),
            _ => text("完成", "Done"),
        };
        let days = counted(self.days.len(), "天", "day", "days");
        let (ended, reasons) = (ended.join(comma()), reasons(&shortfalls));
        said!(
            "{word}：{days}中 {ended}，讀數 {coverage}{reasons}",
            "{word}: of {days}, {ended}; readings {coverage}{reasons}"
        )
    }
}

impl Serialize for Collected<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Collected", 4)?;
        object.serialize_field("version", env!("CARGO_PKG_VERSION"))?;
        object.serialize_field("days", &self.days)?;
        object.serialize_field("given_up", &self.given_up)?;
        object.serialize_field("exit_status", &self.exit_status())?;
        object.end()
    }
}
