//! What a run leaves for monitoring, however it ended.

use std::path::Path;
use std::time::Instant;

use crate::console;
use crate::exit_status::ExitStatus;
use crate::metrics::{self, LastRun};
use crate::output::{self, MetricsFileError};
use crate::report::{Collected, DayResult, RunReport};

use super::failure;
use super::request::now;

/// The metrics file of a run, if one is asked for.
#[derive(Debug)]
pub(super) struct MetricsFile<'a> {
    path: Option<&'a Path>,
    started: Instant,
}

impl<'a> MetricsFile<'a> {
    /// The file of a run that starts now.
    pub(super) fn new(path: Option<&'a Path>) -> Self {
        Self {
            path,
            started: Instant::now(),
        }
    }

    /// Tells of a run that collected. Where that cannot be told, the run is not complete.
    pub(super) fn tell<'b>(&self, mut collected: Collected<'b>) -> Collected<'b> {
        let day = collected.days.iter().rev().find_map(DayResult::report);
        if let Err(error) = self.write(collected.exit_status(), day) {
            console::fail(&error);
            collected.add_untold(&error);
        }
        collected
    }

    /// Tells of a run that `error` ended.
    pub(super) fn tell_failure(&self, error: &anyhow::Error) {
        if let Err(error) = self.write(failure::exit_status(error), None) {
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
        let run = LastRun {
            ended_at: now(),
            duration: self.started.elapsed(),
            exit_status,
            day,
        };
        output::replace_metrics(path, metrics::is_metrics, |earlier| {
            metrics::render(&run, earlier)
        })
    }
}
