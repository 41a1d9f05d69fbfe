//! The program's own state beside the tree, in `<data-dir>/.daily-gpu-log/`: what runs keep for later ones.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::write::{WriteError, put, put_by};
use crate::model::{Modes, ReadableBy, if_there, said};
use crate::settings::regular_file::{self, NOT_REGULAR};

pub const STATE_DIRECTORY: &str = ".daily-gpu-log";
/// The file whose lock a run holds.
pub const LOCK: &str = "lock";

#[derive(Debug, thiserror::Error)]
#[error("{}", said!(
    "無法讀取 {path}：{cause}（請以收集時的使用者執行）",
    "cannot read {path}: {cause}; run as the user that collects",
    path = .path.display()
))]
pub struct ReadError {
    pub path: PathBuf,
    pub cause: io::Error,
}

impl ReadError {
    /// Whether there is no file in that place, but a pipe, a link or nothing: a new file may take it.
    pub fn is_of_no_file(&self) -> bool {
        let is_file = || fs::symlink_metadata(&self.path).is_ok_and(|found| found.is_file());
        match self.cause.kind() {
            io::ErrorKind::NotADirectory => true,
            NOT_REGULAR => !is_file(),
            _ => false,
        }
    }
}

/// A file of the state, which need not exist. Only a run that holds the lock may write it.
#[derive(Debug)]
pub struct StateFile {
    pub path: PathBuf,
    modes: Modes,
}

impl StateFile {
    pub fn new(root: &Path, readable_by: ReadableBy, name: impl AsRef<Path>) -> Self {
        Self {
            path: root.join(STATE_DIRECTORY).join(name),
            modes: Modes::of_state(readable_by),
        }
    }

    pub fn read(&self) -> Result<Option<Vec<u8>>, ReadError> {
        if_there(regular_file::read(&self.path)).map_err(|cause| ReadError {
            path: self.path.clone(),
            cause,
        })
    }

    /// Puts the file in place, so that it is whole also after a power cut.
    pub fn keep(&self, contents: &[u8]) -> Result<(), WriteError> {
        put(&self.path, self.modes, contents, File::sync_all)
    }

    /// Puts a value in place as JSON, written as it is made: that of thousands of nodes is large. A power cut may empty
    /// the file.
    pub fn keep_json_unsynced(&self, value: &impl Serialize) -> Result<(), WriteError> {
        put_by(&self.path, self.modes, |file| {
            let mut file = BufWriter::new(file);
            serde_json::to_writer(&mut file, value)?;
            file.write_all(b"\n")?;
            file.flush()
        })
    }

    pub fn remove(&self) -> Result<(), WriteError> {
        let removed = if_there(fs::remove_file(&self.path));
        removed.map(drop).map_err(WriteError::at(&self.path))
    }
}
