//! What the program does besides collecting.

use clap::Subcommand;
use clap_complete::Shell;

use super::{CheckArgs, ConfigCommand, StatusArgs};

/// The help of a subcommand that takes arguments.
pub(super) const ARGUMENTS_TEMPLATE: &str = "\
{about}

用法: {usage}

引數:
{positionals}

選項:
{options}
";

/// The help of a subcommand that takes options alone.
pub(super) const OPTIONS_TEMPLATE: &str = "\
{about}

用法: {usage}

選項:
{options}{after-help}
";

/// The help of a subcommand that has subcommands of its own.
const SUBCOMMANDS_TEMPLATE: &str = "\
{about}

用法: {usage}

子命令:
{subcommands}

選項:
{options}
";

const CHECK_AFTER_HELP: &str = "\
結束狀態: 0 沒有錯誤 (可能有警告)；3 資料目錄、管理 API 或節點有錯誤；10 設定或 Token 有錯誤。";

/// What the program does besides collecting.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say how the last days went.
    #[command(about = "顯示最近幾天的收集狀態", help_template = OPTIONS_TEMPLATE)]
    #[command(override_usage = "daily-gpu-log status [選項]")]
    Status(Box<StatusArgs>),
    /// Look whether a collection would succeed.
    #[command(about = "檢查設定、資料目錄、Token、管理 API 與每個節點，不收集也不寫入")]
    #[command(override_usage = "daily-gpu-log check [選項]", help_template = OPTIONS_TEMPLATE)]
    #[command(after_help = CHECK_AFTER_HELP)]
    Check(CheckArgs),
    /// The settings file.
    #[command(about = "顯示生效的設定，或產生設定檔", help_template = SUBCOMMANDS_TEMPLATE)]
    #[command(override_usage = "daily-gpu-log config <show|init>")]
    #[command(disable_help_subcommand = true, arg_required_else_help = false)]
    Config {
        /// What to do with it.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Print a completion script.
    #[command(about = "輸出 shell 的自動補全腳本", help_template = ARGUMENTS_TEMPLATE)]
    #[command(override_usage = "daily-gpu-log completions <SHELL>")]
    Completions {
        /// The shell.
        #[arg(value_name = "SHELL", hide_possible_values = true)]
        #[arg(help = "bash、elvish、fish、powershell 或 zsh")]
        shell: Shell,
    },
    /// Print the manual page.
    #[command(about = "輸出 man 手冊頁", help_template = OPTIONS_TEMPLATE)]
    #[command(override_usage = "daily-gpu-log man")]
    Man,
}
