//! The stages of one node: its usage, together with what is known from before, its means and users, its files.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::nodes::Day;
use crate::analysis::attribution::{self, TasksByHost};
use crate::analysis::figures::{NodeFigures, figures, last_readings};
use crate::analysis::holding::Span;
use crate::analysis::ledger::NodeLedger;
use crate::analysis::merge::merge;
use crate::analysis::node_day::{GpuUse, NodeDay, TaskKnowledge};
use crate::analysis::stopped_series;
use crate::model::cluster::Node;
use crate::model::day::Window;
use crate::model::readings::{Metric, NodeUsage};
use crate::model::task::TaskInformation;
use crate::model::units::GpuIndex;
use crate::report::notice::Notice;
use crate::sources::netdata::{self, NodeError};
use crate::store::day_files::{Earlier, UnusableFile};
use crate::store::staged::Staged;
use crate::store::tree::Tree;

/// A node whose files are written but not in place.
pub struct StagedNode {
    pub files: Staged,
    pub figures: NodeFigures,
    /// Its users' accounts; `None` without task information.
    pub ledger: Option<NodeLedger>,
    pub notices: Vec<Notice>,
    /// Files of earlier runs that were not merged.
    pub unusable: Vec<UnusableFile>,
}

/// A node of which no files are written.
pub struct FailedNode {
    /// Why not.
    pub notice: Box<Notice>,
    /// Its users' accounts by the readings of earlier runs: who held its GPUs is known though its agent says nothing.
    pub ledger: Option<NodeLedger>,
}

impl From<Notice> for FailedNode {
    fn from(notice: Notice) -> Self {
        Self {
            notice: Box::new(notice),
            ledger: None,
        }
    }
}

/// What a node's agent says of its usage.
pub fn ask_node(
    node: &Node,
    window: &Window,
    client: &netdata::Client,
    begun: Instant,
) -> Result<NodeUsage, NodeError> {
    client.usage(node, window, begun)
}

/// The stages of one node from its usage, up to its files beside their targets.
pub fn stage_node(
    node: &Node,
    usage: Result<NodeUsage, NodeError>,
    day: Day,
    tasks: &TasksByHost,
    tree: &Tree,
) -> Result<StagedNode, FailedNode> {
    let Day {
        window, thresholds, ..
    } = day;
    let not_written = |error| Notice::NotWritten {
        node: node.name.clone(),
        error,
    };
    let name = || node.name.clone();
    let earlier = tree.earlier(node, window).map_err(not_written);
    let (usage, no_readings_left, earlier) = match (usage, earlier) {
        (Ok(usage), earlier) => (usage, None, earlier?),
        // Netdata has no_readings_left the day, its files have not, and who held the GPUs may be news.
        (Err(error), Ok(earlier))
            if error.is_about_readings() && window.is_over() && !earlier.usage.is_empty() =>
        {
            let no_readings_left = Notice::NoReadingsLeft {
                node: name(),
                error,
            };
            (NodeUsage::default(), Some(no_readings_left), earlier)
        }
        (Err(error), Ok(earlier)) => {
            let failed = Notice::NodeFailed {
                node: name(),
                error,
            };
            return Err(failed_node(failed, node, earlier, day, tasks));
        }
        (Err(_), Err(not_written)) => {
            let nothing = Earlier::default();
            return Err(failed_node(not_written, node, nothing, day, tasks));
        }
    };
    let Earlier {
        usage: earlier,
        users,
        unusable,
    } = earlier;
    let mut notices = usage_notices(node, window, &usage);
    notices.extend(no_readings_left);
    let cards = merge(usage, &earlier);
    let tasks = task_knowledge(node, day, tasks, users);
    let day = NodeDay::new(node, window, cards, tasks, thresholds);
    notices.extend(day_notices(&day));
    let files = tree.stage(&day, &unusable).map_err(not_written)?;
    Ok(StagedNode {
        files,
        figures: figures(&day),
        ledger: day.ledger(),
        notices,
        unusable,
    })
}

/// A node whose agent said nothing, of which `earlier` runs left this.
fn failed_node(
    notice: Notice,
    node: &Node,
    earlier: Earlier,
    day: Day,
    tasks: &TasksByHost,
) -> FailedNode {
    let Day {
        window, thresholds, ..
    } = day;
    let tasks = task_knowledge(node, day, tasks, earlier.users);
    let day = NodeDay::new(node, window, earlier.usage, tasks, thresholds);
    FailedNode {
        notice: Box::new(notice),
        ledger: day.ledger(),
    }
}

fn task_knowledge<'a>(
    node: &Node,
    day: Day<'a>,
    tasks: &TasksByHost<'a>,
    earlier: BTreeMap<GpuIndex, String>,
) -> TaskKnowledge<'a> {
    let Window {
        start, seen_until, ..
    } = *day.window;
    let information = day.tasks.wait();
    let (known_to, kept_since) = match information {
        TaskInformation::Known(_) => (seen_until, None),
        // Of what came after its answer, the API said nothing.
        TaskInformation::Kept(kept) => (seen_until.min(kept.fetched_at), Some(kept.fetched_at)),
        TaskInformation::NotAsked => {
            let reason = "未查詢管理 API (--skip-task-info)";
            return TaskKnowledge::Unknown { reason, earlier };
        }
        TaskInformation::Unavailable(reason) => {
            return TaskKnowledge::Unknown { reason, earlier };
        }
    };
    match Span::new(start, known_to) {
        Some(known) => TaskKnowledge::Known {
            tasks: attribution::attribute(node, tasks, known),
            kept_since,
            has_malformed: information.has_malformed(),
        },
        None => TaskKnowledge::Unknown {
            reason: "管理 API 的回覆早於這一天",
            earlier,
        },
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
    for gpu in &day.gpus {
        notices.extend(
            gpu.held
                .iter()
                .flat_map(|held| held_notices(day, gpu.index, held)),
        );
    }
    if let Some(tasks) = day.tasks.known() {
        notices.extend(Notice::of_tasks(&day.node.name, tasks));
    }
    notices
}

fn held_notices(day: &NodeDay, gpu: GpuIndex, held: &GpuUse) -> Vec<Notice> {
    let node = || day.node.name.clone();
    let conflicts = held
        .conflicts
        .listed
        .iter()
        .map(|conflict| Notice::Conflict {
            node: node(),
            gpu,
            conflict: Box::new(conflict.clone()),
            when: day.window.clock_span(conflict.span),
        });
    let busy = held.busy_without_task.iter();
    let when: Vec<_> = busy.map(|&span| day.window.clock_span(span)).collect();
    let busy = (!when.is_empty()).then(|| Notice::BusyWithoutTask {
        node: node(),
        gpu,
        limit: day.thresholds.busy,
        when,
    });
    let more = held.conflicts.more;
    let more = (more > 0).then(|| Notice::MoreConflicts {
        node: node(),
        gpu,
        count: more,
    });
    conflicts.chain(more).chain(busy).collect()
}
