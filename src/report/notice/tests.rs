//! What every notice says, in both languages.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use chrono_tz::Tz;
use pretty_assertions::assert_eq;

use super::{Kind, Notice, Others, Series, Severity};
use crate::analysis::{
    self, Conflict, Differing, Disagreement, Early, IdPlace, Remedy, Span, Stopped, TimelessTask,
    UnplacedGpu,
};
use crate::model::{
    Answer, Capped, CardId, GpuIndex, GpuUuid, Interval, Language, Metric, Reading, RejectedRows,
    TaskGpu, Window,
};
use crate::sources::management_api::{TasksError, kept};
use crate::sources::netdata::{Namesakes, NodeError, NodeErrorReason, OnParent};
use crate::store::{NotMergedReport, ReadError, UnusableFile, WriteError};

/// The names of all kinds, and the name of one: a new kind does not compile before it stands here, and then wants a case.
macro_rules! kinds {
    ($($name:ident)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        fn name(kind: &Kind) -> &'static str {
            match kind {
                $(Kind::$name { .. } => stringify!($name),)*
            }
        }
    };
}

kinds! {
    NodeFailed NoReadingsLeft NotWritten NotSynced Panicked NoReadings NoChart SeriesStopped OldReadings Rejected
    Renamed RejectedRows ClockOff Namesakes LostByParent TokenEnds TasksUnavailable TasksPanicked TasksKept
    TasksNotKept TasksNotRead TasksNotUnited NotRecorded RecordNotRead UnknownCards Unplaced Unlisted Disagreement
    UnknownHosts Conflict MoreConflicts BusyWithoutTask Timeless Malformed TasksGone Misdated Differing Early
    RepeatedTasks LedgerNotWritten PageNotWritten LedgerNotMerged NotMerged
}

const SINCE: &str = "2025-08-01 12:00:00";
const WHEN: &str = "2025-08-01 09:00:00–10:30:00";

#[test]
fn all_notices_in_traditional_chinese() {
    let golden = include_str!("../../../fixtures/golden/notices.zh-TW.txt");
    assert_eq!(Language::Chinese.in_it(listing), golden);
}

#[test]
fn all_notices_in_english() {
    let golden = include_str!("../../../fixtures/golden/notices.en.txt");
    assert_eq!(Language::English.in_it(listing), golden);
}

/// A line of each case.
fn listing() -> String {
    let kinds = kinds();
    let names: BTreeSet<_> = kinds.iter().map(name).collect();
    assert_eq!(names, NAMES.iter().copied().collect(), "a case of each");
    let notices = kinds.into_iter().map(line);
    let others = [1, 3].map(|count| {
        let (severity, code) = (Severity::Warning, "conflict");
        let others = Others {
            severity,
            code,
            count,
        };
        format!("Others: {others}\n")
    });
    notices.chain(others).collect()
}

fn line(kind: Kind) -> String {
    let (name, quoted) = (name(&kind), quoted(&kind));
    let node = Some(Arc::from("gpu1"));
    let mut message = Notice { node, kind }.to_string();
    if let Some(text) = quoted {
        message = message.replace(&text, "<error>");
    }
    format!("{name}: {message}\n")
}

/// The text of the sources or the store that a notice quotes: the listing has `<error>` in its place.
fn quoted(kind: &Kind) -> Option<String> {
    fn shown(text: &impl fmt::Display) -> String {
        text.to_string()
    }
    match kind {
        Kind::NodeFailed(error) | Kind::NoReadingsLeft(error) => Some(shown(error)),
        Kind::NotWritten(error)
        | Kind::NotSynced(error)
        | Kind::TasksNotKept(error)
        | Kind::NotRecorded(error)
        | Kind::LedgerNotWritten(error)
        | Kind::PageNotWritten(error) => Some(shown(error)),
        Kind::TasksNotRead(error) | Kind::RecordNotRead(error) => Some(shown(error)),
        Kind::TasksUnavailable(error) => Some(shown(error)),
        Kind::TasksKept { error, .. } => error.as_ref().map(shown),
        Kind::Timeless(tasks) => Some(shown(&tasks.first[0].problem)),
        Kind::Malformed(tasks) => Some(shown(&tasks.first[0].problem)),
        _ => None,
    }
}

fn kinds() -> Vec<Kind> {
    let mut kinds = of_readings();
    kinds.extend(of_tasks());
    kinds.extend(of_files());
    kinds
}

fn of_readings() -> Vec<Kind> {
    let node_error = || NodeError {
        url: "http://gpu1:19999".to_owned(),
        reason: NodeErrorReason::NoReadings,
    };
    let series = |gpus: &[(usize, u64)], metrics: &[Metric]| Series {
        gpus: gpus
            .iter()
            .map(|&(gpu, card)| (GpuIndex(gpu), CardId(card)))
            .collect(),
        metrics: metrics.to_vec(),
    };
    let one = || series(&[(0, 1)], &[Metric::Vram]);
    let several = || series(&[(0, 1), (1, 9)], &Metric::ALL);
    let example = || "…".to_owned();
    let rows = |count| {
        Kind::RejectedRows(RejectedRows {
            problem: "…".to_owned(),
            count,
        })
    };
    let token = |seconds_left| Kind::TokenEnds {
        at: SINCE.to_owned(),
        seconds_left,
    };
    let mut kinds = vec![
        Kind::NodeFailed(node_error()),
        Kind::NoReadingsLeft(node_error()),
        Kind::Panicked,
        Kind::NoReadings(one()),
        Kind::NoReadings(several()),
        Kind::NoChart(one()),
        Kind::NoChart(several()),
        stopped(true),
        stopped(false),
        Kind::OldReadings(example()),
    ];
    kinds.extend([1, 3].map(|count| Kind::Rejected {
        example: example(),
        count,
    }));
    kinds.extend([1, 3].map(|count| Kind::Renamed {
        example: example(),
        count,
    }));
    kinds.extend([1, 3].map(rows));
    kinds.extend([90, -90].map(Kind::ClockOff));
    kinds.push(Kind::Namesakes(namesakes()));
    kinds.push(Kind::LostByParent);
    kinds.extend([3600, 24 * 3600, 3 * 24 * 3600].map(token));
    kinds.extend([1, 2, 20].map(|cards| Kind::UnknownCards((1..=cards).map(CardId).collect())));
    kinds
}

fn stopped(is_whole_node: bool) -> Kind {
    let series = |gpu, card, metric| analysis::Series {
        gpu: GpuIndex(gpu),
        card: CardId(card),
        metric,
    };
    Kind::SeriesStopped {
        since: SINCE.to_owned(),
        stopped: Stopped {
            since: 0,
            series: vec![
                series(0, 1, Metric::Gpu),
                series(0, 1, Metric::Vram),
                series(1, 9, Metric::Vram),
            ],
            is_whole_node,
        },
    }
}

/// A node that its parent has twice.
fn namesakes() -> Namesakes {
    let hosts = [("8f1c", true), ("27d0", false)].map(|(guid, reachable)| {
        let host = format!(r#"{{"hostname":"gpu1","guid":"{guid}","reachable":{reachable}}}"#);
        serde_json::from_str(&host).expect("a host")
    });
    let parent = "http://parent:19999/".parse().expect("an URL");
    let on_parent = OnParent::new(&parent, "gpu1", &hosts.iter());
    on_parent.namesakes.expect("two hosts")
}

fn of_tasks() -> Vec<Kind> {
    let tasks_error = || TasksError::Refused {
        url: "http://manager/tasks".to_owned(),
        status: 401,
        expired_at: None,
    };
    let tasks_kept = |error, is_final| Kind::TasksKept {
        error,
        since: SINCE.to_owned(),
        is_final,
    };
    let hosts = |hosts, tasks| Kind::UnknownHosts {
        hosts: names("host", hosts),
        tasks: names("", tasks),
    };
    let differing = |count| {
        Kind::Differing(Differing {
            tasks: names("", count),
            most_seconds: 3 * 3600,
        })
    };
    let early = Early {
        task: "1".to_owned(),
        seconds: 600,
    };
    let mut kinds = vec![
        Kind::TasksUnavailable(tasks_error()),
        Kind::TasksPanicked,
        tasks_kept(Some(tasks_error()), true),
        tasks_kept(Some(tasks_error()), false),
        tasks_kept(None, true),
        tasks_kept(None, false),
    ];
    kinds.extend(unplaced());
    kinds.extend([1, 2, 30].map(|count| Kind::Unlisted(names("", count))));
    kinds.extend(
        [
            IdPlace::Counted(GpuIndex(3)),
            IdPlace::OffNode,
            IdPlace::Card(GpuIndex(3)),
        ]
        .map(disagreement),
    );
    kinds.extend([hosts(1, 1), hosts(2, 30), conflict(2), conflict(30)]);
    kinds.extend([1, 3].map(|count| Kind::MoreConflicts {
        gpu: GpuIndex(0),
        count,
    }));
    kinds.extend([1, 2].map(|count| Kind::BusyWithoutTask {
        gpu: GpuIndex(0),
        limit: Reading::new(5.0).expect("a percentage"),
        when: vec![WHEN.to_owned(); count],
    }));
    kinds.extend([1, 2, 30].map(timeless));
    kinds.extend([1, 2, 30].map(malformed));
    kinds.extend([1, 2, 30].map(|count| Kind::TasksGone(names("", count))));
    kinds.extend([1, 2, 30].map(|count| Kind::Misdated(names("", count))));
    kinds.extend([1, 2, 30].map(differing));
    kinds.push(Kind::Early(early));
    kinds.extend([1, 2, 30].map(|count| Kind::RepeatedTasks(names("", count))));
    kinds
}

/// `prefix` and the numbers up to `count`.
fn names<const CAP: usize>(prefix: &str, count: usize) -> Capped<String, CAP> {
    (1..=count).map(|n| format!("{prefix}{n}")).collect()
}

fn uuid(n: usize) -> String {
    format!("APU-70cb99ce3e214b{n:02x}")
}

fn gpu_uuid(n: usize) -> GpuUuid {
    GpuUuid::parse(&uuid(n)).expect("a UUID")
}

fn unplaced() -> Vec<Kind> {
    let gpus = |count| {
        let gpu = |n: usize| UnplacedGpu {
            task: n.to_string(),
            username: "alice".to_owned(),
            gpu: TaskGpu {
                id: Some(24 + n as u64),
                uuid: Some(uuid(n)),
                name: None,
                memory: None,
            },
            owner: None,
        };
        (1..=count).map(gpu).collect()
    };
    let remedy = |first_gpu_id, uuids| Remedy {
        first_gpu_id,
        uuids: (1..=uuids).map(gpu_uuid).collect(),
    };
    let unplaced = |owner: Option<&str>, count, remedy| Kind::Unplaced {
        owner: owner.map(str::to_owned),
        gpus: gpus(count),
        remedy,
    };
    vec![
        unplaced(None, 1, remedy(None, 0)),
        unplaced(None, 2, remedy(Some(25), 0)),
        unplaced(None, 2, remedy(Some(25), 2)),
        unplaced(None, 15, remedy(None, 15)),
        unplaced(Some("gpu2"), 1, remedy(None, 1)),
    ]
}

fn disagreement(id_place: IdPlace) -> Kind {
    Kind::Disagreement(vec![Disagreement {
        index: GpuIndex(0),
        uuid: gpu_uuid(1),
        id: 28,
        id_place,
    }])
}

fn conflict(count: usize) -> Kind {
    let (users, tasks) = (names("user", count), names("", count));
    let span = Span { from: 0, to: 3600 };
    Kind::Conflict {
        gpu: GpuIndex(0),
        conflict: Box::new(Conflict { users, tasks, span }),
        when: WHEN.to_owned(),
    }
}

/// The answer with these records of the tasks 1, 2 and so on.
fn answer(count: usize, record: &str) -> Answer {
    let date = "2025-08-01".parse().expect("a date");
    let window = Window::new(date, Tz::UTC, Interval::DEFAULT, 2_000_000_000).expect("a window");
    let (start, end) = (window.start, window.end);
    let good = r#""9":{"username":"a","hostname":"n","gpus":[],"start":null,"end":null}"#;
    let records = (10..10 + count).map(|n| format!(r#""{n}":{record}"#));
    let records: Vec<_> = records.collect();
    let records = records.join(",");
    let file = format!(
        r#"{{"fetched_at":{end},"start":{start},"end":{end},"answer":{{{good},{records}}}}}"#
    );
    let kept = kept::recall(file.as_bytes(), &window).expect("an answer");
    kept.answer
}

fn timeless(count: usize) -> Kind {
    let record = r#"{"username":"a","hostname":"n","gpus":[{"id":1}],"start":"soon","end":null}"#;
    let answer = answer(count, record);
    let timeless = answer.tasks.iter().filter_map(|task| {
        Some(TimelessTask {
            task: task.id.clone(),
            problem: task.held().err()?,
            gpus: None,
        })
    });
    let timeless = timeless.filter(|timeless| timeless.task != "9");
    Kind::Timeless(timeless.collect())
}

fn malformed(count: usize) -> Kind {
    let answer = answer(count, "5");
    Kind::Malformed(answer.malformed.into_iter().collect())
}

fn of_files() -> Vec<Kind> {
    let cause = || io::Error::from(io::ErrorKind::PermissionDenied);
    let path = |name: &str| PathBuf::from("/data").join(name);
    let write_error = || WriteError {
        path: path("file"),
        cause: cause(),
    };
    let read_error = || ReadError {
        path: path("file"),
        cause: cause(),
    };
    let not_merged = |kept_as: Option<&str>| Kind::NotMerged {
        file: UnusableFile {
            path: path("gpu0_2025-08-01.csv"),
            problem: "…".to_owned(),
            is_misnamed: false,
        },
        kept_as: kept_as.map(path),
    };
    vec![
        Kind::NotWritten(write_error()),
        Kind::NotSynced(write_error()),
        Kind::TasksNotKept(write_error()),
        Kind::TasksNotRead(read_error()),
        Kind::TasksNotUnited(path("2025-08-01.json")),
        Kind::NotRecorded(write_error()),
        Kind::RecordNotRead(read_error()),
        Kind::LedgerNotWritten(write_error()),
        Kind::PageNotWritten(write_error()),
        Kind::LedgerNotMerged(NotMergedReport {
            path: path("users_2025-08-01.csv"),
            problem: "…".to_owned(),
            kept_as: path("users_2025-08-01.csv.unreadable1"),
        }),
        not_merged(Some("gpu0_2025-08-01.csv.unreadable1")),
        not_merged(None),
    ]
}
