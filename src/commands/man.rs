//! `man` and `completions`: the command line and the manual for `man`, and the command line for shells.

use std::io;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::manual::TOPICS;
use crate::formats::roff;
use crate::model::{ExitStatus, text};
use crate::outlets::console;
use crate::store::pages;

const VERSION: &str = concat!("daily-gpu-log ", env!("CARGO_PKG_VERSION"));

#[derive(Args, Debug)]
pub struct ManArgs {
    #[arg(long, value_name = "DIR")]
    #[arg(help = text(
        "將程式、每個子命令與每個主題的手冊頁\n寫到這個目錄 [預設: 輸出程式的手冊頁]",
        "write the manual pages of the program, of each\ncommand and of each topic to this directory\n\
         [default: print the page of the program]"
    ))]
    dir: Option<PathBuf>,
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
        let mut all = Vec::new();
        let topics = TOPICS.iter().map(|topic| topic.name);
        let topics = topics.map(|topic| format!("daily-gpu-log-{topic}(7)"));
        let topics: Vec<_> = topics.collect();
        add_command(&mut all, &program, "daily-gpu-log", &topics)?;
        all.extend(TOPICS.iter().map(|topic| {
            let name = format!("daily-gpu-log-{}", topic.name);
            let page = roff::page(&name, VERSION, topic.text());
            (format!("{name}.7"), page)
        }));
        pages::write(directory, &all)?;
    } else {
        // Without the section of the subcommands, which have no page that it could refer to.
        let page = rendered(program, &[], |page, text| {
            page.render_title(text)?;
            page.render_name_section(text)?;
            page.render_synopsis_section(text)?;
            page.render_description_section(text)?;
            page.render_options_section(text)?;
            page.render_extra_section(text)
        })?;
        console::print(page)?;
    }
    Ok(ExitStatus::Complete)
}

/// Adds the page of a command, and those of its subcommands, each with the name of its file.
fn add_command(
    pages: &mut Vec<(String, String)>,
    command: &Command,
    name: &str,
    topics: &[String],
) -> io::Result<()> {
    let page = rendered(command.clone(), topics, |page, text| page.render(text))?;
    pages.push((format!("{name}.1"), page));
    for subcommand in command.get_subcommands() {
        let name = format!("{name}-{}", subcommand.get_name());
        add_command(pages, subcommand, &name, topics)?;
    }
    Ok(())
}

fn rendered(
    command: Command,
    see_also: &[String],
    render: impl Fn(&Man, &mut Vec<u8>) -> io::Result<()>,
) -> io::Result<String> {
    let mut text = Vec::new();
    render(&Man::new(command), &mut text)?;
    Ok(roff::command_page(
        &String::from_utf8_lossy(&text),
        see_also,
    ))
}
