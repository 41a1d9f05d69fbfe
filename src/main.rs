//! The command `daily-gpu-log`.

use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use daily_gpu_log::cli::{Cli, output_of_wrong_line, usage_error};
use daily_gpu_log::console::{self, Console};
use daily_gpu_log::exit_status::ExitStatus;
use daily_gpu_log::run::{exit_status, run};

/// How long the log may hold up the end of a program that is told to stop.
const LAST_WORDS: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let started = Instant::now();
    let status = match Cli::try_parse() {
        Ok(cli) => {
            stop_when_told(started);
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
fn stop_when_told(started: Instant) {
    #[expect(
        clippy::exit,
        reason = "the threads wait for answers, and cannot be told"
    )]
    let stop = move || {
        // In a thread of its own, because one that waits for whoever reads stderr may hold the log.
        let (said, is_said) = mpsc::channel();
        let last_words = thread::Builder::new().spawn(move || {
            console::end(ExitStatus::Interrupted, started.elapsed());
            let _ = said.send(());
        });
        drop(last_words);
        let _ = is_said.recv_timeout(LAST_WORDS);
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
