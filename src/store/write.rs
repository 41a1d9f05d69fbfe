//! Files that are whole or not there at all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use tempfile::{Builder, NamedTempFile};

use crate::model::{Modes, if_there, said};
use crate::settings::regular_file::{check_link, open};

/// How temporary files are called, so that none of another program is taken for one.
pub const PREFIX: &str = ".daily-gpu-log.";
const SUFFIX: &str = ".tmp";

#[derive(Debug, thiserror::Error)]
#[error("{}", said!(
    "無法寫入 {path}：{cause}（請確認對資料目錄有寫入權限，且磁碟有空間）",
    "cannot write {path}: {cause}; check the permission to write to the data directory, and the space on the disk",
    path = .path.display()
))]
pub struct WriteError {
    pub path: PathBuf,
    pub cause: io::Error,
}

impl WriteError {
    /// Makes an error of what went wrong with `path`.
    pub fn at(path: &Path) -> impl Fn(io::Error) -> Self {
        |cause| Self {
            path: path.to_owned(),
            cause,
        }
    }
}

pub fn make_directory(path: &Path, modes: Modes) -> Result<(), WriteError> {
    let mut directory = DirBuilder::new();
    directory.recursive(true).mode(modes.directory);
    directory.create(path).map_err(WriteError::at(path))?;
    check_links(path)
}

/// Objects to a link to a directory that neither root nor the caller made, in the place of the directory or of the
/// one that it is in.
pub fn check_links(directory: &Path) -> Result<(), WriteError> {
    let parent = directory
        .parent()
        .filter(|path| !path.as_os_str().is_empty());
    for path in parent.into_iter().chain([directory]) {
        if_there(check_link(path)).map_err(WriteError::at(path))?;
    }
    Ok(())
}

/// Puts one file in place, whole, once `sync` has seen to it that its contents last. Its directory is made where there
/// is none.
pub fn put(
    target: &Path,
    modes: Modes,
    contents: &[u8],
    sync: impl FnOnce(&File) -> io::Result<()>,
) -> Result<(), WriteError> {
    put_by(target, modes, |file| {
        file.write_all(contents)?;
        sync(file)
    })
}

/// The same of what `write` writes into it.
pub fn put_by(
    target: &Path,
    modes: Modes,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), WriteError> {
    let directory = target.parent().unwrap_or(target);
    make_directory(directory, modes)?;
    place_by(directory, target, modes.file, write).map_err(WriteError::at(target))
}

/// Puts a file in place in a directory that is there.
pub fn place(
    directory: &Path,
    target: &Path,
    mode: u32,
    contents: &[u8],
    sync: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    place_by(directory, target, mode, |file| {
        file.write_all(contents)?;
        sync(file)
    })
}

fn place_by(
    directory: &Path,
    target: &Path,
    mode: u32,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = temporary(directory, mode)?;
    write(file.as_file_mut())?;
    file.persist(target)?;
    Ok(())
}

/// Gives the file at `path` a second name, and returns it.
pub fn keep_aside(path: &Path, modes: Modes) -> Result<PathBuf, WriteError> {
    let keep = || {
        let mut number = 1;
        loop {
            let mut aside = path.as_os_str().to_owned();
            aside.push(format!(".unreadable{number}"));
            match fs::hard_link(path, &aside) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    // A run that was killed between this and the renaming has done it already.
                    if fs::symlink_metadata(&aside)?.ino() == fs::symlink_metadata(path)?.ino() {
                        return Ok(aside.into());
                    }
                    number += 1;
                }
                // A file system without a second name for a file.
                Err(error) if lacks_links(&error) => {
                    let mut file = open(path)?;
                    let mut copy = OpenOptions::new();
                    let copy = copy
                        .write(true)
                        .create_new(true)
                        .mode(modes.file)
                        .open(&aside);
                    match copy {
                        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                        copy => {
                            io::copy(&mut file, &mut copy?)?;
                            return Ok(aside.into());
                        }
                    }
                }
                linked => return linked.map(|()| aside.into()),
            }
        }
    };
    keep().map_err(WriteError::at(path))
}

fn lacks_links(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS)
    )
}

/// A file that is not in place yet. It is opened here because tempfile's errors name a file that nobody knows.
pub fn temporary(directory: &Path, mode: u32) -> io::Result<NamedTempFile> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    named_temporarily().make_in(directory, |path| options.open(path))
}

pub fn named_temporarily() -> Builder<'static, 'static> {
    let mut name = Builder::new();
    name.prefix(PREFIX).suffix(SUFFIX);
    name
}

/// A file that nobody finds, in `directory`. Where the file system has none without a name, one is made that loses it
/// at once; what a run leaves that is killed just then, the next run removes.
pub fn nameless(directory: &Path) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    match openat(CWD, directory, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => Ok(file.into()),
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {
            Ok(temporary(directory, 0o600)?.into_file())
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether it is called as temporary files are.
pub fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
}
