//! The accounts of several days as CSV: the columns of `users_<date>.csv`, without those of one GPU.

use super::account::{Columns, hours};
use super::csv_text::{self, guard_formula};
use crate::analysis::Account;
use crate::analysis::usage::{GroupBy, Usage, UserOrder};
use crate::model::{said, text};

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

/// A row for each user, and one of all, unless no day has accounts.
pub fn render(usage: &Usage, order: UserOrder) -> Vec<u8> {
    let by = GroupBy::User;
    let users = usage.sorted(order).into_iter();
    let users = users.map(|(user, account)| (by.word(), user.to_owned(), account));
    file(usage, by, users)
}

/// The rows, each with its kind and its name, and below them that of all.
pub fn file(
    usage: &Usage,
    by: GroupBy,
    rows: impl Iterator<Item = (&'static str, String, Account)>,
) -> Vec<u8> {
    let header = said!(
        "類別,{of},{headings}",
        "kind,{of},{headings}",
        of = by.word(),
        headings = headings()
    );
    let total = usage.total();
    let total = total.map(|total| (text("合計", "total"), String::new(), total));
    let rows = rows.chain(total).map(|(kind, name, account)| {
        let columns = Columns::from(account);
        (kind, guard_formula(&name), hours(account, 4), columns)
    });
    csv_text::file(&header, rows)
}
