//! What is said on the page more than once.

use std::fmt::Display;

use serde::Serialize;

use crate::analysis::Coverage;
use crate::analysis::overview::{Level, Overview};
use crate::formats::number;
use crate::model::{GpuIndex, Percent, comma, counted, printable, said, text};

/// The words of the script.
#[derive(Serialize)]
pub struct Words {
    gap: &'static str,
    unused: &'static str,
    #[serde(rename = "noTasks")]
    no_tasks: &'static str,
    doubt: &'static str,
    coverage: &'static str,
    task: &'static str,
    since: &'static str,
    hours: &'static str,
    sort: &'static str,
    pick: &'static str,
    close: &'static str,
    lane: &'static str,
}

impl Words {
    pub fn new(is_of_user: bool) -> Self {
        Self {
            gap: text("無讀數", "no reading"),
            // Of one user's page: others may have held it.
            unused: if is_of_user {
                text("這位使用者沒有佔用", "not held by this user")
            } else {
                text("沒有任務佔用", "held by no task")
            },
            no_tasks: text("沒有任務資訊", "no task information"),
            doubt: text("不確定是否有任務佔用", "not known whether a task held it"),
            coverage: text("涵蓋率", "coverage"),
            task: text("任務", "task"),
            since: text("起", "since"),
            hours: text("小時", "h"),
            sort: text("排序", "sort"),
            pick: text("只看這位使用者的佔用", "show only what this user held"),
            close: text("收合", "close"),
            lane: text(
                "方向鍵移動，Enter 展開曲線",
                "arrow keys move, Enter opens the lines",
            ),
        }
    }
}

/// A name from outside, of which nothing is hidden.
pub fn name(text: &str) -> String {
    printable(&text.replace(char::is_control, "\u{fffd}"))
}

/// GPUs as people count them: `GPU[0]–GPU[7]`.
pub fn gpus(indices: &[GpuIndex]) -> String {
    let runs = indices.chunk_by(|a, b| a.0 + 1 == b.0);
    let shown = runs.map(|run| match run {
        [one] => one.to_string(),
        [one, other] => format!("{one}{}{other}", comma()),
        [first, .., last] => format!("{first}–{last}"),
        [] => String::new(),
    });
    shown.collect::<Vec<_>>().join(comma())
}

/// Seconds of GPUs as hours, to one decimal, with commas between thousands.
pub fn hours(seconds: u64) -> String {
    grouped(number::hours(seconds, 1))
}

/// A number with commas between thousands.
pub fn grouped(number: impl Display) -> String {
    let number = format!("{number}");
    let (whole, rest) = number.split_at(number.find('.').unwrap_or(number.len()));
    let mut shown = String::new();
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown + rest
}

pub fn gpu_hours(seconds: u64) -> String {
    let hours = hours(seconds);
    said!("{hours} GPU 小時", "{hours} GPU-hours")
}

/// A share in percent, to one decimal. Only what is whole is 100.0%, and only what is nothing is 0.0%.
pub fn percent_of(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "—".to_owned();
    }
    let tenths = (part * 2000 + whole) / (whole * 2);
    let tenths = match tenths {
        1000.. if part < whole => 999,
        0 if part > 0 => 1,
        tenths => tenths,
    };
    format!("{}.{}%", tenths / 10, tenths % 10)
}

/// A mean, to one decimal.
pub fn mean(mean: Option<Percent>) -> String {
    mean.map_or_else(|| "—".to_owned(), |mean| format!("{:.1}%", mean.value()))
}

/// A mean as a cell has it.
pub fn level(mean: Option<Percent>) -> Level {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most 1,000 tenths of a percent"
    )]
    mean.map(|mean| (mean.value() * 10.0).round() as u16)
}

/// The coverage in percent alone. Only what is whole is 100.0%.
pub fn covered(coverage: Coverage) -> String {
    let count = |of: usize| u64::try_from(of).unwrap_or(u64::MAX);
    percent_of(count(coverage.found), count(coverage.due))
}

/// How long a reading is the mean of.
pub fn interval(overview: &Overview) -> String {
    let minutes = usize::try_from(overview.interval.seconds() / 60).unwrap_or(0);
    counted(minutes, "分鐘", "minute", "minutes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn hours_have_commas_between_thousands() {
        for (seconds, shown) in [
            (0, "0.0"),
            (3_599_999, "1,000.0"),
            (82_944_000, "23,040.0"),
            (360, "0.1"),
        ] {
            assert_eq!(hours(seconds), shown);
        }
    }

    #[test]
    fn only_what_is_whole_is_100_percent() {
        for (part, whole, shown) in [
            (1, 1, "100.0%"),
            (99_999, 100_000, "99.9%"),
            (1, 100_000, "0.1%"),
            (0, 5, "0.0%"),
            (1, 3, "33.3%"),
            (0, 0, "—"),
        ] {
            assert_eq!(percent_of(part, whole), shown);
        }
    }

    #[test]
    fn gpus_that_follow_each_other_are_one_range() {
        let indices = [0, 1, 2, 4, 6, 7].map(GpuIndex);
        assert_eq!(gpus(&indices), "GPU[0]–GPU[2]、GPU[4]、GPU[6]、GPU[7]");
    }
}
