//! What the command line says of the settings.

use std::path::PathBuf;

use chrono_tz::Tz;
use clap::Args;

use crate::model::Written;

#[derive(Args, Clone, Debug, Default)]
pub struct SettingsArgs {
    #[arg(long, global = true, value_name = "FILE", help = "設定檔")]
    pub config: Option<PathBuf>,
    #[arg(long, global = true, value_name = "DIR")]
    #[arg(help = "資料目錄 [預設: 依設定檔，否則 ./data]")]
    pub data_dir: Option<PathBuf>,
    #[arg(long, global = true, value_name = "ZONE", value_parser = <Tz as Written>::parse)]
    #[arg(help = "一天所屬的 IANA 時區 [預設: 依設定檔，否則 UTC]")]
    pub timezone: Option<Tz>,
}
