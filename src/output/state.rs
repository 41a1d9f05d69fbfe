//! The program's own state beside the tree, in `<data-dir>/.daily-gpu-log/`: the lock, and what a killed run left.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use chrono::NaiveDate;

use super::staged::{self, FILE_MODE};
use super::{OpenError, WriteError, make_directory};

const DIRECTORY: &str = ".daily-gpu-log";
/// How often a taken lock is tried again.
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// The state, for as long as this run holds the data directory.
#[derive(Debug)]
pub(super) struct State {
    root: PathBuf,
    /// Released by the kernel however the program ends.
    _lock: File,
}

impl State {
    /// Takes the lock of the data directory `root`, for which it waits at most `patience`.
    pub(super) fn open(root: &Path, patience: Duration) -> Result<Self, OpenError> {
        let directory = root.join(DIRECTORY);
        make_directory(&directory)?;
        let path = directory.join("lock");
        let error = |cause| WriteError {
            path: path.clone(),
            cause,
        };
        let mut file = create(&path).map_err(error)?;
        let until = Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < until => {
                    thread::sleep(LOCK_PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    let mut holder = String::new();
                    file.read_to_string(&mut holder).map_err(error)?;
                    return Err(OpenError::Locked {
                        root: root.to_owned(),
                        holder: holder.trim().to_owned(),
                    });
                }
                Err(TryLockError::Error(cause)) => return Err(error(cause).into()),
            }
        }
        // The holder's pid is for the message of the run that comes second.
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(file, "{}", std::process::id()))
            .map_err(error)?;
        Ok(Self {
            root: root.to_owned(),
            _lock: file,
        })
    }

    /// Keeps the management API's answer for `date`. Only the owner may read it: the tree says less.
    pub(super) fn keep_tasks(&self, date: NaiveDate, contents: &[u8]) -> Result<(), WriteError> {
        let directory = self.tasks();
        make_directory(&directory)?;
        let target = directory.join(format!("{date}.json"));
        let write = || -> io::Result<()> {
            // A temporary file is its owner's alone.
            let mut file = staged::temporary().tempfile_in(&directory)?;
            file.write_all(contents)?;
            file.as_file().sync_all()?;
            file.persist(&target)?;
            Ok(())
        };
        write().map_err(|cause| WriteError {
            path: target.clone(),
            cause,
        })
    }

    /// What was kept for `date`, if anything.
    pub(super) fn kept_tasks(&self, date: NaiveDate) -> Option<Vec<u8>> {
        fs::read(self.tasks().join(format!("{date}.json"))).ok()
    }

    fn tasks(&self) -> PathBuf {
        self.root.join(DIRECTORY).join("tasks")
    }

    /// Notes that files of `date` are about to be written, after removing what a run that was killed while it wrote
    /// left of its own.
    pub(super) fn begin(&self, date: NaiveDate) -> Result<(), WriteError> {
        let path = self.note();
        let error = |cause| WriteError {
            path: path.clone(),
            cause,
        };
        match fs::read_to_string(&path) {
            Ok(unfinished) => {
                // Only ever a date, but it is read from a file and becomes part of a path.
                if let Ok(unfinished) = unfinished.trim().parse() {
                    self.sweep(unfinished).map_err(error)?;
                }
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(error(cause)),
        }
        let write = || -> io::Result<()> {
            let mut file = staged::temporary().tempfile_in(self.root.join(DIRECTORY))?;
            writeln!(file, "{date}")?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(error)
    }

    /// Notes that all files are in place.
    pub(super) fn end(&self) -> Result<(), WriteError> {
        let path = self.note();
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                Err(WriteError { path, cause })
            }
            _ => Ok(()),
        }
    }

    fn note(&self) -> PathBuf {
        self.root.join(DIRECTORY).join("unfinished")
    }

    /// Removes the temporary files of `date`, of every node.
    fn sweep(&self, date: NaiveDate) -> io::Result<()> {
        let nodes = fs::read_dir(&self.root)?
            .map(|node| Ok(node?.path().join(date.to_string())))
            .collect::<io::Result<Vec<_>>>()?;
        let own = [self.tasks(), self.root.join(DIRECTORY)];
        for directory in nodes.into_iter().chain(own) {
            let Ok(files) = fs::read_dir(directory) else {
                continue;
            };
            for file in files {
                let file = file?;
                if file.file_name().to_str().is_some_and(staged::is_temporary) {
                    tracing::info!(file = %file.path().display(), "removing what a killed run left");
                    fs::remove_file(file.path())?;
                }
            }
        }
        Ok(())
    }
}

/// Opens a file of the state, with what it already holds.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)
}
