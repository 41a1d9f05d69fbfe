//! A file of the user's own, in a place that they name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::write::place;
use crate::model::{said, text};

const MODE: u32 = 0o640;

#[derive(Debug, thiserror::Error)]
pub enum NewFileError {
    #[error("{}", said!(
        "{path} 已存在，未覆寫：請改用別的檔名",
        "{path} exists and was not overwritten: use another file name",
        path = .0.display()
    ))]
    Exists(PathBuf),
    #[error("{}", said!(
        "無法寫入 {path}：{cause}（請確認目錄存在，且有寫入權限）",
        "cannot write {path}: {cause}; check that the directory exists, and the permission to write",
        path = .path.display()
    ))]
    Unwritable { path: PathBuf, cause: io::Error },
}

/// Puts a file in the place of whatever file has its name, whole. What is no file stays.
pub fn replace(path: &Path, mode: u32, contents: &[u8]) -> Result<(), NewFileError> {
    let parent = path.parent();
    let directory = parent.filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let replace = || -> io::Result<()> {
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            let problem = text(
                "不是一般檔案，未覆寫",
                "not a regular file, and left as it is",
            );
            return Err(io::Error::other(problem));
        }
        place(directory, path, mode, contents, File::sync_all)
    };
    replace().map_err(|cause| NewFileError::Unwritable {
        path: path.to_owned(),
        cause,
    })
}

/// Writes a file that is not there yet, and never over one that is.
pub fn write_new(path: &Path, contents: &[u8]) -> Result<(), NewFileError> {
    let unwritable = |cause| NewFileError::Unwritable {
        path: path.to_owned(),
        cause,
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(path)
        .map_err(|cause| match cause.kind() {
            io::ErrorKind::AlreadyExists => NewFileError::Exists(path.to_owned()),
            _ => unwritable(cause),
        })?;
    let written = file.write_all(contents).and_then(|()| file.sync_all());
    written.map_err(|cause| {
        // Part of a file would keep the next try from its name. That it cannot be removed either says nothing more.
        let _ = fs::remove_file(path);
        unwritable(cause)
    })
}
