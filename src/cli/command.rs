//! What the program does besides collecting.

use clap::Subcommand;
use clap_complete::Shell;

use crate::commands::alerts_args::AlertsArgs;
use crate::commands::check_args::CheckArgs;
use crate::commands::config_args::ConfigCommand;
use crate::commands::status_args::StatusArgs;
use crate::commands::users_args::UsersArgs;

/// The help of a subcommand that takes arguments.
pub const ARGUMENTS_TEMPLATE: &str = "\
{about}

用法: {usage}

引數:
{positionals}

選項:
{options}{after-help}
";

/// The help of a subcommand that takes options alone.
pub const OPTIONS_TEMPLATE: &str = "\
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
結束狀態: 0 沒有錯誤 (可能有警告)；3 資料目錄、管理 API 或節點有錯誤；10 設定、Token 或通知的秘密有錯誤。";

const USERS_AFTER_HELP: &str = "\
閒置 (佔用VRAM) 是閒置時數中 VRAM 仍有資料的部分；無讀數是佔用期間沒有讀數、無法得知是否使用的時數。
平均只計佔用期間的讀數，涵蓋率是佔用時數中有讀數的比例。

結束狀態: 0 每一天、每個節點都有帳目；1 代號的金鑰無法寫入；2 用法錯誤，或沒有這位使用者；
3 有缺少或無法讀取的帳目；10 設定錯誤，或代號的金鑰無法使用。";

const ALERTS_AFTER_HELP: &str = "\
門檻在設定檔的 [alerts] 與 [[alerts.rules]]。不完整或有疑問的資料不算閒置，並會列出。
同一位使用者的同一個規則在 window_days (預設 7) 天內只通知一次，通知失敗也不再通知。
--send 的 DATE 最早是 window_days 天前。

結束狀態: 0 完成 (不論有沒有使用者達到門檻)；2 用法錯誤；3 有節點或所有節點都沒有可以判斷的
資料，或有通知沒有送達；10 設定或憑證錯誤，或 --send 而沒有通知的管道；11 另一次執行佔用資料目錄。";

/// What the program does besides collecting.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say how the last days went.
    #[command(about = "顯示最近幾天的收集狀態", help_template = OPTIONS_TEMPLATE)]
    #[command(override_usage = "daily-gpu-log status [選項]")]
    Status(Box<StatusArgs>),
    /// Say how many GPU-hours each user held, and whether they did anything.
    #[command(about = "顯示每位使用者的 GPU 時數、閒置時數與平均使用率，依已寫入的報告")]
    #[command(override_usage = "daily-gpu-log users [選項] [DATE] [--to DATE]")]
    #[command(help_template = ARGUMENTS_TEMPLATE, after_help = USERS_AFTER_HELP)]
    Users(Box<UsersArgs>),
    /// Say who has idle GPUs, and tell them.
    #[command(about = "列出 GPU 閒置過久的使用者；加上 --send 才會通知")]
    #[command(help_template = ARGUMENTS_TEMPLATE, after_help = ALERTS_AFTER_HELP)]
    #[command(override_usage = "daily-gpu-log alerts [選項] [DATE]")]
    Alerts(Box<AlertsArgs>),
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
