//! `live` where nobody looks at a screen: one table, or one object, and what it asks for.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::simulated_cluster::{Fault, SimulatedApi, SimulatedNode, SimulatedTask};
use crate::support::{HOUR, Lab, Outcome, TOKEN, with_both_generations};

/// A node with a busy and an idle GPU.
fn node(name: &str) -> SimulatedNode {
    let node = SimulatedNode::new(name).cards(&[1, 9]);
    node.constant(1, 37.5, 12.0).constant(9, 0.0, 0.14)
}

fn now() -> i64 {
    Utc::now().timestamp()
}

/// A task that began so long ago, on a card of `colab-gpu4`.
fn task(id: &str, user: &str, card: u32, seconds_ago: i64) -> SimulatedTask {
    let task = SimulatedTask::new(id, user, "colab-gpu4").start(now() - seconds_ago);
    task.gpu(card, &format!("APU-00000000000000{card:02x}"))
}

fn lab() -> Lab {
    Lab::new()
        .node(node("colab-gpu4"))
        .task(task("t-101", "alice", 1, 2 * HOUR))
        .task(task("t-102", "王小明", 9, 30 * HOUR).kind("WEBAPP"))
}

/// When something began, as the table has it.
fn since(seconds_ago: i64) -> String {
    let at = |unix| DateTime::from_timestamp(unix, 0).expect("a moment");
    let (then, now) = (at(now() - seconds_ago), Utc::now());
    let is_today = then.date_naive() == now.date_naive();
    let format = if is_today { "%H:%M" } else { "%m-%d %H:%M" };
    then.format(format).to_string()
}

/// The lines without the moment at the head of the first, and without space between cells.
fn lines(outcome: &Outcome) -> Vec<String> {
    let (clock, rest) = outcome.stdout.split_at("2025-08-01 00:00:00".len());
    chrono::NaiveDateTime::parse_from_str(clock, "%Y-%m-%d %H:%M:%S").expect("a moment");
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    rest.lines().map(words).collect()
}

fn percents(value: &Value) -> Vec<Option<f64>> {
    let values = value.as_array().expect("a list").iter();
    values.map(Value::as_f64).collect()
}

with_both_generations!(
    the_table_names_who_is_on_which_gpu
    the_object_has_the_same
    a_gap_is_a_gap_and_a_task_that_has_ended_holds_nothing
);

fn the_table_names_who_is_on_which_gpu() {
    let (alice, ming) = (since(2 * HOUR), since(30 * HOUR));
    let outcome = lab().run(&["live", "--once"]);
    let expected = [
        "節點 1/1 GPU 2 佔用 2 使用中 1 閒置 1 無讀數 0".to_owned(),
        String::new(),
        "節點 GPU 使用率 過去一小時 VRAM 使用者 任務 開始 閒置".to_owned(),
        format!("colab-gpu4 0 37.5% ▄▄▄▄▄▄▄▄▄▄▄▄ 12.0% alice t-101 LAB {alice}"),
        format!("1 0.0% ▁▁▁▁▁▁▁▁▁▁▁▁ 0.1% 王小明 t-102 WEBAPP {ming} ≥24:00"),
    ];
    assert_eq!(lines(&outcome), expected);
    let _ = outcome.exits(0).stderr_is("").writes_nothing();
}

#[test]
fn what_is_no_terminal_gets_the_table_as_well() {
    let outcome = lab().run(&["live", "--lang", "en"]).exits(0);
    let lines = lines(&outcome);
    let head = "nodes 1/1 GPUs 2 held 2 active 1 idle 1 no reading 0";
    let header = "node GPU GPU % last hour VRAM user task since idle";
    assert_eq!([&*lines[0], &*lines[2]], [head, header]);
    let nobody = Lab::new().node(node("colab-gpu4")).token(None);
    let outcome = nobody.run(&["live", "--lang", "en"]).exits(3);
    let lines = self::lines(&outcome);
    assert!(lines[3].ends_with(" 12.0% task unknown"), "{lines:#?}");
    let problem =
        "tasks unknown: there is no token for the management API (see daily-gpu-log help token)";
    assert_eq!(lines[6], problem);
}

fn the_object_has_the_same() {
    let outcome = lab().run(&["live", "--json"]).exits(0);
    let json = outcome.json();
    assert_eq!(json["timezone"], "UTC");
    assert_eq!((&json["held"], &json["gpus"]), (&json!(2), &json!(2)));
    assert_eq!(json["tasks"]["problem"], Value::Null);
    let time = json["time"].as_i64().expect("a moment");
    assert!((now() - time).abs() < 60, "{time}");
    let node = &json["nodes"][0];
    assert_eq!(
        (&node["name"], &node["problem"]),
        (&json!("colab-gpu4"), &Value::Null)
    );
    let [alice, ming] = [&node["gpus"][0], &node["gpus"][1]];
    assert_eq!((&alice["index"], &alice["card"]), (&json!(0), &json!(1)));
    assert_eq!(alice["gpu_percent"], json!(37.5));
    assert_eq!(alice["vram_percent"], json!(12.0));
    assert_eq!(percents(&alice["hour_percent"]), [Some(37.5); 12]);
    assert_eq!(alice["holding"], "held");
    let holder = &alice["holders"][0];
    assert_eq!(
        (&holder["user"], &holder["task"], &holder["type"]),
        (&json!("alice"), &json!("t-101"), &json!("LAB"))
    );
    assert_eq!(alice.get("idle_seconds"), None);
    assert_eq!(ming["idle_is_at_least"], json!(true));
    assert!(ming["idle_seconds"].as_i64() >= Some(24 * HOUR), "{ming}");
    assert_eq!(json["exit_status"], json!(0));
}

#[test]
fn little_is_asked_and_a_day_only_of_a_node_that_needs_it() {
    let world = Lab::new()
        .node(node("colab-gpu4"))
        .node(
            SimulatedNode::new("busy")
                .cards(&[1])
                .constant(1, 90.0, 90.0),
        )
        .task(task("t-102", "bob", 9, 30 * HOUR))
        .start();
    let _ = world.run(&["live", "--once"]).exits(0);
    let asked = |node| {
        let requests = world.cluster.requests(node).into_iter();
        let part = |target: String| {
            let (_, query) = target.split_once("&after=").expect("a stretch");
            query.split('&').take(2).collect::<Vec<_>>().join(" ")
        };
        requests.map(|seen| part(seen.target)).collect::<Vec<_>>()
    };
    assert_eq!(asked("busy"), ["-10 points=1", "-3600 points=12"]);
    assert_eq!(
        asked("colab-gpu4"),
        ["-10 points=1", "-3600 points=12", "-86400 points=288"]
    );
    assert_eq!(world.cluster.api_requests().len(), 1);
}

#[test]
fn a_node_that_hangs_holds_up_nobody_and_says_why() {
    let world = lab()
        .node(node("hangs").fault(Fault::HangBeforeHeaders))
        .node(node("refuses").fault(Fault::Refuse))
        .tables("[netdata]\ntimeout = \"1s\"\nretries = 0")
        .start();
    let started = Instant::now();
    let outcome = world.run(&["live", "--once"]).exits(3).stderr_is("");
    assert!(started.elapsed() < Duration::from_secs(8));
    let lines = lines(&outcome);
    assert_eq!(lines[0], "節點 1/3 GPU 6 佔用 2 使用中 1 閒置 1 無讀數 4");
    assert!(lines[3].starts_with("colab-gpu4 0 37.5%"), "{lines:#?}");
    assert_eq!(lines[5], "hangs 0 — ············ — 未使用");
    let url = world.cluster.url("hangs");
    let silent = format!("hangs：無法從 {url} 獲取數據：逾時：1.0 秒內沒有完整的回應");
    assert_eq!(lines[10], silent);
    assert!(lines[11].starts_with("refuses：無法從 "), "{lines:#?}");
}

#[test]
fn without_tasks_nobody_is_said_not_to_hold_a_gpu() {
    let unknown = |outcome: Outcome, reason: &str| {
        let outcome = outcome.exits(3).stdout_lacks("未使用").stdout_has(reason);
        let lines = lines(&outcome);
        assert_eq!(
            lines[3..5],
            [
                "colab-gpu4 0 37.5% ▄▄▄▄▄▄▄▄▄▄▄▄ 12.0% 任務不明",
                "1 0.0% ▁▁▁▁▁▁▁▁▁▁▁▁ 0.1% 任務不明"
            ]
        );
        assert!(lines[6].starts_with("任務不明："), "{lines:#?}");
        outcome
    };
    let without_token = Lab::new().node(node("colab-gpu4")).token(None);
    unknown(
        without_token.run(&["live", "--once"]),
        "沒有管理 API 的 Token",
    );
    for (fault, reason) in [
        (Fault::status(401, ""), "拒絕了 Token（HTTP 401）"),
        (Fault::status(503, ""), "HTTP 503"),
        (Fault::Refuse, "無法連線"),
        (Fault::NotJson, "無法解析"),
    ] {
        let api = SimulatedApi::new(TOKEN).fault(fault);
        unknown(lab().api(api).run(&["live", "--once"]), reason);
    }
    let json = lab().token(None).run(&["live", "--json"]).exits(3).json();
    assert_eq!(json["nodes"][0]["gpus"][0]["holding"], "unknown");
    assert_eq!(json["unknown"], json!(2));
}

#[test]
fn a_task_that_cannot_be_placed_leaves_the_free_gpus_of_its_node_in_doubt() {
    let strange = SimulatedTask::new("t-9", "carol", "colab-gpu4")
        .start(now() - HOUR)
        .gpu(77, "APU-0000000000000077");
    let world = Lab::new()
        .node(node("colab-gpu4"))
        .node(node("other"))
        .task(strange)
        .start();
    let outcome = world.run(&["live", "--once"]).exits(3);
    let lines = lines(&outcome);
    assert!(lines[3].ends_with(" 任務不明"), "{lines:#?}");
    assert!(lines[5].ends_with(" 未使用"), "{lines:#?}");
    assert_eq!(
        lines[8],
        "colab-gpu4：任務 t-9（carol）的 1 張 GPU 無法對應"
    );
}

fn a_gap_is_a_gap_and_a_task_that_has_ended_holds_nothing() {
    let ended = task("t-1", "alice", 1, 3 * HOUR).end(now() - HOUR);
    let world = Lab::new()
        .node(node("colab-gpu4").gap(9, now() - 950, now() + 900))
        .task(ended)
        .start();
    let outcome = world.run(&["live", "--once"]).exits(0);
    let lines = lines(&outcome);
    assert!(lines[3].ends_with(" 未使用"), "{lines:#?}");
    assert_eq!(
        lines[4],
        "1 — ▁▁▁▁▁▁▁▁▁··· 0.1% 未使用".replace("0.1%", "—")
    );
}

#[test]
fn a_part_of_the_cluster_and_one_user_can_be_asked_for() {
    let world = lab().node(node("other")).start();
    let outcome = world.run(&["live", "--once", "--node", "other"]).exits(0);
    assert!(!outcome.stdout.contains("colab-gpu4"), "{}", outcome.stdout);
    assert_eq!(world.cluster.requests("colab-gpu4").len(), 0);
    let outcome = world
        .run(&["live", "--once", "--user", "王小明"])
        .exits(0)
        .stdout_lacks("alice");
    assert!(lines(&outcome)[3].starts_with("colab-gpu4 1 0.0%"));
    let nobody = world.run(&["live", "--once", "--user", "carol"]).exits(0);
    assert_eq!(lines(&nobody)[2], "carol 現在沒有佔用 GPU");
    let api = SimulatedApi::new(TOKEN).fault(Fault::Refuse);
    let unknown = lab().api(api).run(&["live", "--once", "--user", "alice"]);
    assert_eq!(lines(&unknown)[2], "任務不明，不知道 alice 是否佔用 GPU");
    let _ = unknown.exits(3);
    let _ = world
        .run(&["live", "--node", "nowhere"])
        .exits(2)
        .stderr_has("設定中沒有節點「nowhere」");
    for every in ["0s", "2h", "x"] {
        let _ = world
            .run(&["live", "--every", every])
            .exits(2)
            .stderr_has("不是 1s 到 1h 的時間長度");
    }
    world.write("daily-gpu-log.toml", "nodes = 7");
    let _ = world.run(&["live", "--once"]).exits(10);
}

#[test]
fn a_run_that_holds_the_data_directory_is_no_hindrance() {
    let slow = node("colab-gpu4").latency(Duration::from_millis(700));
    let world = Lab::new().node(slow).start();
    let mut run = world.command(&["-q"]).spawn().expect("the program starts");
    crate::support::wait_for_request(&world, "colab-gpu4");
    let _ = world.run(&["live", "--once"]).exits(0);
    run.wait().expect("its status");
}
