//! A small picture of each node beside the others: lines that break where there is nothing.

use maud::{Markup, html};

use super::svg::line;
use super::words::{level, mean, name};
use crate::analysis::overview::{Level, Overview, OverviewNode};
use crate::model::{Metric, said, text};

pub fn multiples(overview: &Overview) -> Markup {
    let is_one_day = overview.is_one_day();
    if overview.user.is_some() || (is_one_day && overview.cell_seconds() == 0) {
        return Markup::default();
    }
    let title = if is_one_day {
        text("各節點的一天", "The day of each node")
    } else {
        text("各節點的趨勢", "The trend of each node")
    };
    html! {
        section {
            h2 { (title) }
            ul .legend {
                li { svg .ln aria-hidden="true" { path .lg d="M0 6H22" {} } (text("GPU 使用率", "GPU utilisation")) }
                li { svg .ln aria-hidden="true" { path .lv d="M0 6H22" {} } (text("VRAM 使用率", "VRAM utilisation")) }
                li .dim { (text("縱軸 0–100%，線在沒有讀數處中斷", "0 to 100%; a line breaks where there is no reading")) }
            }
            div .small { @for node in &overview.nodes { (of_node(overview, node)) } }
        }
    }
}

fn of_node(overview: &Overview, node: &OverviewNode) -> Markup {
    let series = |metric| -> Vec<Level> {
        if overview.is_one_day() {
            means_of_cells(node, metric)
        } else {
            node.days
                .iter()
                .map(|day| level(*day.series(metric)))
                .collect()
        }
    };
    let (gpu, vram) = (series(Metric::Gpu), series(Metric::Vram));
    let width = gpu.len();
    let of_node = node.mean();
    let (node, of_gpu, of_vram) = (name(&node.name), mean(of_node.gpu), mean(of_node.vram));
    let label = said!(
        "{node}：平均 GPU {of_gpu}、VRAM {of_vram}",
        "{node}: mean GPU {of_gpu}, VRAM {of_vram}"
    );
    html! {
        figure {
            figcaption { (node) span .dim { (of_gpu) " · " (of_vram) } }
            svg viewBox={ "0 0 " (width) " 100" } preserveAspectRatio="none" role="img" aria-label=(label) {
                path .grid d={ "M0 0H" (width) "M0 50H" (width) "M0 100H" (width) } {}
                path .lv d=(line(&vram)) {}
                path .lg d=(line(&gpu)) {}
            }
        }
    }
}

/// The mean of a node's GPUs, cell by cell.
fn means_of_cells(node: &OverviewNode, metric: Metric) -> Vec<Level> {
    let lanes: Vec<&[Level]> = node
        .lanes
        .iter()
        .map(|lane| &lane.levels.series(metric)[..])
        .collect();
    let cells = lanes.iter().map(|lane| lane.len()).max().unwrap_or(0);
    let cell = |position: usize| -> Level {
        let levels = lanes.iter().filter_map(|lane| *lane.get(position)?);
        let (sum, count) = levels.fold((0_u32, 0_u32), |(sum, count), level| {
            (sum + u32::from(level), count + 1)
        });
        let mean = (sum + count / 2).checked_div(count)?;
        u16::try_from(mean).ok()
    };
    (0..cells).map(cell).collect()
}
