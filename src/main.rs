//! The command `daily-gpu-log`.

use std::process::ExitCode;

use clap::Parser;
use daily_gpu_log::cli::{Cli, usage_error};
use daily_gpu_log::console;
use daily_gpu_log::exit_status::ExitStatus;
use daily_gpu_log::run::{exit_status, run};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => return print_help(&error),
        Err(error) => {
            console::fail(usage_error(&error));
            return ExitStatus::Usage.into();
        }
    };
    stop_when_told();
    let status = run(&cli).unwrap_or_else(|error| {
        console::fail(format_args!("{error:#}"));
        exit_status(&error)
    });
    status.into()
}

/// Ends the program at once on SIGINT, SIGTERM and SIGHUP. That loses nothing: a file is whole at every moment.
fn stop_when_told() {
    #[expect(
        clippy::exit,
        reason = "the threads wait for answers, and cannot be told"
    )]
    let stop = || std::process::exit(u8::from(ExitStatus::Interrupted).into());
    // Where there can be no handler, the signal itself ends the program.
    let _ = ctrlc::set_handler(stop);
}

/// `--help` and `--version` come as errors from clap.
fn print_help(help: &clap::Error) -> ExitCode {
    // Nobody reads on where this fails.
    let _ = help.print();
    ExitStatus::Complete.into()
}
