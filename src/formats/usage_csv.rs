//! The accounts of several days as CSV: the columns of `users_<date>.csv`, without those of one GPU.

use csv::{Writer, WriterBuilder};

use super::account_text::{Coverage, Hours, Shown, means, seconds};
use super::csv_text::guard_formula;
use crate::analysis::ledger::Account;
use crate::analysis::usage::{Usage, UserOrder};

const HEADER: [&str; 17] = [
    "類別",
    "使用者",
    "時數(GPU小時)",
    "使用中(GPU小時)",
    "閒置(GPU小時)",
    "閒置佔用VRAM(GPU小時)",
    "無讀數(GPU小時)",
    "平均GPU使用率(%)",
    "平均VRAM使用率(%)",
    "涵蓋率(%)",
    "總秒數",
    "使用中秒數",
    "閒置佔用VRAM秒數",
    "閒置未佔用VRAM秒數",
    "閒置VRAM不明秒數",
    "無讀數秒數",
    "VRAM讀數秒數",
];

/// A row for each user, and one of all, unless no day has accounts.
pub fn render(usage: &Usage, order: UserOrder) -> Vec<u8> {
    let mut csv = WriterBuilder::new()
        .has_headers(false)
        .from_writer(Vec::new());
    csv.write_record(HEADER).expect(TAKES_ALL);
    for (user, account) in usage.sorted(order) {
        write(&mut csv, "使用者", user, account);
    }
    if let Some(total) = usage.total() {
        write(&mut csv, "合計", "", total);
    }
    csv.into_inner().expect(TAKES_ALL)
}

const TAKES_ALL: &str = "a vector takes whatever is written";

fn write(csv: &mut Writer<Vec<u8>>, kind: &str, user: &str, account: Account) {
    let hours = [
        account.seconds(),
        account.active,
        account.idle.seconds(),
        account.idle.vram_held,
        account.unknown,
    ];
    let row = (
        (kind, guard_formula(user)),
        hours.map(|seconds| Shown(Hours(seconds))),
        means(account),
        Shown(Coverage(account)),
        seconds(account),
    );
    csv.serialize(row).expect(TAKES_ALL);
}
