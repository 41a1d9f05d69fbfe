//! The command line.

pub mod command;
pub mod reference;
pub mod usage;

use clap::{ArgAction, Parser};

use crate::commands::collect::args::RunArgs;
pub use command::Command;

const HELP_TEMPLATE: &str = "\
{about}

用法: {usage}

引數:
{positionals}

選項:
{options}

子命令:
{subcommands}{after-help}
";

const AFTER_HELP: &str = "\
設定檔依序尋找: --config、./daily-gpu-log.toml、$XDG_CONFIG_HOME/daily-gpu-log/config.toml、
/etc/daily-gpu-log/config.toml；都沒有時使用內建的叢集 (colab-gpu1 到 colab-gpu4)。
管理 API 的 Token 依序取自: $CREDENTIALS_DIRECTORY/management-api-token、設定檔的 token_file、
環境變數 MANAGEMENT_API_TOKEN。

結束狀態: 0 完整；1 失敗，沒有寫入任何新資料；2 用法錯誤；3 已寫入但不完整 (缺少節點、GPU、讀數
或任務資訊)；10 設定或憑證錯誤；11 另一次執行佔用資料目錄；130 被中斷。";

/// What the user asks for.
#[derive(Debug, Parser)]
#[command(
    name = "daily-gpu-log",
    version,
    about = "收集叢集一天的 AMD GPU 與 VRAM 使用率，以及每張 GPU 的使用者",
    after_help = AFTER_HELP,
    help_template = HELP_TEMPLATE,
    override_usage = "daily-gpu-log [選項] [DATE] [--to DATE]",
    disable_help_flag = true,
    disable_version_flag = true,
    disable_help_subcommand = true,
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    /// What to do instead of collecting.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What to collect, and how.
    #[command(flatten)]
    pub run: RunArgs,
    #[arg(short, long, action = ArgAction::Help, global = true, help = "顯示說明")]
    help: (),
    #[arg(short = 'V', long, action = ArgAction::Version, help = "顯示版本")]
    version: (),
}
