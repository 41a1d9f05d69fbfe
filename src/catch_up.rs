//! Which days of which nodes are incomplete and can still be completed.

use std::collections::BTreeMap;
use std::fmt;

use crate::average::Coverage;
use crate::config::Node;
use crate::day::Window;
use crate::netdata::CardUsage;
use crate::record::{FilesRecord, NodeRecord};
use crate::units::{CardId, GpuIndex};

/// What a node's day lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lack {
    /// It has no file at all.
    Everything,
    /// GPUs have no file.
    Files(Vec<GpuIndex>),
    /// Readings are missing.
    Readings(Coverage),
    /// The management API's answer is missing, or was given before the day was over.
    TaskInformation,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("沒有檔案"),
            Self::Files(gpus) => {
                let gpus: Vec<_> = gpus.iter().map(ToString::to_string).collect();
                write!(f, "缺少 {} 的檔案", gpus.join("、"))
            }
            Self::Readings(coverage) => write!(f, "讀數 {}/{}", coverage.found, coverage.due),
            Self::TaskInformation => f.write_str("沒有當日結束後的任務資訊"),
        }
    }
}

/// What is to be done about a node's day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing.
    Complete,
    /// Collecting it again may bring what it lacks.
    Collect(Vec<Lack>),
    /// Its agent was asked after the day was over and had no more.
    GivenUp(Vec<Lack>),
}

/// Whether the record alone tells that the day of `node` lacks nothing, so that its files need only exist.
#[must_use]
pub fn is_complete_on_record(
    node: &Node,
    window: &Window,
    record: &NodeRecord,
    wants_tasks: bool,
) -> bool {
    record.files.as_ref().is_some_and(|files| {
        let cards = files.gpus.iter().map(|gpu| gpu.card);
        cards.eq(node.cards.iter().copied())
            && files.coverage.found == window.due() * node.cards.len()
            && (!wants_tasks || has_final_tasks(files, window))
    })
}

/// What the day of `node`, which is over, needs: by the readings that are `found` in its files, and by what was
/// recorded of it.
#[must_use]
pub fn need(
    node: &Node,
    window: &Window,
    found: &BTreeMap<CardId, CardUsage>,
    record: Option<&NodeRecord>,
    wants_tasks: bool,
) -> Need {
    let files = record.and_then(|record| record.files.as_ref());
    let mut lacks = Vec::new();
    let of_cards = |usage| Coverage::of_readings(usage, window.due());
    let coverage = Coverage::sum(node.cards.iter().map(|card| of_cards(found.get(card))));
    if found.is_empty() {
        lacks.push(Lack::Everything);
    } else {
        let without = |(_, card): &(_, &CardId)| !found.contains_key(card);
        let indices = (0..).map(GpuIndex).zip(&node.cards).filter(without);
        let missing: Vec<_> = indices.map(|(index, _)| index).collect();
        if !missing.is_empty() {
            lacks.push(Lack::Files(missing));
        }
        if !coverage.is_whole() {
            lacks.push(Lack::Readings(coverage));
        }
    }
    // Files that were lost since are worth asking for again.
    let nothing_more = record.is_some_and(|record| {
        let recorded = files.map_or(0, |files| files.coverage.found);
        record.answered && record.asked_at >= window.end && coverage.found >= recorded
    });
    let is_known_empty = nothing_more && found.is_empty();
    let lacks_tasks = wants_tasks
        && !is_known_empty
        && !files.is_some_and(|files| has_final_tasks(files, window));
    if lacks_tasks {
        lacks.push(Lack::TaskInformation);
    }
    if lacks.is_empty() {
        Need::Complete
    } else if nothing_more && !lacks_tasks {
        Need::GivenUp(lacks)
    } else {
        Need::Collect(lacks)
    }
}

/// Whether the users are from an answer that was given after the day was over.
fn has_final_tasks(files: &FilesRecord, window: &Window) -> bool {
    files.tasks_as_of.is_some_and(|as_of| as_of >= window.end)
}
