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
use crate::model::{GpuIndex, Percent, UserColumn, text};

pub fn header() -> &'static str {
    text(
        "GPU編號,平均GPU使用率(%),平均VRAM使用率(%),使用者",
        "gpu,mean_gpu_percent,mean_vram_percent,users",
    )
}

/// That of the oldest programs, which knew no users. None wrote it in English.
pub fn header_without_users() -> &'static str {
    text(
        "GPU卡號,平均GPU使用率(%),平均VRAM使用率(%)",
        "card,mean_gpu_percent,mean_vram_percent",
    )
}

/// The user column of a GPU that nobody held.
pub fn unused() -> &'static str {
    text("未使用", "unused")
}

/// The first and the last column of the last row, which a torn file lacks.
fn total() -> (&'static str, &'static str) {
    (
        text("全部平均", "all_mean"),
        text("所有使用者", "all_users"),
    )
}

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
        let users = users.map_or_else(|| unused().to_owned(), |users| guard_formula(users));
        Row::new(gpu.index, gpu.mean, users)
    });
    let (all, all_users) = total();
    let all = Row::new(all, day.mean(), all_users.to_owned());
    csv_text::file(header(), gpus.chain([all]))
}

/// The user column, of the GPUs that have one.
pub fn users(file: impl io::Read) -> Result<BTreeMap<GpuIndex, String>, Unreadable> {
    let mut csv = ReaderBuilder::new().from_reader(file);
    let first = csv.headers()?;
    if csv_text::language(first, header_without_users).is_some() {
        return Ok(BTreeMap::new());
    }
    let language = csv_text::language(first, header).ok_or_else(|| {
        Unreadable::malformed(text(
            "第 1 列不是平均檔案的標題",
            "line 1 is not the header of an average file",
        ))
    })?;
    let (total, unused) = language.in_it(|| (total(), unused()));
    let mut users = BTreeMap::new();
    let mut last = None;
    let mut is_whole = false;
    for record in csv.records() {
        let record = record?;
        let row: Row = record.deserialize(None)?;
        if is_whole {
            let problem = text("在全部平均之後", "comes after the mean of all GPUs");
            return Err(Unreadable::row(&record, problem));
        }
        if (row.gpu.as_str(), row.users.as_str()) == total {
            is_whole = true;
            continue;
        }
        let index = GpuIndex::parse(&row.gpu);
        let index = index.filter(|&index| last.is_none_or(|last| last < index));
        let problem = text("不是 GPU 的平均", "is not the mean of a GPU");
        let index = index.ok_or_else(|| Unreadable::row(&record, problem))?;
        last = Some(index);
        if row.users != unused {
            users.insert(index, unguard(&row.users));
        }
    }
    if is_whole {
        Ok(users)
    } else {
        Err(Unreadable::malformed(text(
            "最後一列不是全部平均",
            "the last line is not the mean of all GPUs",
        )))
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
        Err(Unreadable::malformed(text(
            "最後一列不是全部平均",
            "the last line is not the mean of all",
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_file_is_taken_for_the_whole() {
        for whole in [
            include_str!("../../fixtures/golden/average_2025-08-01.csv"),
            include_str!("../../fixtures/golden/average_2025-08-01.en.csv"),
        ] {
            let held = BTreeMap::from([(GpuIndex(3), "nycubme".to_owned())]);
            assert_eq!(users(whole.as_bytes()).expect("a file"), held);
            // The end of the last line is no part of what the file says.
            for end in 0..whole.len() - 1 {
                let torn = users(&whole.as_bytes()[..end]);
                assert!(matches!(torn, Err(Unreadable::Malformed(_))), "{end}");
            }
        }
    }
}
