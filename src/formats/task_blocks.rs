//! The lines in which the summary and the task report describe a task.

use std::fmt::{self, Write};

use super::number;
use crate::model::task::{Task, TaskGpu};

/// What stands for a field that the API left out.
const MISSING: &str = "N/A";

/// A GPU of a task: its description has one block for each.
#[derive(Clone, Copy, Debug)]
pub struct TaskGpuLine<'a> {
    pub task: &'a Task,
    pub gpu: &'a TaskGpu,
}

/// The GPUs of `tasks` by the API's id of them, and for one GPU in order of first hold.
pub fn held_gpus<'a>(tasks: impl IntoIterator<Item = &'a Task>) -> Vec<TaskGpuLine<'a>> {
    let mut gpus: Vec<_> = tasks
        .into_iter()
        .flat_map(|task| task.gpus.iter().map(move |gpu| TaskGpuLine { task, gpu }))
        .collect();
    gpus.sort_by_key(|held| (held.gpu.id.is_none(), held.gpu.id));
    gpus
}

impl<'a> TaskGpuLine<'a> {
    pub fn id(&self) -> String {
        gpu_id(self.gpu)
    }

    pub fn model(&self) -> &'a str {
        or_missing(self.gpu.name.as_deref())
    }

    /// Adds the lines on which the summary and the report agree, in their order and each with `start` before it; the
    /// summary has the project besides.
    pub fn describe(&self, start: &str, with_project: bool, text: &mut String) {
        let Self { task, gpu } = self;
        let mut line = |line: fmt::Arguments| {
            let _ = writeln!(text, "{start}{line}");
        };
        // Follows the user's name, who is another.
        if let Some(owner) = task.other_owner() {
            line(format_args!(
                "擁有者: {owner} (時數計入使用者 {})",
                task.username
            ));
        }
        line(format_args!("GPU 型號: {}", self.model()));
        match &gpu.memory {
            Some(memory) => line(format_args!("GPU 記憶體: {memory} MB")),
            None => line(format_args!("GPU 記憶體: {MISSING} MB")),
        }
        line(format_args!(
            "任務類型: {}",
            or_missing(task.kind.as_deref())
        ));
        if with_project {
            line(format_args!(
                "專案 UUID: {}",
                or_missing(task.project_uuid.as_deref())
            ));
        }
        line(format_args!(
            "映像檔: {}",
            or_missing(task.image.as_deref())
        ));
        line(format_args!("開始時間: {}", or_missing(task.start.text())));
        match task.end.text() {
            Some(end) => line(format_args!("結束時間: {end}")),
            None => line(format_args!("狀態: 執行中")),
        }
        let seconds = task.total_seconds.map(number::seconds);
        line(format_args!(
            "使用時長: {} 秒",
            or_missing(seconds.as_deref())
        ));
        line(format_args!(
            "GPU UUID: {}",
            or_missing(gpu.uuid.as_deref())
        ));
    }
}

/// The API's number of a GPU.
pub fn gpu_id(gpu: &TaskGpu) -> String {
    gpu.id
        .map_or_else(|| MISSING.to_owned(), |id| id.to_string())
}

pub fn or_missing(field: Option<&str>) -> &str {
    field.unwrap_or(MISSING)
}
