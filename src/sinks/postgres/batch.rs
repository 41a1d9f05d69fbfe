//! Some nodes of a day, put in the place of what the database has of them, in one transaction.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::pin::Pin;

use bytes::{BufMut, Bytes, BytesMut};
use chrono::NaiveDate;
use ring::digest::{SHA256, digest};
use serde::Serialize;
use serde_json::{Value, json};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{IsNull, ToSql, Type, accepts, to_sql_checked};
use tokio_postgres::{Client, Error, Transaction};

use super::super::{NodeCopy, TreeDay};
use super::begin;
use crate::analysis::{Entry, NodeLedger};
use crate::model::{Reading, UnixSeconds};

/// A table, and its columns.
type Table = (&'static str, &'static [(&'static str, Type)]);

const SERIES: Table = (
    "series",
    &[
        ("date", Type::DATE),
        ("node", Type::TEXT),
        ("gpu", Type::INT4),
        ("card", Type::INT8),
        ("gpu_percent", Type::INT4_ARRAY),
        ("vram_percent", Type::INT4_ARRAY),
    ],
);
const HOLDING: Table = (
    "holding",
    &[
        ("date", Type::DATE),
        ("node", Type::TEXT),
        ("gpu", Type::INT4),
        ("user_name", Type::TEXT),
        ("task", Type::TEXT),
        ("task_type", Type::TEXT),
        ("project", Type::TEXT),
        ("starts", Type::TIMESTAMPTZ),
        ("ends", Type::TIMESTAMPTZ),
    ],
);
const USAGE: Table = (
    "usage",
    &[
        ("date", Type::DATE),
        ("node", Type::TEXT),
        ("kind", Type::TEXT),
        ("user_name", Type::TEXT),
        ("gpu", Type::INT4),
        ("total_seconds", Type::INT4),
        ("active_seconds", Type::INT4),
        ("idle_vram_held_seconds", Type::INT4),
        ("idle_vram_empty_seconds", Type::INT4),
        ("idle_vram_unknown_seconds", Type::INT4),
        ("unknown_seconds", Type::INT4),
        ("vram_observed_seconds", Type::INT4),
        ("gpu_percent", Type::FLOAT8),
        ("vram_percent", Type::FLOAT8),
        ("starts", Type::TIMESTAMPTZ),
        ("ends", Type::TIMESTAMPTZ),
        ("doubts", Type::TEXT),
    ],
);
const NODE_DAY: Table = (
    "node_day",
    &[
        ("date", Type::DATE),
        ("node", Type::TEXT),
        ("shard", Type::TEXT),
        ("starts", Type::TIMESTAMPTZ),
        ("ends", Type::TIMESTAMPTZ),
        ("until", Type::TIMESTAMPTZ),
        ("interval_seconds", Type::INT4),
        ("timezone", Type::TEXT),
        ("readings", Type::INT4),
        ("readings_due", Type::INT4),
        ("task_information", Type::TEXT),
        ("tasks_as_of", Type::TIMESTAMPTZ),
        ("fingerprint", Type::BYTEA),
        ("exported_at", Type::TIMESTAMPTZ),
    ],
);

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
    let notices = run.notices.iter().map(|notice| {
        let (code, message) = (text(&notice.code), text(&notice.message));
        json!({"severity": notice.severity, "code": code, "message": message})
    });
    let notices = Value::from_iter(notices).to_string();
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
    let date = Date(day.window.date);
    let names: Vec<Cow<str>> = nodes.iter().map(|node| text(&node.node)).collect();
    let transaction = begin(client).await?;
    const WAIT: &str = "SELECT pg_advisory_xact_lock(lock) FROM unnest($1::bigint[]) AS lock";
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
        let doubts: Vec<_> = doubts.iter().filter_map(word).collect();
        let doubts = doubts.join(";");
        for Entry { user, gpu, account } in entries {
            let percent = |mean: Option<Reading>| mean.map(Reading::percent);
            copy.row(&[
                &date,
                &text(&node.node),
                &user.as_ref().map_or("free", |_| "held"),
                &user.as_deref().map(text),
                &number(gpu.0),
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
            &node.task_information.as_ref().and_then(word),
            &node.tasks_as_of.map(Instant),
            &node.fingerprint.as_slice(),
            &Instant(day.exported_at),
        ])
        .await?;
    }
    copy.finish().await
}

/// Rows on their way into a table.
struct Copy(Pin<Box<BinaryCopyInWriter>>);

impl Copy {
    async fn begin(transaction: &Transaction<'_>, (table, columns): Table) -> Result<Self, Error> {
        let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
        let types: Vec<_> = columns.iter().map(|(_, kind)| kind.clone()).collect();
        let names = names.join(", ");
        let statement = format!("COPY daily_gpu_log.{table} ({names}) FROM STDIN (FORMAT binary)");
        let rows = transaction.copy_in::<_, Bytes>(&statement).await?;
        Ok(Self(Box::pin(BinaryCopyInWriter::new(rows, &types))))
    }

    async fn row(&mut self, values: &[&(dyn ToSql + Sync)]) -> Result<(), Error> {
        self.0.as_mut().write(values).await
    }

    async fn finish(mut self) -> Result<(), Error> {
        self.0.as_mut().finish().await.map(|_| ())
    }
}

fn units(readings: &[Option<Reading>]) -> Vec<Option<i32>> {
    let units = |reading: Reading| number(reading.units());
    readings.iter().map(|reading| reading.map(units)).collect()
}

/// A number that is far smaller than the greatest one.
fn number(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

/// PostgreSQL has no text with the character of number 0.
fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}").into()
    } else {
        text.into()
    }
}

/// The word that JSON has for a value.
fn word(value: impl Serialize) -> Option<String> {
    let value = serde_json::to_value(value).ok()?;
    value.as_str().map(str::to_owned)
}

#[derive(Clone, Copy, Debug)]
pub struct Date(pub NaiveDate);

/// The days since the beginning of the year 2000.
impl ToSql for Date {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        let first = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a date");
        let days = self.0.signed_duration_since(first).num_days();
        out.put_i32(i32::try_from(days)?);
        Ok(IsNull::No)
    }

    accepts!(DATE);
    to_sql_checked!();
}

#[derive(Clone, Copy, Debug)]
struct Instant(UnixSeconds);

/// The microseconds since the beginning of the year 2000.
impl ToSql for Instant {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        const FIRST: UnixSeconds = 946_684_800;
        let microseconds = self
            .0
            .checked_sub(FIRST)
            .and_then(|s| s.checked_mul(1_000_000));
        out.put_i64(microseconds.ok_or("an instant out of range")?);
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sinks::samples;

    fn bytes(value: &dyn ToSql, kind: &Type) -> Vec<u8> {
        let mut out = BytesMut::new();
        value.to_sql_checked(kind, &mut out).expect("a value");
        out.to_vec()
    }

    #[test]
    fn dates_and_instants_count_from_the_year_2000() {
        let date = |text: &str| Date(text.parse().expect("a date"));
        assert_eq!(bytes(&date("2000-01-02"), &Type::DATE), 1_i32.to_be_bytes());
        assert_eq!(
            bytes(&date("2025-08-01"), &Type::DATE),
            9344_i32.to_be_bytes()
        );
        let instant = bytes(&Instant(946_684_801), &Type::TIMESTAMPTZ);
        assert_eq!(instant, 1_000_000_i64.to_be_bytes());
    }

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

    #[test]
    fn a_text_has_no_character_that_the_database_has_not() {
        assert_eq!(text("王\0小明"), "王\u{fffd}小明");
        assert_eq!(text("王小明"), "王小明");
    }
}
