//! Files that are written beside their targets, to be put in place whole.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::layout::CardRecord;
use super::write::{FILE_MODE, WriteError, keep_aside, temporary};

/// A node's files, in place.
#[derive(Debug)]
pub struct InPlace {
    pub directory: PathBuf,
    /// The node, and the cards that they are of.
    pub record: (String, CardRecord),
    /// The files that were there before and are kept under another name, with that.
    pub set_aside: BTreeMap<PathBuf, PathBuf>,
}

/// A node's files, not yet in place.
#[derive(Debug)]
pub struct Staged {
    directory: PathBuf,
    /// The node, and the cards that the files are of.
    record: (String, CardRecord),
    /// In the order in which they are put in place.
    files: Vec<(TempPath, PathBuf)>,
    /// What is there now and must not be lost.
    asides: Vec<PathBuf>,
}

impl Staged {
    /// An empty batch for `directory`.
    pub fn new(directory: PathBuf, record: (String, CardRecord)) -> Self {
        Self {
            directory,
            record,
            files: Vec::new(),
            asides: Vec::new(),
        }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Writes `contents` beside the file `name`.
    pub fn add(&mut self, name: &str, contents: &[u8]) -> Result<(), WriteError> {
        let target = self.directory.join(name);
        let temporary = self.write(&target, contents);
        let temporary = temporary.map_err(WriteError::at(&target))?;
        self.files.push((temporary, target));
        Ok(())
    }

    fn write(&self, target: &Path, contents: &[u8]) -> io::Result<TempPath> {
        // The only thing that could keep a whole file from its place, once others are in theirs.
        if target.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let mut file = temporary(&self.directory, FILE_MODE)?;
        file.as_file_mut().write_all(contents)?;
        Ok(file.into_temp_path())
    }

    /// Whether a file is to take the place of the one at `path`.
    pub fn replaces(&self, path: &Path) -> bool {
        self.files.iter().any(|(_, target)| target == path)
    }

    /// When the files are put in place, the one that is at `path` now is to have another name.
    pub fn set_aside(&mut self, path: PathBuf) {
        self.asides.push(path);
    }

    /// Puts the files in place.
    ///
    /// What is set aside has its second name before anything changes, and loses its first one, where that does not
    /// become a new file's, after everything has.
    pub fn put_in_place(self) -> Result<InPlace, WriteError> {
        let mut set_aside = BTreeMap::new();
        for path in &self.asides {
            set_aside.insert(path.clone(), keep_aside(path)?);
        }
        let targets: Vec<_> = self
            .files
            .iter()
            .map(|(_, target)| target.clone())
            .collect();
        for (temporary, target) in self.files {
            let placed = temporary.persist(&target);
            placed.map_err(|error| WriteError::at(&target)(error.error))?;
        }
        for path in self.asides {
            if !targets.contains(&path) {
                fs::remove_file(&path).map_err(WriteError::at(&path))?;
            }
        }
        Ok(InPlace {
            directory: self.directory,
            record: self.record,
            set_aside,
        })
    }
}
