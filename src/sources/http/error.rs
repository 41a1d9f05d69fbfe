//! Why a request brought no answer, in words that say what to do.

use std::io;
use std::time::Duration;

use reqwest::StatusCode;

use super::certificate::CertificateProblem;
use crate::model::{Both, said, text};

/// The largest body that is read. A day of 100 cards at one-minute rows is a tenth of it.
pub const BODY_LIMIT_BYTES: usize = 32 << 20;

/// Netdata was measured to refuse connections for two seconds while it starts anew; two retries wait longer together.
const REFUSAL_PAUSE: Duration = Duration::from_millis(1200);

#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("{}", said!("無法使用 TLS：{0}", "cannot use TLS: {0}", .0))]
    Tls(Both),
    #[error("{}", said!(
        "無法使用 HTTP：{0}（請檢查這台機器的執行緒數與記憶體限制）",
        "cannot use HTTP: {0}; check this machine's limits on threads and memory", .0
    ))]
    Client(String),
    #[error("{}", said!("無法連線：{0}", "cannot connect: {0}", .0))]
    Connect(String),
    #[error("{}", said!("無法連線：{cause}", "cannot connect: {cause}"))]
    Certificate {
        cause: String,
        problem: CertificateProblem,
    },
    /// Nobody listens there, as while a server is started anew.
    #[error("{}", said!("無法連線：{0}", "cannot connect: {0}", .0))]
    Refused(String),
    #[error("{}", text("無法連線：沒有回應", "cannot connect: no answer"))]
    Silent,
    #[error("{}", said!(
        "逾時：{tried}{seconds:.1} 秒內沒有完整的回應",
        "timed out: no complete answer within {seconds:.1} s{tried}",
        tried = tried(*.tries), seconds = .waited.as_secs_f64()
    ))]
    Timeout {
        /// From the first try on.
        waited: Duration,
        tries: usize,
    },
    /// Other large answers took the memory for so long that there was no time left for this one.
    #[error("{}", said!(
        "等待其他大型回應釋放記憶體 {seconds:.1} 秒，來不及讀完這個回應（請加大 netdata.memory_mib）",
        "waited {seconds:.1} s for memory that other large answers held, too long to read all of this one (raise netdata.memory_mib)",
        seconds = .waited.as_secs_f64()
    ))]
    NoRoom { waited: Duration },
    #[error("HTTP {status}{detail}")]
    Status {
        status: StatusCode,
        detail: String,
        /// For how long the server asks to be left alone.
        retry_after: Option<Duration>,
        /// Whether it is to be asked by `https`.
        wants_https: bool,
    },
    /// The connection ended before the answer began.
    #[error("{}", said!("連線中斷：{0}", "connection lost: {0}", .0))]
    Unanswered(String),
    #[error("{}", said!("連線中斷：{0}", "connection lost: {0}", .0))]
    Broken(String),
    #[error("{}", said!(
        "回應超過 {mib} MiB 的上限",
        "the answer is over the limit of {mib} MiB",
        mib = BODY_LIMIT_BYTES >> 20
    ))]
    TooLarge,
}

fn tried(tries: usize) -> String {
    match tries {
        0 | 1 => String::new(),
        _ => said!("試了 {tries} 次，共 ", " in {tries} tries"),
    }
}

impl HttpError {
    pub fn timeout(waited: Duration) -> Self {
        Self::Timeout { waited, tries: 1 }
    }

    /// The error of the last of `tries`, which began so long `after` the first.
    pub fn after_tries(self, tries: usize, after: Duration) -> Self {
        match self {
            Self::Timeout { waited, .. } => Self::Timeout {
                waited: after + waited,
                tries,
            },
            error => error,
        }
    }

    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the server gave no answer at all, or none in time.
    pub fn is_absence(&self) -> bool {
        self.status().is_none() && !matches!(self, Self::NoRoom { .. })
    }

    /// How long to wait at least before the same request is made again.
    pub fn pause(&self) -> Duration {
        match self {
            Self::Refused(_) => REFUSAL_PAUSE,
            Self::Status { retry_after, .. } => retry_after.unwrap_or_default(),
            _ => Duration::ZERO,
        }
    }

    /// Whether no connection came about that could be used.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::Certificate { .. })
    }

    /// Whether the same request may well succeed in a moment.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Silent
            | Self::Timeout { .. }
            | Self::NoRoom { .. }
            | Self::Refused(_)
            | Self::Unanswered(_)
            | Self::Broken(_) => true,
            Self::Status { status, .. } => {
                // 499 is Netdata's word for a query that it gave up (netdata/facts.md §2).
                status.is_server_error() || matches!(status.as_u16(), 408 | 429 | 499)
            }
            Self::Client(_)
            | Self::Connect(_)
            | Self::Certificate { .. }
            | Self::Tls(_)
            | Self::TooLarge => false,
        }
    }
}

pub fn from_reqwest(error: &reqwest::Error, timeout: Duration) -> HttpError {
    match (error.is_connect(), error.is_timeout()) {
        (true, true) => HttpError::Silent,
        (true, false) if has_kind(error, io::ErrorKind::ConnectionReset) => {
            HttpError::Unanswered(root_cause(error))
        }
        (true, false) if has_kind(error, io::ErrorKind::ConnectionRefused) => {
            HttpError::Refused(root_cause(error))
        }
        (true, false) => {
            let cause = root_cause(error);
            match CertificateProblem::find(&cause) {
                Some(problem) => HttpError::Certificate { cause, problem },
                None => HttpError::Connect(cause),
            }
        }
        (false, true) => HttpError::timeout(timeout),
        (false, false) => HttpError::Unanswered(root_cause(error)),
    }
}

fn has_kind(error: &reqwest::Error, wanted: io::ErrorKind) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        let kind = error.downcast_ref().map(io::Error::kind);
        if kind == Some(wanted) {
            return true;
        }
        cause = error.source();
    }
    false
}

pub fn from_read(error: &io::Error, timeout: Duration) -> HttpError {
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<reqwest::Error>())
    {
        Some(inner) if inner.is_timeout() => HttpError::timeout(timeout),
        Some(inner) => HttpError::Broken(root_cause(inner)),
        None => HttpError::Broken(error.to_string()),
    }
}

/// The innermost error: the layers above it say only that sending failed, and repeat the URL.
pub fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
