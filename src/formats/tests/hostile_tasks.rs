//! Tasks as no management API should send them, all the way to the files.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use csv::ReaderBuilder;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::analysis::usage::{GroupBy, Usage, UserOrder};
use crate::analysis::{DayLedger, NodeDay, Span, TaskKnowledge, TasksByHost, attribute};
use crate::formats::{average_csv, ledger_csv, summary, task_report, usage_groups};
use crate::model::{
    Answer, CardId, CardUsage, Interval, Node, Reading, Thresholds, UserColumn, Window,
};
use crate::sources::management_api::kept;

const HOST: &str = "=gpu";

fn window() -> Window {
    let date = "2025-08-01".parse().expect("a date");
    Window::new(date, Tz::UTC, Interval::DEFAULT, 2_000_000_000).expect("a window")
}

/// Any JSON.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,6}", inner, 0..3)
                .prop_map(|fields| json!(fields)),
        ]
    })
}

/// What may well stand in a field, and now and then anything.
fn one_of(texts: &'static [&'static str]) -> BoxedStrategy<Value> {
    prop_oneof![
        8 => prop::sample::select(texts).prop_map(Value::from),
        1 => anything(),
    ]
    .boxed()
}

fn stamp() -> BoxedStrategy<Value> {
    let hour = |hour: i64| {
        let moment = chrono::DateTime::from_timestamp(window().start + hour * 1799, 0);
        Value::from(moment.expect("a moment").to_rfc2822())
    };
    prop_oneof![
        8 => (-20_i64..80).prop_map(hour),
        1 => Just(Value::Null),
        1 => one_of(&[
            "Fri, 31 Dec 9999 23:59:59 GMT",
            "Mon, 01 Jan 0001 00:00:00 +2359",
            "Thu, 01 Jan 2026 00:00:00 GMT",
            "Thu, 01 Aug 2024 00:00:00 GMT",
            "Fri, 01 Aug 2025 23:59:60 GMT",
            "soon",
        ]),
    ]
    .boxed()
}

fn task() -> impl Strategy<Value = Value> {
    let gpu = (
        prop_oneof![8 => (0_i64..4).prop_map(Value::from), 1 => anything()],
        one_of(&["APU-1", "0x01", "GPU-2", "", "none"]),
    );
    let gpu = gpu.prop_map(|(id, uuid)| json!({"id": id, "uuid": uuid}));
    let gpus = prop_oneof![8 => vec(gpu, 0..4).prop_map(Value::from), 1 => anything()];
    let user = one_of(&[
        "alice",
        "王小明",
        "=cmd|' /C calc'!A0",
        "+1",
        "-1",
        "@a",
        "a,b",
        "a\"b",
        "a\nb",
        "a;=b",
        "'=1",
        "\t=1",
        "",
    ]);
    let owner = one_of(&["alice", "bob\n"]);
    let task = (
        user,
        one_of(&[HOST, HOST, "elsewhere"]),
        gpus,
        stamp(),
        stamp(),
        owner,
    );
    let whole = task.prop_map(|(username, hostname, gpus, start, end, owner)| {
        json!({
            "username": username, "hostname": hostname, "gpus": gpus, "start": start, "end": end,
            "task": {"owner": owner, "_type": null}, "total_seconds": 1e308,
        })
    });
    prop_oneof![12 => whole, 1 => anything()]
}

/// What the client of the management API makes of the answer.
fn read(tasks: &BTreeMap<String, Value>) -> Option<Answer> {
    let body = serde_json::to_string(tasks).expect("JSON");
    let day = window();
    let file = format!(
        r#"{{"fetched_at":{0},"start":{1},"end":{0},"answer":{body}}}"#,
        day.end, day.start
    );
    kept::recall(file.as_bytes(), &day).map(|kept| kept.answer)
}

/// Every field of a CSV, as spreadsheets part it whose fields end at `,` or at `;`.
fn fields(csv: &[u8]) -> Vec<String> {
    let rows = ReaderBuilder::new().from_reader(csv).into_records();
    let rows: Vec<_> = rows.collect::<Result<_, _>>().expect("rows of one length");
    let fields = rows.iter().flatten().flat_map(|field| field.split(';'));
    fields.map(str::to_owned).collect()
}

proptest! {
    #[test]
    fn no_task_panics_or_reaches_a_spreadsheet_as_a_formula(
        tasks in prop::collection::btree_map("\\PC{1,4}", task(), 0..8),
        known in 1_i64..=86_400,
        busy in vec(any::<bool>(), 144),
    ) {
        let Some(answer) = read(&tasks) else { return Ok(()) };
        let window = window();
        let node = Node {
            name: HOST.to_owned(),
            url: "http://127.0.0.1".parse().expect("an URL"),
            cards: vec![CardId(0), CardId(1), CardId(2)],
            first_gpu_id: Some(0),
            gpu_uuids: BTreeMap::new(),
            uuid_owners: std::sync::Arc::default(),
        };
        let readings = |busy: &bool| Reading::new(if *busy { 80.0 } else { 2.0 });
        let usage = CardUsage { gpu: busy.iter().map(readings).collect(), vram: vec![None; 144] };
        let known = Span::new(window.start, window.start + known).expect("a span");
        let day = NodeDay::new(
            &node,
            &window,
            BTreeMap::from([(CardId(0), usage)]),
            TaskKnowledge::Known {
                tasks: attribute(&node, &TasksByHost::new(&answer.tasks), known),
                kept_since: None,
                has_malformed: !answer.malformed.is_empty(),
            },
            Thresholds::default(),
        );
        let ledger = day.ledger().expect("task information");
        for entry in &ledger.entries {
            prop_assert!((1..=known.seconds()).contains(&entry.account.seconds()));
        }
        let ledger = DayLedger::from([(node.name.clone(), ledger)]);
        let mut usage = Usage::new(window.date, window.date);
        usage.add(window.date, &ledger, |_| true);
        let users = ledger_csv::render(&ledger);
        prop_assert_eq!(ledger_csv::parse(users.as_slice()).expect("a ledger"), ledger);
        let [all, last] = [UserColumn::All, UserColumn::Last].map(|which| average_csv::render(&day, which));
        for csv in [users, usage_groups::csv(&usage, GroupBy::User, UserOrder::Name), all, last] {
            for field in fields(&csv) {
                prop_assert!(!field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{field:?}");
            }
        }
        let report = task_report::render(window.date, &[HOST], &answer.tasks, false);
        for line in summary::render(&day).lines().chain(report.lines()) {
            prop_assert!(!line.contains(char::is_control), "{line:?}");
        }
    }
}
