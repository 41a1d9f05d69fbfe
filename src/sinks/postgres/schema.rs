//! The tables, by version.

use tokio_postgres::{Client, Error, Transaction};

use super::begin;
use crate::model::{Both, both};

/// What makes each version of the one before, the first of nothing. One that a release has is never changed.
const MIGRATIONS: [&str; 1] = [include_str!("1.sql")];
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "they are few"
)]
pub const LATEST: i32 = MIGRATIONS.len() as i32;

/// Held by whoever changes the tables: `daily_gp`, as a number.
const LOCK: i64 = 0x6461_696c_795f_6770;

pub async fn version(client: &mut Client) -> Result<i32, Error> {
    let transaction = begin(client).await?;
    let version = read(&transaction).await?;
    transaction.commit().await?;
    Ok(version)
}

/// Whether this program knows the tables.
pub fn check(version: i32) -> Result<(), Both> {
    if version <= LATEST {
        return Ok(());
    }
    Err(both!(
        "schema daily_gpu_log 的版本 {version} 比這個程式認得的 {LATEST} 新：請更新 daily-gpu-log",
        "version {version} of the schema daily_gpu_log is newer than {LATEST}, the latest that this program knows: \
         upgrade daily-gpu-log"
    ))
}

async fn read(transaction: &Transaction<'_>) -> Result<i32, Error> {
    // Not by `to_regclass`, which may not see what another has made while this one waited for the lock.
    const IS_THERE: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_tables \
                            WHERE schemaname = 'daily_gpu_log' AND tablename = 'meta')";
    const VERSION: &str = "SELECT max(version) FROM daily_gpu_log.meta";
    let row = transaction.query_one(IS_THERE, &[]).await?;
    if !row.try_get(0)? {
        return Ok(0);
    }
    let row = transaction.query_one(VERSION, &[]).await?;
    Ok(row.try_get::<_, Option<i32>>(0)?.unwrap_or(0))
}

/// Makes the tables what this program knows, unless they are newer. The version that they then have.
pub async fn migrate(client: &mut Client) -> Result<i32, Error> {
    const WAIT: &str = "SELECT pg_advisory_xact_lock($1)";
    const IS_THERE: &str =
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'daily_gpu_log')";
    const CREATE: &str = "CREATE SCHEMA daily_gpu_log";
    const UPDATE: &str = "UPDATE daily_gpu_log.meta SET version = $1";
    let transaction = begin(client).await?;
    transaction.execute(WAIT, &[&LOCK]).await?;
    // Another may have made them meanwhile.
    let mut version = read(&transaction).await?;
    // Without the right to make one, it is enough to own one that is there.
    let row = transaction.query_one(IS_THERE, &[]).await?;
    if !row.try_get::<_, bool>(0)? {
        transaction.batch_execute(CREATE).await?;
    }
    for (number, migration) in (1..).zip(MIGRATIONS) {
        if number > version {
            transaction.batch_execute(migration).await?;
            transaction.execute(UPDATE, &[&number]).await?;
            version = number;
        }
    }
    transaction.commit().await?;
    Ok(version)
}
