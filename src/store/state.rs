//! The program's own state beside the tree, in `<data-dir>/.daily-gpu-log/`: what runs keep for later ones, and what a killed run left.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::layout::CardRecord;
use super::staged;
use super::tree::{WriteError, make_directory};

pub const STATE_DIRECTORY: &str = ".daily-gpu-log";
/// The file whose lock a run holds.
pub const LOCK: &str = "lock";
/// The mode of its files, but for the lock: tasks are personal.
const OWN_FILE_MODE: u32 = 0o600;
/// The file that names the day whose files are being written.
const NOTE: &str = "unfinished";

/// The file that tells who was told of idle GPUs.
const ALERTS: &str = "alerts.json";

/// A file of the state that is there and cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("無法讀取 {path}：{cause}（請以收集時的使用者執行）", path = .path.display())]
pub struct ReadError {
    /// The file.
    pub path: PathBuf,
    /// Why not.
    pub cause: io::Error,
}

/// The state. Only a run that holds the lock may write it.
#[derive(Debug)]
pub struct State {
    root: PathBuf,
}

impl State {
    /// The state of the data directory `root`, which need not exist.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// Keeps the management API's answer for `date`. Only the owner may read it: the tree says less.
    pub fn keep_tasks(&self, date: NaiveDate, contents: &[u8]) -> Result<(), WriteError> {
        write_whole(&self.tasks(), &format!("{date}.json"), contents)
    }

    /// What was kept for `date`, if anything.
    pub fn kept_tasks(&self, date: NaiveDate) -> Option<Vec<u8>> {
        fs::read(self.tasks().join(format!("{date}.json"))).ok()
    }

    /// The cards of the files of `date`, by node. A record that cannot be read is none.
    pub fn cards(&self, date: NaiveDate) -> BTreeMap<String, CardRecord> {
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
    pub fn record_cards(
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

    /// Keeps the record of the last run of `date`.
    pub fn keep_run(&self, date: NaiveDate, contents: &[u8]) -> Result<(), WriteError> {
        // Not synced: a record that a power cut empties is none, and the day is looked at again.
        write(&self.runs(), &format!("{date}.json"), contents, |_| Ok(()))
    }

    /// The record of the runs of `date`, if any.
    pub fn run_record(&self, date: NaiveDate) -> Result<Option<Vec<u8>>, ReadError> {
        read(self.runs().join(format!("{date}.json")))
    }

    /// Keeps who was told of idle GPUs.
    pub fn keep_alerts(&self, contents: &[u8]) -> Result<(), WriteError> {
        write_whole(&self.root.join(STATE_DIRECTORY), ALERTS, contents)
    }

    /// Who was told of idle GPUs, if anybody was.
    pub fn alerts(&self) -> Result<Option<Vec<u8>>, ReadError> {
        read(self.alerts_file())
    }

    pub fn alerts_file(&self) -> PathBuf {
        self.root.join(STATE_DIRECTORY).join(ALERTS)
    }

    fn runs(&self) -> PathBuf {
        self.root.join(STATE_DIRECTORY).join("runs")
    }

    fn tasks(&self) -> PathBuf {
        self.root.join(STATE_DIRECTORY).join("tasks")
    }

    fn recorded_cards(&self) -> PathBuf {
        self.root.join(STATE_DIRECTORY).join("cards")
    }

    /// Removes what runs left that were killed while they wrote. Where a day's files are written there is a note of
    /// the day; elsewhere there need be none.
    pub fn tidy(&self) -> Result<(), WriteError> {
        let own = self.root.join(STATE_DIRECTORY);
        remove_temporary(&self.root)?;
        let directories = [&self.root, &own].map(|parent| directories_in(parent));
        directories
            .iter()
            .flatten()
            .try_for_each(|directory| remove_temporary(directory))?;
        let note = self.note();
        let unfinished = match fs::read(&note) {
            Ok(unfinished) => unfinished,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(cause) => return Err(WriteError { path: note, cause }),
        };
        // Only ever a date, but it is read from a file and becomes part of a path.
        let Ok(date) = String::from_utf8_lossy(&unfinished)
            .trim()
            .parse::<NaiveDate>()
        else {
            return Ok(());
        };
        let [nodes, _] = directories;
        nodes
            .iter()
            .try_for_each(|node| remove_temporary(&node.join(date.to_string())))
    }

    /// Notes that files of `date` are about to be written.
    pub fn begin(&self, date: NaiveDate) -> Result<(), WriteError> {
        let note = format!("{date}\n");
        write_whole(&self.root.join(STATE_DIRECTORY), NOTE, note.as_bytes())
    }

    /// Notes that all files are in place.
    pub fn end(&self) -> Result<(), WriteError> {
        let path = self.note();
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                Err(WriteError { path, cause })
            }
            _ => Ok(()),
        }
    }

    fn note(&self) -> PathBuf {
        self.root.join(STATE_DIRECTORY).join(NOTE)
    }
}

/// The directories in `parent`, as far as it can be read.
fn directories_in(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| path.is_dir()).collect()
}

/// Removes the temporary files in `directory`, as far as it can be read.
fn remove_temporary(directory: &Path) -> Result<(), WriteError> {
    let files = fs::read_dir(directory).into_iter().flatten().flatten();
    for file in files {
        if file.file_name().to_str().is_some_and(staged::is_temporary) {
            let path = file.path();
            tracing::info!(file = %path.display(), "removing what a killed run left");
            fs::remove_file(&path).map_err(|cause| WriteError { path, cause })?;
        }
    }
    Ok(())
}

fn read(path: PathBuf) -> Result<Option<Vec<u8>>, ReadError> {
    match fs::read(&path) {
        Ok(file) => Ok(Some(file)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(ReadError { path, cause }),
    }
}

/// Puts a file of the state in place, so that it is whole also after a power cut.
fn write_whole(directory: &Path, name: &str, contents: &[u8]) -> Result<(), WriteError> {
    write(directory, name, contents, File::sync_all)
}

fn write(
    directory: &Path,
    name: &str,
    contents: &[u8],
    sync: impl FnOnce(&File) -> io::Result<()>,
) -> Result<(), WriteError> {
    make_directory(directory)?;
    staged::put(&directory.join(name), OWN_FILE_MODE, contents, sync)
}

/// The nodes whose files are of the same cards.
#[derive(Serialize, Deserialize)]
struct NodesOfRecord {
    #[serde(flatten)]
    record: CardRecord,
    nodes: Vec<String>,
}
