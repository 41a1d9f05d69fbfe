//! What a person should know of a run besides its figures.

mod of_tasks;

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use crate::attribution::{TimelessTask, UnplacedGpu};
use crate::conflict::Conflict;
use crate::gpu_map::{Disagreement, IdPlace};
use crate::netdata::{Metric, NodeError, RejectedReading};
use crate::output::{NotMergedReport, UnusableFile, WriteError};
use crate::stopped_series::Stopped;
use crate::tasks::{MalformedTask, TasksError};
use crate::units::{CardId, GpuIndex, Reading};

/// Something that a run noticed.
#[derive(Debug)]
pub enum Notice {
    /// A node's agent gave no usage; its files are as they were.
    NodeFailed {
        /// The node.
        node: String,
        /// Why.
        error: NodeError,
    },
    /// A node's agent has no reading of the day any more; those of earlier runs stay.
    Forgotten {
        /// The node.
        node: String,
        /// What it said.
        error: NodeError,
    },
    /// A node's files could not be written; they are as they were.
    NotWritten {
        /// The node.
        node: String,
        /// Why.
        error: WriteError,
    },
    /// The files are in place, but their names may not last through a power cut.
    NotSynced(WriteError),
    /// The work on a node ended in a bug of this program; its files are as they were.
    Panicked {
        /// The node.
        node: String,
    },
    /// A GPU has not one reading of a metric.
    NoReadings {
        /// The node.
        node: String,
        /// The GPU.
        gpu: GpuIndex,
        /// Its card.
        card: CardId,
        /// The metric.
        metric: Metric,
    },
    /// Series had readings, and have none at the end.
    SeriesStopped {
        /// The node.
        node: String,
        /// Their last reading's moment, on the clocks of the day's zone.
        since: String,
        /// Which.
        stopped: Stopped,
    },
    /// The coarser tiers could not be asked for readings that are older than the samples.
    OldReadings {
        /// The node.
        node: String,
        /// Why not.
        problem: String,
    },
    /// Readings that cannot be true were left out.
    Rejected {
        /// The node.
        node: String,
        /// One of the readings.
        first: RejectedReading,
        /// That reading's moment, on the clocks of the day's zone.
        at: String,
        /// How many there are.
        count: usize,
    },
    /// There is no task information.
    TasksUnavailable(TasksError),
    /// The management API gave no answer, and that of an earlier run was used.
    TasksKept {
        /// Why there is no new answer, if one was asked for.
        error: Option<TasksError>,
        /// When the old one was given, on the clocks of the day's zone.
        since: String,
        /// Whether the day was over by then, so that a new answer could say no more.
        is_final: bool,
    },
    /// The management API's answer could not be kept for later runs.
    TasksNotKept(WriteError),
    /// What became of the run could not be recorded for later ones.
    NotRecorded(WriteError),
    /// An agent has a card that the settings do not name.
    UnknownCard {
        /// The node.
        node: String,
        /// The card.
        card: CardId,
    },
    /// GPUs of tasks cannot be placed on their node.
    Unplaced {
        /// The node.
        node: String,
        /// The node that the settings have their UUIDs on, if that is another.
        owner: Option<String>,
        /// The GPUs.
        gpus: Vec<UnplacedGpu>,
    },
    /// GPUs of tasks were placed by UUID where their id says otherwise.
    Disagreement {
        /// The node.
        node: String,
        /// The GPUs.
        gpus: Vec<Disagreement>,
    },
    /// Tasks run on a host that the settings do not name.
    UnknownHost {
        /// The host.
        host: String,
        /// The tasks.
        tasks: Vec<String>,
    },
    /// Several users held one GPU at once.
    Conflict {
        /// The node.
        node: String,
        /// The GPU.
        gpu: GpuIndex,
        /// Who, and with which tasks.
        conflict: Conflict,
        /// When, on the clocks of the day's zone.
        when: String,
    },
    /// A GPU was busy for an hour or more though no task held it.
    BusyWithoutTask {
        /// The node.
        node: String,
        /// The GPU.
        gpu: GpuIndex,
        /// Over what its readings were.
        limit: Reading,
        /// When, on the clocks of the day's zone.
        when: Vec<String>,
    },
    /// It is not known when a task held its GPUs.
    Timeless {
        /// The node.
        node: String,
        /// The task.
        task: TimelessTask,
    },
    /// A task could not be read.
    Malformed(MalformedTask),
    /// The accounts of the users could not be written.
    LedgerNotWritten(WriteError),
    /// The accounts of the users that were there could not be merged with the new ones.
    LedgerNotMerged(NotMergedReport),
    /// A file of an earlier run was not merged with the new readings.
    NotMerged {
        /// The node.
        node: String,
        /// The file.
        file: UnusableFile,
        /// Its name now, if a new file took its place.
        kept_as: Option<PathBuf>,
    },
}

/// What a notice means for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something that was asked for is missing from the files: the run is incomplete.
    Error,
    /// The files are complete, but somebody should look.
    Warning,
}

impl Notice {
    /// What it means for the run.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::NodeFailed { .. }
            | Self::NotWritten { .. }
            | Self::NotSynced(_)
            | Self::Panicked { .. }
            | Self::NoReadings { .. }
            | Self::OldReadings { .. }
            | Self::Rejected { .. }
            | Self::LedgerNotWritten(_)
            | Self::TasksUnavailable(_)
            | Self::TasksKept {
                is_final: false, ..
            } => Severity::Error,
            Self::TasksKept { is_final: true, .. }
            | Self::TasksNotKept(_)
            | Self::NotRecorded(_)
            | Self::Forgotten { .. }
            | Self::SeriesStopped { .. }
            | Self::UnknownCard { .. }
            | Self::Unplaced { .. }
            | Self::Disagreement { .. }
            | Self::UnknownHost { .. }
            | Self::Timeless { .. }
            | Self::Conflict { .. }
            | Self::BusyWithoutTask { .. }
            | Self::LedgerNotMerged(_)
            | Self::Malformed(_)
            | Self::NotMerged { .. } => Severity::Warning,
        }
    }

    /// The node that it is about, if it is about one.
    #[must_use]
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::NodeFailed { node, .. }
            | Self::Forgotten { node, .. }
            | Self::NotWritten { node, .. }
            | Self::Panicked { node }
            | Self::NoReadings { node, .. }
            | Self::SeriesStopped { node, .. }
            | Self::OldReadings { node, .. }
            | Self::Rejected { node, .. }
            | Self::UnknownCard { node, .. }
            | Self::Unplaced { node, .. }
            | Self::Disagreement { node, .. }
            | Self::Timeless { node, .. }
            | Self::Conflict { node, .. }
            | Self::BusyWithoutTask { node, .. }
            | Self::NotMerged { node, .. } => Some(node),
            Self::NotSynced(_)
            | Self::TasksUnavailable(_)
            | Self::TasksKept { .. }
            | Self::TasksNotKept(_)
            | Self::NotRecorded(_)
            | Self::LedgerNotWritten(_)
            | Self::LedgerNotMerged(_)
            | Self::UnknownHost { .. }
            | Self::Malformed(_) => None,
        }
    }

    /// A word for programs to tell notices apart by.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NodeFailed { .. } => "node_failed",
            Self::Forgotten { .. } => "no_new_readings",
            Self::NotWritten { .. } => "not_written",
            Self::NotSynced(_) => "not_synced",
            Self::Panicked { .. } => "panicked",
            Self::NoReadings { .. } => "no_readings",
            Self::OldReadings { .. } => "old_readings",
            Self::Rejected { .. } => "rejected_readings",
            Self::TasksUnavailable(_) => "tasks_unavailable",
            Self::TasksKept { .. } => "tasks_kept",
            Self::TasksNotKept(_) => "tasks_not_kept",
            Self::NotRecorded(_) => "not_recorded",
            Self::SeriesStopped { .. } => "series_stopped",
            Self::UnknownCard { .. } => "unknown_card",
            Self::Unplaced { .. } => "unplaced_gpus",
            Self::Disagreement { .. } => "gpu_disagreement",
            Self::UnknownHost { .. } => "unknown_host",
            Self::Timeless { .. } => "timeless_task",
            Self::Malformed(_) => "malformed_task",
            Self::Conflict { .. } => "conflict",
            Self::BusyWithoutTask { .. } => "busy_without_task",
            Self::LedgerNotWritten(_) => "ledger_not_written",
            Self::LedgerNotMerged(_) => "ledger_not_merged",
            Self::NotMerged { .. } => "not_merged",
        }
    }
}

impl fmt::Display for Notice {
    #[expect(clippy::too_many_lines, reason = "one message after the other")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NodeFailed { node, error } => {
                write!(f, "{error}（節點 {node}，原有檔案保持不變）")
            }
            Self::Forgotten { node, error } => {
                write!(f, "{error}（節點 {node}，沿用原有的讀數）")
            }
            Self::NotWritten { node, error } => write!(f, "{error}（節點 {node}）"),
            Self::NotSynced(error) => write!(f, "{error}：檔案已寫入，但未能確認已存到磁碟"),
            Self::Panicked { node } => write!(
                f,
                "處理節點 {node} 時程式發生內部錯誤，請回報；原有檔案保持不變"
            ),
            Self::NoReadings {
                node,
                gpu,
                card,
                metric,
            } => write!(
                f,
                "{node} 的 {gpu}（Card {card}）當日沒有任何 {metric} 讀數：若 GPU 正常，請重新啟動該節點的 Netdata"
            ),
            Self::OldReadings { node, problem } => {
                write!(
                    f,
                    "{node} 較舊的讀數無法取得（{problem}）：已寫入其餘讀數，請稍後重新收集"
                )
            }
            Self::Rejected {
                node,
                first,
                at,
                count,
            } => write!(
                f,
                "{node} 有 {count} 筆讀數超出 0 到 100，已視為缺漏（例如 Card {} 在 {at} 的 {} = {}）",
                first.card, first.metric, first.value
            ),
            Self::TasksUnavailable(error) => write!(f, "{error}（使用率照常寫入，但沒有任務資訊）"),
            Self::TasksKept {
                error,
                since,
                is_final,
            } => {
                let caveat = if *is_final {
                    ""
                } else {
                    "，當時這一天尚未結束"
                };
                match error {
                    Some(error) => write!(f, "{error}（改用 {since} 保存的任務資訊{caveat}）"),
                    None => write!(f, "使用 {since} 保存的任務資訊{caveat}"),
                }
            }
            Self::TasksNotKept(error) => write!(f, "{error}：任務資訊未能保存"),
            Self::NotRecorded(error) => write!(f, "{error}：執行紀錄未能保存"),
            Self::SeriesStopped {
                node,
                since,
                stopped,
            } => write!(f, "{}", stopped.told(node, since)),
            Self::UnknownCard { node, card } => {
                write!(
                    f,
                    "{node} 有設定中沒有的 Card {card}，未寫入：請將它加入該節點的 cards"
                )
            }
            Self::Unplaced { node, owner, gpus } => {
                let ids = list(gpus.iter().map(|unplaced| {
                    unplaced
                        .gpu
                        .id
                        .map(|id| id.to_string())
                        .or_else(|| unplaced.gpu.uuid.clone())
                        .unwrap_or_else(|| "N/A".to_owned())
                }));
                let tasks = list(gpus.iter().map(|unplaced| unplaced.task.clone()));
                write!(
                    f,
                    "{node} 的任務 GPU id {ids} 無法對應到該節點的 GPU（任務 {tasks}）："
                )?;
                match owner {
                    None => f.write_str("請在該節點的 [[nodes]] 設定 gpu_uuids 或 first_gpu_id"),
                    Some(owner) => write!(
                        f,
                        "設定中 UUID {} 屬於節點 {owner}，請以 scripts/gpu-inventory.sh 核對這兩個節點的 gpu_uuids",
                        list(gpus.iter().filter_map(|unplaced| unplaced.gpu.uuid.clone()))
                    ),
                }
            }
            Self::Disagreement { node, gpus } => {
                let counts = |gpu: &Disagreement| !matches!(gpu.id_place, IdPlace::Card(_));
                let remedy = if gpus.iter().any(counts) {
                    "修正 first_gpu_id"
                } else {
                    "設定 first_gpu_id"
                };
                write!(
                    f,
                    "{node} 的 GPU UUID 與 id 不一致，以 UUID 為準（{}）：\
                     請以 scripts/gpu-inventory.sh 核對 gpu_uuids，或{remedy}",
                    list(gpus.iter().map(ToString::to_string))
                )
            }
            Self::UnknownHost { host, tasks } => write!(
                f,
                "任務 {} 使用的主機 {host} 不在設定中：請加入 [[nodes]]，name 須等於管理 API 的 hostname",
                list(tasks.iter().cloned())
            ),
            Self::Timeless { node, task } => {
                write!(
                    f,
                    "{node} 的任務 {} 時間不明（{}），未計入使用者欄位",
                    task.task, task.problem
                )
            }
            Self::Conflict {
                node,
                gpu,
                conflict,
                when,
            } => write!(
                f,
                "{node} 的 {gpu} 在 {when} 同時由 {} 佔用（任務 {}）：資源衝突，請檢查管理系統的配置或 GPU 的對應",
                conflict.users.join("、"),
                conflict.tasks.join("、")
            ),
            Self::BusyWithoutTask {
                node,
                gpu,
                limit,
                when,
            } => write!(
                f,
                "{node} 的 {gpu} 沒有任務佔用，使用率卻超過 {limit}%（{}）：請檢查 GPU 的對應，或是否有人未經管理系統使用",
                when.join("、")
            ),
            Self::LedgerNotWritten(error) => {
                write!(f, "{error}：各節點的檔案已寫入，但沒有使用者報告")
            }
            Self::LedgerNotMerged(report) => write!(
                f,
                "原有的 {} 無法合併（{}），已另存為 {}：其中其他節點的帳目不在新的報告中，請重新收集這一天",
                report.path.display(),
                report.problem,
                report.kept_as.display()
            ),
            Self::Malformed(task) => write!(
                f,
                "任務 {} 的資料無法解析（{}），已略過",
                task.id, task.problem
            ),
            Self::NotMerged {
                node,
                file,
                kept_as,
            } => {
                let name = |path: &Path| path.file_name().unwrap_or_default().display().to_string();
                let now = match kept_as {
                    Some(path) => format!("已另存為 {}", name(path)),
                    None => "保持原狀".to_owned(),
                };
                let (file, problem) = (name(&file.path), &file.problem);
                write!(f, "{node} 原有的 {file} 無法合併（{problem}），{now}")
            }
        }
    }
}

/// Every item once, in order of appearance.
fn list(items: impl Iterator<Item = String>) -> String {
    let mut seen = HashSet::new();
    let distinct: Vec<String> = items.filter(|item| seen.insert(item.clone())).collect();
    distinct.join("、")
}

impl Serialize for Notice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields<'a> {
            severity: Severity,
            code: &'a str,
            message: String,
        }
        Fields {
            severity: self.severity(),
            code: self.code(),
            message: self.to_string(),
        }
        .serialize(serializer)
    }
}
