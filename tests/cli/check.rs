//! `check`: whether a collection would succeed, told before the night, without writing anything.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::simulated_cluster::{Fault, SimulatedApi, SimulatedNode, SimulatedTask};
use crate::support::{DATE, Lab, TOKEN, World};

const WELL: &str = "\
正常：設定檔 daily-gpu-log.toml：2 個節點、9 張 GPU，一天的時區是 ZONE
正常：資料目錄 data：尚未建立，第一次收集時會建立，可用空間 FREE
正常：Token（取自 Token 檔 PATH）：沒有註明期限
正常：管理 API http://loopback/api/v2/consumption/task：接受 Token，DATE 有 1 個任務，時鐘一致
正常：任務：DATE 的 1 個任務所用的 GPU 都能對應
正常：節點 colab-gpu4（http://loopback）：Netdata v2.8.0-338-nightly（主機 colab-gpu4），時鐘一致，8 張卡都在收集，資料從 2020-01-01 00:00:01 起
正常：節點 b（http://loopback）：Netdata v2.8.0-338-nightly（主機 b），時鐘一致，1 張卡都在收集，資料從 2020-01-01 00:00:01 起
完成：7 項檢查中 0 項錯誤、0 項警告，可以收集
";

/// A cluster without any trouble.
fn two_nodes() -> Lab {
    Lab::colab_gpu4()
        .node(SimulatedNode::new("b").cards(&[3]))
        .task(SimulatedTask::new("t1", "alice", "colab-gpu4").gpu(25, "APU-70cb99ce3e214bda"))
}

/// The standard output of a check, in any zone and directory.
fn said(world: &World, stdout: &str) -> String {
    let text = stdout.replace(&world.path("token").display().to_string(), "PATH");
    let first_sample = |line: &str| match line.split_once("，資料從 ") {
        // It is on the clocks of the zone.
        Some((before, _)) => format!("{before}，資料從 2020-01-01 00:00:01 起\n"),
        None => format!("{line}\n"),
    };
    text.lines().map(first_sample).collect()
}

/// Every path below `data/`, and when each file was written.
fn traces(world: &World) -> Vec<(PathBuf, Option<SystemTime>)> {
    fn add(path: PathBuf, all: &mut Vec<(PathBuf, Option<SystemTime>)>) {
        let metadata = fs::metadata(&path).expect("metadata");
        if metadata.is_dir() {
            for entry in fs::read_dir(&path).expect("a directory") {
                add(entry.expect("an entry").path(), all);
            }
            all.push((path, None));
        } else {
            all.push((path, metadata.modified().ok()));
        }
    }
    let mut all = Vec::new();
    add(world.path("data"), &mut all);
    all.sort();
    all
}

#[test]
fn a_cluster_that_is_well_is_said_to_be_in_a_line_each() {
    let world = two_nodes().start();
    let outcome = world.check(&[]).exits(0).stderr_is("").writes_nothing();
    assert_eq!(said(&world, &outcome.stdout), WELL);
}

#[test]
fn a_check_asks_what_a_collection_asks_and_a_little_more() {
    let world = two_nodes().start();
    let _ = world.check(&[]).exits(0);
    let targets: Vec<_> = world
        .cluster
        .requests("b")
        .into_iter()
        .map(|seen| seen.target)
        .collect();
    assert_eq!(targets.len(), 4, "{targets:#?}");
    assert!(
        targets[0].starts_with("/api/v1/data?context="),
        "{targets:#?}"
    );
    assert_eq!(
        targets[1..],
        [
            "/api/v1/info",
            "/api/v1/context?context=amdgpu.gpu_utilization&options=charts",
            "/api/v1/context?context=amdgpu.gpu_mem_vram_usage_perc&options=charts",
        ]
    );
    assert_eq!(world.cluster.api_requests().len(), 1);
}

#[test]
fn quiet_is_silent_while_all_is_well() {
    let _ = two_nodes()
        .start()
        .check(&["-q"])
        .exits(0)
        .stdout_is("")
        .stderr_is("");
    let troubled = two_nodes()
        .node(SimulatedNode::new("c").fault(Fault::Refuse))
        .start();
    let _ = troubled.check(&["-q"]).exits(3).stderr_is("").stdout_is(
        "錯誤：無法從 http://loopback 獲取數據：無法連線：Connection refused (os error 111)（節點 c）\n\
         完成：8 項檢查中 1 項錯誤、0 項警告，收集的結果會不完整，或會失敗\n",
    );
}

#[test]
fn the_findings_are_told_as_json() {
    let world = two_nodes()
        .node(SimulatedNode::new("c").clock_ahead(125))
        .node(SimulatedNode::new("d").fault(Fault::Refuse))
        .start();
    for arguments in [&["--json"][..], &["--json", "-q"]] {
        let outcome = world.check(arguments).exits(3).stderr_is("");
        let json = outcome.json();
        assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(json["exit_status"], 3);
        let checks = json["checks"].as_array().expect("checks");
        let subjects: Vec<_> = checks
            .iter()
            .map(|check| json!([check["subject"], check["state"], check["node"]]))
            .collect();
        assert_eq!(
            json!(subjects),
            json!([
                ["settings", "ok", null],
                ["data_dir", "ok", null],
                ["token", "ok", null],
                ["management_api", "ok", null],
                ["tasks", "ok", null],
                ["netdata", "ok", "colab-gpu4"],
                ["netdata", "ok", "b"],
                ["netdata", "ok", "c"],
                ["clock", "warning", "c"],
                ["netdata", "error", "d"],
            ])
        );
        assert_eq!(
            checks.last().expect("a check")["message"],
            "無法從 http://loopback 獲取數據：無法連線：Connection refused (os error 111)（節點 d）"
        );
    }
}

#[test]
fn only_the_nodes_that_are_asked_for_are_checked() {
    let world = two_nodes()
        .node(SimulatedNode::new("c").fault(Fault::Refuse))
        .task(SimulatedTask::new("t2", "bob", "elsewhere").gpu(1, "APU-1"))
        .start();
    let outcome = world
        .check(&["--node", "colab-gpu4,b"])
        .exits(0)
        .stderr_is("");
    let expected = WELL.replace("DATE 有 1 個任務", "DATE 有 2 個任務");
    assert_eq!(said(&world, &outcome.stdout), expected);
    let _ = world
        .check(&["--node", "nobody"])
        .exits(2)
        .stdout_is("")
        .stderr_has("錯誤：設定中沒有節點「nobody」");
}

#[test]
fn settings_that_cannot_be_are_a_finding() {
    let world = Lab::new().start();
    world.write("daily-gpu-log.toml", "timezone = \"Mars\"\n");
    let said = "設定檔 daily-gpu-log.toml 有誤：timezone：不認得的時區「Mars」";
    let _ = world
        .run(&["check"])
        .exits(10)
        .stderr_is("")
        .stdout_has(&format!("錯誤：{said}"));
    let json = world.run(&["check", "--json"]).exits(10).json();
    assert_eq!(json["exit_status"], 10);
    assert_eq!(json["checks"][0]["subject"], "settings");
    assert_eq!(json["checks"][0]["state"], "error");
    assert_eq!(json["checks"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_tree_is_left_as_it_is() {
    let world = two_nodes().start();
    let _ = world.run(&[DATE]).exits(0);
    let before = traces(&world);
    let outcome = world.check(&[]).exits(0).stderr_is("");
    let expected = WELL.replace("尚未建立，第一次收集時會建立", "可以寫入");
    assert_eq!(said(&world, &outcome.stdout), expected);
    assert!(before.len() > 20, "{before:#?}");
    assert_eq!(traces(&world), before);
}

#[test]
fn a_check_may_run_beside_a_collection() {
    let world = Lab::new()
        .node(SimulatedNode::new("colab-gpu4").latency(Duration::from_millis(150)))
        .start();
    let mut collection = world
        .command(&[DATE])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    while !world.path("data/.daily-gpu-log/unfinished").exists() {
        assert_eq!(collection.try_wait().expect("its status"), None);
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = world
        .check(&["--node", "colab-gpu4"])
        .exits(0)
        .stderr_is("");
    let collected = collection.wait_with_output().expect("its end");
    assert_eq!(String::from_utf8_lossy(&collected.stderr), "");
    assert!(collected.status.success());
}

#[test]
fn a_data_directory_that_cannot_be_written_is_an_error() {
    for root in ["a file", "a file/data", "/proc/daily-gpu-log", "/proc"] {
        let world = two_nodes().start();
        world.write("a file", "not a directory\n");
        let outcome = world
            .check(&["--data-dir", root])
            .exits(3)
            .stderr_is("")
            .stdout_has("\n錯誤：無法寫入 ")
            .stdout_has("（請確認對資料目錄有寫入權限，且磁碟有空間）\n")
            .writes_nothing();
        let others: Vec<_> = said(&world, &outcome.stdout)
            .lines()
            .filter(|line| !line.contains("無法寫入") && !line.starts_with("完成："))
            .map(str::to_owned)
            .collect();
        let rest: Vec<_> = WELL
            .lines()
            .filter(|line| !line.contains("資料目錄") && !line.starts_with("完成："))
            .collect();
        assert_eq!(others, rest, "the rest is checked all the same");
    }
}

#[test]
fn what_stands_in_the_place_of_a_nodes_directory_is_an_error() {
    let world = two_nodes().start();
    world.write("data/b", "a file\n");
    let _ = world
        .check(&[])
        .exits(3)
        .stdout_has("錯誤：無法寫入 data/b：Not a directory (os error 20)");
}

#[test]
fn the_status_is_that_of_the_worst_finding() {
    let healthy = || SimulatedNode::new("colab-gpu4");
    let api = || SimulatedApi::new(TOKEN);
    for (status, node, api, token) in [
        (0, healthy(), api(), Some(TOKEN)),
        (0, healthy().clock_ahead(90), api(), Some(TOKEN)),
        (3, healthy().fault(Fault::Refuse), api(), Some(TOKEN)),
        (3, healthy(), api().fault(Fault::Refuse), Some(TOKEN)),
        (10, healthy(), api(), None),
        (10, healthy().fault(Fault::Refuse), api(), Some("another")),
    ] {
        let world = Lab::new().node(node).api(api).token(token).start();
        let outcome = world.check(&["--json"]).exits(status);
        assert_eq!(outcome.json()["exit_status"], status);
    }
}

#[test]
fn what_the_program_does_is_logged_on_demand() {
    let world = two_nodes().start();
    let outcome = world.check(&["-vv"]).exits(0).stderr_has("debug: answered");
    assert_eq!(said(&world, &outcome.stdout), WELL);
}
