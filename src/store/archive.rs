//! What the data directory holds, for whoever only looks.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use super::day_files::DayFiles;
use super::state::{ReadError, State};
use crate::model::cluster::GpuFileNumber;

/// A data directory to be read. It need not exist, and another run may be writing it: every file is whole.
#[derive(Debug)]
pub struct Archive {
    pub root: PathBuf,
    pub gpu_files: GpuFileNumber,
    pub state: State,
}

impl Archive {
    /// The data directory `root`.
    pub fn new(root: &Path, gpu_files: GpuFileNumber) -> Self {
        Self {
            root: root.to_owned(),
            gpu_files,
            state: State::new(root),
        }
    }

    /// The files of a day.
    pub fn day(&self, date: NaiveDate) -> DayFiles<'_> {
        DayFiles {
            root: &self.root,
            gpu_files: self.gpu_files,
            date,
            recorded: self.state.cards(date),
        }
    }

    /// The management API's answer that was kept for a day, if any.
    pub fn kept_tasks(&self, date: NaiveDate) -> Option<Vec<u8>> {
        self.state.kept_tasks(date)
    }

    /// What was kept of who was told of idle GPUs, if anything.
    pub fn alerts(&self) -> Result<Option<Vec<u8>>, ReadError> {
        self.state.alerts()
    }

    /// The file that keeps it.
    pub fn alerts_file(&self) -> PathBuf {
        self.state.alerts_file()
    }

    /// The record of the runs of a day, if any.
    pub fn run_record(&self, date: NaiveDate) -> Result<Option<Vec<u8>>, ReadError> {
        self.state.run_record(date)
    }
}
