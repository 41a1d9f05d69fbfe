//! `--json`: the result of a run as one object, for programs.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::simulated_cluster::{Fault, SimulatedNode, SimulatedTask};
use crate::support::{DATE, HOUR, Lab, MIDNIGHT, Outcome};

/// A node of two cards, of which the second has no readings in the day's first quarter.
fn node() -> SimulatedNode {
    SimulatedNode::new("gpu-a")
        .cards(&[1, 9])
        .constant(1, 50.0, 12.5)
        .constant(9, 0.0, 0.14)
        .gap(9, MIDNIGHT, MIDNIGHT + 6 * HOUR)
}

/// A task of two GPUs, of which the second cannot be placed.
fn task() -> SimulatedTask {
    SimulatedTask::new("t1", "alice", "gpu-a")
        .gpu(1, "APU-0000000000000001")
        .gpu(2, "APU-0000000000000002")
}

/// It places the first of them.
const UUID: &str = "gpu_uuids = { \"APU-0000000000000001\" = 0 }";

/// What stands for that node; `users` are those of its two GPUs.
fn node_json(outcome: &Outcome, users: [Value; 2]) -> Value {
    let [first, second] = users;
    let none = |users: &Value| {
        if users.is_null() {
            Value::Null
        } else {
            json!([])
        }
    };
    let (of_first, of_second) = (none(&first), none(&second));
    json!({
        "name": "gpu-a",
        "url": outcome.world().cluster.url("gpu-a"),
        "written": true,
        "directory": "data/gpu-a/2025-08-01",
        "readings": 252,
        "readings_due": 288,
        "mean_percent": {"gpu": 25.0, "vram": 6.32},
        "gpus": [
            {
                "index": 0, "card": 1, "readings": 144, "readings_due": 144,
                "mean_percent": {"gpu": 50.0, "vram": 12.5}, "users": first,
                "conflicts": of_first, "busy_without_task": of_first,
            },
            {
                "index": 1, "card": 9, "readings": 108, "readings_due": 144,
                "mean_percent": {"gpu": 0.0, "vram": 0.14}, "users": second,
                "conflicts": of_second, "busy_without_task": of_second,
            },
        ],
    })
}

/// What stands for a node whose agent does not listen, and its notice.
fn failed_json(outcome: &Outcome, name: &str) -> (Value, Value) {
    let url = outcome.world().cluster.url(name);
    let message = format!(
        "無法從 {url} 獲取數據：無法連線：Connection refused (os error 111)（節點 {name}，原有檔案保持不變）"
    );
    (
        json!({"name": name, "url": url, "written": false}),
        json!({"severity": "error", "code": "node_failed", "message": message}),
    )
}

/// What stands for a run of the whole date.
fn run_json(
    information: &str,
    (verdict, due): (&str, u64),
    nodes: &[Value],
    notices: &[Value],
    exit_status: i32,
) -> Value {
    let found = |node: &Value| node["readings"].as_u64().unwrap_or_default();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "date": "2025-08-01",
        "timezone": "UTC",
        "window": {
            "start": 1_754_006_400, "end": 1_754_092_800, "until": 1_754_092_800, "interval_seconds": 600,
        },
        "task_information": information,
        "verdict": verdict,
        "readings": nodes.iter().map(found).sum::<u64>(),
        "readings_due": due,
        "nodes": nodes,
        "notices": notices,
        "exit_status": exit_status,
    })
}

fn unplaced() -> Value {
    json!({
        "severity": "warning",
        "code": "unplaced_gpus",
        "message": "gpu-a 的任務 GPU id 2 無法對應到該節點的 GPU（任務 t1）：\
                    請在該節點的 [[nodes]] 設定 first_gpu_id = 1（GPU[0] 的 id 若不是 1，請改為正確的值），或 \
                    gpu_uuids = { \"APU-0000000000000002\" = N }（N 是 GPU 索引，\
                    請執行 daily-gpu-log inventory 得知），修正後請重新收集這一天",
    })
}

#[test]
fn a_collection_is_one_object_with_every_figure_and_notice() {
    let outcome = Lab::new()
        .node(node())
        .node_settings("gpu-a", UUID)
        .task(task())
        .run(&["--json", DATE])
        .exits(3);
    let node = node_json(&outcome, [json!(["alice"]), json!([])]);
    let expected = run_json("known", ("incomplete", 288), &[node], &[unplaced()], 3);
    assert_eq!(outcome.json(), expected);
}

#[test]
fn without_task_information_the_users_are_null_and_not_nobody() {
    let outcome = Lab::new()
        .node(node())
        .run(&["--json", "--skip-task-info", DATE])
        .exits(0)
        .stderr_is("");
    let node = node_json(&outcome, [Value::Null, Value::Null]);
    let expected = run_json("not_asked", ("gaps", 288), &[node], &[], 0);
    assert_eq!(outcome.json(), expected);
}

#[test]
fn a_node_that_fails_stands_among_the_others_without_figures() {
    let outcome = Lab::new()
        .node(SimulatedNode::new("down").fault(Fault::Refuse))
        .node(node())
        .node_settings("gpu-a", UUID)
        .task(task())
        .run(&["--json", DATE])
        .exits(3);
    let (down, notice) = failed_json(&outcome, "down");
    let node = node_json(&outcome, [json!(["alice"]), json!([])]);
    let expected = run_json(
        "known",
        ("incomplete", 1152 + 288),
        &[down, node],
        &[notice, unplaced()],
        3,
    );
    assert_eq!(outcome.json(), expected);
}

#[test]
fn a_collection_that_failed_altogether_is_an_object_as_well() {
    let outcome = Lab::new()
        .node(SimulatedNode::new("down").fault(Fault::Refuse))
        .run(&["--json", DATE])
        .exits(1);
    let (down, notice) = failed_json(&outcome, "down");
    let expected = run_json("known", ("failed", 1152), &[down], &[notice], 1);
    assert_eq!(outcome.json(), expected);
}

#[test]
fn a_task_report_is_the_tasks_as_the_api_has_them() {
    let outcome = Lab::new()
        .node(node())
        .task(task().start(MIDNIGHT).end(MIDNIGHT + HOUR))
        .task(SimulatedTask::new("t2", "bob", "elsewhere").gpu(9, "APU-9"))
        .run(&["--json", "--user-report", DATE])
        .exits(0)
        .writes_nothing();
    let task = |id: &str, user: &str, host: &str, gpus: Value, times: Value| {
        let mut task = json!({
            "id": id, "username": user, "hostname": host, "gpus": gpus, "type": "LAB", "owner": user,
            "project_uuid": "pd000001", "image": "registry.example/lab:1",
        });
        let (Some(task_keys), Value::Object(mut times)) = (task.as_object_mut(), times) else {
            unreachable!("both are objects");
        };
        // The simulated tasks never wait.
        task_keys.insert("create_time".to_owned(), times["start"].clone());
        task_keys.append(&mut times);
        task
    };
    let gpu = |id: u32, uuid: &str| json!({"id": id, "uuid": uuid, "name": "AMD Instinct MI300X", "memory": 196_592});
    let expected = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "date": "2025-08-01",
        "timezone": "UTC",
        "tasks": [
            task("t2", "bob", "elsewhere", json!([gpu(9, "APU-9")]), json!({
                "start": "Wed, 16 Jul 2025 08:19:32 GMT", "end": null, "total_seconds": 86399.0,
            })),
            task("t1", "alice", "gpu-a", json!([gpu(1, "APU-0000000000000001"), gpu(2, "APU-0000000000000002")]), json!({
                "start": "Fri, 01 Aug 2025 00:00:00 GMT", "end": "Fri, 01 Aug 2025 01:00:00 GMT", "total_seconds": 3600.0,
            })),
        ],
        "notices": [{
            "severity": "warning",
            "code": "unknown_host",
            "message": "有任務使用設定中沒有的主機 elsewhere（任務 t2）：請加入 [[nodes]]，name 須等於管理 API 的 hostname",
        }],
    });
    assert_eq!(outcome.json(), expected);
}

#[test]
fn the_object_is_all_of_stdout_also_when_the_run_is_quiet() {
    for arguments in [
        &["--json", DATE][..],
        &["--json", "-q", DATE],
        &["--json", "--user-report", "-q", DATE],
    ] {
        let outcome = Lab::new().node(node()).run(arguments).exits(0);
        assert!(outcome.json().is_object());
        assert!(outcome.stdout.ends_with("\n}\n"), "{arguments:?}");
    }
}
