//! `man` and `completions`: what the command line says of itself to `man` and to shells.

use anyhow::Result;
use clap::Command;
use clap_complete::Shell;

use crate::model::exit_status::ExitStatus;
use crate::outlets::console;

pub fn completions(shell: Shell, mut command: Command) -> Result<ExitStatus> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "daily-gpu-log", &mut script);
    console::print(script)?;
    Ok(ExitStatus::Complete)
}

pub fn run(command: Command) -> Result<ExitStatus> {
    let page = clap_mangen::Man::new(command);
    // The subcommands have no pages of their own that a section could refer to.
    let sections = [
        clap_mangen::Man::render_title,
        clap_mangen::Man::render_name_section,
        clap_mangen::Man::render_synopsis_section,
        clap_mangen::Man::render_description_section,
        clap_mangen::Man::render_options_section,
        clap_mangen::Man::render_extra_section,
    ];
    let mut text = Vec::new();
    for section in sections {
        section(&page, &mut text)?;
    }
    console::print(text)?;
    Ok(ExitStatus::Complete)
}
