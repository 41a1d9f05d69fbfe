//! What the program writes: each format a pure function to bytes, and one place that puts them on disk.

mod average_csv;
mod gpu_csv;
mod number;
mod summary;
mod task_blocks;
mod task_report;
mod tree;

pub use task_report::render as task_report;
pub use tree::{Staged, Tree, WriteError};
