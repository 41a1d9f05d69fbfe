//! The notices for people.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use super::{Kind, Notice, Series};
use crate::analysis::{Disagreement, IdPlace, Remedy, UnplacedGpu};
use crate::model::{Capped, CardId, RejectedRows, quote};
use crate::report::check::{LOST, clock_problem, namesakes_problem, renamed_problem, time_left};

impl fmt::Display for Notice {
    #[expect(clippy::too_many_lines, reason = "one message after the other")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = self.node().unwrap_or_default();
        match &self.kind {
            Kind::NodeFailed(error) => write!(f, "{error}（節點 {node}，原有檔案保持不變）"),
            Kind::NoReadingsLeft(error) => write!(f, "{error}（節點 {node}，沿用原有的讀數）"),
            Kind::NotWritten(error) => write!(f, "{error}（節點 {node}）"),
            Kind::NotSynced(error) => write!(f, "{error}：檔案已寫入，但未能確認已存到磁碟"),
            Kind::Panicked => write!(
                f,
                "處理節點 {node} 時程式發生內部錯誤，請回報；原有檔案保持不變"
            ),
            Kind::NoReadings(series) => write!(
                f,
                "{node} 的 {}當日沒有任何 {} 讀數：若 GPU 正常，請重新啟動該節點的 Netdata",
                series.gpus(),
                series.metrics()
            ),
            Kind::NoChart(series) => write!(
                f,
                "{node} 的 {}沒有 {} 圖表：Netdata 沒有收集，這個欄位會是空的",
                series.gpus(),
                series.metrics()
            ),
            Kind::OldReadings(problem) => write!(
                f,
                "{node} 較舊的讀數無法取得（{problem}）：已寫入其餘讀數，請稍後重新收集"
            ),
            Kind::Rejected { example, count } => write!(
                f,
                "{node} 有 {count} 筆讀數不是 0 到 100 的數字，已視為缺漏（例如 {example}）"
            ),
            Kind::Renamed { example, count } => {
                write!(f, "{node} {}", renamed_problem(*count, example))
            }
            Kind::RejectedRows(RejectedRows { problem, count }) => {
                write!(f, "{node} 有 {count} 列讀數無法使用，已視為缺漏：{problem}")
            }
            Kind::ClockOff(seconds) => write!(f, "{node} {}", clock_problem(*seconds)),
            Kind::Namesakes(namesakes) => write!(f, "{node} {}", namesakes_problem(namesakes)),
            Kind::LostByParent => write!(f, "{node} {LOST}"),
            Kind::TokenEnds { at, seconds_left } => write!(
                f,
                "管理 API 的 Token 將於 {at} 過期，只剩{}：請換新的 Token",
                time_left(*seconds_left)
            ),
            Kind::TasksUnavailable(error) => write!(f, "{error}（沒有任務資訊，使用率不受影響）"),
            Kind::TasksPanicked => f.write_str(
                "處理任務資訊時程式發生內部錯誤，請回報（使用率照常寫入，但可能沒有任務資訊）",
            ),
            Kind::TasksKept {
                error,
                since,
                is_final,
            } => {
                let caveat = caveat(*is_final);
                match error {
                    Some(error) => write!(f, "{error}（改用 {since} 保存的任務資訊{caveat}）"),
                    None => write!(f, "使用 {since} 保存的任務資訊{caveat}"),
                }
            }
            Kind::TasksNotKept(error) => write!(f, "{error}：任務資訊未能保存"),
            Kind::TasksNotRead(error) => write!(
                f,
                "{error}：任務資訊未能保存，以免失去這個檔案中的任務；請修正它的擁有者與權限，再重新收集這一天"
            ),
            Kind::TasksNotUnited(path) => write!(
                f,
                "{} 的任務與管理 API 的回覆合計太多：任務資訊未能保存，這個檔案保持不變，其中的任務未計入；\
                 請檢查管理 API 的回覆，不需要先前的任務時請移走這個檔案，再重新收集這一天",
                path.display()
            ),
            Kind::NotRecorded(error) => write!(f, "{error}：執行記錄未能保存"),
            Kind::RecordNotRead(error) => write!(
                f,
                "{error}：執行記錄未能保存，原有的檔案保持不變；請修正它的擁有者與權限"
            ),
            Kind::SeriesStopped { since, stopped } => f.write_str(&stopped.message(node, since)),
            Kind::UnknownCards(cards) => write!(
                f,
                "{node} 有設定中沒有的 {}，未寫入：請將它加入該節點的 cards",
                cards_list(&cards.first) + &cards.rest()
            ),
            Kind::Unplaced {
                owner,
                gpus,
                remedy: lines,
            } => {
                let id = |unplaced: &UnplacedGpu| {
                    let gpu = &unplaced.gpu;
                    let id = gpu.id.map(|id| id.to_string());
                    id.or_else(|| gpu.uuid.clone())
                        .unwrap_or_else(|| "N/A".to_owned())
                };
                let ids = dozen(gpus.iter().map(id));
                let tasks = dozen(gpus.iter().map(|unplaced| unplaced.task.clone()));
                let uuids = dozen(gpus.iter().filter_map(|unplaced| unplaced.gpu.uuid.clone()));
                let remedy = remedy(
                    owner.as_deref(),
                    format_args!(" UUID {uuids} "),
                    &settings(lines),
                );
                write!(
                    f,
                    "{node} 的任務 GPU id {ids} 無法對應到該節點的 GPU（任務 {tasks}）：{remedy}"
                )
            }
            Kind::Unlisted(tasks) => write!(
                f,
                "{node} 有 {} 個任務的 flavor 有 GPU，gpus 卻是空的（{}）：不知道用了哪些 GPU，未計入使用者欄位",
                tasks.len(),
                tasks.named()
            ),
            Kind::Disagreement(gpus) => {
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
                    dozen(gpus.iter().map(ToString::to_string))
                )
            }
            Kind::UnknownHosts { hosts, tasks } => write!(
                f,
                "任務 {} 使用的主機 {} 不在設定中：請加入 [[nodes]]，name 須等於管理 API 的 hostname",
                tasks.named(),
                hosts.named()
            ),
            Kind::Timeless(tasks) => match &tasks.first[..] {
                [task] => write!(
                    f,
                    "{node} 的任務 {} 時間不明（{}），未計入使用者欄位",
                    quote(&task.task),
                    task.problem
                ),
                _ => write!(
                    f,
                    "{node} 有 {} 個任務時間不明，未計入使用者欄位：{}",
                    tasks.len(),
                    problems(tasks, |task| format!(
                        "{}（{}）",
                        quote(&task.task),
                        task.problem
                    ))
                ),
            },
            Kind::Malformed(tasks) => match &tasks.first[..] {
                [task] => write!(
                    f,
                    "任務 {} 的資料無法解析（{}），已略過",
                    quote(&task.id),
                    task.problem
                ),
                _ => write!(
                    f,
                    "有 {} 個任務的資料無法解析，已略過：{}",
                    tasks.len(),
                    problems(tasks, |task| format!(
                        "{}（{}）",
                        quote(&task.id),
                        task.problem
                    ))
                ),
            },
            Kind::TasksGone(tasks) => write!(
                f,
                "管理 API 的回覆少了先前有過的 {} 個任務（{}）：沿用先前保存的任務資訊，佔用只計到它最後出現之時",
                tasks.len(),
                tasks.named()
            ),
            Kind::Misdated(tasks) => write!(
                f,
                "有 {} 個任務的日期與星期不符（{}）：以日期為準",
                tasks.len(),
                tasks.named()
            ),
            Kind::Differing(differing) => write!(
                f,
                "有 {} 個任務的 total_seconds 與 start、end 不符，最多相差 {} 分鐘（{}）：\
                 請檢查 management_api.timezone，或任務是否曾經暫停",
                differing.tasks.len(),
                differing.most_seconds / 60,
                differing.tasks.named()
            ),
            Kind::Early(early) => write!(
                f,
                "任務 {} 的 start 在 {} 分鐘之後：請檢查 management_api.timezone 與兩者的時鐘",
                quote(&early.task),
                early.seconds / 60
            ),
            Kind::RepeatedTasks(tasks) => write!(
                f,
                "管理 API 的回覆有 {} 個任務 id 出現不只一次（{}）：每一筆都計入",
                tasks.len(),
                tasks.named()
            ),
            Kind::Conflict {
                gpu,
                conflict,
                when,
            } => {
                let users = &conflict.users;
                let users = match users.more {
                    0 => users.named() + " ",
                    _ => users.joined(|_| format!(" 等 {} 位使用者", users.len())),
                };
                write!(
                    f,
                    "{node} 的 {gpu} 在 {when} 同時由 {users}佔用（任務 {}）：資源衝突，請檢查管理系統的配置或 GPU 的對應",
                    conflict.tasks.named()
                )
            }
            Kind::MoreConflicts { gpu, count } => {
                write!(f, "{node} 的 {gpu} 另有 {count} 段時間同時由多位使用者佔用")
            }
            Kind::BusyWithoutTask { gpu, limit, when } => write!(
                f,
                "{node} 的 {gpu} 沒有任務佔用，使用率卻超過 {limit}%（{}）：請檢查 GPU 的對應，或是否有人未經管理系統使用",
                when.join("、")
            ),
            Kind::LedgerNotWritten(error) => {
                write!(f, "{error}：各節點的檔案已寫入，但沒有用量報告")
            }
            Kind::PageNotWritten(error) => crate::model::say!(
                f,
                "{error}：資料都已寫入，但沒有網頁；修正後可執行 daily-gpu-log report 產生",
                "{error}: all data is written, but there is no page; once mended, make it with daily-gpu-log report"
            ),
            Kind::LedgerNotMerged(report) => write!(
                f,
                "原有的 {} 無法合併（{}），已另存為 {}：其中其他節點的帳目不在新的報告中，請重新收集這一天",
                report.path.display(),
                report.problem,
                report.kept_as.display()
            ),
            Kind::NotMerged { file, kept_as } => {
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

/// What answers lack that an earlier run kept.
pub fn caveat(is_final: bool) -> &'static str {
    if is_final {
        ""
    } else {
        "，當時這一天尚未結束"
    }
}

/// What places GPUs of tasks, whose `uuids` the settings may have on the node `owner`.
pub fn remedy(owner: Option<&str>, uuids: impl fmt::Display, settings: &str) -> String {
    let problem = match owner {
        None => format!("請在該節點的 [[nodes]] 設定 {settings}"),
        Some(owner) => format!(
            "設定中{uuids}屬於節點 {owner}，請以 scripts/gpu-inventory.sh 核對這兩個節點的 gpu_uuids"
        ),
    };
    problem + "，修正後請重新收集這一天"
}

impl Series {
    fn gpus(&self) -> String {
        let gpus = self.gpus.iter();
        list(gpus.map(|(gpu, card)| format!("{gpu}（Card {card}）")))
    }

    fn metrics(&self) -> String {
        list(self.metrics.iter().map(ToString::to_string))
    }
}

/// What to write into the settings.
fn settings(remedy: &Remedy) -> String {
    let first = remedy.first_gpu_id.map(|first| {
        format!("first_gpu_id = {first}（GPU[0] 的 id 若不是 {first}，請改為正確的值）")
    });
    let uuids = remedy.uuids.first.iter();
    let uuids: Vec<_> = uuids.map(|uuid| format!("\"{uuid}\" = N")).collect();
    let uuids = (!uuids.is_empty()).then(|| {
        let rest = if remedy.uuids.more > 0 { ", …" } else { "" };
        format!(
            "gpu_uuids = {{ {}{rest} }}（N 是 GPU 索引，請執行 scripts/gpu-inventory.sh 得知）",
            uuids.join(", ")
        )
    });
    let lines: Vec<_> = first.into_iter().chain(uuids).collect();
    if lines.is_empty() {
        return "gpu_uuids 或 first_gpu_id".to_owned();
    }
    lines.join("，或 ")
}

pub fn cards_list(cards: &[CardId]) -> String {
    list(cards.iter().map(|card| format!("Card {card}")))
}

fn problems<T, const CAP: usize>(tasks: &Capped<T, CAP>, problem: fn(&T) -> String) -> String {
    let named: Vec<_> = tasks.first.iter().map(problem).collect();
    let rest = if tasks.more > 0 { "…" } else { "" };
    named.join("、") + rest
}

/// Every item once, in order of appearance.
fn distinct(items: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    let mut seen = HashSet::new();
    items.filter(move |item| seen.insert(item.clone()))
}

fn list(items: impl Iterator<Item = String>) -> String {
    distinct(items).collect::<Vec<_>>().join("、")
}

/// A dozen, and how many there are, of items of which there may be any number.
fn dozen(items: impl Iterator<Item = String>) -> String {
    distinct(items).collect::<Capped<_, 12>>().named()
}
