//! Whether a run could write its files, found out by trying, and without leaving anything.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::statvfs;

use super::state;
use super::unfinished::directories_in;
use super::write::{WriteError, nameless};
use crate::model::{Node, if_there};

#[derive(Debug)]
pub struct Writable {
    /// Whether it is there already. If not, the first run makes it.
    pub exists: bool,
    /// The room that is left on its file system for this user, if that is known.
    pub free_bytes: Option<u64>,
}

/// Tries to make files wherever a run for `nodes` below `root` would, as far as these directories are there. Takes no
/// lock: another run may be at work.
pub fn try_writing(root: &Path, nodes: &[&Node]) -> Result<Writable, Vec<WriteError>> {
    let exists = root.exists();
    let existing = nearest_existing(root);
    let free_bytes = statvfs(&existing)
        .ok()
        // Those that are no place for files have no blocks at all.
        .filter(|file_system| file_system.f_blocks > 0)
        .map(|file_system| file_system.f_bavail.saturating_mul(file_system.f_frsize));
    // What is not there yet is made by the first run that needs it.
    let is_there =
        |path: &PathBuf| exists && !matches!(if_there(fs::symlink_metadata(path)), Ok(None));
    let state = root.join(state::STATE_DIRECTORY);
    let inner = directories_in(&state).into_iter();
    let lock = state.join(state::LOCK);
    let nodes = nodes.iter().map(|node| root.join(&node.name));
    let directories = inner.chain([state]).chain(nodes).filter(is_there);
    let directories = [existing].into_iter().chain(directories);
    let tried = directories.map(|path| (try_directory(&path), path));
    let lock = Some(lock).filter(is_there);
    let tried = tried.chain(lock.map(|lock| (try_file(&lock), lock)));
    let failed = tried.filter_map(|(tried, path)| tried.map_err(WriteError::at(&path)).err());
    let errors: Vec<_> = failed.collect();
    if errors.is_empty() {
        Ok(Writable { exists, free_bytes })
    } else {
        Err(errors)
    }
}

/// The directory in which the first run would begin to make the others.
fn nearest_existing(root: &Path) -> PathBuf {
    let found = root.ancestors().find(|path| path.exists());
    // The parent of the last part of a relative path.
    found.unwrap_or(Path::new(".")).to_owned()
}

fn try_file(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(path);
    file.map(drop)
}

/// Makes a file that is gone when it is closed.
fn try_directory(path: &Path) -> io::Result<()> {
    nameless(path)?.write_all(b"\n")
}
