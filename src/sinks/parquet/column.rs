//! The values of a column, row by row, until they are written.

use parquet::basic::Type;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedColumnWriter;
use parquet::schema::types::ColumnDescriptor;

use crate::model::UnixSeconds;

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
    Bytes(Vec<ByteArray>),
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
        Self::Long(seconds.saturating_mul(1000))
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

    pub fn push(&mut self, cell: Cell) {
        if self.is_optional {
            self.levels.push(i16::from(!matches!(cell, Cell::Null)));
        }
        match (&mut self.values, cell) {
            (Values::Bytes(values), Cell::Bytes(value)) => {
                // Most are the one of the row before, which needs no memory of its own.
                let same = values.last().filter(|last| last.data() == value).cloned();
                values.push(same.unwrap_or_else(|| value.to_vec().into()));
            }
            (Values::Int(values), Cell::Int(value)) => values.push(value),
            (Values::Long(values), Cell::Long(value)) => values.push(value),
            (Values::Double(values), Cell::Double(value)) => values.push(value),
            (_, Cell::Null) if self.is_optional => {}
            (values, cell) => unreachable!("{cell:?} among {values:?}"),
        }
    }

    /// Writes the values and forgets them.
    pub fn write(&mut self, mut writer: SerializedColumnWriter) -> Result<(), ParquetError> {
        let levels = self.is_optional.then_some(self.levels.as_slice());
        match &mut self.values {
            Values::Bytes(values) => {
                let writer = writer.typed::<ByteArrayType>();
                writer.write_batch(values, levels, None)?;
                values.clear();
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
