//! The management API's answer of a day, kept for the runs that cannot or shall not ask again.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::simulated_cluster::{Fault, SimulatedApi, SimulatedNode, SimulatedTask};
use crate::support::{BOUND_BY_MODES, DATE, Lab, MIDNIGHT, Outcome, TOKEN, World};

const NODE: &str = "colab-gpu4";

fn api() -> SimulatedApi {
    SimulatedApi::new(TOKEN).task(
        SimulatedTask::new("t1", "alice", NODE)
            .gpu(25, "APU-1")
            .start(MIDNIGHT - 60),
    )
}

fn lab(api: SimulatedApi) -> Lab {
    Lab::new().node(SimulatedNode::new(NODE)).api(api)
}

/// A world in which the day was collected with its tasks.
fn collected() -> World {
    let world = lab(api()).start();
    world.run(&[DATE]).exits(0).stderr_is("");
    world
}

#[track_caller]
fn shows_alice(outcome: &Outcome) {
    assert!(outcome.of_day(NODE, DATE, "average").contains(",alice\n"));
    let summary = outcome.of_day(NODE, DATE, "summary");
    assert!(summary.contains("(使用者: alice)"), "{summary}");
    assert!(
        summary.contains("任務資訊取自先前保存的管理 API 回覆 ("),
        "{summary}"
    );
}

#[test]
fn it_is_used_when_the_api_is_down_and_that_is_said() {
    let world = lab(api().fault(Fault::Refuse)).start_after(collected());
    let outcome = world
        .run(&[DATE])
        .exits(0)
        .stderr_has("警告：無法從管理 API 獲取數據")
        .stderr_has("保存的任務資訊");
    shows_alice(&outcome);
}

/// What is said of the task `t1`, which an earlier answer had.
const GONE: &str = "警告：管理 API 的回覆少了先前有過的 1 個任務（t1）：\
    沿用先前保存的任務資訊，佔用只計到它最後一次出現為止\n";

/// As if the answer had been kept so many seconds after midnight.
fn kept_at(world: &World, second: i64) {
    let file = format!("data/.daily-gpu-log/tasks/{DATE}.json");
    let kept = world.read(&file);
    let fetched_at = kept.split_once("\"fetched_at\":").expect("a stamp").1;
    let fetched_at = fetched_at.split_once(',').expect("more").0;
    let earlier = (MIDNIGHT + second).to_string();
    world.write(&file, &kept.replace(fetched_at, &earlier));
}

#[test]
fn its_tasks_stay_when_the_api_has_forgotten_the_day() {
    let world = lab(SimulatedApi::new(TOKEN)).start_after(collected());
    for _ in 0..2 {
        let outcome = world.run(&[DATE]).exits(0).stderr_is(GONE);
        assert!(outcome.of_day(NODE, DATE, "average").contains(",alice\n"));
    }
    let outcome = world.run(&[DATE, "--skip-task-info"]).exits(0);
    shows_alice(&outcome);
}

#[test]
fn of_one_from_before_the_days_end_the_tasks_stay_as_long_as_it_knew_them() {
    let earlier = collected();
    kept_at(&earlier, 23 * 3600 + 45 * 60);
    let world = lab(SimulatedApi::new(TOKEN)).start_after(earlier);
    let _ = world.run(&[DATE]).exits(0).stderr_is(GONE);
    let users = world.read(&format!("data/reports/users_{DATE}.csv"));
    let rows: Vec<_> = users.lines().filter(|row| row.contains("GPU[3]")).collect();
    assert!(
        rows.len() == 1 && rows[0].starts_with("配置,alice,colab-gpu4,GPU[3],23.7500,"),
        "{users}"
    );
}

#[test]
fn two_tasks_under_one_id_are_both_kept() {
    let task = |user| json!({"username": user, "hostname": NODE, "gpus": [{"id": 25}], "start": "Fri, 01 Aug 2025 00:00:00 GMT"});
    let api = SimulatedApi::new(TOKEN);
    let api = api.raw_task("1", task("alice")).raw_task("1", task("bob"));
    let world = lab(api).start();
    let _ = world
        .run(&[DATE])
        .exits(0)
        .stderr_has("警告：管理 API 的回覆有 1 個任務 id 出現不只一次（1）：每一筆都計入\n");
    let outcome = world.run(&[DATE, "--skip-task-info"]).exits(0);
    assert!(
        outcome
            .of_day(NODE, DATE, "average")
            .contains(",alice;bob\n")
    );
}

#[test]
fn it_is_used_and_stays_where_the_answer_is_no_list_of_tasks() {
    let whole = json!({"username": "bob", "hostname": NODE, "gpus": [{"id": 25}]});
    for (key, entry, problem) in [
        ("error", json!({"code": 500}), "沒有任務的欄位"),
        ("data", json!({"541": whole}), "放在「data」之內"),
    ] {
        let broken = SimulatedApi::new(TOKEN).raw_task(key, entry);
        let world = lab(broken).start_after(collected());
        let kept = || world.read(&format!("data/.daily-gpu-log/tasks/{DATE}.json"));
        let before = kept();
        let outcome = world.run(&[DATE]).exits(0).stderr_has(problem);
        shows_alice(&outcome);
        assert_eq!(kept(), before);
    }
}

#[test]
fn it_is_used_when_the_api_is_not_asked() {
    let world = lab(api()).start_after(collected());
    let outcome = world
        .run(&["--skip-task-info", DATE])
        .exits(0)
        .stderr_is("");
    shows_alice(&outcome);
    assert!(world.cluster.api_requests().is_empty());
}

#[test]
fn it_is_not_used_for_the_same_date_of_another_zone() {
    let world = lab(api()).start_after(collected());
    // Under another zone, nothing is added to files of the day.
    for files in [NODE, "reports"] {
        std::fs::remove_dir_all(world.path("data").join(files)).expect("the files");
    }
    let outcome = world
        .run(&["--skip-task-info", "--timezone", "Asia/Taipei", DATE])
        .exits(0);
    assert!(outcome.of_day(NODE, DATE, "summary").contains("無任務資訊"));
}

#[test]
fn a_new_answer_of_a_task_takes_its_place() {
    let bob = SimulatedTask::new("t1", "bob", NODE)
        .gpu(25, "APU-1")
        .start(MIDNIGHT - 60);
    let world = lab(SimulatedApi::new(TOKEN).task(bob)).start_after(collected());
    world.run(&[DATE]).exits(0).stderr_is("");
    let outcome = world.run(&["--skip-task-info", DATE]).exits(0);
    assert!(outcome.of_day(NODE, DATE, "average").contains(",bob\n"));
}

#[test]
fn only_its_owner_can_read_it() {
    let world = collected();
    let file = world.path(format!("data/.daily-gpu-log/tasks/{DATE}.json"));
    let mode = file.metadata().expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_report_of_tasks_keeps_nothing() {
    lab(api())
        .run(&["--user-report", DATE])
        .exits(0)
        .writes_nothing();
}

#[test]
fn a_damaged_one_is_none() {
    let world = lab(api().fault(Fault::Refuse)).start_after(collected());
    world.write(
        &format!("data/.daily-gpu-log/tasks/{DATE}.json"),
        "{\"fetched_at\":",
    );
    let outcome = world.run(&[DATE]).exits(3).stderr_has("沒有任務資訊");
    assert!(outcome.of_day(NODE, DATE, "summary").contains("無任務資訊"));
}

#[test]
fn one_of_a_day_that_still_ran_is_said_to_be_of_one() {
    let world = collected();
    kept_at(&world, 3600);
    let outcome = world
        .run(&["--skip-task-info", DATE])
        .exits(3)
        .stderr_has("錯誤：使用 2025-08-01 01:00:00 保存的任務資訊，當時這一天尚未結束");
    let summary = outcome.of_day(NODE, DATE, "summary");
    assert!(summary.contains("當時這一天尚未結束"), "{summary}");
}

#[test]
fn without_one_the_user_column_of_an_earlier_run_stays() {
    let world = collected();
    std::fs::remove_dir_all(world.path("data/.daily-gpu-log/tasks")).expect("the kept answers");
    let outcome = world.run(&["--skip-task-info", DATE]).exits(0);
    assert!(
        outcome
            .of_day(NODE, DATE, "average")
            .contains("GPU[3],39.26,39.61,alice\n")
    );
    let summary = outcome.of_day(NODE, DATE, "summary");
    assert!(summary.contains("(使用者: alice)"), "{summary}");
    assert!(
        summary.contains("使用者欄位保留自先前的 average CSV"),
        "{summary}"
    );
    assert!(summary.contains("(使用者: 無任務資訊)"), "{summary}");
}

#[test]
fn a_place_that_takes_none_costs_no_usage() {
    let world = lab(api()).start();
    world.write("data/.daily-gpu-log/tasks", "not a directory");
    let outcome = world.run(&[DATE]).exits(0).stderr_has("任務資訊未能保存");
    assert!(outcome.of_day(NODE, DATE, "average").contains(",alice\n"));
}

#[test]
fn one_that_another_account_left_unreadable_stays() {
    let world = lab(SimulatedApi::new(TOKEN)).start_after(collected());
    let closed = [
        format!("data/.daily-gpu-log/tasks/{DATE}.json"),
        format!("data/.daily-gpu-log/runs/{DATE}.json"),
    ];
    let said = [
        "任務資訊未能保存，以免失去這個檔案中的任務；請修正它的擁有者與權限，再重新收集這一天\n",
        "執行記錄未能保存，原有的檔案保持不變；請修正它的擁有者與權限\n",
    ];
    for ((file, said), status) in closed.iter().zip(said).zip([3, 0]) {
        let before = world.read(file);
        world.set_mode(file, 0o000);
        let outcome = world.run_in_shell(BOUND_BY_MODES, &[DATE]);
        let problem = format!("警告：無法讀取 {file}：Permission denied");
        let _ = outcome.exits(status).stderr_has(&problem).stderr_has(said);
        world.set_mode(file, 0o600);
        assert_eq!(world.read(file), before);
    }
    let _ = world.run(&[DATE]).exits(0).stderr_is(GONE);
}

#[test]
fn a_task_that_is_gone_is_not_said_to_run() {
    let world = lab(SimulatedApi::new(TOKEN)).start_after(collected());
    let outcome = world.run(&[DATE]).exits(0).stderr_is(GONE);
    let summary = outcome.of_day(NODE, DATE, "summary");
    assert!(summary.contains("開始時間"), "{summary}");
    assert!(!summary.contains("執行中"), "{summary}");
}
