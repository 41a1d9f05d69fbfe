//! The accounts of several days as CSV: the columns of `users_<date>.csv`, without those of one GPU.

use super::account::{Columns, hours};
use super::csv_text::{self, guard_formula};
use crate::analysis::Account;
use crate::analysis::usage::{Usage, UserOrder};
use crate::model::text;

fn header() -> &'static str {
    text(
        "類別,使用者,時數(GPU小時),使用中(GPU小時),閒置(GPU小時),閒置佔用VRAM(GPU小時),無讀數(GPU小時),\
        平均GPU使用率(%),平均VRAM使用率(%),涵蓋率(%),總秒數,使用中秒數,閒置佔用VRAM秒數,閒置未佔用VRAM秒數,\
        閒置VRAM不明秒數,無讀數秒數,VRAM讀數秒數",
        "kind,user,hours,active_hours,idle_hours,idle_vram_held_hours,unknown_hours,\
        mean_gpu_percent,mean_vram_percent,coverage_percent,seconds,active_seconds,idle_vram_held_seconds,\
        idle_vram_empty_seconds,idle_vram_unknown_seconds,unknown_seconds,vram_observed_seconds",
    )
}

/// A row for each user, and one of all, unless no day has accounts.
pub fn render(usage: &Usage, order: UserOrder) -> Vec<u8> {
    let row = |kind: &'static str, user: &str, account: Account| {
        let columns = Columns::from(account);
        (kind, guard_formula(user), hours(account, 4), columns)
    };
    let users = usage.sorted(order).into_iter();
    let users = users.map(|(user, account)| row(text("使用者", "user"), user, account));
    let total = usage
        .total()
        .map(|total| row(text("合計", "total"), "", total));
    csv_text::file(header(), users.chain(total))
}
