//! The file of `--metrics-file`. It lies in a directory of node_exporter's, among the files of others.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{RunEnd, is_metrics, render};
use crate::model::{if_there, said, text};
use crate::settings::regular_file::{self, NOT_REGULAR, open_with};
use crate::store::lock_within;

/// node_exporter is another user. Nothing personal is in it.
const METRICS_MODE: u32 = 0o644;
/// How long another run, which needs milliseconds, is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(10);

#[derive(Debug, thiserror::Error)]
#[error("{}", said!(
    "無法寫入 {path}：{cause}（請確認該目錄存在且可寫入，或修改 --metrics-file）",
    "cannot write {path}: {cause}; check that its directory exists and is writable, or change --metrics-file",
    path = .path.display(),
    cause = .cause
))]
pub struct MetricsFileError {
    path: PathBuf,
    cause: io::Error,
}

/// Puts the document about `run` in the place of the earlier one at `path`. A file of anything else stays as it is.
pub fn write(path: &Path, run: &RunEnd) -> Result<(), MetricsFileError> {
    replace(path, run).map_err(|cause| MetricsFileError {
        path: path.to_owned(),
        cause,
    })
}

fn replace(path: &Path, run: &RunEnd) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Between reading the old file and replacing it, no other run may do the same. So nobody else uses the name of
    // the temporary file either, and what a killed run left of it is in nobody's way.
    let lock = directory.join(".daily-gpu-log.lock");
    let lock = open_with(
        &lock,
        OpenOptions::new().write(true).create(true).mode(0o600),
    )?;
    if !lock_within(&lock, PATIENCE, PAUSE)? {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    let text = render(run, earlier(path)?.as_deref());
    let temporary = directory.join(format!(".daily-gpu-log.{}.tmp", name.display()));
    let _ = fs::remove_file(&temporary);
    let placed = write_new(&temporary, &text).and_then(|()| fs::rename(&temporary, path));
    placed.inspect_err(|_| {
        let _ = fs::remove_file(&temporary);
    })
}

/// What the file holds, if it is there and may be replaced.
fn earlier(path: &Path) -> io::Result<Option<String>> {
    let not_own = || {
        io::Error::other(text(
            "這個檔案不是本程式寫的，未覆寫",
            "this program did not write the file, and leaves it as it is",
        ))
    };
    let earlier = match if_there(regular_file::read(path)) {
        Ok(None) => return Ok(None),
        Ok(Some(earlier)) => String::from_utf8(earlier).ok(),
        Err(error) if error.kind() == NOT_REGULAR => None,
        Err(error) => return Err(error),
    };
    let is_own = |earlier: &String| earlier.is_empty() || is_metrics(earlier);
    earlier.filter(is_own).map(Some).ok_or_else(not_own)
}

fn write_new(path: &Path, contents: &str) -> io::Result<()> {
    // Never through a link that somebody else put there.
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(contents.as_bytes())?;
    // Set, and not asked for at creation, because cron's umask would take the others' right to read away.
    file.set_permissions(Permissions::from_mode(METRICS_MODE))?;
    file.sync_all()
}
