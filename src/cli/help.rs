//! The help, the same for every command. Its lines are broken by hand: clap wraps no Chinese.

use clap::{Arg, Command, CommandFactory};

use super::Cli;
use crate::model::{said, text};

/// What stands below the options of a command, in the language that is chosen.
macro_rules! tail {
    ($command:literal) => {
        $crate::model::text(
            include_str!(concat!("tails/", $command, ".zh-TW.txt")),
            include_str!(concat!("tails/", $command, ".en.txt")),
        )
        .trim_end()
    };
}
pub(super) use tail;

pub fn command() -> Command {
    dressed(Cli::command(), "daily-gpu-log")
}

/// The command of this name, and its subcommands, with their help.
fn dressed(command: Command, name: &str) -> Command {
    let mut usage = said!("{name} [選項]", "{name} [OPTIONS]");
    if command.is_subcommand_required_set() {
        let names = command.get_subcommands().map(Command::get_name);
        usage = format!("{name} <{}>", names.collect::<Vec<_>>().join("|"));
    }
    for positional in command.get_positionals() {
        usage = format!("{usage} {positional}");
    }
    if command.get_arguments().any(|arg| arg.get_id() == "to") {
        usage.push_str(" [--to DATE]");
    }
    command
        .help_template(said!(
            "{{about}}\n\n用法: {{usage}}\n\n{{all-args}}{{after-help}}\n",
            "{{about}}\n\nUsage: {{usage}}\n\n{{all-args}}{{after-help}}\n"
        ))
        .override_usage(usage)
        .subcommand_help_heading(text("子命令", "Commands"))
        .mut_args(|arg| {
            let heading = heading(&arg);
            arg.help_heading(heading)
        })
        .mut_subcommands(|command| {
            let name = format!("{name} {}", command.get_name());
            dressed(command, &name)
        })
}

fn heading(arg: &Arg) -> &'static str {
    if arg.is_positional() {
        text("引數", "Arguments")
    } else if arg.is_global_set() {
        text("所有命令的選項", "Options of all commands")
    } else {
        text("選項", "Options")
    }
}
