//! Whether a collection would succeed: findings about the settings, the data directory, the token, the management API
//! and every node, each with what to do. Nothing is asked here.

mod api;
mod copies;
mod directory;
mod node;
mod notify;
mod parent;
#[cfg(test)]
mod tests;
mod token;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{ExitStatus, Node, counted, said, text};
use crate::settings::{Config, ConfigError};

pub use api::{api, api_panicked, tasks};
pub use copies::copies;
pub use directory::{archive_dir, directory};
pub use node::node;
pub use notify::notify;
pub use parent::{lost, namesakes_problem};
pub use token::{time_left, token};

/// By how many seconds two clocks may differ without a warning. Of an interval of ten minutes that is a tenth.
pub const CLOCK_TOLERANCE_SECONDS: i64 = 60;

#[derive(Debug, Serialize)]
pub struct Report {
    /// What was found, in the order of [`Subject`], and of the settings within it.
    pub checks: Vec<Check>,
    pub exit_status: ExitStatus,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub subject: Subject,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    pub state: State,
    pub message: String,
    /// Whether a collection would be incomplete for it, or fail.
    #[serde(skip)]
    takes_away: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    Settings,
    DataDir,
    Token,
    Notify,
    Copies,
    ManagementApi,
    /// The tasks that the API names, and where they run.
    Tasks,
    Netdata,
    Clock,
    Cards,
    Retention,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Ok,
    Warning,
    /// A collection would fail, or lack something, or somebody would not be notified of it.
    Error,
}

impl Check {
    fn new(state: State, subject: Subject, message: impl Into<String>) -> Self {
        Self {
            subject,
            node: None,
            state,
            message: message.into(),
            takes_away: state == State::Error,
        }
    }

    fn ok(subject: Subject, message: impl Into<String>) -> Self {
        Self::new(State::Ok, subject, message)
    }

    fn warning(subject: Subject, message: impl Into<String>) -> Self {
        Self::new(State::Warning, subject, message)
    }

    fn error(subject: Subject, message: impl Into<String>) -> Self {
        Self::new(State::Error, subject, message)
    }

    fn of(self, node: &Node) -> Self {
        Self {
            node: Some(node.name.clone()),
            ..self
        }
    }

    /// Whether no collection can begin, or nobody would be notified of it.
    fn is_configuration(&self) -> bool {
        use Subject::{Notify, Settings, Token};
        self.state == State::Error && matches!(self.subject, Settings | Token | Notify)
    }
}

impl Report {
    pub fn new(checks: Vec<Check>) -> Self {
        let exit_status = if checks.iter().any(Check::is_configuration) {
            ExitStatus::Configuration
        } else if checks.iter().any(|check| check.takes_away) {
            ExitStatus::Incomplete
        } else {
            ExitStatus::Complete
        };
        Self {
            checks,
            exit_status,
        }
    }

    /// A line of each finding, or of each that is not well, and one of what they mean.
    pub fn lines(&self, only_problems: bool) -> String {
        let is_listed = |check: &&Check| !only_problems || check.state != State::Ok;
        let line = |check: &Check| {
            let state = match check.state {
                State::Ok => text("正常：", "ok: "),
                State::Warning => text("警告：", "warning: "),
                State::Error => text("錯誤：", "error: "),
            };
            format!("{state}{}\n", check.message)
        };
        let mut lines: String = self.checks.iter().filter(is_listed).map(line).collect();
        if !lines.is_empty() {
            lines += &self.result_line();
        }
        lines
    }

    fn result_line(&self) -> String {
        let of_state = |state| self.checks.iter().filter(move |check| check.state == state);
        let count = |state| of_state(state).count();
        let (errors, warnings) = (count(State::Error), count(State::Warning));
        let meaning = match self.exit_status {
            ExitStatus::Complete if warnings == 0 => text("可以收集", "ready to collect"),
            ExitStatus::Complete => text(
                "可以收集，但請查看警告",
                "ready to collect, but look at the warnings",
            ),
            ExitStatus::Incomplete => text(
                "收集的結果會不完整，或會失敗",
                "a collection would be incomplete or fail",
            ),
            _ => text(
                "請先修正設定或憑證",
                "correct the settings or credentials first",
            ),
        };
        said!(
            "完成：{checks}中 {errors}、{warnings}，{meaning}\n",
            "Done: {checks}, {errors}, {warnings}: {meaning}\n",
            checks = counted(self.checks.len(), "項檢查", "check", "checks"),
            errors = counted(errors, "項錯誤", "error", "errors"),
            warnings = counted(warnings, "項警告", "warning", "warnings")
        )
    }
}

pub fn settings(config: &Config, nodes: &[&Node]) -> Check {
    let source = match &config.source {
        Some(path) => said!(
            "設定檔 {path}",
            "settings file {path}",
            path = path.display()
        ),
        None => text(
            "沒有設定檔，使用內建設定",
            "no settings file, built-in settings",
        )
        .to_owned(),
    };
    let source = match config.shard {
        Some(shard) => said!("{source}（分片 {shard}）", "{source} (shard {shard})"),
        None => source,
    };
    let gpus = nodes.iter().map(|node| node.cards.len()).sum();
    let message = said!(
        "{source}：{nodes}、{gpus}，一天的時區是 {zone}",
        "{source}: {nodes}, {gpus}, the day's time zone is {zone}",
        nodes = counted(nodes.len(), "個節點", "node", "nodes"),
        gpus = counted(gpus, "張 GPU", "GPU", "GPUs"),
        zone = config.zone
    );
    Check::ok(Subject::Settings, message)
}

pub fn unusable_settings(error: &ConfigError) -> Check {
    Check::error(Subject::Settings, error.to_string())
}

pub fn panicked(node: &Node) -> Check {
    let message = said!(
        "檢查節點 {name} 時程式發生內部錯誤，請回報",
        "internal error while checking node {name}, report this bug",
        name = node.name
    );
    Check::error(Subject::Netdata, message).of(node)
}

/// Nodes that are one agent under several names, by the `ids` of their agents as far as these are known: each would be
/// given the same readings.
pub fn same_agents(nodes: &[&Node], ids: &[Option<String>]) -> Vec<Check> {
    let mut known: BTreeMap<&str, &Node> = BTreeMap::new();
    let mut checks = Vec::new();
    for (&node, id) in nodes.iter().zip(ids) {
        let Some(id) = id else { continue };
        if let Some(first) = known.insert(id, node) {
            let message = said!(
                "節點 {first} 與 {second} 是同一個 Netdata（uid 相同）：請檢查兩者的 url",
                "nodes {first} and {second} are the same Netdata (same uid): check the url of both",
                first = first.name,
                second = node.name
            );
            checks.push(Check::warning(Subject::Netdata, message).of(node));
        }
    }
    checks
}

/// What is to be known of a clock that is `ahead` of the machine's: a fact, or by how many seconds it is off.
fn clock(ahead: Option<i64>) -> Result<String, i64> {
    match ahead {
        None => Ok(text(
            "時鐘未知（回應沒有 Date）",
            "clock unknown (no Date in the answer)",
        )
        .to_owned()),
        Some(0) => Ok(text("時鐘一致", "clock agrees").to_owned()),
        Some(seconds) if is_clock_off(seconds) => Err(seconds),
        Some(seconds) => Ok(said!(
            "時鐘{difference}",
            "clock {difference}",
            difference = clock_difference(seconds)
        )),
    }
}

pub fn is_clock_off(ahead: i64) -> bool {
    ahead.abs() > CLOCK_TOLERANCE_SECONDS
}

/// What is wrong with a node's clock, after the node's name.
pub fn clock_problem(ahead: i64) -> String {
    said!(
        "的時鐘比本機{difference}：讀數的時間也會差這麼多，請檢查該節點與本機的時間同步",
        "its clock is {difference}: the times of its readings are off by as much; \
         check the time synchronisation of both",
        difference = clock_difference(ahead)
    )
}

/// What is wrong with readings of which two charts hold a part each, after the node's name.
pub fn renamed_problem(count: usize, example: &str) -> String {
    said!(
        "有 {readings}剛好遇到圖表因 GPU 的產品名稱改變而換新，新舊圖表各只有一部分，已視為缺漏（例如 {example}）",
        "{readings} split between two charts because the GPU's product name changed; counted as missing (e.g. {example})",
        readings = counted(count, "筆讀數", "reading", "readings")
    )
}

/// By how much a clock differs from the machine's, in words that follow it.
fn clock_difference(ahead: i64) -> String {
    let seconds = ahead.abs();
    if ahead > 0 {
        said!("快 {seconds} 秒", "{seconds} s ahead of this machine's")
    } else {
        said!("慢 {seconds} 秒", "{seconds} s behind this machine's")
    }
}
