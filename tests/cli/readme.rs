//! The README is a front door: short, whole in each language, and what it shows works.

use pretty_assertions::assert_eq;

use crate::support::Lab;

const README: &str = include_str!("../../README.md");

/// The most lines of one language.
const MOST_LINES: usize = 320;

/// The Chinese half and the English half.
fn halves() -> [&'static str; 2] {
    let (chinese, english) = README.split_once("\n# English\n").expect("two languages");
    [chinese, english]
}

fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let begin = format!("\n```{language}\n");
    let rest = text.split(&begin).skip(1);
    rest.map(|rest| rest.split("\n```").next().expect("the end of a block"))
        .collect()
}

#[test]
fn each_language_is_short() {
    for half in halves() {
        let lines = half.lines().count();
        assert!(lines <= MOST_LINES, "{lines} lines");
    }
}

#[test]
fn each_language_leads_to_the_scripts_of_the_night_and_copies_none() {
    for half in halves() {
        for file in ["service", "timer", "crontab"] {
            let link = format!("](scripts/daily-gpu-log.{file})");
            assert!(half.contains(&link), "no link to {file}");
        }
        for line in ["ExecStart=", "OnCalendar=*", "[Service]"] {
            assert!(!half.contains(line), "a copy of {line}");
        }
    }
}

#[test]
fn the_settings_that_it_shows_are_settings() {
    for half in halves() {
        let shown = blocks(half, "toml");
        assert_eq!(shown.len(), 1);
        let world = Lab::new().start();
        world.write("shown.toml", shown[0]);
        let path = world.path("shown.toml");
        let path = path.to_str().expect("a path of text");
        world
            .run(&["config", "show", "--config", path])
            .exits(0)
            .stdout_has("first_gpu_id = 25");
    }
}

#[test]
fn each_language_shows_the_commands_that_set_a_machine_up() {
    for (half, language) in halves().into_iter().zip(["", " -- --lang en"]) {
        let commands = format!("cargo run --example simulated-cluster{language}\ncargo test");
        assert!(blocks(half, "bash").contains(&&*commands));
    }
}
