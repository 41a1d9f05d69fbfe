//! The management API, its clock, and the settings, by its answer.

use std::collections::BTreeSet;

use super::{Check, Subject, clock, clock_difference};
use crate::analysis::{NodeTasks, Span, TasksByHost, attribution};
use crate::model::{Answer, Node, Task, UnixSeconds, Window};
use crate::report::notice::{self, Kind, Notice};
use crate::settings::{Config, ManagementApi};
use crate::sources::management_api::{Fetched, TasksError};

pub fn api(
    api: &ManagementApi,
    answer: &Result<Fetched, TasksError>,
    window: &Window,
) -> Vec<Check> {
    let fetched = match answer {
        Ok(fetched) => fetched,
        Err(error @ TasksError::Refused { .. }) => {
            return vec![Check::error(Subject::Token, error.to_string())];
        }
        Err(error) => return vec![Check::error(Subject::ManagementApi, error.to_string())],
    };
    let mut facts = vec![
        "接受 Token".to_owned(),
        format!("{} 有 {} 個任務", window.date, fetched.answer.tasks.len()),
    ];
    let mut problems = Vec::new();
    match clock(fetched.clock_ahead) {
        Ok(fact) => facts.push(fact),
        Err(seconds) => {
            let message = format!(
                "管理 API 的時鐘比本機{}：任務的開始與結束也會差這麼多，請檢查兩者的時間同步",
                clock_difference(seconds)
            );
            problems.push(Check::warning(Subject::Clock, message));
        }
    }
    let message = format!("管理 API {}：{}", api.url, facts.join("，"));
    let ok = Check::ok(Subject::ManagementApi, message);
    [ok].into_iter().chain(problems).collect()
}

pub fn api_panicked(api: &ManagementApi) -> Check {
    let message = format!("檢查管理 API {} 時程式發生內部錯誤，請回報", api.url);
    Check::error(Subject::ManagementApi, message)
}

/// Whether the GPUs of the day's tasks can be placed on `nodes`; hosts that are not in the settings are named as well,
/// unless only some nodes are asked for.
pub fn tasks(
    nodes: &[&Node],
    config: &Config,
    answer: &Answer,
    window: &Window,
    asked: (UnixSeconds, UnixSeconds),
) -> Vec<Check> {
    let mut notices = notice::answer_notices(config, answer);
    notices.extend(notice::time_notices(answer, window, asked));
    if nodes.len() != config.nodes.len() {
        notices.retain(|notice| !matches!(notice.kind, Kind::UnknownHosts { .. }));
    }
    let mut checks: Vec<_> = notices.iter().map(warning).collect();
    let mut count = 0;
    let by_host = TasksByHost::new(&answer.tasks);
    // Of a day that has not begun, no task is known.
    let Some(known) = Span::new(window.start, window.seen_until) else {
        return checks;
    };
    for node in nodes {
        let known = attribution::attribute(node, &by_host, known);
        count += known.tasks.len();
        checks.extend(of_node(node, &known));
    }
    if checks.is_empty() {
        let date = window.date;
        let message = match count {
            0 => format!("任務：{date} 沒有使用 GPU 的任務可供核對"),
            _ => format!("任務：{date} 的 {count} 個任務所用的 GPU 都能對應"),
        };
        checks.push(Check::ok(Subject::Tasks, message));
    }
    checks
}

fn of_node(node: &Node, known: &NodeTasks) -> Vec<Check> {
    let notices = notice::task_notices(node, known);
    let mut checks: Vec<_> = notices.iter().map(warning).collect();
    let coincidence = coincidence(node, known);
    checks.extend(coincidence.map(|message| Check::warning(Subject::Tasks, message)));
    checks.into_iter().map(|check| check.of(node)).collect()
}

fn warning(notice: &Notice) -> Check {
    Check {
        takes_away: notice.shortfall().is_some(),
        ..Check::warning(Subject::Tasks, notice.to_string())
    }
}

/// Where some ids are no card numbers, those that are may be so by chance, and their users with the wrong GPUs.
fn coincidence(node: &Node, known: &NodeTasks) -> Option<String> {
    let is_mapped = node.first_gpu_id.is_some() || !node.gpu_uuids.is_empty();
    if is_mapped || known.unplaced.is_empty() {
        return None;
    }
    let gpus = known.tasks.iter().flat_map(|task: &&Task| &task.gpus);
    let placed = gpus.filter(|gpu| node.place_gpu(gpu.id, gpu.uuid.as_deref()).is_ok());
    let ids: BTreeSet<u64> = placed.filter_map(|gpu| gpu.id).collect();
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    (!ids.is_empty()).then(|| {
        format!(
            "{} 沒有 first_gpu_id 與 gpu_uuids，所以任務的 GPU id {} 被當作卡號：其他 id 不是卡號，\
             這可能只是巧合而記在錯的 GPU 上",
            node.name,
            ids.join("、")
        )
    })
}
