//! Some nodes of a day, put in the place of what the database has of them, in one transaction.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::NaiveDate;
use ring::digest::{SHA256, digest};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Transaction};

use super::super::{NodeCopy, TreeDay, doubt_words, notices};
use super::begin;
use super::copy::{Copy, Date, HOLDING, Instant, NODE_DAY, SERIES, USAGE, text};
use crate::analysis::NodeLedger;
use crate::model::Reading;

/// What is known of the last run, unless the database knows of a later one.
pub async fn write_run(client: &mut Client, day: &TreeDay<'_>) -> Result<(), Error> {
    const UPSERT: &str = "INSERT INTO daily_gpu_log.run \
        (date, shard, started_at, duration_seconds, exit_status, version, notices) \
        VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb) \
        ON CONFLICT (date, shard) DO UPDATE SET started_at = excluded.started_at, \
        duration_seconds = excluded.duration_seconds, exit_status = excluded.exit_status, \
        version = excluded.version, notices = excluded.notices \
        WHERE run.started_at <= excluded.started_at";
    let Some(run) = day.last_run else {
        return Ok(());
    };
    let notices = notices(run);
    let transaction = begin(client).await?;
    let values: [&(dyn ToSql + Sync); 7] = [
        &Date(day.window.date),
        &day.shard,
        &Instant(run.started_at),
        &run.duration_seconds,
        &i32::from(run.exit_status),
        &text(&run.version),
        &notices,
    ];
    transaction.execute(UPSERT, &values).await?;
    transaction.commit().await
}

pub async fn write(
    client: &mut Client,
    day: &TreeDay<'_>,
    nodes: &[NodeCopy],
) -> Result<(), Error> {
    const WAIT: &str = "SELECT pg_advisory_xact_lock(lock) FROM unnest($1::bigint[]) AS lock";
    let date = Date(day.window.date);
    let names: Vec<Cow<str>> = nodes.iter().map(|node| text(&node.node)).collect();
    let transaction = begin(client).await?;
    let locks = locks(day.window.date, nodes);
    transaction.execute(WAIT, &[&locks]).await?;
    for table in ["series", "holding", "usage", "node_day"] {
        let delete =
            format!("DELETE FROM daily_gpu_log.{table} WHERE date = $1 AND node = ANY($2)");
        transaction.execute(&delete, &[&date, &names]).await?;
    }
    copy_series(&transaction, date, nodes).await?;
    copy_holdings(&transaction, date, nodes).await?;
    copy_usage(&transaction, date, nodes).await?;
    copy_node_days(&transaction, day, nodes).await?;
    transaction.commit().await
}

/// A lock for each node of the day, in the order in which all take them, so that nobody waits for one who waits.
fn locks(date: NaiveDate, nodes: &[NodeCopy]) -> Vec<i64> {
    let lock = |node: &NodeCopy| {
        let name = format!("daily_gpu_log {date} {}", node.node);
        let digest = digest(&SHA256, name.as_bytes());
        let (first, _) = digest.as_ref().split_first_chunk().expect("32 bytes");
        i64::from_be_bytes(*first)
    };
    let locks: BTreeSet<i64> = nodes.iter().map(lock).collect();
    locks.into_iter().collect()
}

async fn copy_series(
    transaction: &Transaction<'_>,
    date: Date,
    nodes: &[NodeCopy],
) -> Result<(), Error> {
    let mut copy = Copy::begin(transaction, SERIES).await?;
    for node in nodes {
        for gpu in &node.gpus {
            let Some(usage) = &gpu.usage else { continue };
            copy.row(&[
                &date,
                &text(&node.node),
                &number(gpu.index.0),
                &i64::try_from(gpu.card.0).unwrap_or(i64::MAX),
                &units(&usage.gpu),
                &units(&usage.vram),
            ])
            .await?;
        }
    }
    copy.finish().await
}

async fn copy_holdings(
    transaction: &Transaction<'_>,
    date: Date,
    nodes: &[NodeCopy],
) -> Result<(), Error> {
    let mut copy = Copy::begin(transaction, HOLDING).await?;
    for node in nodes {
        for holding in &node.holdings {
            copy.row(&[
                &date,
                &text(&node.node),
                &number(holding.gpu.0),
                &text(&holding.user),
                &text(&holding.task),
                &holding.task_type.as_deref().map(text),
                &holding.project.as_deref().map(text),
                &Instant(holding.span.from),
                &Instant(holding.span.to),
            ])
            .await?;
        }
    }
    copy.finish().await
}

async fn copy_usage(
    transaction: &Transaction<'_>,
    date: Date,
    nodes: &[NodeCopy],
) -> Result<(), Error> {
    let mut copy = Copy::begin(transaction, USAGE).await?;
    for node in nodes {
        let Some(NodeLedger {
            known,
            doubts,
            entries,
        }) = &node.usage
        else {
            continue;
        };
        let doubts = doubt_words(doubts);
        for entry in entries {
            let account = entry.account;
            let percent = |mean: Option<Reading>| mean.map(Reading::percent);
            copy.row(&[
                &date,
                &text(&node.node),
                &entry.kind(),
                &entry.user.as_deref().map(text),
                &number(entry.gpu.0),
                &number(account.seconds()),
                &number(account.active),
                &number(account.idle.vram_held),
                &number(account.idle.vram_empty),
                &number(account.idle.vram_unknown),
                &number(account.unknown),
                &number(account.vram.seconds()),
                &percent(account.gpu.mean()),
                &percent(account.vram.mean()),
                &Instant(known.from),
                &Instant(known.to),
                &doubts,
            ])
            .await?;
        }
    }
    copy.finish().await
}

async fn copy_node_days(
    transaction: &Transaction<'_>,
    day: &TreeDay<'_>,
    nodes: &[NodeCopy],
) -> Result<(), Error> {
    let window = day.window;
    let mut copy = Copy::begin(transaction, NODE_DAY).await?;
    for node in nodes {
        copy.row(&[
            &Date(window.date),
            &text(&node.node),
            &day.shard,
            &Instant(window.start),
            &Instant(window.end),
            &Instant(node.until),
            &number(window.interval.seconds()),
            &window.zone.name(),
            &number(node.coverage.found),
            &number(node.coverage.due),
            &node.task_source(),
            &node.tasks_as_of.map(Instant),
            &node.fingerprint.as_slice(),
            &Instant(day.exported_at),
        ])
        .await?;
    }
    copy.finish().await
}

fn units(readings: &[Option<Reading>]) -> Vec<Option<i32>> {
    let units = |reading: Reading| number(reading.units());
    readings.iter().map(|reading| reading.map(units)).collect()
}

/// A number that is far smaller than the greatest one.
fn number(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sinks::samples;

    #[test]
    fn the_locks_of_two_batches_are_taken_in_one_order() {
        let window = samples::window("2025-08-01");
        let nodes = ["c", "a", "b"].map(|name| samples::node(name, &window, 1));
        let all = locks(window.date, &nodes);
        assert!(all.is_sorted() && all.len() == 3, "{all:?}");
        for node in &nodes {
            let lock = locks(window.date, std::slice::from_ref(node));
            assert!(all.contains(&lock[0]));
            let next = window.date.succ_opt().expect("a date");
            assert!(!all.contains(&locks(next, std::slice::from_ref(node))[0]));
        }
    }
}
