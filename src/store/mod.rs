//! The data directory: whole files or none, the lock, the state, what earlier runs left.

pub mod archive;
pub mod day_files;
pub mod layout;
pub mod lock;
pub mod new_file;
pub mod pseudonym_key;
pub mod read;
pub mod reports;
pub mod staged;
pub mod state;
pub mod tree;
pub mod unfinished;
pub mod writable;
pub mod write;
