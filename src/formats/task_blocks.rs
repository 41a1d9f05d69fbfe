//! The lines in which the summary and the task report describe a task.

use std::fmt::Write;

use super::number;
use crate::model::{Task, TaskGpu, TaskTime, said, text};

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
    pub fn describe(&self, start: &str, with_project: bool, block: &mut String) {
        let Self { task, gpu } = self;
        let mut field = |name: &str, value: Option<&str>, unit: &str| {
            let _ = writeln!(block, "{start}{name}: {}{unit}", or_missing(value));
        };
        // Follows the user's name, who is another.
        if let Some(owner) = task.other_owner() {
            let user = &task.username;
            let owner = said!(
                "{owner} (時數計入使用者 {user})",
                "{owner} (the hours count for user {user})"
            );
            field(text("擁有者", "Owner"), Some(&owner), "");
        }
        let memory = gpu.memory.as_ref().map(ToString::to_string);
        field(text("GPU 型號", "GPU model"), gpu.name.as_deref(), "");
        field(text("GPU 記憶體", "GPU memory"), memory.as_deref(), " MB");
        field(text("任務類型", "Task type"), task.kind.as_deref(), "");
        if with_project {
            field(
                text("專案 UUID", "Project UUID"),
                task.project_uuid.as_deref(),
                "",
            );
        }
        field(text("映像檔", "Image"), task.image.as_deref(), "");
        field(text("開始時間", "Start"), task.start.text(), "");
        let is_running = task.last_named.is_none() && !matches!(task.start, TaskTime::Never);
        match task.end.text() {
            Some(end) => field(text("結束時間", "End"), Some(end), ""),
            None if is_running => field(text("狀態", "State"), Some(text("執行中", "running")), ""),
            None => {}
        }
        let seconds = task.total_seconds.map(number::seconds);
        field(
            text("使用時長", "Duration"),
            seconds.as_deref(),
            text(" 秒", " s"),
        );
        field("GPU UUID", gpu.uuid.as_deref(), "");
    }
}

pub fn gpu_id(gpu: &TaskGpu) -> String {
    gpu.id
        .map_or_else(|| MISSING.to_owned(), |id| id.to_string())
}

pub fn or_missing(field: Option<&str>) -> &str {
    field.unwrap_or(MISSING)
}
