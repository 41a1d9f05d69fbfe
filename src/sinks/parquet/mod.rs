//! A dataset of Parquet files, which DuckDB, ClickHouse, Spark and Trino read as it lies:
//! `<table>/date=YYYY-MM-DD/<shard>.parquet`, exactly one file for a table, a date and a shard.

mod column;
mod digest;
mod errors;
mod file;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use parquet::schema::parser::parse_message_type;

use super::{Fingerprint, NodeCopy, Sink, SinkError, TreeDay, Unread};
use crate::model::{Modes, UnixSeconds, if_there};
use crate::settings::regular_file::{self, NOT_REGULAR};

use errors::{busy, unreadable, unwritable};
use file::{cause, make_directory};
use tables::{ALL, DayFiles, NODE_DAYS};

/// How long another export may hold up this one.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub struct Parquet {
    root: PathBuf,
    /// Whose files of the dataset it writes.
    shard: String,
    modes: Modes,
    patience: Duration,
}

/// What a file of node-days says of a node.
#[derive(Clone, Copy, Debug)]
struct Exported {
    fingerprint: Fingerprint,
    at: UnixSeconds,
}

impl Parquet {
    /// The directory need not be there, and is not made before something is written.
    pub fn new(root: PathBuf, shard: &str, modes: Modes) -> Self {
        Self {
            root,
            shard: shard.to_owned(),
            modes,
            patience: PATIENCE,
        }
    }

    /// Waits for a while until no other program writes files of the shard. Where the file system has no locks, the
    /// files of two are whole nevertheless, and the next export makes them those of one.
    fn lock(&self) -> Result<File, SinkError> {
        make_directory(&self.root, self.modes)?;
        let path = self.root.join(format!(".{}.lock", self.shard));
        let mut options = OpenOptions::new();
        options.write(true).create(true).mode(self.modes.file);
        let opened = regular_file::open_with(&path, &options);
        let lock = opened.map_err(|error| unwritable(&path, &error))?;
        let waiting = Instant::now();
        while let Err(TryLockError::WouldBlock) = lock.try_lock() {
            if waiting.elapsed() >= self.patience {
                return Err(busy(&self.root));
            }
            thread::sleep(PAUSE);
        }
        Ok(lock)
    }

    /// What it has of a date: nothing where one of the files is not there, or cannot be one.
    fn exported(&self, date: NaiveDate) -> Result<BTreeMap<String, Exported>, SinkError> {
        let is_there = |table: &&file::Table| self.path(table, date).is_file();
        if !ALL.iter().all(is_there) {
            return Ok(BTreeMap::new());
        }
        let path = self.path(&NODE_DAYS, date);
        let opened = match if_there(regular_file::open(&path)) {
            Err(error) if error.kind() == NOT_REGULAR => None,
            opened => opened.map_err(|error| unreadable(&path, &error))?,
        };
        let Some(file) = opened else {
            return Ok(BTreeMap::new());
        };
        let error = match read(file).map_err(cause) {
            Ok(exported) => return Ok(exported),
            Err(error) => error,
        };
        if error.raw_os_error().is_some() {
            return Err(unreadable(&path, &error));
        }
        tracing::info!(file = %path.display(), %error, "cannot be read, and is written again");
        Ok(BTreeMap::new())
    }

    fn path(&self, table: &file::Table, date: NaiveDate) -> PathBuf {
        table.path(&self.root, date, &self.shard)
    }
}

impl Sink for Parquet {
    fn fingerprints(
        &mut self,
        date: NaiveDate,
    ) -> Result<BTreeMap<String, Fingerprint>, SinkError> {
        let exported = self.exported(date)?.into_iter();
        Ok(exported.map(|(node, of)| (node, of.fingerprint)).collect())
    }

    fn writes_whole_days(&self) -> bool {
        true
    }

    fn write(
        &mut self,
        day: &TreeDay,
        nodes: &mut dyn Iterator<Item = Result<NodeCopy, Unread>>,
    ) -> Result<(), SinkError> {
        debug_assert_eq!(day.shard, self.shard);
        let date = day.window.date;
        let _lock = self.lock()?;
        let before = self.exported(date)?;
        let mut files = DayFiles::begin(&self.root, self.modes, day)?;
        let mut is_empty = true;
        for node in nodes {
            let node = match node {
                Ok(node) => node,
                Err(Unread(name)) if before.contains_key(&name) => return Ok(()),
                Err(Unread(_)) => continue,
            };
            is_empty = false;
            let before = before.get(&node.node);
            let same = before.filter(|before| before.fingerprint == node.fingerprint);
            files.add(&node, same.map_or(day.exported_at, |same| same.at))?;
        }
        if is_empty {
            return Ok(());
        }
        files.place()
    }
}

fn read(file: File) -> Result<BTreeMap<String, Exported>, ParquetError> {
    if !digest::is_right(&file)? {
        return Err(ParquetError::General("it is damaged".to_owned()));
    }
    let columns = "message node_days {
        required binary node (STRING);
        required binary fingerprint;
        required int64 exported_at (TIMESTAMP(MILLIS, true));
    }";
    let reader = SerializedFileReader::new(file)?;
    let rows = reader.get_row_iter(Some(parse_message_type(columns)?))?;
    let exported = rows.map(|row| {
        let row = row?;
        let fingerprint = Fingerprint::try_from(row.get_bytes(1)?.data());
        let fingerprint = fingerprint.map_err(|_| ParquetError::General("no digest".to_owned()))?;
        let at = row.get_timestamp_millis(2)? / 1000;
        Ok((row.get_string(0)?.clone(), Exported { fingerprint, at }))
    });
    exported.collect()
}
