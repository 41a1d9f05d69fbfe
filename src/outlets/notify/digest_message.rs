//! The digest of a week or a month for the admin.

use super::message::{Message, hostname};
use crate::analysis::usage::{Usage, UserOrder, dates};
use crate::formats::{account, number, usage_table};
use crate::model::{said, text};

/// What most matters first, then who held what. The users have the names that they are to be shown by. The files that
/// are too large are not attached, which have at most so many MiB together.
pub fn digest(
    usage: &Usage,
    attached: &[&str],
    (too_large, most_mib): (&[String], usize),
) -> Message {
    let (host, days) = (hostname(), dates(usage.from, usage.to));
    let subject = said!(
        "daily-gpu-log {host}：用量摘要（{days}）",
        "daily-gpu-log {host}: digest of {days}"
    );
    let mut lines = Vec::new();
    if let Some(total) = usage.total() {
        let [held, active, idle, _, unknown] = account::hours(total, 2);
        let share = number::percent(total.idle_share());
        let coverage = number::percent(total.coverage());
        lines.push(said!(
            "時數 {held} GPU 小時：使用中 {active}、閒置 {idle}（{share}）、無讀數 {unknown}；涵蓋率 {coverage}",
            "{held} GPU-hours held: {active} active, {idle} idle ({share}), {unknown} without readings; coverage {coverage}"
        ));
        lines.push(String::new());
    }
    let table = usage_table::render(usage, UserOrder::Idle);
    lines.extend(table.lines().map(str::to_owned));
    lines.push(String::new());
    if !attached.is_empty() {
        let files = attached.join(", ");
        lines.push(said!("附件：{files}", "Attached: {files}"));
    }
    if !too_large.is_empty() {
        let files = too_large.join(", ");
        lines.push(said!(
            "太大而沒有附上（附件合計最多 {most_mib} MiB）：{files}",
            "Too large to attach (at most {most_mib} MiB in all): {files}"
        ));
    }
    let (from, to) = (usage.from, usage.to);
    lines.push(said!(
        "詳情請在主機上執行 daily-gpu-log users {from} --to {to}",
        "For more, run daily-gpu-log users {from} --to {to} on the host"
    ));
    let signature = format!(
        "{} {host}, daily-gpu-log {}",
        text("主機", "Host"),
        env!("CARGO_PKG_VERSION")
    );
    Message::new(&subject, lines, &signature)
}
