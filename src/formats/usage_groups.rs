//! The accounts of several days by project, node, day or type of task: as a table for people, and as CSV.

use comfy_table::CellAlignment;

use super::account::{Columns, hours};
use super::csv_text::{self, guard_formula};
use super::{table, usage_table};
use crate::analysis::usage::{Group, GroupBy, Usage, UserOrder};
use crate::model::{printable, said, text};

pub fn table(usage: &Usage, by: GroupBy, order: UserOrder) -> String {
    let mut lines = Vec::new();
    if let Some(total) = usage.total() {
        let groups = usage.sorted_groups(by, order).into_iter();
        let groups =
            groups.map(|(group, account)| usage_table::row(&printable(&group.shown()), account));
        let rows = groups.chain([usage_table::row(text("合計", "Total"), total)]);
        let header = usage_table::header(by.heading());
        lines = table::lines(header, rows, CellAlignment::Right);
    }
    usage_table::page(usage, by, lines)
}

/// The headings of the hours of an account, and of its [`Columns`].
pub fn headings() -> &'static str {
    text(
        "時數(GPU小時),使用中(GPU小時),閒置(GPU小時),閒置佔用VRAM(GPU小時),無讀數(GPU小時),\
        平均GPU使用率(%),平均VRAM使用率(%),涵蓋率(%),總秒數,使用中秒數,閒置佔用VRAM秒數,閒置未佔用VRAM秒數,\
        閒置VRAM不明秒數,無讀數秒數,VRAM讀數秒數",
        "hours,active_hours,idle_hours,idle_vram_held_hours,unknown_hours,\
        mean_gpu_percent,mean_vram_percent,coverage_percent,seconds,active_seconds,idle_vram_held_seconds,\
        idle_vram_empty_seconds,idle_vram_unknown_seconds,unknown_seconds,vram_observed_seconds",
    )
}

/// A row for each group, and one of all, unless no day has accounts: the columns of `users_<date>.csv`, without those of
/// one GPU.
pub fn csv(usage: &Usage, by: GroupBy, order: UserOrder) -> Vec<u8> {
    let header = said!(
        "類別,{of},{headings}",
        "kind,{of},{headings}",
        of = by.word(),
        headings = headings()
    );
    let groups = usage.sorted_groups(by, order).into_iter();
    let groups = groups.map(|(group, account)| match group {
        // So that a group of this name is not taken for it.
        Group::Unnamed => (text("無", "none"), String::new(), account),
        Group::Unknown => (text("不明", "unknown"), String::new(), account),
        group => (by.word(), group.shown(), account),
    });
    let total = usage.total();
    let total = total.map(|total| (text("合計", "total"), String::new(), total));
    let rows = groups.chain(total).map(|(kind, name, account)| {
        let columns = Columns::from(account);
        (kind, guard_formula(&name), hours(account, 4), columns)
    });
    csv_text::file(&header, rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Account;
    use crate::analysis::usage::TaskGap;
    use crate::model::Language;
    use pretty_assertions::assert_eq;

    fn usage() -> Usage {
        let date = "2025-08-01".parse().expect("a date");
        let account = |hours: u64| Account {
            unknown: hours * 3600,
            ..Account::default()
        };
        let mut usage = Usage::new(date, date);
        (usage.days, usage.days_with_accounts) = (1, 1);
        usage.users = [("alice".to_owned(), account(7))].into();
        usage.add_part("alice", Group::Named("=p".to_owned()), account(4));
        usage.add_part("alice", Group::Unnamed, account(2));
        usage.add_part("alice", Group::Unknown, account(1));
        usage.add_task_gap(date, Some("gpu-a"), TaskGap::NotKept);
        usage
    }

    #[test]
    fn the_table_is_in_english_as_well() {
        let table = Language::English.in_it(|| table(&usage(), GroupBy::Project, UserOrder::Name));
        assert_eq!(
            table,
            "GPU-hours by project, 2025-08-01\n\
             \n\
             Project    Held  Active  Idle  (VRAM held)  No readings  GPU  VRAM  Coverage\n\
             =p         4.00    0.00  0.00         0.00         4.00  N/A   N/A     0.00%\n\
             (none)     2.00    0.00  0.00         0.00         2.00  N/A   N/A     0.00%\n\
             (unknown)  1.00    0.00  0.00         0.00         1.00  N/A   N/A     0.00%\n\
             Total      7.00    0.00  0.00         0.00         7.00  N/A   N/A     0.00%\n\
             \n\
             No task information for gpu-a: 2025-08-01: not kept\n"
        );
    }

    #[test]
    fn a_group_without_a_name_is_no_group_of_that_name() {
        let csv = csv(&usage(), GroupBy::Project, UserOrder::Name);
        let csv = String::from_utf8(csv).expect("UTF-8");
        let who = |line: &str| line.split(',').take(3).collect::<Vec<_>>().join(",");
        let rows: Vec<_> = csv.lines().skip(1).map(who).collect();
        let expected = [
            "專案,'=p,4.0000",
            "無,,2.0000",
            "不明,,1.0000",
            "合計,,7.0000",
        ];
        assert_eq!(rows, expected);
    }
}
