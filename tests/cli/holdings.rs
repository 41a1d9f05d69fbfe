//! When a task holds its GPU, and what each user had of a GPU.

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::simulated_cluster::{SimulatedNode, SimulatedTask};
use crate::support::{DATE, Day, HOUR, Lab, MIDNIGHT, Outcome, World};

const NODE: &str = "gpu-a";
const SECTION: &str = "\n各使用者佔用 GPU 的時數，以及佔用期間的使用率:\n";

/// A node of two cards: the first reads 80 % and 40 %, but nothing from noon to 23:00.
fn node() -> SimulatedNode {
    SimulatedNode::new(NODE)
        .cards(&[1, 9])
        .constant(1, 80.0, 40.0)
        .constant(9, 2.0, 0.14)
        .gap(1, MIDNIGHT + 12 * HOUR, MIDNIGHT + 23 * HOUR)
}

fn task(id: &str, user: &str, card: u32) -> SimulatedTask {
    SimulatedTask::new(id, user, NODE).gpu(card, "APU-1")
}

/// The task, from and to these seconds after midnight.
fn held(id: &str, user: &str, card: u32, from: i64, to: i64) -> SimulatedTask {
    task(id, user, card)
        .start(MIDNIGHT + from)
        .end(MIDNIGHT + to)
}

/// The summary's section of hours, without its title; empty where there is none.
#[track_caller]
fn hours(outcome: &Outcome) -> String {
    let sections = outcome.extra_sections(NODE, DATE);
    let section = sections.split_once(SECTION).map_or("", |(_, rest)| rest);
    let (section, _) = section.split_once("\n\n").unwrap_or((section, ""));
    section.trim_end_matches('\n').to_owned()
}

#[test]
fn every_user_of_a_gpu_has_their_hours_and_their_own_mean() {
    let outcome = Lab::new()
        .node(node())
        .task(held("t1", "carol", 1, 6 * HOUR, 15 * HOUR))
        .task(held("t2", "王小明", 1, 0, 5 * HOUR + 30 * 60))
        .task(held("t3", "alice", 1, 15 * HOUR, 16 * HOUR + 18))
        .task(held("t4", "bob", 9, HOUR, 2 * HOUR))
        .run(&[DATE])
        .exits(0)
        .stderr_is("");
    assert_eq!(outcome.users(NODE, DATE), ["王小明;carol;alice", "bob"]);
    assert_eq!(
        hours(&outcome),
        "GPU[0]: 5.50 小時, GPU使用率 = 80.0%, VRAM使用率 = 40.0% (使用者: 王小明)\n\
         GPU[0]: 9.00 小時, GPU使用率 = 80.0%, VRAM使用率 = 40.0% (使用者: carol)\n\
         GPU[0]: 1.01 小時, GPU使用率 = N/A, VRAM使用率 = N/A (使用者: alice)\n\
         GPU[1]: 1.00 小時, GPU使用率 = 2.0%, VRAM使用率 = 0.14% (使用者: bob)"
    );
}

#[test]
fn a_mean_weighs_a_reading_with_the_seconds_that_were_held_of_its_interval() {
    // The row stamped 00:10:00 is that of the first ten minutes.
    let at = |row: i64| MIDNIGHT + row * 600;
    let gpu = crate::simulated_cluster::Metric::GpuUtilization;
    let outcome = Lab::new()
        .node(
            SimulatedNode::new(NODE)
                .cards(&[1])
                .constant(1, 0.0, 10.0)
                .raw_reading(gpu, 1, at(1), "90")
                .raw_reading(gpu, 1, at(2), "30"),
        )
        .task(held("t1", "alice", 1, 540, 780))
        .run(&[DATE])
        .exits(0);
    // A minute of 90 and three of 30.
    assert_eq!(
        hours(&outcome),
        "GPU[0]: 0.07 小時, GPU使用率 = 45.0%, VRAM使用率 = 10.0% (使用者: alice)"
    );
}

#[test]
fn who_alone_held_a_gpu_all_day_is_told_nothing_more() {
    let outcome = Lab::new()
        .node(node())
        .task(task("t1", "alice", 1))
        .task(held("t2", "bob", 9, -HOUR, 12 * HOUR))
        .task(held("t3", "bob", 9, 12 * HOUR, 25 * HOUR))
        .run(&[DATE])
        .exits(0)
        .stderr_is("");
    assert_eq!(hours(&outcome), "");
}

#[test]
fn tasks_of_one_user_that_overlap_count_once() {
    let outcome = Lab::new()
        .node(node())
        .task(held("t1", "alice", 9, HOUR, 4 * HOUR))
        .task(held("t2", "alice", 9, 2 * HOUR, 3 * HOUR))
        .task(held("t3", "alice", 9, 2 * HOUR, 5 * HOUR))
        .task(held("t4", "alice", 9, 5 * HOUR, 6 * HOUR))
        .task(held("t5", "alice", 9, 7 * HOUR, 8 * HOUR))
        .run(&[DATE])
        .exits(0)
        .stderr_is("");
    assert_eq!(
        hours(&outcome),
        "GPU[1]: 6.00 小時, GPU使用率 = 2.0%, VRAM使用率 = 0.14% (使用者: alice)"
    );
}

#[test]
fn only_what_lies_in_the_day_counts_however_long_a_task_is() {
    let (year_before, year_after) = (
        "Thu, 01 Aug 2024 00:00:00 GMT",
        "Sat, 01 Aug 2026 00:00:00 GMT",
    );
    let six = "Fri, 01 Aug 2025 06:00:00 GMT";
    for (start, end, expected) in [
        (year_before, json!(year_after), ""),
        (year_before, json!(null), ""),
        (
            "Mon, 01 Jan 0001 00:00:00 GMT",
            json!("Fri, 31 Dec 9999 23:59:59 GMT"),
            "",
        ),
        (year_before, json!(six), "GPU[1]: 6.00 小時"),
        (six, json!(year_after), "GPU[1]: 18.00 小時"),
        (
            six,
            json!("Fri, 01 Aug 2025 06:00:01 GMT"),
            "GPU[1]: 0.00 小時",
        ),
        // Nothing.
        (six, json!(six), ""),
        (six, json!(year_before), ""),
        // What is not known.
        ("soon", json!(null), ""),
    ] {
        let status = if start == "soon" { 3 } else { 0 };
        let task = json!({
            "username": "alice", "hostname": NODE, "gpus": [{"id": 9}], "start": start, "end": end,
        });
        let outcome = Lab::new()
            .node(node())
            .raw_task("t1", task)
            .run(&[DATE])
            .exits(status);
        let hours = hours(&outcome);
        let (hours, _) = hours.split_once(',').unwrap_or((&hours, ""));
        assert_eq!(hours, expected, "{start} to {end}");
    }
}

#[test]
fn a_task_that_ended_since_is_put_right_when_the_day_is_collected_again() {
    let running = Lab::new().node(node()).task(task("t1", "alice", 9)).start();
    let _ = running.run(&[DATE]).exits(0);
    let ended = Lab::new()
        .node(node())
        .task(held("t1", "alice", 9, -HOUR, 10 * HOUR))
        .start_after(running);
    let outcome = ended.run(&[DATE]).exits(0).stderr_is("");
    assert_eq!(
        hours(&outcome),
        "GPU[1]: 10.00 小時, GPU使用率 = 2.0%, VRAM使用率 = 0.14% (使用者: alice)"
    );
}

/// The seconds that the accounts of the day give `alice`, and until when they reach.
#[track_caller]
fn accounted(outcome: &Outcome, date: &str) -> (i64, i64) {
    let accounts = outcome.accounts(date);
    let row = accounts.lines().find(|row| row.starts_with("配置,alice,"));
    let fields: Vec<_> = row.expect("a row of alice").split(',').collect();
    let number = |column: usize| fields[column].parse().expect("a number");
    (number(11), number(19))
}

#[test]
fn a_task_that_runs_on_a_day_that_runs_holds_its_gpu_until_now() {
    let day = Day::now_in_hour(12);
    let start = day.start + HOUR;
    let outcome = Lab::new()
        .node(SimulatedNode::new(NODE).cards(&[9]).constant(9, 2.0, 0.14))
        .task(task("t1", "alice", 9).start(start))
        .run(&["--timezone", day.zone.name(), &day.date()])
        .exits(0);
    let (seconds, until) = accounted(&outcome, &day.date());
    assert_eq!(seconds, until - start);
    let noon = day.start + 12 * HOUR;
    assert!((noon..noon + HOUR).contains(&until), "{until} is not now");
    assert!(outcome.accounts(&day.date()).contains(",未達當日結束\n"));
}

/// Says that the kept answer was given at this moment.
fn date_kept_answer(world: &World, fetched_at: i64) {
    let path = format!("data/.daily-gpu-log/tasks/{DATE}.json");
    let text = world.read(&path);
    let (_, rest) = text.split_once(',').expect("more than one field");
    assert!(text.starts_with("{\"fetched_at\":"), "{text}");
    world.write(&path, &format!("{{\"fetched_at\":{fetched_at},{rest}"));
}

#[test]
fn of_what_came_after_a_kept_answer_nothing_is_known() {
    let world = Lab::new().node(node()).task(task("t1", "alice", 9)).start();
    let _ = world.run(&[DATE]).exits(0);
    date_kept_answer(&world, MIDNIGHT + 7 * HOUR);
    let outcome = world.run(&["--skip-task-info", DATE]).exits(3);
    assert_eq!(accounted(&outcome, DATE), (7 * HOUR, MIDNIGHT + 7 * HOUR));
    // All that is known of the other GPU is that nobody held it in those hours.
    let free =
        "未分配,,gpu-a,GPU[0],7.0000,7.0000,0.0000,0.0000,80,40,100.00,25200,25200,0,0,0,0,25200,";
    assert!(outcome.accounts(DATE).contains(free));

    date_kept_answer(&world, MIDNIGHT);
    let outcome = world.run(&["--skip-task-info", DATE]).exits(3);
    assert!(
        outcome
            .extra_sections(NODE, DATE)
            .ends_with("沒有任務資訊 (不代表 GPU 無人使用):\n管理 API 的回覆早於這一天\n使用者欄位保留自先前的 average CSV\n")
    );
}

#[test]
fn a_user_and_an_owner_that_differ_are_shown_side_by_side_and_the_hours_are_the_users() {
    let lab = || {
        Lab::new()
            .node(node())
            .task(held("t1", "alice", 9, 0, 6 * HOUR).owner("王小明"))
            .task(held("t2", "bob", 9, 6 * HOUR, 7 * HOUR).owner("bob"))
    };
    let outcome = lab().run(&[DATE]).exits(0).stderr_is("");
    let summary = outcome.of_day(NODE, DATE, "summary");
    let shown = "  GPU 9: alice\n    - 擁有者: 王小明 (時數計入使用者 alice)\n    - GPU 型號: ";
    assert!(summary.contains(shown), "{summary}");
    assert_eq!(summary.matches("擁有者").count(), 1, "{summary}");
    assert_eq!(outcome.users(NODE, DATE)[1], "alice;bob");
    assert!(!outcome.accounts(DATE).contains("王小明"));
    let shown = "  使用者: alice\n  擁有者: 王小明 (時數計入使用者 alice)\n  GPU 型號: ";
    let report = lab()
        .run(&["--user-report", DATE])
        .exits(0)
        .stdout_has(shown);
    assert_eq!(report.stdout.matches("擁有者").count(), 1);
}
