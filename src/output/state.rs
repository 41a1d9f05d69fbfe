//! The program's own state beside the tree, in `<data-dir>/.daily-gpu-log/`: the lock, and what a killed run left.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::layout::CardRecord;
use super::reports;
use super::staged::{self, FILE_MODE};
use super::{OpenError, WriteError, make_directory};

const DIRECTORY: &str = ".daily-gpu-log";
/// The file that names the day whose files are being written.
const NOTE: &str = "unfinished";
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
        let mut file = open_lock(&path).map_err(error)?;
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
        write_whole(&self.tasks(), &format!("{date}.json"), contents)
    }

    /// What was kept for `date`, if anything.
    pub(super) fn kept_tasks(&self, date: NaiveDate) -> Option<Vec<u8>> {
        fs::read(self.tasks().join(format!("{date}.json"))).ok()
    }

    /// The cards of the files of `date`, by node. A record that cannot be read is none.
    pub(super) fn cards(&self, date: NaiveDate) -> BTreeMap<String, CardRecord> {
        let file = fs::read(self.recorded_cards().join(format!("{date}.json")));
        let records: Vec<NodesOfRecord> = file
            .ok()
            .and_then(|file| serde_json::from_slice(&file).ok())
            .unwrap_or_default();
        let each = |NodesOfRecord { record, nodes }: NodesOfRecord| {
            nodes.into_iter().map(move |node| (node, record.clone()))
        };
        records.into_iter().flat_map(each).collect()
    }

    /// Records the cards of the files of `date`.
    pub(super) fn record_cards(
        &self,
        date: NaiveDate,
        cards: BTreeMap<String, CardRecord>,
    ) -> Result<(), WriteError> {
        let mut records: BTreeMap<CardRecord, Vec<String>> = BTreeMap::new();
        for (node, record) in cards {
            records.entry(record).or_default().push(node);
        }
        let of_record = |(record, nodes)| NodesOfRecord { record, nodes };
        let records: Vec<_> = records.into_iter().map(of_record).collect();
        let text = serde_json::to_vec(&records).expect("a record has string keys alone");
        write_whole(&self.recorded_cards(), &format!("{date}.json"), &text)
    }

    fn tasks(&self) -> PathBuf {
        self.root.join(DIRECTORY).join("tasks")
    }

    fn recorded_cards(&self) -> PathBuf {
        self.root.join(DIRECTORY).join("cards")
    }

    /// Notes that files of `date` are about to be written, after removing what a run that was killed while it wrote
    /// left of its own.
    pub(super) fn begin(&self, date: NaiveDate) -> Result<(), WriteError> {
        let path = self.note();
        let error = |cause| WriteError {
            path: path.clone(),
            cause,
        };
        match fs::read(&path) {
            Ok(unfinished) => {
                // Only ever a date, but it is read from a file and becomes part of a path.
                let unfinished = String::from_utf8_lossy(&unfinished).trim().parse();
                self.sweep(unfinished.unwrap_or(date)).map_err(error)?;
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(error(cause)),
        }
        write_whole(
            &self.root.join(DIRECTORY),
            NOTE,
            format!("{date}\n").as_bytes(),
        )
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
        self.root.join(DIRECTORY).join(NOTE)
    }

    /// Removes the temporary files of `date`, of every node.
    fn sweep(&self, date: NaiveDate) -> io::Result<()> {
        let nodes = fs::read_dir(&self.root)?
            .map(|node| Ok(node?.path().join(date.to_string())))
            .collect::<io::Result<Vec<_>>>()?;
        let own = [
            self.tasks(),
            self.recorded_cards(),
            self.root.join(DIRECTORY),
            reports::directory(&self.root),
        ];
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

/// Puts a file of the state in place. Temporary files are their owner's alone, and stay so.
fn write_whole(directory: &Path, name: &str, contents: &[u8]) -> Result<(), WriteError> {
    make_directory(directory)?;
    let target = directory.join(name);
    let write = || -> io::Result<()> {
        let mut file = staged::temporary().tempfile_in(directory)?;
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

/// The nodes whose files are of the same cards.
#[derive(Serialize, Deserialize)]
struct NodesOfRecord {
    #[serde(flatten)]
    record: CardRecord,
    nodes: Vec<String>,
}

/// Opens the file of the lock, with the pid that it holds.
fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)
}
