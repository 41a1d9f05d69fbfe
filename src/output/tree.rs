//! The tree, `<data-dir>/<node>/<date>/`: each file whole or not at all. Only this room writes files.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::NaiveDate;

use super::earlier::{self, Unreadable};
use super::gpu_csv::Stamps;
use super::layout::{CardRecord, Layout};
use super::reports::{self, NotMergedReport};
use super::staged::{InPlace, Staged};
use super::state::State;
use super::{average_csv, gpu_csv, summary};
use crate::config::{GpuFileNumber, Node};
use crate::day::Window;
use crate::ledger::DayLedger;
use crate::netdata::CardUsage;
use crate::node_day::NodeDay;
use crate::units::{CardId, GpuIndex};

const DIRECTORY_MODE: u32 = 0o750;

/// The data directory, for as long as this run holds its lock.
#[derive(Debug)]
pub struct DataDir {
    root: PathBuf,
    /// The root, open for syncing the file system that it lies on.
    directory: File,
    state: State,
    gpu_files: GpuFileNumber,
}

/// The files of one day in it.
#[derive(Debug)]
pub struct Tree<'a> {
    data_dir: &'a DataDir,
    date: NaiveDate,
    stamps: Stamps,
    /// The cards of the files, by node: as recorded by earlier runs, and of this one.
    recorded: BTreeMap<String, CardRecord>,
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
        /// The pid of the other run.
        holder: String,
    },
}

/// What earlier runs left of a node's day.
#[derive(Debug, Default)]
pub struct Earlier {
    /// The readings, by card.
    pub usage: BTreeMap<CardId, CardUsage>,
    /// The user column, for a run that knows nothing of tasks.
    pub users: BTreeMap<GpuIndex, String>,
    /// Files that say nothing of the GPUs that they are named for.
    pub unusable: Vec<UnusableFile>,
}

/// A file of an earlier run that cannot be merged with new readings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusableFile {
    /// Where it is.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
    /// Whether it is of something else than its name says, and cannot keep it even where no new file needs it.
    pub is_misnamed: bool,
}

impl DataDir {
    /// Takes the lock of `root`, for which it waits at most `patience`, and makes sure that files can be written
    /// below it, so that a run that cannot end well does not begin.
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
        tempfile::tempfile_in(root).map_err(error)?;
        let directory = File::open(root).map_err(error)?;
        let state = State::open(root, patience)?;
        Ok(Self {
            root: root.to_owned(),
            directory,
            state,
            gpu_files,
        })
    }

    /// Begins to write the files of the window's day.
    pub fn begin(&self, window: &Window) -> Result<Tree<'_>, WriteError> {
        self.state.begin(window.date)?;
        Ok(Tree {
            data_dir: self,
            date: window.date,
            stamps: Stamps::of(window),
            recorded: self.state.cards(window.date),
            written: Mutex::default(),
        })
    }

    /// Keeps the management API's answer for a day, in the form that [`crate::tasks::kept`] gives it.
    pub fn keep_tasks(&self, date: NaiveDate, contents: &[u8]) -> Result<(), WriteError> {
        self.state.keep_tasks(date, contents)
    }

    /// What was kept for a day, if anything.
    #[must_use]
    pub fn kept_tasks(&self, date: NaiveDate) -> Option<Vec<u8>> {
        self.state.kept_tasks(date)
    }

    fn sync(&self) -> Result<(), WriteError> {
        rustix::fs::syncfs(&self.directory).map_err(|error| WriteError {
            path: self.root.clone(),
            cause: error.into(),
        })
    }
}

impl Tree<'_> {
    /// What earlier runs left of a node's day.
    pub fn earlier(&self, node: &Node, window: &Window) -> Result<Earlier, WriteError> {
        let directory = self.directory_of(node);
        let record = self.recorded.get(&node.name).cloned();
        let layout = Layout::of(&directory, self.date, record).map_err(|cause| WriteError {
            path: directory.clone(),
            cause,
        })?;
        let now = self.record_of(node);
        let mut earlier = Earlier::default();
        for (index, &card) in (0..).map(GpuIndex).zip(&node.cards) {
            let path = directory.join(self.gpu_file(index, card));
            let read = match earlier::read(&path, window) {
                Ok(None) => continue,
                read => read,
            };
            let misfit = layout.misfit(self.number(index, card), index, &now);
            let is_misnamed = misfit.is_some();
            match (read, misfit) {
                (Err(Unreadable::Io(cause)), _) => return Err(WriteError { path, cause }),
                (_, Some(problem)) | (Err(Unreadable::Malformed(problem)), None) => {
                    earlier.unusable.push(UnusableFile {
                        path,
                        problem,
                        is_misnamed,
                    });
                }
                (Ok(usage), None) => earlier.usage.extend(usage.map(|usage| (card, usage))),
            }
        }
        self.add_users(node, &layout, &mut earlier);
        Ok(earlier)
    }

    /// Adds the users of the average CSV, of the GPUs that are still the same cards.
    fn add_users(&self, node: &Node, layout: &Layout, earlier: &mut Earlier) {
        let average = self
            .directory_of(node)
            .join(format!("average_{}.csv", self.date));
        let (lost, kept) = earlier::users(&average)
            .into_iter()
            .partition(|(index, _)| {
                let card = node.cards.get(index.0);
                card.is_none_or(|&card| layout.was_another(*index, card))
            });
        earlier.users = kept;
        let lost: BTreeMap<GpuIndex, String> = lost;
        if !lost.is_empty() {
            earlier.unusable.push(UnusableFile {
                path: average,
                problem: "使用者欄位是以不同的 cards 寫成".to_owned(),
                is_misnamed: true,
            });
        }
    }

    /// Writes the files of a node's day beside their targets. A GPU without any reading has no file.
    ///
    /// The average and the summary come last, so that whoever sees them sees the readings that they are about.
    pub fn stage(&self, day: &NodeDay, unusable: &[UnusableFile]) -> Result<Staged, WriteError> {
        let (node, date) = (day.node, self.date);
        let directory = self.directory_of(node);
        make_directory(&directory)?;
        let mut staged = Staged::new(directory, (node.name.clone(), self.record_of(node)));
        for gpu in &day.gpus {
            if let Some(usage) = &gpu.usage {
                let name = self.gpu_file(gpu.index, gpu.card);
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

    fn directory_of(&self, node: &Node) -> PathBuf {
        self.data_dir
            .root
            .join(&node.name)
            .join(self.date.to_string())
    }

    fn gpu_file(&self, index: GpuIndex, card: CardId) -> String {
        format!("gpu{}_{}.csv", self.number(index, card), self.date)
    }

    fn number(&self, index: GpuIndex, card: CardId) -> u64 {
        match self.data_dir.gpu_files {
            GpuFileNumber::Index => index.0 as u64,
            GpuFileNumber::Card => card.0,
        }
    }

    fn record_of(&self, node: &Node) -> CardRecord {
        CardRecord {
            gpu_files: self.data_dir.gpu_files,
            cards: node.cards.clone(),
        }
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

    /// Writes the accounts of the nodes that have been put in place, and keeps those of the others.
    pub fn report_users(
        &self,
        window: &Window,
        nodes: DayLedger,
    ) -> Result<Option<NotMergedReport>, WriteError> {
        reports::write_users(&self.data_dir.root, window, nodes)
    }

    /// Makes the new names of all committed files last through a power cut, and records what they are of.
    pub fn finish(self) -> Result<(), WriteError> {
        self.data_dir.sync()?;
        let mut cards = self.recorded;
        let written = self
            .written
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let is_news = written
            .iter()
            .any(|(node, record)| cards.get(node) != Some(record));
        if is_news {
            cards.extend(written);
            self.data_dir.state.record_cards(self.date, cards)?;
        }
        self.data_dir.state.end()
    }
}

pub(super) fn make_directory(path: &Path) -> Result<(), WriteError> {
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(path)
        .map_err(|cause| WriteError {
            path: path.to_owned(),
            cause,
        })
}
