//! The middle of a run: every node's day, in parallel, from its agent's answer to its files in place.

mod node;
mod worker;

use std::iter;
use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::config::{Node, Thresholds};
use crate::day::Window;
use crate::netdata;
use crate::notice::Notice;
use crate::output::{InPlace, Tree};
use crate::tasks::{self, Task, kept::KeptAnswer};

pub use node::{GpuFigures, NodeFigures};
use worker::{Outcome, Work};

/// How long finished nodes are gathered before they are put in place together: syncing the disk for each of 1,000
/// nodes would take longer than collecting them.
const BATCH_TIME: Duration = Duration::from_millis(100);

/// What a run knows of the day's tasks.
#[derive(Debug)]
pub enum TaskInformation {
    /// The management API's answer.
    Known(tasks::Answer),
    /// An answer of an earlier run, because the management API was not asked or gave none.
    Kept(KeptAnswer),
    /// The management API was not asked.
    NotAsked,
    /// The management API gave no answer, for this reason.
    Unavailable(String),
}

impl TaskInformation {
    /// The tasks, if there is an answer.
    fn tasks(&self) -> &[Task] {
        match self {
            Self::Known(answer) => &answer.tasks,
            Self::Kept(kept) => &kept.answer.tasks,
            Self::NotAsked | Self::Unavailable(_) => &[],
        }
    }
}

/// What all nodes have in common on a day.
#[derive(Clone, Copy, Debug)]
pub struct Day<'a> {
    /// The day, and how much of it has passed.
    pub window: &'a Window,
    /// Its tasks. They are waited for once a node's usage is there, because the management API is asked meanwhile.
    pub tasks: &'a OnceLock<TaskInformation>,
    /// What counts as busy, idle, and held.
    pub thresholds: Thresholds,
}

/// What became of one node.
#[derive(Debug)]
pub struct NodeResult {
    /// Its figures; `None` if nothing of it was written, and then a notice says why.
    pub figures: Option<NodeFigures>,
    /// What was noticed.
    pub notices: Vec<Notice>,
}

/// Collects the day of each of `nodes`, at most `jobs` at once, and answers in their order. `done` is called with the
/// position of each node as it ends.
pub fn collect(
    nodes: &[&Node],
    jobs: usize,
    day: Day,
    client: &netdata::Client,
    tree: &Tree,
    mut done: impl FnMut(usize),
) -> Vec<NodeResult> {
    let mut results: Vec<Option<NodeResult>> =
        iter::repeat_with(|| None).take(nodes.len()).collect();
    let work = Work::new(nodes, day, client, tree);
    let mut waiting = nodes.len();
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..jobs.min(nodes.len()) {
            let (sender, work) = (sender.clone(), &work);
            scope.spawn(move || work.run(&sender));
        }
        drop(sender);
        while let Some(batch) = next_batch(&receiver, &mut waiting) {
            for (position, result) in commit(nodes, batch, tree) {
                results[position] = Some(result);
                done(position);
            }
        }
    });
    results
        .into_iter()
        .map(|result| result.expect("every node sends its result"))
        .collect()
}

/// What arrives within [`BATCH_TIME`] of the first, or until none of the `waiting` is left to arrive.
fn next_batch<T>(receiver: &Receiver<T>, waiting: &mut usize) -> Option<Vec<T>> {
    let mut batch = vec![receiver.recv().ok()?];
    let until = Instant::now() + BATCH_TIME;
    while batch.len() < *waiting
        && let Ok(next) = receiver.recv_timeout(until.saturating_duration_since(Instant::now()))
    {
        batch.push(next);
    }
    *waiting -= batch.len();
    Some(batch)
}

/// Puts the files of a batch of nodes in place.
fn commit(nodes: &[&Node], batch: Vec<Outcome>, tree: &Tree) -> Vec<(usize, NodeResult)> {
    let mut results = Vec::with_capacity(batch.len());
    let (mut files, mut staged) = (Vec::new(), Vec::new());
    for (position, node) in batch {
        match node {
            Ok(node) => {
                files.push(node.files);
                staged.push((position, node.figures, node.notices, node.unusable));
            }
            Err(notice) => {
                let (figures, notices) = (None, vec![notice]);
                results.push((position, NodeResult { figures, notices }));
            }
        }
    }
    if files.is_empty() {
        return results;
    }
    for ((position, figures, mut notices, unusable), written) in
        staged.into_iter().zip(tree.commit(files))
    {
        let node = || nodes[position].name.clone();
        let figures = match written {
            Ok(InPlace {
                directory,
                mut set_aside,
                ..
            }) => {
                notices.extend(unusable.into_iter().map(|file| Notice::NotMerged {
                    node: node(),
                    kept_as: set_aside.remove(&file.path),
                    file,
                }));
                Some(NodeFigures {
                    directory,
                    ..figures
                })
            }
            Err(error) => {
                notices.push(Notice::NotWritten {
                    node: node(),
                    error,
                });
                None
            }
        };
        results.push((position, NodeResult { figures, notices }));
    }
    results
}
