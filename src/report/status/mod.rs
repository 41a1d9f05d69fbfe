//! How the last days went, by the records of their runs.

mod stopped;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Serialize, Serializer};

use crate::analysis::average::Coverage;
use crate::analysis::record::{DayRecord, FilesRecord, NodeRecord, NoticeRecord};
use crate::model::cluster::Node;
use crate::model::day::Window;
use crate::model::exit_status::ExitStatus;
use crate::model::units::UnixSeconds;

pub use stopped::StoppedNode;

/// What there is of a day to be judged.
#[derive(Debug)]
pub struct Evidence {
    /// The day, as far as it has passed by now.
    pub window: Window,
    /// The record of its runs, if there is one.
    pub record: Option<DayRecord>,
    /// Whether there are files of it, whoever wrote them.
    pub has_files: bool,
    /// The nodes that the report of its users has.
    pub in_users_report: BTreeSet<String>,
    /// The files that the record knows of and that are gone, by node.
    pub lost: BTreeMap<String, Vec<String>>,
}

/// How the last days went.
#[derive(Debug, Serialize)]
pub struct StatusReport {
    version: &'static str,
    /// The days, oldest first.
    pub days: Vec<DayStatus>,
    /// What stopped and has not come back.
    pub stopped: Vec<StoppedNode>,
    /// Complete, or incomplete if any day is not complete or anything has stopped.
    pub exit_status: ExitStatus,
}

/// How a day went.
#[derive(Debug, Serialize)]
pub struct DayStatus {
    /// The day.
    pub date: NaiveDate,
    /// In a word.
    pub verdict: Verdict,
    /// How many nodes have files.
    pub nodes_written: usize,
    /// How many there are.
    pub nodes: usize,
    /// The readings of all their GPUs.
    #[serde(flatten)]
    pub coverage: Coverage,
    /// Whether it is known who used the GPUs.
    pub task_information: Option<TaskState>,
    /// What is missing, and why.
    pub reasons: Vec<String>,
    /// When the last run of the day began.
    pub last_run: Option<UnixSeconds>,
    /// How that ended.
    pub last_exit_status: Option<u8>,
}

/// A day in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing is missing.
    Complete,
    /// Nothing is missing so far, of a day that still runs.
    Running,
    /// Something is missing.
    Incomplete,
    /// It was not collected.
    Missing,
}

/// Whether it is known who used the GPUs of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaskState {
    /// By an answer of after the day's end, or of a day that still runs.
    Known,
    /// Nobody wanted to know.
    NotAsked,
    /// By an answer that later tasks are not in.
    Early,
    /// No.
    Unknown,
}

impl Serialize for TaskState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Known => "known",
            Self::NotAsked => "not_asked",
            Self::Early => "early",
            Self::Unknown => "unavailable",
        })
    }
}

impl StatusReport {
    /// Judges the days, which are in order, by what there is of each of `nodes`.
    pub fn of(days: &[Evidence], nodes: &[&Node]) -> Self {
        let stopped = stopped::find(days, nodes);
        let days: Vec<_> = days.iter().map(|day| judge(day, nodes)).collect();
        let is_well = |day: &DayStatus| matches!(day.verdict, Verdict::Complete | Verdict::Running);
        let exit_status = if days.iter().all(is_well) && stopped.is_empty() {
            ExitStatus::Complete
        } else {
            ExitStatus::Incomplete
        };
        Self {
            version: env!("CARGO_PKG_VERSION"),
            days,
            stopped,
            exit_status,
        }
    }
}

/// The day of one node, as far as it is known.
struct NodeState<'a> {
    files: Option<&'a FilesRecord>,
    /// The readings that its files should have by now.
    due: usize,
    reasons: Vec<String>,
}

fn judge(day: &Evidence, nodes: &[&Node]) -> DayStatus {
    let of_this_day = |record: &&DayRecord| record.is_of(&day.window);
    let record = day.record.as_ref().filter(of_this_day);
    let states: Vec<_> = nodes
        .iter()
        .map(|node| node_state(node, day, record))
        .collect();
    let found = |state: &NodeState| state.files.map_or(0, |files| files.coverage.found);
    let tasks = states
        .iter()
        .filter_map(|state| task_state(state.files?, &day.window).into());
    let tasks = tasks.max();
    let mut reasons = Vec::new();
    if record.is_none() {
        reasons.push(without_record(day).to_owned());
    } else {
        reasons.extend(states.iter().flat_map(|state| state.reasons.clone()));
        reasons.extend(tasks.and_then(task_reason).map(str::to_owned));
        reasons.extend(unreported(day, nodes, &states));
    }
    let verdict = if record.is_none() {
        Verdict::Missing
    } else if !reasons.is_empty() {
        Verdict::Incomplete
    } else if day.window.is_over() {
        Verdict::Complete
    } else {
        Verdict::Running
    };
    DayStatus {
        date: day.window.date,
        verdict,
        nodes_written: states.iter().filter(|state| state.files.is_some()).count(),
        nodes: nodes.len(),
        coverage: Coverage {
            found: states.iter().map(found).sum(),
            due: states.iter().map(|state| state.due).sum(),
        },
        task_information: tasks,
        reasons,
        last_run: record.map(|record| record.last_run.started_at),
        last_exit_status: record.map(|record| record.last_run.exit_status),
    }
}

/// What the report of the users lacks, of the nodes whose users are known.
fn unreported(day: &Evidence, nodes: &[&Node], states: &[NodeState]) -> Vec<String> {
    let is_known = |state: &NodeState| {
        let files = state.files;
        files.is_some_and(|files| task_state(files, &day.window) == TaskState::Known)
    };
    let known = nodes
        .iter()
        .zip(states)
        .filter(|(_, state)| is_known(state));
    let (reported, lacking): (Vec<_>, Vec<_>) =
        known.partition(|(node, _)| day.in_users_report.contains(&node.name));
    if reported.is_empty() && !lacking.is_empty() {
        return vec!["沒有使用者報告".to_owned()];
    }
    let lacking = lacking.into_iter();
    lacking
        .map(|(node, _)| format!("{}：沒有使用者報告", node.name))
        .collect()
}

fn without_record(day: &Evidence) -> &'static str {
    match (&day.record, day.has_files) {
        (Some(_), _) => "執行紀錄屬於不同的時區或 interval",
        (None, true) => "沒有執行紀錄，但有檔案（由舊程式寫入，或紀錄已被刪除）",
        (None, false) => "沒有執行紀錄",
    }
}

fn node_state<'a>(node: &Node, day: &Evidence, record: Option<&'a DayRecord>) -> NodeState<'a> {
    let window = &day.window;
    let known = record.and_then(|record| record.node(&node.name));
    let files = known.and_then(|known| known.files.as_ref());
    // What of a running day was due is what had passed at its last collection.
    let intervals = match files {
        Some(files) if !window.is_over() => {
            (files.until - window.start) / window.interval.seconds()
        }
        _ => (window.until - window.start) / window.interval.seconds(),
    };
    let gpus = files.map_or(node.cards.len(), |files| files.gpus.len());
    let due = usize::try_from(intervals).unwrap_or(0) * gpus;
    let mut reasons = reasons(node, window, known, due);
    if let Some(lost) = day.lost.get(&node.name) {
        reasons.push(format!("{}：檔案 {} 不見了", node.name, lost.join("、")));
    }
    NodeState {
        files,
        due,
        reasons,
    }
}

fn reasons(node: &Node, window: &Window, known: Option<&NodeRecord>, due: usize) -> Vec<String> {
    let Some(known) = known else {
        return vec![format!("{}：沒有收集", node.name)];
    };
    let name = &node.name;
    let lack = match &known.files {
        // Whatever went wrong in the last run, files that it left whole are whole.
        Some(files) if files.coverage.found >= due => return Vec::new(),
        Some(files) => {
            let no_more = if known.had_no_more(node, window) {
                "，Netdata 沒有更多"
            } else {
                ""
            };
            format!("{name}：讀數 {}/{due}{no_more}", files.coverage.found)
        }
        None => format!("{name}：沒有檔案"),
    };
    let is_error = |notice: &&NoticeRecord| notice.severity == "error";
    let errors = known.notices.iter().filter(is_error);
    let errors = errors.map(|notice| notice.message.clone());
    [lack].into_iter().chain(errors).collect()
}

fn task_state(files: &FilesRecord, window: &Window) -> TaskState {
    match files.tasks_as_of {
        Some(as_of) if as_of >= window.end || !window.is_over() => TaskState::Known,
        Some(_) => TaskState::Early,
        None if files.task_information == "not_asked" => TaskState::NotAsked,
        None => TaskState::Unknown,
    }
}

fn task_reason(state: TaskState) -> Option<&'static str> {
    match state {
        TaskState::Known | TaskState::NotAsked => None,
        TaskState::Early => Some("任務資訊取得時當日尚未結束"),
        TaskState::Unknown => Some("沒有任務資訊"),
    }
}
