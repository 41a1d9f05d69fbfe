//! The log: what a line of it looks like, and how lines come to stderr, past the progress bar, and into the log file.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use indicatif::MultiProgress;
use rustix::fs::OFlags;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt as lines;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use super::args::{LogFormat, OutputArgs};
use crate::model::{printable, said, text};
use crate::outlets::live::is_shown;

/// Messages can name tasks: the group may read them, others may not. The umask may take more away.
const LOG_FILE_MODE: u32 = 0o640;

#[derive(Debug, thiserror::Error)]
#[error("{}", said!(
    "無法開啟記錄檔 {path}：{cause}（請確認該目錄存在且可寫入，或修改 --log-file）",
    "cannot open log file {path}: {cause}; check that its directory exists and is writable, or change --log-file",
    path = .path.display(),
    cause = .cause
))]
pub struct LogFileError {
    path: PathBuf,
    cause: io::Error,
}

/// Sends the log to stderr, and to `file` if there is one, from now on and for all threads.
pub fn begin(bars: MultiProgress, output: &OutputArgs, file: Option<LogFile>) {
    let shown = match output.verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let format = output.log_format;
    // A quiet run leaves its trace all the same.
    let kept = shown.max(LevelFilter::INFO);
    // Where stderr is gone, the exit status has to do.
    let to_stderr = Lines(move |line: &[u8]| {
        // It would tear the picture.
        if !is_shown() {
            let _ = bars.suspend(|| io::stderr().write_all(line));
        }
    });
    let stderr = layer(format, None, Arc::new(to_stderr)).with_filter(shown);
    let file = file.map(|file| {
        let to_file = Lines(move |line: &[u8]| file.append(line));
        layer(format, Some(SystemTime), Arc::new(to_file)).with_filter(kept)
    });
    // Fails only where a program has set a log of its own, which is then the one to use.
    let _ = tracing::subscriber::set_global_default(Registry::default().with(stderr).with(file));
    // A bug is logged like everything else, and does not tear the bar.
    panic::set_hook(Box::new(|bug| {
        let message = said!(
            "程式發生內部錯誤，請回報：{bug}",
            "internal error, report this bug: {bug}"
        );
        tracing::error!("{message}");
    }));
}

fn layer<S, W>(
    format: LogFormat,
    clock: Option<SystemTime>,
    target: W,
) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = lines::layer().with_writer(target);
    match format {
        LogFormat::Text => layer.event_format(TextLine(clock)).boxed(),
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_target(false)
            .with_current_span(false)
            .with_span_list(false)
            .boxed(),
    }
}

/// `錯誤：…` and `警告：…`, as in the seeds, or their English; what is for developers in English, with its fields. With a
/// clock it begins with the time. From cron and from systemd it gets one anyway.
struct TextLine(Option<SystemTime>);

impl<S, N> FormatEvent<S, N> for TextLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if let Some(clock) = &self.0 {
            clock.format_time(&mut out)?;
            out.write_char(' ')?;
        }
        let level = *event.metadata().level();
        out.write_str(match level {
            Level::ERROR => text("錯誤：", "error: "),
            Level::WARN => text("警告：", "warning: "),
            Level::INFO => "info: ",
            _ => "debug: ",
        })?;
        if level <= Level::WARN {
            let mut message = Message::default();
            event.record(&mut message);
            out.write_str(&message.0)?;
        } else {
            context.format_fields(out.by_ref(), event)?;
        }
        writeln!(out)
    }
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = printable(&format!("{value:?}"));
        }
    }
}

/// Where each line goes whole.
struct Lines<F>(F);

impl<F: Fn(&[u8])> Write for &Lines<F> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        (self.0)(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The log file. Each line is appended in one write, so that those of runs that write at the same time stay whole.
pub struct LogFile {
    path: PathBuf,
    file: File,
}

impl LogFile {
    pub fn open(path: &Path) -> Result<Self, LogFileError> {
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(LOG_FILE_MODE);
        // A pipe that nobody reads would be waited for.
        options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
        let path = path.to_owned();
        match options.open(&path) {
            Ok(file) => Ok(Self { path, file }),
            Err(cause) => Err(LogFileError { path, cause }),
        }
    }

    fn append(&self, line: &[u8]) {
        if let Err(error) = (&self.file).write_all(line) {
            let path = self.path.display();
            LOST.get_or_init(|| {
                said!(
                    "無法寫入記錄檔 {path}：{error}",
                    "cannot write log file {path}: {error}"
                )
            });
        }
    }
}

/// Why the log file lacks lines. It cannot be logged at once, because that would be another line.
static LOST: OnceLock<String> = OnceLock::new();

pub fn lost() -> Option<&'static str> {
    LOST.get().map(String::as_str)
}
