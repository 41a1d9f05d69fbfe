//! The report of `--user-report`: a line for each GPU, and a block for each GPU of a task, by host.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::NaiveDate;

use super::task_blocks::{TaskGpuLine, held_gpus};
use crate::model::{Task, said, text};

/// The report of `date`: of all tasks, or of those of one user, if `is_of_one_user`. Hosts come in the order of `hosts`, and those not among
/// them after, by name.
pub fn render(date: NaiveDate, hosts: &[&str], tasks: &[Task], is_of_one_user: bool) -> String {
    let mut by_host: BTreeMap<(usize, &str), Vec<&Task>> = BTreeMap::new();
    for task in tasks.iter().filter(|task| !task.gpus.is_empty()) {
        let rank = hosts.iter().position(|&host| host == task.hostname);
        let host = (rank.unwrap_or(hosts.len()), task.hostname.as_str());
        by_host.entry(host).or_default().push(task);
    }
    let by_host = by_host.into_iter();
    let by_host = by_host.map(|((_, host), tasks)| (host, held_gpus(tasks)));
    let by_host: Vec<_> = by_host.collect();
    if by_host.is_empty() {
        let none = if is_of_one_user {
            text(
                "當日沒有這位使用者使用 GPU 的任務",
                "No task of this user used a GPU on this day",
            )
        } else {
            text("當日沒有使用 GPU 的任務", "No task used a GPU on this day")
        };
        return format!("{}\n\n{none}\n", title(date));
    }
    let mut report = said!("GPU 使用者任務摘要:\n", "GPU users:\n");
    for (host, gpus) in &by_host {
        for holds in gpus.chunk_by(|a, b| a.gpu.id == b.gpu.id && a.gpu.uuid == b.gpu.uuid) {
            let (id, model) = (holds[0].id(), holds[0].model());
            let _ = writeln!(report, "  GPU {id} ({host}): {} - {model}", users(holds));
        }
    }
    let _ = writeln!(report, "\n{}", title(date));
    for (host, gpus) in &by_host {
        let _ = writeln!(report, "\n{host}:\n{}", "-".repeat(40));
        let blocks: Vec<_> = gpus.iter().map(block).collect();
        report.push_str(&blocks.join("\n"));
    }
    report
}

fn title(date: NaiveDate) -> String {
    said!(
        "=== {date} GPU 使用者任務報告 ===",
        "=== {date} GPU tasks and their users ==="
    )
}

/// Every user of a GPU, in order of first hold.
fn users(holds: &[TaskGpuLine]) -> String {
    let mut users: Vec<&str> = Vec::new();
    for held in holds {
        if !users.contains(&held.task.username.as_str()) {
            users.push(&held.task.username);
        }
    }
    users.join(";")
}

fn block(held: &TaskGpuLine) -> String {
    let (id, user) = (held.id(), &held.task.username);
    let mut block = said!(
        "GPU {id}:\n  使用者: {user}\n",
        "GPU {id}:\n  User: {user}\n"
    );
    held.describe("  ", false, &mut block);
    block
}
