//! The beginning of the page, which says how it went, and its end, which says what is meant.

use maud::{Markup, html};

use super::About;
use super::svg::share;
use super::words::{days, gpu_hours, grouped, hours, mean, name, percent_of};
use crate::analysis::Coverage;
use crate::analysis::overview::{Overview, Parts, Resolution};
use crate::formats::usage_table;
use crate::model::{clock, counted, said, text};

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

fn interval(overview: &Overview) -> String {
    let minutes = usize::try_from(overview.interval.seconds() / 60).unwrap_or(0);
    counted(minutes, "分鐘", "minute", "minutes")
}

/// What is missing, where anything is.
fn banner(overview: &Overview) -> Markup {
    let mut lines = Vec::new();
    for day in overview.days.iter().filter(|day| !day.is_over()) {
        let (date, until) = (day.date, clock(overview.zone, day.until));
        lines.push(said!(
            "{date} 尚未結束：資料到 {until}",
            "{date} is not over: data up to {until}"
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
    lines.extend(
        usage_table::remarks(&overview.usage)
            .iter()
            .map(|line| name(line)),
    );
    lines.extend(overview.unusable.iter().map(|line| name(line)));
    html! {
        @if !lines.is_empty() {
            details .banner open[lines.len() <= 6] {
                summary { (text("資料不完整，或有疑點", "Incomplete, or in doubt")) span .n { (lines.len()) } }
                ul { @for line in lines.iter().take(MOST_LINES) { li { (line) } } }
            }
        }
    }
}

/// The most lines of the banner. More are of a tree that is not worth reading line by line.
const MOST_LINES: usize = 100;

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
    let (mean_gpu, mean_vram, coverage) = match of_user {
        Some(account) => (
            account.gpu.mean().map(Into::into),
            account.vram.mean().map(Into::into),
            percent_of(account.observed(), account.seconds()),
        ),
        None => {
            let all = overview.mean();
            (all.gpu, all.vram, covered(overview.coverage()))
        }
    };
    let capacity = (hours(capacity), text("GPU 小時", "GPU-hours").to_owned());
    let vram = mean(mean_vram);
    let means = (mean(mean_gpu), format!("VRAM {vram}"));
    let coverage_of = match of_user {
        Some(_) => text("佔用期間有讀數的比例", "of the held time has readings").to_owned(),
        None => {
            let Coverage { found, due } = overview.coverage();
            let (found, due) = (grouped(found), grouped(due));
            said!("{due} 筆中有 {found} 筆", "{found} of {due} readings")
        }
    };
    let of = |(value, note): (String, String), label| (label, value, note);
    let tiles = [
        of(capacity, text("容量", "Capacity")),
        of(held, text("佔用", "Held")),
        of(active, text("使用中", "Active")),
        of(idle, text("佔用但閒置", "Held, idle")),
        of(means, text("平均 GPU 使用率", "Mean GPU utilisation")),
        of((coverage, coverage_of), text("涵蓋率", "Coverage")),
    ];
    html! {
        dl .tiles {
            @for (label, value, note) in &tiles {
                div { dt { (label) } dd { b { (value) } span { (note) } } }
            }
        }
    }
}

/// The coverage in percent alone. Only what is whole is 100.0%.
pub fn covered(coverage: Coverage) -> String {
    let count = |of: usize| u64::try_from(of).unwrap_or(u64::MAX);
    percent_of(count(coverage.found), count(coverage.due))
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

pub fn definitions(overview: &Overview) -> Markup {
    let (idle, busy) = (overview.thresholds.idle, overview.thresholds.busy);
    let cell = match overview.resolution {
        Resolution::Interval => {
            let interval = interval(overview);
            said!("{interval}的一筆讀數", "a reading, of {interval}")
        }
        Resolution::Hour => text(
            "一小時內讀數的平均（資料太多，不逐筆畫出）",
            "the mean of an hour's readings (there are too many to draw each)",
        )
        .to_owned(),
        Resolution::Day => text(
            "資料太多，只畫出每天的平均",
            "there are too many readings: only the means of days are drawn",
        )
        .to_owned(),
    };
    let rows = [
        (text("容量", "Capacity"), text(
            "有資料的每一天，每張 GPU 已經過的時間之和 = 使用中 + 佔用但閒置 + 佔用但無讀數 + 沒有任務佔用 + 沒有任務資訊",
            "the time of every GPU on every day that there is data of = active + held, idle + held, without readings + not held + no task information",
        ).to_owned()),
        (text("使用中", "Active"), said!("有任務佔用，且 GPU 讀數高於 {idle}%", "held by a task, with a GPU reading over {idle}%")),
        (text("佔用但閒置", "Held, idle"), said!("有任務佔用，且 GPU 讀數不高於 {idle}%", "held by a task, with a GPU reading of at most {idle}%")),
        (text("使用者的時數", "A user's hours"), text(
            "各任務佔用時間的聯集；兩人同時佔用一張 GPU 時，兩人都計入，因此各人之和可能大於佔用",
            "the union of their tasks' times; where two hold a GPU at once both have that time, so that the users' sum can exceed what is held",
        ).to_owned()),
        (text("平均使用率", "Mean utilisation"), text(
            "GPU：其讀數的平均，缺漏不計；節點：其 GPU 平均的平均；使用者：佔用期間的讀數以秒數加權",
            "of a GPU: the mean of its readings, gaps left out; of a node: the mean of its GPUs' means; of a user: the readings while they held, weighted by seconds",
        ).to_owned()),
        (text("VRAM (GB)", "VRAM (GB)"), text(
            "平均 VRAM 使用率 × 任務資訊所記的記憶體容量；有任何一張卡的容量不明就不列",
            "mean VRAM utilisation × the card's memory as the task information has it; left out where any card's is not known",
        ).to_owned()),
        (text("涵蓋率", "Coverage"), text("已有的讀數 ÷ 應有的讀數，GPU 與 VRAM 都有才算", "readings there ÷ readings due; one counts with both its GPU and its VRAM value").to_owned()),
        (text("沒有任務而忙碌", "Busy without a task"), said!("一小時以上每筆 GPU 讀數都高於 {busy}%，而沒有任務佔用", "for an hour or more every GPU reading is over {busy}% and no task holds it")),
        (text("圖中的一格", "A cell"), cell),
    ];
    html! {
        section .defs {
            h2 { (text("數字怎麼算", "How it is counted")) }
            dl { @for (term, meaning) in &rows { div { dt { (term) } dd { (meaning) } } } }
        }
    }
}

pub fn foot(overview: &Overview, about: &About) -> Markup {
    let sources = overview.sources;
    let files = counted(sources.gpu_files, "個 GPU 檔案", "GPU file", "GPU files");
    let reports = counted(
        sources.reports,
        "份用量報告",
        "usage report",
        "usage reports",
    );
    let kept = counted(
        sources.kept_answers,
        "天的任務資訊",
        "day of task information",
        "days of task information",
    );
    let (made_at, version) = (&about.made_at, env!("CARGO_PKG_VERSION"));
    let days = days(overview);
    html! {
        footer {
            p { (said!("{days} 的資料來源：{files}、{reports}、{kept}。", "Made from {files}, {reports} and {kept}, {days}.")) }
            p { (said!("daily-gpu-log {version} 產生於 {made_at}。再次產生：", "Made by daily-gpu-log {version} at {made_at}. To make it again:")) " " code { (about.command) } }
        }
    }
}
