//! The accounts of several days as a table for people, and below it what is missing from them and what speaks against
//! them.

use comfy_table::CellAlignment;

use super::number::percent;
use super::{account, table};
use crate::analysis::Account;
use crate::analysis::usage::{Usage, UserOrder};
use crate::model::{Percent, WeightedSum, printable};

const HEADER: [&str; 9] = [
    "使用者",
    "時數",
    "使用中",
    "閒置",
    "(佔用VRAM)",
    "無讀數",
    "平均GPU",
    "平均VRAM",
    "涵蓋率",
];

pub fn render(usage: &Usage, order: UserOrder) -> String {
    let mut text = title(usage);
    let mut add = |lines: Vec<String>| {
        if !lines.is_empty() {
            text.push('\n');
            text.extend(lines.into_iter().map(|line| line + "\n"));
        }
    };
    if let Some(total) = usage.total() {
        let users = usage.sorted(order).into_iter();
        // A name that a file holds may break lines, which the management API's cannot.
        let users = users.map(|(user, account)| {
            row(
                &printable(&user.replace(char::is_control, "\u{fffd}")),
                account,
            )
        });
        let rows = users.chain([row("合計", total)]);
        add(table::lines(HEADER, rows, CellAlignment::Right));
    }
    add(remarks(usage));
    text
}

fn title(usage: &Usage) -> String {
    let (from, to) = (usage.from, usage.to);
    if from == to {
        return format!("{from} 各使用者的 GPU 小時\n");
    }
    format!(
        "{from} 到 {to} 各使用者的 GPU 小時（{} 天，其中 {} 天有報告）\n",
        usage.days, usage.days_with_accounts
    )
}

fn row(user: &str, account: Account) -> [String; 9] {
    let mean = |readings: WeightedSum| percent(readings.mean().map(Percent::from));
    let [all, active, idle, vram_held, unknown] = account::hours(account, 2);
    [
        user.to_owned(),
        all,
        active,
        idle,
        vram_held,
        unknown,
        mean(account.gpu),
        mean(account.vram),
        percent(account.coverage()),
    ]
}

/// What is missing from the accounts, and what speaks against them.
pub fn remarks(usage: &Usage) -> Vec<String> {
    let absences = usage.absences.iter().map(|(absence, dates)| {
        let (node, message) = (&absence.node, absence.reason.message());
        let of = node
            .as_ref()
            .map_or_else(String::new, |node| format!(" {node} 的"));
        format!("沒有{of}帳目：{dates}：{message}")
    });
    let mut doubts: Vec<_> = usage.doubts.iter().collect();
    doubts.sort_by_key(|((_, doubt), _)| *doubt);
    let doubts = doubts
        .into_iter()
        .map(|((node, doubt), dates)| format!("備註：{node}：{dates}：{}", doubt.word()));
    absences.chain(doubts).collect()
}
