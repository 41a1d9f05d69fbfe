//! The result of `--user-report`, for programs.

use serde::Serialize;

use super::notice::Notice;
use crate::model::{Task, Window};

#[derive(Debug, Serialize)]
pub struct TaskReport<'a> {
    version: &'static str,
    date: String,
    timezone: &'a str,
    tasks: &'a [Task],
    notices: &'a [Notice],
}

impl<'a> TaskReport<'a> {
    pub fn new(window: &'a Window, tasks: &'a [Task], notices: &'a [Notice]) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            date: window.date.to_string(),
            timezone: window.zone.name(),
            tasks,
            notices,
        }
    }
}
