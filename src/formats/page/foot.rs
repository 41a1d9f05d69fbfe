//! The end of the page: what is meant, and what it was made from.

use maud::{Markup, html};

use super::About;
use super::words::interval;
use crate::analysis::overview::{Overview, Resolution};
use crate::analysis::usage::dates;
use crate::model::{counted, said, text};

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
    let days = dates(overview.first, overview.last);
    html! {
        footer {
            p { (said!("{days} 的資料來源：{files}、{reports}、{kept}。", "Made from {files}, {reports} and {kept}, {days}.")) }
            p { (said!("daily-gpu-log {version} 產生於 {made_at}。再次產生：", "Made by daily-gpu-log {version} at {made_at}. To make it again:")) " " code { (about.command) } }
        }
    }
}
