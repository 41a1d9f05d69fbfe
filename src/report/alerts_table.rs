//! The alerts as a table for people.

use comfy_table::CellAlignment;

use super::alerts::{AlertReport, AlertsReport, Notified};
use crate::analysis::idle::Outcome;
use crate::formats::table;
use crate::model::{Capped, printable};

impl AlertsReport<'_> {
    /// The rules, the table, and below it what is incomplete or in doubt.
    pub fn text(&self) -> String {
        let mut lines = vec![format!("{}的 GPU 閒置情形", self.days())];
        lines.extend(self.rules());
        lines.push(String::new());
        if self.alerts.is_empty() {
            let nobody = match self.nodes_without_evidence.as_slice() {
                _ if !self.has_evidence => "沒有可以判斷的資料",
                [] => "沒有使用者達到門檻",
                _ => "在可以判斷的資料中，沒有使用者達到門檻",
            };
            lines.push(nobody.to_owned());
        } else {
            lines.extend(self.table());
        }
        if !self.left_out.is_empty() {
            lines.push(String::new());
            lines.push(
                "以下資料不完整或有疑問，不算閒置（知道佔用多久的，仍計入時數）：".to_owned(),
            );
            let left_out = self.left_out.iter().map(ToString::to_string);
            let left_out: Capped<_, 20> = left_out.collect();
            lines.extend(left_out.followed_by(|more| format!("還有 {more} 項（以 --json 查看）")));
        }
        lines.into_iter().map(|line| line + "\n").collect()
    }

    fn table(&self) -> Vec<String> {
        let header = [
            "使用者",
            "規則",
            "閒置(GPU小時)",
            "時數(GPU小時)",
            "閒置比例",
            "涵蓋率",
            "平均GPU使用率",
            "通知",
            "上次通知",
        ];
        table::lines(header, self.alerts.iter().map(row), CellAlignment::Left)
    }
}

fn row(alert: &AlertReport) -> [String; 9] {
    let figures = alert.figures;
    [
        printable(alert.user),
        printable(alert.rule),
        figures.idle_hours(),
        figures.allocated_hours(),
        figures.idle_share(),
        figures.coverage(),
        figures.mean_gpu(),
        match alert.notice {
            Notified::Due => "未通知",
            Notified::Recent => "不重複通知",
            Notified::Sent => "已通知",
            Notified::Failed => "通知失敗",
        }
        .to_owned(),
        last_notice(alert),
    ]
}

fn last_notice(alert: &AlertReport) -> String {
    let Some(last) = &alert.last_notice else {
        return "-".to_owned();
    };
    let outcome = |outcome| match outcome {
        Outcome::Unknown => "結果不明",
        Outcome::Delivered => "已送達",
        Outcome::Failed => "失敗",
    };
    let mail = last.reminder.mail.map_or("未寄", outcome);
    let admin = outcome(last.reminder.admin);
    format!("{}（管理員{admin}，使用者{mail}）", last.time)
}
