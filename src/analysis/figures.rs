//! What is kept of a node's day once its files are written.

use std::path::PathBuf;

use serde::Serialize;

use super::average::{Coverage, Mean};
use super::conflict::{Conflict, is_zero};
use super::holding::Span;
use super::node_day::{GpuDay, NodeDay};
use super::stopped_series::LastReadings;
use crate::model::day::Window;
use crate::model::units::{CardId, GpuIndex};

/// A node whose files are in place.
#[derive(Debug, Serialize)]
pub struct NodeFigures {
    /// Where they are.
    pub directory: PathBuf,
    /// Its coverage, over all GPUs.
    #[serde(flatten)]
    pub coverage: Coverage,
    /// Its mean, over the means of its GPUs, in percent.
    pub mean_percent: Mean,
    /// Its GPUs, by index.
    pub gpus: Vec<GpuFigures>,
}

/// What is kept of a GPU once its files are written.
#[derive(Debug, Serialize)]
pub struct GpuFigures {
    /// Its index.
    pub index: GpuIndex,
    /// Its DRM card.
    pub card: CardId,
    /// How many of its readings there are.
    #[serde(flatten)]
    pub coverage: Coverage,
    /// Their means, in percent.
    pub mean_percent: Mean,
    /// Who held it, in order of first hold; `None` without task information.
    pub users: Option<Vec<String>>,
    /// When its readings end.
    #[serde(skip)]
    pub last_readings: LastReadings,
    /// When several users held it at once.
    pub conflicts: Option<Vec<Conflict>>,
    /// How many more conflicts there were.
    #[serde(skip_serializing_if = "is_zero")]
    pub more_conflicts: usize,
    /// When it was busy for an hour or more though nobody held it.
    pub busy_without_task: Option<Vec<Span>>,
}

/// What is kept of a day once its files are written. Where these are is known once they are in place.
pub fn figures(day: &NodeDay) -> NodeFigures {
    let known = day.tasks.known();
    let gpu = |gpu: &GpuDay| GpuFigures {
        index: gpu.index,
        card: gpu.card,
        coverage: gpu.coverage,
        mean_percent: gpu.mean,
        users: known.map(|tasks| tasks.users(gpu.index).map(str::to_owned).collect()),
        conflicts: gpu.held.as_ref().map(|held| held.conflicts.listed.clone()),
        more_conflicts: gpu.held.as_ref().map_or(0, |held| held.conflicts.more),
        busy_without_task: gpu.held.as_ref().map(|held| held.busy_without_task.clone()),
        last_readings: last_readings(gpu, day.window),
    };
    NodeFigures {
        directory: PathBuf::new(),
        coverage: day.coverage(),
        mean_percent: day.mean(),
        gpus: day.gpus.iter().map(gpu).collect(),
    }
}

pub fn last_readings(gpu: &GpuDay, window: &Window) -> LastReadings {
    let usage = gpu.usage.as_ref();
    usage.map_or_else(LastReadings::default, |usage| {
        LastReadings::of(usage, window)
    })
}
