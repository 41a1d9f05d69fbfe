//! `help`: the topics of the manual, and the help of the commands.

use std::fmt::Write;

use anyhow::Result;
use clap::{Args, Command};

use super::manual::{Language, TOPICS, Topic};
use super::nearest::{hint, nearest};
use super::request::RequestError;
use crate::model::ExitStatus;
use crate::outlets::console;

#[derive(Args, Debug)]
pub struct HelpArgs {
    #[arg(value_name = "COMMAND|TOPIC", help = "子命令或主題；沒有時列出全部")]
    words: Vec<String>,
    #[arg(long, value_name = "LANG", value_enum, default_value_t)]
    #[arg(hide_default_value = true, hide_possible_values = true)]
    #[arg(help = "主題的語言: zh-TW 或 en [預設: zh-TW]")]
    lang: Language,
}

/// Prints what the words name of the `program`.
pub fn run(args: &HelpArgs, mut program: Command) -> Result<ExitStatus> {
    program.build();
    let topic = Topic::find(&args.words.join(" "));
    let topic = topic.map(|topic| topic.text(args.lang).to_owned());
    // The help of the commands is Chinese.
    let wants_help = topic.is_none() || args.lang == Language::Chinese;
    let help = command_help(&mut program, &args.words).filter(|_| wants_help);
    let texts: Vec<_> = match &args.words[..] {
        [] => vec![list(&program, args.lang)],
        _ => help.into_iter().chain(topic).collect(),
    };
    if texts.is_empty() {
        return Err(unknown(&program, &args.words).into());
    }
    console::print_long(texts.join("\n"))?;
    Ok(ExitStatus::Complete)
}

fn command_help(program: &mut Command, words: &[String]) -> Option<String> {
    let command = words.iter().try_fold(program, |command, word| {
        command.find_subcommand_mut(word.as_str())
    })?;
    Some(command.render_help().to_string())
}

fn unknown(program: &Command, words: &[String]) -> RequestError {
    let topics = TOPICS.iter().map(|topic| topic.name);
    let commands = program.get_subcommands().map(Command::get_name);
    let known: Vec<_> = commands.chain(topics).collect();
    let word = words.join(" ");
    let begun = |name: &&&str| !word.is_empty() && name.starts_with(&word);
    let nearest = nearest(&word, known.iter().copied());
    let nearest = nearest.or_else(|| known.iter().find(begun).copied());
    let hint = hint(nearest);
    let message = format!("沒有子命令或主題「{word}」{hint}（全部列在 daily-gpu-log help）");
    RequestError::usage(message)
}

fn list(program: &Command, language: Language) -> String {
    let commands = program.get_subcommands();
    let mut list = match language {
        Language::Chinese => {
            let mut list = "命令 (daily-gpu-log help COMMAND):\n".to_owned();
            for command in commands {
                let about = command.get_about().cloned().unwrap_or_default();
                let _ = writeln!(list, "  {:<15}  {about}", command.get_name());
            }
            list + "\n主題 (daily-gpu-log help TOPIC):\n"
        }
        Language::English => {
            let names: Vec<_> = commands.map(Command::get_name).collect();
            format!(
                "Commands (daily-gpu-log help COMMAND, in Chinese):\n  {}\n\n\
                 Topics (daily-gpu-log help --lang en TOPIC):\n",
                names.join(", ")
            )
        }
    };
    for topic in &TOPICS {
        let _ = writeln!(list, "  {:<15}  {}", topic.name, topic.summary(language));
    }
    list
}
