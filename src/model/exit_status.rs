//! The exit status (design §3).

use std::process::ExitCode;

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "u8")]
pub enum ExitStatus {
    /// Everything that was asked for is there.
    Complete = 0,
    /// Nothing new was written.
    Failed = 1,
    Usage = 2,
    /// Written, but incomplete; or a check found that it would be.
    Incomplete = 3,
    Configuration = 10,
    Locked = 11,
    Interrupted = 130,
}

impl ExitStatus {
    pub fn incomplete_unless(is_complete: bool) -> Self {
        if is_complete {
            Self::Complete
        } else {
            Self::Incomplete
        }
    }
}

impl From<ExitStatus> for u8 {
    fn from(status: ExitStatus) -> Self {
        status as Self
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(u8::from(status))
    }
}
