//! What a run of the program left: its status, its output, and its files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use pretty_assertions::assert_eq;
use serde_json::Value;

use super::lab::World;

/// The end of a run. Its assertions show the whole of it when they fail.
pub(crate) struct Outcome {
    arguments: Vec<String>,
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    directory: PathBuf,
    world: Option<World>,
}

impl Outcome {
    pub(super) fn new(arguments: &[&str], output: &Output, directory: &Path) -> Self {
        Self {
            arguments: arguments.iter().map(ToString::to_string).collect(),
            status: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            directory: directory.to_owned(),
            world: None,
        }
    }

    /// Keeps the directory and the cluster for as long as the outcome is looked at.
    pub(super) fn keeping(self, world: World) -> Self {
        Self {
            world: Some(world),
            ..self
        }
    }

    /// The world that it was run in.
    #[track_caller]
    pub(crate) fn world(&self) -> &World {
        self.world
            .as_ref()
            .expect("the outcome of Lab::run keeps its world")
    }

    #[track_caller]
    pub(crate) fn exits(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{}", self.described());
        self
    }

    #[track_caller]
    pub(crate) fn stdout_is(self, text: &str) -> Self {
        assert_eq!(self.stdout, text, "{}", self.described());
        self
    }

    #[track_caller]
    pub(crate) fn stdout_has(self, part: &str) -> Self {
        assert!(
            self.stdout.contains(part),
            "no {part:?} in stdout of {}",
            self.described()
        );
        self
    }

    #[track_caller]
    pub(crate) fn stdout_lacks(self, part: &str) -> Self {
        assert!(
            !self.stdout.contains(part),
            "{part:?} in stdout of {}",
            self.described()
        );
        self
    }

    #[track_caller]
    pub(crate) fn stderr_is(self, text: &str) -> Self {
        assert_eq!(self.stderr, text, "{}", self.described());
        self
    }

    #[track_caller]
    pub(crate) fn stderr_has(self, part: &str) -> Self {
        assert!(
            self.stderr.contains(part),
            "no {part:?} in stderr of {}",
            self.described()
        );
        self
    }

    #[track_caller]
    pub(crate) fn stderr_lacks(self, part: &str) -> Self {
        assert!(
            !self.stderr.contains(part),
            "{part:?} in stderr of {}",
            self.described()
        );
        self
    }

    #[track_caller]
    pub(crate) fn writes_nothing(self) -> Self {
        assert!(
            !self.directory.join("data").exists(),
            "{}",
            self.described()
        );
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.described()))
    }

    /// A file below `data/`.
    #[track_caller]
    pub(crate) fn file(&self, relative: &str) -> String {
        let read = fs::read_to_string(self.directory.join("data").join(relative));
        read.unwrap_or_else(|error| panic!("{relative}: {error}: {}", self.described()))
    }

    /// A file of a node's day, by how its name begins: `gpu0`, `average` or `summary`.
    #[track_caller]
    pub(crate) fn of_day(&self, node: &str, date: &str, kind: &str) -> String {
        let extension = if kind == "summary" { "txt" } else { "csv" };
        self.file(&format!("{node}/{date}/{kind}_{date}.{extension}"))
    }

    /// The paths of all files of nodes below `data/`, in order: not the reports, and not the program's own state.
    pub(crate) fn tree(&self) -> Vec<String> {
        let root = self.directory.join("data");
        let mut files = Vec::new();
        collect(&root, &root, &mut files);
        files.retain(|path| !path.starts_with(".daily-gpu-log/") && !path.starts_with("reports/"));
        files.sort();
        files
    }

    /// The sections of a node's summary that stand between the means and the closing rule.
    #[track_caller]
    pub(crate) fn extra_sections(&self, node: &str, date: &str) -> String {
        let summary = self.of_day(node, date, "summary");
        let (_, end) = summary
            .split_once("整體平均 VRAM 使用率: ")
            .expect("the node's mean");
        let (_, sections) = end.split_once('\n').expect("the end of a line");
        let rule = format!("{}\n", "=".repeat(32));
        let sections = sections.strip_suffix(&rule).expect("the closing rule");
        sections.to_owned()
    }

    /// The accounts of a day's users, `users_<date>.csv`.
    #[track_caller]
    pub(crate) fn accounts(&self, date: &str) -> String {
        self.file(&format!("reports/users_{date}.csv"))
    }

    /// The user column of a node's average CSV, by GPU index.
    #[track_caller]
    pub(crate) fn users(&self, node: &str, date: &str) -> Vec<String> {
        let csv = self.of_day(node, date, "average");
        let column = csv
            .lines()
            .filter(|line| line.starts_with("GPU["))
            .map(|line| {
                line.splitn(4, ',')
                    .nth(3)
                    .expect("a user column")
                    .to_owned()
            });
        column.collect()
    }

    fn described(&self) -> String {
        format!(
            "daily-gpu-log {}\nstatus: {:?}\nstdout:\n{}\nstderr:\n{}\ntree: {:#?}",
            self.arguments.join(" "),
            self.status,
            self.stdout,
            self.stderr,
            self.tree()
        )
    }
}

fn collect(directory: &Path, root: &Path, files: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, root, files);
        } else {
            let relative = path.strip_prefix(root).expect("below the root");
            files.push(relative.display().to_string());
        }
    }
}
