//! The beginning of the page, which says how it went.

use maud::{Markup, html};

use super::banner::banner;
use super::svg::share;
use super::words::{covered, gpu_hours, grouped, hours, interval, mean, percent_of};
use crate::analysis::overview::{Overview, Parts};
use crate::model::{WeightedSum, counted, said, text};

/// The parts of the time, each with its class.
pub fn parts_of(overview: &Overview, parts: Parts) -> Vec<(&'static str, &'static str, u64)> {
    let free = match &overview.user {
        Some(_) => text(
            "其餘（他人佔用或沒有任務佔用）",
            "the rest (held by others or not held)",
        ),
        None => text("沒有任務佔用", "not held"),
    };
    let mut all = vec![
        ("act", text("使用中", "active"), parts.active),
        ("idle", text("佔用但閒置", "held, idle"), parts.idle),
        (
            "unk",
            text("佔用但無讀數", "held, without readings"),
            parts.unknown,
        ),
        ("free", free, parts.free),
    ];
    if parts.unaccounted > 0 {
        let unaccounted = text("沒有任務資訊", "no task information");
        all.push(("none", unaccounted, parts.unaccounted));
    }
    all
}

pub fn head(overview: &Overview, title: &str) -> Markup {
    let gpus = overview.lanes().count();
    let nodes = counted(overview.nodes.len(), "個節點", "node", "nodes");
    let gpus = counted(gpus, "張 GPU", "GPU", "GPUs");
    let zone = overview.zone.name();
    let interval = interval(overview);
    let sum = overview.parts();
    html! {
        h1 { (title) }
        p .sub {
            (said!("{nodes}，{gpus}．時區 {zone}．每 {interval}一筆讀數", "{nodes}, {gpus} · {zone} · a reading every {interval}"))
        }
        (banner(overview))
        section aria-label=(text("總計", "totals")) {
            (tiles(overview, sum))
            (bar(overview, sum))
        }
    }
}

fn tiles(overview: &Overview, parts: Parts) -> Markup {
    let capacity = parts.capacity();
    let of_capacity = |seconds| (percent_of(seconds, capacity), gpu_hours(seconds));
    let (held, active, idle) = (
        of_capacity(parts.held()),
        of_capacity(parts.active),
        of_capacity(parts.idle),
    );
    let of_user = overview
        .user
        .as_ref()
        .map(|user| overview.usage.users.get(user).copied().unwrap_or_default());
    let (mean_gpu, mean_vram, coverage) = if let Some(account) = of_user {
        let share = percent_of(account.observed(), account.seconds());
        let of = text("佔用期間有讀數的比例", "of the held time has readings");
        let [gpu, vram] = [account.gpu, account.vram].map(WeightedSum::mean);
        (
            gpu.map(Into::into),
            vram.map(Into::into),
            (share, of.to_owned()),
        )
    } else {
        let (all, coverage) = (overview.mean(), overview.coverage());
        let (found, due) = (grouped(coverage.found), grouped(coverage.due));
        let of = said!("{due} 筆中有 {found} 筆", "{found} of {due} readings");
        (all.gpu, all.vram, (covered(coverage), of))
    };
    let capacity = (hours(capacity), text("GPU 小時", "GPU-hours").to_owned());
    let vram = mean(mean_vram);
    let means = (mean(mean_gpu), format!("VRAM {vram}"));
    let of = |(value, note): (String, String), label| (label, value, note);
    let tiles = [
        of(capacity, text("容量", "Capacity")),
        of(held, text("佔用", "Held")),
        of(active, text("使用中", "Active")),
        of(idle, text("佔用但閒置", "Held, idle")),
        of(means, text("平均 GPU 使用率", "Mean GPU utilisation")),
        of(coverage, text("涵蓋率", "Coverage")),
    ];
    html! {
        dl .tiles {
            @for (label, value, note) in &tiles {
                div { dt { (label) } dd { b { (value) } span { (note) } } }
            }
        }
    }
}

/// One bar, in which the parts make up the capacity.
fn bar(overview: &Overview, sum: Parts) -> Markup {
    let capacity = sum.capacity();
    let parts = parts_of(overview, sum);
    #[expect(clippy::cast_precision_loss, reason = "the place of a bar")]
    let place = |seconds: u64| share(seconds as f64, capacity as f64);
    let mut from = 0;
    let placed = parts.iter().map(|(class, label, seconds)| {
        let x = place(from);
        from += seconds;
        (class, label, seconds, x)
    });
    let placed: Vec<_> = placed.collect();
    let label = text("容量的去向", "what became of the capacity");
    html! {
        svg .split role="img" aria-label=(label) {
            @for (class, label, seconds, x) in &placed {
                rect class=(class) x=(x) width=(place(**seconds)) height="100%" {
                    title { (label) " " (gpu_hours(**seconds)) }
                }
            }
        }
        ul .legend {
            @for (class, label, seconds, _) in &placed {
                li {
                    (swatch(class)) (label) " "
                    b { (hours(**seconds)) } " " span { (percent_of(**seconds, capacity)) }
                }
            }
        }
        p .note {
            (text(
                "各部分以秒計算，相加正好等於容量；同一張 GPU 同時由多人佔用的時間只計一次。",
                "Counted in seconds, the parts add up to the capacity exactly; where several held a GPU at once, that time counts once."
            ))
        }
    }
}

/// A sample of a colour.
pub fn swatch(class: &str) -> Markup {
    html! { svg .sw aria-hidden="true" { rect class=(class) width="12" height="12" rx="2" {} } }
}
