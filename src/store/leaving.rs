//! What the data directory has of each day that is to be moved away with its month.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use super::archive::{Archive, KEPT};
use super::reports;
use super::state::{ReadError, STATE_DIRECTORY};
use super::temporary_directory::is_of_day;
use super::write::PREFIX;
use crate::model::{Node, if_there};

/// How the directory of a node's day is called once all of its files are copied, until they are removed.
const COPIED: [&str; 2] = [PREFIX, ".moved"];

/// A directory or a file that is moved as one.
#[derive(Debug)]
pub struct Piece {
    pub source: PathBuf,
    /// Where it belongs in a tree, be it that of the data directory or of a month.
    pub place: PathBuf,
}

impl Piece {
    fn new(root: &Path, place: PathBuf) -> Self {
        let source = root.join(&place);
        Self { source, place }
    }

    /// Whether a run that was killed had copied all of it.
    pub fn is_copied(&self) -> bool {
        self.source.file_name() != self.place.file_name()
    }

    /// What the source is to be called once all of it is copied.
    pub fn once_copied(&self) -> PathBuf {
        let [prefix, suffix] = COPIED;
        let day = self.place.file_name().unwrap_or_default();
        let name = [prefix.as_ref(), day, suffix.as_ref()];
        self.source
            .with_file_name(name.into_iter().collect::<OsString>())
    }
}

impl Archive {
    /// What there is of each day before this one, in the order in which it is to be moved: the record last, by which a
    /// run knows what one that was killed has left. A page alone is no day, as it can be made again.
    pub fn leaving(
        &self,
        before: NaiveDate,
        nodes: &[Node],
    ) -> Result<BTreeMap<NaiveDate, Vec<Piece>>, ReadError> {
        let mut days: BTreeMap<NaiveDate, Vec<Piece>> = BTreeMap::new();
        let mut add = |date, piece| {
            if date < before {
                days.entry(date).or_default().push(piece);
            }
        };
        for name in names(&self.root)? {
            if name.starts_with('.') || name == reports::DIRECTORY {
                continue;
            }
            let is_known = nodes.iter().any(|node| node.name == name);
            let node = self.root.join(&name);
            let days = match names(&node) {
                // It may be anybody's.
                Err(_) if !is_known => continue,
                days => days?,
            };
            for day in days {
                let [prefix, suffix] = COPIED;
                let copied = day.strip_prefix(prefix);
                let copied = copied.and_then(|day| day.strip_suffix(suffix));
                let Some(date) = date(copied.unwrap_or(&day)) else {
                    continue;
                };
                let source = node.join(&day);
                if copied.is_some() || is_day(&source, date, is_known)? {
                    let place = Path::new(&name).join(date.to_string());
                    add(date, Piece { source, place });
                }
            }
        }
        let mut pages = Vec::new();
        let newest = reports::newest_page(&self.root);
        for name in names(&self.root.join(reports::DIRECTORY))? {
            let piece = Piece::new(&self.root, Path::new(reports::DIRECTORY).join(&name));
            if let Some((date, rest)) = dated(&name, "users_")
                && rest.starts_with(".csv")
            {
                add(date, piece);
            } else if let Some((date, rest)) = dated(&name, "report_")
                && rest.strip_suffix(".html").is_some()
                && dated(rest, "_").is_none()
                // latest.html leads there.
                && newest.as_ref() != Some(&name)
            {
                pages.push((date, piece));
            }
        }
        for kind in KEPT {
            let directory = Path::new(STATE_DIRECTORY).join(kind);
            for name in names(&self.root.join(&directory))? {
                if let Some((date, ".json")) = dated(&name, "") {
                    add(date, Piece::new(&self.root, directory.join(&name)));
                }
            }
        }
        for (date, page) in pages {
            if let Some(pieces) = days.get_mut(&date) {
                pieces.insert(0, page);
            }
        }
        Ok(days)
    }
}

/// Whether it has files of a node's day: of one that the settings do not name, those that the program writes.
fn is_day(directory: &Path, date: NaiveDate, is_known: bool) -> Result<bool, ReadError> {
    let of_date = format!("_{date}.");
    let names = names(directory)?;
    let mut files = names.iter();
    Ok(files.any(|name| is_known || is_of_day(name.as_bytes()) && name.contains(&of_date)))
}

/// The names in a directory, in order; none where there is no directory.
fn names(directory: &Path) -> Result<Vec<String>, ReadError> {
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    let error = |cause| ReadError {
        path: directory.to_owned(),
        cause,
    };
    let mut names = Vec::new();
    for entry in if_there(fs::read_dir(directory))
        .map_err(error)?
        .into_iter()
        .flatten()
    {
        let name = entry.map_err(error)?.file_name();
        names.push(name.to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// The date behind `prefix`, and what follows it.
fn dated<'a>(name: &'a str, prefix: &str) -> Option<(NaiveDate, &'a str)> {
    let rest = name.strip_prefix(prefix)?;
    let (day, rest) = rest.split_at_checked("YYYY-MM-DD".len())?;
    Some((date(day)?, rest))
}

fn date(text: &str) -> Option<NaiveDate> {
    let date: NaiveDate = text.parse().ok()?;
    (date.to_string() == text).then_some(date)
}
