//! What is wrong with a command line, in the language of the user.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What is wrong with the command line, in the language of the user.
#[must_use]
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
            Some(reason) if argument == "[DATE]" => reason.to_string(),
            Some(reason) => format!("{argument} 的值不正確：{reason}"),
            None => format!("{argument} 的值 '{value}' 不正確"),
        },
        _ => format!("{argument} 的值 '{value}' 不正確"),
    };
    format!("{problem}（用法請見 daily-gpu-log --help）")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::{CommandFactory, Parser};

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn usage_errors_are_told_in_the_language_of_the_user() {
        for (arguments, told) in [
            (&["--colour"][..], "不認得的引數 '--colour'"),
            (&["2025-02-30"], "日期「2025-02-30」不存在"),
            (&["lastweek"], "日期「lastweek」格式不正確"),
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
        ] {
            let line = ["daily-gpu-log"]
                .into_iter()
                .chain(arguments.iter().copied());
            let error = Cli::try_parse_from(line).expect_err("a wrong command line");
            let said = usage_error(&error);
            assert!(said.contains(told), "{arguments:?}: {said}");
        }
    }
}
