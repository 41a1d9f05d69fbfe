//! A directory that is written beside its place, and gets there whole.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, openat, unlinkat};
use rustix::io::Errno;

use super::write::named_temporarily;

/// Removed with all that is in it, unless it is put in place.
#[derive(Debug)]
pub struct TemporaryDirectory(Option<PathBuf>);

impl TemporaryDirectory {
    pub fn make(parent: &Path, mode: u32) -> io::Result<Self> {
        let make = |path: &Path| DirBuilder::new().mode(mode).create(path);
        let ((), path) = named_temporarily().make_in(parent, make)?.into_parts();
        Ok(Self(Some(path.keep()?)))
    }

    pub fn add(&self, name: &str, mode: u32, contents: &[u8]) -> io::Result<()> {
        let directory = self.0.as_deref().unwrap_or(Path::new(""));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(mode);
        options.open(directory.join(name))?.write_all(contents)
    }

    /// Where there is nothing, or an empty directory.
    pub fn put_in_place(mut self, target: &Path) -> io::Result<()> {
        if let Some(path) = &self.0 {
            fs::rename(path, target)?;
        }
        self.0 = None;
        Ok(())
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // What is left the next run removes.
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// Removes a directory that a killed run left, with the files of a day in it. It stays where it holds anything else.
pub fn remove_left(path: &Path) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = openat(CWD, path, flags, Mode::empty())?;
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        if is_of_day(entry.file_name().to_bytes()) {
            match unlinkat(&directory, entry.file_name(), AtFlags::empty()) {
                Ok(()) | Err(Errno::ISDIR | Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    match fs::remove_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
        removed => removed,
    }
}

/// Whether the files of a day are called so.
pub fn is_of_day(name: &[u8]) -> bool {
    let is_csv = name.starts_with(b"gpu") || name.starts_with(b"average_");
    is_csv && name.ends_with(b".csv") || name.starts_with(b"summary_") && name.ends_with(b".txt")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_the_files_of_a_day_go_with_the_directory() {
        let root = tempfile::tempdir().expect("a directory");
        let at = |name: &str| root.path().join(name);
        let of_day = [
            "gpu0_2025-08-01.csv",
            "average_2025-08-01.csv",
            "summary_2025-08-01.txt",
        ];
        for name in ["left", "mixed"] {
            fs::create_dir(at(name)).expect("a directory");
            for file in of_day {
                fs::write(at(name).join(file), "text").expect("a file");
            }
        }
        fs::write(at("mixed/notes.txt"), "another's").expect("a file");
        fs::create_dir(at("mixed/gpu1_2025-08-01.csv")).expect("a directory");
        symlink(at("mixed"), at("link")).expect("a link");
        remove_left(&at("link")).expect_err("a link is not followed");
        assert!(at("mixed").join(of_day[0]).exists());
        for name in ["left", "mixed"] {
            remove_left(&at(name)).expect("they are removed");
        }
        assert!(!at("left").exists());
        let left = fs::read_dir(at("mixed")).expect("a directory");
        assert_eq!(left.count(), 2);
    }
}
