//! Whether a run could write its files, found out by trying, and without leaving anything.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use rustix::fs::statvfs;

use super::lock::{self, OpenError};
use super::reports;
use super::state;
use super::unfinished::directories_in;
use super::write::{WriteError, nameless};
use crate::model::{Node, if_there};
use crate::settings::regular_file::{open, open_with};

#[derive(Debug)]
pub struct Writable {
    /// Whether it is there already. If not, the first run makes it.
    pub exists: bool,
    /// The room that is left on its file system for this user, if that is known.
    pub free_bytes: Option<u64>,
}

/// How many days a nightly run may catch up with.
const DAYS: usize = 7;

/// Tries to make files wherever a run for `nodes` on `date` or the days before would below `root`, and to read what it
/// would read, as far as that is there. Takes no lock: another run may be at work.
pub fn try_writing(
    root: &Path,
    nodes: &[&Node],
    date: NaiveDate,
) -> Result<Writable, Vec<OpenError>> {
    let exists = root.exists();
    let existing = nearest_existing(root);
    let free_bytes = statvfs(&existing)
        .ok()
        // Those that are no place for files have no blocks at all.
        .filter(|file_system| file_system.f_blocks > 0)
        .map(|file_system| file_system.f_bavail.saturating_mul(file_system.f_frsize));
    let state = root.join(state::STATE_DIRECTORY);
    let lock = state.join(state::LOCK);
    let nodes = nodes.iter().map(|node| root.join(&node.name));
    let days = date.iter_days().rev().take(DAYS);
    let days: Vec<_> = days.map(|day| day.to_string()).collect();
    let of_days = |node: PathBuf| {
        let days: Vec<_> = days.iter().map(|day| node.join(day)).collect();
        [node].into_iter().chain(days)
    };
    let own = [state.clone(), root.join(reports::DIRECTORY)];
    let directories = directories_in(&state).into_iter().chain(own);
    let directories: Vec<_> = directories.chain(nodes.flat_map(of_days)).collect();
    // Of the days that the coming run may collect, and of the state what has no day in its name.
    let files = directories.iter().flat_map(|directory| files_in(directory));
    let is_of_run = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.parent() == Some(&state) || days.iter().any(|day| name.contains(day))
    };
    let files = files.filter(|path| *path != lock && is_of_run(path));
    let read = files.map(|path| (open(&path).map(drop), path));
    // What is not there yet is made by the first run that needs it.
    let is_there =
        |path: &&PathBuf| exists && !matches!(if_there(fs::symlink_metadata(path)), Ok(None));
    let directories = directories.iter().filter(is_there);
    let directories = [&existing].into_iter().chain(directories);
    let tried = directories.map(|path| (try_directory(path), path.clone()));
    let locks = Some(&lock).into_iter().filter(is_there);
    let tried = tried.chain(locks.map(|lock| (try_file(lock), lock.clone())));
    let failed = tried.chain(read).filter_map(|(tried, path)| {
        let error = tried.map_err(WriteError::at(&path)).err();
        error.map(OpenError::from)
    });
    let errors: Vec<_> = failed.chain(lock::check(root, &existing).err()).collect();
    if errors.is_empty() {
        Ok(Writable { exists, free_bytes })
    } else {
        Err(errors)
    }
}

/// The directory in which the first run would begin to make the others.
pub fn nearest_existing(root: &Path) -> PathBuf {
    let found = root.ancestors().find(|path| path.exists());
    // The parent of the last part of a relative path.
    found.unwrap_or(Path::new(".")).to_owned()
}

/// Tries to make a file where directories would be made for `path`, without leaving it.
pub fn try_place(path: &Path) -> Result<(), WriteError> {
    let existing = nearest_existing(path);
    try_directory(&existing).map_err(WriteError::at(&existing))
}

/// The files in `directory`, of whatever kind, as far as it can be read.
fn files_in(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()));
    files.map(|entry| entry.path()).collect()
}

fn try_file(path: &Path) -> io::Result<()> {
    let file = open_with(path, OpenOptions::new().read(true).write(true));
    file.map(drop)
}

/// Makes a file that is gone when it is closed.
pub fn try_directory(path: &Path) -> io::Result<()> {
    nameless(path)?.write_all(b"\n")
}
