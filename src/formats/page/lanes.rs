//! The picture: what every GPU did, and who held it.

use std::collections::HashMap;

use maud::{Markup, html};

use super::head::{covered, swatch};
use super::svg::{CLASSES, heat, share};
use super::users::COLOURS;
use super::words::{level, mean, name};
use crate::analysis::overview::{Lane, Level, Overview, OverviewNode};
use crate::model::{Metric, UnixSeconds, said, text};

/// Of how many nodes the picture is open at once.
const MOST_OPEN: usize = 10;
/// From how many nodes on each is folded.
const MOST_NODES: usize = 50;
/// The most bands that lie over each other where users held a GPU at once.
const MOST_BANDS: usize = 4;
const BAND_HEIGHT: usize = 13;

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
            (hours_axis())
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
    let height = (overview.days.len() * 4).clamp(48, 366);
    html! {
        figure {
            figcaption { (lane.index) (means(lane)) }
            div .lane .carpet data-i=(position) data-k="carpet" role="img" aria-label=(label(node, lane)) {
                svg .size height=(height) aria-hidden="true" {}
                (both(rows))
            }
            svg .axis .six aria-hidden="true" { @for hour in [0, 6, 12, 18] { (tick(hour, 24, &format!("{hour:02}"))) } }
        }
    }
}

/// Who held the GPU, each user in a band of their own, as many over each other as held it at once.
fn bands(overview: &Overview, lane: &Lane) -> Markup {
    let Some(day) = overview.days.first() else {
        return Markup::default();
    };
    if !day.has_tasks {
        let users = lane.users_of_file.as_deref().map(name);
        return html! {
            @match users {
                Some(users) => p .held { (said!("佔用：{users}（時間不明）", "held by {users} (when is not known)")) },
                None => p .held .none { (text("沒有任務資訊", "no task information")) },
            }
        };
    }
    let placed = stack(overview, lane);
    let rows = placed.iter().map(|band| band.row + 1).max().unwrap_or(0);
    if rows == 0 {
        return Markup::default();
    }
    #[expect(clippy::cast_precision_loss, reason = "the seconds of a day")]
    let place = |seconds: i64| share(seconds as f64, (day.end - day.start) as f64);
    html! {
        svg .b height=(rows * BAND_HEIGHT) {
            @for band in &placed {
                svg x=(place(band.from - day.start)) y=(band.row * BAND_HEIGHT) width=(place(band.to - band.from)) height=(BAND_HEIGHT) data-u=(band.user) {
                    rect class={ "u" (band.user % COLOURS) } y="1" width="100%" height="11" rx="2" {}
                    text x="4" y="10" { (name(&overview.users[band.user])) }
                }
            }
        }
    }
}

struct Band {
    user: usize,
    from: UnixSeconds,
    to: UnixSeconds,
    row: usize,
}

/// Puts each user's times into the first row that is free. What finds none is left to the table and the tips.
fn stack(overview: &Overview, lane: &Lane) -> Vec<Band> {
    let mut spans: Vec<(UnixSeconds, UnixSeconds, usize)> = Vec::new();
    for hold in &lane.holds {
        let user = overview.tasks[hold.task].user;
        // Tasks of one user that follow each other are one time.
        let same = spans
            .iter_mut()
            .rev()
            .find(|(_, to, of)| *of == user && *to >= hold.from);
        match same {
            Some((_, to, _)) => *to = hold.to.max(*to),
            None => spans.push((hold.from, hold.to, user)),
        }
    }
    let mut ends: Vec<UnixSeconds> = Vec::new();
    let mut bands = Vec::new();
    for (from, to, user) in spans {
        let free = ends.iter().position(|end| *end <= from);
        let row = free.unwrap_or(ends.len());
        if row >= MOST_BANDS {
            continue;
        }
        if row == ends.len() {
            ends.push(to);
        } else {
            ends[row] = to;
        }
        bands.push(Band {
            user,
            from,
            to,
            row,
        });
    }
    bands
}

fn tick(at: usize, of: usize, label: &str) -> Markup {
    #[expect(clippy::cast_precision_loss, reason = "few ticks")]
    let x = share(at as f64, of as f64);
    html! { text x=(x) y="11" { (label) } }
}

fn hours_axis() -> Markup {
    html! {
        div .row aria-hidden="true" {
            span {}
            svg .axis { @for hour in (0..24).step_by(3) { (tick(hour, 24, &format!("{hour:02}:00"))) } }
        }
    }
}

fn days_axis(overview: &Overview) -> Markup {
    let count = overview.days.len();
    let every = count.div_ceil(10);
    let days = overview.days.iter().enumerate().step_by(every);
    html! {
        div .row aria-hidden="true" {
            span {}
            svg .axis { @for (position, day) in days { (tick(position, count, &day.date.format("%m-%d").to_string())) } }
        }
    }
}
