//! How the last days went, by the records of their runs.

mod stopped;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde::Serialize;

use crate::analysis::{
    Completeness, Coverage, DayRecord, FilesRecord, LastRun, NodeRecord, NoticeRecord, Severity,
    Shortfall, Verdict,
};
use crate::model::{ExitStatus, Node, TaskSource, UnixSeconds, Window, comma, said, text};

pub use stopped::StoppedNode;

fn no_record() -> &'static str {
    text("沒有執行記錄", "no run record")
}

#[derive(Debug)]
pub struct Evidence {
    pub window: Window,
    pub record: Option<DayRecord>,
    /// Whether there are files of it, whoever wrote them.
    pub has_files: bool,
    /// Whether some of them are in the data directory.
    pub is_here: bool,
    pub in_users_report: BTreeSet<String>,
    /// The files that the record knows of and that are gone, by node.
    pub lost: BTreeMap<String, Vec<String>>,
    /// Where the days of nodes lie that were moved away, by node.
    pub moved: BTreeMap<String, PathBuf>,
}

impl Evidence {
    /// Where the first of its nodes lies, if all that there is of the day was moved away.
    fn moved_to(&self) -> Option<&Path> {
        let first = self.moved.values().next().filter(|_| !self.is_here);
        first.map(PathBuf::as_path)
    }
}

#[derive(Debug, Serialize)]
pub struct StatusReport<'a> {
    #[serde(skip)]
    pub data_dir: &'a Path,
    pub days: Vec<DayStatus>,
    pub stopped: Vec<StoppedNode>,
    pub exit_status: ExitStatus,
}

#[derive(Debug, Serialize)]
pub struct DayStatus {
    pub date: NaiveDate,
    #[serde(flatten)]
    pub completeness: Completeness,
    pub nodes_written: usize,
    pub nodes: usize,
    pub task_information: Option<TaskState>,
    pub reasons: Vec<String>,
    /// What makes it incomplete.
    #[serde(skip)]
    pub shortfalls: BTreeSet<Shortfall>,
    pub last_run: Option<UnixSeconds>,
    pub last_exit_status: Option<u8>,
}

/// Whether it is known who used the GPUs of a day. Of several nodes' states, the last in this order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// By an answer of after the day's end, or of a day that still runs.
    Known,
    NotAsked,
    /// By an answer that later tasks are not in.
    Early,
    Unavailable,
}

impl<'a> StatusReport<'a> {
    /// The status of the days, which are in order, by what there is of each of `nodes`.
    pub fn new(data_dir: &'a Path, days: &[Evidence], nodes: &[&Node]) -> Self {
        let stopped = stopped::find(days, nodes);
        let days: Vec<_> = days.iter().map(|day| DayStatus::new(day, nodes)).collect();
        let is_well =
            |day: &DayStatus| day.completeness.verdict.exit_status() == ExitStatus::Complete;
        Self {
            data_dir,
            exit_status: ExitStatus::incomplete_unless(days.iter().all(is_well)),
            days,
            stopped,
        }
    }

    /// Whether there is nothing that anybody need look at.
    pub fn is_well(&self) -> bool {
        self.exit_status == ExitStatus::Complete && self.stopped.is_empty()
    }
}

impl DayStatus {
    pub fn new(day: &Evidence, nodes: &[&Node]) -> Self {
        let of_this_day = |record: &&DayRecord| record.is_of(&day.window);
        let record = day.record.as_ref().filter(of_this_day);
        let state = |node: &&Node| NodeState::new(node, day, record);
        let states: Vec<_> = nodes.iter().map(state).collect();
        let files = || states.iter().filter_map(|state| state.files);
        let tasks = files().map(|files| task_state(files, &day.window)).max();
        let mut lacks: Vec<Lack> = Vec::new();
        if let Some(record) = record {
            lacks.extend(states.iter().flat_map(|state| state.lacks.clone()));
            let of_tasks = tasks.and_then(task_lack);
            lacks.extend(of_last_run(&record.last_run, nodes, of_tasks.as_ref()));
            lacks.extend(of_tasks);
            lacks.extend(unreported(day, nodes, &states));
        }
        let shortfalls = lacks.iter().filter_map(|lack| lack.shortfall).collect();
        let coverage = Coverage::sum(states.iter().map(|state| state.coverage));
        let mut completeness = Completeness::new(coverage, day.window.is_over(), &shortfalls);
        let mut reasons: Vec<_> = lacks.into_iter().map(|lack| lack.reason).collect();
        if let Some(place) = day.moved_to() {
            completeness.verdict = Verdict::Moved;
            reasons = vec![said!(
                "已移到 {place}",
                "moved to {place}",
                place = place.display()
            )];
        } else if record.is_none() {
            completeness.verdict = Verdict::Missing;
            reasons.push(without_record(day).to_owned());
        }
        Self {
            date: day.window.date,
            completeness,
            nodes_written: states.iter().filter(|state| state.is_written).count(),
            nodes: nodes.len(),
            task_information: tasks,
            reasons,
            shortfalls,
            last_run: record.map(|record| record.last_run.started_at),
            last_exit_status: record.map(|record| record.last_run.exit_status),
        }
    }
}

#[derive(Clone, Debug)]
struct Lack {
    reason: String,
    /// Why it makes the day incomplete, unless it is a gap.
    shortfall: Option<Shortfall>,
}

impl Lack {
    fn new(shortfall: Shortfall, reason: String) -> Self {
        let shortfall = Some(shortfall);
        Self { reason, shortfall }
    }

    fn of_notice(notice: &NoticeRecord) -> Self {
        let reason = notice.message.clone();
        // The first versions recorded no more than that it is an error.
        let of_error = (notice.severity == Severity::Error).then_some(Shortfall::Unasked);
        let shortfall = notice.shortfall.or(of_error);
        Self { reason, shortfall }
    }
}

struct NodeState<'a> {
    files: Option<&'a FilesRecord>,
    is_written: bool,
    coverage: Coverage,
    lacks: Vec<Lack>,
}

impl<'a> NodeState<'a> {
    fn new(node: &Node, day: &Evidence, record: Option<&'a DayRecord>) -> Self {
        let window = &day.window;
        let known = record.and_then(|record| record.node(&node.name));
        let files = known.and_then(|known| known.files.as_ref());
        // What of a running day was due is what had passed at its last collection.
        let until = match files {
            Some(files) if !window.is_over() => files.until,
            _ => window.until,
        };
        let intervals = (until - window.start) / window.interval.seconds();
        let gpus = files.map_or(node.cards.len(), |files| files.gpus.len());
        let coverage = Coverage {
            found: files.map_or(0, |files| files.coverage.found),
            due: usize::try_from(intervals).unwrap_or(0) * gpus,
        };
        if day.moved.contains_key(&node.name) {
            // What was moved away is done with, and of files from before the program the readings are not counted.
            let uncounted = files.is_none();
            return Self {
                files,
                is_written: true,
                coverage: if uncounted {
                    Coverage::default()
                } else {
                    coverage
                },
                lacks: Vec::new(),
            };
        }
        let mut lacks = lacks(node, window, known, coverage);
        if let Some(lost) = day.lost.get(&node.name) {
            let reason = said!(
                "{name}：檔案 {files} 不見了",
                "{name}: lost files: {files}",
                name = node.name,
                files = lost.join(comma())
            );
            lacks.push(Lack::new(Shortfall::LostFiles, reason));
        }
        Self {
            files,
            is_written: files.is_some(),
            coverage,
            lacks,
        }
    }
}

fn lacks(
    node: &Node,
    window: &Window,
    known: Option<&NodeRecord>,
    coverage: Coverage,
) -> Vec<Lack> {
    let name = &node.name;
    let Some(known) = known else {
        let reason = said!("{name}：沒有收集", "{name}: not collected");
        return vec![Lack::new(Shortfall::NotCollected, reason)];
    };
    let mut notices = known.notices.iter();
    let has_failed = notices.any(|notice| notice.severity == Severity::Error);
    let notices = known.notices.iter().map(Lack::of_notice);
    let mut lacks: Vec<_> = notices.filter(|lack| lack.shortfall.is_some()).collect();
    let lack = match &known.files {
        // The last run ended with its word for what went wrong, also where the files are whole.
        Some(files) if files.coverage.found >= coverage.due => return lacks,
        Some(files) => {
            let Coverage { found, due } = coverage;
            let no_more = if known.had_no_more(node, window) {
                text("，Netdata 沒有更多", ", Netdata has no more")
            } else {
                ""
            };
            Lack {
                reason: said!(
                    "{name}：讀數 {found}/{due}{no_more}",
                    "{name}: readings {found}/{due}{no_more}"
                ),
                shortfall: shortfall(files, known, window),
            }
        }
        // The error says why there are no files.
        None if has_failed => return lacks,
        None => Lack::new(
            Shortfall::Node,
            said!("{name}：沒有檔案", "{name}: no files"),
        ),
    };
    lacks.insert(0, lack);
    lacks
}

/// What went wrong in the last run that is about no single node, unless the files have it: what `of_tasks` has.
fn of_last_run(run: &LastRun, nodes: &[&Node], of_tasks: Option<&Lack>) -> Vec<Lack> {
    // A run of other nodes left these as they were.
    if !nodes.iter().any(|node| run.nodes.contains(&node.name)) {
        return Vec::new();
    }
    let known = of_tasks.and_then(|lack| lack.shortfall);
    let is_new = |notice: &&NoticeRecord| notice.shortfall.is_some() && notice.shortfall != known;
    let new = run.notices.iter().filter(is_new);
    new.map(Lack::of_notice).collect()
}

/// Why files that lack readings are incomplete, if those are more than gaps.
fn shortfall(files: &FilesRecord, known: &NodeRecord, window: &Window) -> Option<Shortfall> {
    let is_early = window.is_over() && files.until < window.end;
    if files.gpus.iter().any(|gpu| !gpu.lacks().is_empty()) {
        Some(Shortfall::Gpu)
    } else if is_early || !known.answered {
        // There may be more that nobody was given yet.
        Some(Shortfall::Unasked)
    } else {
        None
    }
}

/// What the report of the users lacks, of the nodes whose users are known.
fn unreported(day: &Evidence, nodes: &[&Node], states: &[NodeState]) -> Vec<Lack> {
    let is_known = |state: &NodeState| {
        let files = state.files;
        files.is_some_and(|files| task_state(files, &day.window) == TaskState::Known)
    };
    let known = nodes.iter().zip(states);
    let is_here = |node: &Node| !day.moved.contains_key(&node.name);
    let known = known.filter(|(node, state)| is_here(node) && is_known(state));
    let known = known.map(|(node, _)| &node.name);
    let (reported, lacking): (Vec<_>, Vec<_>) =
        known.partition(|name| day.in_users_report.contains(*name));
    let lack = |reason| Lack::new(Shortfall::UsersReport, reason);
    if reported.is_empty() && !lacking.is_empty() {
        return vec![lack(text("沒有用量報告", "no usage report").to_owned())];
    }
    let lacking = lacking.iter();
    lacking
        .map(|name| lack(said!("{name}：沒有用量報告", "{name}: no usage report")))
        .collect()
}

fn without_record(day: &Evidence) -> &'static str {
    match (&day.record, day.has_files) {
        (Some(_), _) => text(
            "執行記錄屬於不同的時區或 interval",
            "the run record is of another time zone or interval",
        ),
        (None, true) => text(
            "沒有執行記錄，但有檔案（由舊程式寫入，或記錄已被刪除）",
            "no run record, but files (written by the old programs, or the record was deleted)",
        ),
        (None, false) => no_record(),
    }
}

fn task_state(files: &FilesRecord, window: &Window) -> TaskState {
    match files.tasks_as_of {
        Some(as_of) if as_of >= window.end || !window.is_over() => TaskState::Known,
        Some(_) => TaskState::Early,
        None if files.task_information == TaskSource::NotAsked => TaskState::NotAsked,
        None => TaskState::Unavailable,
    }
}

fn task_lack(state: TaskState) -> Option<Lack> {
    let shortfall = match state {
        TaskState::Known | TaskState::NotAsked => return None,
        TaskState::Early => Shortfall::EarlyTasks,
        TaskState::Unavailable => Shortfall::NoTasks,
    };
    Some(Lack::new(shortfall, shortfall.message().to_owned()))
}
