use std::fmt::Display;

use crate::model::{Capped, said};

/// The first five reasons of a day, or of a run of days, a line each; JSON has them all.
pub fn first_reasons(date: impl Display, reasons: &[String]) -> Vec<String> {
    let reasons: Capped<_, 5> = reasons
        .iter()
        .map(|reason| said!("{date}：{reason}", "{date}: {reason}"))
        .collect();
    reasons.followed_by(|more| {
        said!(
            "{date}：還有 {more} 項（以 --json 查看）",
            "{date}: {more} more (see --json)"
        )
    })
}
