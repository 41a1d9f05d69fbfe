//! How a node's day is put into the tables.

use rusqlite::types::Value;
use rusqlite::{Error, Statement, Transaction, params};

use crate::model::{Reading, WeightedSum};
use crate::sinks::{NodeCopy, TreeDay, doubt_words};

/// The statements of a batch.
pub struct Statements<'t> {
    deletions: [Statement<'t>; 2],
    delete_readings: Statement<'t>,
    node_day: Statement<'t>,
    reading: Statement<'t>,
    holding: Statement<'t>,
    usage: Statement<'t>,
}

impl<'t> Statements<'t> {
    pub fn new(transaction: &'t Transaction) -> Result<Self, Error> {
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
    pub fn write(&mut self, day: &TreeDay, copy: &NodeCopy) -> Result<(), Error> {
        let (window, node) = (day.window, copy.node.as_str());
        let date = window.date.to_string();
        for delete in &mut self.deletions {
            delete.execute(params![date, node])?;
        }
        self.delete_readings
            .execute(params![node, window.start, window.end])?;
        for gpu in &copy.gpus {
            let Some(usage) = &gpu.usage else { continue };
            let card = i64::try_from(gpu.card.0).unwrap_or(i64::MAX);
            let rows = window.stamps().zip(usage.gpu.iter().zip(&usage.vram));
            for (interval_end, (gpu_percent, vram_percent)) in rows {
                self.reading.execute(params![
                    node,
                    gpu.index.0,
                    card,
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
