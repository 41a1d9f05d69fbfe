//! The picture: what every GPU did, and who held it.

use std::collections::HashMap;

use maud::{Markup, html};

use super::bands::bands;
use super::head::swatch;
use super::svg::{CLASSES, heat, share};
use super::words::{covered, level, mean, name};
use crate::analysis::overview::{Lane, Level, Overview, OverviewDay, OverviewNode};
use crate::model::{Metric, said, text};

/// Of how many nodes the picture is open at once.
const MOST_OPEN: usize = 10;
/// The most nodes of which none is folded.
const MOST_NODES: usize = 50;

pub fn picture(overview: &Overview) -> Markup {
    let is_one_day = overview.is_one_day();
    let title = if is_one_day {
        text("每張 GPU 的一天", "The day of every GPU")
    } else {
        text("每張 GPU 的每一天", "Every GPU, day by day")
    };
    let mut nodes: Vec<(usize, &OverviewNode)> = overview.nodes.iter().enumerate().collect();
    let is_folded = nodes.len() > MOST_NODES;
    if is_folded {
        // Whose GPUs were held and idle for longest comes first. Stable: those that are alike stay in their order.
        nodes.sort_by_key(|(_, node)| std::cmp::Reverse(node.parts.idle));
    }
    let mut numbers = Numbers::new(overview);
    html! {
        section {
            h2 { (title) }
            (legend())
            (note(overview))
            @for (position, (number, node)) in nodes.into_iter().enumerate() {
                @let lanes: Vec<&Lane> = node.lanes.iter().filter(|lane| overview.shows(number, lane.index)).collect();
                @if !lanes.is_empty() {
                    @if is_folded {
                        details .node open[position < MOST_OPEN] {
                            summary { (heading(node)) }
                            (of_node(overview, node, number, &lanes, &mut numbers))
                        }
                    } @else {
                        div .node {
                            h3 { (heading(node)) }
                            (of_node(overview, node, number, &lanes, &mut numbers))
                        }
                    }
                }
            }
        }
    }
}

/// By which number the script knows each GPU.
struct Numbers(HashMap<(usize, usize), usize>);

impl Numbers {
    fn new(overview: &Overview) -> Self {
        let nodes = overview.nodes.iter().enumerate();
        let lanes = nodes.flat_map(|(number, node)| {
            let lanes = node.lanes.iter().map(move |lane| (number, lane.index));
            lanes.filter(|&(number, index)| overview.shows(number, index))
        });
        let numbered = lanes.enumerate();
        Self(
            numbered
                .map(|(position, (node, gpu))| ((node, gpu.0), position))
                .collect(),
        )
    }
}

fn heading(node: &OverviewNode) -> Markup {
    let of_node = node.mean();
    html! {
        (name(&node.name)) " "
        span .dim { "GPU " (mean(of_node.gpu)) " · VRAM " (mean(of_node.vram)) }
    }
}

pub fn legend() -> Markup {
    html! {
        ul .legend aria-label=(text("顏色", "colours")) {
            @for (number, label) in CLASSES.iter().enumerate() { li { (swatch(&format!("f{number}"))) (label) } }
            li { span .sw .hatch {} (text("無讀數", "no reading")) }
        }
    }
}

fn note(overview: &Overview) -> Markup {
    let note = if overview.is_one_day() {
        text(
            "色帶：使用率；其下的橫條：佔用的使用者。右側是當天的平均。",
            "The lane shows the utilisation, the bands under it who held the GPU; the day's mean is on the right.",
        )
    } else {
        text(
            "每張 GPU 先是每天的平均，其下的方塊橫向是一天的時間、縱向是日期（最早在上）。",
            "Of every GPU first the means of the days; below, a block with the time of day across and the dates down, the earliest on top.",
        )
    };
    html! { p .note { (note) } }
}

fn of_node(
    overview: &Overview,
    node: &OverviewNode,
    number: usize,
    lanes: &[&Lane],
    numbers: &mut Numbers,
) -> Markup {
    let numbered = lanes
        .iter()
        .map(|lane| (*lane, numbers.0[&(number, lane.index.0)]));
    let numbered: Vec<_> = numbered.collect();
    if overview.is_one_day() {
        return html! {
            @for (lane, position) in &numbered { (day_lane(overview, node, lane, *position)) }
            (hours_axis(overview))
        };
    }
    html! {
        @for (lane, position) in &numbered { (days_lane(node, lane, *position)) }
        (days_axis(overview))
        @if overview.cell_seconds() > 0 {
            div .carpets {
                @for (lane, position) in &numbered { (carpet(overview, node, lane, *position)) }
            }
        }
    }
}

/// What a lane is of, for whoever does not see it.
fn label(node: &OverviewNode, lane: &Lane) -> String {
    let (node, gpu, of_lane) = (name(&node.name), lane.index, lane.mean());
    let (of_gpu, of_vram, coverage) = (
        mean(of_lane.gpu),
        mean(of_lane.vram),
        covered(lane.coverage()),
    );
    said!(
        "{node} {gpu}：平均 GPU {of_gpu}、VRAM {of_vram}，涵蓋率 {coverage}",
        "{node} {gpu}: mean GPU {of_gpu}, VRAM {of_vram}, coverage {coverage}"
    )
}

fn means(lane: &Lane) -> Markup {
    let of_lane = lane.mean();
    html! { span .m { span .g { (mean(of_lane.gpu)) } span .v { (mean(of_lane.vram)) } } }
}

fn both(lane_rows: impl Fn(Metric) -> Vec<Vec<Level>>) -> Markup {
    html! {
        @for (metric, class) in [(Metric::Gpu, "g"), (Metric::Vram, "v")] {
            @let rows = lane_rows(metric);
            (heat(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>(), class))
        }
    }
}

/// One day of a GPU, with the bands of those who held it.
fn day_lane(overview: &Overview, node: &OverviewNode, lane: &Lane, position: usize) -> Markup {
    let cells = |metric| vec![lane.levels.series(metric).clone()];
    let cells_seconds = overview.cell_seconds();
    html! {
        div .row {
            span .l { (lane.index) }
            div .lane data-i=(position) data-k="day" role="img" aria-label=(label(node, lane)) {
                @if cells_seconds > 0 { (both(cells)) } @else { (both(|metric| vec![day_means(lane, metric)])) }
                (bands(overview, lane))
            }
            (means(lane))
        }
    }
}

fn day_means(lane: &Lane, metric: Metric) -> Vec<Level> {
    let means = lane.days.iter().map(|day| level(*day.mean.series(metric)));
    means.collect()
}

/// The days of a GPU, a cell for each.
fn days_lane(node: &OverviewNode, lane: &Lane, position: usize) -> Markup {
    html! {
        div .row {
            span .l { (lane.index) }
            div .lane .days data-i=(position) data-k="days" role="img" aria-label=(label(node, lane)) {
                (both(|metric| vec![day_means(lane, metric)]))
            }
            (means(lane))
        }
    }
}

/// The time of day across, and the dates down.
fn carpet(overview: &Overview, node: &OverviewNode, lane: &Lane, position: usize) -> Markup {
    let rows = |metric| -> Vec<Vec<Level>> {
        let mut rest = &lane.levels.series(metric)[..];
        let rows = overview.days.iter().map(|day| {
            let (row, others) = rest.split_at(day.cells.min(rest.len()));
            rest = others;
            row.to_vec()
        });
        rows.collect()
    };
    let longest = overview.days.iter().map(|day| day.end - day.start);
    let longest = longest.max().unwrap_or(86_400);
    let height = (overview.days.len() * 4).clamp(48, 366);
    html! {
        figure {
            figcaption { (lane.index) (means(lane)) }
            div .lane .carpet data-i=(position) data-k="carpet" role="img" aria-label=(label(node, lane)) {
                svg .size height=(height) aria-hidden="true" {}
                (both(rows))
            }
            svg .axis .six aria-hidden="true" { @for hour in [0, 6, 12, 18] { (tick(hour * 3600, longest, &format!("{hour:02}"))) } }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "few ticks")]
fn tick(at: i64, of: i64, label: &str) -> Markup {
    let x = share(at as f64, of as f64);
    html! { text x=(x) y="11" { (label) } }
}

/// Where an hour of the clock is, in the seconds of a day on which the clocks may be set.
fn second_of_hour(overview: &Overview, day: &OverviewDay, hour: i64) -> i64 {
    let second = hour * 3600;
    match day.offsets[..] {
        [(_, before), .., (cell, after)] => {
            let cell = i64::try_from(cell).unwrap_or(0);
            let is_after = second >= cell * overview.cell_seconds();
            second - if is_after { after - before } else { 0 }
        }
        _ => second,
    }
}

fn hours_axis(overview: &Overview) -> Markup {
    let Some(day) = overview.days.first() else {
        return Markup::default();
    };
    html! {
        div .row aria-hidden="true" {
            span {}
            svg .axis {
                @for hour in (0..24).step_by(3) {
                    (tick(second_of_hour(overview, day, hour), day.end - day.start, &format!("{hour:02}:00")))
                }
            }
        }
    }
}

fn days_axis(overview: &Overview) -> Markup {
    let count = overview.days.len();
    let days = (0..).zip(&overview.days).step_by(count.div_ceil(10));
    let count = i64::try_from(count).unwrap_or(1);
    html! {
        div .row aria-hidden="true" {
            span {}
            svg .axis { @for (position, day) in days { (tick(position, count, &day.date.format("%m-%d").to_string())) } }
        }
    }
}
