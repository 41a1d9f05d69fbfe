//! Files that are written beside their targets, to be put in place whole: the first ones of a day in one directory.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::layout::CardRecord;
use super::temporary_directory::TemporaryDirectory;
use super::write::{WriteError, keep_aside, make_directory, temporary};
use crate::model::{Modes, if_there};

#[derive(Debug)]
pub struct Staged {
    pub directory: PathBuf,
    modes: Modes,
    /// The node, and the cards that they are of.
    pub record: (String, CardRecord),
    files: Files,
    /// What is there now and must not be lost.
    asides: Vec<PathBuf>,
}

#[derive(Debug)]
enum Files {
    /// All of them, for a directory that holds none yet.
    Together(TemporaryDirectory),
    /// In the order in which they are put in place.
    Each(Vec<(TempPath, PathBuf)>),
}

impl Staged {
    /// An empty batch for `directory`, which is made where there is none, but not before the files are put in place.
    pub fn new(
        directory: PathBuf,
        modes: Modes,
        record: (String, CardRecord),
    ) -> Result<Self, WriteError> {
        let parent = directory.parent().filter(|_| is_vacant(&directory));
        let files = if let Some(parent) = parent {
            make_directory(parent, modes)?;
            let made = TemporaryDirectory::make(parent, modes.directory);
            Files::Together(made.map_err(WriteError::at(&directory))?)
        } else {
            make_directory(&directory, modes)?;
            Files::Each(Vec::new())
        };
        Ok(Self {
            directory,
            modes,
            record,
            files,
            asides: Vec::new(),
        })
    }

    pub fn add(&mut self, name: &str, contents: &[u8]) -> Result<(), WriteError> {
        let target = self.directory.join(name);
        let error = WriteError::at(&target);
        if let Files::Together(directory) = &self.files {
            return directory
                .add(name, self.modes.file, contents)
                .map_err(error);
        }
        let temporary = self.write(&target, contents).map_err(error)?;
        if let Files::Each(files) = &mut self.files {
            files.push((temporary, target));
        }
        Ok(())
    }

    fn write(&self, target: &Path, contents: &[u8]) -> io::Result<TempPath> {
        // The only thing that could keep a whole file from its place, once others are in theirs.
        if target.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let mut file = temporary(&self.directory, self.modes.file)?;
        file.as_file_mut().write_all(contents)?;
        Ok(file.into_temp_path())
    }

    pub fn replaces(&self, path: &Path) -> bool {
        match &self.files {
            Files::Together(_) => false,
            Files::Each(files) => files.iter().any(|(_, target)| target == path),
        }
    }

    /// When the files are put in place, the one that is at `path` now is to have another name.
    pub fn set_aside(&mut self, path: PathBuf) {
        self.asides.push(path);
    }

    /// Puts the files in place, and answers which of those before are kept under which other name.
    ///
    /// What is set aside has its second name before anything changes, and loses its first one, where that does not
    /// become a new file's, after everything has.
    pub fn put_in_place(self) -> Result<BTreeMap<PathBuf, PathBuf>, WriteError> {
        let mut set_aside = BTreeMap::new();
        for path in &self.asides {
            set_aside.insert(path.clone(), keep_aside(path, self.modes)?);
        }
        let mut only_aside = self.asides.clone();
        only_aside.retain(|path| !self.replaces(path));
        match self.files {
            Files::Together(files) => {
                let placed = files.put_in_place(&self.directory);
                placed.map_err(WriteError::at(&self.directory))?;
            }
            Files::Each(files) => {
                for (temporary, target) in files {
                    let placed = temporary.persist(&target);
                    placed.map_err(|error| WriteError::at(&target)(error.error))?;
                }
            }
        }
        for path in only_aside {
            fs::remove_file(&path).map_err(WriteError::at(&path))?;
        }
        Ok(set_aside)
    }
}

/// Whether there is nothing, or an empty directory.
fn is_vacant(directory: &Path) -> bool {
    match if_there(fs::symlink_metadata(directory)) {
        Ok(None) => true,
        Ok(Some(found)) if found.is_dir() => {
            fs::read_dir(directory).is_ok_and(|mut files| files.next().is_none())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{GpuFileNumber, ReadableBy};
    use pretty_assertions::assert_eq;

    /// The files of a directory with their contents, by name.
    fn files(directory: &Path) -> Vec<(String, String)> {
        let entries = fs::read_dir(directory).expect("a directory");
        let entries = entries.map(|entry| entry.expect("an entry"));
        let file = |entry: fs::DirEntry| {
            let name = entry.file_name().into_string().expect("UTF-8");
            let text = fs::read_to_string(entry.path()).expect("a file");
            (name, text)
        };
        let mut files: Vec<_> = entries.map(file).collect();
        files.sort();
        files
    }

    fn staged(directory: &Path) -> Staged {
        let record = CardRecord {
            gpu_files: GpuFileNumber::Index,
            cards: Vec::new(),
        };
        let modes = Modes::of_tree(ReadableBy::Group);
        let staged = Staged::new(directory.to_owned(), modes, ("n1".to_owned(), record));
        staged.expect("it can be written")
    }

    /// Without the names of temporary directories, which are never the same.
    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).expect("a directory");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        names
            .map(|name| name.into_string().expect("UTF-8"))
            .collect()
    }

    #[test]
    fn the_first_files_of_a_directory_appear_together_or_not_at_all() {
        let root = tempfile::tempdir().expect("a directory");
        let (node, day) = (root.path().join("n1"), root.path().join("n1/2025-08-01"));
        for is_there in [false, true] {
            if is_there {
                fs::create_dir(&day).expect("a directory");
            }
            let mut abandoned = staged(&day);
            abandoned.add("a", b"new a").expect("it is written");
            assert_eq!(day.exists(), is_there);
            drop(abandoned);
            assert_eq!(names(&node).len(), usize::from(is_there));
            let mut batch = staged(&day);
            for name in ["a", "b"] {
                batch.add(name, b"new").expect("it is written");
            }
            assert_eq!(day.exists(), is_there);
            assert_eq!(batch.put_in_place().expect("a place"), BTreeMap::new());
            assert_eq!(names(&node), ["2025-08-01"]);
            let new = |name: &str| (name.to_owned(), "new".to_owned());
            assert_eq!(files(&day), ["a", "b"].map(new));
            fs::remove_dir_all(&day).expect("a directory");
        }
    }

    #[test]
    fn what_has_come_into_the_directory_meanwhile_is_not_replaced() {
        let root = tempfile::tempdir().expect("a directory");
        let day = root.path().join("2025-08-01");
        let mut batch = staged(&day);
        batch.add("a", b"new").expect("it is written");
        fs::create_dir(&day).expect("a directory");
        fs::write(day.join("a"), "another's").expect("a file");
        let error = batch.put_in_place().expect_err("it is not empty");
        assert_eq!(error.cause.kind(), io::ErrorKind::DirectoryNotEmpty);
        assert_eq!(names(root.path()), ["2025-08-01"]);
        let others = ("a".to_owned(), "another's".to_owned());
        assert_eq!(files(&day), [others]);
    }

    #[test]
    fn nothing_changes_until_all_is_put_in_place_and_nothing_is_lost() {
        let root = tempfile::tempdir().expect("a directory");
        let root = root.path();
        for name in ["a", "b", "c"] {
            fs::write(root.join(name), format!("old {name}")).expect("a file");
        }
        let named = |files: &[(&str, &str)]| -> Vec<(String, String)> {
            let owned = |&(name, text): &(&str, &str)| (name.to_owned(), text.to_owned());
            files.iter().map(owned).collect()
        };
        let before = [("a", "old a"), ("b", "old b"), ("c", "old c")];
        let mut abandoned = staged(root);
        abandoned.add("a", b"new a").expect("it is written");
        drop(abandoned);
        assert_eq!(files(root), named(&before));
        let mut batch = staged(root);
        batch.add("a", b"new a").expect("it is written");
        batch.add("b", b"new b").expect("it is written");
        assert!(batch.replaces(&root.join("a")) && !batch.replaces(&root.join("c")));
        // One makes room for a new file, the other only loses its name.
        batch.set_aside(root.join("b"));
        batch.set_aside(root.join("c"));
        let kept = batch.put_in_place().expect("they are put in place");
        let after = [
            ("a", "new a"),
            ("b", "new b"),
            ("b.unreadable1", "old b"),
            ("c.unreadable1", "old c"),
        ];
        assert_eq!(files(root), named(&after));
        let set_aside = ["b", "c"].map(|name| {
            let aside = root.join(format!("{name}.unreadable1"));
            (root.join(name), aside)
        });
        assert_eq!(kept, BTreeMap::from(set_aside));
    }

    #[test]
    fn a_directory_in_a_files_place_is_seen_before_anything_changes() {
        let root = tempfile::tempdir().expect("a directory");
        fs::create_dir(root.path().join("b")).expect("a directory");
        let mut batch = staged(root.path());
        batch.add("a", b"new").expect("it is written");
        let error = batch.add("b", b"new").expect_err("there is a directory");
        assert_eq!(error.path, root.path().join("b"));
        assert_eq!(error.cause.kind(), io::ErrorKind::IsADirectory);
    }
}
