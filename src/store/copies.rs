//! The node-days of the tree, as copies of it in other engines take them.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use ring::digest::{Context, Digest, SHA256, digest};
use serde::de::IgnoredAny;

use super::archive::Archive;
use super::reports;
use super::state::ReadError;
use super::state::STATE_DIRECTORY;
use super::temporary_directory::is_of_day;
use super::unfinished::directories_in;
use super::{DayFiles, UnusableFile};
use crate::analysis::{
    Coverage, DayLedger, DayRecord, LastRun, NodeRecord, NodeTasks, Span, TasksByHost, attribute,
};
use crate::model::{Both, CardUsage, GpuIndex, KeptAnswer, Window, both};
use crate::settings::{Config, NodesByName};
use crate::sinks::{Fingerprint, GpuCopy, Holding, NodeCopy};
use crate::sources::management_api::kept;
use crate::sources::parallel::{self, Jobs, NoThread};

/// What a copy has of a node-day changes with it, and copies of before are made again.
const CONTENTS: &[u8] = b"1";

/// How many directories are listed at once: the disk, or the server of a network's, answers several as fast as one.
const LISTERS: u16 = 4;

/// The dates of which the tree has files of any node, those that were moved away among them.
pub fn dates(archive: &Archive) -> BTreeSet<NaiveDate> {
    let nodes = trees(archive).flat_map(|tree| node_names(&tree).map(move |name| tree.join(name)));
    let days = nodes.flat_map(|node| fs::read_dir(node).into_iter().flatten().flatten());
    let dates = days.filter_map(|day| day.file_name().to_str()?.parse().ok());
    dates.collect()
}

/// Whether the tree may have files of a day.
pub fn has_date(archive: &Archive, date: NaiveDate) -> bool {
    let date = date.to_string();
    trees(archive).any(|tree| node_names(&tree).any(|name| tree.join(name).join(&date).is_dir()))
}

/// Whether the tree has files of a node of any day.
pub fn has_node(archive: &Archive, name: &str) -> bool {
    trees(archive).any(|tree| tree.join(name).is_dir())
}

/// Objects to directories of which it cannot be known what the tree has in them.
pub fn check_readable(config: &Config, archive: &Archive) -> Result<(), ReadError> {
    let nodes = config
        .nodes
        .iter()
        .map(|node| archive.root.join(&node.name));
    for path in [archive.root.clone()].into_iter().chain(nodes) {
        match fs::read_dir(&path) {
            Err(cause) if !is_absence(&cause) => return Err(ReadError { path, cause }),
            _ => {}
        }
    }
    Ok(())
}

/// The data directory, and the months that were moved away from it.
fn trees(archive: &Archive) -> impl Iterator<Item = PathBuf> {
    let months = archive.moved.paths().iter();
    let months = months.flat_map(|dir| directories_in(dir));
    months.chain([archive.root.clone()])
}

fn node_names(tree: &Path) -> impl Iterator<Item = String> + use<> {
    let names = fs::read_dir(tree).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| name != STATE_DIRECTORY && name != reports::DIRECTORY)
}

/// The nodes of which the tree has files of a day, with what a copy of each has to have.
pub struct DayCopies<'a> {
    of_settings: NodesByName<'a>,
    files: DayFiles<'a>,
    window: &'a Window,
    /// By name.
    pub nodes: Vec<(String, Fingerprint)>,
    /// Which nodes cannot be looked at.
    pub problems: Vec<Both>,
    contents: OnceCell<DayContents>,
}

/// What is of all nodes of a day together.
#[derive(Default)]
pub struct DayContents {
    record: Option<DayRecord<IgnoredAny>>,
    ledger: DayLedger,
    kept: Option<KeptAnswer>,
    /// What there is and cannot be read.
    pub problems: Vec<Both>,
}

/// Reads the node-days one by one.
pub struct Reader<'a> {
    of_settings: &'a NodesByName<'a>,
    files: &'a DayFiles<'a>,
    window: &'a Window,
    contents: &'a DayContents,
    /// The tasks, and how much of the day they are known of.
    tasks: Option<(TasksByHost<'a>, Span)>,
}

impl<'a> DayCopies<'a> {
    pub fn find(
        config: &'a Config,
        archive: &'a Archive,
        window: &'a Window,
    ) -> Result<Self, NoThread> {
        let date = window.date;
        let months: Vec<PathBuf> = archive.months(date).collect();
        let trees: Vec<_> = [&archive.root].into_iter().chain(&months).collect();
        let shared = shared(archive, window, &trees);
        let (mut nodes, mut problems) = (BTreeMap::new(), Vec::new());
        let of_settings = config.nodes_by_name();
        let named = trees.iter().flat_map(|tree| {
            let names = node_names(tree);
            names.map(move |name| (tree.join(&name).join(date.to_string()), name))
        });
        let named: Vec<_> = named.collect();
        let list = |(directory, _): &(PathBuf, String)| digest_of_files(directory);
        let digests = parallel::map(&named, Jobs::exactly(LISTERS), list)?;
        for ((directory, name), files) in named.into_iter().zip(digests) {
            let node = of_settings.get(name.as_str());
            let files = match files.expect("no listing panics") {
                Ok(Some(digest)) => digest,
                Ok(None) => continue,
                // Whoever made it, it is none of ours, such as `lost+found`.
                Err(_) if node.is_none() => continue,
                Err(error) => {
                    let directory = directory.display();
                    problems.push(both!(
                        "無法讀取 {directory}：{error}（請以收集時的使用者執行）",
                        "cannot read {directory}: {error} (run as the user who collects)"
                    ));
                    continue;
                }
            };
            if nodes.contains_key(&name) {
                continue;
            }
            // What a run of this shard writes of a day says nothing new of a node that has moved to another.
            let mut of_node = match node {
                Some((_, true)) => Context::new(&SHA256),
                _ => shared.clone(),
            };
            // By what its tasks are placed; the address says nothing of it.
            let node = node.map(|(node, _)| (&node.cards, node.first_gpu_id, &node.gpu_uuids));
            of_node.update(format!("{node:?}").as_bytes());
            of_node.update(files.as_ref());
            nodes.insert(name, fingerprint(of_node));
        }
        Ok(Self {
            of_settings,
            files: archive.day(date),
            window,
            nodes: nodes.into_iter().collect(),
            problems,
            contents: OnceCell::new(),
        })
    }

    /// What is of all nodes together, which is read once.
    pub fn contents(&self) -> &DayContents {
        let (archive, window) = (self.files.archive, self.window);
        let new = || DayContents::read(archive, window);
        self.contents.get_or_init(new)
    }

    pub fn reader(&'a self) -> Reader<'a> {
        let (window, contents) = (self.window, self.contents());
        let tasks = contents.kept.as_ref().and_then(|kept| {
            let known = Span::known_at(window, kept.fetched_at)?;
            Some((TasksByHost::new(&kept.answer.tasks), known))
        });
        Reader {
            of_settings: &self.of_settings,
            files: &self.files,
            window,
            contents,
            tasks,
        }
    }
}

/// What every node's fingerprint begins with.
fn shared(archive: &Archive, window: &Window, trees: &[&PathBuf]) -> Context {
    let date = window.date;
    let mut shared = Context::new(&SHA256);
    shared.update(CONTENTS);
    // Of a day that still runs there may be more rows later, though not one file changes.
    let until = (!window.is_over()).then_some(window.until);
    let of_window = format!("{} {:?} {until:?}", window.zone, window.interval);
    shared.update(of_window.as_bytes());
    let reports = trees.iter().map(|tree| reports::users_file(tree, date));
    for path in archive.kept_files(date).into_iter().chain(reports) {
        if let Ok(found) = fs::metadata(path) {
            let found = (found.size(), found.mtime(), found.mtime_nsec());
            shared.update(format!("{found:?}").as_bytes());
        }
    }
    shared
}

impl DayContents {
    fn read(archive: &Archive, window: &Window) -> Self {
        let mut problems = Vec::new();
        let record = archive.record_with(window.date).unwrap_or_else(|error| {
            problems.push(Both::of(|| error.to_string()));
            None
        });
        let ledger = reports::ledger(archive, window).unwrap_or_else(|error| {
            problems.push(Both::of(|| error.to_string()));
            None
        });
        let ledger = ledger.filter(|ledger| reports::is_of(ledger, window));
        let kept = archive.kept_tasks(window.date).unwrap_or_else(|error| {
            problems.push(Both::of(|| error.to_string()));
            None
        });
        let kept = kept.and_then(|file| {
            let kept = kept::recall(&file, window);
            if kept.is_none() {
                problems.push(both!(
                    "保存的任務資訊不是這一天的，或已損壞：副本中沒有任務的佔用",
                    "the kept task information is damaged, or of another day: the copy has no holdings"
                ));
            }
            kept
        });
        Self {
            record: record.filter(|record| record.is_of(window)),
            ledger: ledger.unwrap_or_default(),
            kept,
            problems,
        }
    }

    pub fn last_run(&self) -> Option<&LastRun> {
        self.record.as_ref().map(|record| &record.last_run)
    }
}

impl Reader<'_> {
    /// A node-day, and the files of it that cannot be used; or why there is none. Where anything could not be read it
    /// has no fingerprint, and is not taken for equal to the tree later.
    pub fn read(
        &self,
        name: &str,
        fingerprint: Fingerprint,
    ) -> Result<(NodeCopy, Vec<UnusableFile>), Both> {
        let (window, contents) = (self.window, self.contents);
        let of_run = contents
            .record
            .as_ref()
            .and_then(|record| record.node(name));
        let known = self.of_settings.get(name).map(|(node, _)| (*node).clone());
        let former = || of_run.and_then(NodeRecord::as_node);
        let Some(node) = known.or_else(former) else {
            return Err(both!(
                "設定中沒有這個節點，也沒有它的執行記錄，不知道它有哪些卡：請把它加到 [[nodes]]",
                "the node is neither in the settings nor in a run record, and its cards are not known: add it to [[nodes]]"
            ));
        };
        let earlier = self.files.readings(&node, window);
        let mut earlier = earlier.map_err(|error| Both::of(|| error.to_string()))?;
        if let Some((_, setting)) = &earlier.other_setting {
            return Err(Both::of(|| setting.problem()));
        }
        let files = of_run.and_then(|record| record.files.as_ref());
        let until = files.map_or(window.until, |files| files.until.min(window.until));
        let rows = (until - window.start) / window.interval.seconds();
        // The record of the last run may have got lost.
        let rows = usize::try_from(rows).unwrap_or(0).max(earlier.intervals());
        let up_to = |usage: CardUsage| {
            usage.map(|readings| readings.iter().take(rows).copied().collect::<Vec<_>>())
        };
        let gpus = node.cards.iter().enumerate().map(|(index, &card)| GpuCopy {
            index: GpuIndex(index),
            card,
            usage: earlier.usage.remove(&card).map(up_to),
        });
        let gpus: Vec<_> = gpus.collect();
        let coverage = gpus
            .iter()
            .map(|gpu| Coverage::of_readings(gpu.usage.as_ref(), rows));
        let tasks = self.tasks.as_ref();
        let holdings = tasks.map(|(tasks, known)| holdings(&attribute(&node, tasks, *known)));
        let is_whole = contents.problems.is_empty() && earlier.unusable.is_empty();
        let copy = NodeCopy {
            node: name.to_owned(),
            fingerprint: if is_whole {
                fingerprint
            } else {
                Fingerprint::default()
            },
            until: window.stamps().take(rows).last().unwrap_or(window.start),
            coverage: Coverage::sum(coverage),
            task_information: files.map(|files| files.task_information),
            tasks_as_of: files.and_then(|files| files.tasks_as_of),
            gpus,
            holdings: holdings.unwrap_or_default(),
            usage: contents.ledger.get(name).cloned(),
        };
        Ok((copy, earlier.unusable))
    }
}

fn holdings(tasks: &NodeTasks) -> Vec<Holding> {
    let holding = tasks.placed.iter().filter_map(|placed| {
        let task = placed.task;
        Some(Holding {
            gpu: placed.index,
            user: task.username.clone(),
            task: task.id.clone(),
            task_type: task.kind.clone(),
            project: task.project_uuid.clone(),
            span: placed.span?,
        })
    });
    let mut holdings: Vec<_> = holding.collect();
    let key = |of: &Holding| (of.gpu, of.user.clone(), of.span, of.task.clone());
    holdings.sort_by_cached_key(key);
    // A task may list a GPU twice.
    holdings.dedup();
    holdings
}

/// A digest of the files of a directory, each as an update would change it: name, size and time. `None` where there is
/// none of a day.
fn digest_of_files(directory: &Path) -> io::Result<Option<Digest>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if is_absence(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let file = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        let found = entry.metadata()?;
        let name = entry.file_name().to_string_lossy().into_owned();
        Ok((name, found.size(), found.mtime(), found.mtime_nsec()))
    };
    // A run that writes just now replaces files.
    let is_there = |file: &io::Result<_>| !file.as_ref().is_err_and(is_absence);
    let files: io::Result<Vec<_>> = entries.map(file).filter(is_there).collect();
    let mut files = files?;
    files.sort_unstable();
    let mut names = files.iter().map(|(name, ..)| name.as_bytes());
    let of_files = || digest(&SHA256, format!("{files:?}").as_bytes());
    Ok(names.any(is_of_day).then(of_files))
}

fn is_absence(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(error.kind(), K::NotFound | K::NotADirectory)
}

fn fingerprint(context: Context) -> Fingerprint {
    let digest = context.finish();
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}
