//! The middle of a run: every node's day, in parallel, from its agent's answer to its files in place.

use std::collections::BTreeMap;
use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::attribution;
use crate::average::{Coverage, Mean};
use crate::config::Node;
use crate::day::Window;
use crate::netdata::{self, Metric, NodeUsage};
use crate::node_day::{GpuDay, NodeDay, TaskKnowledge};
use crate::notice::Notice;
use crate::output::{Earlier, Staged, Tree};
use crate::tasks::{self, kept::KeptAnswer};
use crate::units::{CardId, GpuIndex};

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

/// A node whose files are in place.
#[derive(Debug, Serialize)]
pub struct NodeFigures {
    /// Where they are.
    pub directory: PathBuf,
    /// Its coverage, over all GPUs.
    #[serde(flatten)]
    pub coverage: Coverage,
    /// Its mean, over the means of its GPUs, in percent.
    pub mean_percent: Mean,
    /// Its GPUs, by index.
    pub gpus: Vec<GpuFigures>,
}

/// What is kept of a GPU once its files are written.
#[derive(Debug, Serialize)]
pub struct GpuFigures {
    /// Its index.
    pub index: GpuIndex,
    /// Its DRM card.
    pub card: CardId,
    /// How many of its readings there are.
    #[serde(flatten)]
    pub coverage: Coverage,
    /// Their means, in percent.
    pub mean_percent: Mean,
    /// Who held it, in order of first hold; `None` without task information.
    pub users: Option<Vec<String>>,
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
    let next = AtomicUsize::new(0);
    let mut waiting = nodes.len();
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..jobs.min(nodes.len()) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                while let Some((position, &node)) = take(nodes, next) {
                    let work = || stage_node(node, window, tasks, client, tree);
                    // A bug that one node's answer brings out must not cost the others their day.
                    let staged = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
                        Err(Notice::Panicked {
                            node: node.name.clone(),
                        })
                    });
                    if sender.send((position, staged)).is_err() {
                        return;
                    }
                }
            });
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

fn take<'a, T>(items: &'a [T], next: &AtomicUsize) -> Option<(usize, &'a T)> {
    let position = next.fetch_add(1, Ordering::Relaxed);
    items.get(position).map(|item| (position, item))
}

/// A node whose files are written but not in place.
struct StagedNode {
    files: Staged,
    figures: NodeFigures,
    notices: Vec<Notice>,
}

/// The stages of one node, up to its files beside their targets.
fn stage_node(
    node: &Node,
    window: &Window,
    tasks: &TaskInformation,
    client: &netdata::Client,
    tree: &Tree,
) -> Result<StagedNode, Notice> {
    let not_written = |error| Notice::NotWritten {
        node: node.name.clone(),
        error,
    };
    let usage = client
        .usage(node, window)
        .map_err(|error| Notice::NodeFailed {
            node: node.name.clone(),
            error,
        })?;
    let mut notices = usage_notices(node, window, &usage);
    let Earlier {
        usage: earlier,
        users,
        unreadable,
    } = tree.earlier(node, window).map_err(not_written)?;
    let cards = usage.together_with(&earlier);
    let tasks = task_knowledge(node, window, tasks, users);
    let day = NodeDay::new(node, window, cards, tasks);
    notices.extend(day_notices(&day));
    let files = tree.stage(&day, &unreadable).map_err(not_written)?;
    notices.extend(unreadable.into_iter().map(|file| Notice::SetAside {
        node: node.name.clone(),
        file,
    }));
    Ok(StagedNode {
        files,
        figures: figures(&day),
        notices,
    })
}

fn task_knowledge<'a>(
    node: &Node,
    window: &Window,
    tasks: &'a TaskInformation,
    earlier: BTreeMap<GpuIndex, String>,
) -> TaskKnowledge<'a> {
    let known = |answer: &'a tasks::Answer, kept_since| TaskKnowledge::Known {
        tasks: attribution::attribute(node, &answer.tasks, window),
        kept_since,
    };
    match tasks {
        TaskInformation::Known(answer) => known(answer, None),
        TaskInformation::Kept(kept) => known(&kept.answer, Some(kept.fetched_at)),
        TaskInformation::NotAsked => TaskKnowledge::Unknown {
            reason: "未查詢管理 API (--skip-task-info)",
            earlier,
        },
        TaskInformation::Unavailable(reason) => TaskKnowledge::Unknown { reason, earlier },
    }
}

fn usage_notices(node: &Node, window: &Window, usage: &NodeUsage) -> Vec<Notice> {
    let rejected = usage.rejected.first().map(|&first| Notice::Rejected {
        node: node.name.clone(),
        first,
        at: window.clock(first.stamp),
        count: usage.rejected.len(),
    });
    let unknown = usage
        .cards
        .keys()
        .filter(|&&card| node.index_of_card(card).is_none());
    let coarse = usage
        .coarse_problem
        .iter()
        .map(|problem| Notice::OldReadings {
            node: node.name.clone(),
            problem: problem.clone(),
        });
    rejected
        .into_iter()
        .chain(coarse)
        .chain(unknown.map(|&card| Notice::UnknownCard {
            node: node.name.clone(),
            card,
        }))
        .collect()
}

fn day_notices(day: &NodeDay) -> Vec<Notice> {
    let node = || day.node.name.clone();
    let missing = day.gpus.iter().flat_map(|gpu| {
        let of = |(metric, mean): (_, Option<_>)| match mean {
            Some(_) => None,
            None => Some(Notice::NoReadings {
                node: node(),
                gpu: gpu.index,
                card: gpu.card,
                metric,
            }),
        };
        [(Metric::Gpu, gpu.mean.gpu), (Metric::Vram, gpu.mean.vram)]
            .into_iter()
            .filter_map(of)
    });
    let mut notices: Vec<_> = missing.collect();
    if let TaskKnowledge::Known { tasks, .. } = &day.tasks {
        if !tasks.unplaced.is_empty() {
            notices.push(Notice::Unplaced {
                node: node(),
                gpus: tasks.unplaced.clone(),
            });
        }
        notices.extend(tasks.timeless.iter().map(|task| Notice::Timeless {
            node: node(),
            task: task.clone(),
        }));
    }
    notices
}

fn figures(day: &NodeDay) -> NodeFigures {
    let known = match &day.tasks {
        TaskKnowledge::Known { tasks, .. } => Some(tasks),
        TaskKnowledge::Unknown { .. } => None,
    };
    let gpu = |gpu: &GpuDay| GpuFigures {
        index: gpu.index,
        card: gpu.card,
        coverage: gpu.coverage,
        mean_percent: gpu.mean,
        users: known.map(|tasks| tasks.users.get(&gpu.index).cloned().unwrap_or_default()),
    };
    NodeFigures {
        directory: PathBuf::new(),
        coverage: day.coverage(),
        mean_percent: day.mean(),
        gpus: day.gpus.iter().map(gpu).collect(),
    }
}

/// Puts the files of a batch of nodes in place.
fn commit(
    nodes: &[&Node],
    batch: Vec<(usize, Result<StagedNode, Notice>)>,
    tree: &Tree,
) -> impl Iterator<Item = (usize, NodeResult)> {
    let mut results = Vec::with_capacity(batch.len());
    let (mut staged, mut waiting) = (Vec::new(), Vec::new());
    for (position, node) in batch {
        match node {
            Ok(StagedNode {
                files,
                figures,
                notices,
            }) => {
                staged.push(files);
                waiting.push((position, figures, notices));
            }
            Err(notice) => results.push((
                position,
                NodeResult {
                    figures: None,
                    notices: vec![notice],
                },
            )),
        }
    }
    let committed = if staged.is_empty() {
        Vec::new()
    } else {
        tree.commit(staged)
    };
    for ((position, figures, mut notices), written) in waiting.into_iter().zip(committed) {
        let figures = match written {
            Ok(directory) => Some(NodeFigures {
                directory,
                ..figures
            }),
            Err(error) => {
                notices.push(Notice::NotWritten {
                    node: nodes[position].name.clone(),
                    error,
                });
                None
            }
        };
        results.push((position, NodeResult { figures, notices }));
    }
    results.into_iter()
}
