//! What is wrong with a command line, in the language of the user.

use std::error::Error;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use super::{Cli, help};
use crate::commands::nearest::{hint, nearest};
use crate::model::{comma, said};
use crate::outlets::console::args::{LogFormat, OutputArgs};

/// The commands that print no report.
const WITHOUT_JSON: [&str; 5] = ["init", "inventory", "completions", "help", "man"];

/// Why a command line asks for nothing that the program does.
pub enum Refusal {
    /// It asks for the help or the version, which clap prints.
    Help(clap::Error),
    /// It is wrong. The error is logged as the line says.
    Usage { message: String, output: OutputArgs },
}

pub fn parse(line: &[OsString]) -> Result<Cli, Refusal> {
    let mut command = help::command();
    command.build();
    // As far as it can be understood, which is up to the subcommand that is wrong.
    let lenient = help::command().ignore_errors(true);
    let lenient = lenient.try_get_matches_from(line).unwrap_or_default();
    let (subcommand, path, _) = innermost(&command, &lenient);
    let problem = match command.clone().try_get_matches_from(line) {
        Ok(matches) => match contradiction(&command, &matches) {
            Some(problem) => problem,
            None => return Cli::from_arg_matches(&matches).map_err(Refusal::Help),
        },
        Err(error) if !error.use_stderr() => return Err(Refusal::Help(error)),
        Err(error) => problem(&error, line, &command, subcommand, &path),
    };
    Err(Refusal::Usage {
        message: said!(
            "{problem}（用法請見 {path} --help）",
            "{problem} (see {path} --help)"
        ),
        output: output(line),
    })
}

/// The subcommand that `matches` lead to, with the words that lead there.
fn innermost<'a>(
    command: &'a Command,
    matches: &'a ArgMatches,
) -> (&'a Command, String, &'a ArgMatches) {
    let (mut command, mut matches) = (command, matches);
    let mut path = command.get_name().to_owned();
    while let Some((name, inner)) = matches.subcommand()
        && let Some(subcommand) = command.find_subcommand(name)
    {
        (command, matches) = (subcommand, inner);
        path = format!("{path} {name}");
    }
    (command, path, matches)
}

/// What clap lets pass: options of the run beside a subcommand, and options on both sides of one that exclude each other.
fn contradiction(program: &Command, matches: &ArgMatches) -> Option<String> {
    let is_given = |matches: &ArgMatches, arg: &Arg| {
        let source = matches.value_source(arg.get_id().as_str());
        source == Some(ValueSource::CommandLine)
    };
    let (command, path, inner) = innermost(program, matches);
    if matches.subcommand().is_some() {
        let run = program.get_arguments().filter(|arg| !arg.is_global_set());
        let given = run.filter(|arg| is_given(matches, arg));
        let first = given.min_by_key(|arg| matches.index_of(arg.get_id().as_str()));
        if let Some(first) = first {
            return Some(misplaced(first, program, command, &path));
        }
    }
    let given = |arg: &&Arg| is_given(inner, arg);
    for arg in command.get_arguments().filter(given) {
        if arg.get_id() == "json" && WITHOUT_JSON.contains(&command.get_name()) {
            return Some(said!(
                "{path} 沒有 JSON 格式的輸出：請移除 --json",
                "{path} prints no JSON: remove --json"
            ));
        }
        if let Some(other) = command.get_arg_conflicts_with(arg).into_iter().find(given) {
            return Some(exclude_each_other(&arg.to_string(), &other.to_string()));
        }
    }
    None
}

/// Clap marks an option that may be repeated with dots.
fn exclude_each_other(one: &str, other: &str) -> String {
    let [one, other] = [one, other].map(|option| option.trim_end_matches("..."));
    said!(
        "{one} 不可與 {other} 同時使用",
        "{one} cannot be used with {other}"
    )
}

/// An option of the run that stands beside a subcommand.
fn misplaced(arg: &Arg, program: &Command, command: &Command, path: &str) -> String {
    let has_it = |command: &&Command| {
        command
            .get_arguments()
            .any(|own| own.get_id() == arg.get_id())
    };
    if has_it(&command) {
        return said!(
            "{arg} 寫在子命令之前：請改寫在後面，例如 {path} {arg}",
            "{arg} comes before the command: write it after, as in {path} {arg}"
        );
    }
    let others = program.get_subcommands().filter(has_it);
    let others: Vec<_> = others.map(Command::get_name).collect();
    if others.is_empty() {
        said!(
            "{arg} 是收集資料時的選項，不能與子命令一起使用：請從 {path} 的命令列移除",
            "{arg} is an option for collecting, not for commands: remove it from the command line of {path}"
        )
    } else {
        let others = others.join(comma());
        said!(
            "{arg} 只用於收集資料與 {others}：請從 {path} 的命令列移除",
            "{arg} is for collecting and {others} only: remove it from the command line of {path}"
        )
    }
}

/// What is wrong with the word in the place of the date that is none, before what nobody expects behind it.
fn not_a_date(line: &[OsString], program: &Command) -> Option<String> {
    let word = (1..line.len()).find_map(|end| {
        let matches = program.clone().try_get_matches_from(&line[..end]);
        let error = matches.err()?;
        let is_date = error.kind() == ErrorKind::ValueValidation
            && error.get(ContextKind::InvalidArg)
                == Some(&ContextValue::String("[DATE]".to_owned()));
        match error.get(ContextKind::InvalidValue) {
            Some(ContextValue::String(word)) if is_date => Some(word.clone()),
            _ => None,
        }
    })?;
    let problem = said!(
        "「{word}」不是日期，也不是子命令：全部列在 daily-gpu-log help",
        "'{word}' is neither a date nor a command: daily-gpu-log help lists the commands"
    );
    let names = program.get_subcommands().map(Command::get_name);
    Some(with_nearest(
        problem,
        &word,
        names.chain(["today", "yesterday"]),
    ))
}

/// Where an option belongs that stands at another command.
fn elsewhere(argument: &str, program: &Command, command: &Command, path: &str) -> Option<String> {
    let name = argument.strip_prefix("--")?;
    let is_it = |arg: &&Arg| arg.get_long() == Some(name);
    let has_it = |inner: &&Command| inner.get_arguments().any(|arg| is_it(&arg));
    let mut inner = command.get_subcommands();
    if command.get_name() != program.get_name()
        && let Some(inner) = inner.find(has_it)
    {
        let inner = inner.get_name();
        return Some(said!(
            "{argument} 要寫在 {path} 的子命令之後，例如 {path} {inner} {argument}",
            "{argument} comes after the command of {path}, as in {path} {inner} {argument}"
        ));
    }
    let of_run = program.get_arguments().find(is_it)?;
    Some(misplaced(of_run, program, command, path))
}

/// What clap found, in `command` of the `program`.
fn problem(
    error: &clap::Error,
    line: &[OsString],
    program: &Command,
    command: &Command,
    path: &str,
) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(comma()),
        _ => String::new(),
    };
    let argument = context(ContextKind::InvalidArg);
    let value = context(ContextKind::InvalidValue);
    let names = || command.get_subcommands().map(Command::get_name);
    let kind = error.kind();
    // Clap takes the word behind it for a command where one is like it.
    if matches!(
        kind,
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand
    ) && command.get_name() == program.get_name()
        && let Some(problem) = not_a_date(line, program)
    {
        return problem;
    }
    match kind {
        ErrorKind::UnknownArgument => {
            if let Some(problem) = elsewhere(&argument, program, command, path) {
                return problem;
            }
            if let Some(last) = command.get_positionals().last()
                && !argument.starts_with('-')
            {
                return said!(
                    "{last} 之後有多餘的引數",
                    "unexpected arguments after {last}"
                );
            }
            let longs = command.get_arguments().filter_map(Arg::get_long);
            let longs: Vec<_> = longs.map(|long| format!("--{long}")).collect();
            let problem = said!(
                "不認得的引數「{argument}」",
                "unknown argument '{argument}'"
            );
            with_nearest(problem, &argument, longs.iter().map(String::as_str))
        }
        ErrorKind::InvalidSubcommand => {
            let name = context(ContextKind::InvalidSubcommand);
            with_nearest(
                said!("不認得的子命令「{name}」", "unknown command '{name}'"),
                &name,
                names(),
            )
        }
        ErrorKind::MissingSubcommand => {
            let names = context(ContextKind::ValidSubcommand);
            said!("缺少子命令 {names}", "a command is missing: {names}")
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            said!("{argument} 缺少值", "{argument} needs a value")
        }
        ErrorKind::ArgumentConflict => {
            let prior = context(ContextKind::PriorArg);
            if prior == argument {
                said!("{argument} 只能寫一次", "{argument} can be given only once")
            } else {
                exclude_each_other(&argument, &prior)
            }
        }
        ErrorKind::MissingRequiredArgument => said!("缺少 {argument}", "{argument} is missing"),
        // The program's own parsers say what is wrong in full.
        ErrorKind::ValueValidation => {
            let reason = error.source().map(ToString::to_string).unwrap_or_default();
            if argument != "[DATE]" {
                let zones = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
                let zones = zones.filter(|_| argument.starts_with("--timezone"));
                return with_nearest(
                    said!("{argument} 的值不正確：{reason}", "{argument}: {reason}"),
                    &value,
                    zones,
                );
            }
            match nearest(&value, names()) {
                None => with_nearest(reason, &value, ["today", "yesterday"]),
                name => {
                    said!("不認得的子命令「{value}」", "unknown command '{value}'") + &hint(name)
                }
            }
        }
        _ => {
            let problem = said!(
                "{argument} 的值「{value}」不正確",
                "{argument}: wrong value '{value}'"
            );
            let Some(ContextValue::Strings(valid)) = error.get(ContextKind::ValidValue) else {
                return problem;
            };
            let problem = said!(
                "{problem}：可用的值是 {}",
                "{problem}: the possible values are {}",
                valid.join(comma())
            );
            with_nearest(problem, &value, valid.iter().map(String::as_str))
        }
    }
}

fn with_nearest<'a>(
    problem: String,
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> String {
    problem + &hint(nearest(word, known))
}

/// Where and how a wrong line wants the log: its options of that, whatever stands around them.
fn output(line: &[OsString]) -> OutputArgs {
    let command = OutputArgs::augment_args(Command::new("log"))
        .no_binary_name(true)
        .disable_help_flag(true)
        .ignore_errors(true);
    let mut output = OutputArgs::default();
    for start in 1..line.len() {
        let matches = command.clone().try_get_matches_from(&line[start..]);
        if let Ok(found) = matches.and_then(|matches| OutputArgs::from_arg_matches(&matches)) {
            output.log_file = found.log_file.or(output.log_file);
            if found.log_format == LogFormat::Json {
                output.log_format = LogFormat::Json;
            }
        }
    }
    output
}

#[cfg(test)]
mod tests;
