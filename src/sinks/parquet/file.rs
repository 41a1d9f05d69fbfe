//! A Parquet file that is written beside its place, one group of rows after the other.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::NaiveDate;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use tempfile::{Builder, NamedTempFile};

use super::column::{Cell, Cells, Column};
use super::digest;
use super::errors::unwritable;
use crate::model::{Modes, if_there};
use crate::settings::regular_file::check_link;
use crate::sinks::SinkError;

/// How a temporary file's name ends: engines look for `*.parquet`, and pass by what begins with a dot.
const SUFFIX: &str = ".parquet.tmp";

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
    pub fn path(&self, root: &Path, date: NaiveDate, shard: &str) -> PathBuf {
        root.join(self.name)
            .join(format!("date={date}"))
            .join(format!("{shard}.parquet"))
    }
}

pub struct TableFile {
    target: PathBuf,
    modes: Modes,
    temporary: NamedTempFile,
    writer: SerializedFileWriter<File>,
    group_rows: usize,
    has_digest: bool,
    columns: Vec<Column>,
    /// Those of the group that is not written yet.
    rows: usize,
}

impl TableFile {
    /// Begins the file of a date and shard, once what a killed export of the shard left is removed.
    pub fn begin(
        table: &Table,
        root: &Path,
        date: NaiveDate,
        shard: &str,
        modes: Modes,
    ) -> Result<Self, SinkError> {
        let target = table.path(root, date, shard);
        // Not in the directory of the date, which is only there for a file that is placed.
        let directory = &root.join(table.name);
        make_directory(directory, modes)?;
        let prefix = format!(".{shard}.");
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
            modes,
            temporary,
            writer,
            group_rows: table.group_rows,
            has_digest: table.has_digest,
            columns,
            rows: 0,
        })
    }

    pub fn add<const N: usize>(&mut self, row: [Cell; N]) {
        self.add_rows(1, row.map(Cells::Same));
    }

    pub fn add_rows<const N: usize>(&mut self, rows: usize, cells: [Cells; N]) {
        debug_assert_eq!(N, self.columns.len());
        for (column, cells) in self.columns.iter_mut().zip(cells) {
            column.push(cells, rows);
        }
        self.rows += rows;
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
            modes,
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
        Ok(Whole {
            target,
            modes,
            temporary,
        })
    }
}

/// A file that is written.
pub struct Whole {
    target: PathBuf,
    modes: Modes,
    temporary: NamedTempFile,
}

impl Whole {
    pub fn place(self) -> Result<(), SinkError> {
        let Self {
            target,
            modes,
            temporary,
        } = self;
        let directory = target.parent().expect("it has the name of its date");
        make_directory(directory, modes)?;
        let placed = temporary.persist(&target);
        placed.map_err(|error| unwritable(&target, &error.error))?;
        // So that no power failure undoes it after the next one is in place. Some file systems cannot.
        let _ = File::open(directory).and_then(|directory| directory.sync_all());
        Ok(())
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
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_key_value_metadata(Some(metadata));
    // Of readings they are those of the row before, or follow from them.
    for column in ["gpu", "card", "interval_end"] {
        let delta = Encoding::DELTA_BINARY_PACKED;
        properties = properties.set_column_encoding(column.into(), delta);
        properties = properties.set_column_dictionary_enabled(column.into(), false);
    }
    // They seldom repeat.
    for column in ["gpu_percent", "vram_percent"] {
        properties = properties.set_column_dictionary_enabled(column.into(), false);
    }
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
