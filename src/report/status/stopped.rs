//! The series that stopped on one of the days and did not come back on a later one.

use std::collections::BTreeMap;

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
    // Each with when it stopped, how that reads, and whether its node did.
    let mut stops: BTreeMap<Series, (UnixSeconds, String, bool)> = BTreeMap::new();
    for day in days {
        let record = day
            .record
            .as_ref()
            .and_then(|record| record.node(&node.name));
        let Some(files) = record.and_then(|record| record.files.as_ref()) else {
            continue;
        };
        let gpus = || {
            // A card that was taken out need not come back.
            let gpus = files
                .gpus
                .iter()
                .filter(|gpu| node.cards.contains(&gpu.card));
            gpus.map(|gpu| (gpu.index, gpu.card, gpu.last_readings))
        };
        // Whatever has a reading on this day has come back, unless it stops again.
        for series in gpus().flat_map(|(gpu, card, last)| last.stamped(gpu, card)) {
            stops.remove(&series);
        }
        for stopped in stopped_series::stopped(gpus(), files.until, day.window.interval) {
            let clock = day.window.clock(stopped.since);
            for series in stopped.series {
                let stop = (stopped.since, clock.clone(), stopped.is_whole_node);
                stops.insert(series, stop);
            }
        }
    }
    let mut by_stamp: BTreeMap<UnixSeconds, (String, Stopped)> = BTreeMap::new();
    for (series, (since, clock, is_whole_node)) in stops {
        let stopped = Stopped {
            since,
            series: Vec::new(),
            is_whole_node,
        };
        let (_, of_stamp) = by_stamp.entry(since).or_insert((clock, stopped));
        of_stamp.series.push(series);
    }
    let stopped = by_stamp.into_values().map(|(clock, stopped)| StoppedNode {
        node: node.name.clone(),
        since: stopped.since,
        whole_node: stopped.is_whole_node,
        message: stopped.message(&node.name, &clock),
        series: stopped.series,
    });
    stopped.collect()
}
