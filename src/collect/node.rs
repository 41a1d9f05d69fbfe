//! The stages of one node: its usage, together with what is known from before, its means and users, its files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;

use super::TaskInformation;
use crate::attribution;
use crate::average::{Coverage, Mean};
use crate::config::Node;
use crate::day::Window;
use crate::netdata::{self, Metric, NodeUsage};
use crate::node_day::{GpuDay, NodeDay, TaskKnowledge};
use crate::notice::Notice;
use crate::output::{Earlier, Staged, Tree, UnusableFile};
use crate::stopped_series::{self, LastReadings};
use crate::tasks;
use crate::units::{CardId, GpuIndex};

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
    /// When its readings end.
    #[serde(skip)]
    pub last_readings: LastReadings,
}

/// A node whose files are written but not in place.
pub(super) struct StagedNode {
    pub(super) files: Staged,
    pub(super) figures: NodeFigures,
    pub(super) notices: Vec<Notice>,
    /// Files of earlier runs that were not merged.
    pub(super) unusable: Vec<UnusableFile>,
}

/// The stages of one node in a run that began at `begun`, up to its files beside their targets.
pub(super) fn stage_node(
    node: &Node,
    window: &Window,
    tasks: &TaskInformation,
    client: &netdata::Client,
    begun: Instant,
    tree: &Tree,
) -> Result<StagedNode, Notice> {
    let not_written = |error| Notice::NotWritten {
        node: node.name.clone(),
        error,
    };
    let usage = client.usage(node, window, begun);
    let Earlier {
        usage: earlier,
        users,
        unusable,
    } = tree.earlier(node, window).map_err(not_written)?;
    let name = || node.name.clone();
    let (usage, forgotten) = match usage {
        Ok(usage) => (usage, None),
        // Netdata has forgotten the day, its files have not, and who held the GPUs may be news.
        Err(error) if error.is_about_readings() && window.is_over() && !earlier.is_empty() => {
            let forgotten = Notice::Forgotten {
                node: name(),
                error,
            };
            (NodeUsage::default(), Some(forgotten))
        }
        Err(error) => {
            return Err(Notice::NodeFailed {
                node: name(),
                error,
            });
        }
    };
    let mut notices = usage_notices(node, window, &usage);
    notices.extend(forgotten);
    let cards = usage.together_with(&earlier);
    let tasks = task_knowledge(node, window, tasks, users);
    let day = NodeDay::new(node, window, cards, tasks);
    notices.extend(day_notices(&day));
    let files = tree.stage(&day, &unusable).map_err(not_written)?;
    Ok(StagedNode {
        files,
        figures: figures(&day),
        notices,
        unusable,
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
    let cards: BTreeSet<_> = usage.cards.keys().chain(usage.coarse.keys()).collect();
    let unknown = cards
        .into_iter()
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
    let gpus = day.gpus.iter();
    let last = gpus.map(|gpu| (gpu.index, gpu.card, last_readings(gpu, day.window)));
    let stopped = stopped_series::stopped(last, day.window.until, day.window.interval);
    notices.extend(stopped.into_iter().map(|stopped| Notice::SeriesStopped {
        node: node(),
        since: day.window.clock(stopped.since),
        stopped,
    }));
    if let TaskKnowledge::Known { tasks, .. } = &day.tasks {
        notices.extend(Notice::of_tasks(&day.node.name, tasks));
    }
    notices
}

fn last_readings(gpu: &GpuDay, window: &Window) -> LastReadings {
    let usage = gpu.usage.as_ref();
    usage.map_or_else(LastReadings::default, |usage| {
        LastReadings::of(usage, window)
    })
}

/// What is kept of a day once its files are written. Where these are is known once they are in place.
pub(super) fn figures(day: &NodeDay) -> NodeFigures {
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
        last_readings: last_readings(gpu, day.window),
    };
    NodeFigures {
        directory: PathBuf::new(),
        coverage: day.coverage(),
        mean_percent: day.mean(),
        gpus: day.gpus.iter().map(gpu).collect(),
    }
}
