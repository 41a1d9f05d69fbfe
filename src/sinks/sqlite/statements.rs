//! How a node's day is put into the tables.

use std::iter;

use rusqlite::types::Value;
use rusqlite::{Error, Statement, ToSql, Transaction, params, params_from_iter};

use crate::model::{Reading, UnixSeconds, WeightedSum, Window};
use crate::sinks::{GpuCopy, NodeCopy, TreeDay, doubt_words};

/// How many readings a statement inserts: with one each, they take several times as long.
const ROWS: usize = 48;

/// The end of its interval, its GPU, card and units.
type ReadingRow = (UnixSeconds, usize, i64, Option<u32>, Option<u32>);

/// The statements of a batch.
pub struct Statements<'t> {
    deletions: [Statement<'t>; 2],
    /// Answers the number of a node, which a new one is given.
    node: Statement<'t>,
    delete_readings: Statement<'t>,
    node_day: Statement<'t>,
    reading: Statement<'t>,
    /// Of [`ROWS`].
    readings: Statement<'t>,
    holding: Statement<'t>,
    usage: Statement<'t>,
}

impl<'t> Statements<'t> {
    pub fn new(transaction: &'t Transaction) -> Result<Self, Error> {
        let insert = |table: &str, columns: usize| {
            let marks = vec!["?"; columns].join(", ");
            transaction.prepare(&format!("INSERT OR REPLACE INTO {table} VALUES ({marks})"))
        };
        // Those of before are deleted first, and a statement that may undo its rows keeps a journal of them.
        let readings = |rows: usize| {
            let rows = vec!["(?1, ?, ?, ?, ?, ?)"; rows].join(", ");
            transaction.prepare(&format!("INSERT OR FAIL INTO reading_units VALUES {rows}"))
        };
        let delete = |table: &str| {
            transaction.prepare(&format!("DELETE FROM {table} WHERE date = ? AND node = ?"))
        };
        Ok(Self {
            deletions: [delete("holding")?, delete("usage")?],
            node: transaction.prepare(
                "INSERT INTO node (name) VALUES (?) ON CONFLICT (name) DO UPDATE SET name = name RETURNING id",
            )?,
            delete_readings: transaction.prepare(
                "DELETE FROM reading_units WHERE node_id = ? AND interval_end > ? AND interval_end <= ?",
            )?,
            node_day: insert("node_day", 14)?,
            reading: readings(1)?,
            readings: readings(ROWS)?,
            holding: insert("holding", 9)?,
            usage: insert("usage", 17)?,
        })
    }

    /// Puts a node in the place of what is there of it on that day.
    pub fn write(&mut self, day: &TreeDay, copy: &NodeCopy) -> Result<(), Error> {
        let (window, node) = (day.window, copy.node.as_str());
        let date = window.date.to_string();
        for delete in &mut self.deletions {
            delete.execute(params![date, node])?;
        }
        let id = self.node.query_row([node], |row| row.get(0))?;
        self.delete_readings
            .execute(params![id, window.start, window.end])?;
        self.write_readings(window, id, &copy.gpus)?;
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

    /// In the order of the key: each page is filled, and the next one begun.
    fn write_readings(
        &mut self,
        window: &Window,
        node: i64,
        gpus: &[GpuCopy],
    ) -> Result<(), Error> {
        let gpus = gpus.iter();
        let gpus: Vec<_> = gpus
            .filter_map(|gpu| Some((gpu, gpu.usage.as_ref()?)))
            .collect();
        let of_interval = |(slot, interval_end): (usize, UnixSeconds)| {
            gpus.iter().filter_map(move |(gpu, usage)| {
                let units = [usage.gpu.get(slot)?, usage.vram.get(slot)?];
                let [of_gpu, of_vram] = units.map(|of| of.map(Reading::units));
                let card = i64::try_from(gpu.card.0).unwrap_or(i64::MAX);
                Some((interval_end, gpu.index.0, card, of_gpu, of_vram))
            })
        };
        let rows: Vec<_> = window.stamps().enumerate().flat_map(of_interval).collect();
        let (many, rest) = rows.as_chunks::<ROWS>();
        for rows in many {
            insert_readings(&mut self.readings, node, rows)?;
        }
        for row in rest.chunks(1) {
            insert_readings(&mut self.reading, node, row)?;
        }
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

fn insert_readings(statement: &mut Statement, node: i64, rows: &[ReadingRow]) -> Result<(), Error> {
    let values = rows.iter().flat_map(|row| -> [&dyn ToSql; 5] {
        let (interval_end, gpu, card, of_gpu, of_vram) = row;
        [interval_end, gpu, card, of_gpu, of_vram]
    });
    let node: &dyn ToSql = &node;
    statement.execute(params_from_iter(iter::once(node).chain(values)))?;
    Ok(())
}
