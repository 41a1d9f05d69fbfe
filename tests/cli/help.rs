//! What the program says of itself: its help, its version, its completions and its manual page.

use pretty_assertions::assert_eq;

use crate::support::{Lab, Outcome};

const README: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"));

/// Said without settings, token or cluster.
#[track_caller]
fn said(arguments: &[&str]) -> Outcome {
    let world = Lab::new().token(None).start();
    world.write("daily-gpu-log.toml", "this is no settings file");
    world.run(arguments).exits(0).stderr_is("").writes_nothing()
}

/// The long options, as the help lists them.
fn options() -> Vec<String> {
    let help = said(&["--help"]).stdout;
    let list = help
        .split("選項:\n")
        .nth(1)
        .and_then(|rest| rest.split("\n\n").next())
        .expect("the list of options");
    let names: Vec<_> = list
        .lines()
        .filter_map(|line| line.split_once("--"))
        .map(|(_, rest)| {
            let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '-');
            rest[..end.unwrap_or(rest.len())].to_owned()
        })
        .collect();
    assert!(names.len() >= 13, "{names:?}");
    names
}

#[test]
fn the_help_is_the_one_in_the_readme() {
    let block = README
        .split("<!-- help:begin -->\n```text\n")
        .nth(1)
        .and_then(|rest| rest.split("```\n<!-- help:end -->").next())
        .expect("the help stands in README.md");
    for flag in ["--help", "-h"] {
        assert_eq!(said(&[flag]).stdout, block);
    }
}

#[test]
fn the_help_fits_a_terminal() {
    for line in said(&["--help"]).stdout.lines() {
        let columns: usize = line.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
        assert!(columns <= 100, "{columns}: {line}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let version = concat!("daily-gpu-log ", env!("CARGO_PKG_VERSION"), "\n");
    for flag in ["--version", "-V"] {
        assert_eq!(said(&[flag]).stdout, version);
    }
}

#[test]
fn completions_name_every_option() {
    let options = options();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = said(&["completions", shell]).stdout;
        for option in &options {
            // Fish writes long options without their dashes.
            let dashed = if shell == "fish" {
                format!("-l {option}")
            } else {
                format!("--{option}")
            };
            assert!(script.contains(&dashed), "{shell}: {dashed}");
        }
        for command in ["daily-gpu-log", "completions", "man"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
}

#[test]
fn the_manual_page_names_every_option() {
    let page = said(&["man"]).stdout;
    assert!(page.contains("\n.TH daily-gpu-log 1 "), "{page}");
    let page = page.replace("\\-", "-");
    for option in options() {
        assert!(page.contains(&format!("\\fB--{option}\\fR")), "--{option}");
    }
}

#[test]
fn subcommands_have_a_help_of_their_own() {
    let man = said(&["man", "--help"]).stdout;
    assert!(
        man.starts_with("輸出 man 手冊頁\n\n用法: daily-gpu-log man\n"),
        "{man}"
    );
    let completions = said(&["completions", "--help"]).stdout;
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(completions.contains(shell), "{completions}");
    }
}

#[test]
fn the_help_is_in_the_language_of_the_user_throughout() {
    for arguments in [
        &["--help"][..],
        &["man", "--help"],
        &["completions", "--help"],
        &["check", "--help"],
        &["status", "--help"],
        &["users", "--help"],
        &["config", "--help"],
        &["config", "show", "--help"],
        &["config", "init", "--help"],
    ] {
        let help = said(arguments).stdout;
        for english in ["Usage", "Options:", "Arguments:", "Commands:", "Print "] {
            assert!(!help.contains(english), "{english}: {help}");
        }
    }
}
