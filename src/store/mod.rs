//! The data directory: whole files or none, the lock, the state, what earlier runs left.

mod archive;
mod copies;
mod day_files;
mod day_language;
mod layout;
mod leaving;
mod lock;
mod moved;
mod moving;
pub mod new_file;
mod other_file_system;
pub mod pages;
pub mod pseudonym_key;
mod read;
pub mod reports;
mod staged;
mod state;
mod temporary_directory;
mod tree;
mod unfinished;
pub mod writable;
mod write;

pub use archive::Archive;
pub use copies::{DayCopies, check_readable, dates, has_date, has_node};
pub use day_files::{DayFiles, Earlier, OtherSettings, UnusableFile};
pub use leaving::Piece;
pub use lock::{OpenError, lock_within};
pub use moved::ArchiveDirError;
pub use moving::{Size, try_month};
pub use pseudonym_key::PseudonymKeyError;
pub use reports::NotMergedReport;
pub use staged::Staged;
pub use state::ReadError;
pub use tree::{DataDir, Tree};
pub use writable::{Writable, try_place};
pub use write::WriteError;
