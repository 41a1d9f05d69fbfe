//! `report`: the page of some days, made from the tree alone.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::simulated_cluster::{Fault, SimulatedNode, SimulatedTask};
use crate::support::{BOUND_BY_MODES, DATE, HOUR, Lab, MIDNIGHT, Outcome, World};

pub(crate) const NODE: &str = "gpu-a";
const PAGE: &str = "data/reports/report_2025-08-01.html";
const HOSTILE: &str = "\"><script>alert(1)</script>";

pub(crate) fn node(name: &str) -> SimulatedNode {
    SimulatedNode::new(name)
        .cards(&[1, 9])
        .constant(1, 65.28, 40.0)
        .constant(9, 2.0, 0.14)
        .gap(1, MIDNIGHT + 12 * HOUR, MIDNIGHT + 13 * HOUR)
}

pub(crate) fn held(id: &str, user: &str, card: u32, from: i64, to: i64) -> SimulatedTask {
    SimulatedTask::new(id, user, NODE)
        .gpu(card, "APU-1")
        .start(MIDNIGHT + from * HOUR)
        .end(MIDNIGHT + to * HOUR)
}

pub(crate) fn lab() -> Lab {
    Lab::new()
        .node(node(NODE))
        .task(held("t1", "alice", 1, 0, 14))
        .task(held("t2", "王小明", 9, 3, 9))
        .task(held("t3", HOSTILE, 1, 20, 24))
}

/// With [`DATE`] collected.
pub(crate) fn world() -> World {
    let world = lab().start();
    world.run(&[DATE]).exits(0);
    world
}

/// What the script reads.
#[track_caller]
fn data(page: &str) -> Value {
    let (_, rest) = page
        .split_once("type=\"application/json\">")
        .expect("the data");
    let (data, _) = rest.split_once("</script>").expect("its end");
    serde_json::from_str(data).expect("JSON")
}

/// The seconds of a row of the table of users: held, active, idle, and without a reading.
#[track_caller]
fn seconds(page: &str, user: &str) -> Vec<String> {
    let (_, rest) = page
        .split_once(&format!("<span class=\"who\">{user}</span>"))
        .expect("a row");
    let values = rest.split("data-v=\"").skip(1).take(4);
    values
        .map(|rest| rest.split('"').next().expect("a value").to_owned())
        .collect()
}

fn failing(world: &World, arguments: &[&str]) -> Outcome {
    world.run(&[&["report"], arguments].concat())
}

#[test]
fn the_page_of_a_day_has_the_figures_of_its_files_and_asks_nobody() {
    let world = world();
    let asked = (
        world.cluster.connections(NODE),
        world.cluster.api_requests().len(),
    );
    world
        .run(&["report", DATE])
        .exits(0)
        .stdout_is(&format!("網頁：{PAGE}\n"))
        .stderr_is("");
    assert_eq!(
        asked,
        (
            world.cluster.connections(NODE),
            world.cluster.api_requests().len()
        )
    );
    let page = world.read(PAGE);
    let accounts = world.read("data/reports/users_2025-08-01.csv");
    for user in ["alice", "王小明"] {
        let total = accounts
            .lines()
            .find(|line| line.starts_with(&format!("配置合計,{user},")));
        let columns: Vec<&str> = total.expect("a row").split(',').collect();
        let number = |column: usize| columns[column].parse::<u64>().expect("seconds");
        let idle = number(13) + number(14) + number(15);
        let expected = [number(11), number(12), idle, number(16)];
        assert_eq!(
            seconds(&page, user),
            expected.map(|seconds| seconds.to_string())
        );
    }
    let data = data(&page);
    let task = &data["tasks"][0];
    assert_eq!(
        (&task[0], &task[3]),
        (&json!("t1"), &json!("2025-08-01 00:00"))
    );
    assert_eq!(data["gpus"][0]["c"], json!([[138, 144]]));
    // 48 GPU-hours = 17 active, 6 idle, 1 without readings, 24 not held.
    for shown in [
        "<b>48.0</b>",
        "使用中 <b>17.0</b>",
        "佔用但閒置 <b>6.0</b>",
        "佔用但無讀數 <b>1.0</b>",
        "沒有任務佔用 <b>24.0</b>",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(page.contains("GPU[0] 12:00–13:00"), "the gap is named");
    let mode = fs::metadata(world.path(PAGE))
        .expect("the page")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn the_page_goes_where_it_is_to_go() {
    let world = world();
    let printed = world
        .run(&["report", DATE, "-o", "-"])
        .exits(0)
        .stderr_is("");
    assert!(
        printed
            .stdout
            .starts_with("<!DOCTYPE html><html lang=\"zh-Hant-TW\">")
    );
    assert!(!world.path(PAGE).exists());
    world.write("page.html", "an older one");
    world
        .run(&["report", DATE, "-o", "page.html"])
        .exits(0)
        .stdout_is("網頁：page.html\n");
    assert!(world.read("page.html").ends_with("</html>"));
    let written = world.run(&["report", DATE, "--json"]).exits(0).json();
    assert_eq!(
        (&written["file"], &written["from"], &written["exit_status"]),
        (&json!(PAGE), &json!(DATE), &json!(0))
    );
    world
        .run(&["report", DATE, "--quiet"])
        .exits(0)
        .stdout_is("");
    let both = world.run(&["report", DATE, "--json", "-o", "-"]).exits(2);
    let _ = both.stderr_has("不可與 --json 同時使用");
    let range = world.run(&["report", "2025-07-31", "--to", DATE]).exits(3);
    let _ = range.stdout_is("網頁：data/reports/report_2025-07-31_2025-08-01.html\n");
}

#[test]
fn a_day_without_files_is_an_empty_slot_with_its_name() {
    let world = world();
    let outcome = world.run(&["report", "2025-07-31", "--to", "2025-08-02", "-o", "-"]);
    let page = outcome.exits(3).stdout;
    assert!(page.contains("完全沒有資料的日子：2025-07-31、2025-08-02"));
    for date in ["2025-07-31", "2025-08-02"] {
        assert!(
            page.contains(&format!("<title>{date} 沒有資料</title>")),
            "{date}"
        );
    }
    // Only the day that there is something of counts.
    assert!(page.contains("<b>48.0</b>"));
}

#[test]
fn hostile_names_are_text() {
    let page = world().run(&["report", DATE, "-o", "-"]).exits(0).stdout;
    assert_eq!(page.matches("<script").count(), 2);
    assert!(page.contains("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(
        data(&page)["users"]
            .as_array()
            .expect("users")
            .contains(&json!(HOSTILE))
    );
}

#[test]
fn no_name_is_in_an_anonymous_page() {
    let world = world();
    for arguments in [
        &["report", DATE][..],
        &["report", "2025-07-31", "--to", DATE],
    ] {
        let page = world
            .run(&[arguments, &["--anonymize", "-o", "-"]].concat())
            .stdout;
        for name in [
            "alice",
            "王小明",
            "alert(1)",
            "\"t1\"",
            "\"t2\"",
            "data_dir",
        ] {
            assert!(!page.contains(name), "{name}");
        }
        assert!(page.contains("<span class=\"who\">user-"));
    }
    let users = world
        .run(&["users", DATE, "--anonymize", "--csv"])
        .exits(0)
        .stdout;
    let pseudonym = users
        .lines()
        .nth(1)
        .and_then(|line| line.split(',').nth(1))
        .expect("a user");
    let page = world
        .run(&[
            "report",
            DATE,
            "--anonymize",
            "--user",
            pseudonym,
            "-o",
            "-",
        ])
        .exits(0)
        .stdout;
    assert!(page.contains(&format!("{pseudonym} 的 GPU 使用概況")));
}

#[test]
fn the_page_of_one_user_is_of_them_alone() {
    let page = world()
        .run(&["report", DATE, "--user", "王小明", "-o", "-"])
        .exits(0)
        .stdout;
    assert!(!page.contains("alice") && !page.contains("alert(1)"));
    // Of 48 hours: 6 idle.
    assert!(page.contains("佔用但閒置 <b>6.0</b>"));
    assert_eq!(
        page.matches("data-k=\"day\"").count(),
        1,
        "the GPU that they held"
    );
}

#[test]
fn nodes_are_chosen() {
    let world = lab().node(node("gpu-b")).start();
    world.run(&[DATE]).exits(0);
    let page = world
        .run(&["report", DATE, "--node", "gpu-b", "-o", "-"])
        .exits(0)
        .stdout;
    assert_eq!(data(&page)["nodes"], json!(["gpu-b"]));
    assert!(page.contains("沒有人佔用 GPU。") && !page.contains("alice"));
    world
        .run(&["report", DATE, "--node", "gpu-c"])
        .exits(2)
        .stderr_is(
            "錯誤：設定與 2025-08-01 的資料中都沒有節點「gpu-c」：設定中的節點是 gpu-a、gpu-b\n",
        );
}

#[test]
fn what_cannot_be_asked_for_is_refused() {
    let world = world();
    for (arguments, problem) in [
        (
            &[DATE, "--days", "3"][..],
            "[DATE] 不可與 --days <N> 同時使用",
        ),
        (&["--month", "2025-08", "--days", "3"], "不可與"),
        (&["--month", "2025-8"], "「2025-8」不是月份：請用 YYYY-MM"),
        (&["--month", "2999-01"], "日期 2999-01-01 尚未開始"),
        (&["2999-01-01"], "日期 2999-01-01 尚未開始"),
        (
            &["2025-08-01", "--to", "2025-07-01"],
            "--to 2025-07-01 早於 2025-08-01",
        ),
        (
            &["2023-01-01", "--to", "2025-07-01"],
            "最多 366 天：請分成幾段",
        ),
        (&["--days", "0"], "「0」不是 1 到 366 的天數"),
        (
            &[DATE, "--user", "nobody"],
            "2025-08-01 的報告中沒有使用者「nobody」：有 ",
        ),
    ] {
        let _ = failing(&world, arguments)
            .exits(2)
            .stdout_is("")
            .stderr_has(problem);
    }
}

#[test]
fn without_any_data_there_is_no_page() {
    let world = lab().start();
    let _ = failing(&world, &[DATE])
        .exits(1)
        .stdout_is("")
        .stderr_has("data 中沒有 2025-08-01 的任何資料，沒有寫出網頁")
        .writes_nothing();
    let world = self::world();
    let _ = failing(&world, &["2025-06-01", "--anonymize"]).exits(1);
    assert!(!world.path("data/reports/report_2025-06-01.html").exists());
}

#[test]
fn where_nothing_can_be_written_it_is_said() {
    let world = world();
    fs::create_dir(world.path("taken")).expect("a directory");
    for file in ["missing/page.html", "taken"] {
        let outcome = failing(&world, &[DATE, "-o", file]).exits(1).stdout_is("");
        let _ = outcome.stderr_has(&format!("錯誤：無法寫入 {file}："));
    }
    world.set_mode("data/reports", 0o500);
    let outcome = world.run_in_shell(BOUND_BY_MODES, &["report", DATE]);
    world.set_mode("data/reports", 0o700);
    let _ = outcome
        .exits(1)
        .stderr_has(&format!("錯誤：無法寫入 {PAGE}："));
}

#[test]
fn damaged_files_are_named_and_what_is_left_is_shown() {
    let world = world();
    let file = format!("data/{NODE}/{DATE}/gpu1_{DATE}.csv");
    let half = world.read(&file);
    world.write(&file, &half[..half.len() / 2]);
    world.write(
        &format!("data/.daily-gpu-log/runs/{DATE}.json"),
        "{\"version\": 99}",
    );
    world.write(&format!("data/.daily-gpu-log/tasks/{DATE}.json"), "[1]");
    let outcome = world.run(&["report", DATE, "-o", "-"]).exits(3);
    assert!(
        outcome
            .stdout
            .contains(&format!("{NODE}/{DATE}/gpu1_{DATE}.csv 無法使用"))
    );
    assert!(
        outcome
            .stdout
            .contains("保存的任務資訊不是這一天的，或已損壞")
    );
    // By the average CSV, which says who, but not when.
    assert!(outcome.stdout.contains("佔用：alice;"));
    assert_eq!(
        seconds(&outcome.stdout, "alice")[0],
        (14 * HOUR).to_string()
    );
    world.write(&format!("data/reports/users_{DATE}.csv"), "nothing");
    let page = world.run(&["report", DATE, "-o", "-"]).exits(3).stdout;
    assert!(page.contains("這段期間沒有用量報告"));
    assert!(page.contains("沒有任務資訊 <b>48.0</b>"));
}

#[test]
fn a_node_that_failed_is_named_with_its_reason() {
    let lab = lab().node(node("gpu-b").fault(Fault::Refuse));
    let world = lab.start();
    world.run(&[DATE]).exits(3);
    let page = world.run(&["report", DATE, "-o", "-"]).exits(3).stdout;
    assert!(page.contains("<li>gpu-b 沒有讀數：2025-08-01："), "{page}");
}

#[test]
fn many_users_and_many_tasks_of_one_have_room() {
    let mut lab = Lab::new().node(node(NODE));
    for number in 0..500 {
        let task = SimulatedTask::new(&format!("t{number}"), "alice", NODE).gpu(1, "APU-1");
        let from = MIDNIGHT + number * 170;
        lab = lab.task(task.start(from).end(from + 170));
    }
    for number in 0..1000 {
        let user = format!("user{number:04}");
        let task = SimulatedTask::new(&format!("u{number}"), &user, NODE).gpu(9, "APU-9");
        let from = MIDNIGHT + number * 86;
        lab = lab.task(task.start(from).end(from + 86));
    }
    let world = lab.start();
    world.run(&[DATE]).exits(0);
    let page = world.run(&["report", DATE, "-o", "-"]).exits(0).stdout;
    assert_eq!(data(&page)["tasks"].as_array().map(Vec::len), Some(1500));
    assert_eq!(page.matches("<tr data-u=").count(), 1001);
    assert!(page.len() < 1_000_000, "{}", page.len());
}

#[test]
fn each_night_has_its_page_and_the_newest_is_found() {
    let world = lab().tables("[report]\nnightly = true\n").start();
    let printed = world.run(&[DATE]).exits(0);
    let _ = printed.stdout_has(&format!("\n網頁：{PAGE}\n"));
    world.run(&["2025-07-31"]).exits(0);
    assert!(world.read(PAGE).contains("GPU 使用概況 2025-08-01"));
    assert!(
        world
            .read("data/reports/report_2025-07-31.html")
            .contains("2025-07-31")
    );
    let latest = world.read("data/reports/latest.html");
    assert!(
        latest.contains("content=\"0;url=report_2025-08-01.html\""),
        "{latest}"
    );
}

#[test]
fn a_page_that_cannot_be_written_costs_the_run_nothing_else() {
    let world = lab().tables("[report]\nnightly = true\n").start();
    fs::create_dir_all(world.path(PAGE)).expect("a directory in its place");
    let outcome = world.run(&[DATE]).exits(3);
    let outcome = outcome.stderr_has(&format!("無法寫入 {PAGE}："));
    let outcome = outcome.stderr_has("資料都已寫入，但沒有網頁");
    assert!(outcome.accounts(DATE).contains("alice"));
    let outcome = world.run(&["--json", DATE]).exits(3).json();
    let codes: Vec<_> = outcome["notices"]
        .as_array()
        .expect("notices")
        .iter()
        .map(|notice| &notice["code"])
        .collect();
    assert_eq!(codes, [&json!("page_not_written")]);
}

#[test]
fn what_is_missing_is_said_once() {
    let world = world();
    let page = world
        .run(&["report", "2025-07-31", "--to", DATE, "-o", "-"])
        .exits(3)
        .stdout;
    let (_, banner) = page
        .split_once("<details class=\"banner\"")
        .expect("a banner");
    let (banner, _) = banner.split_once("</details>").expect("its end");
    assert_eq!(banner.matches("2025-07-31").count(), 1, "{banner}");
}

#[test]
fn the_page_is_in_the_language_of_what_is_said() {
    let world = world();
    let english = world.run(&["report", DATE, "--lang", "en"]).exits(0);
    let _ = english.stdout_is(&format!("Page: {PAGE}\n"));
    let page = world.read(PAGE);
    assert!(page.contains("<html lang=\"en\">") && page.contains("GPU overview 2025-08-01"));
    assert!(page.contains("<code>daily-gpu-log report 2025-08-01 --lang en</code>"));
    let left: Vec<_> = page
        .matches(|c: char| matches!(c, '\u{3000}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}'))
        .collect();
    assert!(left.iter().all(|c| "王小明".contains(c)), "{left:?}");
}

#[test]
fn the_page_of_a_run_is_in_the_language_of_its_files() {
    for (key, language, other, of_page) in [
        ("", "zh-TW", "en", "zh-Hant-TW"),
        ("file_language = \"en\"", "en", "zh-TW", "en"),
    ] {
        let lab = lab().node(node("gpu-b")).settings(key);
        let world = lab.tables("[report]\nnightly = true\n").start();
        let variable = [("DAILY_GPU_LOG_LANG", other)];
        for outcome in [
            world.run(&[DATE, "--lang", other]),
            world.run_with(&[DATE], &variable),
        ] {
            outcome.exits(0);
            let page = world.read(PAGE);
            assert!(page.contains(&format!("<html lang=\"{of_page}\">")));
            let command = format!("daily-gpu-log report {DATE} --lang {language}");
            assert!(
                page.contains(&format!("<code>{command}</code>")),
                "{command}"
            );
            let latest = world.read("data/reports/latest.html");
            assert!(latest.contains(&format!("<html lang=\"{of_page}\">")));
        }
    }
}

#[test]
fn a_page_without_names_or_of_a_part_leaves_that_of_the_run_alone() {
    let world = lab().tables("[report]\nnightly = true\n").start();
    world.run(&[DATE]).exits(0);
    let of_run = world.read(PAGE);
    for (arguments, suffix) in [
        (&["--anonymize"][..], "_anonymous"),
        (&["--user", "alice"], "_part"),
        (&["--node", NODE], "_part"),
        (&["--anonymize", "--node", NODE], "_anonymous_part"),
    ] {
        let page = PAGE.replace(".html", &format!("{suffix}.html"));
        let outcome = world.run(&[&["report", DATE], arguments].concat()).exits(0);
        let _ = outcome.stdout_is(&format!("網頁：{page}\n"));
    }
    assert_eq!(world.read(PAGE), of_run);
    world.run(&[DATE]).exits(0);
    let anonymous = world.read(&PAGE.replace(".html", "_anonymous.html"));
    assert!(
        !anonymous.contains("alice"),
        "a later run puts no name back"
    );
    let latest = world.read("data/reports/latest.html");
    assert!(latest.contains("content=\"0;url=report_2025-08-01.html\""));
}

#[test]
fn where_a_task_may_have_held_a_gpu_the_page_does_not_say_that_none_did() {
    let world = lab()
        .node(node("gpu-b"))
        .raw_task("t6", json!({"hostname": NODE, "gpus": [{"id": 1}]}));
    let world = world.start();
    world.run(&[DATE]).exits(3);
    let kept = format!("data/.daily-gpu-log/tasks/{DATE}.json");
    let (_, rest) = world
        .read(&kept)
        .split_once(',')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .expect("JSON");
    world.write(
        &kept,
        &format!("{{\"fetched_at\":{},{rest}", MIDNIGHT + 23 * HOUR),
    );
    let page = world.run(&["report", DATE, "-o", "-"]).stdout;
    let of_malformed = data(&page);
    assert_eq!(of_malformed["days"][0][4], json!(MIDNIGHT + 23 * HOUR));
    assert_eq!(of_malformed["gpus"][3]["x"], json!([0]));

    let world = lab().node(node("gpu-b")).start();
    world.run(&[DATE]).exits(0);
    fs::remove_dir_all(world.path("data/.daily-gpu-log/runs")).expect("the records");
    world.edit_settings("name = \"gpu-b\"", "name = \"gpu-c\"");
    let page = world.run(&["report", DATE, "-o", "-"]).stdout;
    let of_former = data(&page);
    let nodes = of_former["nodes"].as_array().expect("nodes");
    let former = nodes
        .iter()
        .position(|name| name == "gpu-b")
        .expect("the former");
    for gpu in of_former["gpus"].as_array().expect("GPUs") {
        let is_in_doubt = gpu["n"] == json!(former);
        assert_eq!(gpu.get("x").is_some(), is_in_doubt, "{gpu}");
    }
}
