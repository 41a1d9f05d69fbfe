//! The log: text or JSON lines on stderr, and a file that keeps the trace of a quiet run.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};

use chrono::DateTime;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::simulated_cluster::{Fault, SimulatedNode, SimulatedReceiver, SimulatedTask};
use crate::support::{DATE, Lab, message, texts, wait_for_request};

const FILE: &str = "run.log";

/// A node that works, and a task that uses it.
fn healthy() -> Lab {
    Lab::new()
        .node(SimulatedNode::new("n").cards(&[1]))
        .task(SimulatedTask::new("t1", "alice", "n").gpu(1, "APU-1"))
}

/// A node without readings of its card, one that is gone, and a task that cannot be placed.
fn troubled() -> Lab {
    let gappy = SimulatedNode::new("gappy").cards(&[1, 9]).without_card(1);
    Lab::new()
        .node(SimulatedNode::new("gone").fault(Fault::Refuse))
        .node(gappy)
        .task(SimulatedTask::new("t1", "alice", "gappy").gpu(99, "APU-1"))
}

/// The lines without the times, which are checked.
#[track_caller]
fn without_times(text: &str) -> Vec<&str> {
    text.lines()
        .map(|line| {
            let (time, rest) = line.split_once(' ').expect("a time and a space");
            is_a_time(time);
            rest
        })
        .collect()
}

#[track_caller]
fn is_a_time(text: &str) {
    let time = DateTime::parse_from_rfc3339(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    let age = chrono::Utc::now().signed_duration_since(time).num_seconds();
    assert!((0..600).contains(&age) && text.ends_with('Z'), "{text}");
}

/// The objects without what differs from run to run, which is checked.
#[track_caller]
fn objects(text: &str) -> Vec<Value> {
    let object = |line: &str| {
        let value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        let Value::Object(mut object) = value else {
            panic!("no object: {line}")
        };
        is_a_time(object["timestamp"].as_str().expect("a text"));
        object.remove("timestamp");
        for (key, is_right) in [
            ("pid", Value::is_u64 as fn(&Value) -> bool),
            ("duration_seconds", Value::is_f64),
        ] {
            if let Some(value) = object.remove(key) {
                assert!(is_right(&value), "{line}");
            }
        }
        Value::Object(object)
    };
    text.lines().map(object).collect()
}

fn started() -> Value {
    json!({"level": "INFO", "message": "started", "version": env!("CARGO_PKG_VERSION")})
}

fn ended(exit_status: i32) -> Value {
    json!({"level": "INFO", "message": "ended", "exit_status": exit_status})
}

#[test]
fn a_quiet_run_leaves_its_trace_in_the_log_file_alone() {
    let outcome = healthy()
        .run(&["-q", "--log-file", FILE, DATE])
        .exits(0)
        .stdout_is("")
        .stderr_is("");
    let log = outcome.world().read(FILE);
    let lines = without_times(&log);
    let version = env!("CARGO_PKG_VERSION");
    let begins = [
        &format!("info: started version=\"{version}\" pid="),
        "info: settings loaded settings=daily-gpu-log.toml",
        "info: day collected date=2025-08-01 nodes=1 nodes_written=1 readings=144 readings_due=144 exit_status=0",
        "info: ended exit_status=0 duration_seconds=",
    ];
    assert_eq!(lines.len(), begins.len(), "{log}");
    for (line, begin) in lines.iter().zip(begins) {
        assert!(line.starts_with(begin), "{line}");
    }
}

#[test]
fn what_is_said_on_stderr_stands_in_the_log_file_in_the_same_words() {
    let world = troubled().start();
    let outcome = world.run(&["--log-file", FILE, DATE]).exits(3);
    let log = world.read(FILE);
    let mut told = without_times(&log);
    told.retain(|line| !line.starts_with("info: "));
    assert_eq!(told, outcome.stderr.lines().collect::<Vec<_>>());
    assert_eq!(told.len(), 3, "{told:#?}");
}

#[test]
fn as_json_each_problem_names_its_code_day_and_node() {
    let world = troubled().tables("[netdata]\nretries = 0").start();
    let outcome = world
        .run(&["--log-format", "json", "--log-file", FILE, "-q", DATE])
        .exits(3)
        .stdout_is("");
    let url = world.cluster.url("gone");
    let problem = |level: &str, code: &str, node: &str, message: &str| json!({"level": level, "code": code, "date": DATE, "node": node, "message": message});
    let problems = vec![
        problem(
            "ERROR",
            "node_failed",
            "gone",
            &format!(
                "無法從 {url} 獲取數據：無法連線：Connection refused (os error 111)（節點 gone，原有檔案保持不變）"
            ),
        ),
        problem(
            "ERROR",
            "no_readings",
            "gappy",
            "gappy 的 GPU[0]（Card 1）當日沒有任何 GPU、VRAM 讀數：若 GPU 正常，請重新啟動該節點的 Netdata",
        ),
        problem(
            "WARN",
            "unplaced_gpus",
            "gappy",
            "gappy 的任務 GPU id 99 無法對應到該節點的 GPU（任務 t1）：請在該節點的 [[nodes]] 設定 \
             first_gpu_id = 99（GPU[0] 的 id 若不是 99，請改為正確的值），或 gpu_uuids = { \"APU-0000000000000001\" = N }\
             （N 是 GPU 索引，請執行 daily-gpu-log inventory 得知），修正後請重新收集這一天",
        ),
    ];
    assert_eq!(objects(&outcome.stderr), problems);
    let info = |fields: Value| {
        let mut line = fields;
        line["level"] = json!("INFO");
        line
    };
    let mut trace = vec![
        started(),
        info(json!({"message": "settings loaded", "settings": "daily-gpu-log.toml"})),
        info(json!({"message": "asking the coarser tiers for older readings", "node": "gappy"})),
    ];
    trace.extend(problems);
    trace.extend([
        info(json!({
            "message": "day collected", "date": DATE, "nodes": 2, "nodes_written": 1,
            "readings": 144, "readings_due": 288 + 1152, "exit_status": 3,
        })),
        ended(3),
    ]);
    let mut logged = objects(&world.read(FILE));
    // How often a node is tried again, and when, is not what is looked at here.
    logged.retain(|line| line["message"] != "trying again");
    assert_eq!(logged, trace);
}

#[test]
fn the_days_of_a_range_are_told_apart() {
    let world = troubled().start();
    let line = [DATE, "--to", "2025-08-02", "--log-format", "json"];
    let outcome = world.run(&line).exits(3);
    let dates: Vec<_> = objects(&outcome.stderr)
        .into_iter()
        .map(|line| line["date"].as_str().expect("a date").to_owned())
        .collect();
    assert_eq!(dates, [[DATE; 3], ["2025-08-02"; 3]].concat());
}

#[test]
fn the_error_that_ends_the_program_is_an_object_as_well() {
    let json = &["--log-format", "json", "--log-file", FILE];
    for (arguments, status, message) in [
        (&[DATE, "--node", "x"][..], 2, "設定中沒有節點「x」"),
        (&["--nonsense"], 2, "不認得的引數「--nonsense」"),
        (&["2025-02-30"], 2, "日期「2025-02-30」不存在"),
        (&[DATE, "--config", "x"], 10, "無法讀取設定檔 x"),
        (&[DATE, "--data-dir", "daily-gpu-log.toml"], 1, "無法寫入 "),
    ] {
        let world = healthy().start();
        // A line that is wrong is wrong wherever the log is asked for.
        for line in [[json, arguments].concat(), [arguments, json].concat()] {
            let outcome = world.run(&line).exits(status).stdout_is("");
            let told = objects(&outcome.stderr);
            let [error] = &told[..] else {
                panic!("{told:#?}")
            };
            assert_eq!(error["level"], "ERROR");
            let said = error["message"].as_str().expect("a text");
            assert!(said.starts_with(message), "{said}");
            let log = objects(&world.read(FILE));
            assert!(log.contains(error), "{log:#?}");
            assert_eq!(
                (log.first(), log.last()),
                (Some(&started()), Some(&ended(status)))
            );
            fs::remove_file(world.path(FILE)).expect("the log file");
        }
    }
}

#[test]
fn a_log_file_that_cannot_be_opened_makes_the_run_incomplete_and_costs_no_figure() {
    for (path, cause) in [
        ("missing/run.log", "No such file or directory (os error 2)"),
        (".", "Is a directory (os error 21)"),
    ] {
        let chat = SimulatedReceiver::start();
        let outcome = healthy()
            .tables(&format!("[notify]\nwebhook_url = \"{}\"", chat.url()))
            .run(&["--log-file", path, DATE])
            .exits(3)
            .stdout_has("n：讀數 144/144");
        let why = format!(
            "錯誤：無法開啟記錄檔 {path}：{cause}（請確認該目錄存在且可寫入，或修改 --log-file）"
        );
        assert_eq!(outcome.stderr, format!("{why}\n"));
        assert_eq!(outcome.tree().len(), 3);
        let line = "2025-08-01：完整，節點 1/1，讀數 144/144（100.0%）";
        let text = message("不完整（2025-08-01）", &[&why, line], 3);
        assert_eq!(texts(&chat), [text]);
    }
}

#[test]
fn what_collects_nothing_ends_where_its_log_file_cannot_be_opened() {
    for arguments in [&["--user-report"][..], &["--dry-run"]] {
        let line = [&["--log-file", "missing/run.log", DATE], arguments].concat();
        let _ = healthy()
            .run(&line)
            .exits(1)
            .stdout_is("")
            .stderr_has("錯誤：無法開啟記錄檔 missing/run.log：")
            .writes_nothing();
    }
}

#[test]
fn a_log_file_that_takes_no_more_is_told_once_and_costs_nothing_else() {
    let outcome = healthy()
        .run(&["--log-file", "/dev/full", "-q", DATE])
        .exits(0)
        .stderr_is("警告：無法寫入記錄檔 /dev/full：No space left on device (os error 28)\n");
    assert_eq!(outcome.tree().len(), 3);
}

#[test]
fn the_log_file_is_appended_to_and_is_not_for_others() {
    let world = healthy().start();
    world.run(&["--log-file", FILE, DATE]).exits(0);
    let mode = || {
        let metadata = fs::metadata(world.path(FILE)).expect("the log file");
        metadata.permissions().mode() & 0o7777
    };
    assert_eq!(mode() & !0o640, 0, "{:o}", mode());
    let first = world.read(FILE);
    world.set_mode(FILE, 0o600);
    world.run(&["--log-file", FILE, DATE]).exits(0);
    assert_eq!(mode(), 0o600, "what the administrator set stays");
    let both = world.read(FILE);
    assert!(both.starts_with(&first), "{both}");
    assert_eq!(both.lines().count(), 2 * first.lines().count());
}

#[test]
fn runs_that_write_one_log_file_at_once_write_whole_lines() {
    const RUNS: usize = 8;
    let world = troubled().start();
    let run = |number: usize| -> Child {
        let data_dir = format!("data{number}");
        let line = [
            "-vv",
            "--log-format",
            "json",
            "--log-file",
            FILE,
            "--data-dir",
            &data_dir,
            DATE,
        ];
        let mut command = world.command(&line);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("it starts")
    };
    let runs: Vec<_> = (0..RUNS).map(run).collect();
    for mut run in runs {
        assert_eq!(run.wait().expect("its status").code(), Some(3));
    }
    let lines = objects(&world.read(FILE));
    let count = |message: &str| {
        let of = |line: &&Value| line["message"] == message;
        lines.iter().filter(of).count()
    };
    assert_eq!(count("started"), RUNS);
    // Of the API once, and of the node that lacks readings twice.
    assert_eq!(count("answered"), 3 * RUNS);
    assert_eq!(count("ended"), RUNS);
}

#[test]
fn a_run_that_is_told_to_stop_says_so_in_the_log_file() {
    let slow = SimulatedNode::new("slow").fault(Fault::HangBeforeHeaders);
    let world = Lab::new().node(slow).start();
    let line = ["--log-file", FILE, "--log-format", "json", "-q", DATE];
    let mut run = world.command(&line).spawn().expect("it starts");
    wait_for_request(&world, "slow");
    let kill = std::process::Command::new("sh")
        .args(["-c", &format!("kill -TERM {}", run.id())])
        .status();
    assert!(kill.expect("a shell").success());
    assert_eq!(run.wait().expect("its status").code(), Some(130));
    let log = objects(&world.read(FILE));
    assert_eq!(log.last(), Some(&ended(130)), "{log:#?}");
}

#[test]
fn a_line_stays_one_line_whatever_it_names() {
    let world = healthy().start();
    let path = "no\nsuch\u{1b}[31m.toml";
    let line = ["--config", path, "--log-file", FILE, DATE];
    let outcome = world.run(&line).exits(10);
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    let log = world.read(FILE);
    let told = without_times(&log);
    assert_eq!(told.len(), 3, "{told:#?}");
    assert_eq!(format!("{}\n", told[1]), outcome.stderr);
    assert!(!log.contains('\u{1b}'));
}

#[test]
fn nobody_who_listens_to_problems_costs_no_line_of_the_log_file() {
    let world = troubled().start();
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    assert!(writer.write_all(b"x").is_err());
    let status = world
        .command(&[DATE, "-v", "--log-file", FILE])
        .stdout(Stdio::null())
        .stderr(writer)
        .status()
        .expect("the program starts");
    assert_eq!(status.code(), Some(3));
    let log = world.read(FILE);
    let problems = without_times(&log);
    let problems = problems.iter().filter(|line| !line.starts_with("info: "));
    assert_eq!(problems.count(), 3, "{log}");
}
