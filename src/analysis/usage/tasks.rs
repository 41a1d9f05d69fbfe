//! By which tasks users held their GPUs: the kept tasks of a day beside the accounts of that day.

use std::collections::{BTreeMap, HashMap};

use super::group::{Group, GroupBy};
use crate::analysis::attribution::{TasksByHost, attribute};
use crate::analysis::holding::{Span, Spans};
use crate::analysis::ledger::{Account, Entry};
use crate::model::{
    CardUsage, GpuIndex, Node, Task, TaskTime, Thresholds, UnixSeconds, Window, text,
};

/// Why it is not known by which task something was held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskGap {
    NotKept,
    Unreadable,
    /// The settings no longer name the node, and so nothing is placed on it.
    UnknownNode,
    Differing,
}

impl TaskGap {
    pub fn message(self) -> &'static str {
        match self {
            Self::NotKept => text("沒有保存", "not kept"),
            Self::Unreadable => text(
                "無法讀取（請以收集時的使用者執行）",
                "cannot be read (run as the user who collects)",
            ),
            Self::UnknownNode => text("設定中沒有這個節點", "the node is not in the settings"),
            Self::Differing => text(
                "與用量報告不符（任務資訊、讀數或設定在報告之後改變；請重新收集這一天）",
                "does not fit the usage report (tasks, readings or settings changed after it; collect the day again)",
            ),
        }
    }
}

/// A task behind an account, and the part of the time that is its own: a second of several tasks of one user is that of
/// the one that began first.
#[derive(Clone, Copy, Debug)]
pub struct Share<'a> {
    pub task: &'a Task,
    pub own: Option<Span>,
}

/// The tasks of a node's day, by user and GPU.
#[derive(Debug, Default)]
pub struct NodeShares<'a>(HashMap<&'a str, BTreeMap<GpuIndex, Shares<'a>>>);

#[derive(Debug, Default)]
struct Shares<'a> {
    all: Vec<Share<'a>>,
    /// The end of what is somebody's own.
    until: Option<UnixSeconds>,
}

impl<'a> NodeShares<'a> {
    /// Places the node's tasks as the run did that wrote the accounts, which are of the `known` time.
    pub fn new(node: &Node, tasks: &TasksByHost<'a>, known: Span) -> Self {
        let mut by_user = Self::default();
        // In the order of their start.
        for placed in attribute(node, tasks, known).placed {
            let Some(span) = placed.span else { continue };
            let of_user = by_user.0.entry(&placed.task.username).or_default();
            let shares = of_user.entry(placed.index).or_default();
            let until = shares.until.unwrap_or(span.from);
            shares.all.push(Share {
                task: placed.task,
                own: Span::new(span.from.max(until), span.to),
            });
            shares.until = Some(until.max(span.to));
        }
        by_user
    }

    /// The tasks behind an account, if they held for as long as it says.
    pub fn of(&self, entry: &Entry) -> Result<&[Share<'a>], TaskGap> {
        let user = entry.user.as_deref().unwrap_or_default();
        let shares = self.0.get(user).and_then(|of_user| of_user.get(&entry.gpu));
        let shares = shares.ok_or(TaskGap::Differing)?.all.as_slice();
        let own = shares.iter().filter_map(|share| share.own);
        let is_all = own.map(Span::seconds).sum::<u64>() == entry.account.seconds();
        is_all.then_some(shares).ok_or(TaskGap::Differing)
    }
}

/// Parts an account by the groups of its tasks. The parts make up the whole to the second. The GPU's readings are asked
/// for only where there is more than one group.
pub fn parted(
    entry: &Entry,
    shares: &[Share],
    by: GroupBy,
    (window, thresholds): (&Window, Thresholds),
    readings: impl FnOnce() -> Option<CardUsage>,
) -> Result<BTreeMap<Group, Account>, TaskGap> {
    let mut spans: BTreeMap<Group, Vec<Span>> = BTreeMap::new();
    for share in shares {
        let of_group = share.own.into_iter();
        let of_group = of_group.map(|own| (by.of_task(share.task), own));
        of_group.for_each(|(group, own)| spans.entry(group).or_default().push(own));
    }
    if spans.len() == 1 {
        let groups = spans.into_keys();
        return Ok(groups.map(|group| (group, entry.account)).collect());
    }
    let usage = readings();
    let account = |spans| Account::of(&Spans::union(spans), usage.as_ref(), window, thresholds);
    let parts = spans.into_iter();
    let parts: BTreeMap<_, _> = parts.map(|(group, of)| (group, account(of))).collect();
    let whole: Account = parts.values().copied().sum();
    let seconds = |of: Account| (of.active, of.idle, of.unknown);
    let is_same = seconds(whole) == seconds(entry.account);
    is_same.then_some(parts).ok_or(TaskGap::Differing)
}

/// What is known of the tasks by which a user held a GPU on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowTasks {
    pub count: usize,
    /// When the first of them was created.
    pub created: Option<TaskTime>,
}

impl RowTasks {
    pub fn new(shares: &[Share]) -> Self {
        let created = shares.iter().map(|share| &share.task.create_time);
        let created = created.filter(|time| time.text().is_some());
        Self {
            count: shares.len(),
            // One that can be read comes first.
            created: created
                .min_by_key(|time| (time.unix().is_none(), time.unix()))
                .cloned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::ledger::{GpuLedger, NodeLedger};
    use crate::model::{CardId, Interval, Reading, TaskGpu};
    use chrono_tz::Tz;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const START: UnixSeconds = 1_754_006_400;

    fn window() -> Window {
        Window {
            date: "2025-08-01".parse().expect("a date"),
            zone: Tz::UTC,
            start: START,
            end: START + 1200,
            until: START + 1200,
            seen_until: START + 1200,
            interval: Interval::from_seconds(60).expect("a minute"),
        }
    }

    fn task(
        number: usize,
        user: usize,
        gpu: u64,
        project: usize,
        (from, length): (i64, i64),
    ) -> Task {
        let at = |second| TaskTime::At {
            unix: START + second,
            text: String::new(),
        };
        Task {
            id: format!("t{number}"),
            username: format!("u{user}"),
            hostname: "n1".to_owned(),
            gpus: vec![TaskGpu {
                id: Some(gpu),
                uuid: None,
                name: None,
                memory: None,
            }],
            unlisted_gpus: 0,
            kind: None,
            project_uuid: Some(format!("p{project}")),
            image: None,
            owner: None,
            create_time: TaskTime::Absent,
            start: at(from),
            end: at(from + length),
            total_seconds: None,
            position: number,
            last_named: None,
        }
    }

    fn node() -> Node {
        Node {
            name: "n1".to_owned(),
            url: "http://127.0.0.1:1".parse().expect("a URL"),
            first_gpu_id: Some(1),
            cards: [1, 9].map(CardId).to_vec(),
            gpu_uuids: BTreeMap::new(),
            uuid_owners: std::sync::Arc::default(),
        }
    }

    proptest! {
        /// The accounts are those that a run makes of the same tasks.
        #[test]
        fn the_parts_of_an_account_make_up_the_whole(
            tasks in prop::collection::vec((0_usize..3, 1_u64..3, 0_usize..3, (-200_i64..1300, 1_i64..900)), 0..12),
            readings in prop::collection::vec(prop::option::weighted(0.8, 0_u8..=100), 20),
            known in 60_i64..=1200,
        ) {
            let (window, node, limits) = (window(), node(), Thresholds::default());
            let known = Span::new(START, START + known).expect("a span");
            let mut tasks: Vec<_> = tasks.into_iter().enumerate()
                .map(|(number, (user, gpu, project, time))| task(number, user, gpu, project, time)).collect();
            tasks.sort_by_key(|task| task.start.unix());
            let of_host = TasksByHost::new(&tasks);
            let readings: Vec<_> = readings.into_iter().map(|value| value.and_then(|value| Reading::new(value.into()))).collect();
            let usage = CardUsage { gpu: readings.clone(), vram: readings };
            let attributed = attribute(&node, &of_host, known);
            let gpus: Vec<_> = attributed.holdings.iter()
                .map(|(gpu, holdings)| (*gpu, GpuLedger::new(Some(holdings), Some(&usage), known, &window, limits))).collect();
            let ledger = NodeLedger::new(known, BTreeSet::new(), gpus.iter().map(|(gpu, of)| (*gpu, of)));
            let shares = NodeShares::new(&node, &of_host, known);
            for entry in ledger.entries.iter().filter(|entry| entry.user.is_some()) {
                let of_entry = shares.of(entry).expect("the same tasks");
                for by in [GroupBy::Project, GroupBy::TaskType] {
                    let parts = parted(entry, of_entry, by, (&window, limits), || Some(usage.clone())).expect("the same readings");
                    let whole: Account = parts.values().copied().sum();
                    prop_assert_eq!(whole.seconds(), entry.account.seconds());
                    prop_assert_eq!((whole.active, whole.idle, whole.unknown), (entry.account.active, entry.account.idle, entry.account.unknown));
                }
                let longer = Entry { account: Account { unknown: entry.account.unknown + 1, ..entry.account }, ..entry.clone() };
                prop_assert_eq!(shares.of(&longer).err(), Some(TaskGap::Differing));
            }
        }
    }
}
