//! What the data directory holds, for whoever only looks.

use std::path::PathBuf;

use chrono::NaiveDate;

use super::state::{ReadError, StateFile};
use super::write::Modes;
use crate::analysis::DayRecord;
use crate::model::{GpuFileNumber, Language, ReadableBy};
use crate::settings::{ArchiveDirs, Config};

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
        match self.tasks(date).read() {
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
        let file = self.run(date).read()?;
        Ok(file.and_then(|file| serde_json::from_slice(&file).ok()))
    }

    pub fn cards(&self, date: NaiveDate) -> StateFile {
        self.file_of_day("cards", date)
    }

    fn file_of_day(&self, kind: &str, date: NaiveDate) -> StateFile {
        self.state(&format!("{kind}/{date}.json"))
    }

    pub fn state(&self, name: &str) -> StateFile {
        StateFile::new(&self.root, self.readable_by, name)
    }
}
