//! What the program does besides collecting.

use clap::Subcommand;
use clap_complete::Shell;

use super::StatusArgs;

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
{options}
";

/// What the program does besides collecting.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say how the last days went.
    #[command(about = "顯示最近幾天的收集狀態", help_template = OPTIONS_TEMPLATE)]
    #[command(override_usage = "daily-gpu-log status [選項]")]
    Status(Box<StatusArgs>),
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
