use super::*;
use crate::model::{Held, Language};
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
    assert_eq!(task.held(), Err(both!("缺少 start", "start is missing")));
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
    assert_eq!(answer.malformed[0].problem.to_string(), "缺少 username");
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
            .map(|task| task.problem.to_string())
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
    let error = Language::BOTH.map(|language| language.in_it(|| error.to_string()));
    let [chinese, english] =
        [" 個", " of them"].map(|unit| format!("{TASKS_LIMIT}{unit} at line 1"));
    assert!(error[0].contains(&chinese), "{error:?}");
    assert!(error[1].contains(&english), "{error:?}");
}

#[test]
fn more_gpus_than_any_cluster_has_are_no_answer() {
    let gpus = vec!["{}"; GPUS_LIMIT].join(",");
    let task = |id| format!(r#""{id}":{{"username":"a","hostname":"n","gpus":[{gpus}]}}"#);
    let read_all = |tasks: usize| {
        let tasks: Vec<_> = (0..tasks).map(task).collect();
        read(format!("{{{}}}", tasks.join(",")).as_bytes())
    };
    let most = ALL_GPUS_LIMIT / GPUS_LIMIT;
    assert_eq!(read_all(most).expect("an answer").tasks.len(), most);
    let error = read_all(most + 1).expect_err("too many");
    assert!(error.to_string().contains("超過 400000 張"), "{error}");
}

#[test]
fn of_an_id_without_end_the_beginning_is_named() {
    let long = "9".repeat(FIELD_LIMIT_BYTES + 1);
    let answer = tasks(&format!(r#"{{"{long}": {WHOLE}, "1": {WHOLE}}}"#));
    assert_eq!(answer.tasks.len(), 1);
    let MalformedTask { id, problem } = &answer.malformed[0];
    assert_eq!(*id, "9".repeat(200) + "…");
    assert_eq!(problem.to_string(), "任務 id 超過 4 KiB");
    let alone = read(format!(r#"{{"{}": 7}}"#, &long[1..]).as_bytes()).expect_err("no task");
    assert!(alone.to_string().chars().count() < 300, "{alone}");
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
        assert!(problem.to_string().contains("「data」之內"), "{problem}");
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
            .map_err(|problem| problem.to_string().contains("不是時間"))
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
    let missing = Err(both!("缺少 start", "start is missing"));
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
