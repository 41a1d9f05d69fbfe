//! What each user held of each GPU on each day: as a table for people, and as CSV.

use chrono_tz::Tz;
use comfy_table::CellAlignment;

use super::account::{Columns, hours};
use super::csv_text::{self, guard_formula};
use super::number::percent;
use super::{table, usage_groups, usage_table};
use crate::analysis::usage::{GroupBy, RowTasks, Usage, UserRow};
use crate::model::{Percent, TaskTime, WeightedSum, clock, printable, said, text};

pub fn table(usage: &Usage, zone: Tz) -> String {
    let mut lines = Vec::new();
    if !usage.rows.is_empty() {
        let header = [
            text("使用者", "User"),
            text("日期", "Date"),
            text("節點", "Node"),
            "GPU",
            text("時數", "Held"),
            text("使用中", "Active"),
            text("閒置", "Idle"),
            text("平均GPU", "GPU"),
            text("平均VRAM", "VRAM"),
            text("任務建立", "Task created"),
        ];
        let rows = usage.rows.iter().map(|of| row(of, zone));
        lines = table::lines(header, rows, CellAlignment::Right);
    }
    usage_table::page(usage, GroupBy::User, lines)
}

fn row(of: &UserRow, zone: Tz) -> [String; 10] {
    let mean = |readings: WeightedSum| percent(readings.mean().map(Percent::from));
    let [all, active, idle, ..] = hours(of.account, 2);
    [
        printable(&of.user),
        of.date.to_string(),
        printable(&of.node),
        of.gpu.to_string(),
        all,
        active,
        idle,
        mean(of.account.gpu),
        mean(of.account.vram),
        of.created()
            .map_or_else(String::new, |time| match time.unix() {
                Some(unix) => clock(zone, unix),
                None => printable(time.text().unwrap_or_default()),
            }),
    ]
}

/// The time of creation is in the API's words.
pub fn csv(usage: &Usage) -> Vec<u8> {
    let header = said!(
        "使用者,日期,節點,GPU編號,{headings},任務數,create_time",
        "user,date,node,gpu,{headings},tasks,create_time",
        headings = usage_groups::headings()
    );
    let rows = usage.rows.iter().map(|row| {
        let created = row.created().and_then(TaskTime::text).unwrap_or_default();
        let count = |tasks: &RowTasks| tasks.count.to_string();
        (
            guard_formula(&row.user),
            row.date,
            guard_formula(&row.node),
            row.gpu.to_string(),
            hours(row.account, 4),
            Columns::from(row.account),
            row.tasks.as_ref().map(count).unwrap_or_default(),
            guard_formula(created),
        )
    });
    csv_text::file(&header, rows)
}
