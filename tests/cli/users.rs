//! `users`: who held how many GPU-hours over some days, from the reports of those days.

use std::fs;

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::simulated_cluster::{Fault, SimulatedApi, SimulatedNode, SimulatedTask};
use crate::support::{DATE, Day, HOUR, Lab, MIDNIGHT, TOKEN, World};

/// The report of [`DATE`]: two nodes and four users.
const REPORT: &str = include_str!("../../fixtures/golden/users_2025-08-01.csv");
const HEADER: &str = "類別,使用者,時數(GPU小時),使用中(GPU小時),閒置(GPU小時),閒置佔用VRAM(GPU小時),無讀數(GPU小時),\
                      平均GPU使用率(%),平均VRAM使用率(%),涵蓋率(%),總秒數,使用中秒數,閒置佔用VRAM秒數,\
                      閒置未佔用VRAM秒數,閒置VRAM不明秒數,無讀數秒數,VRAM讀數秒數\n";
const COLLECTED_WITHOUT: &str = "已收集，但沒有報告（由較舊的版本收集，或報告已被刪除）";

/// A cluster of the report's nodes, which would take notice of being asked, without a token.
fn lab() -> Lab {
    let node = |name| SimulatedNode::new(name).fault(Fault::Refuse);
    Lab::new()
        .node(node("gpu-a").cards(&[1, 9]))
        .node(node("gpu-b").cards(&[1]))
        .token(None)
}

/// With the report of [`DATE`].
fn world() -> World {
    let world = lab().start();
    world.write("data/reports/users_2025-08-01.csv", REPORT);
    world
}

/// A row of a report: 10 % of the GPU and 20 % of its VRAM, half of the time idle.
fn row(user: &str, node: &str, gpu: usize, seconds: i64, day: i64) -> String {
    let (half, from) = (seconds / 2, MIDNIGHT + day * 24 * HOUR);
    let to = from + 24 * HOUR;
    format!(
        "配置,{user},{node},GPU[{gpu}],0,0,0,0,10,20,100.00,{seconds},{half},0,{half},0,0,{seconds},{from},{to},\n"
    )
}

/// A report of these rows.
fn report(rows: &[String]) -> String {
    let (header, _) = REPORT.split_once('\n').expect("a header");
    format!("{header}\n{}", rows.concat())
}

/// A report of a day that is so many after [`DATE`], on both nodes.
fn write_day(world: &World, day: i64, rows: &[String]) {
    let free = |node| {
        let from = MIDNIGHT + day * 24 * HOUR;
        let to = from + 24 * HOUR;
        format!("未分配合計,,{node},,0,0,0,0,N/A,N/A,N/A,0,0,0,0,0,0,0,{from},{to},\n")
    };
    let rows = [rows, &[free("gpu-a"), free("gpu-b")]].concat();
    let date = Day::utc().clock(MIDNIGHT + day * 24 * HOUR)[..10].to_owned();
    world.write(&format!("data/reports/users_{date}.csv"), &report(&rows));
}

#[test]
fn the_users_of_a_day_are_a_table_with_what_speaks_against_it() {
    let world = world();
    let outcome = world.run(&["users", DATE]).exits(0).stderr_is("");
    let _ = outcome.stdout_is(
        "2025-08-01 各使用者的 GPU 小時\n\
         \n\
         使用者     時數  使用中   閒置  (佔用VRAM)  無讀數  平均GPU  平均VRAM   涵蓋率\n\
         alice     36.00   12.00  23.00       22.00    1.00   18.79%    69.44%   97.22%\n\
         王小明     3.75    0.00   3.75        0.00    0.00    0.00%     0.14%  100.00%\n\
         =SUM(A1)   0.01    0.00   0.01        0.00    0.00    0.00%     0.14%  100.00%\n\
         bob        4.50    4.50   0.00        0.00    0.00   50.00%    40.00%  100.00%\n\
         合計      44.26   16.50  26.76       22.00    1.00   20.40%    60.15%   97.74%\n\
         \n\
         備註：gpu-a：2025-08-01：有資源衝突\n\
         備註：gpu-a：2025-08-01：有 GPU 沒有任務佔用卻忙碌\n",
    );
    for node in ["gpu-a", "gpu-b"] {
        assert_eq!(world.cluster.connections(node), 0);
    }
    assert!(world.cluster.api_requests().is_empty());
    let files = fs::read_dir(world.path("data")).expect("the data directory");
    assert_eq!(files.count(), 1, "nothing is written beside the reports");
}

#[test]
fn the_days_of_a_range_are_added_up_to_the_second() {
    let world = world();
    write_day(
        &world,
        1,
        &[
            row("alice", "gpu-a", 0, 7200, 1),
            row("alice", "gpu-b", 0, 100, 1),
        ],
    );
    write_day(&world, 2, &[row("carol", "gpu-a", 1, 86_400, 2)]);
    let range = [DATE, "--to", "2025-08-03"];
    let csv = [&["users", "--csv", "--sort=name"], &range[..]].concat();
    let outcome = world.run(&csv).exits(0);
    // alice's GPU: (43200 x 50 + 82800 x 2.5 + 7300 x 10) / 133300; VRAM: (43200 x 40 + 79200 x 85.5 + 7300 x 20) / 129700.
    let expected = format!(
        "{HEADER}\
         使用者,'=SUM(A1),0.0083,0.0000,0.0083,0.0000,0.0000,0,0.14,100.00,30,0,0,30,0,0,30\n\
         使用者,alice,38.0278,13.0139,24.0139,22.0000,1.0000,18.3045761,66.6584426,97.37,136900,46850,79200,3650,3600,3600,129700\n\
         使用者,bob,4.5000,4.5000,0.0000,0.0000,0.0000,50,40,100.00,16200,16200,0,0,0,0,16200\n\
         使用者,carol,24.0000,12.0000,12.0000,0.0000,0.0000,10,20,100.00,86400,43200,0,43200,0,0,86400\n\
         使用者,王小明,3.7472,0.0000,3.7472,0.0000,0.0000,0,0.14,100.00,13490,0,0,13490,0,0,13490\n\
         合計,,70.2833,29.5139,39.7694,22.0000,1.0000,16.4942667,44.8437588,98.57,253020,106250,79200,60370,3600,3600,245820\n"
    );
    let outcome = outcome.stderr_is(
        "警告：備註：gpu-a：2025-08-01：有資源衝突\n\
         警告：備註：gpu-a：2025-08-01：有 GPU 沒有任務佔用卻忙碌\n",
    );
    assert_eq!(outcome.stdout, expected);
}

#[test]
fn nodes_and_users_are_chosen_and_ordered() {
    let world = world();
    let names = |arguments: &[&str]| -> Vec<(String, i64)> {
        let arguments = [&["users", DATE, "--json"], arguments].concat();
        let json = world.run(&arguments).exits(0).stderr_is("").json();
        let users = json["users"].as_array().expect("users").iter();
        let seconds = |user: &Value| user["allocated_seconds"].as_i64().expect("seconds");
        let of_user = |user: &Value| {
            let name = user["user"].as_str().expect("a name");
            (name.to_owned(), seconds(user))
        };
        let users: Vec<_> = users.map(of_user).collect();
        let total: i64 = users.iter().map(|(_, seconds)| seconds).sum();
        assert_eq!(seconds(&json["total"]), total);
        users
    };
    let list = |users: &[(&str, i64)]| -> Vec<(String, i64)> {
        let users = users.iter();
        users
            .map(|(name, seconds)| ((*name).to_owned(), *seconds))
            .collect()
    };
    let (alice, bob, wang, sum) = (
        ("alice", 129_600),
        ("bob", 16_200),
        ("王小明", 13_490),
        ("=SUM(A1)", 30),
    );
    for (arguments, expected) in [
        (&[][..], &[alice, wang, sum, bob][..]),
        (&["--sort", "allocated"], &[alice, bob, wang, sum]),
        (&["--sort", "name"], &[sum, alice, bob, wang]),
        (&["--node", "gpu-b"], &[wang, sum]),
        (
            &["--node", "gpu-a,gpu-b", "--sort=name"],
            &[sum, alice, bob, wang],
        ),
        (&["--user", "bob"], &[bob]),
        (&["--user", "王小明", "--node", "gpu-b"], &[wang]),
    ] {
        assert_eq!(names(arguments), list(expected), "{arguments:?}");
    }
}

#[test]
fn the_same_is_one_object_for_programs() {
    let world = world();
    world.write("data/reports/users_2025-08-03.csv", "no report");
    let range = [
        "users",
        DATE,
        "--to",
        "2025-08-04",
        "--user=alice",
        "--json",
    ];
    let mut json = world.run(&range).exits(3).json();
    let account = json!({
        "allocated_seconds": 129_600, "active_seconds": 43_200, "idle_seconds": 82_800,
        "idle_vram_held_seconds": 79_200, "idle_vram_empty_seconds": 0, "idle_vram_unknown_seconds": 3600,
        "unknown_seconds": 3600, "vram_observed_seconds": 122_400,
        "gpu_mean_percent": 18.785_714_3, "vram_mean_percent": 69.441_176_5, "coverage_percent": 97.22,
    });
    assert_eq!(json["total"], account);
    let mut user = json["users"].take();
    assert_eq!(user[0]["user"].take(), "alice");
    user[0].as_object_mut().expect("a user").remove("user");
    assert_eq!(user, json!([account]));
    json["total"].take();
    let not_collected =
        |date| json!({"from": date, "to": date, "reason": "not_collected", "message": "沒有收集"});
    let doubt = |doubt| json!({"node": "gpu-a", "from": DATE, "to": DATE, "doubt": doubt});
    let mut absences = json["days_without_report"].take();
    absences
        .as_array_mut()
        .expect("absences")
        .sort_by_key(|absence| absence["from"].to_string());
    assert_eq!(
        absences,
        json!([
            not_collected("2025-08-02"),
            {"from": "2025-08-03", "to": "2025-08-03", "reason": "damaged", "message": "報告無法讀取"},
            not_collected("2025-08-04"),
        ])
    );
    assert_eq!(
        json,
        json!({
            "version": env!("CARGO_PKG_VERSION"), "timezone": "UTC", "from": DATE, "to": "2025-08-04",
            "days": 4, "days_with_report": 1, "users": null, "total": null,
            "days_without_report": null, "nodes_without_accounts": [],
            "doubts": [doubt("conflict"), doubt("busy_without_task")], "exit_status": 3,
        })
    );
}

#[test]
fn days_and_nodes_without_accounts_are_named_with_the_reason() {
    let node = |name| SimulatedNode::new(name).cards(&[1]).constant(1, 0.0, 50.0);
    let held = SimulatedTask::new("t1", "alice", "gpu-a").gpu(1, "APU-1");
    let world = Lab::new()
        .node(node("gpu-a"))
        .node(node("gpu-b"))
        .task(held)
        .start();
    let dates = [
        "2025-08-01",
        "2025-08-02",
        "2025-08-03",
        "2025-08-04",
        "2025-08-05",
    ];
    let _ = world.run(&[dates[0]]).exits(0);
    let _ = world.run(&[dates[1], "--node", "gpu-a"]).exits(0);
    let _ = world.run(&[dates[2], "--skip-task-info"]).exits(0);
    let _ = world.run(&[dates[3]]).exits(0);
    fs::remove_file(world.path("data/reports/users_2025-08-04.csv")).expect("a report");
    // A day of a program that left no record.
    world.write("data/gpu-a/2025-08-06/gpu0_2025-08-06.csv", "");
    let without_api = Lab::new()
        .node(node("gpu-a"))
        .node(SimulatedNode::new("gpu-b").fault(Fault::Refuse))
        .api(SimulatedApi::new(TOKEN).fault(Fault::Refuse));
    let world = without_api.start_after(world);
    let _ = world.run(&[dates[4]]).exits(3);
    let outcome = world
        .run(&["users", dates[0], "--to", "2025-08-08"])
        .exits(3);
    let _ = outcome.stderr_is("").stdout_is(&format!(
        "2025-08-01 到 2025-08-08 各使用者的 GPU 小時（8 天，其中 2 天有報告）\n\
         \n\
         使用者   時數  使用中   閒置  (佔用VRAM)  無讀數  平均GPU  平均VRAM   涵蓋率\n\
         alice   48.00    0.00  48.00       48.00    0.00    0.00%    50.00%  100.00%\n\
         合計    48.00    0.00  48.00       48.00    0.00    0.00%    50.00%  100.00%\n\
         \n\
         沒有用量報告：2025-08-07 到 2025-08-08：沒有收集\n\
         沒有用量報告：2025-08-03：收集時沒有查詢任務資訊\n\
         沒有用量報告：2025-08-05：沒有任務資訊\n\
         沒有用量報告：2025-08-04、2025-08-06：{COLLECTED_WITHOUT}\n\
         沒有 gpu-b 的用量報告：2025-08-02：沒有收集\n"
    ));
    let _ = world.run(&["users", dates[1], "--node", "gpu-a"]).exits(0);
    let of_none = world.run(&["users", dates[1], "--node", "gpu-b", "--user", "eve"]);
    let _ = of_none.exits(3).stdout_is(
        "2025-08-02 各使用者的 GPU 小時\n\n沒有 gpu-b 的用量報告：2025-08-02：沒有收集\n",
    );
}

#[test]
fn a_node_that_the_settings_no_longer_name_is_chosen_as_well() {
    let node = |name| SimulatedNode::new(name).fault(Fault::Refuse);
    let settings = Lab::new().node(node("gpu-a")).node(node("gpu-new"));
    let world = settings.token(None).start_after(world());
    let csv = ["users", DATE, "--csv", "--node", "gpu-b"];
    let outcome = world.run(&csv).exits(0).stderr_is("");
    let rows = outcome.stdout.lines().skip(1);
    let who = |row: &str| row.split(',').take(3).collect::<Vec<_>>().join(",");
    assert_eq!(
        rows.map(who).collect::<Vec<_>>(),
        [
            "使用者,王小明,3.7472",
            "使用者,'=SUM(A1),0.0083",
            "合計,,3.7556"
        ]
    );
    let both = [
        "users",
        DATE,
        "--node=gpu-b,gpu-a",
        "--user=alice",
        "--json",
    ];
    let json = world.run(&both).exits(0).json();
    assert_eq!(json["users"][0]["allocated_seconds"], 129_600);
    // Where it is asked for, its absence is told.
    world.write(
        "data/reports/users_2025-08-02.csv",
        &report(&[row("carol", "gpu-a", 0, 3600, 1)]),
    );
    let range = ["users", DATE, "--to=2025-08-03", "--node=gpu-b"];
    let _ = world.run(&range).exits(3).stdout_has(
        "沒有用量報告：2025-08-03：沒有收集\n沒有 gpu-b 的用量報告：2025-08-02：沒有收集\n",
    );
    let _ = world
        .run(&["users", DATE, "--node=gpu-b,gpu-z"])
        .exits(2)
        .stdout_is("")
        .stderr_is(
            "錯誤：設定與 2025-08-01 的報告中都沒有節點「gpu-z」：可用的節點是 gpu-a、gpu-new、gpu-b\n",
        );
    // The settings name it, though no report does.
    let _ = world.run(&["users", DATE, "--node=gpu-new"]).exits(3);
}

#[test]
fn a_damaged_report_is_named_and_the_rest_is_told() {
    let world = world();
    write_day(&world, 2, &[row("alice", "gpu-a", 0, 3600, 2)]);
    let damaged = "data/reports/users_2025-08-02.csv";
    for (text, problem) in [
        (String::new(), "第 1 列不是用量報告的標題"),
        (
            REPORT.replacen(",43200,43200,", ",43200,43201,", 1),
            "第 4 列的數字不符",
        ),
        (
            REPORT[..REPORT.len() - 20].to_owned(),
            "CSV error: record 13 ",
        ),
    ] {
        world.write(damaged, &text);
        let range = ["users", DATE, "--to", "2025-08-03", "--user", "alice"];
        let outcome = world.run(&range).exits(3);
        let outcome = outcome.stderr_has(&format!("錯誤：{damaged} 不是用量報告（{problem}"));
        assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
        let outcome = outcome.stdout_has("\nalice   37.00   12.50  23.50 ");
        let _ = outcome.stdout_has("\n沒有用量報告：2025-08-02：報告無法讀取\n");
    }
}

#[test]
fn a_report_of_another_zones_day_does_not_count() {
    let outcome = world().run(&["users", DATE, "--timezone", "Asia/Taipei"]);
    let _ = outcome.exits(3).stderr_is("").stdout_is(
        "2025-08-01 各使用者的 GPU 小時\n\n沒有用量報告：2025-08-01：報告屬於另一個時區的同一日期\n",
    );
}

#[test]
fn names_are_shown_in_line_and_written_harmlessly() {
    let world = lab().start();
    let names = [
        "\"王,小明\"",
        "\"a\"\"b\"",
        "\"c\nd\"",
        "'=1+1",
        "'@x",
        "ｗｉｄｅ",
    ];
    let rows: Vec<_> = (0..)
        .zip(names)
        .map(|(gpu, name)| row(name, "gpu-a", gpu, 7200, 0))
        .collect();
    write_day(&world, 0, &rows);
    let table = world.run(&["users", DATE]).exits(0).stderr_is("");
    let figures = "2.00    1.00  1.00        0.00    0.00   10.00%    20.00%  100.00%";
    let _ = table.stdout_is(&format!(
        "2025-08-01 各使用者的 GPU 小時\n\
         \n\
         使用者     時數  使用中  閒置  (佔用VRAM)  無讀數  平均GPU  平均VRAM   涵蓋率\n\
         =1+1       {figures}\n\
         @x         {figures}\n\
         a\"b        {figures}\n\
         c\u{fffd}d        {figures}\n\
         王,小明    {figures}\n\
         ｗｉｄｅ   {figures}\n\
         合計      12.00    6.00  6.00        0.00    0.00   10.00%    20.00%  100.00%\n"
    ));
    let csv = world.run(&["users", DATE, "--csv"]).exits(0).stdout;
    let figures = "2.0000,1.0000,1.0000,0.0000,0.0000,10,20,100.00,7200,3600,0,3600,0,0,7200";
    let rows = [
        "'=1+1",
        "'@x",
        "\"a\"\"b\"",
        "\"c\nd\"",
        "\"王,小明\"",
        "ｗｉｄｅ",
    ];
    let rows = rows
        .map(|name| format!("使用者,{name},{figures}\n"))
        .concat();
    let total =
        "合計,,12.0000,6.0000,6.0000,0.0000,0.0000,10,20,100.00,43200,21600,0,21600,0,0,43200";
    assert_eq!(csv, format!("{HEADER}{rows}{total}\n"));
    let of_one = world
        .run(&["users", DATE, "--user", "=1+1", "--csv"])
        .exits(0);
    assert_eq!(of_one.stdout.lines().count(), 3, "{}", of_one.stdout);
}

#[test]
fn a_user_whom_no_report_has_is_told_whom_they_have() {
    let world = world();
    let unknown = world.run(&["users", DATE, "--user", "eve"]).exits(2);
    let _ = unknown
        .stdout_is("")
        .stderr_is("錯誤：2025-08-01 的報告中沒有使用者「eve」：有 =SUM(A1)、alice、bob、王小明\n");
    let elsewhere = [
        "users",
        DATE,
        "--to",
        "2025-08-02",
        "--user=bob",
        "--node=gpu-b",
    ];
    let _ = world.run(&elsewhere).exits(2).stdout_is("").stderr_is(
        "錯誤：2025-08-01 到 2025-08-02 的報告中沒有使用者「bob」：有 =SUM(A1)、王小明\n",
    );
    let many: Vec<_> = (0..25)
        .map(|n| row(&format!("u{n:02}"), "gpu-a", 0, 60, 1))
        .collect();
    write_day(&world, 1, &many);
    let many = world
        .run(&["users", "2025-08-02", "--user", "eve"])
        .exits(2);
    let _ = many.stderr_has("、u18、u19 等 25 位使用者\n");
    write_day(&world, 2, &[]);
    let nobody = world
        .run(&["users", "2025-08-03", "--user", "eve"])
        .exits(2);
    let _ = nobody.stderr_has("沒有使用者「eve」：沒有人佔用 GPU\n");
}

#[test]
fn a_day_on_which_nobody_held_a_gpu_is_one_of_no_hours() {
    let world = lab().start();
    write_day(&world, 0, &[]);
    let _ = world.run(&["users", DATE]).exits(0).stdout_is(
        "2025-08-01 各使用者的 GPU 小時\n\
         \n\
         使用者  時數  使用中  閒置  (佔用VRAM)  無讀數  平均GPU  平均VRAM  涵蓋率\n\
         合計    0.00    0.00  0.00        0.00    0.00      N/A       N/A     N/A\n",
    );
    let _ = world.run(&["users", DATE, "-q"]).exits(0).stdout_is("");
    let none = world.run(&["users", "2025-08-02", "--csv"]).exits(3);
    let none = none.stderr_is("警告：沒有用量報告：2025-08-02：沒有收集\n");
    assert_eq!(none.stdout, HEADER);
    let _ = world
        .run(&["users", "2025-08-02", "-q"])
        .exits(3)
        .stdout_has("沒有收集");
}

#[test]
fn the_day_is_yesterday_unless_told_otherwise() {
    let today = Day::now_in_hour(12);
    let yesterday = Day {
        start: today.start - 24 * HOUR,
        end: today.start,
        ..today
    };
    let world = lab()
        .settings(&format!("timezone = \"{}\"", today.zone))
        .start();
    let said = world.run(&["users"]).exits(3).stdout;
    let date = yesterday.date();
    assert_eq!(
        said,
        format!("{date} 各使用者的 GPU 小時\n\n沒有用量報告：{date}：沒有收集\n")
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (arguments, said) in [
        (&["users", "2100-01-01"][..], "日期 2100-01-01 尚未開始"),
        (
            &["users", DATE, "--to", "2100-01-01"],
            "日期 2100-01-01 尚未開始",
        ),
        (
            &["users", DATE, "--to", "2025-07-31"],
            "--to 2025-07-31 早於 2025-08-01",
        ),
        (&["users", "1960-01-01"], "太早"),
        (
            &["users", "--csv", "--json"],
            "--csv 不可與 --json 同時使用",
        ),
        (
            &["users", "--sort", "size"],
            "--sort <ORDER> 的值「size」不正確",
        ),
        (&["users", "--user", ""], "--user <NAME> 缺少值"),
        (
            &["users", DATE, "--node", "gpu-z"],
            "設定與 2025-08-01 的報告中都沒有節點「gpu-z」：可用的節點是 gpu-a、gpu-b\n",
        ),
    ] {
        let outcome = world().run(arguments).exits(2).stdout_is("");
        let _ = outcome.stderr_has(said);
    }
}
