//! The arguments of `status`.

use clap::Args;

use super::args::OutputArgs;
use super::values::parse_some_days;
use crate::settings::SettingsArgs;

/// What is to be said of the last days.
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// How many days.
    #[arg(long, value_name = "N", default_value = "7", hide_default_value = true)]
    #[arg(value_parser = parse_some_days, help = "最近幾天 [預設: 7]")]
    pub days: u16,
    /// The nodes that are looked at; all if there are none.
    #[arg(long = "node", value_name = "NAME", value_delimiter = ',')]
    #[arg(help = "只看這些節點 (可重複，或以逗號分隔)")]
    pub nodes: Vec<String>,
    /// The settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// What is said, and how.
    #[command(flatten)]
    pub output: OutputArgs,
}
