//! The arguments of a run that collects.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use crate::commands::args::OutputArgs;
use crate::commands::values::{parse_days, parse_jobs, parse_seconds};
use crate::model::day::DateArg;
use crate::settings::SettingsArgs;

/// The arguments of a run.
#[derive(Args, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
pub struct RunArgs {
    /// The day.
    #[arg(
        value_name = "DATE",
        default_value = "today",
        hide_default_value = true
    )]
    #[arg(help = "要收集的日期: YYYY-MM-DD、today 或 yesterday [預設: today]")]
    pub date: DateArg,
    /// The last day of a range.
    #[arg(long, value_name = "DATE", conflicts_with_all = ["user_report"])]
    #[arg(help = "收集 DATE 到這個日期的每一天，由舊到新")]
    pub to: Option<DateArg>,
    /// How many days before DATE are completed as well.
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true)]
    #[arg(value_parser = parse_days, conflicts_with = "user_report")]
    #[arg(help = "也補齊 DATE 之前 N 天中缺少或不完整的資料")]
    pub catch_up: u16,
    /// Say what would be collected, and collect nothing.
    #[arg(
        long,
        conflicts_with = "user_report",
        help = "只列出將收集的日期與節點，不連線也不寫入"
    )]
    pub dry_run: bool,
    /// Print the tasks of the day, and collect nothing.
    #[arg(
        long,
        conflicts_with = "skip_task_info",
        help = "只顯示當日的 GPU 使用者任務報告，不收集也不寫入"
    )]
    pub user_report: bool,
    /// Do not ask the management API.
    #[arg(long, help = "不連線管理 API，只收集使用率")]
    pub skip_task_info: bool,
    /// The user whose tasks are reported.
    #[arg(long, value_name = "NAME", requires = "user_report", conflicts_with = "skip_task_info", value_parser = NonEmptyStringValueParser::new())]
    #[arg(help = "任務報告只列這位使用者的任務 (搭配 --user-report)")]
    pub user: Option<String>,
    /// Show pseudonyms.
    #[arg(
        long,
        requires = "user_report",
        conflicts_with = "skip_task_info",
        help = "任務報告以代號取代使用者、專案、映像檔與任務 (搭配 --user-report)"
    )]
    pub anonymize: bool,
    /// The nodes that are collected; all if there are none.
    #[arg(long = "node", value_name = "NAME", value_delimiter = ',')]
    #[arg(help = "只處理這些節點 (可重複，或以逗號分隔)")]
    pub nodes: Vec<String>,
    /// How many nodes are collected at once; without it [`DEFAULT_JOBS`](crate::commands::values::DEFAULT_JOBS), and up to
    /// [`MOST_JOBS`](crate::commands::values::MOST_JOBS) where none answers.
    #[arg(long, value_name = "N", value_parser = parse_jobs)]
    #[arg(help = "同時收集的節點數，1 到 400 [預設: 64，全都沒有回應時增加]")]
    pub jobs: Option<u16>,
    /// How long to wait for another run to end.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "0",
        hide_default_value = true
    )]
    #[arg(value_parser = parse_seconds)]
    #[arg(help = "另一次執行佔用資料目錄時，最多等待的秒數 [預設: 0]")]
    pub wait: Duration,
    /// The file that tells node_exporter of the run.
    #[arg(long, value_name = "FILE", conflicts_with = "user_report")]
    #[arg(help = "將執行結果以 OpenMetrics 格式寫入這個檔案，供 node_exporter 讀取")]
    pub metrics_file: Option<PathBuf>,
    /// The settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// What is said, and how.
    #[command(flatten)]
    pub output: OutputArgs,
}
