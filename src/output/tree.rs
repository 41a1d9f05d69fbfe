//! The only place that writes files: `<data-dir>/<node>/<date>/`, each file whole or not at all.

use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::gpu_csv::Stamps;
use super::{average_csv, gpu_csv, summary};
use crate::config::GpuFileNumber;
use crate::day::Window;
use crate::node_day::{GpuDay, NodeDay};

/// Task data is personal: the group may read it, others may not. The umask may take more away.
const FILE_MODE: u32 = 0o640;
const DIRECTORY_MODE: u32 = 0o750;

/// The tree that a run of one day writes.
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
    /// The root, open for syncing the file system that it lies on.
    directory: File,
    gpu_files: GpuFileNumber,
    stamps: Stamps,
}

/// A node's files, written beside their targets and not yet in place.
#[derive(Debug)]
pub struct Staged {
    directory: PathBuf,
    /// In the order in which they are put in place: the average and the summary last, so that whoever sees them
    /// sees the readings that they are about.
    files: Vec<(TempPath, PathBuf)>,
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

impl Tree {
    /// Makes sure that files can be written below `root`, so that a run that cannot end well does not begin.
    pub fn open(
        root: &Path,
        window: &Window,
        gpu_files: GpuFileNumber,
    ) -> Result<Self, WriteError> {
        let error = |cause| WriteError {
            path: root.to_owned(),
            cause,
        };
        make_directory(root)?;
        tempfile::tempfile_in(root).map_err(error)?;
        let directory = File::open(root).map_err(error)?;
        Ok(Self {
            root: root.to_owned(),
            directory,
            gpu_files,
            stamps: Stamps::of(window),
        })
    }

    /// Writes the files of a node's day beside their targets.
    ///
    /// A GPU without any reading has no file; one that an earlier run wrote stays.
    pub fn stage(&self, day: &NodeDay) -> Result<Staged, WriteError> {
        let date = day.window.date;
        let directory = self.root.join(&day.node.name).join(date.to_string());
        make_directory(&directory)?;
        let mut staged = Staged {
            directory,
            files: Vec::new(),
        };
        for gpu in &day.gpus {
            if let Some(usage) = &gpu.usage {
                let name = format!("gpu{}_{date}.csv", self.number_of(gpu));
                staged.add(&name, &gpu_csv::render(&self.stamps, usage))?;
            }
        }
        staged.add(&format!("average_{date}.csv"), &average_csv::render(day))?;
        staged.add(
            &format!("summary_{date}.txt"),
            summary::render(day).as_bytes(),
        )?;
        Ok(staged)
    }

    fn number_of(&self, gpu: &GpuDay) -> u64 {
        match self.gpu_files {
            GpuFileNumber::Index => gpu.index.0 as u64,
            GpuFileNumber::Card => gpu.card.0,
        }
    }

    /// Puts the files of several nodes in place, once all of their contents have reached the disk. Answers, for
    /// each node in turn, the directory that they are in.
    ///
    /// One `syncfs` for them all: on the machine that this was measured on it took 0.04 s for 10,000 files, and a
    /// `fsync` for each of them 1.8 s.
    pub fn commit(&self, staged: Vec<Staged>) -> Vec<Result<PathBuf, WriteError>> {
        if let Err(error) = rustix::fs::syncfs(&self.directory) {
            let failed = |staged: Staged| {
                Err(WriteError {
                    path: staged.directory,
                    cause: error.into(),
                })
            };
            return staged.into_iter().map(failed).collect();
        }
        staged.into_iter().map(Staged::put_in_place).collect()
    }

    /// Makes the new names of all committed files last through a power cut.
    pub fn finish(self) -> Result<(), WriteError> {
        rustix::fs::syncfs(&self.directory).map_err(|error| WriteError {
            path: self.root,
            cause: error.into(),
        })
    }
}

impl Staged {
    fn add(&mut self, name: &str, contents: &[u8]) -> Result<(), WriteError> {
        let target = self.directory.join(name);
        let write = || -> io::Result<TempPath> {
            // The only thing that could keep a whole file from its place, once others are in theirs.
            if target.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            let mut file = tempfile::Builder::new()
                .prefix(&format!(".{name}."))
                .suffix(".tmp")
                .permissions(Permissions::from_mode(FILE_MODE))
                .tempfile_in(&self.directory)?;
            file.write_all(contents)?;
            Ok(file.into_temp_path())
        };
        let temporary = write().map_err(|cause| WriteError {
            path: target.clone(),
            cause,
        })?;
        self.files.push((temporary, target));
        Ok(())
    }

    fn put_in_place(self) -> Result<PathBuf, WriteError> {
        for (temporary, target) in self.files {
            temporary.persist(&target).map_err(|error| WriteError {
                path: target.clone(),
                cause: error.error,
            })?;
        }
        Ok(self.directory)
    }
}

fn make_directory(path: &Path) -> Result<(), WriteError> {
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(path)
        .map_err(|cause| WriteError {
            path: path.to_owned(),
            cause,
        })
}
