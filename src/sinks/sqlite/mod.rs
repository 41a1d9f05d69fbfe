//! One SQLite file, with a row for each reading.

mod statements;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::NaiveDate;
use rusqlite::config::DbConfig;
use rusqlite::{
    Connection, DEFAULT_NAME, Error, ErrorCode, FileControl, OpenFlags, Row, Transaction,
    TransactionBehavior, params,
};

use super::{Fingerprint, NodeCopy, Sink, SinkError, TreeDay, Unread, notices};
use crate::analysis::LastRun;
use crate::model::{Both, both, said, text};
use statements::Statements;

const SCHEMA: &str = include_str!("schema.sql");
const SCHEMA_VERSION: i64 = 2;
/// By which a file says that it is a copy: `dgpl`, as a number.
const APPLICATION_ID: i64 = 0x6467_706c;
/// How many node-days are written at once: then there is little to do again after a failure.
const BATCH: usize = 64;
/// How long another export may hold up this one.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    /// That of a new file.
    mode: u32,
    connection: Option<Connection>,
}

impl Sqlite {
    /// The file need not be there, and is not made before something is written.
    pub fn new(path: PathBuf, mode: u32) -> Self {
        Self {
            path,
            mode,
            connection: None,
        }
    }

    /// The file, open for writing, with all its tables.
    fn opened(&mut self) -> Result<&mut Connection, SinkError> {
        if self.connection.is_none() {
            make(&self.path, self.mode).map_err(|error| unwritten(&self.path, &error))?;
            let mut connection = self.open()?;
            let prepared = prepare(&mut connection).and_then(|()| schema_version(&connection));
            let prepared = prepared.map_err(|error| unwritten(&self.path, &advised(&error)));
            self.check_version(prepared?)?;
            self.connection = Some(connection);
        }
        Ok(self.connection.as_mut().expect("it was opened just now"))
    }

    /// The file, if it is a copy or empty.
    fn open(&self) -> Result<Connection, SinkError> {
        let opened = open(&self.path).and_then(|connection| {
            if !may_be_used(&connection)? {
                return Ok(None);
            }
            keep_log(&connection)?;
            Ok(Some(connection))
        });
        let opened = opened.map_err(|error| unread(&self.path, &advised(&error)))?;
        opened.ok_or_else(|| {
            self.refused(&|| {
                said!(
                    "這不是本程式的副本（請指定別的檔案）",
                    "it is not a copy of this program (name another file)"
                )
            })
        })
    }

    fn check_version(&self, version: i64) -> Result<(), SinkError> {
        if version == SCHEMA_VERSION {
            return Ok(());
        }
        Err(self.refused(&|| {
            said!(
                "它的版本是 {version}，這個程式寫的是 {SCHEMA_VERSION}（請升級程式，或移走這個檔案後執行 daily-gpu-log export sqlite --all）",
                "its schema is version {version}, and this program writes {SCHEMA_VERSION} (upgrade the program, or move the file away and run daily-gpu-log export sqlite --all)"
            )
        }))
    }

    fn known(&self, date: NaiveDate) -> Result<BTreeMap<String, Fingerprint>, SinkError> {
        if self.connection.is_none() && !self.path.exists() {
            return Ok(BTreeMap::new());
        }
        let new;
        let connection = if let Some(connection) = &self.connection {
            connection
        } else {
            new = self.open()?;
            &new
        };
        let version =
            schema_version(connection).map_err(|error| unread(&self.path, &advised(&error)))?;
        if version == 0 {
            return Ok(BTreeMap::new());
        }
        self.check_version(version)?;
        fingerprints(connection, date).map_err(|error| unread(&self.path, &advised(&error)))
    }

    fn refused(&self, why: &dyn Fn() -> String) -> SinkError {
        unread(&self.path, &Both::of(why))
    }
}

fn open(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

/// Whether it is a copy, or there is nothing in it. A killed export may have left one that is both empty and no copy.
fn may_be_used(connection: &Connection) -> Result<bool, Error> {
    let is = |pragma: &str, value: i64| {
        connection.pragma_query_value(None, pragma, |row| Ok(row.get::<_, i64>(0)? == value))
    };
    if is("application_id", APPLICATION_ID)? {
        return Ok(true);
    }
    let tables = "SELECT count(*) FROM sqlite_schema";
    let has_none = connection.query_row(tables, [], |row| Ok(row.get::<_, i64>(0)? == 0))?;
    Ok(has_none && is("application_id", 0)? && is("user_version", 0)?)
}

/// Whoever may read the file alone, and make none beside it, could not open it without those beside it. Their log is
/// emptied, or each export would copy it into the file again.
fn keep_log(connection: &Connection) -> Result<(), Error> {
    let mut keeps_log = 1;
    connection.file_control(DEFAULT_NAME, FileControl::PersistWal(&mut keeps_log))?;
    connection.pragma_update(None, "journal_size_limit", 0)
}

/// Readers see the days before, and hold up nobody, until a batch is whole.
fn prepare(connection: &mut Connection) -> Result<(), Error> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if schema_version(&transaction)? == 0 {
        transaction.execute_batch(SCHEMA)?;
    }
    transaction.commit()
}

fn fingerprints(
    connection: &Connection,
    date: NaiveDate,
) -> Result<BTreeMap<String, Fingerprint>, Error> {
    let mut query = connection.prepare("SELECT node, fingerprint FROM node_day WHERE date = ?1")?;
    let row = |row: &Row| Ok((row.get(0)?, row.get(1)?));
    query.query_map([date.to_string()], row)?.collect()
}

fn make(path: &Path, mode: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    match options.write(true).create_new(true).mode(mode).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if fs::metadata(path)?.is_file() {
                return Ok(());
            }
            let problem = text("不是一般檔案", "not a regular file");
            Err(io::Error::other(problem))
        }
        opened => opened.map(drop),
    }
}

fn schema_version(connection: &Connection) -> Result<i64, Error> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn unread(path: &Path, why: &dyn Display) -> SinkError {
    let path = path.display();
    SinkError(both!("無法使用 {path}：{why}", "cannot use {path}: {why}"))
}

fn unwritten(path: &Path, why: &dyn Display) -> SinkError {
    let path = path.display();
    SinkError(both!(
        "無法寫入 {path}：{why}",
        "cannot write {path}: {why}"
    ))
}

/// What went wrong, and what to do.
fn advised(error: &Error) -> Both {
    let advice = advice(error);
    both!("{error}{advice}", "{error}{advice}")
}

fn advice(error: &Error) -> Both {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => both!(
            "（磁碟已滿：請騰出空間，下次匯出會補上）",
            " (the disk is full: make room, and the next export makes up for it)"
        ),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => both!(
            "（請指定別的檔案，或移走這個檔案，再加上 --all 匯出）",
            " (name another file, or move this one away, and export with --all)"
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => both!(
            "（另一個程式正在寫入：請稍後再試）",
            " (another program is writing it: try again later)"
        ),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => both!(
            "（請確認檔案與其目錄的寫入權限）",
            " (check the permission to write the file, and its directory)"
        ),
        _ => Both::of(String::new),
    }
}

impl Sink for Sqlite {
    fn fingerprints(
        &mut self,
        date: NaiveDate,
    ) -> Result<BTreeMap<String, Fingerprint>, SinkError> {
        self.known(date)
    }

    fn write(
        &mut self,
        day: &TreeDay,
        nodes: &mut dyn Iterator<Item = Result<NodeCopy, Unread>>,
    ) -> Result<(), SinkError> {
        let written = write(self.opened()?, day, nodes);
        written.map_err(|error| unwritten(&self.path, &advised(&error)))
    }
}

fn write(
    connection: &mut Connection,
    day: &TreeDay,
    nodes: &mut dyn Iterator<Item = Result<NodeCopy, Unread>>,
) -> Result<(), Error> {
    let mut nodes = nodes.filter_map(Result::ok).peekable();
    let mut run = day.last_run;
    while nodes.peek().is_some() {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some(run) = run.take() {
            write_run(&transaction, day, run)?;
        }
        let mut statements = Statements::new(&transaction)?;
        for node in nodes.by_ref().take(BATCH) {
            statements.write(day, &node)?;
        }
        drop(statements);
        transaction.commit()?;
    }
    Ok(())
}

fn write_run(transaction: &Transaction, day: &TreeDay, run: &LastRun) -> Result<(), Error> {
    let mut insert =
        transaction.prepare("INSERT OR REPLACE INTO run VALUES (?, ?, ?, ?, ?, ?, ?)")?;
    insert.execute(params![
        day.window.date.to_string(),
        day.shard,
        run.started_at,
        run.duration_seconds,
        run.exit_status,
        run.version,
        notices(run),
    ])?;
    Ok(())
}
