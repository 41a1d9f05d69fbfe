//! How it went from day to day: of a page of one day there is nothing of this.

use chrono::{Datelike, NaiveDate, Weekday};
use maud::{Markup, html};

use super::head::{parts_of, swatch};
use super::svg::{class, share};
use super::words::{gpu_hours, hours, level, name};
use crate::analysis::Mean;
use crate::analysis::overview::{Overview, OverviewDay, OverviewNode};
use crate::model::{Metric, Percent, said, text};

/// The most days that have a column each; of more, a column is a week.
const MOST_COLUMNS: usize = 62;
const HEIGHT: f64 = 160.0;
const TOP: f64 = 4.0;

pub fn trend(overview: &Overview) -> Markup {
    if overview.is_one_day() {
        return Markup::default();
    }
    html! {
        section {
            h2 #trend { (text("每日趨勢", "Day by day")) }
            (bars(overview))
            (table_of_days(overview))
        }
        section {
            (means(overview))
        }
    }
}

/// Each day's capacity as a bar. A day without data is an empty slot.
fn bars(overview: &Overview) -> Markup {
    let capacities = overview
        .days
        .iter()
        .filter_map(|day| Some(day.parts?.capacity()));
    let most = capacities.max().unwrap_or(1).max(1);
    #[expect(clippy::cast_precision_loss, reason = "the place of a bar")]
    let (most, count) = (most as f64, overview.days.len() as f64);
    let label = text(
        "每天的容量：使用中、佔用但閒置、佔用但無讀數、沒有任務佔用",
        "each day's capacity: active, held and idle, held without readings, not held",
    );
    let every = overview.days.len().div_ceil(12);
    #[expect(clippy::cast_precision_loss, reason = "few days")]
    let place = |position: usize, of: f64| share(position as f64 + of, count);
    html! {
        div .trend {
            svg height="190" aria-hidden="true" {
                @for line in [0.0, 0.5, 1.0] {
                    text x="100%" y=(8.0 + HEIGHT * (1.0 - line)) text-anchor="end" { (format!("{:.0}%", line * 100.0)) }
                }
            }
            svg .plot height="190" role="img" aria-label=(label) {
                @for line in [0.0, 0.5, 1.0] {
                    @let y = TOP + HEIGHT * (1.0 - line);
                    line .grid x2="100%" y1=(y) y2=(y) {}
                }
                @for (position, day) in overview.days.iter().enumerate() {
                    (bar(overview, day, &place(position, 0.1), &share(0.8, count), most))
                    @if position % every == 0 {
                        text x=(place(position, 0.5)) y="184" text-anchor="middle" { (day.date.format("%m-%d")) }
                    }
                }
            }
        }
        ul .legend {
            @for (class, label, _) in parts_of(overview, overview.parts()) { li { (swatch(class)) (label) } }
            @if overview.days.iter().any(|day| day.parts.is_none()) {
                li { svg .sw aria-hidden="true" { rect .empty x="1" y="1" width="10" height="10" {} } (text("沒有資料", "no data")) }
            }
        }
    }
}

fn bar(overview: &Overview, day: &OverviewDay, x: &str, width: &str, most: f64) -> Markup {
    let Some(parts) = day.parts else {
        let title = said!("{} 沒有資料", "{}: no data", day.date);
        return html! {
            rect .empty x=(x) width=(width) y=(TOP) height=(HEIGHT) { title { (title) } }
        };
    };
    let mut below = 0.0;
    html! {
        @for (class, label, seconds) in parts_of(overview, parts) {
            @if seconds > 0 {
                @let height = { #[expect(clippy::cast_precision_loss, reason = "the place of a bar")] let part = seconds as f64 / most * HEIGHT; part };
                @let y = { below += height; TOP + HEIGHT - below };
                rect class=(class) x=(x) width=(width) y=(format!("{y:.1}")) height=(format!("{height:.1}")) {
                    title { (day.date) " " (label) " " (gpu_hours(seconds)) }
                }
            }
        }
    }
}

/// The same for whoever does not look at bars.
fn table_of_days(overview: &Overview) -> Markup {
    html! {
        details {
            summary { (text("以表格顯示", "as a table")) }
            div .wide role="region" tabindex="0" aria-labelledby="trend" {
                table aria-labelledby="trend" {
                    thead {
                        tr {
                            th scope="col" { (text("日期", "Date")) }
                            th scope="col" { (text("容量", "Capacity")) }
                            th scope="col" { (text("使用中", "Active")) }
                            th scope="col" { (text("佔用但閒置", "Held, idle")) }
                            th scope="col" { (text("佔用但無讀數", "Held, no readings")) }
                            th scope="col" { (text("沒有任務佔用", "Not held")) }
                            th scope="col" { (text("沒有任務資訊", "No task information")) }
                        }
                    }
                    tbody {
                        @for day in &overview.days {
                            tr {
                                th scope="row" { (day.date) }
                                @match day.parts {
                                    Some(parts) => {
                                        @for seconds in [parts.capacity(), parts.active, parts.idle, parts.unknown, parts.free, parts.unaccounted] {
                                            td { (hours(seconds)) }
                                        }
                                    }
                                    None => { td .dim colspan="6" { (text("沒有資料", "no data")) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A column of the table of means: the days that it is of, and how it is called.
struct Column {
    days: Vec<usize>,
    first: NaiveDate,
    is_weekend: bool,
}

fn columns(overview: &Overview) -> Vec<Column> {
    let is_of_days = overview.days.len() <= MOST_COLUMNS;
    let mut columns: Vec<Column> = Vec::new();
    for (position, day) in overview.days.iter().enumerate() {
        let weekday = day.date.weekday();
        match columns.last_mut() {
            Some(column) if !is_of_days && weekday != Weekday::Mon => column.days.push(position),
            _ => columns.push(Column {
                days: vec![position],
                first: day.date,
                is_weekend: is_of_days && matches!(weekday, Weekday::Sat | Weekday::Sun),
            }),
        }
    }
    columns
}

/// The mean of each node and day.
fn means(overview: &Overview) -> Markup {
    let columns = columns(overview);
    let title = if overview.days.len() <= MOST_COLUMNS {
        text(
            "各節點每天的平均使用率 (%)",
            "Mean utilisation of each node and day (%)",
        )
    } else {
        text(
            "各節點每週的平均使用率 (%)",
            "Mean utilisation of each node and week (%)",
        )
    };
    html! {
        h2 #means { (title) }
        div .wide role="region" tabindex="0" aria-labelledby="means" {
            table .means aria-labelledby="means" {
                thead {
                    tr {
                        td {}
                        @for of_month in columns.chunk_by(|a, b| a.first.format("%Y-%m").to_string() == b.first.format("%Y-%m").to_string()) {
                            th .month colspan=(of_month.len()) scope="colgroup" { (of_month[0].first.format("%Y-%m")) }
                        }
                    }
                    tr {
                        th scope="col" { (text("節點", "Node")) }
                        @for column in &columns {
                            th scope="col" .we[column.is_weekend] { (column.first.format("%d")) }
                        }
                    }
                }
                @for (metric, class) in [(Metric::Gpu, "g"), (Metric::Vram, "v")] {
                    tbody class=(class) {
                        @for node in &overview.nodes {
                            tr {
                                th scope="row" { (name(&node.name)) }
                                @for column in &columns { (cell(mean_of(node, column, metric))) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn mean_of(node: &OverviewNode, column: &Column, metric: Metric) -> Option<Percent> {
    let days = column.days.iter().map(|&day| &node.days[day]);
    Percent::mean(days.filter_map(|day: &Mean| *day.series(metric)))
}

fn cell(mean: Option<Percent>) -> Markup {
    let (Some(value), Some(level)) = (mean, level(mean)) else {
        return html! { td .kx { span .sr { (text("無讀數", "no reading")) } } };
    };
    html! { td class={ "k" (class(level)) } { (format!("{:.0}", value.value())) } }
}
