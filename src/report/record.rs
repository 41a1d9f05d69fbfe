//! The record of a run, together with what was recorded before.

use super::day::{NodeReport, RunReport};
use super::notice::{Notice, Severity};
use crate::analysis::figures::{GpuFigures, NodeFigures};
use crate::analysis::record::{
    DayRecord, FilesRecord, GpuRecord, LastRun, NodeRecord, NoticeRecord,
};

impl DayRecord {
    /// What is to be remembered of a run: of the nodes that it asked what it says, of their files that it left as they
    /// were and of the other nodes what `earlier` says.
    pub fn of_run(report: &RunReport, earlier: Option<Self>) -> Self {
        let mut nodes = earlier.map_or_else(Vec::new, |earlier| earlier.nodes);
        for node in &report.nodes {
            let known = nodes.iter().position(|known| known.name == node.name);
            let before = known.map(|position| &nodes[position]);
            let record = NodeRecord::of_run(node, report, before);
            match known {
                Some(position) => nodes[position] = record,
                None => nodes.push(record),
            }
        }
        let about_none = |notice: &&Notice| notice.node().is_none();
        let asked = report.nodes.iter().map(|node| node.name.to_owned());
        Self {
            date: report.date,
            timezone: report.timezone.to_owned(),
            window: report.window.clone(),
            last_run: LastRun {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                started_at: report.started_at,
                duration_seconds: report.took.as_secs_f64(),
                exit_status: report.exit_status.into(),
                nodes: asked.collect(),
                notices: notices(report.notices.iter().filter(about_none)),
            },
            nodes,
        }
    }
}

impl NodeRecord {
    fn of_run(node: &NodeReport, report: &RunReport, before: Option<&Self>) -> Self {
        let about_it = || {
            let about_it = |notice: &&Notice| notice.node() == Some(node.name);
            report.notices.iter().filter(about_it)
        };
        let files = match &node.figures {
            Some(figures) => Some(FilesRecord::of_run(figures, report)),
            None => before.and_then(|before| before.files.clone()),
        };
        Self {
            name: node.name.to_owned(),
            url: node.url.to_owned(),
            cards: node.cards.to_vec(),
            asked_at: report.started_at,
            answered: !about_it().any(keeps_readings_back),
            notices: notices(about_it()),
            files,
        }
    }
}

/// Whether the node's agent may have more readings than it gave.
fn keeps_readings_back(notice: &Notice) -> bool {
    match notice {
        Notice::NodeFailed { error, .. } => !error.is_about_readings(),
        Notice::NotWritten { .. } | Notice::Panicked { .. } | Notice::OldReadings { .. } => true,
        _ => false,
    }
}

impl FilesRecord {
    fn of_run(figures: &NodeFigures, report: &RunReport) -> Self {
        let gpu = |gpu: &GpuFigures| GpuRecord {
            index: gpu.index,
            card: gpu.card,
            coverage: gpu.coverage,
            coverage_percent: gpu.coverage.percent(),
            mean_percent: gpu.mean_percent,
            last_readings: gpu.last_readings,
        };
        Self {
            until: report.window.until,
            coverage: figures.coverage,
            coverage_percent: figures.coverage.percent(),
            mean_percent: figures.mean_percent,
            task_information: report.task_information.to_owned(),
            tasks_as_of: report.tasks_as_of,
            gpus: figures.gpus.iter().map(gpu).collect(),
        }
    }
}

fn notices<'a>(notices: impl Iterator<Item = &'a Notice>) -> Vec<NoticeRecord> {
    let record = |notice: &Notice| NoticeRecord {
        severity: match notice.severity() {
            Severity::Error => "error".to_owned(),
            Severity::Warning => "warning".to_owned(),
        },
        code: notice.code().to_owned(),
        message: notice.to_string(),
    };
    notices.map(record).collect()
}
