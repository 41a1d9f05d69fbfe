//! `summary_<date>.txt`: a node's day for people to read. Its form is the first seed's; what the old programs could
//! not say stands in sections of its own before the closing rule, on days that need it.

use std::fmt::Write;

use super::average_csv::unused;
use super::number::{self, summary_percent};
use super::task_blocks::{gpu_id, held_gpus, or_missing};
use crate::analysis::{Account, Coverage, NodeDay, TaskKnowledge, TimelessTask};
use crate::model::{Percent, WeightedSum, counted, said, text};

const RULE: &str = "================================";

pub fn render(day: &NodeDay) -> String {
    let (mean, name) = (day.mean(), &day.node.name);
    let date = day.window.date;
    let head = said!(
        "AMD GPU 與 VRAM 每日使用率統計\n日期: {date}\n節點: {name}",
        "Daily utilisation of AMD GPUs and their VRAM\nDate: {date}\nNode: {name}"
    );
    let mut summary = format!("{RULE}\n{head}\n{RULE}\n\n");
    summary += &(card_table(day) + &tasks(day) + &usage(day));
    for (of, mean) in [("GPU", mean.gpu), ("VRAM", mean.vram)] {
        let mean = summary_percent(mean);
        summary += &said!(
            "整體平均 {of} 使用率: {mean}\n",
            "Overall mean {of} utilisation: {mean}\n"
        );
    }
    for section in [
        unfinished(day),
        silence(day),
        coverage(day),
        false_zeros(day),
        hours(day),
        conflicts(day),
        busy_without_task(day),
        unplaced(day),
        disagreements(day),
        timeless(day),
        source(day),
    ] {
        if !section.is_empty() {
            let _ = write!(summary, "\n{section}");
        }
    }
    summary + RULE + "\n"
}

fn card_table(day: &NodeDay) -> String {
    let gpus = day.gpus.iter();
    let lines = gpus.map(|gpu| format!("{} -> Card {}", gpu.index, gpu.card));
    titled(text("GPU 硬體對應表", "GPU map"), lines) + "\n"
}

/// The tasks of the node. Without task information there is no such section, as there was none of old.
fn tasks(day: &NodeDay) -> String {
    let Some(known) = day.tasks.known() else {
        return String::new();
    };
    let name = &day.node.name;
    let title = text("GPU 使用者任務資訊", "GPU users and their tasks");
    let mut section = format!("{title}:\n{}\n", "-".repeat(50));
    section += &if known.tasks.is_empty() {
        said!(
            "{name}: 當日沒有使用 GPU 的任務\n",
            "{name}: no task used a GPU on this day\n"
        )
    } else {
        said!("{name} GPU 任務資訊:\n", "Tasks on the GPUs of {name}:\n")
    };
    for held in held_gpus(known.tasks.iter().copied()) {
        let _ = writeln!(section, "  GPU {}: {}", held.id(), held.task.username);
        held.describe("    - ", true, &mut section);
    }
    section + "\n"
}

fn usage(day: &NodeDay) -> String {
    let nobody = match day.tasks {
        TaskKnowledge::Known { .. } => unused(),
        TaskKnowledge::Unknown { .. } => text("無任務資訊", "no task information"),
    };
    let lines = day.gpus.iter().map(|gpu| {
        let [busy, vram] = [gpu.mean.gpu, gpu.mean.vram].map(summary_percent);
        let users = day.users(gpu.index);
        let (index, users) = (gpu.index, users.as_deref().unwrap_or(nobody));
        said!(
            "{index}: GPU使用率 = {busy}, VRAM使用率 = {vram} (使用者: {users})",
            "{index}: GPU = {busy}, VRAM = {vram} (users: {users})"
        )
    });
    let title = text(
        "各 GPU 使用率與 VRAM 使用率",
        "GPU and VRAM utilisation of each GPU",
    );
    titled(title, lines) + "\n"
}

fn unfinished(day: &NodeDay) -> String {
    if day.window.is_over() {
        return String::new();
    }
    let until = day.window.clock(day.window.until);
    said!(
        "當日尚未結束: 讀數截至 {until}\n",
        "The day is not over: readings up to {until}\n"
    )
}

fn silence(day: &NodeDay) -> String {
    if day.gpus.iter().any(|gpu| gpu.usage.is_some()) {
        return String::new();
    }
    said!(
        "節點沒有給出當日的任何讀數 (不代表 GPU 閒置)\n",
        "The node gave no readings for this day (which does not mean that its GPUs were idle)\n"
    )
}

fn coverage(day: &NodeDay) -> String {
    let gpus = day.gpus.iter().filter(|gpu| !gpu.coverage.is_whole());
    let lines = gpus.map(|gpu| {
        let (index, Coverage { found, due }) = (gpu.index, gpu.coverage);
        let percent = gpu.coverage.percent();
        said!(
            "{index}: {found}/{due} 筆 ({percent:.1}%)",
            "{index}: {found}/{due} readings ({percent:.1}%)"
        )
    });
    titled(text("資料涵蓋率不足的 GPU", "GPUs with gaps"), lines)
}

fn false_zeros(day: &NodeDay) -> String {
    let gpus = day.gpus.iter();
    let lines = gpus.filter_map(|gpu| {
        let count = day.false_zeros.get(&gpu.card)?;
        let readings = counted(*count, "筆", "reading", "readings");
        Some(format!("{}: {readings}", gpu.index))
    });
    let title = text(
        "原有檔案以 0 代替的缺漏 (Netdata 沒有這些讀數，已改為缺漏)",
        "Gaps written as 0 in the earlier files (Netdata has no such readings; they are gaps now)",
    );
    titled(title, lines)
}

/// What each user had of a GPU, where that is not simply all of it.
fn hours(day: &NodeDay) -> String {
    let Some(known) = day.tasks.known() else {
        return String::new();
    };
    let whole = known.known.seconds();
    let is_whole = |(_, account): &(_, Account)| account.seconds() == whole;
    let percent = |readings: WeightedSum| summary_percent(readings.mean().map(Percent::from));
    let gpus = day.gpus.iter();
    let gpus = gpus.filter_map(|gpu| Some((gpu.index, &gpu.held.as_ref()?.ledger.users)));
    let shared = gpus.filter(|(_, users)| users.len() > 1 || !users.iter().all(is_whole));
    let lines = shared.flat_map(|(index, users)| {
        users.iter().map(move |(user, account)| {
            let hours = number::hours(account.seconds(), 2);
            let (gpu, vram) = (percent(account.gpu), percent(account.vram));
            said!(
                "{index}: {hours} 小時, GPU使用率 = {gpu}, VRAM使用率 = {vram} (使用者: {user})",
                "{index}: {hours} hours, GPU = {gpu}, VRAM = {vram} (user: {user})"
            )
        })
    });
    let title = text(
        "各使用者佔用 GPU 的時數，以及佔用期間的使用率",
        "Hours that each user held a GPU, and its utilisation in that time",
    );
    titled(title, lines)
}

fn conflicts(day: &NodeDay) -> String {
    let gpus = day.gpus.iter();
    let gpus = gpus.filter_map(|gpu| Some((gpu.index, &gpu.held.as_ref()?.conflicts)));
    let lines = gpus.flat_map(|(index, conflicts)| {
        let more = |more| match more {
            0 => String::new(),
            more => said!(" 及另外 {more} 個", " and {more} more"),
        };
        let listed = conflicts.first.iter().map(move |conflict| {
            let span = day.window.clock_span(conflict.span);
            let users = conflict.users.first.join(";") + &more(conflict.users.more);
            let tasks = conflict.tasks.first.join(";") + &more(conflict.tasks.more);
            said!(
                "{index}: {span} (使用者: {users}, 任務: {tasks})",
                "{index}: {span} (users: {users}, tasks: {tasks})"
            )
        });
        let more = Some(conflicts.more).filter(|more| *more > 0);
        let more = more.map(|more| {
            let times = counted(more, "段時間", "more period", "more periods");
            said!("{index}: 另有 {times}", "{index}: {times}")
        });
        listed.chain(more)
    });
    let title = text(
        "資源衝突 (多位使用者同時佔用同一張 GPU)",
        "Conflicts (several users held one GPU at once)",
    );
    titled(title, lines)
}

fn busy_without_task(day: &NodeDay) -> String {
    let lines = day.gpus.iter().flat_map(|gpu| {
        let spans = gpu.held.iter().flat_map(|held| &held.busy_without_task);
        spans.map(|span| format!("{}: {}", gpu.index, day.window.clock_span(*span)))
    });
    let busy = day.thresholds.busy;
    let title = said!(
        "沒有任務佔用卻忙碌的 GPU (GPU使用率超過 {busy}% 達一小時以上)",
        "GPUs busy without a task (over {busy}% for an hour or more)"
    );
    titled(&title, lines)
}

fn unplaced(day: &NodeDay) -> String {
    let known = day.tasks.known().into_iter();
    let unplaced = known.flat_map(|known| &known.unplaced);
    let lines = unplaced.map(|unplaced| {
        let owner = unplaced.owner.as_ref();
        let owner = owner.map_or_else(String::new, |owner| {
            said!(", 屬於節點 {owner}", ", of node {owner}")
        });
        let (id, user, task) = (gpu_id(&unplaced.gpu), &unplaced.username, &unplaced.task);
        let uuid = or_missing(unplaced.gpu.uuid.as_deref());
        said!(
            "GPU {id}: {user} (任務 {task}, GPU UUID {uuid}{owner})",
            "GPU {id}: {user} (task {task}, GPU UUID {uuid}{owner})"
        )
    });
    let known = day.tasks.known().into_iter();
    let unlisted = known.flat_map(|known| &known.unlisted).map(|unlisted| {
        let (user, task, count) = (&unlisted.username, &unlisted.task, unlisted.count);
        said!(
            "GPU N/A: {user} (任務 {task}, flavor 有 {count} 張 GPU, gpus 是空的)",
            "GPU N/A: {user} (task {task}, flavor.gpu is {count}, gpus is empty)"
        )
    });
    let title = text(
        "無法對應到本節點 GPU 的任務 GPU (使用者欄位不含這些使用者)",
        "Task GPUs that cannot be placed on this node (their users are not among the users above)",
    );
    titled(title, lines.chain(unlisted))
}

fn disagreements(day: &NodeDay) -> String {
    let known = day.tasks.known().into_iter();
    let lines = known.flat_map(|known| &known.disagreements);
    let lines = lines.map(|disagreement| format!("{}: {disagreement}", disagreement.index));
    let title = text(
        "UUID 與 id 不一致的 GPU (以 UUID 為準)",
        "GPUs whose UUID and id disagree (the UUID counts)",
    );
    titled(title, lines)
}

fn timeless(day: &NodeDay) -> String {
    let known = day.tasks.known().into_iter();
    let tasks = known.flat_map(|known| &known.timeless);
    let lines = tasks.map(|TimelessTask { task, problem, .. }| {
        said!("任務 {task}: {problem}", "Task {task}: {problem}")
    });
    let title = text(
        "時間不明而未計入使用者欄位的任務",
        "Tasks with unknown times (their users are not among the users above)",
    );
    titled(title, lines)
}

/// Where the task information is from, unless it is the management API's answer of this run.
fn source(day: &NodeDay) -> String {
    match &day.tasks {
        TaskKnowledge::Known { kept_since, .. } => {
            let Some(since) = kept_since else {
                return String::new();
            };
            let clock = day.window.clock(*since);
            let caveat = if *since < day.window.end {
                text(
                    "，當時這一天尚未結束，之後的任務不在其中",
                    ", before the end of the day: later tasks are missing",
                )
            } else {
                ""
            };
            said!(
                "任務資訊取自先前保存的管理 API 回覆 ({clock}{caveat})\n",
                "Task information from an earlier answer of the management API ({clock}{caveat})\n"
            )
        }
        TaskKnowledge::Unknown { reason, earlier } => {
            let column = if earlier.is_empty() {
                ""
            } else {
                text(
                    "使用者欄位保留自先前的 average CSV\n",
                    "The users are those of the earlier average CSV\n",
                )
            };
            said!(
                "沒有任務資訊 (不代表 GPU 無人使用):\n{reason}\n{column}",
                "No task information (which does not mean that nobody used the GPUs):\n{reason}\n{column}"
            )
        }
    }
}

/// A section, unless it has no lines.
fn titled(title: &str, lines: impl Iterator<Item = String>) -> String {
    let lines: String = lines.map(|line| line + "\n").collect();
    match lines.as_str() {
        "" => lines,
        _ => format!("{title}:\n{lines}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{DayLedger, Span, TasksByHost, attribute};
    use crate::formats::ledger_csv;
    use crate::model::{
        CardId, CardUsage, GpuIndex, GpuUuid, Interval, Language, Node, Reading, Thresholds, Window,
    };
    use crate::sources::management_api::kept;
    use chrono_tz::Tz;
    use pretty_assertions::assert_eq;
    use std::collections::BTreeMap;

    const TASKS: &str = r#"{
        "t1": {"username": "alice", "hostname": "gpu-a", "start": "Fri, 01 Aug 2025 00:00:00 GMT",
               "end": "Fri, 01 Aug 2025 10:00:00 GMT", "gpus": [{"id": 8, "name": "AMD Instinct MI300X", "memory": 196592}],
               "task": {"_type": "LAB", "project_uuid": "p1", "image": "lab:1", "owner": "dora"}, "total_seconds": 36000},
        "t2": {"username": "=bob", "hostname": "gpu-a", "start": "Fri, 01 Aug 2025 08:00:10 GMT",
               "end": "Fri, 01 Aug 2025 12:00:00 GMT", "gpus": [{"id": 8}]},
        "t3": {"username": "carol", "hostname": "gpu-a", "start": "Thu, 31 Jul 2025 12:00:00 GMT",
               "end": null, "gpus": [{"id": 8, "uuid": "APU-2"}, {"id": 99, "uuid": "APU-3"}, {"id": 98}]},
        "t4": {"username": "erin", "hostname": "gpu-a", "start": "soon", "gpus": [{"id": 8}]}
    }"#;

    /// A day with everything that can be doubtful about one.
    fn with_doubtful_day(check: impl FnOnce(&NodeDay)) {
        let date = "2025-08-01".parse().expect("a date");
        let now = 1_754_006_400 + 20 * 3600 + 30;
        let window = Window::new(date, Tz::UTC, Interval::DEFAULT, now).expect("a window");
        let uuid = |text: &str| GpuUuid::parse(text).expect("a UUID");
        let node = Node {
            name: "gpu-a".to_owned(),
            url: "http://127.0.0.1".parse().expect("an URL"),
            cards: vec![CardId(1), CardId(9), CardId(17), CardId(25)],
            first_gpu_id: Some(8),
            gpu_uuids: BTreeMap::from([(uuid("APU-2"), GpuIndex(1))]),
            uuid_owners: std::sync::Arc::new(BTreeMap::from([
                (uuid("APU-2"), "gpu-a".to_owned()),
                (uuid("APU-3"), "gpu-b".to_owned()),
            ])),
        };
        let readings = |value, from: usize| -> Vec<_> {
            let reading = |slot| Reading::new(value).filter(|_| slot >= from);
            (0..window.due()).map(reading).collect()
        };
        let usage = |(gpu, vram), from| CardUsage {
            gpu: readings(gpu, from),
            vram: readings(vram, from),
        };
        let usage = BTreeMap::from([
            (CardId(1), usage((65.2778, 85.4439), 0)),
            (CardId(9), usage((2.5, 0.14), 6)),
            (CardId(17), usage((99.0, 40.0), 0)),
        ]);
        let (start, end) = (window.start, window.end);
        let file =
            format!(r#"{{"fetched_at":{now},"start":{start},"end":{end},"answer":{TASKS}}}"#);
        let kept = kept::recall(file.as_bytes(), &window).expect("an answer");
        let known = Span::new(window.start, window.until).expect("a span");
        check(&NodeDay::new(
            &node,
            &window,
            usage,
            TaskKnowledge::Known {
                tasks: attribute(&node, &TasksByHost::new(&kept.answer.tasks), known),
                kept_since: Some(kept.fetched_at),
                has_malformed: true,
            },
            Thresholds::default(),
        ));
    }

    #[test]
    fn a_doubtful_day_has_every_section() {
        let chinese = include_str!("../../fixtures/golden/summary_doubtful.txt");
        let english = include_str!("../../fixtures/golden/summary_doubtful.en.txt");
        // Whatever is said while it comes about.
        for said_in in Language::BOTH {
            said_in.in_it(|| {
                with_doubtful_day(|day| {
                    assert_eq!(Language::Chinese.in_it(|| render(day)), chinese);
                    assert_eq!(Language::English.in_it(|| render(day)), english);
                });
            });
        }
    }

    #[test]
    fn the_accounts_of_a_doubtful_day_have_every_word() {
        for (language, golden) in [
            (
                Language::Chinese,
                include_str!("../../fixtures/golden/users_doubtful.csv"),
            ),
            (
                Language::English,
                include_str!("../../fixtures/golden/users_doubtful.en.csv"),
            ),
        ] {
            with_doubtful_day(|day| {
                let ledger = day.ledger().expect("task information");
                let ledger = DayLedger::from([(day.node.name.clone(), ledger)]);
                let file = language.in_it(|| ledger_csv::render(&ledger));
                assert_eq!(String::from_utf8(file).expect("UTF-8"), golden);
                let words = crate::analysis::DOUBTS;
                let words = words.map(|doubt| language.in_it(|| doubt.word_of_file()));
                let words = words.join(";");
                assert!(golden.lines().skip(1).all(|line| line.ends_with(&words)));
                let read = ledger_csv::parse(golden.as_bytes()).expect("a ledger");
                assert_eq!(read, ledger);
            });
        }
    }
}
