//! Who used what.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::head::swatch;
use super::svg::share;
use super::words::{hours, mean, name, percent_of};
use crate::analysis::Account;
use crate::analysis::overview::Overview;
use crate::analysis::usage::UserOrder;
use crate::model::{Percent, WeightedSum, text};

/// How many colours of users there are.
pub const COLOURS: usize = 8;

pub fn users(overview: &Overview) -> Markup {
    let Some(total) = overview.usage.total() else {
        return html! {
            section {
                h2 { (text("誰用了多少", "Who used what")) }
                p .note { (text("這段期間沒有用量報告：沒有資料不等於沒有使用。", "There is no usage report of these days, which is not the same as no use.")) }
            }
        };
    };
    let rows = overview.usage.sorted(UserOrder::Allocated);
    let most = rows.first().map_or(0, |(_, account)| account.seconds());
    let columns = [
        text("使用者", "User"),
        text("時數", "Hours"),
        text("使用中", "Active"),
        text("閒置", "Idle"),
        text("無讀數", "No readings"),
        text("平均 GPU", "Mean GPU"),
        text("平均 VRAM", "Mean VRAM"),
        "VRAM GB",
        text("GPU 數", "GPUs"),
        text("涵蓋率", "Coverage"),
    ];
    html! {
        section {
            h2 #users { (text("誰用了多少", "Who used what")) }
            @if rows.is_empty() {
                p .note { (text("沒有人佔用 GPU。", "Nobody held a GPU.")) }
            } @else {
                div .wide role="region" tabindex="0" aria-labelledby="users" {
                    table .users aria-labelledby="users" {
                        thead {
                            tr {
                                @for (position, column) in columns.iter().enumerate() {
                                    th scope="col" aria-sort=[(position == 1).then_some("descending")] { (column) }
                                }
                                th .bars scope="col" { (text("使用中與閒置", "Active and idle")) }
                            }
                        }
                        tbody { @for (user, account) in &rows { (row(overview, user, *account, most)) } }
                        @if rows.len() > 1 { tfoot { (sum(total)) } }
                    }
                }
                p .note {
                    (text("時數以小時計，由每天的用量報告 (users_<日期>.csv) 合計。", "In hours, added up from the usage reports of the days (users_<date>.csv)."))
                }
            }
        }
    }
}

fn row(overview: &Overview, user: &str, account: Account, most: u64) -> Markup {
    let number = overview.users.iter().position(|name| name == user);
    let gigabytes = overview.vram.get(user).and_then(|of| of.gigabytes());
    let gpus = overview.gpus_of_users.get(user).map_or(0, BTreeSet::len);
    let (gpu, vram) = means(account);
    #[expect(clippy::cast_precision_loss, reason = "the place of a bar")]
    let place = |seconds: u64| share(seconds as f64, most as f64);
    let bars = [
        ("act", 0, account.active),
        ("idle", account.active, account.idle.seconds()),
        ("unk", account.observed(), account.unknown),
    ];
    html! {
        tr data-u=[number] {
            th scope="row" {
                @if let Some(number) = number { (swatch(&format!("u{}", number % COLOURS))) }
                span .who { (name(user)) }
            }
            (seconds(account.seconds()))
            (seconds(account.active))
            (seconds(account.idle.seconds()))
            (seconds(account.unknown))
            td data-v=(gpu.map_or(-1.0, Percent::value)) { (mean(gpu)) }
            td data-v=(vram.map_or(-1.0, Percent::value)) { (mean(vram)) }
            td data-v=(gigabytes.unwrap_or(-1.0)) { @match gigabytes { Some(of) => (format!("{of:.1}")), None => "—" } }
            td data-v=(gpus) { (gpus) }
            td data-v=(account.observed()) { (percent_of(account.observed(), account.seconds())) }
            td .bars {
                svg aria-hidden="true" {
                    @for (class, from, part) in bars {
                        @if part > 0 { rect class=(class) x=(place(from)) width=(place(part)) height="100%" {} }
                    }
                }
            }
        }
    }
}

fn sum(total: Account) -> Markup {
    let (gpu, vram) = means(total);
    html! {
        tr {
            th scope="row" { (text("合計", "Total")) }
            td { (hours(total.seconds())) }
            td { (hours(total.active)) }
            td { (hours(total.idle.seconds())) }
            td { (hours(total.unknown)) }
            td { (mean(gpu)) }
            td { (mean(vram)) }
            td {} td {}
            td { (percent_of(total.observed(), total.seconds())) }
            td {}
        }
    }
}

fn means(account: Account) -> (Option<Percent>, Option<Percent>) {
    let mean = |of: WeightedSum| of.mean().map(Into::into);
    (mean(account.gpu), mean(account.vram))
}

/// The exact value is what is sorted by.
fn seconds(seconds: u64) -> Markup {
    html! { td data-v=(seconds) { (hours(seconds)) } }
}
