//! `help`: the topics of the manual, and the help of the commands.

use std::fmt::Write;

use anyhow::Result;
use clap::{Args, Command};

use super::manual::{TOPICS, Topic};
use super::nearest::{hint, nearest};
use super::request::RequestError;
use crate::model::{ExitStatus, said, text};
use crate::outlets::console;

#[derive(Args, Debug)]
pub struct HelpArgs {
    #[arg(value_name = "COMMAND|TOPIC")]
    #[arg(help = text("子命令或主題；沒有時列出全部", "command or topic; without one, all are listed"))]
    words: Vec<String>,
}

/// Prints what the words name of the `program`.
pub fn run(args: &HelpArgs, mut program: Command) -> Result<ExitStatus> {
    program.build();
    let topic = Topic::find(&args.words.join(" "));
    let topic = topic.map(|topic| topic.text().to_owned());
    let help = command_help(&mut program, &args.words);
    let texts: Vec<_> = match &args.words[..] {
        [] => vec![list(&program)],
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
    let message = said!(
        "沒有子命令或主題「{word}」{hint}（全部列在 daily-gpu-log help）",
        "there is no command or topic '{word}'{hint} (daily-gpu-log help lists all)"
    );
    RequestError::usage(message)
}

fn list(program: &Command) -> String {
    let mut list = String::new();
    list.push_str(text(
        "命令 (daily-gpu-log help COMMAND):\n",
        "Commands (daily-gpu-log help COMMAND):\n",
    ));
    for command in program.get_subcommands() {
        let about = command.get_about().cloned().unwrap_or_default();
        let _ = writeln!(list, "  {:<15}  {about}", command.get_name());
    }
    list.push_str(text(
        "\n主題 (daily-gpu-log help TOPIC):\n",
        "\nTopics (daily-gpu-log help TOPIC):\n",
    ));
    for topic in &TOPICS {
        let _ = writeln!(list, "  {:<15}  {}", topic.name, topic.summary());
    }
    list
}
