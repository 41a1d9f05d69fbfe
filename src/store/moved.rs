//! Months that were moved away from the data directory, by `archive` or, without the program's own state, by the old
//! suite's archiver: `<dir>/<YYYY-MM>/` has the tree's layout. No run ever changes them.

use std::fs;
use std::io;
use std::path::PathBuf;

use chrono::NaiveDate;

use super::archive::Archive;
use crate::model::said;
use crate::settings::ArchiveDirs;

#[derive(Debug, thiserror::Error)]
#[error("{}", said!(
    "無法讀取 archive_dirs 的 {path}：{cause}（其中的日期視為不存在）",
    "cannot read {path} of archive_dirs: {cause}; its days count as missing",
    path = .path.display()
))]
pub struct ArchiveDirError {
    path: PathBuf,
    cause: io::Error,
}

impl Archive {
    /// The trees in which a day may lie that was moved away.
    pub fn months(&self, date: NaiveDate) -> impl Iterator<Item = PathBuf> {
        let month = date.format("%Y-%m").to_string();
        let dirs = self.moved.paths().iter();
        dirs.map(move |dir| dir.join(&month))
    }

    /// Which of the places for such months cannot be read, or are named and not there.
    pub fn unreadable_archive_dirs(&self) -> Vec<ArchiveDirError> {
        let is_usual = matches!(self.moved, ArchiveDirs::Usual(_));
        let dirs = self.moved.paths().iter();
        let unreadable = dirs.filter_map(|path| match fs::read_dir(path) {
            Err(cause) if !is_usual || path.exists() => {
                let path = path.clone();
                Some(ArchiveDirError { path, cause })
            }
            _ => None,
        });
        unreadable.collect()
    }
}
