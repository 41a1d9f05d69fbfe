//! What a notice says to people.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use super::Notice;
use crate::analysis::gpu_map::{Disagreement, IdPlace};

impl fmt::Display for Notice {
    #[expect(clippy::too_many_lines, reason = "one message after the other")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NodeFailed { node, error } => {
                write!(f, "{error}（節點 {node}，原有檔案保持不變）")
            }
            Self::NoReadingsLeft { node, error } => {
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
            Self::TasksUnavailable(error) => write!(f, "{error}（沒有任務資訊，使用率不受影響）"),
            Self::TasksPanicked => f.write_str(
                "處理任務資訊時程式發生內部錯誤，請回報（使用率照常寫入，但可能沒有任務資訊）",
            ),
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
            } => write!(f, "{}", stopped.message(node, since)),
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
                "{node} 的 {gpu} 在 {when} 同時由 {}{}佔用（任務 {}{}）：資源衝突，請檢查管理系統的配置或 GPU 的對應",
                conflict.users.join("、"),
                match conflict.more_users {
                    0 => " ".to_owned(),
                    more => format!(" 等 {} 位使用者", conflict.users.len() + more),
                },
                conflict.tasks.join("、"),
                match conflict.more_tasks {
                    0 => String::new(),
                    more => format!(" 等 {} 個", conflict.tasks.len() + more),
                }
            ),
            Self::MoreConflicts { node, gpu, count } => {
                write!(f, "{node} 的 {gpu} 另有 {count} 段時間同時由多位使用者佔用")
            }
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
