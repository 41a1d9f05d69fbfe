//! `summary_<date>.txt`: a node's day for people to read. Its form is the first seed's; what the old programs could
//! not say stands in sections of its own before the closing rule, on days that need it.

use std::fmt::Write;

use super::average_csv::UNUSED;
use super::number::{hours_with_two_decimals, summary_percent};
use super::task_blocks::held_gpus;
use crate::analysis::ledger::Account;
use crate::analysis::node_day::{GpuDay, NodeDay, TaskKnowledge};
use crate::model::units::{Percent, WeightedSum};

const RULE: &str = "================================";

/// The file.
pub fn render(day: &NodeDay) -> String {
    let mut text = String::new();
    for section in [
        heading(day),
        card_table(day),
        tasks(day),
        usage(day),
        means(day),
    ] {
        text.push_str(&section);
    }
    for section in [
        unfinished(day),
        coverage(day),
        hours(day),
        conflicts(day),
        busy_without_task(day),
        unplaced(day),
        disagreements(day),
        timeless(day),
        source(day),
    ] {
        if !section.is_empty() {
            let _ = write!(text, "\n{section}");
        }
    }
    text + RULE + "\n"
}

fn heading(day: &NodeDay) -> String {
    format!(
        "{RULE}\nAMD GPU 與 VRAM 每日使用率統計\n日期: {}\n節點: {}\n{RULE}\n\n",
        day.window.date, day.node.name
    )
}

fn card_table(day: &NodeDay) -> String {
    let mut table = "GPU 硬體對應表:\n".to_owned();
    for gpu in &day.gpus {
        let _ = writeln!(table, "{} -> Card {}", gpu.index, gpu.card);
    }
    table + "\n"
}

/// The tasks of the node. Without task information there is no such section, as there was none of old.
fn tasks(day: &NodeDay) -> String {
    let Some(known) = day.tasks.known() else {
        return String::new();
    };
    let name = &day.node.name;
    let mut section = format!("GPU 使用者任務資訊:\n{}\n", "-".repeat(50));
    if known.tasks.is_empty() {
        let _ = writeln!(section, "{name}: 當日沒有使用 GPU 的任務");
    } else {
        let _ = writeln!(section, "{name} GPU 任務資訊:");
    }
    for held in held_gpus(known.tasks.iter().copied()) {
        let _ = writeln!(section, "  GPU {}: {}", held.id(), held.task.username);
        held.describe("    - ", true, &mut section);
    }
    section + "\n"
}

fn usage(day: &NodeDay) -> String {
    let mut section = "各 GPU 使用率與 VRAM 使用率:\n".to_owned();
    for gpu in &day.gpus {
        let (busy, vram) = (
            summary_percent(gpu.mean.gpu),
            summary_percent(gpu.mean.vram),
        );
        let _ = writeln!(
            section,
            "{}: GPU使用率 = {busy}, VRAM使用率 = {vram} (使用者: {})",
            gpu.index,
            users(day, gpu)
        );
    }
    section + "\n"
}

fn users(day: &NodeDay, gpu: &GpuDay) -> String {
    let nobody = match day.tasks {
        TaskKnowledge::Known { .. } => UNUSED,
        TaskKnowledge::Unknown { .. } => "無任務資訊",
    };
    day.users(gpu.index).unwrap_or_else(|| nobody.to_owned())
}

fn means(day: &NodeDay) -> String {
    let mean = day.mean();
    format!(
        "整體平均 GPU 使用率: {}\n整體平均 VRAM 使用率: {}\n",
        summary_percent(mean.gpu),
        summary_percent(mean.vram)
    )
}

fn unfinished(day: &NodeDay) -> String {
    if day.window.is_over() {
        return String::new();
    }
    format!(
        "當日尚未結束: 讀數截至 {}\n",
        day.window.clock(day.window.until)
    )
}

fn coverage(day: &NodeDay) -> String {
    let mut section = String::new();
    for gpu in day.gpus.iter().filter(|gpu| !gpu.coverage.is_whole()) {
        let coverage = gpu.coverage;
        let _ = writeln!(
            section,
            "{}: {}/{} 筆 ({:.1}%)",
            gpu.index,
            coverage.found,
            coverage.due,
            coverage.percent()
        );
    }
    titled("資料涵蓋率不足的 GPU", &section)
}

/// What each user had of a GPU, where that is not simply all of it.
fn hours(day: &NodeDay) -> String {
    let mut section = String::new();
    let Some(known) = day.tasks.known() else {
        return section;
    };
    for gpu in &day.gpus {
        let Some(users) = gpu.held.as_ref().map(|held| &held.ledger.users) else {
            continue;
        };
        let whole = known.known.seconds();
        let is_whole = |(_, account): &(_, Account)| account.seconds() == whole;
        if users.len() < 2 && users.iter().all(is_whole) {
            continue;
        }
        for (user, account) in users {
            let percent =
                |readings: WeightedSum| summary_percent(readings.mean().map(Percent::from));
            let _ = writeln!(
                section,
                "{}: {} 小時, GPU使用率 = {}, VRAM使用率 = {} (使用者: {user})",
                gpu.index,
                hours_with_two_decimals(account.seconds()),
                percent(account.gpu),
                percent(account.vram),
            );
        }
    }
    titled("各使用者佔用 GPU 的時數，以及佔用期間的使用率", &section)
}

fn conflicts(day: &NodeDay) -> String {
    let mut section = String::new();
    for gpu in &day.gpus {
        for conflict in gpu.held.iter().flat_map(|held| &held.conflicts.first) {
            let more = |more| match more {
                0 => String::new(),
                more => format!(" 及另外 {more} 個"),
            };
            let _ = writeln!(
                section,
                "{}: {} (使用者: {}{}, 任務: {}{})",
                gpu.index,
                day.window.clock_span(conflict.span),
                conflict.users.first.join(";"),
                more(conflict.users.more),
                conflict.tasks.first.join(";"),
                more(conflict.tasks.more)
            );
        }
        let more = gpu.held.as_ref().map_or(0, |held| held.conflicts.more);
        if more > 0 {
            let _ = writeln!(section, "{}: 另有 {more} 段時間", gpu.index);
        }
    }
    titled("資源衝突 (多位使用者同時佔用同一張 GPU)", &section)
}

fn busy_without_task(day: &NodeDay) -> String {
    let mut section = String::new();
    for gpu in &day.gpus {
        for &span in gpu.held.iter().flat_map(|held| &held.busy_without_task) {
            let _ = writeln!(section, "{}: {}", gpu.index, day.window.clock_span(span));
        }
    }
    let title = format!(
        "沒有任務佔用卻忙碌的 GPU (GPU使用率超過 {}% 達一小時以上)",
        day.thresholds.busy
    );
    titled(&title, &section)
}

fn unplaced(day: &NodeDay) -> String {
    let mut section = String::new();
    for unplaced in day.tasks.known().iter().flat_map(|known| &known.unplaced) {
        let id = unplaced
            .gpu
            .id
            .map_or_else(|| "N/A".to_owned(), |id| id.to_string());
        let uuid = unplaced.gpu.uuid.as_deref().unwrap_or("N/A");
        let owner = unplaced.owner.as_ref();
        let owner = owner.map_or_else(String::new, |owner| format!(", 屬於節點 {owner}"));
        let _ = writeln!(
            section,
            "GPU {id}: {} (任務 {}, GPU UUID {uuid}{owner})",
            unplaced.username, unplaced.task
        );
    }
    titled(
        "無法對應到本節點 GPU 的任務 GPU (使用者欄位不含這些使用者)",
        &section,
    )
}

fn disagreements(day: &NodeDay) -> String {
    let mut section = String::new();
    for disagreement in day
        .tasks
        .known()
        .iter()
        .flat_map(|known| &known.disagreements)
    {
        let _ = writeln!(section, "{}: {disagreement}", disagreement.index);
    }
    titled("UUID 與 id 不一致的 GPU (以 UUID 為準)", &section)
}

fn timeless(day: &NodeDay) -> String {
    let mut section = String::new();
    for task in day.tasks.known().iter().flat_map(|known| &known.timeless) {
        let _ = writeln!(section, "任務 {}: {}", task.task, task.problem);
    }
    titled("時間不明而未計入使用者欄位的任務", &section)
}

/// Where the task information is from, unless it is the management API's answer of this run.
fn source(day: &NodeDay) -> String {
    match &day.tasks {
        TaskKnowledge::Known {
            kept_since: None, ..
        } => String::new(),
        TaskKnowledge::Known {
            kept_since: Some(since),
            ..
        } => {
            let clock = day.window.clock(*since);
            let caveat = if *since < day.window.end {
                "，當時這一天尚未結束，之後的任務不在其中"
            } else {
                ""
            };
            format!("任務資訊取自先前保存的管理 API 回覆 ({clock}{caveat})\n")
        }
        TaskKnowledge::Unknown { reason, earlier } => {
            let column = if earlier.is_empty() {
                ""
            } else {
                "使用者欄位保留自先前的 average CSV\n"
            };
            format!("沒有任務資訊 (不代表 GPU 無人使用):\n{reason}\n{column}")
        }
    }
}

fn titled(title: &str, lines: &str) -> String {
    if lines.is_empty() {
        String::new()
    } else {
        format!("{title}:\n{lines}")
    }
}
