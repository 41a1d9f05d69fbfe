//! What the program writes: each format a pure function to bytes, and one place that puts them on disk.

mod average_csv;
mod csv_text;
mod earlier;
mod gpu_csv;
#[cfg(test)]
mod hostile_tasks;
mod layout;
mod ledger_csv;
mod number;
mod reports;
mod staged;
mod state;
mod summary;
mod task_blocks;
mod task_report;
mod tree;

pub use reports::{LedgerError, NotMergedReport, ledger};
pub use staged::{InPlace, Staged};
pub use task_report::render as task_report;
use tree::make_directory;
pub use tree::{DataDir, Earlier, OpenError, Tree, UnusableFile, WriteError};
