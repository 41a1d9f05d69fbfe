//! The only place that prints: results on stdout, problems and progress on stderr.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use crate::notice::{Notice, Severity};

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    /// Only what is wrong.
    Quiet,
    /// Results, and what is wrong.
    Normal,
    /// What the program does as well.
    Verbose,
    /// Every request as well.
    Debug,
}

/// Standard output takes no more.
#[derive(Debug, thiserror::Error)]
#[error("無法寫到標準輸出：{0}")]
pub struct PrintError(io::Error);

/// The terminal, or what cron has in its place.
#[derive(Debug)]
pub struct Console {
    bars: MultiProgress,
    verbosity: Verbosity,
}

impl Console {
    /// Takes over stderr, for the log and the progress bar.
    #[must_use]
    pub fn new(verbosity: Verbosity) -> Self {
        let target = match verbosity {
            Verbosity::Quiet => ProgressDrawTarget::hidden(),
            // Hides itself where stderr is no terminal.
            _ => ProgressDrawTarget::stderr(),
        };
        let bars = MultiProgress::with_draw_target(target);
        let level = match verbosity {
            Verbosity::Quiet | Verbosity::Normal => LevelFilter::WARN,
            Verbosity::Verbose => LevelFilter::INFO,
            Verbosity::Debug => LevelFilter::DEBUG,
        };
        let log = tracing_subscriber::fmt()
            .event_format(LogLine)
            .with_writer(LogTarget(bars.clone()))
            .with_max_level(level)
            .finish();
        // Fails only where a program has set a log of its own, which is then the one to use.
        let _ = tracing::subscriber::set_global_default(log);
        Self { bars, verbosity }
    }

    /// Prints a result. It is no error if nobody reads on.
    pub fn print(&self, text: &[u8]) -> Result<(), PrintError> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(PrintError(error)),
            _ => Ok(()),
        }
    }

    /// Prints a line for people, who can do without.
    pub fn say(&self, line: impl fmt::Display) -> Result<(), PrintError> {
        if self.verbosity == Verbosity::Quiet {
            Ok(())
        } else {
            self.print(format!("{line}\n").as_bytes())
        }
    }

    /// A bar that shows which of `nodes` are left.
    #[must_use]
    pub fn progress<'a>(&self, nodes: impl IntoIterator<Item = &'a str>) -> Progress<'a> {
        let names: Vec<_> = nodes.into_iter().collect();
        let bar = self.bars.add(ProgressBar::new(names.len() as u64));
        let style = ProgressStyle::with_template("[{elapsed}] {bar:20} {pos}/{len} 等待：{msg}");
        bar.set_style(style.expect("the template is well-formed"));
        bar.enable_steady_tick(Duration::from_millis(200));
        let progress = Progress {
            bar,
            left: (0..names.len()).collect(),
            names,
        };
        progress.show();
        progress
    }
}

/// Tells of a notice on the log.
pub fn notify(notice: &Notice) {
    match notice.severity() {
        Severity::Error => tracing::error!("{notice}"),
        Severity::Warning => tracing::warn!("{notice}"),
    }
}

/// Tells of something that did not happen as it should, and that changes nothing else.
pub fn warn(problem: impl fmt::Display) {
    tracing::warn!("{problem}");
}

/// A line on stderr for the one error that ends the program.
pub fn fail(error: impl fmt::Display) {
    // Where stderr is gone, the exit status has to do.
    let _ = writeln!(io::stderr(), "錯誤：{error}");
}

/// The bar of a run.
#[derive(Debug)]
pub struct Progress<'a> {
    bar: ProgressBar,
    names: Vec<&'a str>,
    left: BTreeSet<usize>,
}

impl Progress<'_> {
    /// The node at `position` has ended.
    pub fn done(&mut self, position: usize) {
        self.left.remove(&position);
        self.bar.inc(1);
        self.show();
    }

    fn show(&self) {
        const NAMED: usize = 4;
        let named: Vec<_> = self
            .left
            .iter()
            .take(NAMED)
            .map(|&position| self.names[position])
            .collect();
        let more = if self.left.len() > NAMED { "…" } else { "" };
        self.bar.set_message(format!("{}{more}", named.join("、")));
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// `錯誤：…` and `警告：…`, as in the seeds; what is for developers in English.
struct LogLine;

impl<S, N> FormatEvent<S, N> for LogLine
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
        out.write_str(match *event.metadata().level() {
            Level::ERROR => "錯誤：",
            Level::WARN => "警告：",
            Level::INFO => "info: ",
            _ => "debug: ",
        })?;
        context.format_fields(out.by_ref(), event)?;
        writeln!(out)
    }
}

/// Stderr, with the progress bar out of the way while a line is written.
struct LogTarget(MultiProgress);

impl<'a> MakeWriter<'a> for LogTarget {
    type Writer = LogWriter<'a>;

    fn make_writer(&'a self) -> LogWriter<'a> {
        LogWriter(&self.0)
    }
}

struct LogWriter<'a>(&'a MultiProgress);

impl Write for LogWriter<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // Where stderr is gone, the exit status has to do.
        let _ = self.0.suspend(|| io::stderr().write_all(line));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
