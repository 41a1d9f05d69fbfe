//! What the data directory holds, for whoever only looks.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde::de::DeserializeOwned;

use super::state::{ReadError, StateFile};
use crate::analysis::DayRecord;
use crate::model::{GpuFileNumber, Language, Modes, ReadableBy};
use crate::settings::{ArchiveDirs, Config};

/// What is kept of each day beside its files, the record last, by which a run knows what is complete.
pub const KEPT: [&str; 3] = ["tasks", "cards", "runs"];

/// A data directory to be read. It need not exist, and another run may be writing it: every file is whole.
#[derive(Debug)]
pub struct Archive {
    pub root: PathBuf,
    pub gpu_files: GpuFileNumber,
    pub file_language: Language,
    pub readable_by: ReadableBy,
    /// Where months lie that were moved away.
    pub moved: ArchiveDirs,
}

impl Archive {
    pub fn new(config: &Config) -> Self {
        Self {
            root: config.data_dir.clone(),
            gpu_files: config.gpu_files,
            file_language: config.file_language,
            readable_by: config.readable_by,
            moved: config.archive_dirs.clone(),
        }
    }

    /// The modes of what is written into the tree.
    pub fn modes(&self) -> Modes {
        Modes::of_tree(self.readable_by)
    }

    /// The management API's answer of a day. Only the owner may read it: the tree says less.
    pub fn tasks(&self, date: NaiveDate) -> StateFile {
        self.file_of_day("tasks", date)
    }

    /// The answer that was kept for a day.
    pub fn kept_tasks(&self, date: NaiveDate) -> Result<Option<Vec<u8>>, ReadError> {
        match self.read_of_day("tasks", date) {
            Err(error) if error.is_of_no_file() => Ok(None),
            read => read,
        }
    }

    /// Who was notified of idle GPUs.
    pub fn alerts(&self) -> StateFile {
        self.state("alerts.json")
    }

    /// To whom the last digest was sent.
    pub fn digest(&self) -> StateFile {
        self.state("digest.json")
    }

    pub fn run(&self, date: NaiveDate) -> StateFile {
        self.file_of_day("runs", date)
    }

    /// The record of a day, if there is one that is whole.
    pub fn record(&self, date: NaiveDate) -> Result<Option<DayRecord>, ReadError> {
        self.record_with(date)
    }

    /// The same, with its GPUs as `G`.
    pub fn record_with<G: DeserializeOwned>(
        &self,
        date: NaiveDate,
    ) -> Result<Option<DayRecord<G>>, ReadError> {
        let file = self.read_of_day("runs", date)?;
        Ok(file.and_then(|file| serde_json::from_slice(&file).ok()))
    }

    pub fn cards(&self, date: NaiveDate) -> StateFile {
        self.file_of_day("cards", date)
    }

    /// What was recorded of the cards of a day's files.
    pub fn recorded_cards(&self, date: NaiveDate) -> Result<Option<Vec<u8>>, ReadError> {
        self.read_of_day("cards", date)
    }

    /// The month in which the record of a day lies, if it was moved away.
    pub fn month_of_record(&self, date: NaiveDate) -> Option<PathBuf> {
        let is_there = |file: StateFile| fs::symlink_metadata(file.path).is_ok();
        if is_there(self.run(date)) {
            return None;
        }
        let mut months = self.months(date);
        months.find(|month| is_there(self.state_in(month, "runs", date)))
    }

    /// Where what was kept of a day may lie: here, and with its month.
    pub fn kept_files(&self, date: NaiveDate) -> Vec<PathBuf> {
        let trees = [self.root.clone()].into_iter().chain(self.months(date));
        let in_tree = |tree: PathBuf| KEPT.map(|kind| self.state_in(&tree, kind, date).path);
        trees.flat_map(in_tree).collect()
    }

    fn file_of_day(&self, kind: &str, date: NaiveDate) -> StateFile {
        self.state_in(&self.root, kind, date)
    }

    fn state_in(&self, tree: &Path, kind: &str, date: NaiveDate) -> StateFile {
        StateFile::new(tree, self.readable_by, format!("{kind}/{date}.json"))
    }

    /// What was kept of a day, here or with its month that was moved away.
    fn read_of_day(&self, kind: &str, date: NaiveDate) -> Result<Option<Vec<u8>>, ReadError> {
        let here = self.file_of_day(kind, date).read()?;
        if here.is_some() {
            return Ok(here);
        }
        let files = self.months(date);
        let mut files = files.map(|month| self.state_in(&month, kind, date));
        // A place that cannot be entered has no days.
        let moved = files.find(|file| fs::symlink_metadata(&file.path).is_ok());
        moved.map_or(Ok(None), |file| file.read())
    }

    pub fn state(&self, name: &str) -> StateFile {
        StateFile::new(&self.root, self.readable_by, name)
    }
}
