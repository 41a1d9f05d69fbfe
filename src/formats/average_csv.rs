//! `average_<date>.csv`: the means and the users of a node's GPUs. The users are read back, by runs that know nothing
//! of tasks.

use std::collections::BTreeMap;
use std::io;

use csv::{QuoteStyle, ReaderBuilder, StringRecord, WriterBuilder};

use super::csv_text::{guard_formula, unguard};
use super::number::two_decimals;
use super::unreadable::Unreadable;
use crate::analysis::node_day::NodeDay;
use crate::model::units::GpuIndex;

const HEADER: [&str; 4] = ["GPU編號", "平均GPU使用率(%)", "平均VRAM使用率(%)", "使用者"];
/// That of the oldest programs, which knew no users.
const HEADER_WITHOUT_USERS: [&str; 3] = ["GPU卡號", "平均GPU使用率(%)", "平均VRAM使用率(%)"];
/// The user column of a GPU that nobody held.
pub const UNUSED: &str = "未使用";
/// The first and the last column of the last row, which tells a whole file from a torn one.
const TOTAL: &str = "全部平均";
const ALL_USERS: &str = "所有使用者";

/// The file.
pub fn render(day: &NodeDay) -> Vec<u8> {
    let mut csv = WriterBuilder::new()
        .quote_style(QuoteStyle::Necessary)
        .from_writer(Vec::new());
    let gpus = day.gpus.iter().map(|gpu| {
        let users = day.users(gpu.index);
        let users = users.map_or_else(|| UNUSED.to_owned(), |users| guard_formula(&users));
        [
            gpu.index.to_string(),
            two_decimals(gpu.mean.gpu),
            two_decimals(gpu.mean.vram),
            users,
        ]
    });
    let mean = day.mean();
    let all = [
        TOTAL.to_owned(),
        two_decimals(mean.gpu),
        two_decimals(mean.vram),
        ALL_USERS.to_owned(),
    ];
    let written = csv
        .write_record(HEADER)
        .and_then(|()| gpus.chain([all]).try_for_each(|row| csv.write_record(row)));
    written.expect("a vector takes whatever is written");
    csv.into_inner()
        .expect("a vector takes whatever is written")
}

/// The user column, of the GPUs that have one.
pub fn users(file: impl io::Read) -> Result<BTreeMap<GpuIndex, String>, Unreadable> {
    let mut csv = ReaderBuilder::new().from_reader(file);
    let header = csv.headers()?;
    if header == HEADER_WITHOUT_USERS.as_slice() {
        return Ok(BTreeMap::new());
    }
    if header != HEADER.as_slice() {
        let problem = "第 1 列不是平均檔案的標題";
        return Err(Unreadable::Malformed(problem.to_owned()));
    }
    let mut users = BTreeMap::new();
    let mut last = None;
    let mut is_whole = false;
    for row in csv.records() {
        let row = row?;
        let malformed = |problem: &str| {
            let line = row.position().map_or(0, csv::Position::line);
            Unreadable::Malformed(format!("第 {line} 列{problem}"))
        };
        if is_whole {
            return Err(malformed("在全部平均之後"));
        }
        if (&row[0], &row[3]) == (TOTAL, ALL_USERS) {
            is_whole = true;
            continue;
        }
        let index = gpu(&row).filter(|&index| last.is_none_or(|last| last < index));
        let index = index.ok_or_else(|| malformed("不是 GPU 的平均"))?;
        last = Some(index);
        if row[3] != *UNUSED {
            users.insert(index, unguard(&row[3]));
        }
    }
    if is_whole {
        Ok(users)
    } else {
        let problem = "最後一列不是全部平均";
        Err(Unreadable::Malformed(problem.to_owned()))
    }
}

/// The GPU that a row is of.
fn gpu(row: &StringRecord) -> Option<GpuIndex> {
    let index = row[0].strip_prefix("GPU[")?.strip_suffix(']')?;
    Some(GpuIndex(index.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_file_is_taken_for_the_whole() {
        let whole = include_str!("../../fixtures/golden/average_2025-08-01.csv");
        let held = BTreeMap::from([(GpuIndex(3), "nycubme".to_owned())]);
        assert_eq!(users(whole.as_bytes()).expect("a file"), held);
        // The end of the last line is no part of what the file says.
        for end in 0..whole.len() - 1 {
            let torn = users(&whole.as_bytes()[..end]);
            assert!(matches!(torn, Err(Unreadable::Malformed(_))), "{end}");
        }
    }
}
