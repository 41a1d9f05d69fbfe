//! The manual: that it has everything, that its links lead somewhere, and how it is printed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use pretty_assertions::assert_eq;

use crate::support::{Lab, Outcome};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const LANGUAGES: [&str; 2] = ["zh-TW", "en"];

/// Said without settings, token or cluster.
#[track_caller]
pub fn said(arguments: &[&str]) -> Outcome {
    let world = Lab::new().token(None).start();
    world.write("daily-gpu-log.toml", "this is no settings file");
    world.run(arguments).exits(0).stderr_is("").writes_nothing()
}

/// The words that lead to each command: none to the program itself.
pub fn commands() -> Vec<Vec<&'static str>> {
    let mut commands: Vec<_> = [
        "status",
        "users",
        "alerts",
        "report",
        "live",
        "export",
        "archive",
        "check",
        "config",
        "inventory",
        "completions",
        "man",
        "help",
    ]
    .map(|name| vec![name])
    .into();
    let list = listed("help", "命令");
    assert_eq!(
        commands.concat(),
        list.iter().map(String::as_str).collect::<Vec<_>>()
    );
    commands.extend([vec![], vec!["config", "show"], vec!["config", "init"]]);
    commands.extend(["sqlite", "postgres", "parquet"].map(|engine| vec!["export", engine]));
    commands
}

/// The long options of a command, as its help lists them.
pub fn options(command: &[&str]) -> Vec<String> {
    let help = said(&[command, &["--help"]].concat()).stdout;
    let options = help.lines().filter_map(|line| {
        let spec = line.trim_start();
        let is_option = line.starts_with(' ') && spec.starts_with('-');
        let (_, long) = spec.split_once("--").filter(|_| is_option)?;
        let end = long.find(|c: char| !c.is_ascii_lowercase() && c != '-');
        Some(long[..end.unwrap_or(long.len())].to_owned())
    });
    let options: Vec<_> = options.collect();
    assert!(options.len() >= 9, "{options:?}");
    options
}

/// The names in a section of the list that `help` prints.
fn listed(command: &str, section: &str) -> Vec<String> {
    let list = said(&[command]).stdout;
    let lines = list.lines().skip_while(|line| !line.starts_with(section));
    let lines = lines.skip(1).take_while(|line| line.starts_with("  "));
    let names = lines.filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

fn topics() -> Vec<String> {
    listed("help", "主題")
}

fn topic(name: &str, language: &str) -> String {
    let path = format!("{ROOT}/src/manual/{name}.{language}.md");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn manual(language: &str) -> String {
    let topics = topics();
    topics.iter().map(|name| topic(name, language)).collect()
}

/// Whether a text has a word, and not only a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part)
    })
}

#[test]
fn every_topic_is_listed_in_both_languages() {
    let files = fs::read_dir(format!("{ROOT}/src/manual")).expect("the manual");
    let names = files.map(|file| file.expect("a file").file_name());
    let there: BTreeSet<_> = names
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    let topics = topics();
    let expected = topics
        .iter()
        .flat_map(|name| LANGUAGES.map(|language| format!("{name}.{language}.md")));
    assert_eq!(there, expected.collect());
}

#[test]
fn every_option_of_every_command_stands_in_the_manual() {
    let manuals = LANGUAGES.map(|language| (language, manual(language)));
    for command in commands() {
        for option in options(&command) {
            for (language, manual) in &manuals {
                let is_there = has_word(manual, &format!("--{option}"));
                assert!(is_there, "{language}: {command:?} --{option}");
            }
        }
    }
}

#[test]
fn every_key_of_the_settings_stands_in_the_manual() {
    let template = said(&["config", "init"]).stdout;
    let keys: BTreeSet<_> = template
        .lines()
        .filter_map(|line| {
            let (key, _) = line.trim_start_matches(['#', ' ']).split_once(" = ")?;
            let is_key = key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            is_key.then_some(key)
        })
        .collect();
    assert!(keys.len() > 30, "{keys:?}");
    for language in LANGUAGES {
        let settings = topic("settings", language);
        for key in &keys {
            assert!(has_word(&settings, key), "{language}: {key}");
        }
    }
}

#[test]
fn every_exit_status_stands_in_the_manual() {
    for language in LANGUAGES {
        let text = topic("exit-status", language);
        for status in [0, 1, 2, 3, 10, 11, 130] {
            assert!(
                text.contains(&format!("- **{status}** ")),
                "{language}: {status}"
            );
        }
    }
}

/// The targets of the links of a Markdown file, without those in code.
fn links(markdown: &str) -> Vec<&str> {
    let mut is_code = false;
    let mut links = Vec::new();
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            let targets = line.split("](").skip(1);
            links.extend(targets.filter_map(|rest| rest.split(')').next()));
        }
    }
    links
}

/// The anchors of a Markdown file's headings, as the code's host makes them.
fn anchors(markdown: &str) -> BTreeSet<String> {
    let headings = markdown.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        title.replace(' ', "-").chars().filter(kept).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn no_link_is_dead() {
    let manual = fs::read_dir(format!("{ROOT}/src/manual")).expect("the manual");
    let mut files: Vec<_> = manual.map(|file| file.expect("a file").path()).collect();
    files.push(Path::new(ROOT).join("README.md"));
    for file in files {
        let text = fs::read_to_string(&file).expect("a text");
        for link in links(&text) {
            if link.starts_with("http") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => file.clone(),
                path => file.parent().expect("a directory").join(path),
            };
            assert!(target.exists(), "{}: {link}", file.display());
            if !anchor.is_empty() {
                let target = fs::read_to_string(&target).expect("a text");
                assert!(
                    anchors(&target).contains(anchor),
                    "{}: {link}",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn a_topic_is_printed_as_it_stands() {
    assert_eq!(said(&["help", "files"]).stdout, topic("files", "zh-TW"));
    let english = said(&["help", "--lang", "en", "exit-status"]).stdout;
    assert_eq!(english, topic("exit-status", "en"));
}

#[test]
fn a_command_is_printed_with_its_help_and_the_topic_of_its_name() {
    let help = |command: &[&str]| said(&[command, &["--help"]].concat()).stdout;
    assert_eq!(
        said(&["help", "config", "show"]).stdout,
        help(&["config", "show"])
    );
    let both = format!("{}\n{}", help(&["users"]), topic("users", "zh-TW"));
    assert_eq!(said(&["help", "users"]).stdout, both);
}

#[test]
fn what_help_has_not_is_refused_with_the_nearest() {
    for (words, nearest) in [
        (&["setings"][..], "，最接近的是 settings"),
        (&["stauts"], "，最接近的是 status"),
        (&["exit"], "，最接近的是 exit-status"),
        (&[""], ""),
        (&["config", "shwo"], ""),
        (&["xyz"], ""),
    ] {
        let line = format!(
            "錯誤：沒有子命令或主題「{}」{nearest}（全部列在 daily-gpu-log help）\n",
            words.join(" ")
        );
        let outcome = Lab::new().run(&[&["help"], words].concat());
        let _ = outcome.exits(2).stdout_is("").stderr_is(&line);
    }
}

#[test]
fn man_writes_a_page_for_the_program_each_subcommand_and_each_topic() {
    let world = Lab::new().token(None).start();
    let topics = topics();
    for language in LANGUAGES {
        world
            .run(&["man", "--dir", "pages/man", "--lang", language])
            .exits(0);
        for command in commands() {
            let name = [&["daily-gpu-log"], &command[..]].concat().join("-");
            let page = world.read(&format!("pages/man/{name}.1"));
            assert!(page.contains(&format!("\n.TH {name} 1 ")), "{page}");
            assert!(page.contains("\n.nh\n.ad l\n"), "{page}");
            assert!(!page.contains("\n.SH EXTRA\n"), "{page}");
            for topic in &topics {
                let topic = topic.replace('-', "\\-");
                let topic = format!("\ndaily\\-gpu\\-log\\-{topic}(7)");
                assert!(page.contains(&topic), "{topic}: {page}");
            }
        }
        for topic in &topics {
            let page = world.read(&format!("pages/man/daily-gpu-log-{topic}.7"));
            assert!(page.contains("\n.SH NAME\n"), "{page}");
            assert!(!page.contains("```") && !page.contains("]("), "{page}");
            assert!(!page.contains("\\-(7)"), "{page}");
        }
    }
    let _ = world
        .run(&["man", "--dir", "daily-gpu-log.toml"])
        .exits(1)
        .stderr_has(
            "錯誤：無法將手冊頁寫到 daily-gpu-log.toml：它不是目錄（請以 --dir 指定有寫入權限的目錄）\n",
        );
}
