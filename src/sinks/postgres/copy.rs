//! Rows on their way into a table, by COPY, and how it takes values.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::pin::Pin;

use bytes::{BufMut, Bytes, BytesMut};
use chrono::NaiveDate;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{IsNull, ToSql, Type, accepts, to_sql_checked};
use tokio_postgres::{Error, Transaction};

use crate::model::UnixSeconds;

/// A table, and its columns.
pub type Table = (&'static str, &'static [(&'static str, Type)]);

pub const SERIES: Table = (
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
pub const HOLDING: Table = (
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
pub const USAGE: Table = (
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
pub const NODE_DAY: Table = (
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

/// Rows on their way into a table.
pub struct Copy(Pin<Box<BinaryCopyInWriter>>);

impl Copy {
    pub async fn begin(
        transaction: &Transaction<'_>,
        (table, columns): Table,
    ) -> Result<Self, Error> {
        let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
        let types: Vec<_> = columns.iter().map(|(_, kind)| kind.clone()).collect();
        let names = names.join(", ");
        let statement = format!("COPY daily_gpu_log.{table} ({names}) FROM STDIN (FORMAT binary)");
        let rows = transaction.copy_in::<_, Bytes>(&statement).await?;
        Ok(Self(Box::pin(BinaryCopyInWriter::new(rows, &types))))
    }

    pub async fn row(&mut self, values: &[&(dyn ToSql + Sync)]) -> Result<(), Error> {
        self.0.as_mut().write(values).await
    }

    pub async fn finish(mut self) -> Result<(), Error> {
        self.0.as_mut().finish().await.map(|_| ())
    }
}

/// PostgreSQL has no text with the character of number 0.
pub fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}").into()
    } else {
        text.into()
    }
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
pub struct Instant(pub UnixSeconds);

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
    fn a_text_has_no_character_that_the_database_has_not() {
        assert_eq!(text("王\0小明"), "王\u{fffd}小明");
        assert_eq!(text("王小明"), "王小明");
    }
}
