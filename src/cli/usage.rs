//! What is wrong with a command line, in the language of the user.

use std::ffi::OsString;

use clap::CommandFactory;
use clap::ValueEnum;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Cli;
use crate::commands::args::{LogFormat, OutputArgs};

/// What is wrong with the command line, in the language of the user.
pub fn usage_error(error: &clap::Error) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join("、"),
        _ => String::new(),
    };
    let (argument, value) = (
        context(ContextKind::InvalidArg),
        context(ContextKind::InvalidValue),
    );
    let problem = match error.kind() {
        ErrorKind::UnknownArgument => format!("不認得的引數 '{argument}'"),
        ErrorKind::InvalidSubcommand => format!(
            "不認得的子命令 '{}'",
            context(ContextKind::InvalidSubcommand)
        ),
        ErrorKind::MissingSubcommand => {
            format!("缺少子命令 {}", context(ContextKind::ValidSubcommand))
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("{argument} 缺少值"),
        // A second date is taken for a subcommand.
        ErrorKind::ArgumentConflict if argument.is_empty() => {
            format!("{} 之後有多餘的引數", context(ContextKind::PriorArg))
        }
        ErrorKind::ArgumentConflict => format!(
            "{argument} 不可與 {} 同時使用",
            context(ContextKind::PriorArg)
        ),
        ErrorKind::MissingRequiredArgument => format!("缺少 {argument}"),
        // The program's own parsers say what is wrong in full.
        ErrorKind::ValueValidation => match std::error::Error::source(error) {
            Some(_) if argument == "[DATE]" && is_command(&value) => {
                format!("子命令 {value} 必須寫在所有選項之前")
            }
            Some(reason) if argument == "[DATE]" => reason.to_string(),
            Some(reason) => format!("{argument} 的值不正確：{reason}"),
            None => format!("{argument} 的值 '{value}' 不正確"),
        },
        _ => format!("{argument} 的值 '{value}' 不正確"),
    };
    format!("{problem}（用法請見 daily-gpu-log --help）")
}

/// Where and how a command line that is wrong elsewhere wants the log, so that the error can be told there. Options
/// that are wrong themselves are as if they were not given.
pub fn output_of_wrong_line(arguments: impl IntoIterator<Item = OsString>) -> OutputArgs {
    let mut output = OutputArgs::default();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let (name, value) = match argument.to_str().and_then(|text| text.split_once('=')) {
            Some((name, value)) => (name.to_owned(), Some(value.into())),
            None => (argument.to_string_lossy().into_owned(), None),
        };
        match name.as_str() {
            "--log-format" => {
                let value = value.or_else(|| arguments.next()).unwrap_or_default();
                let format = LogFormat::from_str(&value.to_string_lossy(), false);
                output.log_format = format.unwrap_or_default();
            }
            "--log-file" => output.log_file = value.or_else(|| arguments.next()).map(Into::into),
            _ => {}
        }
    }
    output
}

fn is_command(word: &str) -> bool {
    Cli::command().find_subcommand(word).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::path::Path;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn usage_errors_are_told_in_the_language_of_the_user() {
        for (arguments, expected) in [
            (&["--colour"][..], "不認得的引數 '--colour'"),
            (&["2025-02-30"], "日期「2025-02-30」不存在"),
            (&["lastweek"], "日期「lastweek」格式不正確"),
            (&["-q", "status"], "子命令 status 必須寫在所有選項之前"),
            (
                &["--timezone", "Mars"],
                "--timezone <ZONE> 的值不正確：不認得的時區「Mars」",
            ),
            (&["--jobs", "0"], "--jobs <N> 的值不正確"),
            (&["--jobs"], "--jobs <N> 缺少值"),
            (&["--user", "alice"], "缺少 --user-report"),
            (&["--user-report", "--user", ""], "--user <NAME> 缺少值"),
            (&["-q", "-v"], "--quiet 不可與 --verbose"),
            (&["--user-report", "--skip-task-info"], "不可與"),
            (&["2025-08-01", "2025-08-02"], "[DATE] 之後有多餘的引數"),
            (&["config"], "缺少子命令 show、init"),
            (&["config", "shwo"], "不認得的子命令 'shwo'"),
            (&["config", "init", "--output"], "--output <FILE> 缺少值"),
            (&["check", "-q", "-v"], "--quiet 不可與 --verbose"),
            (&["completions", "tcsh"], "<SHELL> 的值 'tcsh' 不正確"),
            (
                &["--log-format", "xml"],
                "--log-format <FORMAT> 的值 'xml' 不正確",
            ),
            (&["--log-file"], "--log-file <FILE> 缺少值"),
        ] {
            let line = ["daily-gpu-log"]
                .into_iter()
                .chain(arguments.iter().copied());
            let error = Cli::try_parse_from(line).expect_err("a wrong command line");
            let message = usage_error(&error);
            assert!(message.contains(expected), "{arguments:?}: {message}");
        }
    }

    #[test]
    fn of_a_wrong_line_the_log_is_known_wherever_it_is_named() {
        let of = |arguments: &[&str]| {
            let output = output_of_wrong_line(arguments.iter().map(OsString::from));
            (output.log_format, output.log_file)
        };
        let file = |path: &str| Some(Path::new(path).to_owned());
        for (arguments, format, log_file) in [
            (&["--nonsense"][..], LogFormat::Text, None),
            (
                &["--nonsense", "--log-format", "json"],
                LogFormat::Json,
                None,
            ),
            (&["--log-format=json", "--nonsense"], LogFormat::Json, None),
            (&["--log-format", "xml"], LogFormat::Text, None),
            (&["--log-format"], LogFormat::Text, None),
            (&["--log-file"], LogFormat::Text, None),
            (
                &["check", "-x", "--log-file=a=b"],
                LogFormat::Text,
                file("a=b"),
            ),
            (
                &["--log-file", "a", "2025-02-30"],
                LogFormat::Text,
                file("a"),
            ),
        ] {
            assert_eq!(of(arguments), (format, log_file), "{arguments:?}");
        }
    }
}
