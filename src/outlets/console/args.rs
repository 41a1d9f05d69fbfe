//! The options that say how much is printed and logged, and how.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

use crate::model::text;

/// How a line of the log looks, on stderr and in the log file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    #[default]
    Text,
    /// A JSON object a line, for programs.
    Json,
}

#[derive(Args, Debug, Default)]
pub struct OutputArgs {
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    #[arg(help = text("安靜: 只在有問題時輸出", "be quiet: print only what is wrong"))]
    pub quiet: bool,
    #[arg(short, long, global = true, action = ArgAction::Count)]
    #[arg(help = text("輸出執行細節 (-vv 更多)", "print details of the run (-vv: more)"))]
    pub verbose: u8,
    #[arg(long, global = true)]
    #[arg(help = text("以一個 JSON 物件輸出結果", "print the result as one JSON object"))]
    pub json: bool,
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        value_enum,
        default_value_t
    )]
    #[arg(hide_default_value = true, hide_possible_values = true)]
    #[arg(help = text(
        "標準錯誤輸出與記錄檔的格式: text 或\njson (每行一個物件) [預設: text]",
        "the format of stderr and of the log file: text or\njson (one object per line) [default: text]"
    ))]
    pub log_format: LogFormat,
    #[arg(long, global = true, value_name = "FILE")]
    #[arg(help = text(
        "將記錄附加到這個檔案，--quiet 時也一樣",
        "append the log to this file, even with --quiet"
    ))]
    pub log_file: Option<PathBuf>,
}
