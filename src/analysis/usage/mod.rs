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
use crate::model::{GpuIndex, text};

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
    pub fn sorted_groups(&self, order: UserOrder) -> Vec<(&Group, Account)> {
        let mut groups: BTreeMap<&Group, Account> = BTreeMap::new();
        for ((_, group), &account) in &self.parts {
            *groups.entry(group).or_default() += account;
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
mod tests {
    use super::*;
    use crate::analysis::{Entry, Idle, NodeLedger, Span, withheld};
    use crate::model::{GpuIndex, Reading, TaskTime};
    use chrono::Days;
    use proptest::prelude::*;

    const USERS: [&str; 3] = ["alice", "bob", "王小明"];

    /// A row of a day: who (3 is nobody), on which node and GPU, the five parts in seconds, the mean in percent.
    type Row = (usize, usize, usize, [u64; 5], u32);

    fn account(
        [active, vram_held, vram_empty, vram_unknown, unknown]: [u64; 5],
        mean: u32,
    ) -> Account {
        let mut account = Account {
            active,
            idle: Idle {
                vram_held,
                vram_empty,
                vram_unknown,
            },
            unknown,
            ..Account::default()
        };
        let observed = account.observed();
        let mean = Reading::new(f64::from(mean)).expect("a reading");
        if observed > 0 {
            account.gpu.add(mean, observed);
        }
        if observed > vram_unknown {
            account.vram.add(mean, observed - vram_unknown);
        }
        account
    }

    fn day(rows: &[Row]) -> DayLedger {
        let mut day = DayLedger::new();
        for &(user, node, gpu, parts, mean) in rows {
            let node = day.entry(format!("n{node}")).or_insert_with(|| NodeLedger {
                known: Span::new(0, 86_400).expect("a span"),
                doubts: [Doubt::Conflict].into(),
                entries: Vec::new(),
            });
            node.entries.push(Entry {
                user: USERS.get(user).map(|user| (*user).to_owned()),
                gpu: GpuIndex(gpu),
                account: account(parts, mean),
            });
        }
        day
    }

    fn first() -> NaiveDate {
        "2025-08-01".parse().expect("a date")
    }

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        let parts = prop::array::uniform5(0_u64..20_000);
        prop::collection::vec(
            (0_usize..4, 0_usize..3, 0_usize..4, parts, 0_u32..=100),
            0..12,
        )
    }

    #[test]
    fn no_account_is_not_the_same_as_no_use() {
        let mut usage = Usage::new(first(), first() + Days::new(1));
        usage.add_absence(first(), None, AbsenceReason::NotCollected);
        assert_eq!((usage.total(), usage.is_complete()), (None, false));
        usage.add(
            first() + Days::new(1),
            &day(&[(3, 0, 0, [60; 5], 1)]),
            |_| true,
        );
        assert_eq!(usage.total(), Some(Account::default()));
        assert_eq!((usage.days, usage.days_with_accounts), (2, 1));
    }

    #[test]
    fn where_users_are_renamed_the_time_of_creation_has_no_text_of_the_api() {
        let created = [
            TaskTime::Unreadable("for alice".to_owned()),
            TaskTime::At {
                unix: 1_754_006_400,
                text: "Fri, 01 Aug 2025 08:00:00 +0800 (alice)".to_owned(),
            },
        ];
        let row = |created| UserRow {
            user: "alice".to_owned(),
            date: first(),
            node: "n0".to_owned(),
            gpu: GpuIndex(0),
            account: Account::default(),
            tasks: Some(RowTasks {
                count: 1,
                created: Some(created),
            }),
        };
        let mut usage = Usage::new(first(), first());
        usage.rows = created.into_iter().map(row).collect();
        let usage = usage.renamed(|_| "user-1".to_owned());
        let texts = usage.rows.iter().map(|row| {
            let time = row.tasks.as_ref()?.created.as_ref()?;
            Some((time.unix(), time.text()?))
        });
        assert_eq!(
            texts.collect::<Vec<_>>(),
            [
                Some((None, withheld())),
                Some((Some(1_754_006_400), "Fri, 01 Aug 2025 00:00:00 GMT")),
            ]
        );
    }

    #[test]
    fn users_come_in_the_order_that_is_asked_for() {
        let idle = |seconds| [1, seconds, 0, 0, 0];
        let rows = [
            (1, 0, 0, idle(10), 1),
            (0, 0, 1, idle(10), 1),
            (2, 0, 2, idle(20), 1),
            (0, 1, 0, [900, 0, 0, 0, 0], 50),
        ];
        let mut usage = Usage::new(first(), first());
        usage.add(first(), &day(&rows), |_| true);
        let names = |order| -> Vec<_> {
            let users = usage.sorted(order).into_iter();
            users.map(|(name, _)| name.to_owned()).collect()
        };
        assert_eq!(names(UserOrder::Idle), ["王小明", "alice", "bob"]);
        assert_eq!(names(UserOrder::Allocated), ["alice", "王小明", "bob"]);
        assert_eq!(names(UserOrder::Name), ["alice", "bob", "王小明"]);
    }

    proptest! {
        /// Every part of every user is added up by hand, from the rows alone.
        #[test]
        fn the_sum_over_days_is_that_of_all_their_rows(
            days in prop::collection::vec(rows(), 0..6), without in 0_usize..4,
        ) {
            let is_wanted = |node: usize| node != without;
            let mut usage = Usage::new(first(), first() + Days::new(9));
            for (offset, rows) in (0..).zip(&days) {
                let wanted = |name: &str| name != format!("n{without}");
                usage.add(first() + Days::new(offset), &day(rows), wanted);
            }
            let mut all = ([0; 5], 0, 0);
            for (position, name) in USERS.into_iter().enumerate() {
                let (mut parts, mut gpu, mut vram) = ([0; 5], 0, 0);
                let mut seen = false;
                let of_user = days.iter().flatten().filter(|row| row.0 == position && is_wanted(row.1));
                for (_, _, _, row, mean) in of_user {
                    seen = true;
                    for (sum, part) in parts.iter_mut().zip(row) {
                        *sum += part;
                    }
                    let observed: u64 = row[..4].iter().sum();
                    gpu += u64::from(*mean) * observed;
                    vram += u64::from(*mean) * (observed - row[3]);
                }
                let found = usage.users.get(name).copied();
                prop_assert_eq!(found.is_some(), seen);
                agree(found.unwrap_or_default(), parts, gpu, vram)?;
                for (sum, part) in all.0.iter_mut().zip(parts) {
                    *sum += part;
                }
                all = (all.0, all.1 + gpu, all.2 + vram);
            }
            agree(usage.total().unwrap_or_default(), all.0, all.1, all.2)?;
            let with_accounts = days.iter().filter(|rows| rows.iter().any(|row| is_wanted(row.1)));
            prop_assert_eq!(usage.days_with_accounts, with_accounts.count());
            // Whatever they are called, they held what they held.
            let renamed = usage.clone().renamed(|name| format!("user-{name}"));
            prop_assert_eq!(renamed.total(), usage.total());
            let one = usage.clone().renamed(|_| "everybody".to_owned());
            prop_assert_eq!(one.users.get("everybody").copied().unwrap_or_default(), usage.total().unwrap_or_default());
        }
    }

    proptest! {
        /// Whatever the groups are, and whoever is in them.
        #[test]
        fn grouping_changes_no_total(
            parts in prop::collection::vec((0_usize..3, 0_usize..5, prop::array::uniform5(0_u64..20_000), 0_u32..=100), 0..30),
        ) {
            let mut usage = Usage::new(first(), first());
            usage.days_with_accounts = 1;
            for (user, group, seconds, mean) in parts {
                let account = account(seconds, mean);
                let group = match group {
                    0 => Group::Unnamed,
                    1 => Group::Unknown,
                    number => Group::Named(format!("p{number}")),
                };
                *usage.users.entry(USERS[user].to_owned()).or_default() += account;
                usage.add_part(USERS[user], group, account);
            }
            let total = |usage: &Usage| {
                let groups = usage.sorted_groups(UserOrder::Idle).into_iter();
                groups.map(|(_, account)| account).sum::<Account>()
            };
            prop_assert_eq!(Some(total(&usage)), usage.total());
            let renamed = usage.clone().renamed(|_| "everybody".to_owned()).with_groups_renamed(|_| "all".to_owned());
            prop_assert_eq!(total(&renamed), total(&usage));
            let mut alone = usage;
            alone.retain_users(&[USERS[0].to_owned()].into());
            prop_assert_eq!(Some(total(&alone)), alone.total());
        }
    }

    /// `gpu` and `vram` are sums of percent times seconds.
    fn agree(account: Account, parts: [u64; 5], gpu: u64, vram: u64) -> Result<(), TestCaseError> {
        let idle = account.idle;
        let shown = [
            account.active,
            idle.vram_held,
            idle.vram_empty,
            idle.vram_unknown,
            account.unknown,
        ];
        prop_assert_eq!(shown, parts);
        prop_assert_eq!(account.seconds(), parts.iter().sum::<u64>());
        let observed: u64 = parts[..4].iter().sum();
        for (readings, sum, seconds) in [
            (account.gpu, gpu, observed),
            (account.vram, vram, observed - parts[3]),
        ] {
            prop_assert_eq!(readings.seconds(), seconds);
            #[expect(clippy::cast_precision_loss, reason = "few seconds")]
            let mean = (seconds > 0).then(|| sum as f64 / seconds as f64);
            let shown = readings.mean().map(Reading::percent);
            prop_assert_eq!(shown.is_some(), mean.is_some());
            prop_assert!((shown.unwrap_or(0.0) - mean.unwrap_or(0.0)).abs() < 1e-7);
        }
        Ok(())
    }
}
