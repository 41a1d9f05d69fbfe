//! `<data-dir>/reports/`: what is of all nodes together.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use super::staged::{self, FILE_MODE};
use super::tree::{WriteError, make_directory};
use crate::analysis::ledger::DayLedger;
use crate::formats::ledger_csv;
use crate::formats::unreadable::Unreadable;
use crate::model::day::Window;

/// No node can have this name.
fn directory(root: &Path) -> PathBuf {
    root.join("reports")
}

/// A report of an earlier run that could not be merged with the new accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotMergedReport {
    /// Where it was.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
    /// Where it is now.
    pub kept_as: PathBuf,
}

/// Why a day's accounts cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file system does not give them.
    #[error("無法讀取 {path}：{cause}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// The file is none of this program's.
    #[error("{path} 不是使用者報告（{problem}）：請重新收集這一天", path = .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// The accounts that the data directory `root` has of a day, or `None` where it has none.
pub fn ledger(root: &Path, date: NaiveDate) -> Result<Option<DayLedger>, LedgerError> {
    let path = users_file(root, date);
    let read = match File::open(&path) {
        Ok(file) => ledger_csv::parse(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => Err(Unreadable::Io(error)),
    };
    read.map(Some).map_err(|error| match error {
        Unreadable::Io(cause) => LedgerError::Io { path, cause },
        Unreadable::Malformed(problem) => LedgerError::Malformed { path, problem },
    })
}

/// Writes the accounts of `nodes`, beside those that earlier runs wrote of other nodes. Earlier accounts that cannot
/// be told, or are of the day of another zone, are set aside.
pub fn write_users(
    root: &Path,
    window: &Window,
    nodes: DayLedger,
) -> Result<(PathBuf, Option<NotMergedReport>), WriteError> {
    let path = users_file(root, window.date);
    let (mut day, problem) = match ledger(root, window.date) {
        Ok(None) => (DayLedger::new(), None),
        Ok(Some(earlier)) => {
            let is_of_window = earlier
                .values()
                .all(|node| node.known.from == window.start && node.known.to <= window.end);
            if is_of_window {
                (earlier, None)
            } else {
                let problem = format!("不是 {} 的這一天", window.zone);
                (DayLedger::new(), Some(problem))
            }
        }
        Err(LedgerError::Malformed { problem, .. }) => (DayLedger::new(), Some(problem)),
        Err(LedgerError::Io { path, cause }) => return Err(WriteError { path, cause }),
    };
    day.extend(nodes);
    make_directory(&directory(root))?;
    let kept = problem.map(|problem| {
        let kept_as = staged::keep_aside(&path).map_err(|cause| WriteError {
            path: path.clone(),
            cause,
        })?;
        Ok(NotMergedReport {
            path: path.clone(),
            problem,
            kept_as,
        })
    });
    let kept = kept.transpose()?;
    let text = ledger_csv::render(&day);
    staged::put(&path, FILE_MODE, &text, File::sync_all)?;
    Ok((path, kept))
}

pub fn users_file(root: &Path, date: NaiveDate) -> PathBuf {
    directory(root).join(format!("users_{date}.csv"))
}
