//! The program in English: whatever it says is, and what it writes is as ever.

use pretty_assertions::assert_eq;

use crate::manual::commands;
use crate::simulated_cluster::{Fault, Metric, SimulatedNode, SimulatedTask};
use crate::support::{DATE, HOUR, Lab, MIDNIGHT, Outcome, World};
use crate::texts::is_chinese;

const ENGLISH: [(&str, &str); 1] = [("DAILY_GPU_LOG_LANG", "en")];

/// A day on which much goes wrong.
fn troubled() -> World {
    let gap = MIDNIGHT + 3 * HOUR;
    let task = |id: &str, user: &str, gpu: u32| {
        SimulatedTask::new(id, user, "gpu-a").gpu(gpu, &format!("APU-{gpu:016x}"))
    };
    Lab::new()
        .ledger("busy_percent = 5\nidle_percent = 1")
        .node(
            SimulatedNode::new("gpu-a")
                .gap(9, gap, gap + HOUR)
                .without_vram_chart(17)
                .without_card(25)
                .raw_reading(Metric::GpuUtilization, 33, MIDNIGHT + HOUR, "250"),
        )
        .node(SimulatedNode::new("gpu-b").fault(Fault::Refuse))
        .task(task("t1", "alice", 1))
        .task(task("t2", "bob", 1))
        .task(task("t3", "carol", 99))
        .raw_task("t4", serde_json::json!({"hostname": "gpu-a", "gpus": 7}))
        .start()
}

#[track_caller]
fn is_english(outcome: &Outcome) {
    for text in [&outcome.stdout, &outcome.stderr] {
        let stray: Vec<_> = text.lines().filter(|line| is_chinese(line)).collect();
        assert_eq!(stray, Vec::<&str>::new());
    }
}

#[test]
fn every_command_speaks_english() {
    let world = troubled();
    for arguments in [
        &[DATE, "--dry-run"][..],
        &["check"],
        &[DATE],
        &[DATE, "--json"],
        &[DATE, "-vv", "--skip-task-info"],
        &["status", "--days", "366"],
        &["users", DATE],
        &["users", DATE, "--to", "2025-08-03", "--user", "nobody"],
        &["users", DATE, "--by", "project"],
        &["users", DATE, "--rows"],
        &["users", DATE, "--xlsx", "users.xlsx"],
        &["users", "--month", "2025-08"],
        &["status", "--month", "2025-08"],
        &["report", DATE],
        &["report", DATE, "-o", "-"],
        &["live", "--once"],
        &["archive", "--dry-run"],
        &["archive"],
        &["alerts", DATE],
        &["alerts", DATE, "--send"],
        &["config", "show"],
        &["config", "init"],
        &["inventory", "--script", "--name", "n"],
        &["man"],
        &["help"],
        &["completions", "zsh"],
        &["2025-02-30"],
        &["--to", "2025-08-01", "--catch-up", "x"],
        &["2099-01-01"],
        &["sttaus"],
        &["--node", "nowhere"],
    ] {
        let outcome = world.run_with(arguments, &ENGLISH);
        is_english(&outcome);
        let said = outcome.stdout + &outcome.stderr;
        assert!(!said.is_empty(), "{arguments:?}");
    }
    for name in ["reports", "gpu-a"] {
        assert!(world.path("data").join(name).exists(), "{name}");
    }
}

#[test]
fn the_help_of_every_command_is_english_and_fits_a_terminal() {
    let world = Lab::new().start();
    for command in commands() {
        let outcome = world.run(&[&command[..], &["--help", "--lang", "en"]].concat());
        is_english(&outcome);
        for line in outcome.stdout.lines() {
            assert!(line.chars().count() <= 80, "{command:?}: {line}");
        }
    }
}

#[test]
fn the_files_are_the_same_whatever_the_language() {
    let files = |variables: &[(&str, &str)]| {
        let world = troubled();
        let _ = world.run_with(&[DATE], variables).exits(3);
        let outcome = world.run_with(&["--user-report", DATE], variables);
        let mut files = Vec::new();
        for place in [&format!("data/gpu-a/{DATE}"), "data/reports"] {
            for entry in std::fs::read_dir(world.path(place)).expect("a directory") {
                let path = entry.expect("an entry").path();
                let name = path.file_name().expect("a name").to_owned();
                files.push((name, std::fs::read_to_string(&path).expect("a text")));
            }
        }
        files.sort();
        (files, outcome.stdout)
    };
    assert_eq!(files(&[]), files(&ENGLISH));
}

#[test]
fn the_language_is_the_option_s_then_the_variable_s_then_the_settings() {
    let world = Lab::new().settings("language = \"en\"").start();
    let says = |arguments: &[&str], variables: &[(&str, &str)]| {
        let outcome = world.run_with(arguments, variables).exits(2);
        if is_chinese(&outcome.stderr) {
            "zh-TW"
        } else {
            "en"
        }
    };
    let chinese = [("DAILY_GPU_LOG_LANG", "zh-TW")];
    let cron = [("LANG", "zh_TW.UTF-8"), ("LC_ALL", "zh_TW.UTF-8")];
    assert_eq!(says(&["--nonsense"], &[]), "en");
    assert_eq!(says(&["--nonsense"], &cron), "en");
    assert_eq!(says(&["--nonsense"], &chinese), "zh-TW");
    assert_eq!(says(&["--nonsense", "--lang", "en"], &chinese), "en");
    assert_eq!(
        says(&["status", "--lang=zh-TW", "--nonsense"], &[]),
        "zh-TW"
    );
    assert_eq!(says(&["--lang", "fr"], &[]), "en");
    world.edit_settings("language = \"en\"\n", "");
    assert_eq!(says(&["--nonsense"], &[]), "zh-TW");
    assert_eq!(says(&["--nonsense"], &ENGLISH), "en");
    let _ = world
        .run(&["--lang", "fr"])
        .exits(2)
        .stderr_has("「fr」不是 zh-TW 或 en");
    let _ = world
        .run_with(&["status"], &[("DAILY_GPU_LOG_LANG", "fr")])
        .exits(10)
        .stderr_has("DAILY_GPU_LOG_LANG");
}
