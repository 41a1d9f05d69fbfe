//! The records of earlier runs.

use chrono::NaiveDate;

use super::archive::Archive;
use super::state::ReadError;
use crate::analysis::record::DayRecord;

/// The record of a day, if there is one that is whole.
pub fn record(archive: &Archive, date: NaiveDate) -> Result<Option<DayRecord>, ReadError> {
    let file = archive.run_record(date)?;
    Ok(file.and_then(|file| DayRecord::from_json(&file)))
}
