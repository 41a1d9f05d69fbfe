//! The arguments of `check`.

use clap::Args;

use super::args::OutputArgs;
use crate::settings::SettingsArgs;

/// The arguments of `check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// The nodes that are checked; all if there are none.
    #[arg(long = "node", value_name = "NAME", value_delimiter = ',')]
    #[arg(help = "只檢查這些節點 (可重複，或以逗號分隔)")]
    pub nodes: Vec<String>,
    /// Check neither the token nor the management API.
    #[arg(long, help = "不檢查 Token 與管理 API")]
    pub skip_task_info: bool,
    /// The settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// What is said, and how.
    #[command(flatten)]
    pub output: OutputArgs,
}
