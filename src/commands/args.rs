//! The options that the run and the subcommands share.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// A JSON object, for programs.
    Json,
}

/// What is said, and how.
#[derive(Args, Debug, Default)]
pub struct OutputArgs {
    /// Say nothing unless something is wrong.
    #[arg(
        short,
        long,
        conflicts_with = "verbose",
        help = "安靜: 只在有問題時輸出"
    )]
    pub quiet: bool,
    /// Say more.
    #[arg(short, long, action = ArgAction::Count, help = "輸出執行細節 (-vv 更多)")]
    pub verbose: u8,
    /// Print the result as JSON.
    #[arg(long, help = "以一個 JSON 物件輸出結果")]
    pub json: bool,
    /// How a line of the log looks, on stderr and in the log file.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    #[arg(hide_default_value = true, hide_possible_values = true)]
    #[arg(help = "標準錯誤輸出與記錄檔的格式: text 或 json (每行一個物件) [預設: text]")]
    pub log_format: LogFormat,
    /// The file that the log is appended to.
    #[arg(
        long,
        value_name = "FILE",
        help = "將執行記錄附加到這個檔案，--quiet 時也一樣"
    )]
    pub log_file: Option<PathBuf>,
}
