//! The command `daily-gpu-log`.

use std::process::ExitCode;

use clap::Parser;
use daily_gpu_log::cli::{Cli, usage_error};
use daily_gpu_log::console;
use daily_gpu_log::exit_status::ExitStatus;
use daily_gpu_log::run::run;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => return print_help(&error),
        Err(error) => {
            console::fail(usage_error(&error));
            return ExitStatus::Usage.into();
        }
    };
    let status = run(&cli).unwrap_or_else(|error| {
        console::fail(format_args!("{error:#}"));
        ExitStatus::of(&error)
    });
    status.into()
}

/// `--help` and `--version` come as errors from clap.
fn print_help(help: &clap::Error) -> ExitCode {
    // Nobody reads on where this fails.
    let _ = help.print();
    ExitStatus::Complete.into()
}
