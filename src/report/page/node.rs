//! The nodes of a page, as the days name them one after the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;

use super::Scope;
use crate::analysis::overview::{Lane, OverviewNode, Parts};
use crate::analysis::usage::DateRuns;
use crate::analysis::{DayLedger, DayRecord, Mean};
use crate::model::{CardUsage, GpuIndex, Node};
use crate::settings::Config;

/// The nodes of the settings, and those that earlier settings had and the tree still has.
pub struct NodeDays<'a> {
    scope: Scope<'a>,
    /// What is needed to read their files; `None` of one whose cards nobody knows.
    known: Vec<Option<Arc<Node>>>,
    nodes: Vec<OverviewNode>,
    /// How many days there were, and how many cells they had.
    days: usize,
    cells: usize,
}

impl<'a> NodeDays<'a> {
    pub fn new(config: &Config, scope: Scope<'a>) -> Self {
        let mut nodes = Self {
            scope,
            known: Vec::new(),
            nodes: Vec::new(),
            days: 0,
            cells: 0,
        };
        for node in &config.nodes {
            nodes.add(&node.name, Some(node.clone()));
        }
        nodes
    }

    pub fn gpus(&self) -> usize {
        self.nodes.iter().map(|node| node.lanes.len()).sum()
    }

    fn add(&mut self, name: &str, node: Option<Node>) {
        let is_there = self.nodes.iter().any(|known| known.name == name);
        if is_there || !self.scope.includes(name) {
            return;
        }
        let cards = node.as_ref().map_or(0, |node| node.cards.len());
        let mut new = OverviewNode {
            name: name.to_owned(),
            parts: Parts::default(),
            lanes: Vec::new(),
            days: vec![Mean::default(); self.days],
            failures: BTreeMap::new(),
            without_readings: BTreeMap::new(),
        };
        add_lanes(&mut new, cards, self.days, self.cells);
        self.nodes.push(new);
        self.known.push(node.map(Arc::new));
    }

    /// Adds the nodes that a day has and the settings have not.
    pub fn add_former(&mut self, ledger: Option<&DayLedger>, record: Option<&DayRecord>) {
        for former in record.into_iter().flat_map(|record| &record.nodes) {
            if former.files.is_some() {
                self.add(&former.name, former.as_node());
            }
        }
        for (name, former) in ledger.into_iter().flatten() {
            self.add(name, None);
            let gpus = former.entries.iter().map(|entry| entry.gpu.0 + 1);
            let gpus = gpus.max().unwrap_or(0);
            let (days, cells) = (self.days, self.cells);
            let of_name = self.nodes.iter_mut().find(|node| node.name == *name);
            if let Some(node) = of_name {
                add_lanes(node, gpus, days, cells);
            }
        }
    }

    /// Each with its number, and with what is needed to read its files.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &str, Option<Arc<Node>>)> {
        let nodes = self.nodes.iter().zip(&self.known).enumerate();
        nodes.map(|(number, (node, known))| (number, node.name.as_str(), known.clone()))
    }

    pub fn node_mut(&mut self, number: usize) -> &mut OverviewNode {
        &mut self.nodes[number]
    }

    /// Adds the readings of a day to a node, of which each GPU owes so many, in so many cells.
    pub fn add_readings<'u>(
        &mut self,
        number: usize,
        usage: impl Fn(GpuIndex) -> Option<&'u CardUsage>,
        (date, due): (NaiveDate, usize),
        (cells, of_each): (usize, usize),
    ) {
        let node = &mut self.nodes[number];
        for lane in &mut node.lanes {
            lane.add_day(usage(lane.index), due, cells, of_each);
        }
        let lanes = node.lanes.iter().map(|lane| lane.index);
        let without = lanes.filter(|index| due > 0 && usage(*index).is_none());
        let without: Vec<_> = without.collect();
        // Of a whole node there is the reason.
        if !without.is_empty() && without.len() < node.lanes.len() {
            let dates: &mut DateRuns = node.without_readings.entry(without).or_default();
            dates.add(date);
        }
        let means = node.lanes.iter().filter_map(|lane| lane.days.last());
        node.days.push(Mean::of_means(means.map(|day| day.mean)));
    }

    pub fn end_day(&mut self, cells: usize) {
        self.days += 1;
        self.cells += cells;
    }

    pub fn finish(self) -> Vec<OverviewNode> {
        self.nodes
    }
}

/// Sees to it that the node has so many GPUs.
fn add_lanes(node: &mut OverviewNode, gpus: usize, days: usize, cells: usize) {
    for index in node.lanes.len()..gpus {
        let lane = Lane::without_readings(GpuIndex(index), days, cells);
        node.lanes.push(lane);
    }
}

impl OverviewNode {
    /// Notes why there is nothing of it on a day.
    pub fn add_failure(&mut self, reason: String, date: NaiveDate) {
        let dates: &mut DateRuns = self.failures.entry(reason).or_default();
        dates.add(date);
    }
}
