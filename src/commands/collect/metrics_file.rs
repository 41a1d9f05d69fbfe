//! What a run leaves for monitoring, however it ended.

use std::path::Path;
use std::time::Instant;

use crate::commands::calendar::now;
use crate::commands::failure;
use crate::model::exit_status::ExitStatus;
use crate::outlets::console;
use crate::outlets::metrics::{self, MetricsFileError, RunEnd};
use crate::report::{Collected, DayResult, RunReport};

/// The metrics file of a run, if one is asked for.
#[derive(Debug)]
pub struct MetricsFile<'a> {
    path: Option<&'a Path>,
    started: Instant,
}

impl<'a> MetricsFile<'a> {
    pub fn new(path: Option<&'a Path>, started: Instant) -> Self {
        Self { path, started }
    }

    /// Writes how a run that collected ended. Where that cannot be written, the run is not complete.
    pub fn write_result<'b>(&self, mut collected: Collected<'b>) -> Collected<'b> {
        let day = collected.days.iter().rev().find_map(DayResult::report);
        if let Err(error) = self.write(collected.exit_status(), day) {
            console::fail(&error);
            collected.add_failed_output(&error);
        }
        collected
    }

    pub fn write_failure(&self, error: &anyhow::Error) {
        if let Err(error) = self.write(failure::exit_status(error), None) {
            console::fail(error);
        }
    }

    pub fn write_interrupted(&self) {
        if let Err(error) = self.write(ExitStatus::Interrupted, None) {
            console::fail(error);
        }
    }

    fn write(
        &self,
        exit_status: ExitStatus,
        day: Option<&RunReport>,
    ) -> Result<(), MetricsFileError> {
        let Some(path) = self.path else {
            return Ok(());
        };
        let run = RunEnd {
            ended_at: now(),
            duration: self.started.elapsed(),
            exit_status,
            day,
        };
        metrics::write(path, &run)
    }
}
