//! The middle of a run: every node's day, in parallel, from its agent's answer to its files in place.

mod node;

use std::iter;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant};

use crate::config::Node;
use crate::day::Window;
use crate::netdata;
use crate::notice::Notice;
use crate::output::{InPlace, Tree};
use crate::parallel::{self, Panicked};
use crate::tasks::{self, kept::KeptAnswer};

pub use node::{GpuFigures, NodeFigures};
use node::{StagedNode, stage_node};

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

/// What became of one node.
#[derive(Debug)]
pub struct NodeResult {
    /// Its figures; `None` if nothing of it was written, and then a notice says why.
    pub figures: Option<NodeFigures>,
    /// What was noticed.
    pub notices: Vec<Notice>,
}

/// Collects the window of each of `nodes`, at most `jobs` at once, and answers in their order. `done` is called
/// with the position of each node as it ends.
pub fn collect(
    nodes: &[&Node],
    jobs: usize,
    window: &Window,
    tasks: &TaskInformation,
    client: &netdata::Client,
    tree: &Tree,
    mut done: impl FnMut(usize),
) -> Vec<NodeResult> {
    let mut results: Vec<Option<NodeResult>> =
        iter::repeat_with(|| None).take(nodes.len()).collect();
    let mut waiting = nodes.len();
    thread::scope(|scope| {
        let work = |&node: &&Node| stage_node(node, window, tasks, client, tree);
        let receiver = parallel::start(scope, nodes, jobs, work);
        while let Some(batch) = next_batch(&receiver, &mut waiting) {
            let staged = batch.into_iter().map(|(position, staged)| {
                let panicked = || Notice::Panicked {
                    node: nodes[position].name.clone(),
                };
                (position, staged.unwrap_or_else(|Panicked| Err(panicked())))
            });
            for (position, result) in commit(nodes, staged.collect(), tree) {
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
fn commit(
    nodes: &[&Node],
    batch: Vec<(usize, Result<StagedNode, Notice>)>,
    tree: &Tree,
) -> Vec<(usize, NodeResult)> {
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
