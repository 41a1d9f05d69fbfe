//! The lines in which the summary and the task report describe a task.

use super::number;
use crate::tasks::{Task, TaskGpu};

/// What stands for a field that the API left out.
const MISSING: &str = "N/A";

/// A GPU of a task: its description has one block for each.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeldGpu<'a> {
    pub(super) task: &'a Task,
    pub(super) gpu: &'a TaskGpu,
}

/// The GPUs of `tasks` by the API's id of them, and for one GPU in order of first hold.
pub(super) fn held_gpus<'a>(tasks: impl IntoIterator<Item = &'a Task>) -> Vec<HeldGpu<'a>> {
    let mut gpus: Vec<_> = tasks
        .into_iter()
        .flat_map(|task| task.gpus.iter().map(move |gpu| HeldGpu { task, gpu }))
        .collect();
    gpus.sort_by_key(|held| (held.gpu.id.is_none(), held.gpu.id));
    gpus
}

impl<'a> HeldGpu<'a> {
    /// The API's number of the GPU.
    pub(super) fn id(&self) -> String {
        self.gpu
            .id
            .map_or_else(|| MISSING.to_owned(), |id| id.to_string())
    }

    pub(super) fn model(&self) -> &'a str {
        or_missing(self.gpu.name.as_deref())
    }

    /// The lines on which the summary and the report agree, in their order; the summary has the project besides.
    pub(super) fn lines(&self, with_project: bool) -> Vec<String> {
        let Self { task, gpu } = self;
        let mut lines = vec![
            format!("GPU 型號: {}", self.model()),
            format!("GPU 記憶體: {} MB", memory_mb(gpu)),
            format!("任務類型: {}", or_missing(task.kind.as_deref())),
        ];
        if with_project {
            lines.push(format!(
                "專案 UUID: {}",
                or_missing(task.project_uuid.as_deref())
            ));
        }
        lines.extend([
            format!("映像檔: {}", or_missing(task.image.as_deref())),
            format!("開始時間: {}", or_missing(task.start.text())),
            task.end.text().map_or_else(
                || "狀態: 執行中".to_owned(),
                |end| format!("結束時間: {end}"),
            ),
            format!(
                "使用時長: {} 秒",
                task.total_seconds
                    .map_or_else(|| MISSING.to_owned(), number::seconds)
            ),
            format!("GPU UUID: {}", or_missing(gpu.uuid.as_deref())),
        ]);
        lines
    }
}

fn memory_mb(gpu: &TaskGpu) -> String {
    gpu.memory
        .as_ref()
        .map_or_else(|| MISSING.to_owned(), ToString::to_string)
}

fn or_missing(field: Option<&str>) -> &str {
    field.unwrap_or(MISSING)
}
