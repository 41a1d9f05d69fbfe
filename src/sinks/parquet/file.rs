//! A Parquet file that is written beside its place, one group of rows after the other.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, Encoding, Type, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnDescriptor;
use tempfile::{Builder, NamedTempFile};

use super::digest;
use super::errors::unwritable;
use crate::model::{UnixSeconds, if_there};
use crate::settings::regular_file::check_link;
use crate::sinks::SinkError;

/// How a temporary file's name ends: engines look for `*.parquet`, and pass by what begins with a dot.
const SUFFIX: &str = ".parquet.tmp";

/// The modes of the files and of the directories that are made for them. The umask may take more away.
#[derive(Clone, Copy, Debug)]
pub struct Modes {
    pub file: u32,
    pub directory: u32,
}

/// A table of the dataset.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    /// As a Parquet schema has them.
    pub columns: &'static str,
    /// So many rows are a group, which is what a reader leaves out that looks for other nodes.
    pub group_rows: usize,
    /// Whether its files are read back.
    pub has_digest: bool,
}

impl Table {
    pub fn directory(&self, root: &Path, date: chrono::NaiveDate) -> PathBuf {
        root.join(self.name).join(format!("date={date}"))
    }
}

/// The values of a column in the rows of a group.
#[derive(Debug)]
struct Column {
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

pub struct TableFile {
    target: PathBuf,
    temporary: NamedTempFile,
    writer: SerializedFileWriter<File>,
    group_rows: usize,
    has_digest: bool,
    columns: Vec<Column>,
    /// Those of the group that is not written yet.
    rows: usize,
}

impl TableFile {
    /// Begins the file of a date and shard, once what a killed export of it left is removed.
    pub fn begin(
        table: &Table,
        directory: &Path,
        shard: &str,
        modes: Modes,
    ) -> Result<Self, SinkError> {
        make_directory(directory, modes)?;
        let prefix = format!(".{shard}.");
        let target = directory.join(format!("{shard}.parquet"));
        let create = || -> io::Result<_> {
            remove_temporary(directory, &prefix)?;
            let mut options = OpenOptions::new();
            options
                .read(true)
                .write(true)
                .create_new(true)
                .mode(modes.file);
            let mut builder = Builder::new();
            let builder = builder.prefix(&prefix).suffix(SUFFIX);
            let temporary = builder.make_in(directory, |path| options.open(path))?;
            let writer = writer(table, temporary.as_file().try_clone()?).map_err(cause)?;
            Ok((temporary, writer))
        };
        let (temporary, writer) = create().map_err(|error| unwritable(&target, &error))?;
        let columns = writer.schema_descr().columns().iter();
        let columns = columns.map(|column| Column::new(column)).collect();
        Ok(Self {
            target,
            temporary,
            writer,
            group_rows: table.group_rows,
            has_digest: table.has_digest,
            columns,
            rows: 0,
        })
    }

    pub fn add<const N: usize>(&mut self, row: [Cell; N]) {
        debug_assert_eq!(N, self.columns.len());
        for (column, cell) in self.columns.iter_mut().zip(row) {
            column.push(cell);
        }
        self.rows += 1;
    }

    /// Writes the rows since the last group if they are enough for one.
    pub fn write_full_group(&mut self) -> Result<(), SinkError> {
        if self.rows < self.group_rows {
            return Ok(());
        }
        self.write_group()
    }

    fn write_group(&mut self) -> Result<(), SinkError> {
        let mut write = || {
            let mut group = self.writer.next_row_group()?;
            for column in &mut self.columns {
                let writer = group.next_column()?;
                column.write(writer.expect("one for each column"))?;
            }
            group.close()
        };
        write().map_err(|error| unwritable(&self.target, &cause(error)))?;
        self.rows = 0;
        Ok(())
    }

    /// Writes the rest and sees to it that all of it lasts. The file is not in its place yet.
    pub fn end(mut self) -> Result<Whole, SinkError> {
        // Engines stumble over a group without a row.
        if self.rows > 0 {
            self.write_group()?;
        }
        let Self {
            target,
            temporary,
            writer,
            has_digest,
            ..
        } = self;
        let end = || {
            writer.close().map_err(cause)?;
            let file = temporary.as_file();
            if has_digest {
                digest::put(file)?;
            }
            file.sync_all()
        };
        end().map_err(|error| unwritable(&target, &error))?;
        Ok(Whole { target, temporary })
    }
}

/// A file that is written.
pub struct Whole {
    target: PathBuf,
    temporary: NamedTempFile,
}

impl Whole {
    pub fn place(self) -> Result<(), SinkError> {
        let Self { target, temporary } = self;
        let placed = temporary.persist(&target);
        placed.map_err(|error| unwritable(&target, &error.error))?;
        // So that no power failure undoes it after the next one is in place. Some file systems cannot.
        let directory = target.parent().map(File::open);
        let _ = directory.map(|opened| opened.and_then(|directory| directory.sync_all()));
        Ok(())
    }
}

impl Column {
    fn new(column: &ColumnDescriptor) -> Self {
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

    fn push(&mut self, cell: Cell) {
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
    fn write(&mut self, mut writer: SerializedColumnWriter) -> Result<(), ParquetError> {
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

fn writer(table: &Table, file: File) -> Result<SerializedFileWriter<File>, ParquetError> {
    let Table { name, columns, .. } = table;
    let schema = parse_message_type(&format!("message {name} {{ {columns} }}"))?;
    let mut metadata = vec![
        known("program", env!("CARGO_PKG_NAME")),
        known("program_version", env!("CARGO_PKG_VERSION")),
    ];
    if table.has_digest {
        metadata.push(known(digest::KEY, &digest::unknown()));
    }
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_column_encoding("interval_end".into(), Encoding::DELTA_BINARY_PACKED)
        .set_column_dictionary_enabled("interval_end".into(), false)
        .set_key_value_metadata(Some(metadata));
    SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties.build()))
}

/// What went wrong with the file, if that is what went wrong.
pub fn cause(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(cause) => io::Error::other(cause),
        },
        error => io::Error::other(error),
    }
}

pub fn make_directory(path: &Path, modes: Modes) -> Result<(), SinkError> {
    let mut directory = DirBuilder::new();
    let directory = directory.recursive(true).mode(modes.directory);
    let made = directory.create(path).and_then(|()| check_link(path));
    made.map_err(|error| unwritable(path, &error))
}

fn remove_temporary(directory: &Path, prefix: &str) -> io::Result<()> {
    for file in fs::read_dir(directory)? {
        let file = file?;
        let name = file.file_name();
        let is_temporary = |name: &str| name.starts_with(prefix) && name.ends_with(SUFFIX);
        if name.to_str().is_some_and(is_temporary) {
            tracing::info!(file = %file.path().display(), "removing what a killed export left");
            if_there(fs::remove_file(file.path()))?;
        }
    }
    Ok(())
}

fn known(key: &str, value: &str) -> KeyValue {
    KeyValue::new(key.to_owned(), value.to_owned())
}
