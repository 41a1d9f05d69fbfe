//! The records of tasks as the management API may send them: bare, strange, or wrong.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::support::{DATE, Lab, Outcome};

/// Fri, 01 Aug 2025, an hour after midnight.
const KNOWN: &str = "Fri, 01 Aug 2025 01:00:00 GMT";

/// Such a task as it stands in the answer, whatever the window asked for.
fn raw_task(user: &str, start: &str, end: Option<&str>) -> Value {
    json!({"username": user, "hostname": "colab-gpu4", "gpus": [{"id": 25}], "start": start, "end": end})
}

/// Runs `colab-gpu4` with an API that answers the tasks of this object.
#[track_caller]
fn run_with(tasks: &Value) -> Outcome {
    let tasks = tasks.as_object().expect("tasks by id");
    tasks
        .iter()
        .fold(Lab::colab_gpu4(), |lab, (id, task)| {
            lab.raw_task(id, task.clone())
        })
        .run(&[DATE])
}

/// The users of GPU[3].
#[track_caller]
fn users(outcome: &Outcome) -> String {
    outcome.users("colab-gpu4", DATE)[3].clone()
}

#[track_caller]
fn summary(outcome: &Outcome) -> String {
    outcome.of_day("colab-gpu4", DATE, "summary")
}

/// The section of the node's tasks.
#[track_caller]
fn task_section(outcome: &Outcome) -> String {
    let summary = summary(outcome);
    let (_, from) = summary
        .split_once(&format!("GPU 使用者任務資訊:\n{}\n", "-".repeat(50)))
        .expect("a section of tasks");
    let (section, _) = from
        .split_once("\n各 GPU 使用率")
        .expect("a section of usage");
    section.to_owned()
}

#[test]
fn what_the_api_leaves_out_is_not_available_in_the_summary() {
    let outcome = run_with(&json!({
        "bare": {"username": "alice", "hostname": "colab-gpu4", "gpus": [{"id": 25}], "start": KNOWN},
        "null": {
            "username": "bob", "hostname": "colab-gpu4", "start": KNOWN, "end": null, "total_seconds": null,
            "gpus": [{"id": 33, "uuid": null, "name": null, "memory": null, "mig": null}],
            "task": {"_type": null, "project_uuid": null, "image": null, "owner": null},
        },
        "empty": {
            "username": "carol", "hostname": "colab-gpu4", "gpus": [{"id": 41, "uuid": "", "name": ""}],
            "start": KNOWN, "task": {"_type": "", "project_uuid": "", "image": ""},
        },
    }))
    .exits(0)
    .stderr_is("");
    let block = |(id, user)| {
        format!(
            "  GPU {id}: {user}\n    - GPU 型號: N/A\n    - GPU 記憶體: N/A MB\n    - 任務類型: N/A\n    \
             - 專案 UUID: N/A\n    - 映像檔: N/A\n    - 開始時間: {KNOWN}\n    - 狀態: 執行中\n    \
             - 使用時長: N/A 秒\n    - GPU UUID: N/A\n"
        )
    };
    let blocks = [(25, "alice"), (33, "bob"), (41, "carol")].map(block);
    let expected = format!("colab-gpu4 GPU 任務資訊:\n{}", blocks.concat());
    assert_eq!(task_section(&outcome), expected);
}

#[test]
fn fields_that_nobody_knows_change_nothing() {
    let outcome = run_with(&json!({"t1": {
        "username": "alice", "hostname": "colab-gpu4", "new": {"a": [1, null]}, "flavor": {"gpu": 1},
        "gpus": [{"id": 25, "uuid": "APU-1", "partition": {"mode": "CPX"}}],
        "task": {"_type": "LAB", "queue": ["x"]}, "start": KNOWN,
    }}))
    .exits(0)
    .stderr_is("");
    assert_eq!(users(&outcome), "alice");
}

#[test]
fn tasks_without_gpus_need_nothing_and_are_on_no_list() {
    for (name, tasks) in [
        ("no tasks", json!({})),
        (
            "no GPUs",
            json!({"t1": {"username": "alice", "hostname": "colab-gpu4", "gpus": []}}),
        ),
        (
            "null",
            json!({"t1": {"username": "alice", "hostname": "colab-gpu4", "gpus": null}}),
        ),
        ("no field", json!({"t1": {"hostname": "elsewhere"}})),
        ("no time", json!({"t1": {"start": null}})),
    ] {
        let outcome = run_with(&tasks).exits(0).stderr_is("");
        assert_eq!(
            task_section(&outcome),
            "colab-gpu4: 當日沒有使用 GPU 的任務\n",
            "{name}"
        );
        assert_eq!(outcome.users("colab-gpu4", DATE), ["未使用"; 8], "{name}");
    }
}

#[test]
fn a_malformed_task_is_a_named_warning_and_the_others_stand() {
    for (malformed, problem) in [
        (json!("gone"), "不是 JSON 物件"),
        (json!(null), "不是 JSON 物件"),
        (json!(["alice", "colab-gpu4"]), "不是 JSON 物件"),
        (json!({}), "沒有任務的欄位"),
        (json!({"code": 500}), "沒有任務的欄位"),
        (json!({"gpus": 3}), "invalid type: integer `3`"),
        (
            json!({"username": 7, "hostname": "colab-gpu4"}),
            "invalid type: integer `7`",
        ),
        (json!({"gpus": [{"id": -1}]}), "invalid value: integer `-1`"),
        (
            json!({"hostname": "colab-gpu4", "gpus": [{"id": 25}]}),
            "缺少 username",
        ),
        (
            json!({"username": "bob", "gpus": [{"id": 25}]}),
            "缺少 hostname",
        ),
    ] {
        let outcome = run_with(&json!({"bad": malformed, "good": raw_task("alice", KNOWN, None)}))
            .exits(3)
            .stderr_has(&format!("警告：任務 bad 的資料無法解析（{problem}"))
            .stderr_has("），已略過\n");
        assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
        assert_eq!(users(&outcome), "alice", "{malformed}");
    }
}

#[test]
fn tasks_that_cannot_be_read_are_one_warning() {
    let timeless = |start| raw_task("alice", start, None);
    let outcome = run_with(&json!({
        "bad1": "gone", "bad2": null, "late1": timeless("soon"), "late2": timeless(""),
    }));
    let _ = outcome.exits(3).stderr_is(
        "警告：有 2 個任務的資料無法解析，已略過：bad1（不是 JSON 物件）、bad2（不是 JSON 物件）\n\
         警告：colab-gpu4 有 2 個任務時間不明，未計入使用者欄位：late1（start「soon」不是時間）、late2（缺少 start）\n",
    );
}

#[test]
fn a_task_whose_time_is_not_known_is_named_and_attributed_to_nobody() {
    for (start, end, problem) in [
        (None, None, "缺少 start"),
        (Some(""), None, "缺少 start"),
        (Some("2025-08-01"), None, "start「2025-08-01」不是時間"),
        (Some(KNOWN), Some("soon"), "end「soon」不是時間"),
        (
            Some("Fri, 01 Aug 2025 01:00:00 CST"),
            None,
            "start「Fri, 01 Aug 2025 01:00:00 CST」不是時間",
        ),
    ] {
        let mut timeless = raw_task("alice", "", end);
        timeless["start"] = json!(start);
        let outcome = run_with(&json!({"t1": timeless}))
            .exits(3)
            .stderr_is(&format!(
                "警告：colab-gpu4 的任務 t1 時間不明（{problem}），未計入使用者欄位\n"
            ));
        assert_eq!(users(&outcome), "未使用", "{problem}");
        let summary = summary(&outcome);
        let section = format!("\n\n時間不明而未計入使用者欄位的任務:\n任務 t1: {problem}\n=====");
        assert!(summary.contains(&section), "{summary}");
    }
}

#[test]
fn times_are_read_in_any_form_that_has_a_zone() {
    for start in [
        "2025-08-01T01:00:00Z",
        "2025-08-01 09:00:00+08:00",
        "Fri, 01 Aug 2025 01:00:00.250 UTC",
    ] {
        let outcome = run_with(&json!({"t1": raw_task("alice", start, None)}));
        assert_eq!(users(&outcome.exits(0).stderr_is("")), "alice");
    }
    let outcome =
        run_with(&json!({"t1": raw_task("alice", "Mon, 01 Aug 2025 01:00:00 GMT", None)}))
            .exits(0)
            .stderr_is("警告：有 1 個任務的日期與星期不符（t1）：以日期為準\n");
    assert_eq!(users(&outcome), "alice");
}

#[test]
fn a_task_that_never_ran_held_nothing() {
    let mut cancelled = raw_task("bob", "", Some(KNOWN));
    cancelled["start"] = Value::Null;
    let outcome = run_with(&json!({
        "t1": raw_task("alice", KNOWN, Some("Fri, 01 Aug 2025 00:59:59 GMT")), "t2": cancelled,
    }));
    assert_eq!(users(&outcome.exits(0).stderr_is("")), "未使用");
}

#[test]
fn a_total_that_the_times_do_not_make_is_a_warning_that_names_the_setting() {
    let mut timed = raw_task("alice", KNOWN, Some("Fri, 01 Aug 2025 02:00:00 GMT"));
    timed["total_seconds"] = json!(9 * 3600);
    let outcome = run_with(&json!({"t1": timed})).exits(0).stderr_is(
        "警告：有 1 個任務的 total_seconds 與 start、end 不符，最多相差 480 分鐘（t1）：\
         請檢查 management_api.timezone，或任務是否曾經暫停\n",
    );
    assert_eq!(users(&outcome), "alice");
}

#[test]
fn a_task_that_begins_after_now_is_a_warning_that_names_the_setting() {
    let outcome = run_with(&json!({"t1": raw_task("alice", "2999-08-01T01:00:00Z", None)}));
    let _ = outcome
        .exits(0)
        .stderr_has("警告：任務 t1 的 start 在 ")
        .stderr_has("management_api.timezone");
}

#[test]
fn gpus_that_are_counted_and_not_listed_are_named_and_make_the_day_incomplete() {
    let mut unlisted = raw_task("alice", KNOWN, None);
    unlisted["gpus"] = json!([]);
    unlisted["flavor"] = json!({"gpu": 2});
    let outcome = run_with(&json!({"t1": unlisted})).exits(3).stderr_is(
        "警告：colab-gpu4 有 1 個任務的 flavor 有 GPU，gpus 卻是空的（t1）：\
         不知道用了哪些 GPU，未計入使用者欄位\n",
    );
    let summary = summary(&outcome);
    assert!(
        summary.contains("\nGPU N/A: alice (任務 t1, flavor 有 2 張 GPU, gpus 是空的)\n"),
        "{summary}"
    );
}

#[test]
fn durations_have_a_decimal_whether_the_api_sends_one_or_not() {
    for (sent, printed) in [
        ("3600", "3600.0"),
        ("86399.0", "86399.0"),
        ("12.25", "12.25"),
        ("0", "0.0"),
    ] {
        let mut timed = raw_task("alice", KNOWN, None);
        timed["total_seconds"] = serde_json::from_str(sent).expect("a number");
        let section = task_section(&run_with(&json!({"t1": timed})).exits(0));
        assert!(
            section.contains(&format!("    - 使用時長: {printed} 秒\n")),
            "{section}"
        );
    }
}

#[test]
fn an_answer_of_which_no_task_can_be_read_is_no_answer() {
    // Such as the object of an error that comes with status 200.
    let outcome = run_with(&json!({"message": "token expired"}))
        .exits(3)
        .stderr_has("錯誤：無法從管理 API 獲取數據：")
        .stderr_has("「message」");
    assert_eq!(summary(&outcome).matches("(使用者: 無任務資訊)").count(), 8);
}

#[test]
fn a_gpu_without_id_and_uuid_is_named_as_not_available() {
    let mut nameless = raw_task("alice", KNOWN, None);
    nameless["gpus"] = json!([{"name": "AMD Instinct MI300X"}]);
    let outcome = run_with(&json!({"t1": nameless}))
        .exits(3)
        .stderr_has("警告：colab-gpu4 的任務 GPU id N/A 無法對應到該節點的 GPU（任務 t1）");
    let summary = summary(&outcome);
    assert!(
        summary.contains("\nGPU N/A: alice (任務 t1, GPU UUID N/A)\n"),
        "{summary}"
    );
}
