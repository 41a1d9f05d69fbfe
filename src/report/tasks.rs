//! The result of `--user-report`, for programs.

use chrono::NaiveDate;
use serde::Serialize;

use super::notice::Notice;
use crate::model::Task;

#[derive(Debug, Serialize)]
pub struct TaskReport<'a> {
    pub date: NaiveDate,
    pub timezone: &'a str,
    pub tasks: &'a [Task],
    pub notices: &'a [Notice],
}
