//! The GPU-hour ledger: for how long each user held each GPU of a day, and what it did in that time.

mod account;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::holding::{Holdings, Span, Spans};
use crate::model::{CardUsage, GpuIndex, Thresholds, Window, text};

pub use account::{Account, Idle};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuLedger {
    /// Each user's, in order of first hold. Of users who held it at once, each has all of that time.
    pub users: Vec<(String, Account)>,
    /// That of the time in which nobody held it.
    pub unallocated: Account,
}

impl GpuLedger {
    /// The accounts of a GPU with these holdings in the `known` part of the day.
    pub fn new(
        holdings: Option<&Holdings>,
        usage: Option<&CardUsage>,
        known: Span,
        window: &Window,
        thresholds: Thresholds,
    ) -> Self {
        let account = |time: &Spans| Account::of(time, usage, window, thresholds);
        let holders = holdings.into_iter().flat_map(|of_gpu| &of_gpu.holders);
        let not_free = holdings.map(Holdings::not_free).unwrap_or_default();
        Self {
            users: holders
                .map(|holder| (holder.user.to_owned(), account(&holder.spans)))
                .collect(),
            unallocated: account(&not_free.gaps_in(known)),
        }
    }
}

/// Why a node's accounts may not be the truth, or not the whole of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    Unfinished,
    Unplaced,
    /// The UUID and the id of a task's GPU do not lead to the same GPU.
    Disagreement,
    Timeless,
    Conflict,
    BusyWithoutTask,
    /// A task cannot be read: which GPUs it held, on whichever node, is not known.
    Malformed,
}

pub const DOUBTS: [Doubt; 7] = [
    Doubt::Unfinished,
    Doubt::Unplaced,
    Doubt::Disagreement,
    Doubt::Timeless,
    Doubt::Conflict,
    Doubt::BusyWithoutTask,
    Doubt::Malformed,
];

impl Doubt {
    /// Whether what a task held is not accounted to anybody. The run's day is incomplete for it as well.
    pub fn lacks_a_task(self) -> bool {
        matches!(self, Self::Unplaced | Self::Timeless | Self::Malformed)
    }

    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unfinished => text(
                "任務資訊未達當日結束",
                "task information that does not reach the end of the day",
            ),
            Self::Unplaced => text("有無法對應的任務 GPU", "task GPUs that cannot be placed"),
            Self::Disagreement => text(
                "有 UUID 與 id 不一致的 GPU",
                "GPUs whose UUID and id disagree",
            ),
            Self::Timeless => text("有時間不明的任務", "tasks with unknown times"),
            Self::Conflict => text("有資源衝突", "conflicts"),
            Self::BusyWithoutTask => text("有 GPU 沒有任務佔用卻忙碌", "GPUs busy without a task"),
            Self::Malformed => text("有無法解析的任務", "tasks that cannot be read"),
        }
    }

    /// As a file has it.
    pub fn word_of_file(self) -> &'static str {
        match self {
            Self::Unfinished => text("未達當日結束", "unfinished"),
            Self::Unplaced => text("有無法對應的任務GPU", "unplaced"),
            Self::Disagreement => text("有UUID與id不一致的GPU", "disagreement"),
            Self::Timeless => text("有時間不明的任務", "timeless"),
            Self::Conflict => text("有資源衝突", "conflict"),
            Self::BusyWithoutTask => text("有無任務而忙碌的GPU", "busy_without_task"),
            Self::Malformed => text("有無法解析的任務", "malformed"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeLedger {
    pub known: Span,
    pub doubts: BTreeSet<Doubt>,
    /// Each user's of each GPU, and those of the time in which nobody held it, by [`Entry::key`].
    pub entries: Vec<Entry>,
}

/// An account of a [`NodeLedger`]. None is of no time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub user: Option<String>,
    pub gpu: GpuIndex,
    pub account: Account,
}

impl Entry {
    /// What no two entries of a node have in common, in their order: by user, and last what nobody held.
    pub fn key(&self) -> (bool, Option<&str>, GpuIndex) {
        (self.user.is_none(), self.user.as_deref(), self.gpu)
    }
}

impl NodeLedger {
    pub fn new<'a>(
        known: Span,
        doubts: BTreeSet<Doubt>,
        gpus: impl IntoIterator<Item = (GpuIndex, &'a GpuLedger)>,
    ) -> Self {
        let mut entries = Vec::new();
        for (gpu, ledger) in gpus {
            let users = ledger.users.iter();
            let users = users.map(|(user, account)| (Some(user.clone()), *account));
            let accounts = users.chain([(None, ledger.unallocated)]);
            let accounts = accounts.filter(|(_, account)| account.seconds() > 0);
            entries.extend(accounts.map(|(user, account)| Entry { user, gpu, account }));
        }
        entries.sort_unstable_by(|a, b| a.key().cmp(&b.key()));
        Self {
            known,
            doubts,
            entries,
        }
    }
}

pub type DayLedger = BTreeMap<String, NodeLedger>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::holding::Hold;
    use crate::analysis::ledger::account::tests::{agree, counted, hundredths, short_day, usage};
    use proptest::prelude::*;

    const USERS: [&str; 3] = ["alice", "bob", "王小明"];

    #[test]
    fn users_who_share_a_gpu_have_each_all_of_the_time() {
        let window = short_day();
        let at = |from, to| Span::new(window.start + from, window.start + to).expect("a span");
        let hold = |user, from, to| Hold {
            user,
            task: "t",
            span: at(from, to),
        };
        let holdings = Holdings::new(&[hold("bob", 0, 600), hold("alice", 300, 900)]);
        let (known, limits) = (at(0, 1000), Thresholds::default());
        let ledger = GpuLedger::new(Some(&holdings), None, known, &window, limits);
        let users: Vec<_> = ledger
            .users
            .iter()
            .map(|(user, account)| (user.as_str(), account.seconds()))
            .collect();
        assert_eq!(users, [("bob", 600), ("alice", 600)]);
        assert_eq!(ledger.unallocated.seconds(), 100);
    }

    proptest! {
        /// Each user's seconds, and those of nobody, are counted one by one, from the tasks alone.
        #[test]
        fn every_second_of_every_gpu_is_accounted_for(
            tasks in prop::collection::vec((0_usize..3, 0_usize..2, -100_i64..1300, 0_i64..900), 0..10),
            readings in prop::collection::vec((hundredths(), hundredths()), 2),
            known in 1_i64..=1200,
        ) {
            let window = short_day();
            let whole = Span::new(window.start, window.start + known).expect("a span");
            let mut gpus = Vec::new();
            for (gpu, (of_gpu, of_vram)) in readings.iter().enumerate() {
                let holds = tasks.iter().filter(|task| task.1 == gpu).filter_map(|&(user, _, from, length)| {
                    let span = Span::new(window.start + from, window.start + from + length)?.within(whole)?;
                    Some(Hold { user: USERS[user], task: "t", span })
                });
                let holds: Vec<_> = holds.collect();
                let holdings = Some(Holdings::new(&holds)).filter(|of_gpu| !of_gpu.holders.is_empty());
                let usage = usage(of_gpu, of_vram);
                let ledger =
                    GpuLedger::new(holdings.as_ref(), Some(&usage), whole, &window, Thresholds::default());
                let is_held_by = |user: usize, second: i64| {
                    tasks.iter().any(|&(by, on, from, length)| {
                        by == user && on == gpu && from <= second && second < from + length
                    })
                };
                let seconds = |is_so: &dyn Fn(i64) -> bool| {
                    let seconds = (0..known).filter(|&second| is_so(second));
                    seconds.map(|second| usize::try_from(second).expect("few")).collect::<Vec<_>>()
                };
                for (position, name) in USERS.into_iter().enumerate() {
                    let account = ledger.users.iter().find(|(user, _)| user == name).map(|(_, account)| *account);
                    let held = seconds(&|second| is_held_by(position, second));
                    prop_assert_eq!(account.is_some(), !held.is_empty());
                    agree(account.unwrap_or_default(), counted(held, of_gpu, of_vram))?;
                }
                let free = seconds(&|second| !(0..3).any(|user| is_held_by(user, second)));
                agree(ledger.unallocated, counted(free, of_gpu, of_vram))?;
                gpus.push((GpuIndex(gpu), ledger));
            }
            let node = NodeLedger::new(whole, BTreeSet::new(), gpus.iter().map(|(gpu, of_gpu)| (*gpu, of_gpu)));
            prop_assert!(node.entries.is_sorted_by(|a, b| a.key() < b.key()));
            for user in USERS.map(Some).into_iter().chain([None]) {
                let in_node = node.entries.iter().filter(|entry| entry.user.as_deref() == user);
                let in_gpus = gpus.iter().flat_map(|(_, of_gpu)| match user {
                    Some(user) => {
                        let of_user = of_gpu.users.iter().filter(|(name, _)| name == user);
                        of_user.map(|(_, account)| *account).collect()
                    }
                    None => vec![of_gpu.unallocated],
                });
                let in_gpus: Account = in_gpus.sum();
                prop_assert_eq!(in_node.map(|entry| entry.account).sum::<Account>(), in_gpus);
            }
        }
    }
}
