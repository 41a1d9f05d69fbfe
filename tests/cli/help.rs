//! What the program says of itself: its help, its version, its completions and its manual page.

use pretty_assertions::assert_eq;
use unicode_width::UnicodeWidthStr;

use crate::manual::{commands, options, said};

#[test]
fn the_help_is_the_golden_one() {
    let golden = include_str!("../../fixtures/golden/help.txt");
    for flag in ["--help", "-h"] {
        assert_eq!(said(&[flag]).stdout, golden);
    }
}

#[test]
fn the_help_of_every_command_fits_a_terminal() {
    for command in commands() {
        for line in said(&[&command[..], &["--help"]].concat()).stdout.lines() {
            assert!(line.width() <= 80, "{command:?}: {}: {line}", line.width());
        }
    }
    for language in ["zh-TW", "en"] {
        for line in said(&["help", "--lang", language]).stdout.lines() {
            assert!(line.width() <= 80, "{}: {line}", line.width());
        }
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
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = said(&["completions", shell]).stdout;
        for option in commands().iter().flat_map(|command| options(command)) {
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
    for option in options(&[]) {
        assert!(page.contains(&format!("\\fB--{option}\\fR")), "--{option}");
    }
}

#[test]
fn subcommands_have_a_help_of_their_own() {
    let man = said(&["man", "--help"]).stdout;
    assert!(
        man.starts_with("輸出 man 手冊頁\n\n用法: daily-gpu-log man [選項]\n"),
        "{man}"
    );
    let completions = said(&["completions", "--help"]).stdout;
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(completions.contains(shell), "{completions}");
    }
}

#[test]
fn the_help_is_in_the_language_of_the_user_throughout() {
    for command in commands() {
        let help = said(&[&command[..], &["--help"]].concat()).stdout;
        for english in ["Usage", "Options:", "Arguments:", "Commands:", "Print "] {
            assert!(!help.contains(english), "{english}: {help}");
        }
    }
}
