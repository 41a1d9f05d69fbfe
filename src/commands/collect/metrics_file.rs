//! What a run leaves for monitoring, however it ended.

use std::path::Path;
use std::time::Instant;

use crate::commands::calendar::now;
use crate::model::ExitStatus;
use crate::outlets::console;
use crate::outlets::metrics::{self, MetricsFileError, RunEnd};
use crate::report::RunReport;

#[derive(Debug)]
pub struct MetricsFile<'a> {
    pub path: Option<&'a Path>,
    pub started: Instant,
}

impl MetricsFile<'_> {
    /// Writes how the run ended, with the figures of a day. That it cannot be written is logged.
    pub fn write(
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
        metrics::write(path, &run).inspect_err(|error| console::fail(error))
    }
}
