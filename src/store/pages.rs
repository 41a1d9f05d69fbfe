//! Pages for `man`, in a directory of the user's own that everybody may read.

use std::fs;
use std::path::{Path, PathBuf};

use super::write::put;
use crate::model::{Modes, said, text};

const MODES: Modes = Modes {
    file: 0o644,
    directory: 0o755,
};

#[derive(Debug, thiserror::Error)]
#[error("{}", said!(
    "無法將手冊頁寫到 {directory}：{problem}（請以 --dir 指定有寫入權限的目錄）",
    "cannot write the manual pages to {directory}: {problem}; name a directory that you may write to with --dir",
    directory = .directory.display()
))]
pub struct PagesError {
    directory: PathBuf,
    problem: String,
}

/// Writes the pages, each under its name.
pub fn write(directory: &Path, pages: &[(String, String)]) -> Result<(), PagesError> {
    let error = |problem| PagesError {
        directory: directory.to_owned(),
        problem,
    };
    if directory.exists() && !directory.is_dir() {
        return Err(error(
            text("它不是目錄", "it is not a directory").to_owned(),
        ));
    }
    // Not as directories of data are made, which others may not read.
    fs::create_dir_all(directory).map_err(|cause| error(cause.to_string()))?;
    for (name, page) in pages {
        let written = put(&directory.join(name), MODES, page.as_bytes(), |_| Ok(()));
        written.map_err(|failed| error(failed.cause.to_string()))?;
    }
    Ok(())
}
