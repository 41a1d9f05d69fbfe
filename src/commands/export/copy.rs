//! Makes a copy of the tree equal to it, one day after the other.

use std::iter;
use std::sync::mpsc::sync_channel;
use std::thread;

use crate::model::{Both, Language, Window, both};
use crate::report::ExportedDay;
use crate::settings::Config;
use crate::sinks::{Fingerprint, Sink, SinkError, TreeDay, Unread};
use crate::sources::parallel;
use crate::store::{Archive, DayContents, DayCopies};

/// How many nodes are read ahead of what writes them.
const AHEAD: usize = 8;

/// Which part of the tree is copied, and how.
pub struct Scope<'a> {
    pub config: &'a Config,
    pub archive: &'a Archive,
    /// The nodes; all where none is named.
    pub nodes: &'a [String],
    pub is_dry_run: bool,
    /// Whose tree it is.
    pub shard: &'a str,
    pub now: i64,
}

/// What became of each day that the tree has; and why those after the last of them were not looked at.
pub fn copy_days(
    scope: &Scope,
    sink: &mut dyn Sink,
    windows: &[Window],
) -> (Vec<ExportedDay>, Option<SinkError>) {
    let mut days = Vec::new();
    for window in windows {
        let mut day = ExportedDay {
            date: window.date,
            written: 0,
            unchanged: 0,
            problems: Vec::new(),
        };
        let copied = copy_day(scope, sink, window, &mut day);
        if day.written + day.unchanged > 0 || !day.problems.is_empty() {
            days.push(day);
        }
        if let Err(error) = copied {
            return (days, Some(error));
        }
    }
    (days, None)
}

fn copy_day(
    scope: &Scope,
    sink: &mut dyn Sink,
    window: &Window,
    day: &mut ExportedDay,
) -> Result<(), SinkError> {
    let copies = match DayCopies::find(scope.config, scope.archive, window) {
        Ok(copies) => copies,
        Err(error) => {
            day.problems.push(Both::of(|| error.to_string()));
            return Ok(());
        }
    };
    let known = sink.fingerprints(window.date)?;
    let is_wanted = |name: &String| scope.nodes.is_empty() || scope.nodes.contains(name);
    let wanted = copies.nodes.iter().filter(|(name, _)| is_wanted(name));
    let (unchanged, changed): (Vec<_>, Vec<_>) =
        wanted.partition(|(name, fingerprint)| known.get(name) == Some(fingerprint));
    day.unchanged = unchanged.len();
    if scope.is_dry_run {
        day.written = changed.len();
    }
    if changed.is_empty() || scope.is_dry_run {
        return Ok(());
    }
    let nodes = if sink.writes_whole_days() {
        copies.nodes.iter().collect()
    } else {
        changed.clone()
    };
    let contents = copies.contents();
    day.problems.extend(contents.problems.iter().cloned());
    let unread = write(scope, sink, &contents, &nodes, (window, day))?;
    if unread > 0 && sink.writes_whole_days() {
        day.problems.push(both!(
            "因為有節點無法讀取，當日的副本維持原狀",
            "the copy of the day is left as it was, since a node cannot be read"
        ));
    }
    day.written = match unread {
        0 => changed.len(),
        _ if sink.writes_whole_days() => 0,
        unread => changed.len() - unread,
    };
    Ok(())
}

/// Reads the nodes while others are written, and answers how many could not be read.
fn write(
    scope: &Scope,
    sink: &mut dyn Sink,
    contents: &DayContents,
    nodes: &[&(String, Fingerprint)],
    (window, day): (&Window, &mut ExportedDay),
) -> Result<usize, SinkError> {
    let tree_day = TreeDay {
        window,
        shard: scope.shard,
        last_run: contents.last_run(),
        exported_at: scope.now,
    };
    // What the thread says is in the language of this one.
    let language = Language::chosen();
    thread::scope(|threads| {
        let (sender, receiver) = sync_channel(AHEAD);
        let read = move || {
            let reader = contents.reader();
            let mut read = nodes.iter().map(|(name, of)| reader.read(name, *of));
            while let Some(node) = language.in_it(|| read.next())
                && sender.send(node).is_ok()
            {}
        };
        let reading = parallel::spawn(threads, read);
        drop(reading.map_err(|error| SinkError(Both::of(|| error.to_string())))?);
        let mut unread = 0;
        let mut names = nodes.iter();
        let mut copies = iter::from_fn(|| {
            let (name, _) = names.next()?;
            let why = match receiver.recv() {
                Ok(Ok((copy, unusable))) => {
                    day.problems.extend(unusable.iter().map(|file| {
                        let (path, problem) = (file.path.display(), &file.problem);
                        both!(
                            "{path} 無法使用：{problem}",
                            "{path} cannot be used: {problem}"
                        )
                    }));
                    return Some(Ok(copy));
                }
                Ok(Err(why)) => why,
                Err(_) => both!(
                    "程式發生內部錯誤，請回報",
                    "internal error, report this bug"
                ),
            };
            day.problems.push(both!("{name}：{why}", "{name}: {why}"));
            unread += 1;
            Some(Err(Unread(name.clone())))
        });
        sink.write(&tree_day, &mut copies)?;
        Ok(unread)
    })
}
