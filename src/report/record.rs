//! The record of a run, together with what was recorded before.

use std::collections::HashMap;

use super::day::{NodeReport, RunReport};
use super::notice::{Kind, Notice};
use crate::analysis::{DayRecord, LastRun, NodeRecord};

impl DayRecord {
    /// What is to be remembered of a run: of the nodes that it asked what it found, of their files that it left as they
    /// were and of the other nodes what `earlier` has.
    pub fn of_run(report: &RunReport, earlier: Option<Self>) -> Self {
        let mut nodes = earlier.map_or_else(Vec::new, |earlier| earlier.nodes);
        let known = nodes.iter().map(|node| node.name.clone());
        let known: HashMap<_, _> = known.zip(0..).collect();
        let mut notices: HashMap<&str, Vec<&Notice>> = HashMap::new();
        for notice in &report.notices {
            if let Some(node) = notice.node() {
                notices.entry(node).or_default().push(notice);
            }
        }
        for node in &report.nodes {
            let name = &node.node.name;
            let notices = notices.remove(&**name).unwrap_or_default();
            let known = known.get(name).map(|&at: &usize| &mut nodes[at]);
            let record = NodeRecord::of_run(node, report, &notices, known.as_deref());
            match known {
                Some(known) => *known = record,
                None => nodes.push(record),
            }
        }
        let about_none = report.notices.iter().filter(|notice| notice.node.is_none());
        let asked = report.nodes.iter().map(|node| node.node.name.clone());
        let last_run = LastRun {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: report.started_at,
            duration_seconds: report.took.as_secs_f64(),
            exit_status: report.exit_status.into(),
            completeness: Some(report.completeness),
            nodes: asked.collect(),
            notices: about_none.map(Notice::record).collect(),
        };
        let (timezone, window) = (report.timezone.to_owned(), report.window.clone());
        Self::new(report.date, timezone, window, last_run, nodes)
    }
}

impl NodeRecord {
    fn of_run(
        node: &NodeReport,
        report: &RunReport,
        notices: &[&Notice],
        before: Option<&Self>,
    ) -> Self {
        let NodeReport { node, files, .. } = node;
        let notices = || notices.iter().copied();
        let kept = || before.and_then(|before| before.files.clone());
        Self {
            name: node.name.clone(),
            url: node.address().to_owned(),
            cards: node.cards.clone(),
            asked_at: report.started_at,
            answered: !notices().any(keeps_readings_back),
            notices: notices().map(Notice::record).collect(),
            files: files.clone().or_else(kept),
        }
    }
}

/// Whether the node's agent may have more readings than it gave.
fn keeps_readings_back(notice: &Notice) -> bool {
    match &notice.kind {
        Kind::NodeFailed(error) => !error.is_about_readings(),
        Kind::NotWritten(_) | Kind::Panicked | Kind::OldReadings(_) => true,
        _ => false,
    }
}
