//! The only place that prints: results on stdout, problems and progress on stderr, and all that happens in the log
//! file.

pub mod args;
mod log;
mod pager;
mod progress;

use std::fmt;
use std::io::{self, Write};
use std::process;
use std::time::Duration;

use chrono::NaiveDate;
use indicatif::{MultiProgress, ProgressDrawTarget};
use serde::Serialize;

use crate::analysis::Severity;
use crate::model::{ExitStatus, Node, said};
use crate::report::notice::{Notice, Others};
use args::{LogFormat, OutputArgs};

pub use log::LogFileError;
pub use pager::print_long;
pub use progress::Progress;

#[derive(Debug, thiserror::Error)]
#[error("{}", said!("無法寫到標準輸出：{0}", "cannot write to standard output: {0}", .0))]
pub struct PrintError(io::Error);

/// The terminal, or what cron has in its place.
#[derive(Debug)]
pub struct Console {
    bars: MultiProgress,
    is_quiet: bool,
}

impl Console {
    /// Takes over stderr, for the log and the progress bar, and opens the log file. Where that cannot be opened,
    /// stderr is taken over all the same, so that the error can be logged there.
    pub fn open(output: &OutputArgs) -> Result<Self, LogFileError> {
        let (console, error) = Self::open_as_far_as_possible(output);
        error.map_or(Ok(console), Err)
    }

    /// The same for what has to go on without the log file, if need be. The error is not logged yet.
    pub fn open_as_far_as_possible(output: &OutputArgs) -> (Self, Option<LogFileError>) {
        // What reads objects has no use for a bar between them.
        let target = if output.quiet || output.log_format == LogFormat::Json {
            ProgressDrawTarget::hidden()
        } else {
            // Hides itself where stderr is no terminal.
            ProgressDrawTarget::stderr()
        };
        let bars = MultiProgress::with_draw_target(target);
        let file = output.log_file.as_deref().map(log::LogFile::open);
        let (file, error) = match file.transpose() {
            Ok(file) => (file, None),
            Err(error) => (None, Some(error)),
        };
        log::begin(bars.clone(), output, file);
        // Not the arguments: somebody may have taken one of them for the place of a secret.
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            pid = process::id(),
            "started"
        );
        let is_quiet = output.quiet;
        (Self { bars, is_quiet }, error)
    }

    /// Prints a line that people can do without.
    pub fn print_line(&self, line: impl fmt::Display) -> Result<(), PrintError> {
        if self.is_quiet {
            Ok(())
        } else {
            print(format!("{line}\n"))
        }
    }

    /// A bar that begins with `title` and names those of `nodes` that are left.
    pub fn progress<'a>(&self, title: &str, nodes: &[&'a Node]) -> Progress<'a> {
        Progress::new(&self.bars, title, nodes)
    }
}

/// Prints a result. It is no error if nobody reads on.
pub fn print(text: impl AsRef<[u8]>) -> Result<(), PrintError> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_ref())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(PrintError(error)),
        _ => Ok(()),
    }
}

pub fn print_json(report: &impl Serialize) -> Result<(), PrintError> {
    let mut text = serde_json::to_vec_pretty(report).expect("a report has string keys alone");
    text.push(b'\n');
    print(text)
}

/// Logs a notice, about a day if it is of a single one, which the message names where the run is about several. The
/// fields are for programs: people find it all in the message.
pub fn log_notice(notice: &Notice, date: Option<NaiveDate>, is_one_of_several: bool) {
    let (severity, code) = (notice.severity(), notice.code());
    log_coded(
        severity,
        code,
        notice.node(),
        date,
        is_one_of_several,
        notice,
    );
}

pub fn log_others(others: &Others, date: NaiveDate, is_one_of_several: bool) {
    let Others { severity, code, .. } = *others;
    log_coded(severity, code, None, Some(date), is_one_of_several, others);
}

fn log_coded(
    severity: Severity,
    code: &str,
    node: Option<&str>,
    date: Option<NaiveDate>,
    is_one_of_several: bool,
    message: &dyn fmt::Display,
) {
    let of_day = date.filter(|_| is_one_of_several);
    let of_day = of_day.map_or_else(String::new, |date| said!("{date}：", "{date}: "));
    let date = date.map(tracing::field::display);
    match severity {
        Severity::Error => tracing::error!(code, date, node, "{of_day}{message}"),
        Severity::Warning => tracing::warn!(code, date, node, "{of_day}{message}"),
    }
}

/// Logs something that did not happen as it should, and that changes nothing else.
pub fn warn(problem: impl fmt::Display) {
    tracing::warn!("{problem}");
}

/// Logs an error, usually the one that ends the program.
pub fn fail(error: impl fmt::Display) {
    tracing::error!("{error}");
}

pub fn end(status: ExitStatus, elapsed: Duration) {
    let duration_seconds = (elapsed.as_secs_f64() * 1e3).round() / 1e3;
    let exit_status = u8::from(status);
    tracing::info!(exit_status, duration_seconds, "ended");
    if let Some(problem) = log::lost() {
        tracing::warn!("{problem}");
    }
}
