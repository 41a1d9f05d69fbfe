//! Why there are no accounts of a day, by the record of its runs.

use crate::analysis::usage::AbsenceReason;
use crate::analysis::{DayRecord, NodeRecord};
use crate::model::TaskSource;
use crate::store::ReadError;

/// Why there are none of these nodes. Without a record their files show whether they were collected.
pub fn why_no_accounts<'a>(
    record: &Result<Option<DayRecord>, ReadError>,
    nodes: impl Iterator<Item = &'a str>,
    have_files: impl FnOnce() -> bool,
) -> AbsenceReason {
    match record {
        Ok(Some(record)) => {
            let reasons = nodes.map(|name| of_node(record.node(name)));
            reasons.max().unwrap_or(AbsenceReason::NotCollected)
        }
        Ok(None) if have_files() => AbsenceReason::Lost,
        Ok(None) => AbsenceReason::NotCollected,
        Err(_) => AbsenceReason::Unexplained,
    }
}

fn of_node(record: Option<&NodeRecord>) -> AbsenceReason {
    let Some(record) = record else {
        return AbsenceReason::NotCollected;
    };
    match record.files.as_ref().map(|files| files.task_information) {
        None => AbsenceReason::NoReadings,
        Some(TaskSource::NotAsked) => AbsenceReason::TasksNotAsked,
        Some(TaskSource::Unavailable) => AbsenceReason::TasksUnavailable,
        Some(TaskSource::Known | TaskSource::Kept) => AbsenceReason::Lost,
    }
}
