//! One SQLite file, with a row for each reading.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::NaiveDate;
use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{
    Connection, DEFAULT_NAME, Error, ErrorCode, FileControl, OpenFlags, Row, Statement,
    Transaction, TransactionBehavior, params,
};

use super::{Fingerprint, NodeCopy, Sink, SinkError, TreeDay, Unread, doubt_words, notices};
use crate::model::{Both, Reading, WeightedSum, both, said, text};

const SCHEMA: &str = include_str!("sqlite.sql");
const SCHEMA_VERSION: i64 = 1;
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
            make(&self.path, self.mode).map_err(|error| self.refused(&|| error.to_string()))?;
            let mut connection = open(&self.path).map_err(|error| self.failed(&error))?;
            let prepared = prepare(&mut connection).and_then(|()| schema_version(&connection));
            self.check_version(prepared.map_err(|error| self.failed(&error))?)?;
            self.connection = Some(connection);
        }
        Ok(self.connection.as_mut().expect("it was opened just now"))
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
        let connection = match &self.connection {
            Some(connection) => connection,
            None => {
                new = open(&self.path).map_err(|error| self.failed(&error))?;
                &new
            }
        };
        let version = schema_version(connection).map_err(|error| self.failed(&error))?;
        if version == 0 {
            return Ok(BTreeMap::new());
        }
        self.check_version(version)?;
        fingerprints(connection, date).map_err(|error| self.failed(&error))
    }

    fn refused(&self, why: &dyn Fn() -> String) -> SinkError {
        let (path, why) = (self.path.display(), Both::of(why));
        SinkError(both!(
            "無法寫入 {path}：{why}",
            "cannot write {path}: {why}"
        ))
    }

    fn failed(&self, error: &Error) -> SinkError {
        SinkError(problem(&self.path, error))
    }
}

fn open(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    // Whoever may read the file alone, and make none beside it, could not open it without those beside it. Their log is
    // emptied, or each export would copy it into the file again.
    let mut keeps_log = 1;
    connection.file_control(DEFAULT_NAME, FileControl::PersistWal(&mut keeps_log))?;
    connection.pragma_update(None, "journal_size_limit", 0)?;
    Ok(connection)
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
    let made = options.write(true).create_new(true).mode(mode).open(path);
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if fs::metadata(path)?.is_file() {
                return Ok(());
            }
            let problem = text("不是一般檔案", "not a regular file");
            Err(io::Error::other(problem))
        }
        made => made.map(drop),
    }
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

fn schema_version(connection: &Connection) -> Result<i64, Error> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn problem(path: &Path, error: &Error) -> Both {
    let path = path.display();
    let advice = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => both!(
            "（磁碟已滿：請騰出空間，下次匯出會補上）",
            " (the disk is full: make room, and the next export makes up for it)"
        ),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => both!(
            "（請移走這個檔案，再執行 daily-gpu-log export sqlite --all）",
            " (move the file away and run daily-gpu-log export sqlite --all)"
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => both!(
            "（另一個程式正在寫入：請稍後再試）",
            " (another program is writing it: try again later)"
        ),
        _ => both!(
            "（請確認檔案與其目錄的寫入權限）",
            " (check the permission to write the file, and its directory)"
        ),
    };
    both!(
        "無法寫入 {path}：{error}{advice}",
        "cannot write {path}: {error}{advice}"
    )
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
        written.map_err(|error| self.failed(&error))
    }
}

fn write(
    connection: &mut Connection,
    day: &TreeDay,
    nodes: &mut dyn Iterator<Item = Result<NodeCopy, Unread>>,
) -> Result<(), Error> {
    let mut nodes = nodes.filter_map(Result::ok).peekable();
    while nodes.peek().is_some() {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        write_run(&transaction, day)?;
        let mut statements = Statements::new(&transaction)?;
        for node in nodes.by_ref().take(BATCH) {
            statements.write(day, &node)?;
        }
        drop(statements);
        transaction.commit()?;
    }
    Ok(())
}

fn write_run(transaction: &Transaction, day: &TreeDay) -> Result<(), Error> {
    let Some(run) = day.last_run else {
        return Ok(());
    };
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

/// The statements of a batch.
struct Statements<'t> {
    deletions: [Statement<'t>; 2],
    delete_readings: Statement<'t>,
    node_day: Statement<'t>,
    reading: Statement<'t>,
    holding: Statement<'t>,
    usage: Statement<'t>,
}

impl<'t> Statements<'t> {
    fn new(transaction: &'t Transaction) -> Result<Self, Error> {
        let insert = |table: &str, columns: usize| {
            let marks = vec!["?"; columns].join(", ");
            transaction.prepare(&format!("INSERT OR REPLACE INTO {table} VALUES ({marks})"))
        };
        let delete = |table: &str| {
            transaction.prepare(&format!("DELETE FROM {table} WHERE date = ? AND node = ?"))
        };
        Ok(Self {
            deletions: [delete("holding")?, delete("usage")?],
            delete_readings: transaction.prepare(
                "DELETE FROM reading WHERE node = ? AND interval_end > ? AND interval_end <= ?",
            )?,
            node_day: insert("node_day", 14)?,
            reading: insert("reading", 6)?,
            holding: insert("holding", 9)?,
            usage: insert("usage", 17)?,
        })
    }

    /// Puts a node in the place of what is there of it on that day.
    fn write(&mut self, day: &TreeDay, copy: &NodeCopy) -> Result<(), Error> {
        let (window, node) = (day.window, copy.node.as_str());
        let date = window.date.to_string();
        for delete in &mut self.deletions {
            delete.execute(params![date, node])?;
        }
        self.delete_readings
            .execute(params![node, window.start, window.end])?;
        for gpu in &copy.gpus {
            let Some(usage) = &gpu.usage else { continue };
            let rows = window.stamps().zip(usage.gpu.iter().zip(&usage.vram));
            for (interval_end, (gpu_percent, vram_percent)) in rows {
                self.reading.execute(params![
                    node,
                    gpu.index.0,
                    gpu.card.0,
                    interval_end,
                    gpu_percent.map(Reading::percent),
                    vram_percent.map(Reading::percent),
                ])?;
            }
        }
        for of in &copy.holdings {
            self.holding.execute(params![
                date,
                node,
                of.gpu.0,
                of.user,
                of.task,
                of.task_type,
                of.project,
                of.span.from,
                of.span.to,
            ])?;
        }
        self.write_usage(&date, copy)?;
        self.node_day.execute(params![
            date,
            node,
            day.shard,
            window.start,
            window.end,
            copy.until,
            window.interval.seconds(),
            window.zone.name(),
            copy.coverage.found,
            copy.coverage.due,
            copy.task_source(),
            copy.tasks_as_of,
            Value::Blob(copy.fingerprint.to_vec()),
            day.exported_at,
        ])?;
        Ok(())
    }

    fn write_usage(&mut self, date: &str, copy: &NodeCopy) -> Result<(), Error> {
        let Some(usage) = &copy.usage else {
            return Ok(());
        };
        let doubts = doubt_words(&usage.doubts);
        let mean = |sum: WeightedSum| sum.mean().map(Reading::percent);
        for entry in &usage.entries {
            let account = entry.account;
            self.usage.execute(params![
                date,
                copy.node,
                entry.kind(),
                entry.user,
                entry.gpu.0,
                account.seconds(),
                account.active,
                account.idle.vram_held,
                account.idle.vram_empty,
                account.idle.vram_unknown,
                account.unknown,
                account.vram.seconds(),
                mean(account.gpu),
                mean(account.vram),
                usage.known.from,
                usage.known.to,
                doubts,
            ])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sinks::samples;
    use pretty_assertions::assert_eq;

    fn write(sink: &mut Sqlite, nodes: Vec<NodeCopy>, exported_at: i64) {
        let window = samples::window("2025-08-01");
        let day = TreeDay {
            window: &window,
            shard: "all",
            last_run: None,
            exported_at,
        };
        let mut nodes = nodes.into_iter().map(Ok);
        sink.write(&day, &mut nodes).expect("it is written");
    }

    #[test]
    fn every_reading_is_exact_and_a_gap_is_null() {
        let root = tempfile::tempdir().expect("a directory");
        let path = root.path().join("gpu.sqlite");
        let window = samples::window("2025-08-01");
        let mut sink = Sqlite::new(path.clone(), 0o640);
        let nothing = sink.fingerprints(window.date).expect("nothing");
        assert!(nothing.is_empty() && !path.exists());
        write(&mut sink, vec![samples::node("n1", &window, 1)], 1);
        // A second time, with other values, in the place of the first.
        let node = samples::node("n1", &window, 2);
        write(
            &mut sink,
            vec![node.clone(), samples::node("n2", &window, 3)],
            2,
        );
        let known = sink.fingerprints(window.date).expect("fingerprints");
        let expected = [("n1", [2; 32]), ("n2", [3; 32])];
        let expected = expected.map(|(name, print)| (name.to_owned(), print));
        assert_eq!(known, BTreeMap::from(expected));
        drop(sink);
        let reader = Connection::open(&path).expect("a database");
        let query = "SELECT gpu, card, interval_end, gpu_percent, vram_percent FROM reading WHERE node = 'n1' ORDER BY gpu, interval_end";
        let mut query = reader.prepare(query).expect("a query");
        let row = |row: &Row| {
            let percent = |column: usize| -> Result<_, Error> {
                let percent: Option<f64> = row.get(column)?;
                Ok(percent.map(|percent| Reading::new(percent).expect("a percentage")))
            };
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                percent(3)?,
                percent(4)?,
            ))
        };
        let rows = query.query_map([], row).expect("rows");
        let rows: Vec<(usize, u64, i64, _, _)> = rows.map(|row| row.expect("a row")).collect();
        let expected = node.gpus.iter().flat_map(|gpu| {
            let usage = gpu.usage.iter();
            let rows = usage.flat_map(|usage| {
                let readings = usage.gpu.iter().copied().zip(usage.vram.iter().copied());
                window.stamps().zip(readings)
            });
            rows.map(|(stamp, (of_gpu, of_vram))| (gpu.index.0, gpu.card.0, stamp, of_gpu, of_vram))
        });
        assert_eq!(rows, expected.collect::<Vec<_>>());
        let count = |table: &str| -> i64 {
            let query = format!("SELECT count(*) FROM {table}");
            let counted = reader.query_row(&query, [], |row| row.get(0));
            counted.expect("a count")
        };
        let tables = [
            "node_day",
            "holding",
            "usage",
            "usage_by_user_day",
            "gpu_day",
        ];
        assert_eq!(tables.map(count), [2, 2, 2, 1, 4]);
    }

    #[test]
    fn what_is_no_database_stays_and_is_named() {
        let root = tempfile::tempdir().expect("a directory");
        let path = root.path().join("notes");
        fs::write(&path, "no database at all, but a text of some length").expect("a file");
        let open = |path: &Path| Sqlite::new(path.to_owned(), 0o640).opened().map(drop);
        let error = open(&path).expect_err("no database");
        assert!(error.to_string().contains("notes"), "{error}");
        let text = fs::read_to_string(&path).expect("the file");
        assert!(text.starts_with("no database"), "{text}");
        let error = open(root.path()).expect_err("a directory");
        assert!(error.to_string().contains("不是一般檔案"), "{error}");
    }
}
