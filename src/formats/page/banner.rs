//! What is missing, at the beginning of the page.

use maud::{Markup, html};

use super::findings::list;
use super::words::{covered, gpus, grouped, name};
use crate::analysis::overview::{Overview, OverviewDay};
use crate::analysis::usage::DateRuns;
use crate::formats::usage_table;
use crate::model::{Capped, clock, comma, said, text};

/// The most lines of the banner. More are of a tree that is not worth reading line by line.
const MOST_LINES: usize = 100;
/// The most lines that are not folded away.
const MOST_OPEN: usize = 6;

/// What is missing, where anything is.
pub fn banner(overview: &Overview) -> Markup {
    let mut lines = Vec::new();
    for day in overview.days.iter().filter(|day| day.parts.is_some()) {
        lines.extend(so_far(overview, day));
    }
    let is_known =
        |user: &&String| overview.usage.users.contains_key(*user) || overview.users.contains(*user);
    if let Some(user) = overview.user.as_ref().filter(|user| !is_known(user)) {
        let user = name(user);
        lines.push(said!(
            "沒有用量報告，無法得知是否有使用者「{user}」",
            "without a usage report it is not known whether there is a user '{user}'"
        ));
    }
    let empty = overview.days_without_files();
    if !empty.0.is_empty() {
        lines.push(said!(
            "完全沒有資料的日子：{empty}",
            "days without any data: {empty}"
        ));
    }
    for node in &overview.nodes {
        let node_name = name(&node.name);
        for (reason, dates) in &node.failures {
            lines.push(said!(
                "{node_name} 沒有讀數：{dates}：{reason}",
                "no readings of {node_name}: {dates}: {reason}"
            ));
        }
        for (without, dates) in &node.without_readings {
            let gpus = gpus(without);
            lines.push(said!(
                "{node_name} {gpus} 沒有讀數：{dates}",
                "no readings of {node_name} {gpus}: {dates}"
            ));
        }
    }
    let coverage = overview.coverage();
    if !coverage.is_whole() {
        let (percent, found, due) = (
            covered(coverage),
            grouped(coverage.found),
            grouped(coverage.due),
        );
        lines.push(said!(
            "讀數涵蓋率 {percent}：{due} 筆中有 {found} 筆",
            "coverage {percent}: {found} of {due} readings"
        ));
    }
    let mut without_tasks = DateRuns::default();
    let days = overview.days.iter();
    for day in days.filter(|day| day.parts.is_some() && day.tasks_until.is_none()) {
        without_tasks.add(day.date);
    }
    if !without_tasks.0.is_empty() {
        lines.push(said!(
            "沒有保存的任務資訊，圖中沒有佔用的時間：{without_tasks}",
            "no task information is kept, so that who held what when is not drawn: {without_tasks}"
        ));
    }
    let mut usage = overview.usage.clone();
    // That there are no accounts where there is nothing at all goes without saying.
    usage.absences.retain(|absence, dates| match &absence.node {
        None => *dates != empty,
        Some(name) => {
            let mut nodes = overview.nodes.iter();
            let node = nodes.find(|node| node.name == *name);
            !node.is_some_and(|node| node.failures.values().any(|of| of == dates))
        }
    });
    lines.extend(usage_table::remarks(&usage).iter().map(|line| name(line)));
    for (shortfalls, dates) in &overview.shortfalls {
        let why: Vec<_> = shortfalls.iter().map(|why| why.message()).collect();
        let why = why.join(comma());
        lines.push(said!(
            "{dates}：收集的結果不完整：{why}",
            "{dates}: collected incompletely: {why}"
        ));
    }
    lines.extend(overview.unusable.iter().map(|line| name(line)));
    let lines: Capped<_, MOST_LINES> = lines.into_iter().collect();
    // The words are those of a run: incomplete is what ends with 3.
    let title = if overview.is_complete() {
        text("資料有缺漏或疑點", "With gaps, or in doubt")
    } else {
        text("資料不完整，或有疑點", "Incomplete, or in doubt")
    };
    html! {
        @if !lines.is_empty() {
            details .banner open[lines.len() <= MOST_OPEN] {
                summary { (title) span .n { (lines.len()) } }
                (list(lines.first, lines.more))
            }
        }
    }
}

/// How far the data of a day goes, where it does not go to its end.
fn so_far(overview: &Overview, day: &OverviewDay) -> Option<String> {
    let date = day.date;
    let until = clock(overview.zone, day.last_reading.unwrap_or(day.start));
    match (day.is_over(), day.collected < day.until) {
        (true, false) => None,
        (true, true) => Some(said!(
            "{date}：資料到 {until}，之後的讀數尚未收集",
            "{date}: data up to {until}; later readings are not collected yet"
        )),
        (false, false) => Some(said!(
            "{date} 尚未結束：資料到 {until}",
            "{date} is not over: data up to {until}"
        )),
        (false, true) => Some(said!(
            "{date} 尚未結束：資料到 {until}，之後的讀數尚未收集",
            "{date} is not over: data up to {until}; later readings are not collected yet"
        )),
    }
}
