//! The files of a node that gave nothing, as the old programs wrote them: readers of the tree take the figures of another
//! day for those of a node that has none.

use std::collections::BTreeMap;

use super::node::{Day, task_knowledge};
use crate::analysis::{NodeDay, TasksByHost};
use crate::model::Node;
use crate::report::NodeResult;
use crate::report::notice::{Kind, Notice};
use crate::store::{Staged, Tree, WriteError};

/// Writes the average and the summary of each node that failed, or is `skipped` because it had failed before, and has no
/// file of the day. Where no other was written, the run has failed and leaves the tree as it is.
pub fn write_files(
    nodes: &[&Node],
    results: &[NodeResult],
    skipped: &[&Node],
    day: Day,
    tree: &Tree,
) -> Vec<Notice> {
    if results.iter().all(|result| result.files.is_none()) {
        return Vec::new();
    }
    let has_failed = |result: &NodeResult| {
        let mut notices = result.notices.iter();
        notices.any(|notice| matches!(notice.kind, Kind::NodeFailed(_)))
    };
    let failed = nodes.iter().zip(results);
    let failed = failed.filter(|(_, result)| has_failed(result));
    let absent = failed.map(|(node, _)| node).chain(skipped);
    let mut absent: Vec<&Node> = absent.copied().collect();
    absent.retain(|node| !tree.files.are_any_there(&[node]));
    if absent.is_empty() {
        return Vec::new();
    }
    let tasks = TasksByHost::new(day.tasks.wait().tasks());
    let (mut notices, mut staged, mut of) = (Vec::new(), Vec::new(), Vec::new());
    for node in absent {
        match stage(node, day, &tasks, tree) {
            Ok(files) => {
                staged.push(files);
                of.push(node);
            }
            Err(error) => notices.push(Kind::NotWritten(error).of(node)),
        }
    }
    let committed = of.iter().zip(tree.commit(staged));
    let failed = committed.filter_map(|(node, placed)| Some((node, placed.err()?)));
    notices.extend(failed.map(|(node, error)| Kind::NotWritten(error).of(node)));
    notices
}

fn stage(node: &Node, day: Day, tasks: &TasksByHost, tree: &Tree) -> Result<Staged, WriteError> {
    let user_column = day.user_column;
    // They have been logged with the failure.
    let logs_placements = false;
    let day = Day {
        logs_placements,
        ..day
    };
    let tasks = task_knowledge(node, day, tasks, BTreeMap::new());
    let day = NodeDay::new(node, day.window, BTreeMap::new(), tasks, day.thresholds);
    tree.stage(&day, user_column, &[])
}
