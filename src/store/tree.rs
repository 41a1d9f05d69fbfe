//! The tree, `<data-dir>/<node>/<date>/`: each file whole or not at all. Only this room writes files.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::NaiveDate;

use super::archive::Archive;
use super::day_files::{DayFiles, Earlier, UnusableFile};
use super::layout::CardRecord;
use super::lock;
use super::reports::{self, NotMergedReport};
use super::staged::{self, InPlace, Staged};
use crate::analysis::ledger::DayLedger;
use crate::analysis::node_day::NodeDay;
use crate::formats::gpu_csv::{self, Stamps};
use crate::formats::{average_csv, summary};
use crate::model::cluster::{GpuFileNumber, Node};
use crate::model::day::Window;

const DIRECTORY_MODE: u32 = 0o750;

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
    files: DayFiles<'a>,
    stamps: Stamps,
    /// The cards of the files of this run, by node.
    written: Mutex<Vec<(String, CardRecord)>>,
}

/// A file or directory that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("無法寫入 {path}：{cause}（請確認對資料目錄有寫入權限，且磁碟有空間）", path = .path.display())]
pub struct WriteError {
    /// What was to be written.
    pub path: PathBuf,
    /// Why it was not.
    pub cause: io::Error,
}

/// Why a run cannot have the tree.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Another run holds it.
    #[error("資料目錄 {root} 正由另一次執行使用（PID {holder}）：請等它結束，或加上 --wait 秒數", root = .root.display())]
    Locked {
        /// The data directory.
        root: PathBuf,
        /// The pid of the other run, or that it is unknown.
        holder: String,
    },
}

impl DataDir {
    /// Takes the lock of `root`, for which it waits at most `patience`, and makes sure that files can be written
    /// below it, so that a run that cannot end well does not begin. What a killed run left is removed.
    pub fn open(
        root: &Path,
        gpu_files: GpuFileNumber,
        patience: Duration,
    ) -> Result<Self, OpenError> {
        let error = |cause| WriteError {
            path: root.to_owned(),
            cause,
        };
        make_directory(root)?;
        staged::nameless(root).map_err(error)?;
        let directory = File::open(root).map_err(error)?;
        let lock = lock::take(root, patience)?;
        let archive = Archive::new(root, gpu_files);
        archive.state.tidy()?;
        Ok(Self {
            archive,
            directory,
            _lock: lock,
        })
    }

    /// Begins to write the files of the window's day.
    pub fn begin(&self, window: &Window) -> Result<Tree<'_>, WriteError> {
        self.archive.state.begin(window.date)?;
        Ok(Tree {
            data_dir: self,
            files: self.archive.day(window.date),
            stamps: Stamps::of(window),
            written: Mutex::default(),
        })
    }

    /// Keeps the management API's answer for a day, in the form that [`crate::tasks::kept`] gives it.
    pub fn keep_tasks(&self, date: NaiveDate, contents: &[u8]) -> Result<(), WriteError> {
        self.archive.state.keep_tasks(date, contents)
    }

    /// Keeps the record of a run, as JSON, and notes that the run has ended.
    pub fn end(&self, date: NaiveDate, record: &[u8]) -> Result<(), WriteError> {
        let kept = self.archive.state.keep_run(date, record);
        self.archive.state.end().and(kept)
    }

    /// Keeps who is told of idle GPUs, in the form that `alerts` gives it. When this returns it is kept for
    /// good: what is remembered must outlast a power cut that comes right after the telling.
    pub fn keep_alerts(&self, contents: &[u8]) -> Result<(), WriteError> {
        self.archive.state.keep_alerts(contents)?;
        self.sync()
    }

    /// What the directory holds.
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    fn sync(&self) -> Result<(), WriteError> {
        rustix::fs::syncfs(&self.directory).map_err(|error| WriteError {
            path: self.archive.root.clone(),
            cause: error.into(),
        })
    }
}

impl Tree<'_> {
    /// What earlier runs left of a node's day.
    pub fn earlier(&self, node: &Node, window: &Window) -> Result<Earlier, WriteError> {
        self.files.earlier(node, window)
    }

    /// Writes the files of a node's day beside their targets. A GPU without any reading has no file.
    ///
    /// The average and the summary come last, so that whoever sees them sees the readings that they are about.
    pub fn stage(&self, day: &NodeDay, unusable: &[UnusableFile]) -> Result<Staged, WriteError> {
        let (node, date) = (day.node, self.files.date);
        let directory = self.files.directory_of(node);
        make_directory(&directory)?;
        let mut staged = Staged::new(directory, (node.name.clone(), self.files.record_of(node)));
        for gpu in &day.gpus {
            if let Some(usage) = &gpu.usage {
                let name = self.files.gpu_file(gpu.index, gpu.card);
                staged.add(&name, &gpu_csv::render(&self.stamps, usage))?;
            }
        }
        staged.add(&format!("average_{date}.csv"), &average_csv::render(day))?;
        staged.add(
            &format!("summary_{date}.txt"),
            summary::render(day).as_bytes(),
        )?;
        for file in unusable {
            // A damaged file that nothing takes the place of stays where it is.
            if file.is_misnamed || staged.replaces(&file.path) {
                staged.set_aside(file.path.clone());
            }
        }
        Ok(staged)
    }

    /// Puts the files of several nodes in place, once all of their contents have reached the disk. Answers, for
    /// each node in turn, where they are.
    ///
    /// One `syncfs` for them all: on the machine that this was measured on it took 0.04 s for 10,000 files, and a
    /// `fsync` for each, from 64 threads, 0.36 s for 2,000.
    pub fn commit(&self, staged: Vec<Staged>) -> Vec<Result<InPlace, WriteError>> {
        if let Err(error) = self.data_dir.sync() {
            let kind = error.cause.kind();
            let failed = |staged: Staged| {
                Err(WriteError {
                    path: staged.directory().to_owned(),
                    cause: kind.into(),
                })
            };
            return staged.into_iter().map(failed).collect();
        }
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let put = |staged: Staged| {
            let in_place = staged.put_in_place()?;
            written.push(in_place.record.clone());
            Ok(in_place)
        };
        staged.into_iter().map(put).collect()
    }

    /// Writes the accounts of these nodes, whose files have been put in place or left as they were, and keeps those of the
    /// others.
    pub fn report_users(
        &self,
        window: &Window,
        nodes: DayLedger,
    ) -> Result<(PathBuf, Option<NotMergedReport>), WriteError> {
        reports::write_users(&self.data_dir.archive.root, window, nodes)
    }

    /// Makes the new names of all committed files last through a power cut, and records what they are of. The run
    /// ends with [`DataDir::end`].
    pub fn finish(self) -> Result<(), WriteError> {
        self.data_dir.sync()?;
        let date = self.files.date;
        let mut cards = self.files.recorded;
        let written = self
            .written
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let is_news = written
            .iter()
            .any(|(node, record)| cards.get(node) != Some(record));
        if is_news {
            cards.extend(written);
            self.data_dir.archive.state.record_cards(date, cards)?;
        }
        Ok(())
    }
}

pub fn make_directory(path: &Path) -> Result<(), WriteError> {
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(path)
        .map_err(|cause| WriteError {
            path: path.to_owned(),
            cause,
        })
}
