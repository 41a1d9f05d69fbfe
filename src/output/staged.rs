//! Files that are written beside their targets, to be put in place whole.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::WriteError;

/// Task data is personal: the group may read it, others may not. The umask may take more away.
pub(super) const FILE_MODE: u32 = 0o640;
/// How temporary files are called, so that none of another program is taken for one.
const PREFIX: &str = ".daily-gpu-log.";
const SUFFIX: &str = ".tmp";

/// A node's files, not yet in place.
#[derive(Debug)]
pub struct Staged {
    directory: PathBuf,
    /// In the order in which they are put in place.
    files: Vec<(TempPath, PathBuf)>,
    /// What is there now and must not be lost.
    asides: Vec<PathBuf>,
}

impl Staged {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self {
            directory,
            files: Vec::new(),
            asides: Vec::new(),
        }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Writes `contents` beside the file `name`.
    pub(super) fn add(&mut self, name: &str, contents: &[u8]) -> Result<(), WriteError> {
        let target = self.directory.join(name);
        let temporary = self.write(&target, contents).map_err(|cause| WriteError {
            path: target.clone(),
            cause,
        })?;
        self.files.push((temporary, target));
        Ok(())
    }

    fn write(&self, target: &Path, contents: &[u8]) -> io::Result<TempPath> {
        // The only thing that could keep a whole file from its place, once others are in theirs.
        if target.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let mut file = temporary()
            .permissions(Permissions::from_mode(FILE_MODE))
            .tempfile_in(&self.directory)?;
        file.write_all(contents)?;
        Ok(file.into_temp_path())
    }

    /// When the files are put in place, the file `name` that is there now is to have another name.
    pub(super) fn set_aside(&mut self, name: &str) {
        self.asides.push(self.directory.join(name));
    }

    /// Puts the files in place, and answers the directory that they are in.
    pub(super) fn put_in_place(self) -> Result<PathBuf, WriteError> {
        for path in self.asides {
            let has_successor = self.files.iter().any(|(_, target)| *target == path);
            let kept = keep_aside(&path).and_then(|()| {
                if has_successor {
                    Ok(())
                } else {
                    fs::remove_file(&path)
                }
            });
            kept.map_err(|cause| WriteError { path, cause })?;
        }
        for (temporary, target) in self.files {
            temporary.persist(&target).map_err(|error| WriteError {
                path: target.clone(),
                cause: error.error,
            })?;
        }
        Ok(self.directory)
    }
}

/// Gives the file at `path` a second name that says that it could not be read.
fn keep_aside(path: &Path) -> io::Result<()> {
    let mut number = 1;
    loop {
        let mut aside = path.as_os_str().to_owned();
        aside.push(format!(".unreadable{number}"));
        // A second name, not a new one: at no moment is the file under neither.
        match fs::hard_link(path, &aside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // A run that was killed between this and the renaming has done it already.
                if fs::metadata(&aside)?.ino() == fs::metadata(path)?.ino() {
                    return Ok(());
                }
                number += 1;
            }
            linked => return linked,
        }
    }
}

/// Makes files that are not in place yet.
pub(super) fn temporary() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    builder
}

/// Whether a file of this name is one that a run has not put in place.
pub(super) fn is_temporary(name: &str) -> bool {
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}
