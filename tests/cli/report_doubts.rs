//! `report` of days that lack something, or of which something is in doubt: what counts, and what is said of it.

use std::fs;

use serde_json::{Value, json};

use crate::report::{NODE, held, lab, node, world};
use crate::simulated_cluster::{Metric, SimulatedTask};
use crate::support::{DATE, Day, HOUR, Lab, MIDNIGHT};

/// The rows of a report: the GPU of a node that was free on all of [`DATE`].
fn free_node(name: &str) -> String {
    let to = MIDNIGHT + 24 * HOUR;
    let free = format!("24,0,24,0,0,0.14,100.00,86400,0,0,86400,0,0,86400,{MIDNIGHT},{to},\n");
    format!("未分配,,{name},GPU[0],{free}未分配合計,,{name},,{free}")
}

#[test]
fn no_name_is_in_what_an_anonymous_page_says_is_wrong() {
    let nowhere = SimulatedTask::new("t-of-alice", "alice", "gpu-c").gpu(77, "APU-1");
    let nowhere = nowhere.start(MIDNIGHT).end(MIDNIGHT + HOUR);
    let odd = node("gpu-b").serving("alice was here");
    let lab = lab().node(odd).node(node("gpu-c")).task(nowhere);
    let world = lab.start();
    world.run(&[DATE]).exits(3);
    let card = format!("data/{NODE}/{DATE}/gpu1_{DATE}.csv");
    world.write(&card, "timestamp,alice\n");
    // What the page says of them with names, in order that there is something to leave out.
    let page = |arguments: &[&str]| {
        let arguments = [&["report", DATE, "-o", "-"], arguments].concat();
        world.run(&arguments).exits(3).stdout
    };
    let named = page(&[]);
    assert!(named.contains("t-of-alice"), "{named}");
    assert!(
        !named.contains("收集的結果不完整"),
        "it is said with the tasks"
    );
    assert!(named.contains(&format!("gpu1_{DATE}.csv 無法使用：")));
    assert!(named.contains("gpu-b 沒有讀數：2025-08-01：無法從 "));
    let has_no_name = |page: &str| {
        for name in ["alice", "王小明", "alert(1)", "was here"] {
            assert!(!page.contains(name), "{name}");
        }
    };
    let anonymous = page(&["--anonymize"]);
    has_no_name(&anonymous);
    assert!(anonymous.contains("任務的 GPU 無法對應"));
    assert!(anonymous.contains(&format!("gpu1_{DATE}.csv 無法使用</li>")));
    assert!(anonymous.contains("gpu-b 沒有讀數：2025-08-01：收集時沒有取得讀數</li>"));
    // Without the kept tasks, by the user column of the average.
    world.write(
        &format!("data/.daily-gpu-log/tasks/{DATE}.json"),
        "[\"alice\"]",
    );
    assert!(page(&[]).contains("佔用：alice"));
    let anonymous = page(&["--anonymize"]);
    has_no_name(&anonymous);
    assert!(anonymous.contains("佔用：user-"));
}

#[test]
fn what_nobody_knows_is_no_part_of_the_rest_of_a_user() {
    let world = world();
    world.run(&["2025-08-02"]).exits(0);
    fs::remove_file(world.path("data/reports/users_2025-08-02.csv")).expect("the accounts");
    let arguments = ["report", DATE, "--to", "2025-08-02", "--user", "王小明"];
    let page = world.run(&[&arguments[..], &["-o", "-"]].concat()).exits(3);
    for shown in [
        "<b>96.0</b>",
        "其餘（他人佔用或沒有任務佔用） <b>42.0</b>",
        "沒有任務資訊 <b>48.0</b>",
    ] {
        assert!(page.stdout.contains(shown), "{shown}");
    }
}

#[test]
fn without_a_report_nobody_knows_whether_there_is_such_a_user() {
    let world = world();
    fs::remove_file(world.path(format!("data/reports/users_{DATE}.csv"))).expect("the accounts");
    let page = |user| {
        let arguments = ["report", DATE, "--user", user, "-o", "-"];
        world.run(&arguments).exits(3).stdout
    };
    let doubt = "<li>沒有用量報告，無法得知是否有使用者「";
    assert!(page("nobody").contains(&format!("{doubt}nobody」</li>")));
    assert!(!page("alice").contains(doubt), "the tasks have her");
}

#[test]
fn a_node_counts_on_the_days_on_which_it_was_to_be_collected() {
    let world = lab().node(node("gpu-b")).start();
    world.run(&[DATE, "--node", NODE]).exits(0);
    world.run(&["2025-08-02"]).exits(0);
    let range = ["report", DATE, "--to", "2025-08-02", "-o", "-"];
    let page = world.run(&range).exits(0).stdout;
    assert!(
        page.contains("<b>144.0</b>"),
        "gpu-b came on the second day"
    );
    assert!(!page.contains("gpu-b 沒有讀數"));
    let accounts = format!("data/reports/users_{DATE}.csv");
    world.write(&accounts, &(world.read(&accounts) + &free_node("gone")));
    let page = world.run(&range).exits(3).stdout;
    assert!(
        page.contains("<b>168.0</b>"),
        "the node that went was there for one"
    );
    assert!(page.contains("<li>gone 沒有讀數：2025-08-01：沒有收集"));
    let page = world
        .run(&["report", "2025-08-02", "-o", "-"])
        .exits(0)
        .stdout;
    assert!(page.contains("<b>96.0</b>"));
}

#[test]
fn what_a_run_calls_incomplete_is_no_complete_page() {
    let silent = node(NODE).without_card(9);
    let beyond = node("gpu-b").raw_reading(Metric::GpuUtilization, 1, MIDNIGHT + HOUR, "4000");
    let world = Lab::new().node(silent).node(beyond).start();
    world.run(&[DATE]).exits(3);
    let page = world.run(&["report", DATE, "-o", "-"]).exits(3).stdout;
    assert!(page.contains(&format!("<li>{NODE} GPU[1] 沒有讀數：2025-08-01</li>")));
    assert!(page.contains("2025-08-01：收集的結果不完整："), "{page}");
    let part = world.run(&["report", DATE, "--node", "gpu-b", "-o", "-"]);
    let page = part.exits(3).stdout;
    assert!(page.contains("有讀數不合理而未採用"));
    assert!(!page.contains(NODE));
}

#[test]
fn every_conflict_counts_however_many_there_are() {
    let mut lab = Lab::new()
        .node(node(NODE))
        .task(held("t", "alice", 1, 0, 24));
    for number in 0..30 {
        let task = SimulatedTask::new(&format!("u{number}"), &format!("user{number:02}"), NODE);
        let from = MIDNIGHT + number * 1800;
        lab = lab.task(task.gpu(1, "APU-1").start(from).end(from + 600));
    }
    let world = lab.start();
    world.run(&[DATE]).exits(0);
    let page = world.run(&["report", DATE, "-o", "-"]).exits(0).stdout;
    let title = "多位使用者同時佔用一張 GPU<span class=\"n\">";
    let total = format!("{title}30</span><span class=\"sum\">5.0 GPU 小時</span>");
    assert!(page.contains(&total));
    let arguments = ["report", DATE, "--user", "user29", "-o", "-"];
    let page = world.run(&arguments).exits(0).stdout;
    assert!(page.contains(&format!("{title}1</span>")));
    assert!(!page.contains("alice"));
}

#[test]
fn a_day_goes_up_to_what_was_collected_of_it() {
    let today = Day::now_in_hour(12);
    let date = today.date();
    let world = Lab::new()
        .settings(&format!("timezone = \"{}\"", today.zone))
        .node(node(NODE).samples_from(today.start))
        .start();
    let _ = world.run(&[&date]);
    // Of a run at one o'clock, of which there is no record.
    for name in [format!("gpu0_{date}.csv"), format!("gpu1_{date}.csv")] {
        let file = format!("data/{NODE}/{date}/{name}");
        let rows = world.read(&file);
        let rows: Vec<_> = rows.lines().take(1 + 6).collect();
        world.write(&file, &(rows.join("\n") + "\n"));
    }
    fs::remove_file(world.path(format!("data/.daily-gpu-log/runs/{date}.json"))).expect("a record");
    let page = world.run(&["report", &date, "-o", "-"]).stdout;
    let line = format!("{date} 尚未結束：資料到 {date} 01:00:00，之後的讀數尚未收集");
    assert!(page.contains(&line), "{page}");
    assert!(!page.contains("讀數中斷"), "nothing stopped");
}

#[test]
fn a_day_last_collected_before_its_end_is_not_complete() {
    let world = world();
    let path = format!("data/.daily-gpu-log/runs/{DATE}.json");
    let mut record: Value = serde_json::from_str(&world.read(&path)).expect("a record");
    record["nodes"][0]["files"]["until"] = json!(MIDNIGHT + 24 * HOUR - 600);
    world.write(&path, &record.to_string());
    for index in 0..2 {
        let file = format!("data/{NODE}/{DATE}/gpu{index}_{DATE}.csv");
        let rows = world.read(&file);
        let rows: Vec<_> = rows.lines().take(1 + 143).collect();
        world.write(&file, &(rows.join("\n") + "\n"));
    }
    let page = world.run(&["report", DATE, "-o", "-"]).exits(3).stdout;
    assert!(page.contains("2025-08-01：資料到 2025-08-01 23:50:00，之後的讀數尚未收集"));
    assert!(page.contains("有讀數未能取得"));
    assert!(!page.contains("讀數中斷"), "nothing stopped");
}
