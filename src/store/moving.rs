//! Moving days out of the data directory. Whoever is killed meanwhile has lost nothing, and the next run goes on.
//!
//! On one file system a directory or a file gets its new name in one step, by which no byte of it is touched. To
//! another one it is copied: beside the target, onto the disk, compared byte for byte, put in place, and only then
//! removed. Of a node's day the copy counts, for whoever reads, from one moment to the next, and never a part of it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::archive::Archive;
use super::leaving::Piece;
use super::other_file_system::{are_equal, copy, make_like, make_parents};
use super::tree::DataDir;
use super::writable::try_place;
use super::write::{WriteError, is_temporary};
use crate::model::{if_there, said};

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
        "{there} 也已存在：請保留其中一份",
        "{there} exists as well: keep one of the two",
        there = .0.display()
    ))]
    Twice(PathBuf),
    #[error("{}", said!(
        "{path} 的複本不在任何 archive_dirs 中：請掛載或寫明它所在的目錄",
        "{path}: its copy is in none of archive_dirs: mount or name the directory",
        path = .0.display()
    ))]
    NoCopy(PathBuf),
    #[error("{}", said!(
        "{file} 的複本 {copy} 不見了：請把這個檔案複製到那裡",
        "{copy}, the copy of {file}, is missing: copy the file there",
        file = .file.display(),
        copy = .copy.display()
    ))]
    Lacks { file: PathBuf, copy: PathBuf },
    #[error("{}", said!(
        "無法讀取 {path}：{cause}",
        "cannot read {path}: {cause}",
        path = .path.display()
    ))]
    Unreadable { path: PathBuf, cause: io::Error },
}

/// What ended a move.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    #[error(transparent)]
    Here(#[from] WriteError),
    #[error("{}", said!(
        "無法寫入 {path}：{cause}（請確認 archive_dirs 的 {dir} 存在、有寫入權限，且磁碟有空間）",
        "cannot write {path}: {cause}; check that {dir} of archive_dirs is there, the permission to write to it, and the space on the disk",
        path = .path.display(),
        dir = .dir.display()
    ))]
    There {
        dir: PathBuf,
        path: PathBuf,
        cause: io::Error,
    },
}

impl MoveError {
    /// Makes an error of what could not be written for the tree at `month`.
    fn below(month: &Path) -> impl Fn(WriteError) -> Self {
        |WriteError { path, cause }| Self::There {
            dir: month.parent().unwrap_or(month).to_owned(),
            path,
            cause,
        }
    }
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
    /// The same of those, the outer ones first.
    directories: Vec<(PathBuf, PathBuf)>,
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
            let no_copy = || Obstacle::NoCopy(piece.source.clone());
            let target = target.ok_or_else(no_copy)?;
            let listing = Listing::of(&piece.source, &target)?;
            // What an earlier run has copied may be there no more.
            if !piece.is_copied() {
                self.check_others(date, piece, month)?;
                listing.check_more_there(&target)?;
            }
            for (source, target, bytes) in &listing.files {
                match if_there(are_equal(target, source)).map_err(unreadable(target))? {
                    Some(false) => return Err(Obstacle::Differs(target.clone())),
                    None if piece.is_copied() => {
                        return Err(Obstacle::Lacks {
                            file: source.clone(),
                            copy: target.clone(),
                        });
                    }
                    _ => {}
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
        found.map_or(Ok(()), |there| Err(Obstacle::Twice(there)))
    }

    /// Where a piece goes: what an earlier run has copied, to where that did, if that is there.
    fn target(&self, date: NaiveDate, piece: &Piece, month: &Path) -> Option<PathBuf> {
        if !piece.is_copied() {
            return Some(month.join(&piece.place));
        }
        let mut places = self.months(date).map(|month| month.join(&piece.place));
        places.find(|place| place.exists())
    }
}

/// Tries whether the tree at `month` could be written or made.
pub fn try_month(month: &Path) -> Result<(), MoveError> {
    try_place(month).map_err(MoveError::below(month))
}

impl DataDir {
    /// Moves a day to the tree at `month`, after [`Archive::check_move`].
    pub fn move_away(
        &self,
        date: NaiveDate,
        pieces: &[Piece],
        month: &Path,
    ) -> Result<(), MoveError> {
        let failed = MoveError::below(month);
        let mut copied = Vec::new();
        for dir in [month.parent(), Some(month)].into_iter().flatten() {
            make_like(&self.root, dir).map_err(&failed)?;
        }
        for piece in pieces {
            make_parents(&self.root, month, &piece.place).map_err(&failed)?;
            let obstacle = |obstacle| WriteError::at(&piece.source)(io::Error::other(obstacle));
            let target = self.target(date, piece, month);
            let no_copy = || obstacle(Obstacle::NoCopy(piece.source.clone()));
            let target = target.ok_or_else(no_copy)?;
            if piece.is_copied() || rename(&piece.source, &target).is_err() {
                let listing = Listing::of(&piece.source, &target).map_err(obstacle)?;
                copied.push((piece, listing));
            }
        }
        let listings = || copied.iter().map(|(_, listing)| listing);
        let directories = listings().flat_map(|listing| &listing.directories);
        let directories: Vec<_> = directories.map(|(from, to)| (&**from, &**to)).collect();
        let files = listings().flat_map(|listing| &listing.files);
        let files: Vec<_> = files.map(|(from, to, _)| (&**from, &**to)).collect();
        copy(&directories, &files, month).map_err(&failed)?;
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
            let directory = (source.to_owned(), target.to_owned());
            self.directories.push(directory);
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

/// Gives what lies at `source` the name `target`, in one step, if nothing has it.
fn rename(source: &Path, target: &Path) -> io::Result<()> {
    match renameat_with(CWD, source, CWD, target, RenameFlags::NOREPLACE) {
        // NFS and many FUSE file systems cannot be asked not to replace. The lock keeps others from the name meanwhile.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)
            if if_there(fs::symlink_metadata(target))?.is_none() =>
        {
            fs::rename(source, target)
        }
        renamed => Ok(renamed?),
    }
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
        directories.try_for_each(|(directory, _)| fs::remove_dir(moved(directory)))
    };
    remove().map_err(WriteError::at(&piece.source))
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> Obstacle {
    |cause| Obstacle::Unreadable {
        path: path.to_owned(),
        cause,
    }
}
