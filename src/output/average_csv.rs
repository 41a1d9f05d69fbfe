//! `average_<date>.csv`: the means and the users of a node's GPUs.

use csv::{QuoteStyle, WriterBuilder};

use super::csv_text::neutral_users;
use super::number::two_decimals;
use crate::node_day::NodeDay;

const HEADER: [&str; 4] = ["GPU編號", "平均GPU使用率(%)", "平均VRAM使用率(%)", "使用者"];
/// The user column of a GPU that nobody held.
pub(super) const UNUSED: &str = "未使用";

/// The file.
pub(super) fn render(day: &NodeDay) -> Vec<u8> {
    let mut csv = WriterBuilder::new()
        .quote_style(QuoteStyle::Necessary)
        .from_writer(Vec::new());
    let gpus = day.gpus.iter().map(|gpu| {
        let users = day.users(gpu.index);
        let users = users.map_or_else(|| UNUSED.to_owned(), |users| neutral_users(&users));
        [
            gpu.index.to_string(),
            two_decimals(gpu.mean.gpu),
            two_decimals(gpu.mean.vram),
            users,
        ]
    });
    let mean = day.mean();
    let all = [
        "全部平均".to_owned(),
        two_decimals(mean.gpu),
        two_decimals(mean.vram),
        "所有使用者".to_owned(),
    ];
    let written = csv
        .write_record(HEADER)
        .and_then(|()| gpus.chain([all]).try_for_each(|row| csv.write_record(row)));
    written.expect("a vector takes whatever is written");
    csv.into_inner()
        .expect("a vector takes whatever is written")
}
