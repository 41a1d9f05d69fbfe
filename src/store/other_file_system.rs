//! Copying files to another file system: beside their targets, onto the disk, compared byte for byte, and put in place.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown, fchown};
use std::path::Path;

use rustix::fs::{OFlags, syncfs};
use rustix::process::geteuid;
use tempfile::TempPath;

use super::unfinished::remove_temporary;
use super::write::{WriteError, check_links, temporary};
use crate::model::both;

/// Copies files that are not at their targets yet, and answers once all of them lie on the disk as they are. All are
/// given as where they are and where they go, the directories that are to be made the outer ones first.
pub fn copy(
    directories: &[(&Path, &Path)],
    files: &[(&Path, &Path)],
    month: &Path,
) -> Result<(), WriteError> {
    if directories.is_empty() && files.is_empty() {
        return Ok(());
    }
    let sync = || {
        let synced = File::open(month).and_then(|place| Ok(syncfs(place)?));
        synced.map_err(WriteError::at(month))
    };
    for (from, to) in directories {
        make_like(from, to)?;
    }
    let into: BTreeSet<_> = files.iter().filter_map(|(_, to)| to.parent()).collect();
    into.into_iter().try_for_each(remove_temporary)?;
    let mut written = Vec::new();
    for &(source, target) in files {
        if fs::symlink_metadata(target).is_err() {
            let copy = copied(source, target).map_err(WriteError::at(target))?;
            written.push((copy, source, target));
        }
    }
    sync()?;
    for (copy, source, target) in written {
        let put = || {
            if !are_equal(source, &copy)? {
                let problem = both!("複製的內容與原檔不同", "the copy differs from the original");
                return Err(io::Error::other(problem));
            }
            copy.persist_noclobber(target)?;
            Ok(())
        };
        put().map_err(WriteError::at(target))?;
    }
    sync()
}

/// The file with its mode and its time, beside the target.
fn copied(source: &Path, target: &Path) -> io::Result<TempPath> {
    let mut from = open(source)?;
    let like = from.metadata()?;
    let mut copy = temporary(target.parent().unwrap_or(target), 0o600)?;
    io::copy(&mut from, copy.as_file_mut())?;
    let file = copy.as_file();
    // Only root may give it away.
    let _ = fchown(file, Some(like.uid()), Some(like.gid()));
    file.set_permissions(like.permissions())?;
    file.set_modified(like.modified()?)?;
    Ok(copy.into_temp_path())
}

/// Makes the directories that a place needs below `month`, like those that it has below `root`.
pub fn make_parents(root: &Path, month: &Path, place: &Path) -> Result<(), WriteError> {
    let mut parents: Vec<_> = place.ancestors().skip(1).collect();
    // Without the tree itself, which is the last.
    parents.pop();
    let mut parents = parents.into_iter().rev();
    parents.try_for_each(|parent| make_like(&root.join(parent), &month.join(parent)))
}

/// Makes a directory with the mode and the owner of another, where there is none.
pub fn make_like(like: &Path, directory: &Path) -> Result<(), WriteError> {
    let make = || {
        match fs::create_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            made => made?,
        }
        let like = fs::metadata(like)?;
        if geteuid().is_root() {
            chown(directory, Some(like.uid()), Some(like.gid()))?;
        }
        fs::set_permissions(directory, like.permissions())
    };
    make().map_err(WriteError::at(directory))?;
    check_links(directory)
}

/// Whether the two files have the same bytes.
pub fn are_equal(one: &Path, other: &Path) -> io::Result<bool> {
    let (mut one, mut other) = (open(one)?, open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let [mut bytes, mut others] = [(); 2].map(|()| vec![0; 1 << 16]);
    loop {
        let count = one.read(&mut bytes)?;
        if count == 0 {
            return Ok(true);
        }
        other.read_exact(&mut others[..count])?;
        if bytes[..count] != others[..count] {
            return Ok(false);
        }
    }
}

/// Opens a file, of whatever size, that is no link.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.read(true).custom_flags(flags.bits().cast_signed());
    options.open(path)
}
