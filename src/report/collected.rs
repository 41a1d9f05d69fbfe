//! The result of a run that collects: of each of its days.

use chrono::NaiveDate;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::day::RunReport;
use super::plan::GivenUp;
use crate::model::exit_status::ExitStatus;

/// What became of the days of a run, oldest first.
#[derive(Debug, Default)]
pub struct Collected<'a> {
    /// The days.
    pub days: Vec<DayResult<'a>>,
    /// What `--catch-up` found incomplete and did not collect again.
    pub given_up: Vec<GivenUp>,
    /// The same as lines for people.
    pub given_up_lines: Vec<String>,
    /// What did not take all that was to be said of them, and why: standard output, the metrics file, the log file. Each once.
    pub failed_outputs: Vec<String>,
}

/// What became of one day.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum DayResult<'a> {
    /// It was collected, as far as the report says.
    Collected(Box<RunReport<'a>>),
    /// It could not be collected at all.
    Failed {
        /// The day.
        date: NaiveDate,
        /// Why.
        error: String,
        /// No node was asked.
        nodes: [(); 0],
        /// The error has all that is to be said.
        notices: [(); 0],
        /// Failed.
        exit_status: ExitStatus,
    },
}

impl<'a> DayResult<'a> {
    /// A day that could not be collected at all.
    pub fn failed(date: NaiveDate, error: &anyhow::Error) -> Self {
        Self::Failed {
            date,
            error: format!("{error:#}"),
            nodes: [],
            notices: [],
            exit_status: ExitStatus::Failed,
        }
    }

    /// How the day ended.
    pub fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Collected(report) => report.exit_status,
            Self::Failed { exit_status, .. } => *exit_status,
        }
    }

    /// Its report, if it was collected.
    pub fn report(&self) -> Option<&RunReport<'a>> {
        match self {
            Self::Collected(report) => Some(report),
            Self::Failed { .. } => None,
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

    /// Remembers what kept the result from being told. Whoever is told of the run another way learns of that.
    pub fn add_failed_output(&mut self, why: &impl ToString) {
        let why = why.to_string();
        if !self.failed_outputs.contains(&why) {
            self.failed_outputs.push(why);
        }
    }

    /// How the run ended: failed only if no day has anything new.
    pub fn exit_status(&self) -> ExitStatus {
        let all = |status| self.days.iter().all(|day| day.exit_status() == status);
        if all(ExitStatus::Complete) {
            // The files are in place, but whoever reads the output does not know.
            if self.failed_outputs.is_empty() {
                ExitStatus::Complete
            } else {
                ExitStatus::Incomplete
            }
        } else if all(ExitStatus::Failed) {
            ExitStatus::Failed
        } else {
            ExitStatus::Incomplete
        }
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
