//! The values of a column, until its group of rows is written.

use std::iter::repeat_n;

use parquet::basic::Type;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedColumnWriter;
use parquet::schema::types::ColumnDescriptor;

use crate::model::{Reading, UnixSeconds};

/// The values of a column in the rows of a group.
#[derive(Debug)]
pub struct Column {
    values: Values,
    /// Whether each row has a value: 1 or 0. Empty for a column that always has one.
    levels: Vec<i16>,
    is_optional: bool,
}

#[derive(Debug)]
enum Values {
    /// Each with how many rows in a row have it.
    Bytes(Vec<(ByteArray, usize)>),
    Int(Vec<i32>),
    Long(Vec<i64>),
    Double(Vec<f64>),
}

/// The value of a column in a row.
#[derive(Clone, Copy, Debug)]
pub enum Cell<'a> {
    Null,
    Bytes(&'a [u8]),
    Int(i32),
    Long(i64),
    Double(f64),
}

/// The values of a column in several rows.
#[derive(Clone, Copy, Debug)]
pub enum Cells<'a> {
    Same(Cell<'a>),
    Instants(&'a [UnixSeconds]),
    Percents(&'a [Option<Reading>]),
}

impl<'a> Cell<'a> {
    pub fn text(text: &'a str) -> Self {
        Self::Bytes(text.as_bytes())
    }

    pub fn count(count: impl TryInto<i64>) -> Self {
        Self::Long(count.try_into().unwrap_or(i64::MAX))
    }

    pub fn small(number: impl TryInto<i32>) -> Self {
        Self::Int(number.try_into().unwrap_or(i32::MAX))
    }

    pub fn instant(seconds: UnixSeconds) -> Self {
        Self::Long(milliseconds(seconds))
    }

    pub fn or_null<T>(value: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Null, cell)
    }
}

impl Column {
    pub fn new(column: &ColumnDescriptor) -> Self {
        let values = match column.physical_type() {
            Type::INT32 => Values::Int(Vec::new()),
            Type::INT64 => Values::Long(Vec::new()),
            Type::DOUBLE => Values::Double(Vec::new()),
            _ => Values::Bytes(Vec::new()),
        };
        Self {
            values,
            levels: Vec::new(),
            is_optional: column.max_def_level() > 0,
        }
    }

    /// Adds the values of so many rows.
    pub fn push(&mut self, cells: Cells, rows: usize) {
        match (&mut self.values, cells) {
            (_, Cells::Same(Cell::Null)) if self.is_optional => {
                self.levels.extend(repeat_n(0, rows));
            }
            (values, Cells::Same(cell)) => {
                if self.is_optional {
                    self.levels.extend(repeat_n(1, rows));
                }
                values.push(cell, rows);
            }
            (Values::Long(values), Cells::Instants(instants)) if !self.is_optional => {
                debug_assert_eq!(instants.len(), rows);
                values.extend(instants.iter().copied().map(milliseconds));
            }
            (Values::Double(values), Cells::Percents(readings)) if self.is_optional => {
                debug_assert_eq!(readings.len(), rows);
                let levels = readings.iter().map(|reading| i16::from(reading.is_some()));
                self.levels.extend(levels);
                values.extend(readings.iter().flatten().map(|reading| reading.percent()));
            }
            (values, cells) => unreachable!("{cells:?} among {values:?}"),
        }
    }

    /// Writes the values and forgets them.
    pub fn write(&mut self, mut writer: SerializedColumnWriter) -> Result<(), ParquetError> {
        let levels = self.is_optional.then_some(self.levels.as_slice());
        match &mut self.values {
            Values::Bytes(values) => {
                let writer = writer.typed::<ByteArrayType>();
                let values = values.drain(..);
                let values: Vec<_> = values
                    .flat_map(|(value, rows)| repeat_n(value, rows))
                    .collect();
                writer.write_batch(&values, levels, None)?;
            }
            Values::Int(values) => {
                let writer = writer.typed::<Int32Type>();
                writer.write_batch(values, levels, None)?;
                values.clear();
            }
            Values::Long(values) => {
                let writer = writer.typed::<Int64Type>();
                writer.write_batch(values, levels, None)?;
                values.clear();
            }
            Values::Double(values) => {
                let writer = writer.typed::<DoubleType>();
                writer.write_batch(values, levels, None)?;
                values.clear();
            }
        }
        self.levels.clear();
        writer.close()
    }
}

impl Values {
    fn push(&mut self, cell: Cell, rows: usize) {
        match (self, cell) {
            (Self::Bytes(values), Cell::Bytes(value)) => match values.last_mut() {
                Some((last, of_last)) if last.data() == value => *of_last += rows,
                _ => values.push((value.to_vec().into(), rows)),
            },
            (Self::Int(values), Cell::Int(value)) => values.extend(repeat_n(value, rows)),
            (Self::Long(values), Cell::Long(value)) => values.extend(repeat_n(value, rows)),
            (Self::Double(values), Cell::Double(value)) => values.extend(repeat_n(value, rows)),
            (values, cell) => unreachable!("{cell:?} among {values:?}"),
        }
    }
}

fn milliseconds(seconds: UnixSeconds) -> i64 {
    seconds.saturating_mul(1000)
}
