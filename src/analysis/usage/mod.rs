//! Who used how much over several days: the accounts of the days' ledgers, added up user by user. A day is added and
//! forgotten, so that a year takes no more memory than a day.

mod dates;
mod group;
mod tasks;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use clap::ValueEnum;

use super::ledger::{Account, DayLedger, Doubt};
use super::without_text;
use crate::model::{GpuIndex, TaskTime, text};

pub use dates::{DateRuns, dates};
pub use group::{Group, GroupBy};
pub use tasks::{NodeShares, RowTasks, TaskGap, parted};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub days: usize,
    pub days_with_accounts: usize,
    pub users: BTreeMap<String, Account>,
    pub absences: BTreeMap<Absence, DateRuns>,
    /// What speaks against the accounts of a node.
    pub doubts: BTreeMap<(String, Doubt), DateRuns>,
    /// What each user held of each group, where they are added up by something else than users.
    pub parts: BTreeMap<(String, Group), Account>,
    /// What each user held of each GPU on each day, where that is asked for.
    pub rows: Vec<UserRow>,
    /// Where it is not known by which tasks something was held, of this node or of all, if that is asked for.
    pub task_gaps: BTreeMap<(Option<String>, TaskGap), DateRuns>,
}

/// What a user held of a GPU on a day. By user, and then by day, node and GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    pub user: String,
    pub date: NaiveDate,
    pub node: String,
    pub gpu: GpuIndex,
    pub account: Account,
    /// By which tasks, where that is known.
    pub tasks: Option<RowTasks>,
}

impl UserRow {
    /// When the first of its tasks was created, where that is known.
    pub fn created(&self) -> Option<&TaskTime> {
        self.tasks.as_ref()?.created.as_ref()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Absence {
    /// Those of this node; `None` for all nodes.
    pub node: Option<String>,
    pub reason: AbsenceReason,
}

/// Why there are no accounts. Of several nodes' reasons, the last in this order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AbsenceReason {
    NotCollected,
    NoReadings,
    TasksNotAsked,
    TasksUnavailable,
    Lost,
    /// What runs left of the day cannot be read.
    Unexplained,
    OtherZone,
    Damaged,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum UserOrder {
    /// Whoever left the most GPU-hours idle first.
    #[default]
    Idle,
    /// Whoever held the most GPU-hours first.
    Allocated,
    Name,
}

impl AbsenceReason {
    pub fn message(self) -> &'static str {
        match self {
            Self::NotCollected => text("沒有收集", "not collected"),
            Self::NoReadings => text("收集時沒有取得讀數", "collected, but got no readings"),
            Self::TasksNotAsked => text(
                "收集時沒有查詢任務資訊",
                "collected without asking for task information",
            ),
            Self::TasksUnavailable => text("沒有任務資訊", "no task information"),
            Self::Lost => text(
                "已收集，但沒有報告（由較舊的版本收集，或報告已被刪除）",
                "collected, but there is no report (an older version collected, or it was deleted)",
            ),
            Self::Unexplained => text(
                "沒有報告，執行記錄也無法讀取（請以收集時的使用者執行）",
                "no report, and the run record cannot be read (run as the user that collects)",
            ),
            Self::OtherZone => text(
                "報告屬於另一個時區的同一日期",
                "the report is for the same date in another time zone",
            ),
            Self::Damaged => text("報告無法讀取", "the report cannot be read"),
        }
    }
}

impl Usage {
    pub fn new(from: NaiveDate, to: NaiveDate) -> Self {
        Self {
            from,
            to,
            ..Self::default()
        }
    }

    /// Adds the accounts of a day, as far as they are of wanted nodes. Days come in order.
    pub fn add(&mut self, date: NaiveDate, day: &DayLedger, is_wanted: impl Fn(&str) -> bool) {
        self.days += 1;
        let mut has_accounts = false;
        for (name, node) in day.iter().filter(|(name, _)| is_wanted(name)) {
            has_accounts = true;
            for entry in &node.entries {
                let Some(user) = &entry.user else { continue };
                *self.users.entry(user.clone()).or_default() += entry.account;
            }
            for &doubt in &node.doubts {
                let of_node = self.doubts.entry((name.clone(), doubt)).or_default();
                of_node.add(date);
            }
        }
        self.days_with_accounts += usize::from(has_accounts);
    }

    /// Notes that a day has no accounts of this node, or none at all.
    pub fn add_absence(&mut self, date: NaiveDate, node: Option<&str>, reason: AbsenceReason) {
        self.days += usize::from(node.is_none());
        let node = node.map(str::to_owned);
        let absence = Absence { node, reason };
        self.absences.entry(absence).or_default().add(date);
    }

    /// Adds what a user held of a group.
    pub fn add_part(&mut self, user: &str, group: Group, account: Account) {
        *self.parts.entry((user.to_owned(), group)).or_default() += account;
    }

    /// Notes that it is not known by which tasks something was held on a day, of this node or of any.
    pub fn add_task_gap(&mut self, date: NaiveDate, node: Option<&str>, gap: TaskGap) {
        let of = (node.map(str::to_owned), gap);
        self.task_gaps.entry(of).or_default().add(date);
    }

    /// The same of users with other names, and without any text of the API.
    pub fn renamed(mut self, name: impl Fn(&str) -> String) -> Self {
        let mut users: BTreeMap<String, Account> = BTreeMap::new();
        for (user, account) in std::mem::take(&mut self.users) {
            *users.entry(name(&user)).or_default() += account;
        }
        self.users = users;
        for ((user, group), account) in std::mem::take(&mut self.parts) {
            self.add_part(&name(&user), group, account);
        }
        for row in &mut self.rows {
            row.user = name(&row.user);
            if let Some(time) = row.tasks.as_mut().and_then(|of| of.created.as_mut()) {
                *time = without_text(time);
            }
        }
        self.sort_rows();
        self
    }

    /// The same of groups with other names.
    pub fn with_groups_renamed(mut self, name: impl Fn(&str) -> String) -> Self {
        for ((user, group), account) in std::mem::take(&mut self.parts) {
            let group = match group {
                Group::Named(group) => Group::Named(name(&group)),
                group => group,
            };
            self.add_part(&user, group, account);
        }
        self
    }

    /// Leaves out what others held.
    pub fn retain_users(&mut self, wanted: &BTreeSet<String>) {
        self.users.retain(|user, _| wanted.contains(user));
        self.parts.retain(|(user, _), _| wanted.contains(user));
        self.rows.retain(|row| wanted.contains(&row.user));
    }

    pub fn sort_rows(&mut self) {
        let key = |row: &UserRow| (row.user.clone(), row.date, row.node.clone(), row.gpu);
        self.rows.sort_by_cached_key(key);
    }

    /// The users in an order: the greatest first, and those that are equal by name.
    pub fn sorted(&self, order: UserOrder) -> Vec<(&str, Account)> {
        let users = self.users.iter();
        sorted(users.map(|(name, &account)| (&**name, account)), order)
    }

    /// The groups, of all users together, in an order. Grouping changes no sum.
    pub fn sorted_groups(&self, by: GroupBy, order: UserOrder) -> Vec<(Group, Account)> {
        let mut groups: BTreeMap<Group, Account> = BTreeMap::new();
        if by == GroupBy::User {
            let users = self.users.iter();
            groups.extend(users.map(|(user, &account)| (Group::Named(user.clone()), account)));
        }
        for ((_, group), &account) in self.parts.iter().filter(|_| by != GroupBy::User) {
            *groups.entry(group.clone()).or_default() += account;
        }
        sorted(groups, order)
    }

    /// All users' accounts together; `None` where no day has any, which is not the same as no use. Of a GPU that two
    /// users held at once, both have that time.
    pub fn total(&self) -> Option<Account> {
        (self.days_with_accounts > 0).then(|| self.users.values().copied().sum())
    }

    /// Whether the accounts of every day and node are there, and no task is known to be missing in them.
    pub fn is_complete(&self) -> bool {
        self.absences.is_empty()
            && self.task_gaps.is_empty()
            && !self.doubts.keys().any(|(_, doubt)| doubt.lacks_a_task())
    }
}

fn sorted<K>(all: impl IntoIterator<Item = (K, Account)>, order: UserOrder) -> Vec<(K, Account)> {
    let mut all: Vec<_> = all.into_iter().collect();
    // Stable, and they are in the order of names.
    match order {
        UserOrder::Name => {}
        UserOrder::Idle => all.sort_by_key(|(_, of)| Reverse(of.idle.seconds())),
        UserOrder::Allocated => all.sort_by_key(|(_, of)| Reverse(of.seconds())),
    }
    all
}

#[cfg(test)]
mod tests;
