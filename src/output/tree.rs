//! The tree, `<data-dir>/<node>/<date>/`: each file whole or not at all. Only this room writes files.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::NaiveDate;

use super::earlier::{self, Unreadable};
use super::gpu_csv::Stamps;
use super::layout::Layout;
use super::staged::Staged;
use super::state::State;
use super::{average_csv, gpu_csv, summary};
use crate::config::{GpuFileNumber, Node};
use crate::day::Window;
use crate::netdata::CardUsage;
use crate::node_day::{GpuDay, NodeDay};
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
    stamps: Stamps,
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
    /// Files that could not be read. They are kept aside when their successors are written.
    pub unreadable: Vec<UnreadableFile>,
}

/// A file of an earlier run that holds no readings of the GPU that it is named for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableFile {
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub problem: String,
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
            stamps: Stamps::of(window),
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
        let directory = self.directory_of(node, window);
        let layout = Layout::of(&directory, window.date).map_err(|cause| WriteError {
            path: directory.clone(),
            cause,
        })?;
        let gpus = || (0..).map(GpuIndex).zip(node.cards.iter().copied());
        let named: Vec<_> = gpus()
            .map(|(index, card)| self.number(index, card))
            .collect();
        let strangers = layout.strangers(&named);
        let mut earlier = Earlier::default();
        for (index, card) in gpus() {
            let name = self.gpu_file(index, card, window);
            let path = directory.join(&name);
            let read = earlier::read(&path, window).and_then(|usage| {
                let misfit = match (strangers.first(), layout.other_card(index, card)) {
                    _ if usage.is_none() => None,
                    (Some(number), _) => Some(format!(
                        "目錄中有 gpu{number}，與設定的 gpu_files 或 cards 不符"
                    )),
                    (None, Some(then)) => {
                        Some(format!("{index} 當時是 Card {then}，設定中是 Card {card}"))
                    }
                    (None, None) => None,
                };
                misfit.map_or(Ok(usage), |problem| Err(Unreadable::Malformed(problem)))
            });
            match read {
                Ok(usage) => earlier.usage.extend(usage.map(|usage| (card, usage))),
                Err(Unreadable::Malformed(problem)) => {
                    earlier.unreadable.push(UnreadableFile { name, problem });
                }
                Err(Unreadable::Io(cause)) => return Err(WriteError { path, cause }),
            }
        }
        earlier
            .unreadable
            .extend(strangers.into_iter().map(|number| UnreadableFile {
                name: file_name(number, window),
                problem: "設定的 gpu_files 與 cards 中沒有這個編號".to_owned(),
            }));
        if earlier.unreadable.is_empty() {
            let average = directory.join(format!("average_{}.csv", window.date));
            earlier.users = earlier::users(&average);
        }
        Ok(earlier)
    }

    /// Writes the files of a node's day beside their targets.
    ///
    /// A GPU without any reading has no file. The average and the summary come last, so that whoever sees them sees
    /// the readings that they are about.
    pub fn stage(
        &self,
        day: &NodeDay,
        unreadable: &[UnreadableFile],
    ) -> Result<Staged, WriteError> {
        let date = day.window.date;
        let directory = self.directory_of(day.node, day.window);
        make_directory(&directory)?;
        let mut staged = Staged::new(directory);
        for gpu in &day.gpus {
            if let Some(usage) = &gpu.usage {
                let name = self.gpu_file(gpu.index, gpu.card, day.window);
                staged.add(&name, &gpu_csv::render(&self.stamps, usage))?;
            }
        }
        for file in unreadable {
            // A damaged file that nothing takes the place of stays where it is.
            let of_gpu =
                |gpu: &&GpuDay| self.gpu_file(gpu.index, gpu.card, day.window) == file.name;
            if day
                .gpus
                .iter()
                .find(of_gpu)
                .is_none_or(|gpu| gpu.usage.is_some())
            {
                staged.set_aside(&file.name);
            }
        }
        staged.add(&format!("average_{date}.csv"), &average_csv::render(day))?;
        staged.add(
            &format!("summary_{date}.txt"),
            summary::render(day).as_bytes(),
        )?;
        Ok(staged)
    }

    fn directory_of(&self, node: &Node, window: &Window) -> PathBuf {
        self.data_dir
            .root
            .join(&node.name)
            .join(window.date.to_string())
    }

    fn gpu_file(&self, index: GpuIndex, card: CardId, window: &Window) -> String {
        file_name(self.number(index, card), window)
    }

    fn number(&self, index: GpuIndex, card: CardId) -> u64 {
        match self.data_dir.gpu_files {
            GpuFileNumber::Index => index.0 as u64,
            GpuFileNumber::Card => card.0,
        }
    }

    /// Puts the files of several nodes in place, once all of their contents have reached the disk. Answers, for
    /// each node in turn, the directory that they are in.
    ///
    /// One `syncfs` for them all: on the machine that this was measured on it took 0.04 s for 10,000 files, and a
    /// `fsync` for each of them 1.8 s.
    pub fn commit(&self, staged: Vec<Staged>) -> Vec<Result<PathBuf, WriteError>> {
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
        staged.into_iter().map(Staged::put_in_place).collect()
    }

    /// Makes the new names of all committed files last through a power cut.
    pub fn finish(self) -> Result<(), WriteError> {
        self.data_dir.sync()?;
        self.data_dir.state.end()
    }
}

/// The name of the GPU file of this number.
fn file_name(number: u64, window: &Window) -> String {
    format!("gpu{number}_{}.csv", window.date)
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
