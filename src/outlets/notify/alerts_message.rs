//! The messages about idle GPUs: to the admin about all users, and to a user about nobody else.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::message::{Message, hostname};
use crate::model::Capped;
use crate::report::alerts::{AlertReport, AlertsReport};

/// Without `include_users`, it has how many users there are, and not who.
pub fn notice_for_admin(
    report: &AlertsReport,
    alerts: &[&AlertReport],
    include_users: bool,
) -> Message {
    let users: BTreeSet<_> = alerts.iter().map(|alert| alert.user).collect();
    let host = hostname();
    let subject = format!(
        "daily-gpu-log {host}：{} 位使用者的 GPU 閒置（{} 到 {}）",
        users.len(),
        report.first_date,
        report.date
    );
    let mut lines = if include_users {
        alerts.iter().map(|alert| user_line(alert)).collect()
    } else {
        rule_lines(alerts)
    };
    lines.extend(report.rules());
    if !report.left_out.is_empty() {
        let count = report.left_out.len();
        lines.push(format!(
            "有 {count} 項資料不完整或有疑問，其中不明的時間不算閒置"
        ));
    }
    lines.push("詳情請在主機上執行 daily-gpu-log alerts".to_owned());
    let signature = format!("主機 {host}，daily-gpu-log {}", env!("CARGO_PKG_VERSION"));
    Message::new(&subject, lines, &signature)
}

fn user_line(alert: &AlertReport) -> String {
    let (idle, coverage) = (idle(alert), alert.figures.coverage());
    format!(
        "{}（規則 {}）：{idle}，涵蓋率 {coverage}",
        alert.user, alert.rule
    )
}

fn idle(alert: &AlertReport) -> String {
    let figures = alert.figures;
    format!(
        "閒置 {} GPU 小時，占時數 {} GPU 小時的 {}",
        figures.idle_hours(),
        figures.allocated_hours(),
        figures.idle_share()
    )
}

fn rule_lines(alerts: &[&AlertReport]) -> Vec<String> {
    let mut rules: Vec<_> = alerts.iter().map(|alert| alert.rule).collect();
    rules.sort_unstable();
    let same = rules.chunk_by(|one, next| one == next);
    same.map(|same| format!("規則 {}：{} 位使用者達到門檻", same[0], same.len()))
        .collect()
}

/// The mail to a user of these alerts, which are all theirs.
pub fn mail_for_user(report: &AlertsReport, user: &str, alerts: &[&AlertReport]) -> Message {
    let subject = format!("GPU 閒置提醒（{} 到 {}）", report.first_date, report.date);
    let mut lines = vec![
        format!("{user} 您好："),
        String::new(),
        format!(
            "{}，您配置的 GPU 有較長的時間沒有在使用（使用率不超過 {}%）：",
            report.days(),
            report.idle
        ),
    ];
    for alert in alerts {
        lines.push(String::new());
        lines.extend(alert_lines(alert));
    }
    lines.extend([
        String::new(),
        "想請您協助：".to_owned(),
        "・工作已經完成的話，請結束任務，把 GPU 留給其他人使用。".to_owned(),
        "・暫時用不到的話，請先儲存進度並結束任務，需要時再重新申請。".to_owned(),
        "・程式應該正在運算的話，請檢查它是否真的使用了 GPU，或是否在等待資料。".to_owned(),
        "・確實需要保留這些 GPU 的話，請告訴管理員。".to_owned(),
        String::new(),
        format!(
            "沒有讀數或資料有疑問的時間不算閒置。{} 天內不會再為同一件事寄信，謝謝您！",
            report.window_days
        ),
    ]);
    let signature = format!(
        "這封信由 {} 上的 daily-gpu-log {} 自動寄出，只列出您自己的使用情形",
        hostname(),
        env!("CARGO_PKG_VERSION")
    );
    Message::new(&subject, lines, &signature)
}

fn alert_lines(alert: &AlertReport) -> Vec<String> {
    let types = match alert.task_types {
        [] => String::new(),
        types => format!("{} 任務：", types.join("、")),
    };
    let mut lines = vec![types + &idle(alert)];
    let mut gpus: Vec<_> = alert.gpus.iter().collect();
    gpus.sort_by_key(|gpu| Reverse(gpu.figures.idle_seconds));
    let gpus = gpus.iter().map(|gpu| {
        format!(
            "　{} {}：閒置 {} 小時，時數 {} 小時，平均使用率 {}",
            gpu.node,
            gpu.gpu,
            gpu.figures.idle_hours(),
            gpu.figures.allocated_hours(),
            gpu.figures.mean_gpu()
        )
    });
    let gpus: Capped<_, 50> = gpus.collect();
    lines.extend(gpus.followed_by(|more| format!("　還有 {more} 張 GPU")));
    lines
}
