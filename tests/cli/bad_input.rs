//! A command line that makes no sense is refused in one clear line, before anybody is asked or anything is written.

use crate::support::{DATE, Lab};

/// Status 2, this very line, and nothing else.
#[track_caller]
fn refused(table: &[(&[&str], &str)]) {
    let world = Lab::colab_gpu4().start();
    for (arguments, line) in table {
        let _ = world
            .run(arguments)
            .exits(2)
            .stderr_is(&format!("錯誤：{line}\n"))
            .stdout_is("")
            .writes_nothing();
    }
    assert!(world.cluster.requests("colab-gpu4").is_empty());
    assert!(world.cluster.api_requests().is_empty());
}

/// The same, for what the command line's own parser says.
#[track_caller]
fn refused_with_a_hint(table: &[(&[&str], &str)]) {
    let hinted: Vec<_> = table
        .iter()
        .map(|(arguments, line)| {
            let line = format!("{line}（用法請見 daily-gpu-log --help）");
            (*arguments, line)
        })
        .collect();
    let table: Vec<_> = hinted
        .iter()
        .map(|(arguments, line)| (*arguments, line.as_str()))
        .collect();
    refused(&table);
}

#[test]
fn what_is_no_date_is_refused() {
    const FORM: &str = "格式不正確：請用 YYYY-MM-DD、today 或 yesterday";
    let no_date = |text: &str| format!("日期「{text}」{FORM}");
    refused_with_a_hint(&[
        (&["lastweek"], &no_date("lastweek")),
        (&["2025-8-1"], &no_date("2025-8-1")),
        (&["20250801"], &no_date("20250801")),
        (&["2025/08/01"], &no_date("2025/08/01")),
        (&["../2025-08"], &no_date("../2025-08")),
        (&[""], &no_date("")),
    ]);
}

#[test]
fn a_date_that_the_calendar_has_not_is_refused() {
    refused_with_a_hint(&[
        (&["2025-02-30"], "日期「2025-02-30」不存在"),
        (&["2025-02-29"], "日期「2025-02-29」不存在"),
        (&["2025-13-01"], "日期「2025-13-01」不存在"),
        (&["2025-00-00"], "日期「2025-00-00」不存在"),
    ]);
}

#[test]
fn a_day_that_has_not_begun_is_refused() {
    let _ = Lab::colab_gpu4()
        .run(&["2999-12-31"])
        .exits(2)
        .stderr_has("錯誤：日期 2999-12-31 尚未開始：UTC 現在是 2")
        .writes_nothing();
}

#[test]
fn a_day_before_all_agents_is_refused() {
    let line = |date| format!("日期 {date} 太早：Netdata 只能查詢 1973-01-03 之後的日期");
    refused(&[
        (&["1970-01-02"], &line("1970-01-02")),
        (&["0001-01-01"], &line("0001-01-01")),
        (&["1973-01-02"], &line("1973-01-02")),
    ]);
}

#[test]
fn a_task_report_of_no_day_is_refused() {
    refused_with_a_hint(&[(&["--user-report", "2025-02-30"], "日期「2025-02-30」不存在")]);
}

#[test]
fn a_zone_that_nobody_knows_is_refused() {
    refused_with_a_hint(&[(
        &[DATE, "--timezone", "Mars/Olympus"],
        "--timezone <ZONE> 的值不正確：不認得的時區「Mars/Olympus」，請用 IANA 名稱，例如 Asia/Taipei",
    )]);
}

#[test]
fn a_node_that_is_not_in_the_settings_is_refused() {
    let line = |name| format!("設定中沒有節點「{name}」：可用的節點是 colab-gpu4");
    refused(&[
        (&[DATE, "--node", "colab-gpu9"], &line("colab-gpu9")),
        (&[DATE, "--node", "colab-gpu4,gpu"], &line("gpu")),
        (
            &[DATE, "--user-report", "--node", "colab-gpu9"],
            &line("colab-gpu9"),
        ),
    ]);
}

#[test]
fn options_that_do_not_exist_are_refused_by_name() {
    refused_with_a_hint(&[
        (&["--colour"], "不認得的引數「--colour」"),
        (&["-x"], "不認得的引數「-x」"),
        (&[DATE, "--token", "secret"], "不認得的引數「--token」"),
    ]);
}

#[test]
fn a_second_date_is_refused() {
    refused_with_a_hint(&[(&[DATE, "2025-08-02"], "[DATE] 之後有多餘的引數")]);
}

#[test]
fn a_number_of_jobs_that_cannot_be_is_refused() {
    let line = |text| format!("--jobs <N> 的值不正確：「{text}」不是 1 到 400 的整數");
    refused_with_a_hint(&[
        (&[DATE, "--jobs", "0"], &line("0")),
        (&[DATE, "--jobs", "401"], &line("401")),
        (
            &[DATE, "--jobs", "99999999999999999999"],
            &line("99999999999999999999"),
        ),
        (&[DATE, "--jobs", "many"], &line("many")),
        (&[DATE, "--jobs=-1"], &line("-1")),
    ]);
}

#[test]
fn options_that_lack_each_other_or_their_value_are_refused() {
    refused_with_a_hint(&[
        (&[DATE, "--user", "alice"], "缺少 --user-report"),
        (
            &[DATE, "--user-report", "--user", ""],
            "--user <NAME> 缺少值",
        ),
        (&[DATE, "--data-dir="], "--data-dir <DIR> 缺少值"),
        (&[DATE, "--config"], "--config <FILE> 缺少值"),
    ]);
}

#[test]
fn options_that_exclude_each_other_are_refused() {
    refused_with_a_hint(&[
        (
            &[DATE, "--user-report", "--skip-task-info"],
            "--user-report 不可與 --skip-task-info 同時使用",
        ),
        (
            &[DATE, "--quiet", "--verbose"],
            "--quiet 不可與 --verbose 同時使用",
        ),
    ]);
}
