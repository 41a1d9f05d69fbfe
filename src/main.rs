//! A day of a cluster's AMD GPU and VRAM utilisation, and who used it, from Netdata's agents and the management API
//! into a tree of CSV files.
//!
//! Each wing uses those after it in this list, and none before: what may be asked (`cli`), the commands, where results
//! go (`outlets`), what was found (`report`), the data directory (`store`), copies of it in other engines (`sinks`),
//! what a file says (`formats`), what it means (`analysis`), who is asked (`sources`), the settings, the words (`model`).

mod analysis;
mod cli;
mod commands;
mod formats;
mod model;
mod outlets;
mod report;
mod settings;
mod sinks;
mod sources;
mod store;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use crate::cli::language;
use crate::cli::usage::{self, Refusal};
use crate::commands::collect::metrics_file::MetricsFile;
use crate::commands::failure::exit_status;
use crate::model::ExitStatus;
use crate::outlets::console::{self, Console};
use crate::outlets::live;

/// How long the log and the metrics file may hold up the end of a program that a signal stops.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// What ends the program.
const ENDS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

fn main() -> ExitCode {
    let started = Instant::now();
    let line: Vec<_> = env::args_os().collect();
    language::choose(&line);
    let status = match usage::parse(&line) {
        Ok(cli) => {
            // A file that may grow no more is an error of writing, as a full disk is.
            let _ = flag::register(SIGXFSZ, Arc::default());
            exit_on_signal(started, cli.metrics_file().map(Path::to_owned));
            cli.run(started).unwrap_or_else(|error| {
                console::fail(format_args!("{error:#}"));
                exit_status(&error)
            })
        }
        Err(Refusal::Help(help)) => {
            // Nobody reads on where this fails.
            let _ = help.print();
            return ExitStatus::Complete.into();
        }
        Err(Refusal::Usage { message, output }) => {
            if let Err(error) = Console::open(&output) {
                console::fail(error);
            }
            console::fail(message);
            ExitStatus::Usage
        }
    };
    console::end(status, started.elapsed());
    status.into()
}

/// Ends the program at once on SIGINT, SIGTERM and SIGHUP. That loses nothing: a file is whole at every moment.
fn exit_on_signal(started: Instant, metrics_file: Option<PathBuf>) {
    #[expect(
        clippy::exit,
        reason = "the threads wait for answers, and cannot be stopped"
    )]
    let stop = move || {
        // In threads of their own, because one that waits for whoever reads stderr may hold the log, and any disk may
        // hang.
        let (writing, is_written) = mpsc::channel::<()>();
        let (logging, file) = (writing.clone(), metrics_file.clone());
        let _ = thread::Builder::new().spawn(move || {
            live::leave();
            console::end(ExitStatus::Interrupted, started.elapsed());
            drop(logging);
        });
        let _ = thread::Builder::new().spawn(move || {
            let path = file.as_deref();
            let _ = MetricsFile { path, started }.write(ExitStatus::Interrupted, None);
            drop(writing);
        });
        // Nothing is ever sent: this ends where both have let go.
        let _ = is_written.recv_timeout(LAST_WORDS);
        std::process::exit(u8::from(ExitStatus::Interrupted).into())
    };
    let Ok(mut signals) = Signals::new(ENDS) else {
        return;
    };
    let waiting = thread::Builder::new().spawn(move || {
        if signals.forever().next().is_some() {
            stop();
        }
    });
    // Where there can be no thread for it, the signal itself ends the program.
    if waiting.is_err() {
        for signal in ENDS {
            let _ = flag::register_conditional_default(signal, Arc::new(true.into()));
        }
    }
}
