//! The options of a run that collects.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::commands::values::{
    MOST_DAYS, MOST_JOBS, node_name, parse_seconds, parse_within, user_name,
};
use crate::model::{DateArg, text};

#[derive(Args, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
pub struct RunArgs {
    #[arg(value_name = "DATE", default_value = "today")]
    #[arg(hide_default_value = true)]
    #[arg(help = text("要收集的日期: YYYY-MM-DD、today 或 yesterday [預設: today]", "the day: YYYY-MM-DD, today or yesterday\n[default: today]"))]
    pub date: DateArg,
    #[arg(long, value_name = "DATE", conflicts_with = "user_report")]
    #[arg(help = text("收集 DATE 到這個日期的每一天，由舊到新", "collect each day from DATE to this, oldest first"))]
    pub to: Option<DateArg>,
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true)]
    #[arg(value_parser = |days: &str| parse_within(days, 0..=MOST_DAYS, text("天數", "a number of days")))]
    #[arg(conflicts_with = "user_report")]
    #[arg(help = text("也補齊 DATE 之前 N 天中缺少或不完整的資料", "also collect what is missing or incomplete in the\nN days before DATE"))]
    pub catch_up: u16,
    #[arg(long, conflicts_with = "user_report")]
    #[arg(help = text("只列出將收集的日期與節點，不連線也不寫入", "list the days and nodes to collect; connect to\nnothing, write nothing"))]
    pub dry_run: bool,
    #[arg(long, conflicts_with = "skip_task_info")]
    #[arg(help = text("只顯示當日的 GPU 使用者任務報告，\n不收集也不寫入", "print only the day's task report; collect and\nwrite nothing"))]
    pub user_report: bool,
    #[arg(long, help = text("不連線管理 API，只收集使用率", "do not contact the management API; collect only\nutilisation"))]
    pub skip_task_info: bool,
    #[arg(long, value_name = "NAME", requires = "user_report")]
    #[arg(conflicts_with = "skip_task_info", value_parser = user_name())]
    #[arg(help = text("任務報告只列這位使用者的任務\n(搭配 --user-report)", "list only this user's tasks in the task report\n(with --user-report)"))]
    pub user: Option<String>,
    #[arg(long, requires = "user_report", conflicts_with = "skip_task_info")]
    #[arg(help = text("任務報告以代號取代使用者、專案、映像檔與\n任務 (搭配 --user-report)", "print pseudonyms for users, projects, images and\ntasks in the task report (with --user-report)"))]
    pub anonymize: bool,
    #[arg(long = "node", value_name = "NAME", value_delimiter = ',', value_parser = node_name())]
    #[arg(help = text("只處理這些節點 (可重複，或以逗號分隔)", "only these nodes (repeatable, or with commas)"))]
    pub nodes: Vec<String>,
    /// Without it [`DEFAULT_JOBS`](crate::commands::values::DEFAULT_JOBS), and up to [`MOST_JOBS`] where none answers.
    #[arg(long, value_name = "N")]
    #[arg(value_parser = |jobs: &str| parse_within(jobs, 1..=MOST_JOBS, text("整數", "an integer")))]
    #[arg(help = text("同時收集的節點數，1 到 400\n[預設: 64，全都沒有回應時增加]", "nodes collected at once, 1 to 400\n[default: 64, more while no node answers]"))]
    pub jobs: Option<u16>,
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    #[arg(default_value = "0", hide_default_value = true)]
    #[arg(help = text("另一次執行佔用資料目錄時，最多等待的秒數\n[預設: 0]", "how long to wait for another run that holds the\ndata directory [default: 0]"))]
    pub wait: Duration,
    #[arg(long, value_name = "FILE", conflicts_with = "user_report")]
    #[arg(help = text("將執行結果以 OpenMetrics 格式寫入這個檔案，\n供 node_exporter 讀取", "write the run's result in OpenMetrics format to\nthis file, for node_exporter"))]
    pub metrics_file: Option<PathBuf>,
}
