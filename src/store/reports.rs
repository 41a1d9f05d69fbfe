//! `<data-dir>/reports/`: what is of all nodes together.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use super::read::read;
use super::write::{self, FILE_MODE, WriteError};
use crate::analysis::{DayLedger, NodeLedger};
use crate::formats::ledger_csv;
use crate::formats::unreadable::Unreadable;
use crate::model::Window;

/// Of what is of all nodes together.
pub const DIRECTORY: &str = "reports";

/// A report of an earlier run that could not be merged with the new accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotMergedReport {
    pub path: PathBuf,
    pub problem: String,
    pub kept_as: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("無法讀取 {path}：{cause}", path = .path.display())]
    Io { path: PathBuf, cause: io::Error },
    #[error("{path} 不是用量報告（{problem}）：請重新收集這一天", path = .path.display())]
    Malformed { path: PathBuf, problem: String },
}

/// The accounts that the data directory `root` has of a day, or `None` where it has none.
pub fn ledger(root: &Path, date: NaiveDate) -> Result<Option<DayLedger>, LedgerError> {
    let path = users_file(root, date);
    read(&path, ledger_csv::parse).map_err(|error| match error {
        Unreadable::Io(cause) => LedgerError::Io { path, cause },
        Unreadable::Malformed(problem) => LedgerError::Malformed { path, problem },
    })
}

/// Writes the accounts of `nodes`, beside those that earlier runs wrote of other nodes. Earlier accounts that cannot
/// be read, or are of the day of another zone, are set aside.
pub fn write_users(
    root: &Path,
    window: &Window,
    nodes: DayLedger,
) -> Result<(PathBuf, Option<NotMergedReport>), WriteError> {
    let path = users_file(root, window.date);
    let is_of_window =
        |node: &NodeLedger| node.known.from == window.start && node.known.to <= window.end;
    let (mut day, problem) = match ledger(root, window.date) {
        Ok(None) => (DayLedger::new(), None),
        Ok(Some(earlier)) if earlier.values().all(is_of_window) => (earlier, None),
        Ok(Some(_)) => (
            DayLedger::new(),
            Some(format!("不是 {} 的這一天", window.zone)),
        ),
        Err(LedgerError::Malformed { problem, .. }) => (DayLedger::new(), Some(problem)),
        Err(LedgerError::Io { path, cause }) => return Err(WriteError { path, cause }),
    };
    day.extend(nodes);
    let kept_as = problem.as_ref().map(|_| write::keep_aside(&path));
    let kept_as = kept_as.transpose()?;
    let text = ledger_csv::render(&day);
    write::put(&path, FILE_MODE, &text, File::sync_all)?;
    let not_merged = problem
        .zip(kept_as)
        .map(|(problem, kept_as)| NotMergedReport {
            path: path.clone(),
            problem,
            kept_as,
        });
    Ok((path, not_merged))
}

pub fn users_file(root: &Path, date: NaiveDate) -> PathBuf {
    // No node can have this name.
    root.join(DIRECTORY).join(format!("users_{date}.csv"))
}
