//! How much is said: nothing from cron unless something is wrong, more on demand, and nothing that only a terminal can show.

use std::io;
use std::process::Stdio;

use pretty_assertions::assert_eq;

use crate::simulated_cluster::{Fault, SimulatedApi, SimulatedNode, SimulatedTask};
use crate::support::{DATE, HOUR, Lab, MIDNIGHT, Outcome, TOKEN};

fn healthy() -> Lab {
    Lab::colab_gpu4()
        .task(SimulatedTask::new("t1", "alice", "colab-gpu4").gpu(1, "APU-70cb99ce3e214bda"))
}

/// A cluster with something of every kind to say.
fn troubled() -> Lab {
    let painted = Fault::status(400, "\u{1b}[31mred\u{1b}[0m\r\u{7}\u{9b}1m");
    Lab::new()
        .node(SimulatedNode::new("gone").fault(Fault::Refuse))
        .node(SimulatedNode::new("painted").fault(painted))
        .node(SimulatedNode::new("gappy").gap(1, MIDNIGHT, MIDNIGHT + 25 * HOUR))
        .task(SimulatedTask::new("t1", "alice", "gappy").gpu(99, "APU-1"))
}

#[test]
fn a_complete_day_is_passed_over_in_silence() {
    for flag in ["-q", "--quiet"] {
        let outcome = healthy()
            .run(&[DATE, flag])
            .exits(0)
            .stdout_is("")
            .stderr_is("");
        assert_eq!(outcome.tree().len(), 10);
    }
}

#[test]
fn gaps_of_a_node_that_was_down_for_an_hour_do_not_wake_anybody() {
    let node = SimulatedNode::new("n").down(MIDNIGHT + HOUR, MIDNIGHT + 2 * HOUR);
    let _ = Lab::new()
        .node(node)
        .run(&[DATE, "-q"])
        .exits(0)
        .stdout_is("")
        .stderr_is("");
}

#[test]
fn of_another_day_only_the_problems_are_told() {
    let world = troubled().start();
    let quiet = world.run(&[DATE, "-q"]).exits(3).stdout_is("");
    let usual = world.run(&[DATE]).exits(3).stdout_has("gappy：讀數 ");
    assert_eq!(quiet.stderr, usual.stderr);
    let lines: Vec<_> = quiet.stderr.lines().collect();
    assert_eq!(lines.len(), 5, "{lines:#?}");
    assert!(
        lines
            .iter()
            .all(|line| line.starts_with("錯誤：") || line.starts_with("警告：")),
        "{lines:#?}"
    );
}

#[test]
fn a_run_that_fails_says_so_even_in_silence() {
    let _ = Lab::colab_gpu4()
        .run(&["2025-02-30", "-q"])
        .exits(2)
        .stderr_has("錯誤：");
    let _ = Lab::colab_gpu4()
        .token(None)
        .run(&[DATE, "-q"])
        .exits(10)
        .stderr_has("錯誤：");
}

#[test]
fn a_report_that_was_asked_for_is_printed_even_in_silence() {
    let _ = healthy()
        .run(&[DATE, "-q", "--user-report"])
        .exits(0)
        .stdout_has("alice");
    let report = healthy().run(&[DATE, "-q", "--json"]).exits(0).json();
    assert_eq!(report["exit_status"], 0);
}

#[track_caller]
fn has_only_lines_of_text(outcome: &Outcome) {
    for text in [&outcome.stdout, &outcome.stderr] {
        let odd = text.chars().find(|&c| c.is_control() && c != '\n');
        assert_eq!(odd, None, "{text:?}");
    }
}

#[test]
fn without_a_terminal_there_is_neither_bar_nor_colour() {
    let world = troubled().start();
    for arguments in [
        &[DATE][..],
        &[DATE, "-v"],
        &[DATE, "-vv", "--json"],
        &[DATE, "--user-report"],
        &["--help"],
        &["man"],
        &["--nonsense"],
    ] {
        let variables = [("TERM", "xterm-256color"), ("COLORTERM", "truecolor")];
        has_only_lines_of_text(&world.run_with(arguments, &variables));
    }
}

#[test]
fn a_bar_is_not_drawn_into_a_file_while_a_node_takes_its_time() {
    let slow = SimulatedNode::new("slow").latency(std::time::Duration::from_millis(500));
    let outcome = Lab::new().node(slow).run(&[DATE]).exits(0).stderr_is("");
    has_only_lines_of_text(&outcome);
}

#[test]
fn what_the_program_does_is_told_in_english() {
    let api = SimulatedApi::new(TOKEN);
    let world = Lab::new()
        .node(SimulatedNode::new("n"))
        .node(SimulatedNode::new("old").without_context_queries())
        .api(api)
        .start();
    let usual = world.run(&[DATE]).exits(0).stderr_is("");
    let verbose = world
        .run(&[DATE, "-v"])
        .exits(0)
        .stdout_is(&usual.stdout)
        .stderr_has("info: settings loaded settings=daily-gpu-log.toml\n")
        .stderr_has("info: asking chart by chart node=\"old\"")
        .stderr_lacks("debug: ");
    let debug = world
        .run(&[DATE, "-vv"])
        .exits(0)
        .stdout_is(&usual.stdout)
        .stderr_has("info: settings loaded settings=daily-gpu-log.toml\n")
        .stderr_has(&format!("debug: answered url={}", world.cluster.url("n")))
        .stderr_has(&format!("debug: answered url={}", world.cluster.api_url()));
    for line in verbose.stderr.lines().chain(debug.stderr.lines()) {
        // A server's own words follow `error=`, and a time is printed in µs.
        let told = line.split(" error=").next().unwrap_or_default();
        assert!(told.replace('µ', "").is_ascii(), "{line}");
    }
}

#[test]
fn nobody_who_reads_on_is_no_failure() {
    let world = healthy().start();
    for arguments in [
        &[DATE][..],
        &[DATE, "--json"],
        &[DATE, "--user-report"],
        &["--help"],
        &["--version"],
        &["man"],
        &["completions", "bash"],
    ] {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let output = world
            .command(arguments)
            .stdout(writer)
            .output()
            .expect("the program starts");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}

#[test]
fn nobody_who_listens_to_problems_costs_no_file() {
    let world = troubled().start();
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    let status = world
        .command(&[DATE, "-v"])
        .stdout(Stdio::null())
        .stderr(writer)
        .status()
        .expect("the program starts");
    assert_eq!(status.code(), Some(3));
    assert!(
        world
            .path("data/gappy/2025-08-01/summary_2025-08-01.txt")
            .exists()
    );
}
