//! How a run ends, as its caller sees it.

use std::process::ExitCode;

use serde::Serialize;

use crate::config::{ConfigError, TokenError};
use crate::day::DateError;
use crate::output::OpenError;
use crate::run::RequestError;

/// The exit status (design §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "u8")]
pub enum ExitStatus {
    /// Everything that was asked for is there.
    Complete,
    /// Nothing new was written.
    Failed,
    /// The command line is wrong.
    Usage,
    /// Written, but a node, a GPU, a reading or the task information is missing.
    Incomplete,
    /// The settings or the credentials are wrong.
    Configuration,
    /// Another run holds the data directory.
    Locked,
    /// Stopped by SIGINT or SIGTERM.
    Interrupted,
}

impl ExitStatus {
    /// The status of a run that `error` ended.
    #[must_use]
    pub fn of(error: &anyhow::Error) -> Self {
        if error.is::<ConfigError>() || error.is::<TokenError>() {
            return Self::Configuration;
        }
        if let Some(OpenError::Locked { .. }) = error.downcast_ref() {
            return Self::Locked;
        }
        match error.downcast_ref::<RequestError>() {
            Some(RequestError::UnknownNode { .. } | RequestError::ReversedRange { .. }) => {
                Self::Usage
            }
            None if error.is::<DateError>() => Self::Usage,
            Some(RequestError::NothingDue { .. }) | None => Self::Failed,
        }
    }
}

impl From<ExitStatus> for u8 {
    fn from(status: ExitStatus) -> Self {
        match status {
            ExitStatus::Complete => 0,
            ExitStatus::Failed => 1,
            ExitStatus::Usage => 2,
            ExitStatus::Incomplete => 3,
            ExitStatus::Configuration => 10,
            ExitStatus::Locked => 11,
            ExitStatus::Interrupted => 130,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(u8::from(status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::WriteError;
    use std::path::PathBuf;

    #[test]
    fn an_error_has_the_status_of_its_kind() {
        let path = PathBuf::from("x");
        let cause = || std::io::ErrorKind::NotFound.into();
        let written = || WriteError {
            path: path.clone(),
            cause: cause(),
        };
        let date = "2025-08-01".parse().expect("a date");
        let cases: [(anyhow::Error, u8); 9] = [
            (anyhow::anyhow!("anything else"), 1),
            (written().into(), 1),
            (OpenError::from(written()).into(), 1),
            (RequestError::NothingDue { date, minutes: 10 }.into(), 1),
            (DateError::TooEarly(date).into(), 2),
            (
                RequestError::ReversedRange {
                    first: date,
                    last: date,
                }
                .into(),
                2,
            ),
            (
                ConfigError::Unreadable {
                    path: path.clone(),
                    cause: cause(),
                }
                .into(),
                10,
            ),
            (
                TokenError::Missing {
                    usual: path.clone(),
                }
                .into(),
                10,
            ),
            (
                OpenError::Locked {
                    root: path.clone(),
                    holder: "1".to_owned(),
                }
                .into(),
                11,
            ),
        ];
        for (error, status) in cases {
            assert_eq!(u8::from(ExitStatus::of(&error)), status, "{error}");
        }
    }
}
