//! Who has idle GPUs, by `alerts`: which hours count, and which rule they count for.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::simulated_cluster::{Fault, SimulatedApi, SimulatedNode, SimulatedTask};
use crate::support::{DATE, HOUR, Lab, MIDNIGHT, Outcome, TOKEN, World};

const NEXT: &str = "2025-08-02";
const DAY: i64 = 24 * HOUR;

/// A node whose first two GPUs do nothing, and whose third one works.
fn gpu_a() -> SimulatedNode {
    SimulatedNode::new("gpu-a")
        .cards(&[1, 9, 17])
        .constant(1, 0.0, 80.0)
        .constant(9, 5.0, 0.14)
        .constant(17, 90.0, 80.0)
}

fn held(id: &str, user: &str, card: u32, from: i64, to: i64) -> SimulatedTask {
    SimulatedTask::new(id, user, "gpu-a")
        .gpu(card, &format!("APU-{card}"))
        .start(MIDNIGHT + from)
        .end(MIDNIGHT + to)
}

/// A lab whose alerts are of two days, with these keys.
fn lab(keys: &str) -> Lab {
    Lab::new().tables(&format!("[alerts]\nwindow_days = 2\n{keys}"))
}

/// Collects both days.
#[track_caller]
fn collected(lab: Lab) -> World {
    collected_with(lab, 0)
}

#[track_caller]
fn collected_with(lab: Lab, status: i32) -> World {
    let world = lab.start();
    let _ = world.run(&[DATE, "--to", NEXT]).exits(status);
    world
}

/// Each alert: the user, the rule, and the idle and the allocated hours.
#[track_caller]
fn alerts(outcome: &Outcome) -> Vec<(String, String, i64, i64)> {
    let json = outcome.json();
    let alert = |alert: &Value| {
        let text = |key: &str| alert[key].as_str().expect("a text").to_owned();
        let hours = |key: &str| alert[key].as_i64().expect("seconds") / HOUR;
        let (idle, held) = (hours("idle_seconds"), hours("allocated_seconds"));
        (text("user"), text("rule"), idle, held)
    };
    let alerts = json["alerts"].as_array().expect("alerts");
    alerts.iter().map(alert).collect()
}

#[track_caller]
fn alert(user: &str, rule: &str, idle: i64, held: i64) -> (String, String, i64, i64) {
    (user.to_owned(), rule.to_owned(), idle, held)
}

/// What was left out.
#[track_caller]
fn left_out(outcome: &Outcome) -> Vec<String> {
    let json = outcome.json();
    let left_out = json["left_out"].as_array().expect("what was left out");
    let part = |part: &Value| {
        let of = |key: &str| part[key].as_str().unwrap_or("*").to_owned();
        let gpu = part["gpu"].as_i64().map(|gpu| format!(" {gpu}"));
        let gpu = gpu.unwrap_or_default();
        format!("{} {}{gpu} {}", of("date"), of("node"), of("reason"))
    };
    left_out.iter().map(part).collect()
}

#[test]
fn users_whose_gpus_did_nothing_are_listed() {
    let world = collected(
        lab("")
            .node(gpu_a())
            // Two tasks at once hold a GPU once.
            .task(held("t1", "王小明", 1, 0, 2 * DAY))
            .task(held("t2", "王小明", 1, HOUR, 3 * DAY))
            .task(held("t3", "bob", 17, 0, 2 * DAY))
            .task(held("t4", "alice", 9, 0, DAY)),
    );
    let outcome = world.run(&["alerts", NEXT]).exits(0).stderr_is("");
    outcome.stdout_is(
        "2025-08-01 到 2025-08-02（2 天）的 GPU 閒置情形\n\
         規則 default：閒置達 24 GPU 小時，且達時數的 50%，涵蓋率至少 90%\n\
         \n\
         使用者  規則     閒置(GPU小時)  時數(GPU小時)  閒置比例  涵蓋率   平均GPU使用率  通知    上次通知\n\
         alice   default  24.00          24.00          100.00%   100.00%  5.00%          未通知  -\n\
         王小明  default  48.00          48.00          100.00%   100.00%  0.00%          未通知  -\n",
    );
    assert!(!world.path("data/.daily-gpu-log/alerts.json").exists());
}

/// The lines of `text` that name alice, in words.
fn words_of_alice(text: &str) -> Vec<Vec<&str>> {
    let lines = text.lines().filter(|line| line.starts_with("alice"));
    lines
        .map(|line| line.split_whitespace().collect())
        .collect()
}

#[test]
fn the_same_seconds_are_the_same_hours_as_in_users() {
    let lab = lab("min_idle_hours = 1").node(gpu_a());
    let world = collected(lab.task(held("t1", "alice", 1, 0, 3618)));
    let users = world.run(&["users", DATE]).exits(0);
    let [user] = &words_of_alice(&users.stdout)[..] else {
        panic!("one line of alice: {}", users.stdout);
    };
    let alerts = world.run(&["alerts", NEXT]).exits(0);
    let [alert] = &words_of_alice(&alerts.stdout)[..] else {
        panic!("one line of alice: {}", alerts.stdout);
    };
    assert_eq!(user[1..4], ["1.01", "0.00", "1.01"]);
    assert_eq!(alert[1..4], ["default", "1.01", "1.01"]);
}

#[test]
fn a_threshold_that_is_met_exactly_is_met() {
    let world = |end: i64| {
        collected(
            lab("")
                .node(gpu_a())
                .task(held("t1", "alice", 1, 0, end))
                .task(held("t2", "alice", 17, 0, DAY)),
        )
    };
    let outcome = world(DAY).run(&["alerts", NEXT, "--json"]).exits(0);
    assert_eq!(alerts(&outcome), [alert("alice", "default", 24, 48)]);
    // A second less.
    let outcome = world(DAY - 1).run(&["alerts", NEXT, "--json"]).exits(0);
    assert_eq!(alerts(&outcome), []);
    assert_eq!(left_out(&outcome), [""; 0]);
}

#[test]
fn a_task_type_can_have_a_rule_of_its_own() {
    let rules = "[[alerts.rules]]\nname = \"web\"\ntask_types = [\"WEBAPP\"]\nmin_idle_hours = 40\n\
                 [[alerts.rules]]\nname = \"batch\"\ntask_types = [\"BATCH\"]\nmin_idle_share = 20";
    let world = collected(
        lab(rules)
            .node(gpu_a())
            .task(held("t1", "alice", 1, 0, 36 * HOUR).kind("WEBAPP"))
            .task(held("t2", "alice", 9, 0, DAY))
            .task(held("t3", "bob", 1, 36 * HOUR, 2 * DAY).kind("BATCH"))
            .task(held("t4", "bob", 9, DAY, 36 * HOUR).kind("BATCH"))
            .task(held("t5", "bob", 17, 0, 2 * DAY).kind("BATCH")),
    );
    let outcome = world.run(&["alerts", NEXT, "--json"]).exits(0);
    // bob's share is a third. alice's WEBAPP is idle for less than 40 hours.
    let expected = [
        alert("alice", "default", 24, 24),
        alert("bob", "batch", 24, 72),
    ];
    assert_eq!(alerts(&outcome), expected);
    world.edit_settings("min_idle_hours = 40", "min_idle_hours = 36");
    let outcome = world.run(&["alerts", NEXT, "--json"]).exits(0);
    assert_eq!(
        alerts(&outcome)[..2],
        [
            alert("alice", "default", 24, 24),
            alert("alice", "web", 36, 36)
        ]
    );
}

#[test]
fn users_projects_and_nodes_can_be_exempt() {
    let world = collected(
        lab("exempt_users = []\nexempt_projects = []\nexempt_nodes = []")
            .node(gpu_a())
            .task(held("t1", "alice", 1, 0, 2 * DAY))
            .task(held("t2", "bob", 9, 0, DAY).project("pd-x"))
            .task(held("t3", "bob", 9, DAY, 2 * DAY).project("pd-y")),
    );
    let alerts = |old: &str, new: &str| {
        world.edit_settings(old, new);
        let outcome = world.run(&["alerts", NEXT, "--json"]).exits(0);
        assert_eq!(left_out(&outcome), [""; 0]);
        alerts(&outcome)
    };
    let (alice, bob) = (
        alert("alice", "default", 48, 48),
        alert("bob", "default", 48, 48),
    );
    assert_eq!(alerts("", ""), [alice.clone(), bob]);
    let bob = alert("bob", "default", 24, 24);
    let projects = alerts("exempt_projects = []", "exempt_projects = [\"pd-x\"]");
    assert_eq!(projects, [alice, bob.clone()]);
    let users = alerts("exempt_users = []", "exempt_users = [\"alice\"]");
    assert_eq!(users, [bob]);
    let nodes = alerts("exempt_nodes = []", "exempt_nodes = [\"gpu-a\"]");
    assert_eq!(nodes, []);
}

#[test]
fn days_that_were_not_collected_count_for_nobody() {
    let world = lab("")
        .node(gpu_a())
        .task(held("t1", "alice", 1, 0, 9 * DAY))
        .start();
    let outcome = world.run(&["alerts", NEXT, "--json"]).exits(3);
    assert_eq!(outcome.json()["is_judged"], false);
    assert_eq!(alerts(&outcome), []);
    let both = ["2025-08-01 * no_tasks", "2025-08-02 * no_tasks"];
    assert_eq!(left_out(&outcome), both);
    let _ = world.run(&[DATE]).exits(0);
    let outcome = world.run(&["alerts", NEXT, "--json"]).exits(0);
    assert_eq!(alerts(&outcome), [alert("alice", "default", 24, 24)]);
    assert_eq!(left_out(&outcome), both[1..]);
    let outcome = world.run(&["alerts", NEXT]).exits(0);
    outcome.stdout_has("\n以下資料不完整或有疑問，不算閒置（知道佔用多久的，仍計入時數）：\n2025-08-02：沒有保存的任務資訊\n");
}

#[test]
fn a_day_without_task_information_or_with_damaged_one_counts_for_nobody() {
    let world = collected(
        lab("")
            .node(gpu_a())
            .task(held("t1", "alice", 1, 0, 2 * DAY)),
    );
    let kept = "data/.daily-gpu-log/tasks/2025-08-01.json";
    let whole = world.read(kept);
    world.write(kept, "{");
    let outcome = world.run(&["alerts", NEXT, "--json"]).exits(0);
    assert_eq!(left_out(&outcome), ["2025-08-01 * unreadable_tasks"]);
    // As an answer that was given in the evening.
    let mut early: Value = serde_json::from_str(&whole).expect("JSON");
    early["fetched_at"] = json!(MIDNIGHT + 20 * HOUR);
    world.write(kept, &early.to_string());
    let outcome = world.run(&["alerts", NEXT, "--json"]).exits(0);
    assert_eq!(left_out(&outcome), ["2025-08-01 * early_tasks"]);
    assert_eq!(alerts(&outcome), []);
    // What she held until the evening is known.
    world.edit_settings("window_days = 2", "window_days = 2\nmin_coverage = 54");
    let outcome = world.run(&["alerts", NEXT, "--json"]).exits(0);
    assert_eq!(alerts(&outcome), [alert("alice", "default", 24, 44)]);
    world
        .run(&["alerts", NEXT])
        .exits(0)
        .stdout_has("2025-08-01：任務資訊是這一天結束前的（2025-08-01 20:00:00）");
}

#[test]
fn today_counts_for_nobody() {
    let world = lab("")
        .node(gpu_a())
        .task(SimulatedTask::new("t1", "alice", "gpu-a").gpu(1, "APU-1"))
        .settings("timezone = \"Etc/GMT-14\"")
        .start();
    let outcome = world.run(&["alerts", "today", "--json"]).exits(3);
    let json = outcome.json();
    assert_eq!(json["left_out"][1]["reason"], "running", "{json}");
    world
        .run(&["alerts", "2999-01-01"])
        .exits(2)
        .stderr_has("尚未開始");
}

/// A node with three idle GPUs, unless the second has this reading; the settings have a UUID of the third.
fn gpu_b(of_second: f64) -> SimulatedNode {
    SimulatedNode::new("gpu-b")
        .cards(&[1, 9, 17])
        .constant(1, 0.0, 0.14)
        .constant(9, of_second, 0.14)
        .constant(17, 0.0, 0.14)
}

const UUID_ON_B: &str = "gpu_uuids = { \"APU-D\" = 2 }";

/// A task that holds a GPU of that node all day.
fn on_b(id: &str, user: &str, card: u32, uuid: &str) -> SimulatedTask {
    let task = SimulatedTask::new(id, user, "gpu-b").gpu(card, uuid);
    task.start(MIDNIGHT).end(MIDNIGHT + DAY)
}

fn timeless(card: u32) -> Value {
    json!({"username": "dora", "hostname": "gpu-b", "gpus": [{"id": card}], "start": "soon"})
}

#[test]
fn nobody_is_idle_on_a_gpu_that_is_in_doubt() {
    let api = || {
        SimulatedApi::new(TOKEN)
            .task(held("t1", "alice", 1, 0, DAY))
            .task(held("t2", "bob", 17, 0, DAY))
            .task(on_b("t3", "bob", 1, "APU-B1"))
    };
    for (api, of, message) in [
        (
            api().task(on_b("t4", "carol", 1, "APU-B1")),
            &["gpu-b 0 conflict"][..],
            "有資源衝突",
        ),
        // It may be any GPU of the node.
        (
            api().task(on_b("t4", "bob", 99, "APU-99")),
            &["gpu-b unplaced"],
            "有無法對應的任務 GPU",
        ),
        (
            api().task(on_b("t4", "bob", 1, "APU-D")),
            &["gpu-b 0 disagreement", "gpu-b 2 disagreement"],
            "有 UUID 與 id 不一致的 GPU",
        ),
        (
            api().raw_task("t4", timeless(1)),
            &["gpu-b 0 timeless"],
            "有時間不明的任務",
        ),
        (
            api().raw_task("t4", json!({"username": "dora", "hostname": "gpu-b", "gpus": [{"uuid": "APU-X"}], "start": "soon"})),
            &["gpu-b timeless"],
            "有時間不明的任務",
        ),
    ] {
        let world = Lab::new()
            .ledger("")
            .node(gpu_a())
            .node(gpu_b(0.0))
            .node_settings("gpu-b", UUID_ON_B)
            .api(api)
            .tables("[alerts]\nwindow_days = 1")
            .start();
        let _ = world.run(&[DATE]);
        let outcome = world.run(&["alerts", DATE, "--json"]).exits(3);
        let outcome = outcome.stderr_is(
            "警告：gpu-b 在 2025-08-01 到 2025-08-01（1 天）沒有可以判斷的資料，不知道 GPU 是否閒置\
             （原因請執行 daily-gpu-log alerts 2025-08-01 查看）\n",
        );
        assert_eq!(outcome.json()["unjudged_nodes"], json!(["gpu-b"]));
        let of: Vec<_> = of.iter().map(|of| format!("2025-08-01 {of}")).collect();
        assert_eq!(left_out(&outcome), of);
        assert_eq!(outcome.json()["left_out"][0]["message"], message);
        assert_eq!(
            alerts(&outcome),
            [alert("alice", "default", 24, 24)],
            "{of:?}"
        );
    }
}

#[test]
fn what_is_in_doubt_of_one_gpu_leaves_the_others() {
    let second = |id: &str, user: &str, from: i64, to: i64| {
        let task = SimulatedTask::new(id, user, "gpu-b").gpu(9, "APU-B2");
        task.start(MIDNIGHT + from).end(MIDNIGHT + to)
    };
    let api = || SimulatedApi::new(TOKEN).task(on_b("t1", "alice", 1, "APU-B1"));
    let overlap = |seconds: i64| {
        api()
            .task(second("t2", "bob", 0, 12 * HOUR + seconds))
            .task(second("t3", "carol", 12 * HOUR, DAY))
    };
    let of_alice = || vec![alert("alice", "default", 24, 24)];
    for (api, of_second, left) in [
        (overlap(61), 90.0, vec!["2025-08-01 gpu-b 1 conflict"]),
        (overlap(60), 90.0, vec![]),
        // Nobody holds what is in doubt.
        (api(), 90.0, vec![]),
        (api().raw_task("t2", timeless(9)), 0.0, vec![]),
        (
            api().task(on_b("t2", "bob", 9, "APU-D")),
            90.0,
            vec!["2025-08-01 gpu-b 2 disagreement"],
        ),
    ] {
        let world = Lab::new()
            .ledger("")
            .node(gpu_b(of_second))
            .node_settings("gpu-b", UUID_ON_B)
            .api(api)
            .tables("[alerts]\nwindow_days = 1")
            .start();
        let _ = world.run(&[DATE]);
        let outcome = world
            .run(&["alerts", DATE, "--json"])
            .exits(0)
            .stderr_is("");
        assert_eq!(left_out(&outcome), left);
        assert_eq!(alerts(&outcome), of_alice(), "{left:?}");
    }
}

#[test]
fn a_task_that_cannot_be_read_puts_its_day_in_doubt() {
    let world = collected_with(
        lab("")
            .node(gpu_a())
            .task(held("t1", "alice", 1, 0, 2 * DAY))
            .raw_task("t2", json!("nothing")),
        3,
    );
    let outcome = world.run(&["alerts", NEXT, "--json"]).exits(3);
    assert_eq!(alerts(&outcome), []);
    let expected = [
        "2025-08-01 * malformed_tasks",
        "2025-08-02 * malformed_tasks",
    ];
    assert_eq!(left_out(&outcome), expected);
}

#[test]
fn nobody_is_idle_without_readings() {
    // Two hours and a half of a day are more than a tenth, two are not.
    let node = gpu_a()
        .gap(1, MIDNIGHT, MIDNIGHT + 9000)
        .gap(9, MIDNIGHT, MIDNIGHT + 2 * HOUR);
    let world = lab("min_idle_hours = 20")
        .node(node)
        .task(held("t1", "alice", 1, 0, DAY))
        .task(held("t2", "bob", 9, 0, DAY))
        .start();
    let _ = world.run(&[DATE]);
    let outcome = world.run(&["alerts", DATE, "--json"]).exits(0);
    assert_eq!(alerts(&outcome), [alert("bob", "default", 22, 24)]);
    assert_eq!(
        left_out(&outcome),
        ["2025-07-31 * no_tasks", "2025-08-01 gpu-a 0 coverage"]
    );
    world
        .run(&["alerts", DATE])
        .stdout_has("2025-08-01 gpu-a GPU[0]：佔用期間只有 89% 有讀數，其餘不算閒置\n");
}

#[test]
fn days_with_few_readings_are_held_all_the_same() {
    // She works on one day, of which a quarter is missing, and does nothing on the other one.
    let world = collected(
        lab("min_coverage = 88")
            .node(gpu_a().gap(17, MIDNIGHT, MIDNIGHT + 6 * HOUR))
            .task(held("t1", "alice", 17, 0, DAY))
            .task(held("t2", "alice", 1, DAY, 2 * DAY))
            .task(held("t3", "bob", 17, DAY, 2 * DAY)),
    );
    let outcome = world.run(&["alerts", NEXT, "--json"]).exits(0);
    assert_eq!(alerts(&outcome), []);
    assert_eq!(left_out(&outcome), ["2025-08-01 gpu-a 2 coverage"]);
    world.edit_settings("min_coverage = 88", "min_coverage = 87");
    let outcome = world.run(&["alerts", NEXT, "--json"]).exits(0);
    assert_eq!(alerts(&outcome), [alert("alice", "default", 24, 48)]);
    assert_eq!(outcome.json()["alerts"][0]["coverage_percent"], 87.5);
}

#[test]
fn days_in_doubt_are_held_all_the_same() {
    let gpu_b = SimulatedNode::new("gpu-b").cards(&[1]);
    let on_b = |id: &str, user: &str, from: i64| {
        let task = SimulatedTask::new(id, user, "gpu-b").gpu(1, "APU-B1");
        task.start(MIDNIGHT + from).end(MIDNIGHT + 2 * DAY)
    };
    let world = lab("")
        .ledger("")
        .node(gpu_a())
        .node(gpu_b.constant(1, 0.0, 0.14))
        .task(held("t1", "alice", 1, 0, DAY))
        .task(held("t2", "bob", 9, 0, 2 * DAY))
        .task(held("t5", "dave", 17, 0, 2 * DAY))
        // In conflict on the second day alone.
        .task(on_b("t3", "alice", DAY - 3 * HOUR))
        .task(on_b("t4", "carol", DAY))
        .start();
    let _ = world.run(&[DATE, "--to", NEXT]);
    let outcome = world.run(&["alerts", NEXT, "--json"]).exits(0);
    assert_eq!(left_out(&outcome), ["2025-08-02 gpu-b 0 conflict"]);
    // alice's idle 27 hours are 27 of 51, of which 24 hours are not known.
    assert_eq!(alerts(&outcome), [alert("bob", "default", 48, 48)]);
    world.edit_settings("window_days = 2", "window_days = 2\nmin_coverage = 52");
    let outcome = world.run(&["alerts", NEXT, "--json"]).exits(0);
    let expected = [
        alert("alice", "default", 27, 51),
        alert("bob", "default", 48, 48),
    ];
    assert_eq!(alerts(&outcome), expected);
}

#[test]
fn nobody_is_idle_on_a_node_without_files_or_with_damaged_ones() {
    let world = lab("")
        .node(gpu_a().fault(Fault::Refuse))
        .task(held("t1", "alice", 1, 0, DAY))
        .start();
    let _ = world.run(&[DATE]).exits(1);
    let outcome = world.run(&["alerts", DATE, "--json"]).exits(3);
    assert_eq!(left_out(&outcome)[1..], ["2025-08-01 gpu-a no_readings"]);
    let world = collected(
        lab("")
            .node(gpu_a())
            .task(held("t1", "alice", 1, 0, 2 * DAY)),
    );
    world.write("data/gpu-a/2025-08-01/gpu0_2025-08-01.csv", "no readings");
    let outcome = world.run(&["alerts", NEXT, "--json"]).exits(0);
    assert_eq!(left_out(&outcome), ["2025-08-01 gpu-a unreadable"]);
    assert_eq!(alerts(&outcome), []);
}

#[test]
fn nobody_is_idle_on_a_node_that_was_collected_before_the_day_ended() {
    let world = collected(
        lab("")
            .node(gpu_a())
            .task(held("t1", "alice", 1, 0, 2 * DAY)),
    );
    // As if only another node had been collected since.
    let record = "data/.daily-gpu-log/runs/2025-08-01.json";
    let mut early: Value = serde_json::from_str(&world.read(record)).expect("JSON");
    early["nodes"][0]["files"]["until"] = json!(MIDNIGHT + 23 * HOUR);
    world.write(record, &early.to_string());
    let outcome = world.run(&["alerts", NEXT, "--json"]).exits(0);
    assert_eq!(left_out(&outcome), ["2025-08-01 gpu-a collected_early"]);
    assert_eq!(alerts(&outcome), []);
}

#[test]
fn if_nothing_can_be_judged_that_is_said_instead_of_nobody() {
    let lab = || lab("").node(gpu_a());
    let warning = "警告：2025-08-01 到 2025-08-02（2 天）沒有可以判斷的資料，不知道 GPU 是否閒置\
                   （原因請執行 daily-gpu-log alerts 2025-08-02 查看）\n";
    let world = lab().start();
    let outcome = world.run(&["alerts", NEXT]).exits(3).stderr_is(warning);
    let _ = outcome
        .stdout_has("\n沒有可以判斷的資料\n")
        .stdout_lacks("達到門檻\n");
    let quiet = world.run(&["alerts", NEXT, "-q"]).exits(3);
    let _ = quiet.stdout_is("").stderr_is(warning);
    // That nobody held a GPU is known.
    let world = collected(lab());
    let outcome = world.run(&["alerts", NEXT]).exits(0).stderr_is("");
    let _ = outcome.stdout_has("\n沒有使用者達到門檻\n");
    // The GPU that was held has no reading, and the others have.
    let world = lab_of_two_nodes().start();
    let _ = world.run(&[DATE, "--to", NEXT]);
    let outcome = world.run(&["alerts", NEXT]).exits(3);
    let _ = outcome
        .stdout_has("\n在可以判斷的資料中，沒有使用者達到門檻\n")
        .stderr_has("警告：gpu-b 在 ");
}

#[test]
fn a_node_of_which_it_is_not_known_who_held_what_is_no_free_one() {
    let on_b = |gpus: Value| {
        let (start, end) = (
            "Fri, 01 Aug 2025 00:00:00 GMT",
            "Sat, 02 Aug 2025 00:00:00 GMT",
        );
        json!({"username": "bob", "hostname": "gpu-b", "gpus": gpus, "flavor": {"gpu": 1}, "start": start, "end": end})
    };
    let lab = || {
        lab("")
            .node(gpu_a())
            .node(gpu_b(0.0))
            .task(held("t1", "alice", 17, 0, 2 * DAY))
    };
    let warning = "警告：gpu-b 在 2025-08-01 到 2025-08-02（2 天）沒有可以判斷的資料";
    let world = collected_with(lab().raw_task("t2", on_b(json!([]))), 3);
    let _ = world.run(&["alerts", NEXT]).exits(3).stderr_has(warning);
    // The newest answer has the task no more, and no answer of the day had.
    let world = collected(lab().raw_task("t2", on_b(json!([{"id": 1}]))));
    for date in [DATE, NEXT] {
        let file = format!("data/.daily-gpu-log/tasks/{date}.json");
        let mut kept: Value = serde_json::from_str(&world.read(&file)).expect("JSON");
        let tasks = kept["answer"].as_object_mut().expect("tasks");
        let gone = tasks.remove("t2").expect("the task");
        let rest = std::mem::take(tasks);
        tasks.insert("a2".to_owned(), gone);
        tasks.extend(rest);
        kept["last_named"] = json!([MIDNIGHT]);
        world.write(&file, &kept.to_string());
    }
    let outcome = world.run(&["alerts", NEXT, "--json"]).exits(3);
    let outcome = outcome.stderr_has(warning);
    assert_eq!(left_out(&outcome), [""; 0]);
}

/// A lab in which alice works on one node, and nothing is known of the GPU that bob holds on the other one.
fn lab_of_two_nodes() -> Lab {
    let gpu_b = SimulatedNode::new("gpu-b").cards(&[1, 9]);
    let on_b = SimulatedTask::new("t2", "bob", "gpu-b").gpu(1, "APU-B1");
    lab("")
        .node(gpu_a())
        .node(
            gpu_b
                .constant(9, 0.0, 0.14)
                .gap(1, MIDNIGHT, MIDNIGHT + 2 * DAY),
        )
        .task(held("t1", "alice", 17, 0, 2 * DAY))
        .task(on_b.start(MIDNIGHT).end(MIDNIGHT + 2 * DAY))
}

#[test]
fn quiet_says_nothing_if_there_is_nobody() {
    let world = collected(
        lab("")
            .node(gpu_a())
            .task(held("t1", "alice", 1, 0, 23 * HOUR)),
    );
    let _ = world.run(&["alerts", NEXT, "-q"]).exits(0).stdout_is("");
    world.edit_settings("window_days = 2", "window_days = 2\nmin_idle_hours = 23");
    let _ = world
        .run(&["alerts", NEXT, "-q"])
        .exits(0)
        .stdout_has("alice");
}

#[test]
fn json_has_every_figure() {
    let world = collected(
        lab("")
            .node(gpu_a())
            .task(held("t1", "alice", 1, 0, DAY))
            .task(held("t2", "alice", 17, DAY, DAY + 6 * HOUR)),
    );
    let json = world.run(&["alerts", NEXT, "--json"]).exits(0).json();
    let gpu = |gpu, idle, held, share, mean| {
        json!({
            "node": "gpu-a", "gpu": gpu, "idle_seconds": idle, "allocated_seconds": held, "observed_seconds": held,
            "idle_share_percent": share, "coverage_percent": 100.0, "mean_gpu_percent": mean,
        })
    };
    assert_eq!(
        json,
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "first_date": DATE,
            "date": NEXT,
            "timezone": "UTC",
            "window_days": 2,
            "min_coverage_percent": 90,
            "rules": [{"name": "default", "task_types": [], "min_idle_hours": 24, "min_idle_share_percent": 50}],
            "alerts": [{
                "user": "alice",
                "rule": "default",
                "idle_seconds": 86400,
                "allocated_seconds": 108_000,
                "observed_seconds": 108_000,
                "idle_share_percent": 80.0,
                "coverage_percent": 100.0,
                "mean_gpu_percent": 18.0,
                "gpus": [gpu(0, 86400, 86400, 100.0, 0.0), gpu(2, 0, 21600, 0.0, 90.0)],
                "last_notice": null,
                "notice": "due",
            }],
            "left_out": [],
            "is_judged": true,
            "unjudged_nodes": [],
            "exit_status": 0,
        })
    );
}
