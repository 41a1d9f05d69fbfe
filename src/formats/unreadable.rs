//! Why a file of an earlier run cannot be read back.

use std::io;

use csv::{Position, StringRecord};

use crate::model::{OtherSetting, said};

#[derive(Debug)]
pub enum Unreadable {
    Io(io::Error),
    /// It is not such a file: in which line, and why.
    Malformed(String),
    /// It is one, and was written under other settings.
    OtherSetting(OtherSetting),
}

impl Unreadable {
    pub fn malformed(problem: &str) -> Self {
        Self::Malformed(problem.to_owned())
    }

    pub fn row(row: &StringRecord, problem: &str) -> Self {
        Self::line(row.position().map_or(0, Position::line), problem)
    }

    pub fn line(line: u64, problem: &str) -> Self {
        Self::Malformed(said!("第 {line} 列{problem}", "line {line} {problem}"))
    }
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<csv::Error> for Unreadable {
    fn from(error: csv::Error) -> Self {
        let text = error.to_string();
        match error.into_kind() {
            csv::ErrorKind::Io(error) => Self::Io(error),
            _ => Self::Malformed(text),
        }
    }
}
