//! Makes copies of the tree equal to it, one day after the other.

use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::sync_channel;
use std::thread;

use crate::model::{Both, Capped, Engine, Language, UnixSeconds, Window, both};
use crate::report::ExportedDay;
use crate::settings::Config;
use crate::sinks::{Fingerprint, Sink, SinkError, TreeDay, Unread};
use crate::sources::parallel::{self, NoThread};
use crate::store::{Archive, DayCopies};

/// How many nodes are read ahead of what writes them: as many as Parquet writes at once, which is the most.
const AHEAD: usize = 128;
/// How many problems of a day are named.
const NAMED: usize = 10;

/// Which part of the tree is copied, and how.
pub struct Scope<'a> {
    pub config: &'a Config,
    pub archive: &'a Archive,
    /// The nodes; all where none is named.
    pub nodes: &'a [String],
    pub is_dry_run: bool,
    /// Whose tree it is.
    pub shard: &'a str,
    pub now: UnixSeconds,
}

/// A copy that is made equal to the tree.
pub struct Copying {
    pub engine: Engine,
    /// `None` once it has failed.
    sink: Option<Box<dyn Sink>>,
    /// What became of each day that the tree has.
    pub days: Vec<ExportedDay>,
    /// Why those after them were not looked at.
    pub failed: Option<SinkError>,
}

type Problems = Capped<Both, NAMED>;

impl Copying {
    pub fn new(engine: Engine, opened: Result<Box<dyn Sink>, SinkError>) -> Self {
        let (sink, failed) = match opened {
            Ok(sink) => (Some(sink), None),
            Err(error) => (None, Some(error)),
        };
        Self {
            engine,
            sink,
            days: Vec::new(),
            failed,
        }
    }

    pub fn is_well(&self) -> bool {
        self.failed.is_none() && self.days.iter().all(|day| day.problems.is_empty())
    }

    fn add(&mut self, scope: &Scope, window: &Window, copies: &DayCopies) {
        let Some(sink) = &mut self.sink else { return };
        let mut problems = Problems::default();
        let copy = || copy_day(scope, &mut **sink, window, copies, &mut problems);
        // A bug in one engine costs that copy alone.
        let ended = catch_unwind(AssertUnwindSafe(copy)).unwrap_or_else(|_| Err(SinkError(bug())));
        let (written, unchanged) = *ended.as_ref().unwrap_or(&(0, 0));
        let day = ExportedDay {
            date: window.date,
            written,
            unchanged,
            problems: problems.followed_by(|more| both!("另有 {more} 項", "{more} more")),
        };
        if written + unchanged > 0 || !day.problems.is_empty() {
            self.days.push(day);
        }
        if let Err(error) = ended {
            self.fail(error);
        }
    }

    fn fail(&mut self, error: SinkError) {
        self.sink = None;
        self.failed.get_or_insert(error);
    }
}

fn no_thread(error: &NoThread) -> SinkError {
    SinkError(Both::of(|| error.to_string()))
}

fn bug() -> Both {
    both!(
        "程式發生內部錯誤，請回報",
        "internal error, report this bug"
    )
}

/// Looks at each day once, for all copies.
pub fn copy_days(scope: &Scope, copies: &mut [Copying], windows: &[Window]) {
    for window in windows {
        if copies.iter().any(|copying| copying.sink.is_some()) {
            let day = DayCopies::find(scope.config, scope.archive, window);
            let copies = copies.iter_mut();
            match day {
                Ok(day) => copies.for_each(|copying| copying.add(scope, window, &day)),
                Err(error) => copies.for_each(|copying| copying.fail(no_thread(&error))),
            }
        }
    }
}

/// Answers how many nodes were written, or would be, and how many were equal.
fn copy_day(
    scope: &Scope,
    sink: &mut dyn Sink,
    window: &Window,
    copies: &DayCopies,
    problems: &mut Problems,
) -> Result<(usize, usize), SinkError> {
    let add = |problems: &mut Problems, more: &[Both]| {
        let more = more.iter().cloned();
        more.for_each(|problem| problems.push_with(|| problem));
    };
    add(problems, &copies.problems);
    let known = sink.fingerprints(window.date)?;
    let is_wanted = |name: &String| scope.nodes.is_empty() || scope.nodes.contains(name);
    let wanted = copies.nodes.iter().filter(|(name, _)| is_wanted(name));
    let (unchanged, changed): (Vec<_>, Vec<_>) =
        wanted.partition(|(name, fingerprint)| known.get(name) == Some(fingerprint));
    let counts = (changed.len(), unchanged.len());
    if changed.is_empty() || scope.is_dry_run {
        return Ok(counts);
    }
    let is_whole_day = sink.writes_whole_days();
    if is_whole_day {
        let is_there = |name: &&String| copies.nodes.iter().any(|(node, _)| node == *name);
        let gone: Capped<_, NAMED> = known.keys().filter(|name| !is_there(name)).collect();
        if !gone.is_empty() {
            let names = gone.named();
            problems.push_with(|| {
                both!(
                    "副本有節點 {names}，資料目錄卻沒有，當日的副本維持原狀：請確認 archive_dirs 都在，或刪除副本中這一天的檔案再匯出",
                    "the copy has {names}, which the data directory has not, and the day's copy is left as it was: check that archive_dirs are there, or remove the day's files from the copy and export again"
                )
            });
            return Ok((0, counts.1));
        }
    }
    let nodes = if is_whole_day {
        let is_in = |name: &String| is_wanted(name) || known.contains_key(name);
        copies
            .nodes
            .iter()
            .filter(|(name, _)| is_in(name))
            .collect()
    } else {
        changed
    };
    add(problems, &copies.contents().problems);
    let unread = write(scope, sink, copies, &nodes, (window, problems))?;
    let is_kept = |name: &&String| is_whole_day && known.contains_key(*name);
    if unread.iter().any(is_kept) {
        problems.push_with(|| {
            both!(
                "因為有節點無法讀取，當日的副本維持原狀",
                "the copy of the day is left as it was, since a node cannot be read"
            )
        });
        return Ok((0, counts.1));
    }
    Ok((counts.0.saturating_sub(unread.len()), counts.1))
}

/// Reads the nodes while others are written, and answers which could not be read.
fn write<'n>(
    scope: &Scope,
    sink: &mut dyn Sink,
    copies: &DayCopies,
    nodes: &[&'n (String, Fingerprint)],
    (window, problems): (&Window, &mut Problems),
) -> Result<Vec<&'n String>, SinkError> {
    let tree_day = TreeDay {
        window,
        shard: scope.shard,
        last_run: copies.contents().last_run(),
        exported_at: scope.now,
    };
    // What the thread says is in the language of this one.
    let language = Language::chosen();
    let reader = copies.reader();
    thread::scope(|threads| {
        let (sender, receiver) = sync_channel(AHEAD);
        let reader = &reader;
        let read = move || {
            for (name, fingerprint) in nodes {
                let read = || language.in_it(|| reader.read(name, *fingerprint));
                let node = catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(bug()));
                if sender.send(node).is_err() {
                    return;
                }
            }
        };
        let reading = parallel::spawn(threads, read);
        drop(reading.map_err(|error| no_thread(&error))?);
        let mut unread = Vec::new();
        let mut names = nodes.iter();
        let mut read = iter::from_fn(|| {
            let (name, _) = names.next()?;
            let why = match receiver.recv().unwrap_or_else(|_| Err(bug())) {
                Ok((copy, unusable)) => {
                    for file in unusable {
                        let (path, problem) = (file.path.display(), &file.problem);
                        problems.push_with(|| {
                            both!(
                                "{path} 無法使用：{problem}",
                                "{path} cannot be used: {problem}"
                            )
                        });
                    }
                    return Some(Ok(copy));
                }
                Err(why) => why,
            };
            problems.push_with(|| both!("{name}：{why}", "{name}: {why}"));
            unread.push(name);
            Some(Err(Unread(name.clone())))
        });
        sink.write(&tree_day, &mut read)?;
        Ok(unread)
    })
}
