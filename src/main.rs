//! A day of a cluster's AMD GPU and VRAM utilisation, and who used it, from Netdata's agents and the management API
//! into a tree of CSV files.
//!
//! Each wing below uses those after it, and none before: what may be asked, the commands, who is told, what was found,
//! the data directory, what a file says, what it means, who is asked, the settings, the words.

mod analysis;
mod cli;
mod commands;
mod formats;
mod model;
mod outlets;
mod report;
mod settings;
mod sources;
mod store;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::Cli;
use crate::cli::usage::{output_of_wrong_line, usage_error};
use crate::commands::failure::exit_status;
use crate::commands::{metrics_file, run, write_interrupted};
use crate::model::exit_status::ExitStatus;
use crate::outlets::console::{self, Console};
use clap::Parser;

/// How long the log and the metrics file may hold up the end of a program that is told to stop.
const LAST_WORDS: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let started = Instant::now();
    let status = match Cli::try_parse() {
        Ok(cli) => {
            exit_on_signal(started, metrics_file(&cli).map(Path::to_owned));
            run(&cli).unwrap_or_else(|error| {
                console::fail(format_args!("{error:#}"));
                exit_status(&error)
            })
        }
        Err(error) if !error.use_stderr() => return print_help(&error),
        Err(error) => {
            if let Err(error) = Console::open(&output_of_wrong_line(std::env::args_os())) {
                console::fail(error);
            }
            console::fail(usage_error(&error));
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
        reason = "the threads wait for answers, and cannot be told"
    )]
    let stop = move || {
        // In threads of their own, because one that waits for whoever reads stderr may hold the log, and any disk may
        // hang.
        let until = Instant::now() + LAST_WORDS;
        let (told, is_told) = mpsc::channel();
        let (said, file) = (told.clone(), metrics_file.clone());
        let of_log = thread::Builder::new().spawn(move || {
            console::end(ExitStatus::Interrupted, started.elapsed());
            let _ = said.send(());
        });
        let of_metrics = thread::Builder::new().spawn(move || {
            write_interrupted(file.as_deref(), started);
            let _ = told.send(());
        });
        drop((of_log, of_metrics));
        for _ in 0..2 {
            let _ = is_told.recv_timeout(until.saturating_duration_since(Instant::now()));
        }
        std::process::exit(u8::from(ExitStatus::Interrupted).into())
    };
    // Where there can be no handler, the signal itself ends the program.
    let _ = ctrlc::set_handler(stop);
}

/// `--help` and `--version` come as errors from clap.
fn print_help(help: &clap::Error) -> ExitCode {
    // Nobody reads on where this fails.
    let _ = help.print();
    ExitStatus::Complete.into()
}
