//! The command line: what may be asked, and which command answers it.

pub mod help;
pub mod language;
pub mod usage;

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use clap::{ArgAction, Parser, Subcommand};
use clap_complete::Shell;

use crate::commands::alerts::{self, AlertsArgs};
use crate::commands::archive::{self, ArchiveArgs};
use crate::commands::check::{self, CheckArgs};
use crate::commands::collect::args::RunArgs;
use crate::commands::collect::metrics_file::MetricsFile;
use crate::commands::config::{self, ConfigCommand};
use crate::commands::export::{self, ExportCommand};
use crate::commands::frame::{CommonArgs, Frame};
use crate::commands::help::HelpArgs;
use crate::commands::inventory::{self, InventoryArgs};
use crate::commands::live::{self, LiveArgs};
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
    about = text("收集叢集一天的 AMD GPU 與 VRAM 使用率，以及每張 GPU 的使用者", "Collect a day of a cluster's AMD GPU and VRAM utilisation, and who held each GPU"),
    after_help = help::tail!("program"),
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
    #[arg(short, long, action = ArgAction::Help, global = true, help = text("顯示說明", "show the help"))]
    help: (),
    #[arg(short = 'V', long, action = ArgAction::Version, help = text("顯示版本", "show the version"))]
    version: (),
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(about = text("顯示最近幾天的收集狀態", "Show how the last days were collected"), after_help = help::tail!("status"))]
    Status(StatusArgs),
    #[command(about = text("顯示每位使用者的 GPU 時數、閒置時數與平均使用率", "Show each user's GPU-hours, idle hours and mean utilisation"), after_help = help::tail!("users"))]
    Users(UsersArgs),
    #[command(about = text("列出 GPU 閒置過久的使用者；加上 --send 才會通知", "List users whose GPUs were idle for too long; --send notifies"), after_help = help::tail!("alerts"))]
    Alerts(AlertsArgs),
    #[command(about = text("產生一個 HTML 網頁：每張 GPU 做了什麼、誰佔用多久", "Write a page (HTML): what every GPU did, and who held it"), after_help = help::tail!("report"))]
    Report(ReportArgs),
    #[command(about = text("顯示現在誰在用哪張 GPU、使用率與閒置多久", "Show who is on which GPU now, how busy, and how long idle"), after_help = help::tail!("live"))]
    Live(LiveArgs),
    #[command(about = text("把資料目錄匯出到資料庫或 Parquet 檔案", "Copy the data directory to a database or Parquet files"), after_help = help::tail!("export"), arg_required_else_help = false)]
    Export {
        #[command(subcommand)]
        command: ExportCommand,
    },
    #[command(about = text("把完成的月份移出資料目錄；其他命令仍會讀取", "Move finished months away, where they are still read"), after_help = help::tail!("archive"))]
    Archive(ArchiveArgs),
    #[command(about = text("檢查設定、Token、管理 API 與每個節點，不收集也不寫入", "Check settings, token, API and nodes; write nothing"), after_help = help::tail!("check"))]
    Check(CheckArgs),
    #[command(about = text("顯示生效的設定，或產生設定檔", "Show the settings in force, or make a settings file"), arg_required_else_help = false)]
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    #[command(about = text("輸出一個 GPU 節點的 [[nodes]] 表格，用於設定檔", "Print the [[nodes]] table of a GPU node, for the settings"), after_help = help::tail!("inventory"))]
    Inventory(InventoryArgs),
    #[command(about = text("輸出 shell 的自動補全腳本", "Print the completion script for a shell"))]
    Completions {
        #[arg(value_name = "SHELL", hide_possible_values = true)]
        #[arg(help = text("bash、elvish、fish、powershell 或 zsh", "bash, elvish, fish, powershell or zsh"))]
        shell: Shell,
    },
    #[command(about = text("輸出 man 手冊頁", "Print the manual page"))]
    Man(ManArgs),
    #[command(about = text("列出子命令與手冊的主題，或顯示其中之一", "List the commands and the topics of the manual, or show one"))]
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
            Command::Live(args) => live::run(args, &frame),
            Command::Export { command } => export::run(command, &frame),
            Command::Archive(args) => archive::run(args, &frame),
            Command::Check(args) => check::run(args, &frame),
            Command::Config { command } => config::run(command, &frame),
            Command::Inventory(args) => inventory::run(args),
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
