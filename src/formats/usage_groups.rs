//! The accounts of several days by project, node, day or type of task: as a table for people, and as CSV.

use comfy_table::CellAlignment;

use super::{table, usage_csv, usage_table};
use crate::analysis::usage::{Group, GroupBy, Usage, UserOrder};
use crate::model::{printable, text};

pub fn table(usage: &Usage, by: GroupBy, order: UserOrder) -> String {
    let mut lines = Vec::new();
    if let Some(total) = usage.total() {
        let groups = usage.sorted_groups(order).into_iter();
        let groups =
            groups.map(|(group, account)| usage_table::row(&printable(&group.shown()), account));
        let rows = groups.chain([usage_table::row(text("合計", "Total"), total)]);
        let header = usage_table::header(by.heading());
        lines = table::lines(header, rows, CellAlignment::Right);
    }
    usage_table::page(usage, by, lines)
}

/// A row for each group, and one of all, unless no day has accounts.
pub fn csv(usage: &Usage, by: GroupBy, order: UserOrder) -> Vec<u8> {
    let groups = usage.sorted_groups(order).into_iter();
    let groups = groups.map(|(group, account)| match group {
        // So that a group of this name is not taken for it.
        Group::Unnamed => (text("無", "none"), String::new(), account),
        Group::Unknown => (text("不明", "unknown"), String::new(), account),
        group => (by.word(), group.shown(), account),
    });
    usage_csv::file(usage, by, groups)
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
