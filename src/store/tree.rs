//! The tree, `<data-dir>/<node>/<date>/`: each file whole or not at all, and so the first ones of a day together.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Deref;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::NaiveDate;
use rustix::process::geteuid;

use super::archive::Archive;
use super::day_files::{DayFiles, UnusableFile};
use super::layout::{self, CardRecord};
use super::lock::{self, OpenError};
use super::staged::Staged;
use super::unfinished;
use super::write::{WriteError, make_directory, nameless};
use crate::analysis::idle::Memory;
use crate::analysis::{DayRecord, NodeDay};
use crate::formats::{average_csv, gpu_csv, summary};
use crate::model::{Modes, UserColumn, Window};
use crate::settings::Config;

/// The data directory, for as long as this run holds its lock.
#[derive(Debug)]
pub struct DataDir {
    archive: Archive,
    /// The root, open for syncing the file system that it lies on.
    directory: File,
    /// Released by the kernel however the program ends.
    _lock: File,
}

/// The files of one day in it.
#[derive(Debug)]
pub struct Tree<'a> {
    data_dir: &'a DataDir,
    pub files: DayFiles<'a>,
    /// The cards of the files of this run, by node.
    written: Mutex<Vec<(String, CardRecord)>>,
}

impl Deref for DataDir {
    type Target = Archive;

    fn deref(&self) -> &Archive {
        &self.archive
    }
}

impl DataDir {
    /// Takes the lock of the data directory, for which it waits at most `patience`, and makes sure that files can be written
    /// below it, so that a run that cannot end well does not begin. What a killed run left is removed.
    pub fn open(config: &Config, patience: Duration) -> Result<Self, OpenError> {
        let archive = Archive::new(config);
        let root = &archive.root;
        make_directory(root, archive.modes())?;
        let opened = nameless(root).and_then(|_| File::open(root));
        let directory = opened.map_err(WriteError::at(root))?;
        let lock = lock::take(root, Modes::of_state(archive.readable_by), patience)?;
        unfinished::tidy(&archive)?;
        Ok(Self {
            archive,
            directory,
            _lock: lock,
        })
    }

    /// The account whose data directory root is writing in, which may then not be able to read or replace what is there.
    pub fn owner_beside_root(&self) -> Option<u32> {
        let owner = self.directory.metadata().ok()?.uid();
        (geteuid().is_root() && owner != 0).then_some(owner)
    }

    pub fn begin(&self, window: &Window) -> Result<Tree<'_>, WriteError> {
        let note = format!("{}\n", window.date);
        unfinished::note(self).keep(note.as_bytes())?;
        Ok(Tree {
            data_dir: self,
            files: self.day(window.date),
            written: Mutex::default(),
        })
    }

    /// Keeps the record of a run, if one is given, and notes that all files are in place.
    pub fn end(&self, date: NaiveDate, record: Option<&DayRecord>) -> Result<(), WriteError> {
        // A record that a power cut empties is none, and the day is looked at again.
        let keep = |record| self.run(date).keep_json_unsynced(record);
        let kept = record.map_or(Ok(()), keep);
        unfinished::note(self).remove().and(kept)
    }

    /// Keeps who is notified of idle GPUs, also through a power cut right after the notification.
    pub fn keep_alerts(&self, memory: &Memory) -> Result<(), WriteError> {
        let mut file = serde_json::to_vec(memory).expect("it has string keys alone");
        file.push(b'\n');
        self.alerts().keep(&file)?;
        self.sync()
    }

    fn sync(&self) -> Result<(), WriteError> {
        let synced = rustix::fs::syncfs(&self.directory);
        synced.map_err(|error| WriteError::at(&self.root)(error.into()))
    }
}

impl Tree<'_> {
    /// Writes the files of a node's day beside their targets, or beside the directory that is to be theirs where there is
    /// none yet. A GPU without any reading has no file.
    ///
    /// The average and the summary come last, so that whoever sees them sees the readings that they are about.
    pub fn stage(
        &self,
        day: &NodeDay,
        user_column: UserColumn,
        unusable: &[UnusableFile],
    ) -> Result<Staged, WriteError> {
        let (node, date) = (day.node, self.files.date);
        let directory = self.files.directory_of(node);
        let modes = self.data_dir.modes();
        let record = (node.name.clone(), self.files.record_of(node));
        let mut staged = Staged::new(directory, modes, record)?;
        let language = self.data_dir.file_language;
        let stamps = self.files.stamps(day.window);
        for gpu in &day.gpus {
            if let Some(usage) = &gpu.usage {
                let name = self.files.gpu_file(gpu.index, gpu.card);
                let file = language.in_it(|| gpu_csv::render(&stamps, usage));
                staged.add(&name, &file)?;
            }
        }
        let average = language.in_it(|| average_csv::render(day, user_column));
        staged.add(&format!("average_{date}.csv"), &average)?;
        let summary = language.in_it(|| summary::render(day));
        staged.add(&format!("summary_{date}.txt"), summary.as_bytes())?;
        for file in unusable {
            // A damaged file that nothing takes the place of stays where it is.
            if file.is_misnamed || staged.replaces(&file.path) {
                staged.set_aside(file.path.clone());
            }
        }
        Ok(staged)
    }

    /// Puts the files of several nodes in place, once all of their contents have reached the disk, and answers for each
    /// node in turn which of the files before are kept under which other name.
    ///
    /// One `syncfs` for them all: on the machine that this was measured on it took 0.04 s for 10,000 files, and a
    /// `fsync` for each, from 64 threads, 0.36 s for 2,000.
    pub fn commit(
        &self,
        staged: Vec<Staged>,
    ) -> Vec<Result<BTreeMap<PathBuf, PathBuf>, WriteError>> {
        if let Err(error) = self.data_dir.sync() {
            let kind = error.cause.kind();
            let failed = |staged: Staged| Err(WriteError::at(&staged.directory)(kind.into()));
            return staged.into_iter().map(failed).collect();
        }
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let put = |staged: Staged| {
            let record = staged.record.clone();
            let kept = staged.put_in_place()?;
            written.push(record);
            Ok(kept)
        };
        staged.into_iter().map(put).collect()
    }

    /// Makes the new names of all committed files last through a power cut, and records what they are of. The run
    /// ends with [`DataDir::end`].
    pub fn finish(self) -> Result<(), WriteError> {
        self.data_dir.sync()?;
        let date = self.files.date;
        let mut cards = self.files.recorded;
        let written = self.written.into_inner();
        let written = written.unwrap_or_else(PoisonError::into_inner);
        let is_new = |(node, record): &(_, _)| cards.get(node) != Some(record);
        if written.iter().any(is_new) {
            cards.extend(written);
            let file = self.data_dir.cards(date);
            file.keep(&layout::records_to_json(cards))?;
        }
        Ok(())
    }
}
