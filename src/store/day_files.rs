//! The files of a day: where they are, and what earlier runs left in them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use chrono::NaiveDate;

use super::archive::Archive;
use super::layout::{CardRecord, Layout, records_from_json};
use super::read::read;
use super::reports;
use super::write::{WriteError, check_links};
use crate::analysis::{Mean, Span};
use crate::formats::average_csv;
use crate::formats::gpu_csv::{self, Stamps};
use crate::formats::unreadable::Unreadable;
use crate::model::{
    CardId, CardUsage, GpuFileNumber, GpuIndex, Metric, Node, OtherSetting, Window, if_there, said,
    text,
};

#[derive(Debug)]
pub struct DayFiles<'a> {
    pub archive: &'a Archive,
    pub date: NaiveDate,
    /// The cards that earlier runs recorded the files to be of, by node.
    pub recorded: BTreeMap<String, CardRecord>,
    /// Those of the first window that was asked for.
    stamps: OnceLock<Stamps>,
}

#[derive(Debug, Default)]
pub struct Earlier {
    pub usage: BTreeMap<CardId, CardUsage>,
    /// The user column, for a run that knows nothing of tasks.
    pub users: BTreeMap<GpuIndex, String>,
    /// Files that hold nothing of the GPUs that they are named for.
    pub unusable: Vec<UnusableFile>,
    /// A file that was written under another setting, or their directory.
    pub other_setting: Option<(PathBuf, OtherSetting)>,
}

/// There are files of the day that were written under another setting (exit status 10).
#[derive(Debug, thiserror::Error)]
#[error("{}", said!(
    "{problem}（{path}）：請設定 {remedy}，或以 --data-dir 收集到別處；這一天沒有寫入任何檔案",
    "{problem} ({path}): set {remedy}, or collect elsewhere with --data-dir; no file of this day was written",
    problem = .setting.problem(), path = .path.display(), remedy = .setting.remedy()
))]
pub struct OtherSettings {
    pub path: PathBuf,
    pub setting: OtherSetting,
}

/// A file of an earlier run that cannot be merged with new readings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusableFile {
    pub path: PathBuf,
    pub problem: String,
    /// Whether it is of something else than its name says, and cannot keep it even where no new file needs it.
    pub is_misnamed: bool,
}

impl Earlier {
    /// How many intervals of the day there are up to the last one with a reading.
    pub fn intervals(&self) -> usize {
        let usage = self.usage.values();
        let series = usage.flat_map(|usage| Metric::ALL.map(|metric| usage.series(metric)));
        let last = series.filter_map(|series| series.iter().rposition(Option::is_some));
        last.max().map_or(0, |last| last + 1)
    }
}

impl Archive {
    pub fn day(&self, date: NaiveDate) -> DayFiles<'_> {
        let recorded = self.recorded_cards(date).ok().flatten();
        DayFiles {
            archive: self,
            date,
            recorded: records_from_json(&recorded.unwrap_or_default()),
            stamps: OnceLock::new(),
        }
    }
}

impl DayFiles<'_> {
    /// What earlier runs left of a node's day.
    pub fn earlier(&self, node: &Node, window: &Window) -> Result<Earlier, WriteError> {
        self.read(node, window, true)
    }

    /// The same without the users, whose file is not looked at.
    pub fn readings(&self, node: &Node, window: &Window) -> Result<Earlier, WriteError> {
        self.read(node, window, false)
    }

    fn read(&self, node: &Node, window: &Window, with_users: bool) -> Result<Earlier, WriteError> {
        let directory = self.found_in(node);
        check_links(&directory)?;
        let there = if_there(fs::metadata(&directory)).map_err(WriteError::at(&directory))?;
        if there.is_none() {
            return Ok(Earlier::default());
        }
        let stamps = self.stamps(window);
        let record = self.recorded.get(&node.name).cloned();
        let layout = Layout::of(&directory, self.date, record);
        let layout = layout.map_err(WriteError::at(&directory))?;
        let now = self.record_of(node);
        let other_number = layout.other_number(&now);
        let mut earlier = Earlier {
            other_setting: other_number
                .map(|number| (directory.clone(), OtherSetting::GpuFiles(number))),
            ..Earlier::default()
        };
        for (index, &card) in (0..).map(GpuIndex).zip(&node.cards) {
            let path = directory.join(self.gpu_file(index, card));
            let usage = match read(&path, |file| gpu_csv::parse(file, &stamps)) {
                Ok(None) => continue,
                Ok(Some(usage)) => Ok(usage),
                Err(Unreadable::Io(cause)) => return Err(WriteError { path, cause }),
                Err(Unreadable::Malformed(problem)) => Err(problem),
                Err(Unreadable::OtherSetting(setting)) => {
                    let of = || (path.clone(), setting);
                    earlier.other_setting.get_or_insert_with(of);
                    Err(setting.problem())
                }
            };
            let why_other_card = layout.why_other_card(self.number(index, card), index, &now);
            let is_misnamed = why_other_card.is_some();
            match why_other_card.map_or(usage, Err) {
                Ok(usage) => drop(earlier.usage.insert(card, usage)),
                Err(problem) => earlier.unusable.push(UnusableFile {
                    path,
                    problem,
                    is_misnamed,
                }),
            }
        }
        if with_users {
            self.add_users(node, &directory, &layout, &mut earlier)?;
        }
        if directory != self.directory_of(node) {
            // What was moved away is not ours to set aside.
            for file in &mut earlier.unusable {
                file.is_misnamed = false;
            }
        }
        Ok(earlier)
    }

    pub fn stamps(&self, window: &Window) -> Cow<'_, Stamps> {
        let stamps = self.stamps.get_or_init(|| Stamps::of(window));
        if stamps.window == *window {
            Cow::Borrowed(stamps)
        } else {
            Cow::Owned(Stamps::of(window))
        }
    }

    /// The means of the node's day, if its average file has them.
    pub fn mean(&self, node: &Node) -> Option<Mean> {
        let name = format!("average_{}.csv", self.date);
        let path = self.found_in(node).join(name);
        read(&path, average_csv::mean).ok().flatten()
    }

    /// Objects to files of the day that were written under other settings. What cannot be read is not known to be.
    pub fn check_settings<'n>(
        &self,
        nodes: impl IntoIterator<Item = &'n Node>,
        window: &Window,
    ) -> Result<(), OtherSettings> {
        let of_node = |node| self.readings(node, window).ok()?.other_setting;
        let of_nodes = nodes.into_iter().find_map(of_node);
        match of_nodes.or_else(|| reports::other_zone(&self.archive.root, window)) {
            Some((path, setting)) => Err(OtherSettings { path, setting }),
            None => Ok(()),
        }
    }

    /// Adds the users of the average CSV, of the GPUs that are still the same cards.
    fn add_users(
        &self,
        node: &Node,
        directory: &Path,
        layout: &Layout,
        earlier: &mut Earlier,
    ) -> Result<(), WriteError> {
        let name = format!("average_{}.csv", self.date);
        let path = directory.join(name);
        let (problem, is_misnamed) = match read(&path, average_csv::users) {
            Ok(users) => {
                let is_lost = |index: GpuIndex| {
                    let card = node.cards.get(index.0);
                    card.is_none_or(|&card| layout.was_another(index, card))
                };
                let users = users.unwrap_or_default().into_iter();
                let (lost, kept): (BTreeMap<_, _>, _) =
                    users.partition(|(index, _)| is_lost(*index));
                earlier.users = kept;
                if lost.is_empty() {
                    return Ok(());
                }
                let problem = text(
                    "使用者欄位是以不同的 cards 寫成",
                    "its user column was written with other cards",
                );
                (problem.to_owned(), true)
            }
            Err(Unreadable::Io(cause)) => return Err(WriteError { path, cause }),
            Err(Unreadable::Malformed(problem)) => (problem, false),
            Err(Unreadable::OtherSetting(setting)) => (setting.problem(), false),
        };
        earlier.unusable.push(UnusableFile {
            path,
            problem,
            is_misnamed,
        });
        Ok(())
    }

    /// Which of a node's files are missing or empty, if the GPUs with readings are these.
    pub fn lost(&self, node: &Node, gpus: &[(GpuIndex, CardId)]) -> Vec<String> {
        let directory = self.found_in(node);
        let date = self.date;
        let of_gpus = gpus.iter().map(|&(index, card)| self.gpu_file(index, card));
        let of_node = [format!("average_{date}.csv"), format!("summary_{date}.txt")];
        let is_lost = |name: &String| {
            let file = fs::metadata(directory.join(name));
            !file.is_ok_and(|file| file.is_file() && file.len() > 0)
        };
        of_gpus.chain(of_node).filter(is_lost).collect()
    }

    /// The nodes of which the report of the users has the whole window, or, of a day that still runs, any of it. A report
    /// that cannot be read has none.
    pub fn in_users_report(&self, window: &Window) -> BTreeSet<String> {
        let report = reports::ledger(self.archive, window);
        let nodes = report.ok().flatten().unwrap_or_default().into_iter();
        let is_there = |known: Span| {
            known.from == window.start && (known.to == window.end || !window.is_over())
        };
        let nodes = nodes.filter(|(_, node)| is_there(node.known));
        nodes.map(|(name, _)| name).collect()
    }

    /// Whether there is a file of any of `nodes`.
    pub fn are_any_there(&self, nodes: &[&Node]) -> bool {
        nodes.iter().any(|node| has_files(&self.found_in(node)))
    }

    /// Where the node's day was moved to, if it was, and has not been collected again since.
    pub fn moved_to(&self, node: &Node) -> Option<PathBuf> {
        if has_files(&self.directory_of(node)) {
            return None;
        }
        let mut months = self.archive.months(self.date);
        months.find(|month| has_files(&self.in_tree(month, node)))
    }

    /// Whether there is a file of any of the node's GPUs: a node that failed has none.
    pub fn has_readings(&self, node: &Node) -> bool {
        let files = fs::read_dir(self.found_in(node)).into_iter().flatten();
        let mut names = files.flatten().map(|file| file.file_name());
        names.any(|name| name.to_string_lossy().starts_with("gpu"))
    }

    /// The directory with the files of the node's day, or that is to have them.
    pub fn found_in(&self, node: &Node) -> PathBuf {
        let tree = self.moved_to(node);
        self.in_tree(tree.as_ref().unwrap_or(&self.archive.root), node)
    }

    pub fn directory_of(&self, node: &Node) -> PathBuf {
        self.in_tree(&self.archive.root, node)
    }

    fn in_tree(&self, root: &Path, node: &Node) -> PathBuf {
        root.join(&node.name).join(self.date.to_string())
    }

    pub fn gpu_file(&self, index: GpuIndex, card: CardId) -> String {
        format!("gpu{}_{}.csv", self.number(index, card), self.date)
    }

    fn number(&self, index: GpuIndex, card: CardId) -> u64 {
        match self.archive.gpu_files {
            GpuFileNumber::Index => index.0 as u64,
            GpuFileNumber::Card => card.0,
        }
    }

    pub fn record_of(&self, node: &Node) -> CardRecord {
        CardRecord {
            gpu_files: self.archive.gpu_files,
            cards: node.cards.clone(),
        }
    }
}

fn has_files(directory: &Path) -> bool {
    let files = fs::read_dir(directory);
    files.is_ok_and(|mut files| files.next().is_some())
}
