//! What the command line says of the settings.

use std::path::PathBuf;

use chrono_tz::Tz;
use clap::Args;

use crate::model::{Language, Shard, Written, text};

#[derive(Args, Clone, Debug, Default)]
pub struct SettingsArgs {
    #[arg(long, global = true, value_name = "FILE", help = text("設定檔", "settings file"))]
    pub config: Option<PathBuf>,
    #[arg(long, global = true, value_name = "DIR")]
    #[arg(help = text(
        "資料目錄 [預設: 依設定檔，否則 ./data]",
        "data directory [default: from the settings, else\n./data]"
    ))]
    pub data_dir: Option<PathBuf>,
    #[arg(long, global = true, value_name = "ZONE", value_parser = <Tz as Written>::parse)]
    #[arg(help = text(
        "一天所屬的 IANA 時區 [預設: 依設定檔，否則 UTC]",
        "IANA time zone of the day [default: from the\nsettings, else UTC]"
    ))]
    pub timezone: Option<Tz>,
    #[arg(long, global = true, value_name = "LANG")]
    #[arg(value_parser = <Language as Written>::parse)]
    #[arg(help = text(
        "訊息的語言: zh-TW 或 en\n[預設: 依設定檔，否則 zh-TW]",
        "language of messages: zh-TW or en [default: from\nthe settings, else zh-TW]"
    ))]
    pub lang: Option<Language>,
    #[arg(long, global = true, value_name = "K/N", value_parser = <Shard as Written>::parse)]
    #[arg(help = text(
        "只處理 N 份中第 K 份的節點 (N 台機器分擔時)",
        "only the nodes of shard K of N, where N machines\nshare the cluster",
    ))]
    pub shard: Option<Shard>,
}
