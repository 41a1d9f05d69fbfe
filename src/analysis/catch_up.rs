//! Which days of which nodes are incomplete and can still be completed.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::average::Coverage;
use super::record::{FilesRecord, NodeRecord};
use crate::model::{CardId, CardUsage, GpuIndex, Node, OtherSetting, Window, comma, said, text};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Nothing,
    /// These readings, of all its GPUs but those that have none.
    Readings {
        /// How many there are of those due in the whole day.
        coverage: Coverage,
        without: Vec<GpuIndex>,
    },
    /// Files that were written under other settings, or are damaged: collecting would set them aside, or stop at the
    /// setting that is known to be another.
    OtherSettings(Option<OtherSetting>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lack {
    Everything,
    Files(Vec<GpuIndex>),
    Readings(Coverage),
    /// The management API's answer is missing, or was given before the day was over.
    TaskInformation,
    UsersReport,
    OtherSettings(Option<OtherSetting>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    Complete,
    /// Collecting it again may bring what it lacks.
    Collect(Vec<Lack>),
    /// Its agent was asked after the day was over and had no more, or collecting it would cost what there is.
    GivenUp(Vec<Lack>),
}

impl Found {
    /// By the record, of files that are all there.
    pub fn on_record(files: &FilesRecord, window: &Window) -> Self {
        let (found, due) = (files.coverage.found, window.due() * files.gpus.len());
        let without = files.gpus.iter().filter(|gpu| gpu.last_readings.is_none());
        Self::Readings {
            coverage: Coverage { found, due },
            without: without.map(|gpu| gpu.index).collect(),
        }
    }

    pub fn in_files(node: &Node, window: &Window, usage: &BTreeMap<CardId, CardUsage>) -> Self {
        if usage.is_empty() {
            return Self::Nothing;
        }
        let of_card = |card| Coverage::of_readings(usage.get(card), window.due());
        let without = |(_, card): &(_, &CardId)| !usage.contains_key(card);
        let by_index = (0..).map(GpuIndex).zip(&node.cards);
        Self::Readings {
            coverage: Coverage::sum(node.cards.iter().map(of_card)),
            without: by_index.filter(without).map(|(index, _)| index).collect(),
        }
    }

    fn lacks(&self) -> Vec<Lack> {
        match self {
            Self::Nothing => vec![Lack::Everything],
            Self::OtherSettings(setting) => vec![Lack::OtherSettings(*setting)],
            Self::Readings { coverage, without } => {
                let mut lacks = Vec::new();
                if !without.is_empty() {
                    lacks.push(Lack::Files(without.clone()));
                }
                if !coverage.is_whole() {
                    lacks.push(Lack::Readings(*coverage));
                }
                lacks
            }
        }
    }
}

/// What the day of `node`, which is over, needs.
///
/// * `found`, `record`: what there is of it, and what was recorded.
/// * `wants_users`: whether its users are wanted at all.
/// * `is_in_report`: whether the report of the users has the whole day of the node.
pub fn need(
    node: &Node,
    window: &Window,
    found: &Found,
    record: Option<&NodeRecord>,
    wants_users: bool,
    is_in_report: bool,
) -> Need {
    let mut lacks = found.lacks();
    if matches!(found, Found::OtherSettings(_)) {
        return Need::GivenUp(lacks);
    }
    let files = record.and_then(|record| record.files.as_ref());
    // Files that were lost since are worth asking for again.
    let recorded = files.map_or(0, |files| files.coverage.found);
    let readings = match found {
        Found::Readings { coverage, .. } => coverage.found,
        Found::Nothing | Found::OtherSettings(_) => 0,
    };
    let no_more =
        readings >= recorded && record.is_some_and(|record| record.had_no_more(node, window));
    // Where there is nothing, there is nothing that users could be of.
    let may_lack_users = wants_users && !(no_more && *found == Found::Nothing);
    let has_tasks = files.is_some_and(|files| has_final_tasks(files, window));
    let lacks_users = may_lack_users && !(has_tasks && is_in_report);
    if lacks_users {
        lacks.push(if has_tasks {
            Lack::UsersReport
        } else {
            Lack::TaskInformation
        });
    }
    if lacks.is_empty() {
        Need::Complete
    } else if no_more && !lacks_users {
        Need::GivenUp(lacks)
    } else {
        Need::Collect(lacks)
    }
}

fn has_final_tasks(files: &FilesRecord, window: &Window) -> bool {
    files.tasks_as_of.is_some_and(|as_of| as_of >= window.end)
}

impl Lack {
    /// A word for programs, and what people read.
    fn parts(&self) -> (&'static str, String) {
        let plain = |code, message: &str| (code, message.to_owned());
        match self {
            Self::Everything => plain("no_files", text("沒有檔案", "no files")),
            Self::Files(gpus) => {
                let gpus: Vec<_> = gpus.iter().map(ToString::to_string).collect();
                let gpus = gpus.join(comma());
                (
                    "missing_files",
                    said!("缺少 {gpus} 的檔案", "no files for {gpus}"),
                )
            }
            Self::Readings(Coverage { found, due }) => (
                "readings",
                said!("讀數 {found}/{due}", "readings {found}/{due}"),
            ),
            Self::TaskInformation => plain(
                "task_information",
                text(
                    "沒有當日結束後的任務資訊",
                    "no task information from after the day's end",
                ),
            ),
            Self::UsersReport => plain("users_report", text("沒有用量報告", "no usage report")),
            Self::OtherSettings(None) => plain(
                "other_settings",
                text(
                    "原有檔案以不同的設定寫成，或已損壞",
                    "the existing files were written with other settings, or are damaged",
                ),
            ),
            Self::OtherSettings(Some(setting)) => ("other_settings", setting.problem()),
        }
    }

    pub fn message(&self) -> String {
        self.parts().1
    }
}

impl Serialize for Lack {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (code, message) = self.parts();
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("code", code)?;
        match self {
            Self::Files(gpus) => object.serialize_entry("gpus", gpus)?,
            Self::Readings(coverage) => {
                object.serialize_entry("readings", &coverage.found)?;
                object.serialize_entry("readings_due", &coverage.due)?;
            }
            _ => {}
        }
        object.serialize_entry("message", &message)?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Interval, UnixSeconds};
    use chrono_tz::Tz;

    const URL: &str = "http://127.0.0.1:1";
    const NEVER: Option<UnixSeconds> = None;

    fn window() -> Window {
        let date = "2025-08-01".parse().expect("a date");
        Window::new(date, Tz::UTC, Interval::DEFAULT, 2_000_000_000).expect("a window")
    }

    fn node() -> Node {
        Node {
            name: "n".to_owned(),
            url: URL.parse().expect("an URL"),
            cards: vec![CardId(1), CardId(9)],
            first_gpu_id: None,
            gpu_uuids: BTreeMap::new(),
            uuid_owners: std::sync::Arc::default(),
        }
    }

    fn readings(found: usize) -> Found {
        Found::Readings {
            coverage: Coverage { found, due: 288 },
            without: Vec::new(),
        }
    }

    /// A record of so many readings, asked for at a time after the day's end, with tasks of another.
    fn record(found: usize, asked: i64, tasks: Option<i64>) -> NodeRecord {
        let end = window().end;
        let files = FilesRecord {
            until: end,
            coverage: Coverage { found, due: 288 },
            coverage_percent: 0.0,
            mean_percent: crate::analysis::Mean::default(),
            directory: std::path::PathBuf::new(),
            task_information: crate::model::TaskSource::Known,
            tasks_as_of: tasks.map(|after| end + after),
            gpus: Vec::new(),
        };
        NodeRecord {
            name: "n".to_owned(),
            url: URL.to_owned(),
            cards: node().cards,
            asked_at: end + asked,
            answered: true,
            notices: Vec::new(),
            files: Some(files),
        }
    }

    fn verdict(found: &Found, record: Option<&NodeRecord>, wants_tasks: bool) -> &'static str {
        match need(&node(), &window(), found, record, wants_tasks, true) {
            Need::Complete => "complete",
            Need::Collect(_) => "collect",
            Need::GivenUp(_) => "given up",
        }
    }

    #[test]
    fn a_day_is_given_up_only_where_no_more_can_be_had() {
        for (found, record, expected) in [
            (readings(288), record(288, 3600, Some(0)), "complete"),
            // The tasks were asked for while the day still ran.
            (readings(288), record(288, 3600, Some(-1)), "collect"),
            (readings(288), record(288, 3600, NEVER), "collect"),
            (readings(280), record(280, 3600, Some(0)), "given up"),
            // So soon after midnight, a parent may not have heard of its node yet.
            (readings(280), record(280, 3599, Some(0)), "collect"),
            (readings(280), record(280, 3600, Some(-1)), "collect"),
            // A file was lost since.
            (readings(144), record(288, 3600, Some(0)), "collect"),
            (Found::Nothing, record(0, 3600, NEVER), "given up"),
            (Found::Nothing, record(288, 3600, Some(0)), "collect"),
            (
                Found::OtherSettings(None),
                record(288, 3600, Some(0)),
                "given up",
            ),
        ] {
            let need = verdict(&found, Some(&record), true);
            assert_eq!(need, expected, "{found:?} {record:?}");
        }
    }

    #[test]
    fn without_a_record_a_day_lacks_its_tasks() {
        assert_eq!(verdict(&readings(288), None, true), "collect");
        assert_eq!(verdict(&readings(288), None, false), "complete");
        assert_eq!(verdict(&Found::Nothing, None, false), "collect");
    }

    #[test]
    fn an_answer_counts_only_if_it_was_to_the_same_question() {
        let short = || record(280, 3600, Some(0));
        let mut elsewhere = short();
        elsewhere.url = "http://127.0.0.1:2".to_owned();
        let mut of_one_card = short();
        of_one_card.cards.pop();
        let mut broken_off = short();
        broken_off.answered = false;
        for record in [elsewhere, of_one_card, broken_off] {
            let need = verdict(&readings(280), Some(&record), true);
            assert_eq!(need, "collect", "{record:?}");
        }
    }

    #[test]
    fn a_report_that_was_lost_is_written_again() {
        let record = record(288, 3600, Some(0));
        let need = |wants, has| {
            let found = readings(288);
            need(&node(), &window(), &found, Some(&record), wants, has)
        };
        assert_eq!(need(true, false), Need::Collect(vec![Lack::UsersReport]));
        assert_eq!(need(false, false), Need::Complete);
    }
}
