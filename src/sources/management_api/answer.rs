//! The management API's answer: an object of tasks by id, each read on its own, so that one that is malformed does
//! not take the others with it.

use std::{fmt, iter};

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Number, Value};

use super::moment::{self, Moment};
use crate::model::{
    Answer, MalformedTask, Task, TaskGpu, TaskTime, UnixSeconds, breaks_line, composed, is_format,
    literal_end, quote,
};

/// A task as the API writes it. Any field may be missing or null, and others may come. Only who held which
/// GPU, and when, must be of its type; the rest is read as far as it goes.
#[derive(Deserialize)]
struct ApiTask {
    username: Option<String>,
    hostname: Option<String>,
    gpus: Option<Vec<ApiGpu>>,
    #[serde(default)]
    flavor: Value,
    #[serde(default)]
    task: Value,
    #[serde(default)]
    start: ApiStart,
    end: Option<String>,
    #[serde(default)]
    total_seconds: Value,
}

#[derive(Deserialize)]
struct ApiGpu {
    id: Option<u64>,
    uuid: Option<String>,
    #[serde(default)]
    name: Value,
    #[serde(default)]
    memory: Value,
}

/// A start that is not there is not one that is null.
#[derive(Default)]
enum ApiStart {
    #[default]
    Missing,
    Null,
    Text(String),
}

impl<'de> Deserialize<'de> for ApiStart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::deserialize(deserializer)?;
        Ok(text.map_or(Self::Null, Self::Text))
    }
}

/// What a record has at least one of that is a task's.
const KEYS: [&str; 8] = [
    "username",
    "hostname",
    "gpus",
    "flavor",
    "task",
    "start",
    "end",
    "total_seconds",
];
/// How deep tasks are looked for that are not where they should be, as in `{"data": {"tasks": {…}}}`.
const ENVELOPES: usize = 3;

/// The most tasks of a day, which is more than any cluster has.
const TASKS_LIMIT: usize = 100_000;
/// What a task may be: no node has so many GPUs, and no field so much to say.
const TASK_LIMIT_BYTES: usize = 64 << 10;
const GPUS_LIMIT: usize = 64;
const FIELD_LIMIT_BYTES: usize = 4 << 10;

/// The entries of a JSON object in their order, also those under one key.
pub struct Entries<'a>(pub Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfObject;
        impl<'de> Visitor<'de> for OfObject {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    if entries.len() == TASKS_LIMIT {
                        let problem = format!("超過 {TASKS_LIMIT} 個");
                        return Err(A::Error::custom(problem));
                    }
                    entries.push(entry);
                }
                Ok(entries)
            }

            // Of a list, which holds no tasks by their ids, the beginning is enough.
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while entries.len() < TASKS_LIMIT
                    && let Some(entry) = list.next_element()?
                {
                    entries.push((String::new(), entry));
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(entries)
            }
        }
        deserializer.deserialize_any(OfObject).map(Self)
    }
}

/// Reads the answer, or says what is wrong with the whole of it.
pub fn read(body: &[u8]) -> Result<Answer, String> {
    if body.trim_ascii_start().starts_with(b"[") {
        return Err("不是任務的 JSON 物件：是清單".to_owned());
    }
    let Entries(records) = serde_json::from_slice(body).map_err(|error| {
        let what = if error.is_data() {
            "不是任務的 JSON 物件"
        } else {
            "不是 JSON"
        };
        format!("{what}：{error}")
    })?;
    read_records(records, &[])
}

/// Reads the records, of which the first were not in the newest answer, but last in one of `last_named`.
pub fn read_records(
    records: Vec<(String, &RawValue)>,
    last_named: &[UnixSeconds],
) -> Result<Answer, String> {
    let count = records.len();
    let last_named = last_named
        .iter()
        .copied()
        .map(Some)
        .chain(iter::repeat(None));
    let mut records: Vec<_> = records.into_iter().zip(last_named).enumerate().collect();
    records.sort_by(|(_, ((one, _), _)), (_, ((other, _), _))| one.cmp(other));
    let mut answer = Answer::default();
    let mut seen = None;
    for (position, ((id, record), last_named)) in records {
        let id = one_line(id);
        if last_named.is_none() {
            if seen.as_ref() == Some(&id) && answer.repeated.last() != Some(&id) {
                answer.repeated.push(id.clone());
            }
            seen = Some(id.clone());
        }
        match read_task(&id, record) {
            Ok((task, has_wrong_weekday)) => {
                if has_wrong_weekday {
                    answer.misdated.push(task.id.clone());
                }
                answer.tasks.push(Task {
                    position,
                    last_named,
                    ..task
                });
            }
            Err(_) if holds_tasks(record, ENVELOPES) => {
                return Err(format!(
                    "任務應以任務 id 為鍵放在最上層，這個回應卻放在「{id}」之內"
                ));
            }
            Err(problem) => answer.malformed.push(MalformedTask { id, problem }),
        }
    }
    if count > 0 && answer.tasks.is_empty() {
        // An error's object, such as {"message": "…"}, is not a day without tasks.
        let MalformedTask { id, problem } = &answer.malformed[0];
        return Err(format!("沒有一個任務可讀，例如「{id}」：{problem}"));
    }
    answer
        .tasks
        .sort_by_cached_key(|task| (task.start.unix(), task.id.clone()));
    Ok(answer)
}

/// The task, and whether one of its times is of another weekday than it says.
pub fn read_task(id: &str, record: &RawValue) -> Result<(Task, bool), String> {
    // Serde would read a struct from a list as well.
    if !record.get().starts_with('{') {
        return Err("不是 JSON 物件".to_owned());
    }
    let json = record;
    if json.get().len() > TASK_LIMIT_BYTES {
        return Err("超過 64 KiB".to_owned());
    }
    if longest_string(json.get()) > FIELD_LIMIT_BYTES {
        return Err("有欄位超過 4 KiB".to_owned());
    }
    let record: ApiTask =
        serde_json::from_str(json.get()).map_err(|error| quote(&error.to_string()))?;
    let is_named = record.username.is_some() || record.hostname.is_some();
    if !is_named && !is_task(json) {
        return Err("沒有任務的欄位".to_owned());
    }
    let gpus: Vec<_> = record
        .gpus
        .unwrap_or_default()
        .into_iter()
        .map(gpu)
        .collect();
    if gpus.len() > GPUS_LIMIT {
        return Err(format!("有 {} 張 GPU", gpus.len()));
    }
    let mut task = record.task;
    let mut detail = |name| task.get_mut(name).map(Value::take).and_then(description);
    let total_seconds = number(&record.total_seconds).and_then(|number| number.as_f64());
    let (end, has_wrong_end) = time(record.end);
    let (start, has_wrong_start) = match record.start {
        // Cancelled, or not yet begun. One that ran has a start, and the API fails to give it.
        ApiStart::Null if matches!(end, TaskTime::At { .. }) || total_seconds == Some(0.0) => {
            (TaskTime::Never, false)
        }
        ApiStart::Null | ApiStart::Missing => (TaskTime::Absent, false),
        ApiStart::Text(text) => time(Some(text)),
    };
    let flavor = record.flavor.get("gpu").and_then(number);
    // One that waits for its start has no GPUs yet.
    let unlisted_gpus = match flavor.and_then(|count| count.as_u64()) {
        Some(count) if gpus.is_empty() && start.text().is_some() => count,
        _ => 0,
    };
    // Of a task that holds no GPU, nothing needs to be known.
    let required = |field: Option<String>, name| match text(field) {
        None if !gpus.is_empty() || unlisted_gpus > 0 => Err(format!("缺少 {name}")),
        field => Ok(field.unwrap_or_default()),
    };
    let task = Task {
        id: id.to_owned(),
        username: required(record.username, "username")?,
        hostname: required(record.hostname, "hostname")?,
        gpus,
        unlisted_gpus,
        kind: detail("_type"),
        project_uuid: detail("project_uuid"),
        image: detail("image"),
        owner: detail("owner"),
        start,
        end,
        total_seconds,
        position: 0,
        last_named: None,
    };
    Ok((task, has_wrong_start || has_wrong_end))
}

/// Whether it is an object with a key of a task's, be the value what it may.
pub fn is_task(record: &RawValue) -> bool {
    let object = serde_json::from_str::<Entries>(record.get());
    let is_key = |(key, _): &(String, _)| KEYS.contains(&key.as_str());
    object.is_ok_and(|Entries(entries)| entries.iter().any(is_key))
}

/// Whether there are tasks within an entry that is none.
fn holds_tasks(record: &RawValue, depth: usize) -> bool {
    if depth == 0 || is_task(record) {
        return false;
    }
    let entries = serde_json::from_str::<Entries>(record.get());
    let Entries(entries) = entries.unwrap_or(Entries(Vec::new()));
    let mut entries = entries.into_iter();
    entries.any(|(_, entry)| is_task(entry) || holds_tasks(entry, depth - 1))
}

/// How many bytes the longest string in a JSON text has.
fn longest_string(json: &str) -> usize {
    let (mut longest, mut rest) = (0, json);
    while let Some(start) = rest.find('"') {
        let end = literal_end(&rest[start..]);
        longest = longest.max(end);
        rest = &rest[start + end..];
    }
    longest
}

fn gpu(record: ApiGpu) -> TaskGpu {
    TaskGpu {
        id: record.id,
        uuid: text(record.uuid),
        name: description(record.name),
        memory: number(&record.memory),
    }
}

fn description(value: Value) -> Option<String> {
    match value {
        Value::String(string) => text(Some(string)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A number, which the API may have put in quotes.
fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

/// The time, and whether it is of another weekday than it says.
fn time(field: Option<String>) -> (TaskTime, bool) {
    let Some(text) = text(field) else {
        return (TaskTime::Absent, false);
    };
    match moment::parse(&text) {
        Some(Moment {
            unix,
            has_wrong_weekday,
        }) => (TaskTime::At { unix, text }, has_wrong_weekday),
        None => (TaskTime::Unreadable(text), false),
    }
}

/// The text of a field in the form in which names are compared, fit for one line of a report; an empty one is none.
fn text(field: Option<String>) -> Option<String> {
    let composed = field.map(|text| {
        if text.is_ascii() {
            text
        } else {
            composed(&text)
        }
    });
    composed.map(one_line).filter(|text| !text.is_empty())
}

/// The text without space around it, and with a visible sign for whatever could break a line or is not seen: without,
/// two users could look like one.
pub fn one_line(text: String) -> String {
    let trimmed = text.trim();
    let is_unseen = |c| breaks_line(c) || is_format(c);
    if !trimmed.contains(is_unseen) {
        return if trimmed.len() == text.len() {
            text
        } else {
            trimmed.to_owned()
        };
    }
    let mut line = String::with_capacity(text.len());
    for c in trimmed.chars() {
        match c {
            // The block of Control Pictures is in the order of the control characters.
            '\0'..='\x1f' => line.extend(char::from_u32(0x2400 + u32::from(c))),
            '\x7f' => line.push('\u{2421}'),
            c if is_unseen(c) => line.extend(c.escape_unicode()),
            c => line.push(c),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Held;
    use proptest::prelude::*;

    const WHOLE: &str = r#"{
        "username": "alice", "hostname": "colab-gpu4", "flavor": {"gpu": 1}, "new_field": [],
        "gpus": [{"id": 25, "uuid": "APU-70cb99ce3e214bda", "name": "AMD Instinct MI300X", "memory": 196592, "mig": null}],
        "task": {"_type": "LAB", "project_uuid": "p1", "image": "lab:1", "create_time": "x", "owner": "bob"},
        "start": "Mon, 14 Jul 2025 14:22:00 GMT", "end": null, "total_seconds": 86399.0
    }"#;

    fn tasks(json: &str) -> Answer {
        read(json.as_bytes()).expect("an answer")
    }

    #[test]
    fn a_task_is_read_whole() {
        let answer = tasks(&format!(r#"{{"t1": {WHOLE}}}"#));
        let task = &answer.tasks[0];
        assert_eq!(
            (
                task.id.as_str(),
                task.username.as_str(),
                task.owner.as_deref()
            ),
            ("t1", "alice", Some("bob"))
        );
        assert_eq!(task.gpus[0].memory, Some(Number::from(196_592)));
        assert_eq!(
            task.held(),
            Ok(Some(Held {
                from: 1_752_502_920,
                to: None
            }))
        );
        assert_eq!(task.end, TaskTime::Absent);
    }

    #[test]
    fn what_is_missing_is_none() {
        let answer = tasks(
            r#"{"t": {"username": "a", "hostname": "h", "gpus": [{}]}, "idle": {"start": null}, "null": {"gpus": null}}"#,
        );
        assert_eq!((answer.tasks.len(), answer.malformed.len()), (3, 0));
        let task = answer
            .tasks
            .iter()
            .find(|task| task.id == "t")
            .expect("the task");
        assert_eq!(
            task.gpus[0],
            TaskGpu {
                id: None,
                uuid: None,
                name: None,
                memory: None
            }
        );
        assert_eq!(task.held(), Err("缺少 start".to_owned()));
    }

    #[test]
    fn a_description_of_another_type_costs_no_user() {
        let answer = tasks(
            r#"{"t": {"username": "a", "hostname": "h", "gpus": [{"id": 1, "name": 7, "memory": "196592"}],
                "task": [], "start": "Mon, 14 Jul 2025 14:22:00 GMT", "total_seconds": "12.5"}}"#,
        );
        let task = &answer.tasks[0];
        assert_eq!(
            (task.gpus[0].name.as_deref(), task.total_seconds),
            (Some("7"), Some(12.5))
        );
        assert_eq!(task.gpus[0].memory, Some(Number::from(196_592)));
        assert_eq!(task.kind, None);
    }

    #[test]
    fn one_malformed_task_does_not_take_the_others_with_it() {
        let answer = tasks(&format!(
            r#"{{"good": {WHOLE}, "text": "x", "wrong": {{"gpus": 3}}, "nobody": {{"gpus": [{{"id": 1}}]}}}}"#
        ));
        assert_eq!(answer.tasks.len(), 1);
        let named: Vec<_> = answer
            .malformed
            .iter()
            .map(|task| task.id.as_str())
            .collect();
        assert_eq!(named, ["nobody", "text", "wrong"]);
        assert_eq!(answer.malformed[0].problem, "缺少 username");
    }

    #[test]
    fn gpus_that_the_flavor_counts_and_no_list_names_are_counted() {
        let count = |fields: &str| {
            let json = format!(r#"{{"t": {{"username": "a", "hostname": "h", {fields}}}}}"#);
            tasks(&json).tasks[0].unlisted_gpus
        };
        let start = r#""start": "2025-07-14T14:22:00Z""#;
        let two = r#""flavor": {"gpu": 2}"#;
        assert_eq!(count(&format!("{start}, {two}")), 2);
        assert_eq!(count(&format!("{start}, {two}, \"gpus\": []")), 2);
        assert_eq!(count(&format!("{start}, {two}, \"gpus\": [{{}}]")), 0);
        assert_eq!(count(&format!("{start}, \"flavor\": {{\"gpu\": 0}}")), 0);
        assert_eq!(count(&format!("{start}, \"flavor\": \"gpu2\"")), 0);
        assert_eq!(count(&format!("\"start\": null, {two}")), 0, "it waits");
    }

    #[test]
    fn two_tasks_under_one_key_are_two() {
        let answer = tasks(&format!(
            r#"{{"1": {WHOLE}, "2": {WHOLE}, "1": {{"username": "bob"}}, "1": {WHOLE}}}"#
        ));
        let mut users: Vec<_> = answer.tasks.iter().map(|task| &*task.username).collect();
        users.sort_unstable();
        assert_eq!(users, ["alice", "alice", "alice", "bob"]);
        assert_eq!(answer.repeated, ["1"]);
    }

    #[test]
    fn an_answer_without_tasks_is_one() {
        assert!(tasks("{}").tasks.is_empty());
    }

    #[test]
    fn a_task_that_is_larger_than_any_is_malformed() {
        let gpus = |count| format!("\"gpus\":[{}]", vec!["{\"id\":1}"; count].join(","));
        let task = |rest: &str| format!("\"username\":\"a\",\"hostname\":\"n\",{rest}");
        let long = |bytes| format!("\"x\":\"{}\"", "y".repeat(bytes));
        let deep = format!("\"task\":{}{}", "[".repeat(1000), "]".repeat(1000));
        for (rest, problem) in [
            (gpus(GPUS_LIMIT), None),
            (gpus(GPUS_LIMIT + 1), Some("有 65 張 GPU")),
            (long(FIELD_LIMIT_BYTES - 2), None),
            (long(FIELD_LIMIT_BYTES), Some("有欄位超過 4 KiB")),
            (
                format!("\"x\":[{}1]", "1,".repeat(40_000)),
                Some("超過 64 KiB"),
            ),
            (deep, Some("recursion limit")),
        ] {
            let json = format!(
                "{{\"1\":{{{}}},\"2\":{{{}}}}}",
                task(&rest),
                task("\"gpus\":[]")
            );
            let answer = tasks(&json);
            let malformed = answer.malformed.first();
            assert_eq!(answer.tasks.len() + answer.malformed.len(), 2);
            assert_eq!(malformed.is_some(), problem.is_some(), "{malformed:?}");
            let named = malformed
                .map(|task| task.problem.clone())
                .unwrap_or_default();
            assert!(named.contains(problem.unwrap_or_default()), "{named}");
        }
    }

    #[test]
    fn more_tasks_than_any_cluster_has_are_no_answer() {
        let entries: Vec<_> = (0..=TASKS_LIMIT)
            .map(|id| format!("\"{id}\":{{}}"))
            .collect();
        let error = read(format!("{{{}}}", entries.join(",")).as_bytes()).expect_err("too many");
        assert!(error.contains("超過 100000 個"), "{error}");
    }

    #[test]
    fn what_is_no_object_of_tasks_is_no_answer() {
        for body in [
            "",
            "<html>",
            "[]",
            "null",
            "\"x\"",
            r#"{"message": "token expired"}"#,
            r#"{"error": {"code": 500, "message": "database is locked"}}"#,
            r#"{"meta": {"status": "error"}, "result": {}}"#,
            r#"{"1": {}}"#,
        ] {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn an_envelope_around_tasks_is_no_answer_and_its_name_is_said() {
        for envelope in [
            r#"{"data": {"541": TASK}}"#,
            r#"{"count": 1, "data": [TASK], "page": {"next": null}}"#,
            r#"{"data": {"tasks": {"541": TASK}}, "user": {"username": "bob"}}"#,
            r#"{"data": {"541": {"gpus": 7}}}"#,
        ] {
            let problem = read(envelope.replace("TASK", WHOLE).as_bytes()).expect_err(envelope);
            assert!(problem.contains("「data」之內"), "{problem}");
        }
    }

    #[test]
    fn an_entry_without_a_key_of_a_task_is_none_and_the_tasks_stand() {
        let answer = tasks(&format!(r#"{{"1": {WHOLE}, "page": {{"next": 2}}}}"#));
        assert_eq!(answer.tasks.len(), 1);
        assert_eq!(answer.malformed[0].id, "page");
    }

    #[test]
    fn a_time_that_is_none_is_said_to_be_none() {
        let with = |start: &str, end: &str| {
            let json = format!(r#"{{"t": {{"start": {start}, "end": {end}}}}}"#);
            tasks(&json).tasks[0]
                .held()
                .map_err(|problem| problem.contains("不是時間"))
                .map(|held| held.is_some())
        };
        assert_eq!(with("\"2025-07-14\"", "null"), Err(true));
        assert_eq!(
            with("\"Mon, 14 Jul 2025 14:22:00 GMT\"", "\"soon\""),
            Err(true)
        );
    }

    #[test]
    fn a_task_that_ended_before_it_began_or_never_began_held_nothing() {
        let held = |times: &str| {
            let json = format!(r#"{{"t": {{"hostname": "h", {times}}}}}"#);
            tasks(&json).tasks[0].held().map(|held| held.is_some())
        };
        let (one, two) = ("\"2025-07-14T14:22:01Z\"", "\"2025-07-14T14:22:02Z\"");
        assert_eq!(held(&format!("\"start\": {one}, \"end\": {two}")), Ok(true));
        assert_eq!(
            held(&format!("\"start\": {two}, \"end\": {one}")),
            Ok(false)
        );
        assert_eq!(held(&format!("\"start\": null, \"end\": {two}")), Ok(false));
        assert_eq!(held("\"start\": null, \"total_seconds\": 0"), Ok(false));
        // No start where there should be one.
        let missing = Err("缺少 start".to_owned());
        assert_eq!(held("\"start\": null, \"end\": null"), missing);
        assert_eq!(held("\"start\": null, \"total_seconds\": 9"), missing);
        assert_eq!(held(&format!("\"end\": {two}")), missing);
    }

    #[test]
    fn a_text_cannot_break_a_line_of_a_report() {
        let answer = tasks(
            r#"{"t\n1": {"username": "\u0001 a\r\nb \u2028", "hostname": "h", "gpus": [{"id": 1}]}}"#,
        );
        assert_eq!(
            (
                answer.tasks[0].id.as_str(),
                answer.tasks[0].username.as_str()
            ),
            ("t␊1", "␁ a␍␊b")
        );
    }

    #[test]
    fn names_that_differ_in_control_characters_are_not_one() {
        for (name, shown) in [
            ("carol x", "carol x"),
            ("carol\nx", "carol␊x"),
            ("carol\tx", "carol␉x"),
            ("carol\0x", "carol␀x"),
            ("carol\u{7f}x", "carol␡x"),
            ("carol\u{85}x", "carol\\u{85}x"),
            ("carol\u{2028}x", "carol\\u{2028}x"),
            (" carol x\r\n", "carol x"),
        ] {
            assert_eq!(one_line(name.to_owned()), shown, "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(body in "\\PC*", field in "(start|end|gpus|task|username)", value in "[\\[\\]{}\":0-9a-z,]*") {
            let _ = read(body.as_bytes());
            let _ = read(format!(r#"{{"t": {{"{field}": {value}}}}}"#).as_bytes());
        }
    }
}
