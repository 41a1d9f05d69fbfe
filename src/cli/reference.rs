//! What the command line says of itself to shells and to `man`.

use clap::CommandFactory;
use clap_complete::Shell;

use super::Cli;

/// The completion script of a shell.
pub fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "daily-gpu-log", &mut script);
    script
}

/// The manual page.
pub fn manual_page() -> Vec<u8> {
    let page = clap_mangen::Man::new(Cli::command());
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
        section(&page, &mut text).expect("a vector takes whatever is written");
    }
    text
}
