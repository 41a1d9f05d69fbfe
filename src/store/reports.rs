//! `<data-dir>/reports/`: what is of all nodes together.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use super::archive::Archive;
use super::read::read;
use super::write::{self, WriteError};
use crate::analysis::DayLedger;
use crate::formats::ledger_csv;
use crate::formats::unreadable::Unreadable;
use crate::model::{OtherSetting, Window, said};

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
    #[error("{}", said!("無法讀取 {path}：{cause}", "cannot read {path}: {cause}", path = .path.display()))]
    Io { path: PathBuf, cause: io::Error },
    #[error("{}", said!(
        "{path} 不是用量報告（{problem}）：請重新收集這一天",
        "{path} is not a usage report ({problem}): collect this day again",
        path = .path.display()
    ))]
    Malformed { path: PathBuf, problem: String },
}

/// The accounts that there are of the window's day: those of the data directory, and of further nodes those that were
/// moved away.
pub fn ledger(archive: &Archive, window: &Window) -> Result<Option<DayLedger>, LedgerError> {
    let mut day = in_tree(&archive.root, window.date)?;
    for month in archive.months(window.date) {
        let moved = match in_tree(&month, window.date) {
            Ok(Some(moved)) => moved,
            Ok(None) => continue,
            // What is in the data directory is not lost for what lies elsewhere.
            Err(_) if day.is_some() => continue,
            Err(error) => return Err(error),
        };
        match &mut day {
            None => day = Some(moved),
            Some(day) if is_of(day, window) => add_nodes(day, moved, window),
            Some(_) => {}
        }
    }
    Ok(day)
}

/// Adds the nodes that are not there yet, if their accounts are of the window's day.
fn add_nodes(day: &mut DayLedger, others: DayLedger, window: &Window) {
    if is_of(&others, window) {
        for (node, accounts) in others {
            day.entry(node).or_insert(accounts);
        }
    }
}

/// The accounts that the tree at `root` has of a day, or `None` where it has none.
fn in_tree(root: &Path, date: NaiveDate) -> Result<Option<DayLedger>, LedgerError> {
    let path = users_file(root, date);
    read(&path, ledger_csv::parse).map_err(|error| match error {
        Unreadable::Io(cause) => LedgerError::Io { path, cause },
        Unreadable::Malformed(problem) => LedgerError::Malformed { path, problem },
        Unreadable::OtherSetting(setting) => {
            let problem = setting.problem();
            LedgerError::Malformed { path, problem }
        }
    })
}

/// Writes the accounts of `nodes`, beside those that earlier runs wrote of other nodes. Earlier accounts that cannot
/// be read, or are of the day of another zone, are set aside.
pub fn write_users(
    archive: &Archive,
    window: &Window,
    nodes: DayLedger,
) -> Result<(PathBuf, Option<NotMergedReport>), WriteError> {
    let (root, modes) = (&archive.root, archive.modes());
    let path = users_file(root, window.date);
    let mut day = DayLedger::new();
    let problem = match in_tree(root, window.date) {
        Ok(None) => None,
        Ok(Some(earlier)) if is_of(&earlier, window) => {
            day = earlier;
            None
        }
        Ok(Some(_)) => {
            let zone = window.zone;
            Some(said!(
                "不是 {zone} 的這一天",
                "it is not of this day in {zone}"
            ))
        }
        Err(LedgerError::Malformed { problem, .. }) => Some(problem),
        Err(LedgerError::Io { path, cause }) => return Err(WriteError { path, cause }),
    };
    let not_merged = match problem {
        None => None,
        Some(problem) => Some(NotMergedReport {
            kept_as: write::keep_aside(&path, modes)?,
            path: path.clone(),
            problem,
        }),
    };
    // Where the old suite moves the month once more, this report takes the place of the one there.
    for month in archive.months(window.date) {
        if let Ok(Some(moved)) = in_tree(&month, window.date) {
            add_nodes(&mut day, moved, window);
        }
    }
    day.extend(nodes);
    let text = archive.file_language.in_it(|| ledger_csv::render(&day));
    write::put(&path, modes, &text, File::sync_all)?;
    Ok((path, not_merged))
}

/// The page of some days. What is not of everybody, under their names, has a `suffix`.
pub fn page_file(root: &Path, first: NaiveDate, last: NaiveDate, suffix: &str) -> PathBuf {
    let days = if first == last {
        first.to_string()
    } else {
        format!("{first}_{last}")
    };
    root.join(DIRECTORY)
        .join(format!("report_{days}{suffix}.html"))
}

pub fn write_page(archive: &Archive, path: &Path, page: &str) -> Result<(), WriteError> {
    write::put(path, archive.modes(), page.as_bytes(), File::sync_all)
}

/// The file that leads to the page of the newest day.
pub fn latest_file(root: &Path) -> PathBuf {
    root.join(DIRECTORY).join("latest.html")
}

/// The name of the page of the newest single day.
pub fn newest_page(root: &Path) -> Option<String> {
    let files = fs::read_dir(root.join(DIRECTORY))
        .into_iter()
        .flatten()
        .flatten();
    let names = files.filter_map(|file| file.file_name().into_string().ok());
    let is_of_day = |name: &String| {
        let date = name
            .strip_prefix("report_")
            .and_then(|name| name.strip_suffix(".html"));
        date.is_some_and(|date| date.len() == 10 && date.parse::<NaiveDate>().is_ok())
    };
    names.filter(is_of_day).max()
}

/// The accounts of the date, if they are of the day of another zone.
pub fn other_zone(root: &Path, window: &Window) -> Option<(PathBuf, OtherSetting)> {
    let ledger = in_tree(root, window.date).ok()??;
    let mut starts = ledger.values().map(|node| node.known.from);
    let start = starts.find(|start| *start != window.start)?;
    let zone = window.zone_of_start(start)?;
    Some((users_file(root, window.date), OtherSetting::Zone(zone)))
}

/// Whether the accounts are of the window's day, and not of that of another zone.
pub fn is_of(ledger: &DayLedger, window: &Window) -> bool {
    let mut known = ledger.values().map(|node| node.known);
    known.all(|known| known.from == window.start && known.to <= window.end)
}

pub fn users_file(root: &Path, date: NaiveDate) -> PathBuf {
    // No node can have this name.
    root.join(DIRECTORY).join(format!("users_{date}.csv"))
}
