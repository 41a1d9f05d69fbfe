//! The accounts of several days as a table for people, and below it what is missing from them and what speaks against
//! them.

use std::collections::BTreeMap;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

use super::number::{self, NO_MEAN};
use crate::analysis::ledger::{Account, Doubt};
use crate::analysis::usage::{DateRuns, Usage, UserOrder};
use crate::model::units::{Percent, WeightedSum};

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

/// The table, in GPU-hours, and the remarks.
pub fn render(usage: &Usage, order: UserOrder) -> String {
    let mut text = title(usage);
    if let Some(total) = usage.total() {
        text.push('\n');
        text.push_str(&table(usage, order, total));
    }
    let remarks = remarks(usage);
    if !remarks.is_empty() {
        text.push('\n');
        text.extend(remarks.into_iter().map(|line| line + "\n"));
    }
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

fn table(usage: &Usage, order: UserOrder, total: Account) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header(HEADER);
    for (user, account) in usage.sorted(order) {
        table.add_row(row(&on_one_line(user), account));
    }
    table.add_row(row("合計", total));
    for (position, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        column.set_cell_alignment(match position {
            0 => CellAlignment::Left,
            _ => CellAlignment::Right,
        });
    }
    table
        .lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

fn row(user: &str, account: Account) -> [String; 9] {
    let hours = number::hours_with_two_decimals;
    let mean = |readings: WeightedSum| match readings.mean() {
        Some(mean) => number::two_decimals(Some(Percent::from(mean))) + "%",
        None => NO_MEAN.to_owned(),
    };
    let coverage = match account.coverage_hundredths() {
        Some(hundredths) => format!("{}.{:02}%", hundredths / 100, hundredths % 100),
        None => NO_MEAN.to_owned(),
    };
    [
        user.to_owned(),
        hours(account.seconds()),
        hours(account.active),
        hours(account.idle.seconds()),
        hours(account.idle.vram_held),
        hours(account.unknown),
        mean(account.gpu),
        mean(account.vram),
        coverage,
    ]
}

/// A name that a file holds may break lines, which the management API's cannot.
fn on_one_line(name: &str) -> String {
    name.replace(
        |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'),
        "\u{fffd}",
    )
}

/// What is missing from the accounts, and what speaks against them.
pub fn remarks(usage: &Usage) -> Vec<String> {
    let absences = usage.absences.iter().map(|(absence, dates)| {
        let message = absence.reason.message();
        match &absence.node {
            None => format!("沒有帳目：{dates}：{message}"),
            Some(node) => format!("沒有 {node} 的帳目：{dates}：{message}"),
        }
    });
    let mut by_doubt: BTreeMap<Doubt, Vec<(&str, &DateRuns)>> = BTreeMap::new();
    for ((node, doubt), dates) in &usage.doubts {
        by_doubt.entry(*doubt).or_default().push((node, dates));
    }
    let doubts = by_doubt.into_iter().flat_map(|(doubt, nodes)| {
        let word = doubt.word();
        let lines = nodes.into_iter();
        lines.map(move |(node, dates)| format!("備註：{node}：{dates}：{word}"))
    });
    absences.chain(doubts).collect()
}
