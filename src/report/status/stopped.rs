//! The series that stopped on one of the days and did not come back on a later one.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::Evidence;
use crate::analysis::stopped_series::{self, Series, Stopped};
use crate::model::cluster::Node;
use crate::model::units::UnixSeconds;

/// Series of a node that stopped at the same time.
#[derive(Debug)]
pub struct StoppedNode {
    pub node: String,
    /// The moment of their last reading, on the clocks of the day's zone.
    pub since: String,
    pub stopped: Stopped,
}

impl StoppedNode {
    pub fn message(&self) -> String {
        self.stopped.message(&self.node, &self.since)
    }
}

/// When a series stopped, and how that reads.
struct Stop {
    since: UnixSeconds,
    clock: String,
    is_whole_node: bool,
}

/// What stopped on one of `days` and was not seen to go on later.
pub fn find(days: &[Evidence], nodes: &[&Node]) -> Vec<StoppedNode> {
    let mut found = Vec::new();
    for node in nodes {
        found.extend(of_node(days, node));
    }
    found
}

fn of_node(days: &[Evidence], node: &Node) -> Vec<StoppedNode> {
    let mut stops: BTreeMap<Series, Stop> = BTreeMap::new();
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
        for series in gpus().flat_map(|(gpu, card, last)| last.series(gpu, card)) {
            stops.remove(&series);
        }
        for stopped in stopped_series::stopped(gpus(), files.until, day.window.interval) {
            for &series in &stopped.series {
                let stop = Stop {
                    since: stopped.since,
                    clock: day.window.clock(stopped.since),
                    is_whole_node: stopped.is_whole_node,
                };
                stops.insert(series, stop);
            }
        }
    }
    let mut by_stamp: BTreeMap<UnixSeconds, StoppedNode> = BTreeMap::new();
    for (series, stop) in stops {
        let of_stamp = by_stamp.entry(stop.since).or_insert_with(|| StoppedNode {
            node: node.name.clone(),
            since: stop.clock,
            stopped: Stopped {
                since: stop.since,
                series: Vec::new(),
                is_whole_node: stop.is_whole_node,
            },
        });
        of_stamp.stopped.series.push(series);
    }
    by_stamp.into_values().collect()
}

impl Serialize for StoppedNode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            node: &'a str,
            since: UnixSeconds,
            whole_node: bool,
            series: &'a [Series],
            message: String,
        }
        Fields {
            node: &self.node,
            since: self.stopped.since,
            whole_node: self.stopped.is_whole_node,
            series: &self.stopped.series,
            message: self.message(),
        }
        .serialize(serializer)
    }
}
