//! What the commands have in common: the options of all of them, and a report that is printed as JSON or as text.

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use crate::model::{counted, said};
use crate::outlets::console::args::OutputArgs;
use crate::outlets::console::{self, Console, PrintError};
use crate::settings::{self, Config, ConfigError, SettingsArgs};

#[derive(Args, Debug)]
pub struct CommonArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug)]
pub struct Frame<'a> {
    pub args: &'a CommonArgs,
    pub console: Console,
}

/// A report as programs get it.
#[derive(Serialize)]
struct Versioned<'a, R> {
    version: &'static str,
    #[serde(flatten)]
    report: &'a R,
}

impl<'a> Frame<'a> {
    pub fn open(args: &'a CommonArgs) -> Result<Self> {
        let console = Console::open(&args.output)?;
        Ok(Self { args, console })
    }

    pub fn config(&self) -> Result<Config, ConfigError> {
        let config = settings::load(&self.args.settings)?;
        if let (Some(shard), []) = (config.shard, &config.nodes[..]) {
            let nodes = counted(config.nodes_of_others.len(), "個節點", "node", "nodes");
            console::warn(said!(
                "分片 {shard} 沒有節點：設定中的 {nodes}都屬於其他分片，這台機器沒有工作",
                "shard {shard} has no node: the {nodes} of the settings are all in other shards; this machine has nothing to do"
            ));
        }
        Ok(config)
    }

    pub fn wants_json(&self) -> bool {
        self.args.output.json
    }

    /// Prints a report, as JSON or as text. Of one that is fine there is no text with `--quiet`.
    pub fn print_report<R: Serialize>(
        &self,
        report: &R,
        is_fine: bool,
        text: impl FnOnce(&R) -> String,
    ) -> Result<(), PrintError> {
        if self.wants_json() {
            let version = env!("CARGO_PKG_VERSION");
            console::print_json(&Versioned { version, report })
        } else if is_fine && self.args.output.quiet {
            Ok(())
        } else {
            console::print(text(report))
        }
    }
}
