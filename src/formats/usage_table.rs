//! The accounts of several days as a table for people, and below it what is missing from them and what speaks against
//! them.

use comfy_table::CellAlignment;

use super::number::percent;
use super::{account, table};
use crate::analysis::Account;
use crate::analysis::usage::{GroupBy, Usage, UserOrder};
use crate::model::{Percent, WeightedSum, counted, printable, said, text};

/// The heading of the first column, and those of the figures.
pub fn header(of: &'static str) -> [&'static str; 9] {
    [
        of,
        text("時數", "Held"),
        text("使用中", "Active"),
        text("閒置", "Idle"),
        text("(佔用VRAM)", "(VRAM held)"),
        text("無讀數", "No readings"),
        text("平均GPU", "GPU"),
        text("平均VRAM", "VRAM"),
        text("涵蓋率", "Coverage"),
    ]
}

pub fn render(usage: &Usage, order: UserOrder) -> String {
    let mut lines = Vec::new();
    if let Some(total) = usage.total() {
        let users = usage.sorted(order).into_iter();
        // A name that a file holds may break lines, which the management API's cannot.
        let users = users.map(|(user, account)| {
            row(
                &printable(&user.replace(char::is_control, "\u{fffd}")),
                account,
            )
        });
        let rows = users.chain([row(text("合計", "Total"), total)]);
        let header = header(GroupBy::User.heading());
        lines = table::lines(header, rows, CellAlignment::Right);
    }
    page(usage, GroupBy::User, lines)
}

/// The lines of a table below its title, and what is to be remarked below them.
pub fn page(usage: &Usage, by: GroupBy, table: Vec<String>) -> String {
    let mut page = title(usage, by);
    for lines in [table, remarks(usage)] {
        if !lines.is_empty() {
            page.push('\n');
            page.extend(lines.into_iter().map(|line| line + "\n"));
        }
    }
    page
}

fn title(usage: &Usage, by: GroupBy) -> String {
    let (from, to, of) = (usage.from, usage.to, by.word());
    if from == to {
        return said!("{from} 各{of}的 GPU 小時\n", "GPU-hours by {of}, {from}\n");
    }
    said!(
        "{from} 到 {to} 各{of}的 GPU 小時（{days}，其中 {reported} 天有報告）\n",
        "GPU-hours by {of}, {from} to {to} ({days}, {reported} with a report)\n",
        days = counted(usage.days, "天", "day", "days"),
        reported = usage.days_with_accounts
    )
}

pub fn row(user: &str, account: Account) -> [String; 9] {
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
    let for_node = |node: Option<&String>| {
        node.map_or_else(String::new, |node| said!(" {node} 的", " for {node}"))
    };
    let absences = usage.absences.iter().map(|(absence, dates)| {
        let (of, message) = (for_node(absence.node.as_ref()), absence.reason.message());
        said!(
            "沒有{of}用量報告：{dates}：{message}",
            "No usage report{of}: {dates}: {message}"
        )
    });
    let gaps = usage.task_gaps.iter().map(|((node, gap), dates)| {
        let (of, message) = (for_node(node.as_ref()), gap.message());
        said!(
            "沒有{of}任務資訊：{dates}：{message}",
            "No task information{of}: {dates}: {message}"
        )
    });
    let mut doubts: Vec<_> = usage.doubts.iter().collect();
    doubts.sort_by_key(|((_, doubt), _)| *doubt);
    let doubts = doubts.into_iter().map(|((node, doubt), dates)| {
        let doubt = doubt.word();
        said!(
            "備註：{node}：{dates}：{doubt}",
            "Note: {node}: {dates}: {doubt}"
        )
    });
    absences.chain(gaps).chain(doubts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Idle;
    use crate::analysis::usage::AbsenceReason;
    use crate::model::{Language, Reading};
    use pretty_assertions::assert_eq;

    /// An account of so many hours, with the mean of the GPU and of the VRAM.
    fn account([active, held, unknown]: [u64; 3], [gpu, vram]: [f64; 2]) -> Account {
        let (active, held, unknown) = (active * 3600, held * 3600, unknown * 3600);
        let mut account = Account {
            active,
            idle: Idle {
                vram_held: held,
                ..Idle::default()
            },
            unknown,
            ..Account::default()
        };
        let reading = |percent| Reading::new(percent).expect("a percentage");
        account.gpu.add(reading(gpu), active + held);
        account.vram.add(reading(vram), active + held);
        account
    }

    #[test]
    fn the_table_is_in_english_as_well() {
        let date = |day: &str| day.parse().expect("a date");
        let mut usage = Usage::new(date("2025-07-31"), date("2025-08-01"));
        (usage.days, usage.days_with_accounts) = (1, 1);
        let users = [
            ("alice", account([12, 22, 1], [18.79, 69.44])),
            ("bob", account([4, 0, 0], [50.0, 40.0])),
        ];
        usage.users = users.map(|(user, of)| (user.to_owned(), of)).into();
        usage.add_absence(date("2025-07-31"), None, AbsenceReason::NotCollected);
        usage.add_absence(
            date("2025-08-01"),
            Some("gpu-b"),
            AbsenceReason::TasksUnavailable,
        );
        let table = Language::English.in_it(|| render(&usage, UserOrder::Idle));
        assert_eq!(
            table,
            "GPU-hours by user, 2025-07-31 to 2025-08-01 (2 days, 1 with a report)\n\
             \n\
             User    Held  Active   Idle  (VRAM held)  No readings     GPU    VRAM  Coverage\n\
             alice  35.00   12.00  22.00        22.00         1.00  18.79%  69.44%    97.14%\n\
             bob     4.00    4.00   0.00         0.00         0.00  50.00%  40.00%   100.00%\n\
             Total  39.00   16.00  22.00        22.00         1.00  22.08%  66.34%    97.43%\n\
             \n\
             No usage report: 2025-07-31: not collected\n\
             No usage report for gpu-b: 2025-08-01: no task information\n"
        );
    }
}
