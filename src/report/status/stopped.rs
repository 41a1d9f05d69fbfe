//! The series that stopped on one of the days and did not come back on a later one.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Evidence;
use crate::analysis::{Series, Stopped, stopped_series};
use crate::model::{Node, UnixSeconds};

/// Series of a node that stopped at the same time.
#[derive(Debug, Serialize)]
pub struct StoppedNode {
    node: String,
    /// The stamp of their last reading.
    since: UnixSeconds,
    whole_node: bool,
    series: Vec<Series>,
    pub message: String,
}

/// What stopped on one of `days` and was not seen to go on later.
pub fn find(days: &[Evidence], nodes: &[&Node]) -> Vec<StoppedNode> {
    nodes.iter().flat_map(|node| of_node(days, node)).collect()
}

fn of_node(days: &[Evidence], node: &Node) -> Vec<StoppedNode> {
    // Each with how its moment reads.
    let mut stops: Vec<(Stopped, String)> = Vec::new();
    for day in days {
        let record = day
            .record
            .as_ref()
            .and_then(|record| record.node(&node.name));
        let Some(files) = record.and_then(|record| record.files.as_ref()) else {
            continue;
        };
        // A card that was taken out need not come back.
        let gpus = files.gpus.iter();
        let gpus = gpus.filter(|gpu| node.cards.contains(&gpu.card));
        let gpus = gpus.map(|gpu| (gpu.index, gpu.card, gpu.last_readings));
        // Whatever has a reading on this day has come back, unless it stops again.
        let seen = gpus.clone();
        let seen: BTreeSet<_> = seen
            .flat_map(|(gpu, card, last)| last.stamped(gpu, card))
            .collect();
        for (stopped, _) in &mut stops {
            stopped.series.retain(|series| !seen.contains(series));
        }
        let stopped = stopped_series::stopped(gpus, files.until, day.window.interval);
        stops.extend(stopped.into_iter().map(|stopped| {
            let clock = day.window.clock(stopped.since);
            (stopped, clock)
        }));
    }
    stops.retain(|(stopped, _)| !stopped.series.is_empty());
    let stopped = stops.into_iter().map(|(stopped, clock)| StoppedNode {
        node: node.name.clone(),
        since: stopped.since,
        whole_node: stopped.is_whole_node,
        message: stopped.message(&node.name, &clock),
        series: stopped.series,
    });
    stopped.collect()
}
