//! Moving days out of the data directory. Whoever is killed meanwhile has lost nothing, and the next run goes on.
//!
//! On one file system a directory or a file gets its new name in one step, by which no byte of it is touched. To
//! another one it is copied: beside the target, onto the disk, compared byte for byte, put in place, and only then
//! removed. Of a node's day the copy counts, for whoever reads, from one moment to the next, and never a part of it.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown, fchown};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with, syncfs};
use rustix::process::geteuid;
use tempfile::TempPath;

use super::archive::Archive;
use super::leaving::Piece;
use super::tree::DataDir;
use super::unfinished::remove_temporary;
use super::write::{WriteError, check_links, is_temporary, temporary};
use crate::model::{both, if_there, said};

/// Why a day cannot be moved.
#[derive(Debug, thiserror::Error)]
pub enum Obstacle {
    #[error("{}", said!(
        "{path} 不是一般檔案",
        "{path} is not a regular file",
        path = .0.display()
    ))]
    NotRegular(PathBuf),
    #[error("{}", said!(
        "{there} 已存在，但與資料目錄的不同：請保留其中一份",
        "{there} exists, and differs from what the data directory has: keep one of the two",
        there = .0.display()
    ))]
    Differs(PathBuf),
    #[error("{}", said!(
        "無法讀取 {path}：{cause}",
        "cannot read {path}: {cause}",
        path = .path.display()
    ))]
    Unreadable { path: PathBuf, cause: io::Error },
}

/// How much is moved.
#[derive(Clone, Copy, Debug, Default)]
pub struct Size {
    pub files: usize,
    pub bytes: u64,
}

/// The files of a piece.
#[derive(Debug, Default)]
struct Listing {
    /// Each with where it goes, and its size.
    files: Vec<(PathBuf, PathBuf, u64)>,
    /// The outer ones first.
    directories: Vec<PathBuf>,
}

impl Archive {
    /// How much there is of a day to be moved to the tree at `month`, of which nothing that is there may differ.
    pub fn check_move(
        &self,
        date: NaiveDate,
        pieces: &[Piece],
        month: &Path,
    ) -> Result<Size, Obstacle> {
        let mut size = Size::default();
        for piece in pieces {
            let target = self.target(date, piece, month);
            let listing = Listing::of(&piece.source, &target)?;
            // What an earlier run has copied may be there no more.
            if !piece.is_copied() {
                self.check_others(date, piece, month)?;
                listing.check_more_there(&target)?;
            }
            for (source, target, bytes) in &listing.files {
                let is_there = are_equal(target, source);
                if if_there(is_there).map_err(unreadable(target))? == Some(false) {
                    return Err(Obstacle::Differs(target.clone()));
                }
                size.files += 1;
                size.bytes += bytes;
            }
        }
        Ok(size)
    }

    /// In which another place for months it lies as well: of two, one would be read for the other.
    fn check_others(&self, date: NaiveDate, piece: &Piece, month: &Path) -> Result<(), Obstacle> {
        let mut others = self.months(date).filter(|other| other != month);
        let found = others.find_map(|other| {
            let there = other.join(&piece.place);
            fs::symlink_metadata(&there).is_ok().then_some(there)
        });
        found.map_or(Ok(()), |there| Err(Obstacle::Differs(there)))
    }

    /// Where a piece goes: what an earlier run has copied, to where that did.
    fn target(&self, date: NaiveDate, piece: &Piece, month: &Path) -> PathBuf {
        let mut places = self.months(date).map(|month| month.join(&piece.place));
        let copied = places.find(|place| piece.is_copied() && place.exists());
        copied.unwrap_or_else(|| month.join(&piece.place))
    }
}

impl DataDir {
    /// Moves a day to the tree at `month`, after [`Archive::check_move`].
    pub fn move_away(
        &self,
        date: NaiveDate,
        pieces: &[Piece],
        month: &Path,
    ) -> Result<(), WriteError> {
        let mut copied = Vec::new();
        for dir in [month.parent(), Some(month)].into_iter().flatten() {
            make_like(&self.root, dir)?;
        }
        for piece in pieces {
            make_parents(&self.root, month, &piece.place)?;
            let target = self.target(date, piece, month);
            let flags = RenameFlags::NOREPLACE;
            if renameat_with(CWD, &piece.source, CWD, &target, flags).is_err() {
                let listing = Listing::of(&piece.source, &target);
                let listing = listing.map_err(|obstacle| WriteError {
                    path: target,
                    cause: io::Error::other(obstacle),
                })?;
                copied.push((piece, listing));
            }
        }
        let files = copied.iter().flat_map(|(_, listing)| &listing.files);
        copy(
            files.map(|(source, target, _)| (&**source, &**target)),
            month,
        )?;
        for (piece, listing) in copied {
            remove_source(piece, &listing)?;
        }
        for piece in pieces {
            let place = piece.place.parent().unwrap_or(Path::new(""));
            // What is not empty stays.
            let _ = fs::remove_dir(self.root.join(place));
        }
        Ok(())
    }
}

impl Listing {
    fn of(source: &Path, target: &Path) -> Result<Self, Obstacle> {
        let mut listing = Self::default();
        listing.add(source, target)?;
        Ok(listing)
    }

    fn add(&mut self, source: &Path, target: &Path) -> Result<(), Obstacle> {
        let found = fs::symlink_metadata(source).map_err(unreadable(source))?;
        if found.is_file() {
            let (source, target) = (source.to_owned(), target.to_owned());
            self.files.push((source, target, found.len()));
        } else if found.is_dir() {
            self.directories.push(source.to_owned());
            for entry in fs::read_dir(source).map_err(unreadable(source))? {
                let name = entry.map_err(unreadable(source))?.file_name();
                self.add(&source.join(&name), &target.join(&name))?;
            }
        } else {
            return Err(Obstacle::NotRegular(source.to_owned()));
        }
        Ok(())
    }

    /// Objects to a file at the target that the source lacks: together they would be another day.
    fn check_more_there(&self, target: &Path) -> Result<(), Obstacle> {
        let Ok(there) = Self::of(target, target) else {
            return if fs::symlink_metadata(target).is_ok() {
                Err(Obstacle::Differs(target.to_owned()))
            } else {
                Ok(())
            };
        };
        let ours: BTreeSet<_> = self.files.iter().map(|(_, target, _)| target).collect();
        let mut more = there.files.iter().map(|(file, ..)| file);
        match more.find(|file| !ours.contains(file) && !is_temporary(file)) {
            Some(file) => Err(Obstacle::Differs(file.clone())),
            None => Ok(()),
        }
    }
}

/// Copies files that are not at their targets yet, and answers once all of them lie on the disk as they are.
fn copy<'a>(
    files: impl Iterator<Item = (&'a Path, &'a Path)>,
    month: &Path,
) -> Result<(), WriteError> {
    let files: Vec<_> = files.collect();
    if files.is_empty() {
        return Ok(());
    }
    let sync = || {
        let synced = File::open(month).and_then(|place| Ok(syncfs(place)?));
        synced.map_err(WriteError::at(month))
    };
    let mut directories = BTreeSet::new();
    for (source, target) in &files {
        let (from, to) = (
            source.parent().unwrap_or(source),
            target.parent().unwrap_or(target),
        );
        if directories.insert(to) {
            make_like(from, to)?;
            remove_temporary(to)?;
        }
    }
    let mut written = Vec::new();
    for (source, target) in files {
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

/// Removes what was copied: a directory first loses its name, so that nobody reads half a day.
fn remove_source(piece: &Piece, listing: &Listing) -> Result<(), WriteError> {
    let remove = || {
        if listing.directories.is_empty() {
            return fs::remove_file(&piece.source);
        }
        let aside = piece.once_copied();
        fs::rename(&piece.source, &aside)?;
        let moved = |path: &Path| match path.strip_prefix(&piece.source) {
            Ok(rest) if rest.as_os_str().is_empty() => aside.clone(),
            Ok(rest) => aside.join(rest),
            Err(_) => path.to_owned(),
        };
        for (file, ..) in &listing.files {
            fs::remove_file(moved(file))?;
        }
        let mut directories = listing.directories.iter().rev();
        directories.try_for_each(|directory| fs::remove_dir(moved(directory)))
    };
    remove().map_err(WriteError::at(&piece.source))
}

/// Makes the directories that a place needs below `month`, like those that it has below `root`.
fn make_parents(root: &Path, month: &Path, place: &Path) -> Result<(), WriteError> {
    let mut parents: Vec<_> = place.ancestors().skip(1).collect();
    // Without the tree itself, which is the last.
    parents.pop();
    let mut parents = parents.into_iter().rev();
    parents.try_for_each(|parent| make_like(&root.join(parent), &month.join(parent)))
}

/// Makes a directory with the mode and the owner of another, where there is none.
fn make_like(like: &Path, directory: &Path) -> Result<(), WriteError> {
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
fn are_equal(one: &Path, other: &Path) -> io::Result<bool> {
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

fn unreadable(path: &Path) -> impl Fn(io::Error) -> Obstacle {
    |cause| Obstacle::Unreadable {
        path: path.to_owned(),
        cause,
    }
}
