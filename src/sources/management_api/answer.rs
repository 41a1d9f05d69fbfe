//! The management API's answer: an object of tasks by id, each read on its own, so that one that is malformed does
//! not take the others with it.

use std::{fmt, iter};

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Number, Value};

use super::moment::{self, Moment};
use crate::model::{
    Answer, Both, MalformedTask, Task, TaskGpu, TaskTime, UnixSeconds, both, breaks_line, composed,
    counted, is_format, literal_end, quote, said,
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
/// The most GPUs of all tasks of a day together.
const ALL_GPUS_LIMIT: usize = 400_000;
const FIELD_LIMIT_BYTES: usize = 4 << 10;

/// What serde says of more entries than that, until it is said in the language of whoever reads it.
const TOO_MANY: &str = "too many entries";

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
                        return Err(A::Error::custom(TOO_MANY));
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
pub fn read(body: &[u8]) -> Result<Answer, Both> {
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(both!(
            "不是任務的 JSON 物件：是清單",
            "not a JSON object of tasks: it is a list"
        ));
    }
    let records = serde_json::from_slice(body);
    let Entries(records) = records.map_err(|error| Both::of(|| no_object(&error)))?;
    read_records(records, &[])
}

fn no_object(error: &serde_json::Error) -> String {
    let too_many = said!("超過 {TASKS_LIMIT} 個", "more than {TASKS_LIMIT} of them");
    let problem = error.to_string().replacen(TOO_MANY, &too_many, 1);
    if error.is_data() {
        said!(
            "不是任務的 JSON 物件：{problem}",
            "not a JSON object of tasks: {problem}"
        )
    } else {
        said!("不是 JSON：{problem}", "not JSON: {problem}")
    }
}

/// Reads the records, of which the first were not in the newest answer, but last in one of `last_named`.
pub fn read_records(
    records: Vec<(String, &RawValue)>,
    last_named: &[UnixSeconds],
) -> Result<Answer, Both> {
    let count = records.len();
    let last_named = last_named
        .iter()
        .copied()
        .map(Some)
        .chain(iter::repeat(None));
    let mut records: Vec<_> = records.into_iter().zip(last_named).enumerate().collect();
    records.sort_by(|(_, ((one, _), _)), (_, ((other, _), _))| one.cmp(other));
    let mut answer = Answer::default();
    let (mut seen, mut gpus) = (None, 0);
    for (position, ((id, record), last_named)) in records {
        if id.len() > FIELD_LIMIT_BYTES {
            let problem = both!("任務 id 超過 4 KiB", "its id is longer than 4 KiB");
            let id = quote(&id);
            answer.malformed.push(MalformedTask { id, problem });
            continue;
        }
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
                gpus += task.gpus.len();
                if gpus > ALL_GPUS_LIMIT {
                    return Err(both!(
                        "所有任務的 GPU 超過 {ALL_GPUS_LIMIT} 張",
                        "its tasks have more than {ALL_GPUS_LIMIT} GPUs"
                    ));
                }
                answer.tasks.push(Task {
                    position,
                    last_named,
                    ..task
                });
            }
            Err(_) if holds_tasks(record, ENVELOPES) => {
                let id = quote(&id);
                return Err(both!(
                    "任務應以任務 id 為鍵放在最上層，這個回應卻放在「{id}」之內",
                    "tasks should be at the top level, keyed by task id, but are inside '{id}'"
                ));
            }
            Err(problem) => answer.malformed.push(MalformedTask { id, problem }),
        }
    }
    if count > 0 && answer.tasks.is_empty() {
        // An error's object, such as {"message": "…"}, is not a day without tasks.
        let MalformedTask { id, problem } = &answer.malformed[0];
        let id = quote(id);
        return Err(both!(
            "沒有一個任務可讀，例如「{id}」：{problem}",
            "no task can be read, for example '{id}': {problem}"
        ));
    }
    answer
        .tasks
        .sort_by_cached_key(|task| (task.start.unix(), task.id.clone()));
    Ok(answer)
}

/// The task, and whether one of its times is of another weekday than it says.
pub fn read_task(id: &str, record: &RawValue) -> Result<(Task, bool), Both> {
    // Serde would read a struct from a list as well.
    if !record.get().starts_with('{') {
        return Err(both!("不是 JSON 物件", "not a JSON object"));
    }
    let json = record;
    if json.get().len() > TASK_LIMIT_BYTES {
        return Err(both!("超過 64 KiB", "more than 64 KiB"));
    }
    if longest_string(json.get()) > FIELD_LIMIT_BYTES {
        return Err(both!("有欄位超過 4 KiB", "a field is longer than 4 KiB"));
    }
    let record: ApiTask =
        serde_json::from_str(json.get()).map_err(|error| Both::of(|| quote(&error.to_string())))?;
    let is_named = record.username.is_some() || record.hostname.is_some();
    if !is_named && !is_task(json) {
        return Err(both!("沒有任務的欄位", "it has none of a task's fields"));
    }
    let gpus: Vec<_> = record
        .gpus
        .unwrap_or_default()
        .into_iter()
        .map(gpu)
        .collect();
    if gpus.len() > GPUS_LIMIT {
        return Err(Both::of(|| {
            let gpus = counted(gpus.len(), "張 GPU", "GPU", "GPUs");
            said!("有 {gpus}", "it has {gpus}")
        }));
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
        None if !gpus.is_empty() || unlisted_gpus > 0 => {
            Err(both!("缺少 {name}", "{name} is missing"))
        }
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
        // Nothing depends on it, and so not on its weekday either.
        create_time: time(detail("create_time")).0,
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
mod tests;
