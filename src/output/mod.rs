//! What the program writes: each format a pure function to bytes, and one place that puts them on disk.

mod account_text;
mod archive;
mod average_csv;
mod csv_text;
mod day_files;
mod earlier;
mod gpu_csv;
#[cfg(test)]
mod hostile_tasks;
mod layout;
mod ledger_csv;
mod lock;
mod metrics_file;
mod new_file;
mod number;
mod pseudonym_key;
mod reports;
mod staged;
mod state;
mod summary;
mod task_blocks;
mod task_report;
mod tree;
mod unreadable;
mod usage_csv;
mod usage_table;
mod writable;

pub use archive::Archive;
pub use day_files::{DayFiles, Earlier, UnusableFile};
pub use metrics_file::{MetricsFileError, replace_metrics};
pub use new_file::{NewFileError, write_new};
pub use pseudonym_key::{PseudonymKeyError, pseudonyms};
pub use reports::{LedgerError, NotMergedReport, ledger};
pub use staged::{InPlace, Staged};
pub use state::ReadError;
pub use task_report::render as task_report;
use tree::make_directory;
pub use tree::{DataDir, OpenError, Tree, WriteError};
pub use usage_csv::render as usage_csv;
pub use usage_table::{remarks as usage_remarks, render as usage_table};
pub use writable::{Writable, try_writing};
