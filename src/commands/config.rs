//! What `config` does: the settings in force, and a settings file to begin with.

use anyhow::Result;

use super::config_args::ConfigCommand;
use crate::outlets::console::{Console, print_json};
use crate::settings;
use crate::store::new_file;

/// Does what the subcommand of `config` asks for.
pub fn run(command: &ConfigCommand, console: &Console) -> Result<()> {
    match command {
        ConfigCommand::Show { settings, json } => {
            let explained = settings::explain(settings)?;
            if *json {
                print_json(console, &explained)?;
            } else {
                console.print(explained.to_string().as_bytes())?;
            }
        }
        ConfigCommand::Init { output } => {
            let template = settings::template();
            match output {
                Some(path) => new_file::write_new(path, template.as_bytes())?,
                None => console.print(template.as_bytes())?,
            }
        }
    }
    Ok(())
}
