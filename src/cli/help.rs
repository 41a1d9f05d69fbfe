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
    let date_help = date_help(command.get_name());
    command
        .help_template(said!(
            "{{about}}\n\n用法: {{usage}}\n\n{{all-args}}{{after-help}}\n",
            "{{about}}\n\nUsage: {{usage}}\n\n{{all-args}}{{after-help}}\n"
        ))
        .override_usage(usage)
        .subcommand_help_heading(text("子命令", "Commands"))
        .mut_args(|arg| {
            let heading = heading(&arg);
            match date_help.filter(|_| arg.get_id() == "date") {
                Some(help) => arg.help(help).help_heading(heading),
                None => arg.help_heading(heading),
            }
        })
        .mut_subcommands(|command| {
            let name = format!("{name} {}", command.get_name());
            dressed(command, &name)
        })
}

/// What a day means to the commands to which it is not just the first one.
fn date_help(command: &str) -> Option<&'static str> {
    match command {
        "status" => Some(text(
            "日期: YYYY-MM-DD、today 或 yesterday\n[預設: 最近 7 天，今天收集過就算到今天]",
            "the day: YYYY-MM-DD, today or yesterday [default: the\nlast 7 days, to today once that is collected]",
        )),
        "alerts" => Some(text(
            "最後一天: YYYY-MM-DD、today 或 yesterday [預設: yesterday]\n(搭配 --to 時是第一天)",
            "the last day: YYYY-MM-DD, today or yesterday\n[default: yesterday] (with --to, the first day)",
        )),
        _ => None,
    }
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
