//! What a killed run left. While a day's files are written there is a note of the day.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use super::archive::Archive;
use super::state::{STATE_DIRECTORY, StateFile};
use super::temporary_directory::remove_left;
use super::write::{WriteError, is_temporary};
use crate::model::if_there;
use crate::settings::regular_file::{self, NOT_REGULAR};

/// The file that names the day whose files are being written.
pub fn note(archive: &Archive) -> StateFile {
    archive.state("unfinished")
}

pub fn tidy(archive: &Archive) -> Result<(), WriteError> {
    let root = &archive.root;
    remove_temporary(root)?;
    let nodes = directories_in(root);
    let own = directories_in(&root.join(STATE_DIRECTORY));
    let mut directories = nodes.iter().chain(&own);
    directories.try_for_each(|directory| remove_temporary(directory))?;
    let note = note(archive).path;
    let unfinished = match if_there(regular_file::read(&note)) {
        // It is no note, and the next one takes its place.
        Err(error) if error.kind() == NOT_REGULAR => None,
        read => read.map_err(WriteError::at(&note))?,
    };
    let unfinished = unfinished.unwrap_or_default();
    // Only ever a date, but it is read from a file and becomes part of a path.
    let date = String::from_utf8_lossy(&unfinished)
        .trim()
        .parse::<NaiveDate>();
    date.map_or(Ok(()), |date| {
        nodes
            .iter()
            .try_for_each(|node| remove_temporary(&node.join(date.to_string())))
    })
}

/// The directories in `parent`, as far as it can be read.
pub fn directories_in(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| path.is_dir()).collect()
}

/// Removes the temporary files and directories in `directory`, as far as it can be read.
pub fn remove_temporary(directory: &Path) -> Result<(), WriteError> {
    let files = fs::read_dir(directory).into_iter().flatten().flatten();
    for file in files {
        let path = file.path();
        if is_temporary(&path) {
            tracing::info!(file = %path.display(), "removing what a killed run left");
            let removed = if file.file_type().is_ok_and(|kind| kind.is_dir()) {
                remove_left(&path)
            } else {
                fs::remove_file(&path)
            };
            // Another program that tried the directory may have removed its own.
            if_there(removed).map_err(WriteError::at(&path))?;
        }
    }
    Ok(())
}
