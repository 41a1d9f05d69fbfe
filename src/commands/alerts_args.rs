//! The arguments of `alerts`.

use std::time::Duration;

use clap::Args;

use super::args::OutputArgs;
use super::values::parse_seconds;
use crate::model::day::DateArg;
use crate::settings::SettingsArgs;

/// Which idle GPUs are looked for, and who is told.
#[derive(Args, Debug)]
pub struct AlertsArgs {
    /// The last day that is looked at.
    #[arg(
        value_name = "DATE",
        default_value = "yesterday",
        hide_default_value = true
    )]
    #[arg(help = "最後一天: YYYY-MM-DD、today 或 yesterday [預設: yesterday]")]
    pub date: DateArg,
    /// Tell the admin and the users.
    #[arg(
        long,
        help = "通知管理員 ([notify])，並寄信給 [users] 中有地址的使用者"
    )]
    pub send: bool,
    /// How long to wait for another run to end.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "0",
        hide_default_value = true
    )]
    #[arg(value_parser = parse_seconds, requires = "send")]
    #[arg(help = "--send 時，另一次執行佔用資料目錄，最多等待的秒數 [預設: 0]")]
    pub wait: Duration,
    /// The settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// What is said, and how.
    #[command(flatten)]
    pub output: OutputArgs,
}
