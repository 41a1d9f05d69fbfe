//! The messages about idle GPUs: to the admin about all users, and to a user about nobody else.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::message::{Message, hostname};
use crate::model::{Capped, comma, counted, said, text};
use crate::report::alerts::{AlertReport, AlertsReport, GpuReport};

/// Without `include_users`, it has how many users there are, and not who.
pub fn notice_for_admin(
    report: &AlertsReport,
    alerts: &[&AlertReport],
    include_users: bool,
) -> Message {
    let users: BTreeSet<_> = alerts.iter().map(|alert| alert.user).collect();
    let host = hostname();
    let users = counted(users.len(), "位使用者", "user", "users");
    let (first, last) = (report.first_date, report.date);
    let subject = said!(
        "daily-gpu-log {host}：{users}的 GPU 閒置（{first} 到 {last}）",
        "daily-gpu-log {host}: idle GPUs of {users} ({first} to {last})"
    );
    let mut lines = if include_users {
        alerts.iter().map(|alert| user_line(alert)).collect()
    } else {
        rule_lines(alerts)
    };
    lines.extend(report.rules());
    if !report.left_out.is_empty() {
        let items = counted(report.left_out.len(), "項資料", "item", "items");
        lines.push(said!(
            "有 {items}不完整或有疑問，其中不明的時間不算閒置",
            "Data incomplete or in doubt: {items}; time that is not known does not count as idle"
        ));
    }
    let details = text(
        "詳情請在主機上執行 daily-gpu-log alerts",
        "For details, run daily-gpu-log alerts on the host",
    );
    lines.push(details.to_owned());
    let version = env!("CARGO_PKG_VERSION");
    let signature = said!(
        "主機 {host}，daily-gpu-log {version}",
        "host {host}, daily-gpu-log {version}"
    );
    Message::new(&subject, lines, &signature)
}

fn user_line(alert: &AlertReport) -> String {
    let (idle, coverage) = (idle(alert), alert.figures.coverage());
    let AlertReport { user, rule, .. } = alert;
    said!(
        "{user}（規則 {rule}）：{idle}，涵蓋率 {coverage}",
        "{user} (rule {rule}): {idle}, coverage {coverage}"
    )
}

fn idle(alert: &AlertReport) -> String {
    let figures = alert.figures;
    let (idle, held) = (figures.idle_hours(), figures.allocated_hours());
    let share = figures.idle_share();
    said!(
        "閒置 {idle} GPU 小時，占時數 {held} GPU 小時的 {share}",
        "{idle} GPU-hours idle, {share} of {held} GPU-hours held"
    )
}

fn rule_lines(alerts: &[&AlertReport]) -> Vec<String> {
    let mut rules: Vec<_> = alerts.iter().map(|alert| alert.rule).collect();
    rules.sort_unstable();
    let same = rules.chunk_by(|one, next| one == next);
    same.map(|same| {
        let users = counted(same.len(), "位使用者", "user", "users");
        let rule = same[0];
        said!(
            "規則 {rule}：{users}達到門檻",
            "Rule {rule}: threshold reached by {users}"
        )
    })
    .collect()
}

/// The mail to a user of these alerts, which are all theirs.
pub fn mail_for_user(report: &AlertsReport, user: &str, alerts: &[&AlertReport]) -> Message {
    let (first, last) = (report.first_date, report.date);
    let subject = said!(
        "GPU 閒置提醒（{first} 到 {last}）",
        "Reminder: idle GPUs ({first} to {last})"
    );
    let (days, idle) = (report.days(), report.idle);
    let mut lines = vec![
        said!("{user} 您好：", "Hello {user},"),
        String::new(),
        said!(
            "{days}，配置給您的 GPU 有較長的時間沒有在使用（使用率不超過 {idle}%）：",
            "{days}: GPUs that you held were idle for a long time (utilisation {idle}% or less):"
        ),
    ];
    for alert in alerts {
        lines.push(String::new());
        lines.extend(alert_lines(alert));
    }
    lines.push(String::new());
    lines.extend(requests().map(str::to_owned));
    lines.push(String::new());
    let days = counted(report.window_days.into(), "天", "day", "days");
    lines.push(said!(
        "沒有讀數或資料有疑問的時間不算閒置。{days}內不會再為同一件事寄信，謝謝您！",
        "Time without readings, or with data in doubt, does not count as idle. You will get no more mail about \
         this for {days}. Thank you!"
    ));
    let (host, version) = (hostname(), env!("CARGO_PKG_VERSION"));
    let signature = said!(
        "這封信由 {host} 上的 daily-gpu-log {version} 自動寄出，只列出您自己的使用情形",
        "sent automatically by daily-gpu-log {version} on {host}; it lists only your own usage"
    );
    Message::new(&subject, lines, &signature)
}

fn requests() -> [&'static str; 5] {
    [
        text("想請您協助：", "What you can do:"),
        text(
            "・工作已經完成的話，請結束任務，把 GPU 留給其他人使用。",
            "- If your work is done, end the task, so that others can use the GPUs.",
        ),
        text(
            "・暫時用不到的話，請先儲存進度並結束任務，需要時再重新申請。",
            "- If you do not need them for now, save your progress, end the task, and request GPUs again later.",
        ),
        text(
            "・程式應該正在運算的話，請檢查它是否真的使用了 GPU，或是否在等待資料。",
            "- If your program should be computing, check whether it really uses the GPU or is waiting for data.",
        ),
        text(
            "・確實需要保留這些 GPU 的話，請告訴管理員。",
            "- If you do need to keep these GPUs, let the administrator know.",
        ),
    ]
}

fn alert_lines(alert: &AlertReport) -> Vec<String> {
    let types = match alert.task_types {
        [] => String::new(),
        types => {
            let types = types.join(comma());
            said!("{types} 任務：", "{types} tasks: ")
        }
    };
    let mut lines = vec![types + &idle(alert)];
    let mut gpus: Vec<_> = alert.gpus.iter().collect();
    gpus.sort_by_key(|gpu| Reverse(gpu.figures.idle_seconds));
    let gpus = gpus.iter().map(|gpu| {
        let GpuReport { node, gpu, figures } = gpu;
        let (idle, held) = (figures.idle_hours(), figures.allocated_hours());
        let mean = figures.mean_gpu();
        said!(
            "　{node} {gpu}：閒置 {idle} 小時，時數 {held} 小時，平均使用率 {mean}",
            "  {node} {gpu}: {idle} hours idle, {held} hours held, mean utilisation {mean}"
        )
    });
    let gpus: Capped<_, 50> = gpus.collect();
    lines.extend(gpus.followed_by(|more| {
        let more = counted(more, "張 GPU", "more GPU", "more GPUs");
        said!("　還有 {more}", "  {more}")
    }));
    lines
}
