//! `average_<date>.csv`: the means and the users of a node's GPUs. The users are read back, by runs that know nothing
//! of tasks.

use std::collections::BTreeMap;
use std::{fmt, io};

use csv::ReaderBuilder;
use serde::{Deserialize, Serialize};

use super::csv_text::{self, guard_formula, unguard};
use super::number::two_decimals;
use super::unreadable::Unreadable;
use crate::analysis::{Mean, NodeDay};
use crate::model::{GpuIndex, Percent, UserColumn};

const HEADER: &str = "GPU編號,平均GPU使用率(%),平均VRAM使用率(%),使用者";
/// That of the oldest programs, which knew no users.
const HEADER_WITHOUT_USERS: &str = "GPU卡號,平均GPU使用率(%),平均VRAM使用率(%)";
/// The user column of a GPU that nobody held.
pub const UNUSED: &str = "未使用";
/// The first and the last column of the last row, which a torn file lacks.
const TOTAL: &str = "全部平均";
const ALL_USERS: &str = "所有使用者";

#[derive(Serialize, Deserialize)]
struct Row {
    gpu: String,
    gpu_mean: String,
    vram_mean: String,
    users: String,
}

impl Row {
    fn new(gpu: impl fmt::Display, mean: Mean, users: String) -> Self {
        Self {
            gpu: gpu.to_string(),
            gpu_mean: two_decimals(mean.gpu),
            vram_mean: two_decimals(mean.vram),
            users,
        }
    }
}

pub fn render(day: &NodeDay, user_column: UserColumn) -> Vec<u8> {
    let users = day.user_column(user_column);
    let gpus = day.gpus.iter().map(|gpu| {
        let users = users.get(&gpu.index);
        let users = users.map_or_else(|| UNUSED.to_owned(), |users| guard_formula(users));
        Row::new(gpu.index, gpu.mean, users)
    });
    let all = Row::new(TOTAL, day.mean(), ALL_USERS.to_owned());
    csv_text::file(HEADER, gpus.chain([all]))
}

/// The user column, of the GPUs that have one.
pub fn users(file: impl io::Read) -> Result<BTreeMap<GpuIndex, String>, Unreadable> {
    let mut csv = ReaderBuilder::new().from_reader(file);
    let header = csv.headers()?;
    if header.iter().eq(HEADER_WITHOUT_USERS.split(',')) {
        return Ok(BTreeMap::new());
    }
    if !header.iter().eq(HEADER.split(',')) {
        return Err(Unreadable::malformed("第 1 列不是平均檔案的標題"));
    }
    let mut users = BTreeMap::new();
    let mut last = None;
    let mut is_whole = false;
    for record in csv.records() {
        let record = record?;
        let row: Row = record.deserialize(None)?;
        if is_whole {
            return Err(Unreadable::row(&record, "在全部平均之後"));
        }
        if (row.gpu.as_str(), row.users.as_str()) == (TOTAL, ALL_USERS) {
            is_whole = true;
            continue;
        }
        let index = GpuIndex::parse(&row.gpu);
        let index = index.filter(|&index| last.is_none_or(|last| last < index));
        let index = index.ok_or_else(|| Unreadable::row(&record, "不是 GPU 的平均"))?;
        last = Some(index);
        if row.users != UNUSED {
            users.insert(index, unguard(&row.users));
        }
    }
    if is_whole {
        Ok(users)
    } else {
        Err(Unreadable::malformed("最後一列不是全部平均"))
    }
}

/// The means of all GPUs together: those of the last row, which is not a GPU's.
pub fn mean(file: impl io::Read) -> Result<Mean, Unreadable> {
    let mut csv = ReaderBuilder::new().from_reader(file);
    let last = csv.records().last().transpose()?.unwrap_or_default();
    let is_total = last
        .get(0)
        .is_some_and(|gpu| GpuIndex::parse(gpu).is_none());
    let percent = |column| Percent::new(last.get(column)?.parse().ok()?);
    let (gpu, vram) = (percent(1), percent(2));
    if is_total {
        Ok(Mean { gpu, vram })
    } else {
        Err(Unreadable::malformed("最後一列不是全部平均"))
    }
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
