//! The management API, its clock, and the settings, by its answer.

use super::{Check, Subject, clock, clock_difference};
use crate::analysis::{NodeTasks, Span, TasksByHost, attribution};
use crate::model::{Answer, Node, UnixSeconds, Window, counted, said, text};
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
        text("接受 Token", "token accepted").to_owned(),
        said!(
            "{date} 有 {tasks}",
            "{tasks} on {date}",
            date = window.date,
            tasks = counted(fetched.answer.tasks.len(), "個任務", "task", "tasks")
        ),
    ];
    let mut problems = Vec::new();
    match clock(fetched.clock_ahead) {
        Ok(fact) => facts.push(fact),
        Err(seconds) => {
            let message = said!(
                "管理 API 的時鐘比本機{difference}：任務的開始與結束也會差這麼多，請檢查兩者的時間同步",
                "the management API's clock is {difference}: the start and end times of tasks are off by as much; \
                 check the time synchronisation of both",
                difference = clock_difference(seconds)
            );
            problems.push(Check::warning(Subject::Clock, message));
        }
    }
    let message = said!(
        "管理 API {url}：{facts}",
        "management API {url}: {facts}",
        url = api.url,
        facts = facts.join(text("，", ", "))
    );
    let ok = Check::ok(Subject::ManagementApi, message);
    [ok].into_iter().chain(problems).collect()
}

pub fn api_panicked(api: &ManagementApi) -> Check {
    let message = said!(
        "檢查管理 API {url} 時程式發生內部錯誤，請回報",
        "internal error while checking the management API {url}, report this bug",
        url = api.url
    );
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
            0 => said!(
                "任務：{date} 沒有使用 GPU 的任務可供核對",
                "tasks: none used a GPU on {date}, nothing to check"
            ),
            _ => said!(
                "任務：{date} 的 {tasks}所用的 GPU 都能對應",
                "tasks: all GPUs of {tasks} on {date} can be placed",
                tasks = counted(count, "個任務", "task", "tasks")
            ),
        };
        checks.push(Check::ok(Subject::Tasks, message));
    }
    checks
}

fn of_node(node: &Node, known: &NodeTasks) -> Vec<Check> {
    let notices = notice::task_notices(node, known);
    notices
        .iter()
        .map(|notice| warning(notice).of(node))
        .collect()
}

fn warning(notice: &Notice) -> Check {
    Check {
        takes_away: notice.shortfall().is_some(),
        ..Check::warning(Subject::Tasks, notice.to_string())
    }
}
