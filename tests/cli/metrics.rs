//! `--metrics-file`: what node_exporter is told of a run, however it ended.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use chrono::Utc;
use pretty_assertions::assert_eq;

use crate::simulated_cluster::{Fault, SimulatedNode, SimulatedTask};
use crate::support::{DATE, HOUR, Lab, MIDNIGHT, World, wait_for_request};

const FILE: &str = "daily-gpu-log.prom";
const LINE: [&str; 3] = ["--metrics-file", FILE, DATE];

/// A node of two cards: one always read the same, one was read only after the day's first quarter.
fn node() -> SimulatedNode {
    SimulatedNode::new("gpu-a")
        .cards(&[1, 9])
        .constant(1, 50.0, 12.5)
        .constant(9, 25.0, 100.0)
        .gap(9, MIDNIGHT, MIDNIGHT + 6 * HOUR)
}

fn lab() -> Lab {
    Lab::new()
        .node(node())
        .task(SimulatedTask::new("t1", "alice", "gpu-a").gpu(1, "APU-1"))
}

/// The value of a sample, if it is there.
fn value(world: &World, sample: &str) -> Option<String> {
    let text = world.read(FILE);
    let sample = format!("daily_gpu_log_{sample} ");
    let mut values = text.lines().filter_map(|line| line.strip_prefix(&sample));
    let value = values.next().map(str::to_owned);
    assert_eq!(values.next(), None, "{sample} twice in {text}");
    value
}

#[track_caller]
fn is_now(value: &str) {
    let age = Utc::now().timestamp() - value.parse::<i64>().expect("seconds");
    assert!((0..60).contains(&age), "{age}");
}

/// The document, with words for the times, which are checked.
#[track_caller]
fn without_times(world: &World) -> String {
    let mut text = world.read(FILE);
    for (name, word) in [
        ("last_run_timestamp_seconds", "NOW"),
        ("last_success_timestamp_seconds", "SUCCESS"),
        ("last_run_duration_seconds", "DURATION"),
    ] {
        let Some(value) = value(world, name) else {
            continue;
        };
        if word == "DURATION" {
            let seconds: f64 = value.parse().expect("seconds");
            assert!((0.0..60.0).contains(&seconds), "{value}");
        } else {
            is_now(&value);
        }
        let sample = |value: &str| format!("\ndaily_gpu_log_{name} {value}\n");
        text = text.replace(&sample(&value), &sample(word));
    }
    text
}

/// What is in a collector's directory after runs, beside the file of another program.
const LEFT: [&str; 3] = [".daily-gpu-log.lock", "other.prom", "run.prom"];

#[test]
fn a_run_is_told_in_numbers_without_its_users() {
    let world = lab()
        .node(SimulatedNode::new("down").fault(Fault::Refuse))
        .node(
            SimulatedNode::new("vram-less")
                .cards(&[1])
                .constant(1, 75.0, 0.0)
                .vram_gap(1, MIDNIGHT - HOUR, MIDNIGHT + 25 * HOUR),
        )
        .start();
    world.edit_settings("name = \"vram-less\"", "name = '王 \"x\"'");
    world.run(&LINE).exits(3);
    let expected = format!(
        r#"# HELP daily_gpu_log_build_info Version of the program; the value is always 1
# TYPE daily_gpu_log_build_info gauge
daily_gpu_log_build_info{{version="{version}"}} 1
# HELP daily_gpu_log_last_run_timestamp_seconds When the last run ended
# TYPE daily_gpu_log_last_run_timestamp_seconds gauge
# UNIT daily_gpu_log_last_run_timestamp_seconds seconds
daily_gpu_log_last_run_timestamp_seconds NOW
# HELP daily_gpu_log_last_run_duration_seconds How long the last run took
# TYPE daily_gpu_log_last_run_duration_seconds gauge
# UNIT daily_gpu_log_last_run_duration_seconds seconds
daily_gpu_log_last_run_duration_seconds DURATION
# HELP daily_gpu_log_last_run_exit_status Exit status of the last run
# TYPE daily_gpu_log_last_run_exit_status gauge
daily_gpu_log_last_run_exit_status 3
# HELP daily_gpu_log_day_start_timestamp_seconds When the last day that the last run collected begins
# TYPE daily_gpu_log_day_start_timestamp_seconds gauge
# UNIT daily_gpu_log_day_start_timestamp_seconds seconds
daily_gpu_log_day_start_timestamp_seconds {MIDNIGHT}
# HELP daily_gpu_log_node_written Whether the node's files of the day are new: 1 yes, 0 no
# TYPE daily_gpu_log_node_written gauge
daily_gpu_log_node_written{{node="gpu-a"}} 1
daily_gpu_log_node_written{{node="down"}} 0
daily_gpu_log_node_written{{node="王 \"x\""}} 1
# HELP daily_gpu_log_node_readings The day's readings of all GPUs of the node
# TYPE daily_gpu_log_node_readings gauge
daily_gpu_log_node_readings{{node="gpu-a"}} 252
daily_gpu_log_node_readings{{node="down"}} 0
daily_gpu_log_node_readings{{node="王 \"x\""}} 0
# HELP daily_gpu_log_node_readings_due The day's readings due of all GPUs of the node
# TYPE daily_gpu_log_node_readings_due gauge
daily_gpu_log_node_readings_due{{node="gpu-a"}} 288
daily_gpu_log_node_readings_due{{node="down"}} 1152
daily_gpu_log_node_readings_due{{node="王 \"x\""}} 144
# HELP daily_gpu_log_node_coverage_ratio The day's readings of all GPUs of the node, by those due
# TYPE daily_gpu_log_node_coverage_ratio gauge
# UNIT daily_gpu_log_node_coverage_ratio ratio
daily_gpu_log_node_coverage_ratio{{node="gpu-a"}} 0.875
daily_gpu_log_node_coverage_ratio{{node="down"}} 0
daily_gpu_log_node_coverage_ratio{{node="王 \"x\""}} 0
# HELP daily_gpu_log_node_gpu_utilization_mean_ratio The day's mean GPU utilisation of all GPUs of the node; 1 is 100%
# TYPE daily_gpu_log_node_gpu_utilization_mean_ratio gauge
# UNIT daily_gpu_log_node_gpu_utilization_mean_ratio ratio
daily_gpu_log_node_gpu_utilization_mean_ratio{{node="gpu-a"}} 0.375
daily_gpu_log_node_gpu_utilization_mean_ratio{{node="王 \"x\""}} 0.75
# HELP daily_gpu_log_node_vram_usage_mean_ratio The day's mean VRAM utilisation of all GPUs of the node; 1 is 100%
# TYPE daily_gpu_log_node_vram_usage_mean_ratio gauge
# UNIT daily_gpu_log_node_vram_usage_mean_ratio ratio
daily_gpu_log_node_vram_usage_mean_ratio{{node="gpu-a"}} 0.5625
# HELP daily_gpu_log_gpu_readings The day's readings of the GPU
# TYPE daily_gpu_log_gpu_readings gauge
daily_gpu_log_gpu_readings{{node="gpu-a",gpu="0",card="1"}} 144
daily_gpu_log_gpu_readings{{node="gpu-a",gpu="1",card="9"}} 108
daily_gpu_log_gpu_readings{{node="王 \"x\"",gpu="0",card="1"}} 0
# HELP daily_gpu_log_gpu_readings_due The day's readings due of the GPU
# TYPE daily_gpu_log_gpu_readings_due gauge
daily_gpu_log_gpu_readings_due{{node="gpu-a",gpu="0",card="1"}} 144
daily_gpu_log_gpu_readings_due{{node="gpu-a",gpu="1",card="9"}} 144
daily_gpu_log_gpu_readings_due{{node="王 \"x\"",gpu="0",card="1"}} 144
# HELP daily_gpu_log_gpu_coverage_ratio The day's readings of the GPU, by those due
# TYPE daily_gpu_log_gpu_coverage_ratio gauge
# UNIT daily_gpu_log_gpu_coverage_ratio ratio
daily_gpu_log_gpu_coverage_ratio{{node="gpu-a",gpu="0",card="1"}} 1
daily_gpu_log_gpu_coverage_ratio{{node="gpu-a",gpu="1",card="9"}} 0.75
daily_gpu_log_gpu_coverage_ratio{{node="王 \"x\"",gpu="0",card="1"}} 0
# HELP daily_gpu_log_gpu_utilization_mean_ratio The day's mean GPU utilisation of the GPU; 1 is 100%
# TYPE daily_gpu_log_gpu_utilization_mean_ratio gauge
# UNIT daily_gpu_log_gpu_utilization_mean_ratio ratio
daily_gpu_log_gpu_utilization_mean_ratio{{node="gpu-a",gpu="0",card="1"}} 0.5
daily_gpu_log_gpu_utilization_mean_ratio{{node="gpu-a",gpu="1",card="9"}} 0.25
daily_gpu_log_gpu_utilization_mean_ratio{{node="王 \"x\"",gpu="0",card="1"}} 0.75
# HELP daily_gpu_log_gpu_vram_usage_mean_ratio The day's mean VRAM utilisation of the GPU; 1 is 100%
# TYPE daily_gpu_log_gpu_vram_usage_mean_ratio gauge
# UNIT daily_gpu_log_gpu_vram_usage_mean_ratio ratio
daily_gpu_log_gpu_vram_usage_mean_ratio{{node="gpu-a",gpu="0",card="1"}} 0.125
daily_gpu_log_gpu_vram_usage_mean_ratio{{node="gpu-a",gpu="1",card="9"}} 1
# EOF
"#,
        version = env!("CARGO_PKG_VERSION"),
    );
    assert_eq!(without_times(&world), expected);
}

/// What the file says of a run that is not about its nodes: when it succeeded, how it ended.
fn of_the_run(world: &World) -> (Option<String>, String) {
    is_now(&value(world, "last_run_timestamp_seconds").expect("a time"));
    let status = value(world, "last_run_exit_status").expect("a status");
    (value(world, "last_success_timestamp_seconds"), status)
}

#[test]
fn a_run_that_fails_is_told_beside_the_last_success() {
    let world = lab().start();
    world.run(&LINE).exits(0);
    let (success, status) = of_the_run(&world);
    assert_eq!(status, "0");
    is_now(success.as_deref().expect("a time"));
    assert_eq!(
        value(&world, "node_written{node=\"gpu-a\"}").as_deref(),
        Some("1")
    );
    for (status, arguments) in [
        (2, &["--node", "x"][..]),
        (2, &["--to", "2025-07-01"]),
        (1, &["--data-dir", "token/data"]),
        (10, &["--config", "missing.toml"]),
    ] {
        world.run(&[&LINE, arguments].concat()).exits(status);
        let expected = (success.clone(), status.to_string());
        assert_eq!(of_the_run(&world), expected, "{arguments:?}");
        let text = world.read(FILE);
        assert!(
            !text.contains("daily_gpu_log_node"),
            "{arguments:?}: {text}"
        );
        assert!(!text.contains("daily_gpu_log_day"), "{arguments:?}: {text}");
    }
    world.set_mode("token", 0o644);
    world.run(&LINE).exits(10);
    assert_eq!(of_the_run(&world), (success.clone(), "10".to_owned()));
    world.edit_settings("[[nodes]]", "[[knots]]");
    world.run(&LINE).exits(10);
    assert_eq!(of_the_run(&world), (success, "10".to_owned()));
}

#[test]
fn a_run_that_is_told_to_stop_is_told_beside_the_last_success() {
    let world = lab().start();
    world.run(&LINE).exits(0);
    let (success, _) = of_the_run(&world);
    let slow = SimulatedNode::new("slow").fault(Fault::HangBeforeHeaders);
    let world = Lab::new().node(slow).start_after(world);
    let mut run = world.command(&LINE).spawn().expect("it starts");
    wait_for_request(&world, "slow");
    let kill = std::process::Command::new("sh")
        .args(["-c", &format!("kill -TERM {}", run.id())])
        .status();
    assert!(kill.expect("a shell").success());
    assert_eq!(run.wait().expect("its status").code(), Some(130));
    assert_eq!(of_the_run(&world), (success, "130".to_owned()));
    assert!(!world.read(FILE).contains("daily_gpu_log_node"));
}

#[test]
fn a_cluster_that_is_down_was_never_a_success() {
    let world = Lab::new()
        .node(SimulatedNode::new("down").fault(Fault::Refuse))
        .start();
    world.run(&LINE).exits(1);
    assert_eq!(of_the_run(&world), (None, "1".to_owned()));
    let written = value(&world, "node_written{node=\"down\"}");
    assert_eq!(written.as_deref(), Some("0"));
    let coverage = value(&world, "node_coverage_ratio{node=\"down\"}");
    assert_eq!(coverage.as_deref(), Some("0"));
    assert!(!world.read(FILE).contains("_mean_ratio"));
}

#[test]
fn a_run_that_meets_another_says_so_until_that_one_ends() {
    let slow = SimulatedNode::new("slow").latency(Duration::from_millis(800));
    let world = Lab::new().node(slow).start();
    let mut holder = world.command(&LINE);
    let mut holder = holder.stdout(Stdio::null()).spawn().expect("it starts");
    wait_for_request(&world, "slow");
    world.run(&LINE).exits(11);
    assert_eq!(of_the_run(&world), (None, "11".to_owned()));
    assert!(holder.wait().expect("its status").success());
    let (success, status) = of_the_run(&world);
    assert_eq!((success.is_some(), &*status), (true, "0"));
}

#[test]
fn of_a_range_the_figures_are_those_of_the_last_day_that_was_collected() {
    let world = lab().start();
    let range = ["--to", "2025-08-02"];
    for json in [&[][..], &["--json"]] {
        world.run(&[&LINE[..], &range, json].concat()).exits(0);
        let start = value(&world, "day_start_timestamp_seconds");
        assert_eq!(start, Some((MIDNIGHT + 24 * HOUR).to_string()));
        let coverage = value(&world, "node_coverage_ratio{node=\"gpu-a\"}");
        assert_eq!(coverage.as_deref(), Some("1"));
    }
}

#[test]
fn of_a_range_whose_last_day_cannot_begin_the_figures_are_those_of_the_day_before() {
    let slow = node().latency(Duration::from_millis(500));
    let world = Lab::new().node(slow).start();
    let mut range = world.command(&[&LINE[..], &["--to", "2025-08-02"]].concat());
    range.stdout(Stdio::null()).stderr(Stdio::null());
    let mut range = range.spawn().expect("it starts");
    wait_for_request(&world, "gpu-a");
    // A directory where the second day's note would be.
    let note = world.path("data/.daily-gpu-log/unfinished");
    fs::remove_file(&note).expect("the first day's note");
    fs::create_dir(&note).expect("a directory");
    assert_eq!(range.wait().expect("its status").code(), Some(3));
    let start = value(&world, "day_start_timestamp_seconds");
    assert_eq!(start, Some(MIDNIGHT.to_string()));
    let coverage = value(&world, "node_coverage_ratio{node=\"gpu-a\"}");
    assert_eq!(coverage.as_deref(), Some("0.875"));
}

#[test]
fn node_exporter_may_read_it_whatever_the_umask() {
    let world = lab().start();
    let _ = world
        .run_in_shell("umask 0077; exec \"$@\"", &LINE)
        .exits(0);
    let mode = fs::metadata(world.path(FILE))
        .expect("the file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o644);
}

#[test]
fn a_file_that_cannot_be_written_makes_the_run_incomplete_and_costs_no_figure() {
    let outcome = lab()
        .run(&["--metrics-file", "missing/run.prom", DATE])
        .exits(3)
        .stdout_has("gpu-a：讀數 252/288")
        .stderr_is(
            "錯誤：無法寫入 missing/run.prom：No such file or directory (os error 2)\
             （請確認該目錄存在且可寫入，或修改 --metrics-file）\n",
        );
    assert_eq!(outcome.tree().len(), 4);
    let _ = lab()
        .run(&["--metrics-file", "missing/run.prom", "--node", "x", DATE])
        .exits(2)
        .stderr_has("missing/run.prom")
        .stderr_has("設定中沒有節點「x」");
}

#[test]
fn a_file_of_somebody_else_stays_as_it_is() {
    let world = lab().start();
    let settings = world.read("daily-gpu-log.toml");
    world
        .run(&["--metrics-file", "daily-gpu-log.toml", DATE])
        .exits(3)
        .stderr_has("無法寫入 daily-gpu-log.toml：這個檔案不是本程式寫的，未覆寫");
    assert_eq!(world.read("daily-gpu-log.toml"), settings);
    world
        .run(&["--metrics-file", "data", DATE])
        .exits(3)
        .stderr_has("無法寫入 data：Is a directory");
}

#[test]
fn what_is_no_file_is_neither_waited_for_nor_replaced() {
    let world = lab().start();
    for make in ["mkfifo pipe.prom", "ln -s /dev/null null.prom"] {
        let name = make.rsplit(' ').next().expect("a name");
        let script = format!("{make}; exec timeout 20 \"$@\"");
        let _ = world
            .run_in_shell(&script, &["--metrics-file", name, DATE])
            .exits(3)
            .stdout_has("gpu-a：讀數 252/288")
            .stderr_has(&format!("無法寫入 {name}：這個檔案不是本程式寫的，未覆寫"));
        let kind = fs::metadata(world.path(name)).expect("it is there");
        assert!(!kind.is_file(), "{make}");
    }
}

/// The names in a directory.
fn names(world: &World, directory: &str) -> Vec<String> {
    let entries = fs::read_dir(world.path(directory)).expect("a directory");
    let name = |entry: Result<fs::DirEntry, _>| entry.expect("an entry").file_name();
    let mut names: Vec<_> = entries
        .map(|entry| name(entry).to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn what_a_killed_run_left_of_it_goes() {
    let world = lab().start();
    let file = "collector/run.prom";
    world.write("collector/.daily-gpu-log.run.prom.tmp", "half a docum");
    world.write("collector/other.prom", "");
    world.run(&["--metrics-file", file, DATE]).exits(0);
    assert_eq!(names(&world, "collector"), LEFT);
    assert!(world.read(file).ends_with("\n# EOF\n"));
}

#[test]
fn runs_that_end_together_leave_one_whole_file_and_no_success_is_lost() {
    let world = lab().start();
    world.write("collector/other.prom", "");
    let run = |number: usize| {
        let data_dir = format!("data{number}");
        // Every second run fails.
        let node = if number.is_multiple_of(2) {
            "gpu-a"
        } else {
            "x"
        };
        let line = [
            "--metrics-file",
            "collector/run.prom",
            "--data-dir",
            &data_dir,
            "--node",
            node,
            DATE,
        ];
        let mut command = world.command(&line);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("it starts")
    };
    let runs: Vec<_> = (0..8).map(run).collect();
    for (number, mut run) in runs.into_iter().enumerate() {
        let status = if number.is_multiple_of(2) { 0 } else { 2 };
        assert_eq!(run.wait().expect("its status").code(), Some(status));
    }
    assert_eq!(names(&world, "collector"), LEFT);
    let text = world.read("collector/run.prom");
    assert!(
        text.starts_with("# HELP ") && text.ends_with("\n# EOF\n"),
        "{text}"
    );
    assert_eq!(text.matches("# EOF").count(), 1);
    assert!(
        text.contains("\ndaily_gpu_log_last_success_timestamp_seconds "),
        "{text}"
    );
}

#[test]
fn a_dry_run_is_not_told_of() {
    let world = lab().start();
    world.run(&[&LINE[..], &["--dry-run"]].concat()).exits(0);
    world
        .run(&[&LINE[..], &["--dry-run", "--node", "x"]].concat())
        .exits(2);
    assert!(!world.path(FILE).exists());
}

#[test]
fn a_report_of_tasks_is_no_run_to_be_told_of() {
    let world = lab().start();
    world
        .run(&[&LINE[..], &["--user-report"]].concat())
        .exits(2)
        .stderr_has("--metrics-file");
    assert!(!world.path(FILE).exists());
}
