//! `users_<date>.csv`: the accounts of a day, for people and for later runs. Hours are for reading; the seconds are
//! exact, and what is read back.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use csv::{ReaderBuilder, StringRecord};
use serde::{Deserialize, Serialize};

use super::account::{Columns, hours};
use super::csv_text::{self, guard_formula, unguard};
use super::unreadable::Unreadable;
use crate::analysis::{Account, DOUBTS, DayLedger, Doubt, Entry, NodeLedger, Span};
use crate::model::{GpuIndex, UnixSeconds, composed, text};

pub fn header() -> &'static str {
    text(
        "類別,使用者,節點,GPU編號,時數(GPU小時),使用中(GPU小時),閒置(GPU小時),無讀數(GPU小時),\
        平均GPU使用率(%),平均VRAM使用率(%),涵蓋率(%),總秒數,使用中秒數,閒置佔用VRAM秒數,閒置未佔用VRAM秒數,\
        閒置VRAM不明秒數,無讀數秒數,VRAM讀數秒數,統計起(時間戳),統計至(時間戳),備註",
        "kind,user,node,gpu,hours,active_hours,idle_hours,unknown_hours,\
        mean_gpu_percent,mean_vram_percent,coverage_percent,seconds,active_seconds,idle_vram_held_seconds,\
        idle_vram_empty_seconds,idle_vram_unknown_seconds,unknown_seconds,vram_observed_seconds,\
        from_timestamp,to_timestamp,doubts",
    )
}

/// The first column: what a row is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A user on a GPU.
    Held,
    /// A user on all GPUs.
    HeldTotal,
    /// The time of a GPU in which nobody held it.
    Free,
    /// The same of all GPUs of a node.
    FreeTotal,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Held, Self::HeldTotal, Self::Free, Self::FreeTotal];

    fn word(self) -> &'static str {
        match self {
            Self::Held => text("配置", "held"),
            Self::HeldTotal => text("配置合計", "held_total"),
            Self::Free => text("未分配", "free"),
            Self::FreeTotal => text("未分配合計", "free_total"),
        }
    }

    fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

#[derive(Serialize, Deserialize)]
struct Row<'a> {
    kind: &'a str,
    user: String,
    node: String,
    gpu: String,
    hours: [String; 4],
    account: Columns,
    from: Option<UnixSeconds>,
    to: Option<UnixSeconds>,
    doubts: String,
}

impl Row<'_> {
    fn new(
        (kind, user): (Kind, &str),
        node: &str,
        gpu: Option<GpuIndex>,
        account: Account,
        known: Option<Span>,
        doubts: &BTreeSet<Doubt>,
    ) -> Self {
        let [all, active, idle, _, unknown] = hours(account, 4);
        let words: Vec<_> = doubts.iter().map(|doubt| doubt.word_of_file()).collect();
        Self {
            kind: kind.word(),
            user: guard_formula(user),
            node: guard_formula(node),
            gpu: gpu.map(|gpu| gpu.to_string()).unwrap_or_default(),
            hours: [all, active, idle, unknown],
            account: account.into(),
            from: known.map(|known| known.from),
            to: known.map(|known| known.to),
            doubts: words.join(";"),
        }
    }
}

/// The file: each user with their nodes and GPUs and a total, then each node with what nobody held of it.
pub fn render(day: &DayLedger) -> Vec<u8> {
    let mut users: BTreeMap<&str, Vec<(&str, &NodeLedger, &Entry)>> = BTreeMap::new();
    for (name, node) in day {
        for entry in &node.entries {
            if let Some(user) = &entry.user {
                users.entry(user).or_default().push((name, node, entry));
            }
        }
    }
    let row = |of: (Kind, &str), name: &str, node: &NodeLedger, gpu, account| {
        Row::new(of, name, gpu, account, Some(node.known), &node.doubts)
    };
    let mut rows = Vec::new();
    for (user, entries) in users {
        let (mut total, mut doubts) = (Account::default(), BTreeSet::new());
        for (name, node, entry) in entries {
            let (gpu, account) = (Some(entry.gpu), entry.account);
            rows.push(row((Kind::Held, user), name, node, gpu, account));
            total += account;
            doubts.extend(&node.doubts);
        }
        let of = (Kind::HeldTotal, user);
        rows.push(Row::new(of, "", None, total, None, &doubts));
    }
    for (name, node) in day {
        let mut total = Account::default();
        for entry in node.entries.iter().filter(|entry| entry.user.is_none()) {
            let (gpu, account) = (Some(entry.gpu), entry.account);
            rows.push(row((Kind::Free, ""), name, node, gpu, account));
            total += account;
        }
        rows.push(row((Kind::FreeTotal, ""), name, node, None, total));
    }
    csv_text::file(header(), rows)
}

/// Reads the file back. Totals are passed over: they follow from the rest.
pub fn parse(file: impl io::Read) -> Result<DayLedger, Unreadable> {
    let mut csv = ReaderBuilder::new().from_reader(file);
    let language = csv_text::language(csv.headers()?, header).ok_or_else(|| {
        Unreadable::malformed(text(
            "第 1 列不是用量報告的標題",
            "line 1 is not the header of a usage report",
        ))
    })?;
    let mut day = DayLedger::new();
    let mut row = StringRecord::new();
    while csv.read_record(&mut row)? {
        let read = language.in_it(|| read_row(&row, &mut day));
        let problem = || text("的數字不符", "contradicts itself");
        read.ok_or_else(|| Unreadable::row(&row, problem()))?;
    }
    for node in day.values_mut() {
        node.entries.sort_unstable_by(|a, b| a.key().cmp(&b.key()));
        if !node.entries.is_sorted_by(|a, b| a.key() < b.key()) {
            return Err(Unreadable::malformed(text(
                "同一位使用者的同一張 GPU 出現兩次",
                "a GPU of a user is listed twice",
            )));
        }
    }
    Ok(day)
}

/// Takes a row, or returns `None` where it contradicts itself.
fn read_row(record: &StringRecord, day: &mut DayLedger) -> Option<()> {
    let kind = Kind::read(&record[0])?;
    if kind == Kind::HeldTotal {
        return Some(());
    }
    let row: Row = record.deserialize(None).ok()?;
    let known = Span::new(row.from?, row.to?)?;
    let doubts = read_doubts(&row.doubts)?;
    let (user, node) = (composed(&unguard(&row.user)), composed(&unguard(&row.node)));
    let ledger = day.entry(node).or_insert_with(|| NodeLedger {
        known,
        doubts: doubts.clone(),
        entries: Vec::new(),
    });
    if (ledger.known, &ledger.doubts) != (known, &doubts) {
        return None;
    }
    let user = match kind {
        Kind::Held if !user.is_empty() => Some(user),
        Kind::Free if user.is_empty() => None,
        Kind::FreeTotal => return Some(()),
        _ => return None,
    };
    let gpu = GpuIndex::parse(&row.gpu)?;
    let account = row.account.account()?;
    let is_possible = (1..=known.seconds()).contains(&account.seconds());
    is_possible.then(|| ledger.entries.push(Entry { user, gpu, account }))
}

fn read_doubts(text: &str) -> Option<BTreeSet<Doubt>> {
    let words = text.split(';').filter(|word| !word.is_empty());
    let doubt = |word: &str| {
        DOUBTS
            .into_iter()
            .find(|doubt| doubt.word_of_file() == word)
    };
    words.map(doubt).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Idle;
    use crate::formats::number::two_decimals;
    use crate::model::{Language, Reading};
    use proptest::prelude::*;

    const MIDNIGHT: UnixSeconds = 1_754_006_400;

    fn account(parts: [u64; 5], with_vram: u64, means: (u32, u32)) -> Account {
        let [active, vram_held, vram_empty, vram_unknown, unknown] = parts;
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
        let reading = |value: u32| Reading::new(f64::from(value) / 1e7).expect("a reading");
        for (sum, mean, seconds) in [
            (&mut account.gpu, means.0, observed),
            (
                &mut account.vram,
                means.1,
                with_vram.min(observed + unknown),
            ),
        ] {
            if seconds > 0 {
                sum.add(reading(mean), seconds);
            }
        }
        account
    }

    fn accounts() -> impl Strategy<Value = Account> {
        let parts = prop::array::uniform5(prop_oneof![Just(0), 1_u64..10_000]);
        let means = (0..=1_000_000_000_u32, 0..=1_000_000_000_u32);
        let accounts = (parts, 0..60_000_u64, means);
        let accounts =
            accounts.prop_map(|(parts, with_vram, means)| account(parts, with_vram, means));
        accounts.prop_filter("of some time", |account| account.seconds() > 0)
    }

    fn nodes() -> impl Strategy<Value = NodeLedger> {
        let user = prop::option::of("[-=+@'\",;a王 ]{1,4}");
        let entries = prop::collection::btree_map((user, 0..9_usize), accounts(), 0..6);
        let doubts = prop::sample::subsequence(DOUBTS.to_vec(), 0..=DOUBTS.len());
        (50_000_i64..90_000, entries, doubts).prop_map(|(length, entries, doubts)| {
            let entry = |((user, gpu), account)| Entry {
                user,
                gpu: GpuIndex(gpu),
                account,
            };
            let mut entries: Vec<_> = entries.into_iter().map(entry).collect();
            entries.sort_unstable_by(|a: &Entry, b| a.key().cmp(&b.key()));
            NodeLedger {
                known: Span::new(MIDNIGHT, MIDNIGHT + length).expect("a span"),
                doubts: doubts.into_iter().collect(),
                entries,
            }
        })
    }

    fn ledger() -> DayLedger {
        let held = account([3600, 1800, 0, 0, 600], 5400, (250_000_000, 500_000_000));
        let entry = |user: Option<&str>, gpu, account| Entry {
            user: user.map(str::to_owned),
            gpu: GpuIndex(gpu),
            account,
        };
        let node = NodeLedger {
            known: Span::new(MIDNIGHT, MIDNIGHT + 86_400).expect("a span"),
            doubts: BTreeSet::new(),
            entries: vec![entry(Some("alice"), 3, held)],
        };
        DayLedger::from([("n1".to_owned(), node)])
    }

    fn parsed(text: &str) -> Result<DayLedger, String> {
        parse(text.as_bytes()).map_err(|error| match error {
            Unreadable::Malformed(problem) => problem,
            Unreadable::Io(error) => error.to_string(),
            Unreadable::OtherSetting(setting) => setting.problem(),
        })
    }

    #[test]
    fn what_contradicts_itself_is_not_read() {
        let text = String::from_utf8(render(&ledger())).expect("UTF-8");
        assert_eq!(parsed(&text), Ok(ledger()));
        let row = text.lines().nth(1).expect("a row");
        assert!(row.starts_with("配置,alice,n1,GPU[3],1.6667,"), "{row}");
        for (old, new) in [
            (",6000,3600,", ",6000,3601,"),
            (",6000,3600,", ",6000,-1,"),
            ("GPU[3]", "GPU[x]"),
            ("GPU[3]", ""),
            ("配置,alice", "配置,"),
            ("配置,alice", "未分配,alice"),
            ("配置,alice", "其他,alice"),
            (",25,50,", ",N/A,50,"),
            (",25,50,", ",101,50,"),
            (",5400,1754006400,", ",6001,1754006400,"),
            (",1754006400,1754092800", ",1754092800,1754006400"),
            (",1754006400,1754092800", ",1754006400,1754006401"),
            (",1754092800,", ",1754092800,不明"),
        ] {
            assert!(row.contains(old), "{old} is not in {row}");
            let broken = text.replacen(row, &row.replacen(old, new, 1), 1);
            assert_eq!(
                parsed(&broken),
                Err("第 2 列的數字不符".to_owned()),
                "{new}"
            );
        }
        let broken = text.replacen(",6000,3600,", ",6000,3601,", 1);
        let english = Language::English.in_it(|| parsed(&broken));
        assert_eq!(english, Err("line 2 contradicts itself".to_owned()));
        let twice = text.replacen(row, &format!("{row}\n{row}"), 1);
        assert_eq!(
            parsed(&twice),
            Err("同一位使用者的同一張 GPU 出現兩次".to_owned())
        );
        assert!(parsed("").is_err());
        assert!(parsed("GPU編號,使用者\n").is_err());
        assert!(parsed(&text[..text.len() - 20]).is_err());
    }

    #[test]
    fn names_are_read_in_the_form_in_which_they_are_compared() {
        let text = String::from_utf8(render(&ledger())).expect("UTF-8");
        let text = text.replace("alice,n1", "ange\u{301},ne\u{301}1");
        let day = parsed(&text).expect("a ledger");
        assert_eq!(day["né1"].entries[0].user.as_deref(), Some("angé"));
    }

    #[test]
    fn only_what_is_whole_is_covered_by_100_percent() {
        for (observed, unknown, printed) in [
            (86_399, 1, "99.99"),
            (86_400, 0, "100.00"),
            (0, 5, "0.00"),
            (0, 0, "N/A"),
        ] {
            let account = account([observed, 0, 0, 0, unknown], 0, (0, 0));
            assert_eq!(two_decimals(account.coverage()), printed);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(day in prop::collection::btree_map("[-=+@'a節,;]{1,4}", nodes(), 0..4)) {
            for language in Language::BOTH {
                let file = language.in_it(|| render(&day));
                let read = parse(file.as_slice()).map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
                prop_assert_eq!(&read, &day);
            }
        }

        #[test]
        fn no_file_panics(text in "\\PC*", row in "[配置未分合計,GPU\\[\\]0-9.a-]*") {
            let _ = parsed(&text);
            let _ = parsed(&format!("{}\n{row}\n", header()));
        }
    }
}
