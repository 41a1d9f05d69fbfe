//! What the files cannot put right: several users on one GPU at once, and a busy GPU that no task holds.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::simulated_cluster::{SimulatedNode, SimulatedTask};
use crate::support::{DATE, HOUR, Lab, MIDNIGHT};

const SUMMARY: &str = include_str!("../../fixtures/golden/summary_2025-08-01.txt");
const NODE: &str = "gpu-a";

/// A node of two cards: the first reads 80 % all day, the second nothing but idleness.
fn node() -> SimulatedNode {
    SimulatedNode::new(NODE)
        .cards(&[1, 9])
        .constant(1, 80.0, 40.0)
        .constant(9, 0.0, 0.14)
}

/// A task from and to these seconds after midnight.
fn held(id: &str, user: &str, card: u32, from: i64, to: i64) -> SimulatedTask {
    SimulatedTask::new(id, user, NODE)
        .gpu(card, "APU-1")
        .start(MIDNIGHT + from)
        .end(MIDNIGHT + to)
}

/// What `--json` says of each GPU of the node.
fn gpus(run: &Value) -> Vec<(Value, Value)> {
    let gpus = run["nodes"][0]["gpus"].as_array().expect("GPUs").iter();
    gpus.map(|gpu| (gpu["conflicts"].clone(), gpu["busy_without_task"].clone()))
        .collect()
}

fn codes(run: &Value) -> Vec<&str> {
    let notices = run["notices"].as_array().expect("notices").iter();
    notices
        .filter_map(|notice| notice["code"].as_str())
        .collect()
}

#[test]
fn users_who_hold_one_gpu_at_once_are_named_with_their_tasks_and_times() {
    let lab = || {
        Lab::new()
            .node(node())
            .task(held("t1", "alice", 9, 0, 10 * HOUR))
            .task(held("t2", "bob", 9, 8 * HOUR, 12 * HOUR))
            .task(held("t3", "carol", 9, 9 * HOUR + 30, 11 * HOUR))
            .task(held("t4", "alice", 9, 9 * HOUR, 9 * HOUR + 60))
    };
    let outcome = lab().run(&[DATE]).exits(0).stderr_is(
        "警告：gpu-a 的 GPU[1] 在 2025-08-01 08:00:00 到 2025-08-01 09:00:30 同時由 alice、bob 佔用\
         （任務 t1、t4、t2）：資源衝突，請檢查管理系統的配置或 GPU 的對應\n\
         警告：gpu-a 的 GPU[1] 在 2025-08-01 09:00:30 到 2025-08-01 10:00:00 同時由 alice、bob、carol 佔用\
         （任務 t1、t4、t2、t3）：資源衝突，請檢查管理系統的配置或 GPU 的對應\n\
         警告：gpu-a 的 GPU[1] 在 2025-08-01 10:00:00 到 2025-08-01 11:00:00 同時由 bob、carol 佔用\
         （任務 t2、t3）：資源衝突，請檢查管理系統的配置或 GPU 的對應\n",
    );
    assert_eq!(
        outcome.extra_sections(NODE, DATE),
        "\n各使用者佔用 GPU 的時數，以及佔用期間的使用率:\n\
         GPU[1]: 10.00 小時, GPU使用率 = 0.0%, VRAM使用率 = 0.14% (使用者: alice)\n\
         GPU[1]: 4.00 小時, GPU使用率 = 0.0%, VRAM使用率 = 0.14% (使用者: bob)\n\
         GPU[1]: 1.99 小時, GPU使用率 = 0.0%, VRAM使用率 = 0.14% (使用者: carol)\n\
         \n資源衝突 (多位使用者同時佔用同一張 GPU):\n\
         GPU[1]: 2025-08-01 08:00:00 到 2025-08-01 09:00:30 (使用者: alice;bob, 任務: t1;t4;t2)\n\
         GPU[1]: 2025-08-01 09:00:30 到 2025-08-01 10:00:00 (使用者: alice;bob;carol, 任務: t1;t4;t2;t3)\n\
         GPU[1]: 2025-08-01 10:00:00 到 2025-08-01 11:00:00 (使用者: bob;carol, 任務: t2;t3)\n"
    );
    let run = lab().run(&[DATE, "--json"]).exits(0).json();
    let conflict = |users: &[&str], tasks: &[&str], from: i64, to: i64| json!({"users": users, "tasks": tasks, "from": MIDNIGHT + from, "to": MIDNIGHT + to});
    let conflicts = json!([
        conflict(
            &["alice", "bob"],
            &["t1", "t4", "t2"],
            8 * HOUR,
            9 * HOUR + 30
        ),
        conflict(
            &["alice", "bob", "carol"],
            &["t1", "t4", "t2", "t3"],
            9 * HOUR + 30,
            10 * HOUR
        ),
        conflict(&["bob", "carol"], &["t2", "t3"], 10 * HOUR, 11 * HOUR),
    ]);
    assert_eq!(gpus(&run), [(json!([]), json!([])), (conflicts, json!([]))]);
    assert_eq!(codes(&run), ["conflict"; 3]);
}

/// 30 users come minute by minute and stay: 29 conflicts, the last of 30 users.
#[test]
fn of_many_conflicts_and_users_some_are_named_and_the_others_counted() {
    let lab = || {
        let tasks = (0..30).map(|n| {
            held(
                &format!("t{n:02}"),
                &format!("u{n:02}"),
                9,
                n * 60,
                10 * HOUR,
            )
        });
        tasks.fold(Lab::new().node(node()), Lab::task)
    };
    let outcome = lab().run(&[DATE]).exits(0);
    let lines: Vec<_> = outcome.stderr.lines().collect();
    let rest = "警告：另有 13 則同類的訊息（conflict）未列出";
    assert_eq!((lines.len(), lines[12]), (13, rest));
    let run = lab().run(&[DATE, "--json"]).exits(0).json();
    let warnings: Vec<_> = (23..25)
        .map(|n| run["notices"][n]["message"].clone())
        .collect();
    let names = |kind| {
        let names = (0..20).map(|n| format!("{kind}{n:02}"));
        names.collect::<Vec<_>>()
    };
    let (users, tasks) = (names('u'), names('t'));
    assert_eq!(
        warnings,
        [
            format!(
                "gpu-a 的 GPU[1] 在 2025-08-01 00:24:00 到 2025-08-01 00:25:00 同時由 {} 等 25 位使用者佔用\
                 （任務 {} 等 25 個）：資源衝突，請檢查管理系統的配置或 GPU 的對應",
                users.join("、"),
                tasks.join("、")
            ),
            "gpu-a 的 GPU[1] 另有 5 段時間同時由多位使用者佔用".to_owned(),
        ]
    );
    let summary = outcome.of_day(NODE, DATE, "summary");
    let expected = format!(
        "GPU[1]: 2025-08-01 00:24:00 到 2025-08-01 00:25:00 (使用者: {} 及另外 5 個, 任務: {} 及另外 5 個)\n\
         GPU[1]: 另有 5 段時間\n",
        users.join(";"),
        tasks.join(";")
    );
    assert!(summary.contains(&expected), "{summary}");
    assert_eq!(codes(&run), ["conflict"; 25]);
    let gpu = &run["nodes"][0]["gpus"][1];
    assert_eq!(gpu["more_conflicts"], 5);
    let (first, last) = (&gpu["conflicts"][0], &gpu["conflicts"][23]);
    assert_eq!(
        (&last["users"], &last["tasks"]),
        (&json!(users), &json!(tasks))
    );
    assert_eq!(
        (&last["more_users"], &last["more_tasks"]),
        (&json!(5), &json!(5))
    );
    assert_eq!(
        (first.get("more_users"), first.get("more_tasks")),
        (None, None)
    );
}

#[test]
fn one_user_twice_and_one_user_after_the_other_are_no_conflict() {
    let _ = Lab::new()
        .node(node())
        .task(held("t1", "alice", 9, 0, 10 * HOUR))
        .task(held("t2", "alice", 9, 5 * HOUR, 12 * HOUR))
        .task(held("t3", "bob", 9, 12 * HOUR, 20 * HOUR))
        .run(&[DATE])
        .exits(0)
        .stderr_is("");
}

#[test]
fn a_gpu_that_is_busy_for_an_hour_though_nobody_holds_it_is_named() {
    let lab = || {
        Lab::new()
            .ledger("")
            .node(node())
            .task(held("t1", "alice", 1, 2 * HOUR, 3 * HOUR + 1))
            // Less than an hour is left between the two.
            .task(held("t2", "alice", 1, 4 * HOUR, 20 * HOUR))
    };
    let outcome = lab().run(&[DATE]).exits(0).stderr_is(
        "警告：gpu-a 的 GPU[0] 沒有任務佔用，使用率卻超過 20%（2025-08-01 00:00:00 到 2025-08-01 02:00:00、\
         2025-08-01 20:00:00 到 2025-08-02 00:00:00）：請檢查 GPU 的對應，或是否有人未經管理系統使用\n",
    );
    assert_eq!(
        outcome.extra_sections(NODE, DATE),
        "\n各使用者佔用 GPU 的時數，以及佔用期間的使用率:\n\
         GPU[0]: 17.00 小時, GPU使用率 = 80.0%, VRAM使用率 = 40.0% (使用者: alice)\n\
         \n沒有任務佔用卻忙碌的 GPU (GPU使用率超過 20% 達一小時以上):\n\
         GPU[0]: 2025-08-01 00:00:00 到 2025-08-01 02:00:00\n\
         GPU[0]: 2025-08-01 20:00:00 到 2025-08-02 00:00:00\n"
    );
    let run = lab().run(&[DATE, "--json"]).exits(0).json();
    let span =
        |from: i64, to: i64| json!({"from": MIDNIGHT + from * HOUR, "to": MIDNIGHT + to * HOUR});
    assert_eq!(
        gpus(&run),
        [
            (json!([]), json!([span(0, 2), span(20, 24)])),
            (json!([]), json!([]))
        ]
    );
    assert_eq!(codes(&run), ["busy_without_task"]);
}

#[test]
fn the_settings_say_for_how_long_users_may_overlap_at_a_hand_over() {
    for (settings, overlap, is_named) in [
        ("", 60, false),
        ("", 61, true),
        ("handover_seconds = 0", 1, true),
        ("handover_seconds = 3600", 3600, false),
    ] {
        let outcome = Lab::new()
            .ledger(&format!("busy_percent = 100\n{settings}"))
            .node(node())
            .task(held("t1", "alice", 9, 0, 10 * HOUR + overlap))
            .task(held("t2", "bob", 9, 10 * HOUR, 20 * HOUR))
            .run(&[DATE])
            .exits(0);
        assert_eq!(
            outcome.stderr.contains("資源衝突"),
            is_named,
            "{settings} {overlap}: {}",
            outcome.stderr
        );
    }
    let _ = Lab::new()
        .ledger("handover_seconds = 3601")
        .run(&[DATE])
        .exits(10)
        .stderr_has("ledger.handover_seconds：3601 不是 0 到 3600 的秒數");
}

#[test]
fn the_settings_say_what_is_busy() {
    for (settings, is_named) in [
        ("", true),
        ("busy_percent = 79.9999999", true),
        ("busy_percent = 80", false),
        ("busy_percent = 100", false),
    ] {
        let outcome = Lab::new()
            .ledger(settings)
            .node(node())
            .run(&[DATE])
            .exits(0);
        assert_eq!(
            outcome.stderr.contains("沒有任務佔用"),
            is_named,
            "{settings}"
        );
    }
}

#[test]
fn without_task_information_nobody_is_known_not_to_hold_a_gpu() {
    let outcome = Lab::new()
        .ledger("")
        .node(node())
        .run(&["--skip-task-info", "--json", DATE])
        .exits(0)
        .stderr_is("");
    let nothing = (Value::Null, Value::Null);
    assert_eq!(gpus(&outcome.json()), [nothing.clone(), nothing]);
    assert!(
        !outcome
            .of_day(NODE, DATE, "summary")
            .contains("沒有任務佔用")
    );
}

/// GPU[2] of the first document reads 20.28 % and has no user. If that is so all day, the day needs one section more,
/// and every line of the document stays.
#[test]
fn the_first_documents_day_has_a_gpu_that_may_be_used_past_the_manager() {
    let node = [1, 9, 33, 41, 49, 57]
        .into_iter()
        .fold(SimulatedNode::new("colab-gpu4"), |node, card| {
            node.constant(card, 0.0, 0.14)
        })
        .constant(17, 20.28, 83.38)
        .constant(25, 18.17, 82.27);
    let task = SimulatedTask::new("t1", "nycubme", "colab-gpu4")
        .gpu(25, "APU-70cb99ce3e214bda")
        .project("pd6ce655")
        .image("myelintek/labu1f682d9:1750235191")
        .start(1_752_502_920);
    let outcome = Lab::new()
        .ledger("")
        .node(node)
        .task(task)
        .run(&[DATE])
        .exits(0)
        .stderr_has("警告：colab-gpu4 的 GPU[2] 沒有任務佔用，使用率卻超過 20%");
    let rule = format!("{}\n", "=".repeat(32));
    let before = SUMMARY.strip_suffix(&rule).expect("the closing rule");
    let section = "\n沒有任務佔用卻忙碌的 GPU (GPU使用率超過 20% 達一小時以上):\n\
                   GPU[2]: 2025-08-01 00:00:00 到 2025-08-02 00:00:00\n";
    assert_eq!(
        outcome.of_day("colab-gpu4", DATE, "summary"),
        format!("{before}{section}{rule}")
    );
}
