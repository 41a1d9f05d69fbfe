//! Files that are written beside their targets, to be put in place whole.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use tempfile::{Builder, NamedTempFile, TempPath};

use super::layout::CardRecord;
use super::tree::WriteError;

/// Task data is personal: the group may read it, others may not. The umask may take more away.
pub const FILE_MODE: u32 = 0o640;
/// How temporary files are called, so that none of another program is taken for one.
const PREFIX: &str = ".daily-gpu-log.";
const SUFFIX: &str = ".tmp";

/// A node's files, in place.
#[derive(Debug)]
pub struct InPlace {
    /// Where they are.
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
    /// No files yet, for `directory`, of which `record` tells whose they are.
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
            let name = keep_aside(path).map_err(|cause| WriteError {
                path: path.clone(),
                cause,
            })?;
            set_aside.insert(path.clone(), name);
        }
        let targets: Vec<_> = self
            .files
            .iter()
            .map(|(_, target)| target.clone())
            .collect();
        for (temporary, target) in self.files {
            temporary.persist(&target).map_err(|error| WriteError {
                path: target.clone(),
                cause: error.error,
            })?;
        }
        for path in self.asides {
            if !targets.contains(&path) {
                fs::remove_file(&path).map_err(|cause| WriteError { path, cause })?;
            }
        }
        Ok(InPlace {
            directory: self.directory,
            record: self.record,
            set_aside,
        })
    }
}

/// Gives the file at `path` a second name, and answers it.
pub fn keep_aside(path: &Path) -> io::Result<PathBuf> {
    let mut number = 1;
    loop {
        let mut aside = path.as_os_str().to_owned();
        aside.push(format!(".unreadable{number}"));
        match fs::hard_link(path, &aside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // A run that was killed between this and the renaming has done it already.
                if fs::metadata(&aside)?.ino() == fs::metadata(path)?.ino() {
                    return Ok(aside.into());
                }
                number += 1;
            }
            linked => return linked.map(|()| aside.into()),
        }
    }
}

/// Puts one file in place, whole, once `sync` has seen to it that its contents last.
pub fn put(
    target: &Path,
    mode: u32,
    contents: &[u8],
    sync: impl FnOnce(&File) -> io::Result<()>,
) -> Result<(), WriteError> {
    let put = || -> io::Result<()> {
        let mut file = temporary(target.parent().unwrap_or(target), mode)?;
        file.write_all(contents)?;
        sync(file.as_file())?;
        file.persist(target)?;
        Ok(())
    };
    put().map_err(|cause| WriteError {
        path: target.to_owned(),
        cause,
    })
}

/// A file that is not in place yet. It is opened here because tempfile's errors name a file that nobody knows.
pub fn temporary(directory: &Path, mode: u32) -> io::Result<NamedTempFile> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    Builder::new()
        .prefix(PREFIX)
        .suffix(SUFFIX)
        .make_in(directory, |path| options.open(path))
}

/// A file that nobody finds, in `directory`. Where the file system has none without a name, one is made that loses it
/// at once; what a run leaves that is killed just then, the next run removes.
pub fn nameless(directory: &Path) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    match openat(CWD, directory, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => Ok(file.into()),
        Err(Errno::OPNOTSUPP | Errno::ISDIR) => Ok(temporary(directory, FILE_MODE)?.into_file()),
        Err(error) => Err(error.into()),
    }
}

/// Whether a file of this name is one that a run has not put in place.
pub fn is_temporary(name: &str) -> bool {
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}
