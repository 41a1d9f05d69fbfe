//! What messages are made of: lists, and what helps.

use std::collections::HashSet;
use std::fmt;

use super::Series;
use crate::analysis::Remedy;
use crate::model::{Capped, CardId, comma, counted, quote, said, text};

/// What answers lack that an earlier run kept.
pub fn caveat(is_final: bool) -> &'static str {
    if is_final {
        ""
    } else {
        text("，當時這一天尚未結束", "; the day was not over then")
    }
}

/// What places GPUs of tasks, whose `uuids` the settings may have on the node `owner`.
pub fn remedy(owner: Option<&str>, uuids: impl fmt::Display, settings: &str) -> String {
    match owner {
        None => said!(
            "請在該節點的 [[nodes]] 設定 {settings}，修正後請重新收集這一天",
            "in the node's [[nodes]] set {settings}; then collect the day again"
        ),
        Some(owner) => said!(
            "設定中{uuids}屬於節點 {owner}，請以 daily-gpu-log inventory 核對這兩個節點的 gpu_uuids，修正後請重新收集這一天",
            "the settings have {uuids} on node {owner}: check gpu_uuids of both nodes with daily-gpu-log inventory; \
             then collect the day again"
        ),
    }
}

impl Series {
    pub fn gpus(&self) -> String {
        let gpus = self.gpus.iter();
        list(gpus.map(|(gpu, card)| said!("{gpu}（Card {card}）", "{gpu} (card {card})")))
    }

    pub fn metrics(&self) -> String {
        let metrics: Vec<_> = self.metrics.iter().map(ToString::to_string).collect();
        metrics.join(text("、", " or "))
    }
}

/// What to write into the settings.
pub fn settings(remedy: &Remedy) -> String {
    let first = remedy.first_gpu_id.map(|first| {
        said!(
            "first_gpu_id = {first}（GPU[0] 的 id 若不是 {first}，請改為正確的值）",
            "first_gpu_id = {first} (or the id of GPU[0], if that is not {first})"
        )
    });
    let uuids = remedy.uuids.first.iter();
    let uuids: Vec<_> = uuids.map(|uuid| format!("\"{uuid}\" = N")).collect();
    let uuids = (!uuids.is_empty()).then(|| {
        let rest = if remedy.uuids.more > 0 { ", …" } else { "" };
        let uuids = uuids.join(", ") + rest;
        said!(
            "gpu_uuids = {{ {uuids} }}（N 是 GPU 索引，請執行 daily-gpu-log inventory 得知）",
            "gpu_uuids = {{ {uuids} }} (N is the GPU's index, as daily-gpu-log inventory prints it)"
        )
    });
    let lines: Vec<_> = first.into_iter().chain(uuids).collect();
    if lines.is_empty() {
        return text("gpu_uuids 或 first_gpu_id", "gpu_uuids or first_gpu_id").to_owned();
    }
    lines.join(text("，或 ", ", or "))
}

pub fn count<T, const CAP: usize>(tasks: &Capped<T, CAP>) -> String {
    counted(tasks.len(), "個任務", "task", "tasks")
}

pub fn cards_list(cards: &[CardId]) -> String {
    list(cards.iter().map(|card| said!("Card {card}", "card {card}")))
}

/// The tasks with what is wrong with each, by the id and the problem that `of` has of one.
pub fn problems<T, P: fmt::Display, const CAP: usize>(
    tasks: &Capped<T, CAP>,
    of: fn(&T) -> (&String, &P),
) -> String {
    let named = tasks.first.iter().map(|task| {
        let (id, problem) = of(task);
        said!("{id}（{problem}）", "{id} ({problem})", id = quote(id))
    });
    let named: Vec<_> = named.collect();
    let rest = if tasks.more > 0 { "…" } else { "" };
    named.join(comma()) + rest
}

/// Every item once, in order of appearance.
fn distinct(items: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    let mut seen = HashSet::new();
    items.filter(move |item| seen.insert(item.clone()))
}

fn list(items: impl Iterator<Item = String>) -> String {
    distinct(items).collect::<Vec<_>>().join(comma())
}

/// A dozen, and how many there are, of items of which there may be any number.
pub fn dozen(items: impl Iterator<Item = String>) -> String {
    distinct(items).collect::<Capped<_, 12>>().named()
}
