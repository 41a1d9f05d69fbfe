//! The command line: what may be asked, and which command answers it.

pub mod help;
pub mod usage;

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use clap::{ArgAction, Parser, Subcommand};
use clap_complete::Shell;

use crate::commands::alerts::{self, AlertsArgs};
use crate::commands::check::{self, CheckArgs};
use crate::commands::collect::args::RunArgs;
use crate::commands::collect::metrics_file::MetricsFile;
use crate::commands::config::{self, ConfigCommand};
use crate::commands::frame::{CommonArgs, Frame};
use crate::commands::help::HelpArgs;
use crate::commands::man::ManArgs;
use crate::commands::report::{self, ReportArgs};
use crate::commands::status::{self, StatusArgs};
use crate::commands::users::{self, UsersArgs};
use crate::commands::{self, collect, man};
use crate::model::{ExitStatus, text};

#[derive(Debug, Parser)]
#[command(
    name = "daily-gpu-log",
    version,
    about = "收集叢集一天的 AMD GPU 與 VRAM 使用率，以及每張 GPU 的使用者",
    after_help = help::OF_PROGRAM,
    disable_help_flag = true,
    disable_version_flag = true,
    disable_help_subcommand = true,
    subcommand_negates_reqs = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    common: CommonArgs,
    #[arg(short, long, action = ArgAction::Help, global = true, help = "顯示說明")]
    help: (),
    #[arg(short = 'V', long, action = ArgAction::Version, help = "顯示版本")]
    version: (),
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(about = "顯示最近幾天的收集狀態", after_help = help::OF_STATUS)]
    Status(StatusArgs),
    #[command(about = "顯示每位使用者的 GPU 時數、閒置時數與平均使用率", after_help = help::OF_USERS)]
    Users(UsersArgs),
    #[command(about = "列出 GPU 閒置過久的使用者；加上 --send 才會通知", after_help = help::OF_ALERTS)]
    Alerts(AlertsArgs),
    #[command(about = text(
        "產生一個 HTML 網頁：每張 GPU 做了什麼、誰佔用多久",
        "write a page (HTML): what every GPU did, and who held it for how long",
    ), after_help = help::of_report())]
    Report(ReportArgs),
    #[command(about = "檢查設定、Token、管理 API 與每個節點，不收集也不寫入", after_help = help::OF_CHECK)]
    Check(CheckArgs),
    #[command(about = "顯示生效的設定，或產生設定檔", arg_required_else_help = false)]
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    #[command(about = "輸出 shell 的自動補全腳本")]
    Completions {
        #[arg(value_name = "SHELL", hide_possible_values = true)]
        #[arg(help = "bash、elvish、fish、powershell 或 zsh")]
        shell: Shell,
    },
    #[command(about = "輸出 man 手冊頁")]
    Man(ManArgs),
    #[command(about = "列出子命令與手冊的主題，或顯示其中之一")]
    Help(HelpArgs),
}

impl Cli {
    /// Does what the command line asks for, in a run that began at `started`.
    pub fn run(&self, started: Instant) -> Result<ExitStatus> {
        let Some(command) = &self.command else {
            let path = self.metrics_file();
            let metrics = MetricsFile { path, started };
            return collect::run(&self.run, &self.common, &metrics);
        };
        let frame = Frame::open(&self.common)?;
        match command {
            Command::Status(args) => status::run(args, &frame),
            Command::Users(args) => users::run(args, &frame),
            Command::Alerts(args) => alerts::run(args, &frame),
            Command::Report(args) => report::run(args, &frame),
            Command::Check(args) => check::run(args, &frame),
            Command::Config { command } => config::run(command, &frame),
            Command::Completions { shell } => man::completions(*shell, help::command()),
            Command::Man(args) => man::run(args, help::command()),
            Command::Help(args) => commands::help::run(args, help::command()),
        }
    }

    /// The file that monitoring reads the end of the run in, if there is one, and this is a run.
    pub fn metrics_file(&self) -> Option<&Path> {
        let is_run = self.command.is_none() && !self.run.dry_run;
        self.run.metrics_file.as_deref().filter(|_| is_run)
    }
}
