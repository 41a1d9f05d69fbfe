//! The arguments of `users`.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::args::OutputArgs;
use crate::analysis::usage::UserOrder;
use crate::model::day::DateArg;
use crate::settings::SettingsArgs;

/// Whose GPU-hours are shown, and how.
#[derive(Args, Debug)]
pub struct UsersArgs {
    /// The day. A day is in its report only once it is collected, which is at night.
    #[arg(
        value_name = "DATE",
        default_value = "yesterday",
        hide_default_value = true
    )]
    #[arg(help = "日期: YYYY-MM-DD、today 或 yesterday [預設: yesterday，最近一個完整的日子]")]
    pub date: DateArg,
    /// The last day of a range.
    #[arg(long, value_name = "DATE")]
    #[arg(help = "合計 DATE 到這個日期的每一天")]
    pub to: Option<DateArg>,
    /// The user who is shown; all without it.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    #[arg(help = "只列這位使用者 (搭配 --anonymize 時，名稱或代號皆可)")]
    pub user: Option<String>,
    /// The nodes that count; all if there are none.
    #[arg(long = "node", value_name = "NAME", value_delimiter = ',')]
    #[arg(help = "只計這些節點 (可重複，或以逗號分隔)")]
    pub nodes: Vec<String>,
    /// The order of users.
    #[arg(long, value_name = "ORDER", value_enum, default_value_t)]
    #[arg(hide_default_value = true, hide_possible_values = true)]
    #[arg(help = "排序: idle (閒置時數)、allocated (總時數) 或 name (名稱) [預設: idle]")]
    pub sort: UserOrder,
    /// Print the rows as CSV.
    #[arg(long, conflicts_with = "json", help = "以 CSV 輸出，並含精確的秒數")]
    pub csv: bool,
    /// Show pseudonyms.
    #[arg(long, help = "以固定的代號取代使用者的名稱")]
    pub anonymize: bool,
    /// The settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// What is said, and how.
    #[command(flatten)]
    pub output: OutputArgs,
}
