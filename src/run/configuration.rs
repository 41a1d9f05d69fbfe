//! What `config` does: the settings in force, and a settings file to begin with.

use anyhow::Result;

use super::print_json;
use crate::cli::ConfigCommand;
use crate::config;
use crate::console::Console;
use crate::output;

/// Does what the subcommand of `config` asks for.
pub(super) fn run(command: &ConfigCommand, console: &Console) -> Result<()> {
    match command {
        ConfigCommand::Show { settings, json } => {
            let explained = config::explain(settings.overrides())?;
            if *json {
                print_json(console, &explained)?;
            } else {
                console.print(explained.to_string().as_bytes())?;
            }
        }
        ConfigCommand::Init { output } => {
            let template = config::template();
            match output {
                Some(path) => output::write_new(path, template.as_bytes())?,
                None => console.print(template.as_bytes())?,
            }
        }
    }
    Ok(())
}
