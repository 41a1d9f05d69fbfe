use super::*;
use std::path::Path;

fn line(arguments: &[&str]) -> Vec<OsString> {
    let name = ["daily-gpu-log"].iter();
    name.chain(arguments).map(OsString::from).collect()
}

#[track_caller]
fn refused(arguments: &[&str]) -> String {
    match parse(&line(arguments)) {
        Err(Refusal::Usage { message, .. }) => message,
        Err(Refusal::Help(help)) => panic!("{arguments:?}: {help}"),
        Ok(cli) => panic!("{arguments:?}: {cli:?}"),
    }
}

#[test]
fn the_definition_is_sound() {
    help::command().debug_assert();
}

#[test]
fn usage_errors_are_in_the_language_of_the_user() {
    for (arguments, expected) in [
        (&["--colour"][..], "不認得的引數「--colour」"),
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
        (&["-q", "-v"], "--quiet 不可與 --verbose 同時使用"),
        (&["-vv", "-q"], "--verbose 不可與 --quiet 同時使用"),
        (&["--user-report", "--skip-task-info"], "不可與"),
        (&["2025-08-01", "2025-08-02"], "[DATE] 之後有多餘的引數"),
        (&["users", "today", "today"], "[DATE] 之後有多餘的引數"),
        (
            &["--wait", "1", "--wait", "2"],
            "--wait <SECONDS> 只能寫一次",
        ),
        (&["config"], "缺少子命令 show、init"),
        (&["config", "init", "--output"], "--output <FILE> 缺少值"),
        (&["check", "-q", "-v"], "--quiet 不可與 --verbose 同時使用"),
        (&["completions", "tcsh"], "<SHELL> 的值「tcsh」不正確"),
        (
            &["--log-format", "xml"],
            "--log-format <FORMAT> 的值「xml」不正確：可用的值是 text、json",
        ),
        (&["--log-file"], "--log-file <FILE> 缺少值"),
    ] {
        let message = refused(arguments);
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
}

#[test]
fn a_word_that_is_neither_a_date_nor_a_subcommand_is_named() {
    for (arguments, word) in [
        (&["reports", "sqlite"][..], "reports"),
        (
            &["-q", "--node", "a", "reports", "--format", "csv"],
            "reports",
        ),
    ] {
        let message = refused(arguments);
        let expected = format!(
            "「{word}」不是日期，也不是子命令：全部列在 daily-gpu-log help，最接近的是 report（"
        );
        assert!(message.starts_with(&expected), "{arguments:?}: {message}");
    }
    let message = refused(&["stauts", "--days"]);
    assert!(message.contains("，最接近的是 status（"), "{message}");
}

#[test]
fn the_nearest_right_word_is_suggested() {
    for (arguments, expected) in [
        (&["--jsn"][..], "「--jsn」，最接近的是 --json（"),
        (&["users", "--sotr"], "「--sotr」，最接近的是 --sort（"),
        (&["statsu"], "不認得的子命令「statsu」，最接近的是 status（"),
        (
            &["-q", "chek"],
            "不認得的子命令「chek」，最接近的是 check（",
        ),
        (&["yesterdy"], "，最接近的是 yesterday（"),
        (&["users", "todya"], "，最接近的是 today（"),
        (
            &["config", "shwo"],
            "不認得的子命令「shwo」，最接近的是 show（",
        ),
        (
            &["users", "--sort", "idel"],
            "可用的值是 idle、allocated、name，最接近的是 idle（",
        ),
        (&["--timezone", "Asia/Tapei"], "，最接近的是 Asia/Taipei（"),
    ] {
        let message = refused(arguments);
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
    for arguments in [&["lastweek"], &["2025-8-1"], &["--nonsense"], &["-x"]] {
        let message = refused(arguments);
        assert!(!message.contains("最接近"), "{arguments:?}: {message}");
    }
}

#[test]
fn the_help_that_is_named_is_that_of_the_subcommand() {
    for (arguments, path) in [
        (&["--nonsense"][..], "daily-gpu-log"),
        (&["users", "--nonsense"], "daily-gpu-log users"),
        (&["-q", "users", "lastweek"], "daily-gpu-log users"),
        (&["config", "show", "x"], "daily-gpu-log config show"),
        (&["--dry-run", "status"], "daily-gpu-log status"),
    ] {
        let message = refused(arguments);
        let end = format!("（用法請見 {path} --help）");
        assert!(message.ends_with(&end), "{arguments:?}: {message}");
    }
}

#[test]
fn options_of_the_run_are_refused_beside_a_subcommand() {
    for (arguments, expected) in [
        (
            &["--user-report", "--jobs", "3", "status"][..],
            "--user-report 是收集資料時的選項，不能與子命令一起使用：請從 daily-gpu-log status 的命令列移除",
        ),
        (
            &["--dry-run", "--jobs", "3", "status"],
            "--dry-run 只用於收集資料與 archive",
        ),
        (&["status", "--jobs", "3"], "--jobs <N> 是收集資料時的選項"),
        (
            &["check", "--to", "yesterday"],
            "--to <DATE> 只用於收集資料與 status、users、alerts、report：請從 daily-gpu-log check 的命令列移除",
        ),
        (
            &["--node", "a", "config", "show"],
            "--node <NAME> 只用於收集資料與 status、users、report、live、check：請從 daily-gpu-log config show 的命令列移除",
        ),
        (
            &["--node", "a", "status"],
            "--node <NAME> 寫在子命令之前：請改寫在後面，例如 daily-gpu-log status --node <NAME>",
        ),
        (
            &["today", "--user", "alice", "users"],
            "[DATE] 寫在子命令之前：請改寫在後面，例如 daily-gpu-log users [DATE]",
        ),
    ] {
        let message = refused(arguments);
        assert!(message.starts_with(expected), "{arguments:?}: {message}");
    }
}

#[test]
fn options_of_all_commands_stand_on_either_side_of_the_subcommand() {
    let options = ["--config", "c", "--data-dir", "d", "--timezone", "UTC"];
    let more = ["-q", "--json", "--log-format", "json", "--log-file", "l"];
    let options = [options, more].concat();
    for command in ["status", "users", "alerts", "report", "check"] {
        for line in [
            [&options[..], &[command]].concat(),
            [&[command][..], &options].concat(),
        ] {
            let Ok(cli) = parse(&self::line(&line)) else {
                panic!("{}", refused(&line))
            };
            let (settings, output) = (&cli.common.settings, &cli.common.output);
            assert_eq!(settings.config.as_deref(), Some(Path::new("c")));
            assert_eq!(settings.data_dir.as_deref(), Some(Path::new("d")));
            assert_eq!(settings.timezone, Some(chrono_tz::Tz::UTC));
            assert!(output.quiet && output.json);
            assert_eq!(output.log_format, LogFormat::Json);
            assert_eq!(output.log_file.as_deref(), Some(Path::new("l")));
        }
    }
    for (arguments, expected) in [
        (
            &["-q", "status", "-v"][..],
            "--quiet 不可與 --verbose 同時使用",
        ),
        (&["--json", "users", "--csv"], "不可與"),
        (&["--json", "man"], "daily-gpu-log man 沒有 JSON 格式的輸出"),
        (&["config", "init", "--json"], "沒有 JSON 格式的輸出"),
    ] {
        let message = refused(arguments);
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
}

#[test]
fn the_log_of_a_wrong_line_is_known_wherever_it_is_named() {
    let named = |arguments: &[&str]| {
        let output = output(&line(arguments));
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
        assert_eq!(named(arguments), (format, log_file), "{arguments:?}");
    }
}

#[test]
fn an_option_of_an_inner_command_is_said_to_come_after_it() {
    for option in ["--dry-run", "--all"] {
        let message = refused(&["export", option, "sqlite"]);
        let expected = format!("例如 daily-gpu-log export sqlite {option}");
        assert!(message.contains(&expected), "{message}");
    }
    let message = refused(&["export"]);
    assert!(message.starts_with("缺少子命令"), "{message}");
}
