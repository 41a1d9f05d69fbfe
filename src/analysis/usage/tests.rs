use super::*;
use crate::analysis::{Entry, Idle, NodeLedger, Span, withheld};
use crate::model::{GpuIndex, Reading, TaskTime};
use chrono::Days;
use proptest::prelude::*;

const USERS: [&str; 3] = ["alice", "bob", "王小明"];

/// A row of a day: who (3 is nobody), on which node and GPU, the five parts in seconds, the mean in percent.
type Row = (usize, usize, usize, [u64; 5], u32);

fn account([active, vram_held, vram_empty, vram_unknown, unknown]: [u64; 5], mean: u32) -> Account {
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
        let time = row.created()?;
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
            let groups = usage.sorted_groups(GroupBy::Project, UserOrder::Idle).into_iter();
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
