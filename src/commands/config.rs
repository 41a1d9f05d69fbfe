//! `config`: the settings in force, and a settings file to begin with.

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;

use super::frame::Frame;
use crate::model::{ExitStatus, text};
use crate::outlets::console;
use crate::settings;
use crate::store::new_file;

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    #[command(about = text(
        "顯示生效的設定，以及每個設定的來源",
        "Show the settings in force, and where each comes from",
    ))]
    Show,
    #[command(about = text(
        "輸出含有所有設定與說明的設定檔",
        "Print a settings file with every setting explained",
    ))]
    Init {
        #[arg(long, value_name = "FILE")]
        #[arg(help = text(
            "寫到這個檔案，不覆寫既有的檔案 [預設: 標準輸出]",
            "write to this file, never over an existing one\n[default: standard output]",
        ))]
        output: Option<PathBuf>,
    },
}

pub fn run(command: &ConfigCommand, frame: &Frame) -> Result<ExitStatus> {
    match command {
        ConfigCommand::Show => {
            let explained = settings::explain(&frame.args.settings)?;
            frame.print_report(&explained, false, ToString::to_string)?;
        }
        ConfigCommand::Init { output: Some(path) } => {
            new_file::write_new(path, settings::template().as_bytes())?;
        }
        ConfigCommand::Init { output: None } => console::print(settings::template())?,
    }
    Ok(ExitStatus::Complete)
}
