//! The arguments of `config show` and `config init`.

use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::command::OPTIONS_TEMPLATE;
use crate::settings::SettingsArgs;

/// What to do with the settings file.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the settings in force.
    #[command(about = "顯示生效的設定，以及每個設定的來源", help_template = OPTIONS_TEMPLATE)]
    #[command(override_usage = "daily-gpu-log config show [選項]")]
    Show {
        /// The settings.
        #[command(flatten)]
        settings: SettingsArgs,
        /// Print them as JSON.
        #[arg(long, help = "以一個 JSON 物件輸出")]
        json: bool,
    },
    /// Print a settings file to begin with.
    #[command(about = "輸出含有所有設定與說明的設定檔", help_template = OPTIONS_TEMPLATE)]
    #[command(override_usage = "daily-gpu-log config init [選項]")]
    Init {
        /// Where to write it.
        #[arg(
            long,
            value_name = "FILE",
            help = "寫到這個檔案，不覆寫既有的檔案 [預設: 標準輸出]"
        )]
        output: Option<PathBuf>,
    },
}
