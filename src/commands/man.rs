//! `man` and `completions`: the command line and the manual for `man`, and the command line for shells.

use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Result, anyhow};
use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::manual::{Language, TOPICS};
use crate::formats::roff;
use crate::model::ExitStatus;
use crate::outlets::console;

const VERSION: &str = concat!("daily-gpu-log ", env!("CARGO_PKG_VERSION"));

type Section = fn(&Man, &mut dyn io::Write) -> io::Result<()>;

/// The sections of the program's page where the subcommands have none that it could refer to.
const PROGRAM_ALONE: [Section; 6] = [
    Man::render_title,
    Man::render_name_section,
    Man::render_synopsis_section,
    Man::render_description_section,
    Man::render_options_section,
    Man::render_extra_section,
];

#[derive(Args, Debug)]
pub struct ManArgs {
    #[arg(long, value_name = "DIR")]
    #[arg(help = "將程式、每個子命令與每個主題的手冊頁\n寫到這個目錄 [預設: 輸出程式的手冊頁]")]
    dir: Option<PathBuf>,
    #[arg(long, value_name = "LANG", value_enum, requires = "dir")]
    #[arg(
        default_value_t,
        hide_default_value = true,
        hide_possible_values = true
    )]
    #[arg(help = "主題的語言: zh-TW 或 en [預設: zh-TW]")]
    lang: Language,
}

pub fn completions(shell: Shell, mut program: Command) -> Result<ExitStatus> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut program, "daily-gpu-log", &mut script);
    console::print(script)?;
    Ok(ExitStatus::Complete)
}

pub fn run(args: &ManArgs, mut program: Command) -> Result<ExitStatus> {
    if let Some(directory) = &args.dir {
        program.build();
        let written = write_pages(directory, &program, args.lang);
        let directory = directory.display();
        written.map_err(|cause| anyhow!("無法將手冊頁寫到 {directory}：{cause}"))?;
    } else {
        let page = rendered(&Man::new(program), &PROGRAM_ALONE)?;
        console::print(page)?;
    }
    Ok(ExitStatus::Complete)
}

fn write_pages(directory: &Path, program: &Command, language: Language) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    write_command(directory, program, "daily-gpu-log")?;
    for topic in &TOPICS {
        let name = format!("daily-gpu-log-{}", topic.name);
        let page = roff::page(&name, VERSION, topic.text(language));
        fs::write(directory.join(format!("{name}.7")), page)?;
    }
    Ok(())
}

/// Writes the page of a command, and those of its subcommands.
fn write_command(directory: &Path, command: &Command, name: &str) -> io::Result<()> {
    let page = rendered(&Man::new(command.clone()), &[Man::render])?;
    fs::write(directory.join(format!("{name}.1")), page)?;
    for subcommand in command.get_subcommands() {
        let name = format!("{name}-{}", subcommand.get_name());
        write_command(directory, subcommand, &name)?;
    }
    Ok(())
}

fn rendered(page: &Man, sections: &[Section]) -> io::Result<String> {
    let mut text = Vec::new();
    for section in sections {
        section(page, &mut text)?;
    }
    Ok(roff::with_breaks(&String::from_utf8_lossy(&text)))
}
