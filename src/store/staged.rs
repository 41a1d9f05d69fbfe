//! Files that are written beside their targets, to be put in place whole.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::layout::CardRecord;
use super::write::{Modes, WriteError, keep_aside, temporary};

#[derive(Debug)]
pub struct Staged {
    pub directory: PathBuf,
    modes: Modes,
    /// The node, and the cards that they are of.
    pub record: (String, CardRecord),
    /// In the order in which they are put in place.
    files: Vec<(TempPath, PathBuf)>,
    /// What is there now and must not be lost.
    asides: Vec<PathBuf>,
}

impl Staged {
    /// An empty batch for `directory`.
    pub fn new(directory: PathBuf, modes: Modes, record: (String, CardRecord)) -> Self {
        Self {
            directory,
            modes,
            record,
            files: Vec::new(),
            asides: Vec::new(),
        }
    }

    pub fn add(&mut self, name: &str, contents: &[u8]) -> Result<(), WriteError> {
        let target = self.directory.join(name);
        let temporary = self.write(&target, contents);
        let temporary = temporary.map_err(WriteError::at(&target))?;
        self.files.push((temporary, target));
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
        self.files.iter().any(|(_, target)| target == path)
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
        for (temporary, target) in self.files {
            let placed = temporary.persist(&target);
            placed.map_err(|error| WriteError::at(&target)(error.error))?;
        }
        for path in only_aside {
            fs::remove_file(&path).map_err(WriteError::at(&path))?;
        }
        Ok(set_aside)
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
        Staged::new(directory.to_owned(), modes, ("n1".to_owned(), record))
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
