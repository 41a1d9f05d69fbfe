//! What each user held of each GPU on each day: as a table for people, and as CSV.

use chrono_tz::Tz;
use comfy_table::CellAlignment;

use super::account::{Columns, hours};
use super::csv_text::{self, guard_formula};
use super::number::percent;
use super::{table, usage_table};
use crate::analysis::usage::{GroupBy, RowTasks, Usage, UserRow};
use crate::model::{Percent, TaskTime, WeightedSum, clock, printable, text};

pub fn table(usage: &Usage, zone: Tz) -> String {
    let mut page = usage_table::title(usage, GroupBy::User);
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
        lines.push(String::new());
        lines.extend(table::lines(header, rows, CellAlignment::Right));
    }
    let remarks = usage_table::remarks(usage);
    if !remarks.is_empty() {
        lines.push(String::new());
        lines.extend(remarks);
    }
    page.extend(lines.into_iter().map(|line| line + "\n"));
    page
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
        created(of).map_or_else(String::new, |time| match time.unix() {
            Some(unix) => clock(zone, unix),
            None => printable(time.text().unwrap_or_default()),
        }),
    ]
}

pub fn created(row: &UserRow) -> Option<&TaskTime> {
    row.tasks.as_ref()?.created.as_ref()
}

/// The time of creation is in the API's words.
pub fn csv(usage: &Usage) -> Vec<u8> {
    let header = text(
        "使用者,日期,節點,GPU編號,時數(GPU小時),使用中(GPU小時),閒置(GPU小時),閒置佔用VRAM(GPU小時),無讀數(GPU小時),\
        平均GPU使用率(%),平均VRAM使用率(%),涵蓋率(%),總秒數,使用中秒數,閒置佔用VRAM秒數,閒置未佔用VRAM秒數,\
        閒置VRAM不明秒數,無讀數秒數,VRAM讀數秒數,任務數,create_time",
        "user,date,node,gpu,hours,active_hours,idle_hours,idle_vram_held_hours,unknown_hours,\
        mean_gpu_percent,mean_vram_percent,coverage_percent,seconds,active_seconds,idle_vram_held_seconds,\
        idle_vram_empty_seconds,idle_vram_unknown_seconds,unknown_seconds,vram_observed_seconds,tasks,create_time",
    );
    let rows = usage.rows.iter().map(|row| {
        let created = created(row).and_then(TaskTime::text).unwrap_or_default();
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
    csv_text::file(header, rows)
}
