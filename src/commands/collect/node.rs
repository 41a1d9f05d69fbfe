//! The stages of one node: its usage, together with what is known from before, its means and users, its files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use crate::analysis::{
    DayRecord, FilesRecord, NodeDay, NodeTasks, Span, TaskKnowledge, TasksByHost, attribution,
    merge, take_false_zeros,
};
use crate::model::{
    CardId, GpuIndex, Metric, Node, NodeUsage, TaskInformation, Thresholds, UnixSeconds,
    UserColumn, Window, both,
};
use crate::report::NodeResult;
use crate::report::notice::{self, Kind, Notice};
use crate::sources::netdata::NodeError;
use crate::store::{Earlier, Staged, Tree, UnusableFile};

/// What all nodes have in common on a day.
#[derive(Clone, Copy, Debug)]
pub struct Day<'a> {
    /// The day, and how much of it has passed.
    pub window: &'a Window,
    /// Its tasks. They are waited for once a node's usage is there, because the management API is asked meanwhile.
    pub tasks: &'a OnceLock<TaskInformation>,
    pub started_at: UnixSeconds,
    /// The record of the runs before.
    pub earlier: Option<&'a DayRecord>,
    pub thresholds: Thresholds,
    pub user_column: UserColumn,
    /// Whether it is logged where each GPU of a task is placed.
    pub logs_placements: bool,
}

/// A node whose files are written but not in place.
pub struct StagedNode {
    /// That of the node once they are.
    pub result: NodeResult,
    pub staged: Staged,
    /// Files of earlier runs that were not merged.
    pub unusable: Vec<UnusableFile>,
}

pub fn stage_node(
    node: &Node,
    usage: Result<NodeUsage, NodeError>,
    day: Day,
    tasks: &TasksByHost,
    tree: &Tree,
) -> Result<StagedNode, Box<NodeResult>> {
    let window = day.window;
    let not_written = |error| Kind::NotWritten(error).of(node);
    let earlier = tree.files.earlier(node, window).map_err(not_written);
    let (usage, no_readings_left, mut earlier) = match (usage, earlier) {
        (Ok(usage), earlier) => (usage, None, earlier?),
        // Netdata has forgotten the day, its files have not, and who held the GPUs may be news.
        (Err(error), Ok(earlier))
            if error.is_about_readings() && window.is_over() && !earlier.usage.is_empty() =>
        {
            let no_readings_left = Kind::NoReadingsLeft(error).of(node);
            let usage = NodeUsage {
                without_chart: known_without_chart(node, day),
                ..NodeUsage::default()
            };
            (usage, Some(no_readings_left), earlier)
        }
        (Err(error), Ok(earlier)) => {
            let failed = Kind::NodeFailed(error).of(node);
            return Err(failed_node(failed, node, earlier, day, tasks));
        }
        (Err(_), Err(not_written)) => {
            let nothing = Earlier::default();
            return Err(failed_node(not_written, node, nothing, day, tasks));
        }
    };
    let mut notices = notice::usage_notices(node, window, &usage);
    notices.extend(no_readings_left);
    let without_chart = usage.without_chart.clone();
    let false_zeros = if is_recorded(node, day, tree) {
        BTreeMap::new()
    } else {
        take_false_zeros(&mut earlier.usage, &usage, window)
    };
    let cards = merge(usage, &earlier.usage);
    let information = day.tasks.wait();
    let (source, as_of) = (information.source(), information.as_of(day.started_at));
    let user_column = day.user_column;
    let tasks = task_knowledge(node, day, tasks, earlier.users);
    let day = NodeDay {
        false_zeros,
        ..NodeDay::new(node, window, cards, tasks, day.thresholds)
    };
    let mut files = FilesRecord::new(&day, source, as_of, &without_chart);
    notices.extend(notice::day_notices(&day, &files));
    let staged = tree.stage(&day, user_column, &earlier.unusable);
    let staged = staged.map_err(not_written)?;
    files.directory.clone_from(&staged.directory);
    Ok(StagedNode {
        result: NodeResult {
            files: Some(files),
            ledger: day.ledger(),
            notices,
        },
        staged,
        unusable: earlier.unusable,
    })
}

/// Whether files of the node's day are known to be this program's.
fn is_recorded(node: &Node, day: Day, tree: &Tree) -> bool {
    let record = day.earlier.and_then(|earlier| earlier.node(&node.name));
    let has_files = record.is_some_and(|record| record.files.is_some());
    has_files || tree.files.recorded.contains_key(&node.name)
}

/// What had no chart when the agent still had readings of the day.
fn known_without_chart(node: &Node, day: Day) -> BTreeSet<(CardId, Metric)> {
    let files = day
        .earlier
        .and_then(|earlier| earlier.node(&node.name)?.files.as_ref());
    let gpus = files.into_iter().flat_map(|files| &files.gpus);
    let without = gpus.flat_map(|gpu| {
        let metrics = gpu.without_chart.iter();
        metrics.map(|metric| (gpu.card, *metric))
    });
    without.collect()
}

/// A node whose agent gave no answer, of which `earlier` runs left this.
fn failed_node(
    notice: Notice,
    node: &Node,
    earlier: Earlier,
    day: Day,
    tasks: &TasksByHost,
) -> Box<NodeResult> {
    let tasks = task_knowledge(node, day, tasks, earlier.users);
    let day = NodeDay::new(node, day.window, earlier.usage, tasks, day.thresholds);
    Box::new(NodeResult {
        ledger: day.ledger(),
        ..NodeResult::failed(notice)
    })
}

pub fn task_knowledge<'a>(
    node: &Node,
    day: Day<'a>,
    tasks: &TasksByHost<'a>,
    earlier: BTreeMap<GpuIndex, String>,
) -> TaskKnowledge<'a> {
    let seen_until = day.window.seen_until;
    let information = day.tasks.wait();
    let (known_to, kept_since) = match information {
        TaskInformation::Known(_) => (seen_until, None),
        // What came after the answer is not known.
        TaskInformation::Kept(kept) => (seen_until.min(kept.fetched_at), Some(kept.fetched_at)),
        TaskInformation::NotAsked => {
            let reason = both!(
                "未查詢管理 API (--skip-task-info)",
                "the management API was not asked (--skip-task-info)"
            );
            return TaskKnowledge::Unknown { reason, earlier };
        }
        TaskInformation::Unavailable(reason) => {
            let reason = reason.clone();
            return TaskKnowledge::Unknown { reason, earlier };
        }
    };
    match Span::new(day.window.start, known_to) {
        Some(known) => {
            let tasks = attribution::attribute(node, tasks, known);
            if day.logs_placements {
                log_placements(node, &tasks);
            }
            TaskKnowledge::Known {
                tasks,
                kept_since,
                has_malformed: information.has_malformed(),
            }
        }
        None => TaskKnowledge::Unknown {
            reason: both!(
                "管理 API 的回覆早於這一天",
                "the management API's answer is from before the day"
            ),
            earlier,
        },
    }
}

/// Which GPU each task's GPU is, and by which key of the settings.
fn log_placements(node: &Node, tasks: &NodeTasks) {
    let node = &*node.name;
    for placed in &tasks.placed {
        let (task, id, uuid) = (&*placed.task.id, placed.gpu.id, placed.gpu.uuid.as_deref());
        let (gpu, rule) = (placed.index, placed.rule.word());
        tracing::info!(node, task, id, uuid, %gpu, rule, "placed");
    }
    for unplaced in &tasks.unplaced {
        let (task, id, uuid) = (
            &*unplaced.task,
            unplaced.gpu.id,
            unplaced.gpu.uuid.as_deref(),
        );
        tracing::info!(node, task, id, uuid, "not placed");
    }
}
