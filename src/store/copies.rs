//! The node-days of the tree, as copies of it in other engines take them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use ring::digest::{Context, SHA256};

use super::archive::Archive;
use super::reports;
use super::state::STATE_DIRECTORY;
use super::unfinished::directories_in;
use super::{DayFiles, UnusableFile};
use crate::analysis::{
    Coverage, DayLedger, DayRecord, LastRun, NodeTasks, Span, TasksByHost, attribute,
};
use crate::model::{Both, CardUsage, GpuIndex, KeptAnswer, Window, both};
use crate::settings::Config;
use crate::sinks::{Fingerprint, GpuCopy, Holding, NodeCopy};
use crate::sources::management_api::kept;

/// What a copy has of a node-day changes with it, and copies of before are made again.
const CONTENTS: &[u8] = b"1";

/// The dates of which the tree has files of any node, those that were moved away among them.
pub fn dates(archive: &Archive) -> BTreeSet<NaiveDate> {
    let nodes = trees(archive).flat_map(|tree| node_names(&tree).map(move |name| tree.join(name)));
    let days = nodes.flat_map(|node| fs::read_dir(node).into_iter().flatten().flatten());
    let dates = days.filter_map(|day| day.file_name().to_str()?.parse().ok());
    dates.collect()
}

/// Whether the tree has files of a node of any day.
pub fn has_node(archive: &Archive, name: &str) -> bool {
    trees(archive).any(|tree| tree.join(name).is_dir())
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
    config: &'a Config,
    files: DayFiles<'a>,
    window: &'a Window,
    /// By name.
    pub nodes: Vec<(String, Fingerprint)>,
}

/// What is of all nodes of a day together, once it is needed.
pub struct DayContents<'a> {
    day: &'a DayCopies<'a>,
    record: Option<DayRecord>,
    ledger: DayLedger,
    kept: Option<KeptAnswer>,
    /// What there is and cannot be read.
    pub problems: Vec<Both>,
}

/// Reads the node-days one by one.
pub struct Reader<'a> {
    contents: &'a DayContents<'a>,
    /// The tasks, and how much of the day they are known of.
    tasks: Option<(TasksByHost<'a>, Span)>,
}

impl<'a> DayCopies<'a> {
    pub fn find(config: &'a Config, archive: &'a Archive, window: &'a Window) -> io::Result<Self> {
        let date = window.date;
        let mut shared = Context::new(&SHA256);
        shared.update(CONTENTS);
        let of_window = format!("{} {:?}", window.zone, window.interval);
        shared.update(of_window.as_bytes());
        let months: Vec<PathBuf> = archive.months(date).collect();
        let trees: Vec<_> = [&archive.root].into_iter().chain(&months).collect();
        let reports = trees.iter().map(|tree| reports::users_file(tree, date));
        for path in archive.kept_files(date).into_iter().chain(reports) {
            add_file(&mut shared, &path);
        }
        let mut nodes = BTreeMap::new();
        for tree in trees {
            for name in node_names(tree) {
                let directory = tree.join(&name).join(date.to_string());
                let mut listing = listing(&directory)?;
                if listing.is_empty() || nodes.contains_key(&name) {
                    continue;
                }
                listing.sort_unstable();
                let mut of_node = shared.clone();
                let node = config.node(&name);
                // By what its tasks are placed; the address says nothing of it.
                let node = node.map(|node| (&node.cards, node.first_gpu_id, &node.gpu_uuids));
                of_node.update(format!("{node:?} {listing:?}").as_bytes());
                nodes.insert(name, fingerprint(of_node));
            }
        }
        Ok(Self {
            config,
            files: archive.day(date),
            window,
            nodes: nodes.into_iter().collect(),
        })
    }

    /// Reads what is of all nodes together.
    pub fn contents(&'a self) -> DayContents<'a> {
        let (archive, window) = (self.files.archive, self.window);
        let mut problems = Vec::new();
        let record = archive.record(window.date).unwrap_or_else(|error| {
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
        DayContents {
            day: self,
            record: record.filter(|record| record.is_of(window)),
            ledger: ledger.unwrap_or_default(),
            kept,
            problems,
        }
    }
}

impl DayContents<'_> {
    pub fn last_run(&self) -> Option<&LastRun> {
        self.record.as_ref().map(|record| &record.last_run)
    }

    pub fn reader(&self) -> Reader<'_> {
        let window = self.day.window;
        let tasks = self.kept.as_ref().and_then(|kept| {
            let known = Span::new(window.start, window.seen_until.min(kept.fetched_at))?;
            Some((TasksByHost::new(&kept.answer.tasks), known))
        });
        Reader {
            contents: self,
            tasks,
        }
    }
}

impl Reader<'_> {
    /// A node-day, and the files of it that cannot be used; or why there is none.
    pub fn read(
        &self,
        name: &str,
        fingerprint: Fingerprint,
    ) -> Result<(NodeCopy, Vec<UnusableFile>), Both> {
        let DayContents {
            day,
            record,
            ledger,
            ..
        } = self.contents;
        let window = day.window;
        let of_run = record.as_ref().and_then(|record| record.node(name));
        let known = day.config.node(name);
        let former = || of_run.and_then(|record| record.as_node());
        let Some(node) = known.cloned().or_else(former) else {
            return Err(both!(
                "設定中沒有這個節點，也沒有它的執行記錄，不知道它有哪些卡：請把它加到 [[nodes]]",
                "the node is neither in the settings nor in a run record, and its cards are not known: add it to [[nodes]]"
            ));
        };
        let earlier = day.files.earlier(&node, window);
        let mut earlier = earlier.map_err(|error| Both::of(|| error.cause.to_string()))?;
        if let Some((_, setting)) = &earlier.other_setting {
            return Err(Both::of(|| setting.problem()));
        }
        let files = of_run.and_then(|record| record.files.as_ref());
        let until = files.map_or(window.until, |files| files.until.min(window.until));
        let rows = (until - window.start) / window.interval.seconds();
        let rows = usize::try_from(rows).unwrap_or(0);
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
        let copy = NodeCopy {
            node: name.to_owned(),
            fingerprint,
            until,
            coverage: Coverage::sum(coverage),
            task_information: files.map(|files| files.task_information),
            tasks_as_of: files.and_then(|files| files.tasks_as_of),
            gpus,
            holdings: holdings.unwrap_or_default(),
            usage: ledger.get(name).cloned(),
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

/// The files of a directory, which need not exist, each as an update would change it: name, size and time.
fn listing(directory: &Path) -> io::Result<Vec<(String, u64, i64, i64)>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if is_absence(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let file = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        let found = entry.metadata()?;
        let name = entry.file_name().to_string_lossy().into_owned();
        Ok((name, found.size(), found.mtime(), found.mtime_nsec()))
    };
    entries.map(file).collect()
}

fn is_absence(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(error.kind(), K::NotFound | K::NotADirectory)
}

fn add_file(context: &mut Context, path: &Path) {
    if let Ok(found) = fs::metadata(path) {
        let found = (found.size(), found.mtime(), found.mtime_nsec());
        context.update(format!("{found:?}").as_bytes());
    }
}

fn fingerprint(context: Context) -> Fingerprint {
    let digest = context.finish();
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}
