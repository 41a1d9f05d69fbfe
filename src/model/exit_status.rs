//! The exit status (design §3).

use std::process::ExitCode;

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "u8")]
pub enum ExitStatus {
    /// Everything that was asked for is there.
    Complete,
    /// Nothing new was written.
    Failed,
    Usage,
    /// Written, but a node, a GPU, a reading or the task information is missing; or a check found that it would be.
    Incomplete,
    Configuration,
    /// Another run holds the data directory.
    Locked,
    /// Stopped by SIGINT or SIGTERM.
    Interrupted,
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
