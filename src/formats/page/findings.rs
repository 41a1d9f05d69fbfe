//! What somebody should look at.

use maud::{Markup, html};

use super::words::{gpu_hours, gpus, name};
use crate::analysis::Span;
use crate::analysis::overview::{Conflicting, Missing, Overview, Unplaced, Untasked};
use crate::model::{Capped, clock, comma, said, text};

/// The most of a kind that are not folded away.
const MOST_OPEN: usize = 3;

pub fn findings(overview: &Overview) -> Markup {
    let found = &overview.findings;
    let conflicts = found
        .conflicts
        .first
        .iter()
        .map(|of| conflict(overview, of));
    let untasked = found.untasked.first.iter().map(|of| busy(overview, of));
    let stopped = found.stopped.first.iter().map(|of| missing(overview, of));
    let gaps = found.gaps.first.iter().map(|of| missing(overview, of));
    let unplaced = found.unplaced.first.iter().map(unplaced);
    let title = text("請留意", "What to look at");
    html! {
        @if !found.is_empty() {
            section {
                h2 { (title) }
                (group(
                    text("多位使用者同時佔用一張 GPU", "Several users on one GPU at once"),
                    &gpu_hours(found.conflict_seconds), &found.conflicts, conflicts.collect()
                ))
                (group(
                    text("沒有任務而忙碌的 GPU", "Busy GPUs without a task"),
                    &gpu_hours(found.untasked_seconds), &found.untasked, untasked.collect()
                ))
                (group(
                    text("讀數中斷，到當日結束都沒有恢復", "Readings that stopped, to the end of the day"),
                    "", &found.stopped, stopped.collect()
                ))
                (group(text("讀數缺漏", "Gaps in the readings"), "", &found.gaps, gaps.collect()))
                (group(
                    text("任務的 GPU 無法對應", "Tasks whose GPUs cannot be placed"),
                    "", &found.unplaced, unplaced.collect()
                ))
            }
        }
    }
}

/// The lines, and how many are left out.
pub fn list(lines: impl IntoIterator<Item = String>, more: usize) -> Markup {
    html! {
        ul {
            @for line in lines { li { (line) } }
            @if more > 0 { li .dim { (said!("另外 {more} 項", "{more} more")) } }
        }
    }
}

fn group<T, const CAP: usize>(
    title: &str,
    sum: &str,
    found: &Capped<T, CAP>,
    lines: Vec<String>,
) -> Markup {
    html! {
        @if !found.is_empty() {
            details .find open[found.len() <= MOST_OPEN] {
                summary { (title) span .n { (found.len()) } @if !sum.is_empty() { span .sum { (sum) } } }
                (list(lines, found.more))
            }
        }
    }
}

/// From when to when, without the seconds, and without the date where the page is of one day.
fn span(overview: &Overview, span: Span) -> String {
    let shown = |stamp| {
        let text = clock(overview.zone, stamp);
        let from = if overview.is_one_day() { 11 } else { 5 };
        text.get(from..16).unwrap_or(&text).to_owned()
    };
    let (from, to) = (shown(span.from), shown(span.to));
    // A day ends at its midnight.
    let to = if overview.is_one_day() && to == "00:00" {
        "24:00".to_owned()
    } else {
        to
    };
    format!("{from}–{to}")
}

fn conflict(overview: &Overview, of: &Conflicting) -> String {
    let (node, gpu, when) = (name(&of.node), of.gpu, span(overview, of.span));
    let users: Vec<_> = of.users.iter().map(|user| name(user)).collect();
    let users = users.join(comma());
    let hours = gpu_hours(of.span.seconds());
    match of.more_users {
        0 => said!(
            "{node} {gpu} {when}：{users}（{hours}）",
            "{node} {gpu} {when}: {users} ({hours})"
        ),
        more => said!(
            "{node} {gpu} {when}：{users} 與另外 {more} 位（{hours}）",
            "{node} {gpu} {when}: {users} and {more} more ({hours})"
        ),
    }
}

fn busy(overview: &Overview, of: &Untasked) -> String {
    let (node, gpu, when) = (name(&of.node), of.gpu, span(overview, of.span));
    let hours = gpu_hours(of.span.seconds());
    said!(
        "{node} {gpu} {when}（{hours}）",
        "{node} {gpu} {when} ({hours})"
    )
}

fn missing(overview: &Overview, of: &Missing) -> String {
    let (node, gpus, when) = (name(&of.node), gpus(&of.gpus), span(overview, of.span));
    match of.metrics[..] {
        [metric] => said!(
            "{node} {gpus} {when}（只缺 {metric}）",
            "{node} {gpus} {when} (only {metric})"
        ),
        _ => format!("{node} {gpus} {when}"),
    }
}

fn unplaced(of: &Unplaced) -> String {
    let (node, date) = (name(&of.node), of.date);
    let tasks = of.tasks.first.iter().map(|task| name(task));
    let tasks = tasks.collect::<Vec<_>>().join(comma());
    match of.tasks.more {
        0 => said!("{node} {date}：{tasks}", "{node} {date}: {tasks}"),
        more => said!(
            "{node} {date}：{tasks}，以及另外 {more} 個",
            "{node} {date}: {tasks} and {more} more"
        ),
    }
}
