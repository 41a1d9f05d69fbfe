//! A node that failed and has no files of the day: it gets the average and the summary that the old programs wrote.

use std::fs;

use pretty_assertions::assert_eq;

use crate::simulated_cluster::{Fault, SimulatedApi, SimulatedNode, SimulatedTask};
use crate::support::{DATE, Day, HOUR, Lab, MIDNIGHT, TOKEN};

const DOWN: &str = "gpu-b";
const BEFORE: &str = "2025-07-31";
const AVERAGE: &str = "GPU編號,平均GPU使用率(%),平均VRAM使用率(%),使用者\n\
                       GPU[0],N/A,N/A,alice;bob\n\
                       GPU[1],N/A,N/A,未使用\n\
                       全部平均,N/A,N/A,所有使用者\n";

fn down() -> SimulatedNode {
    SimulatedNode::new(DOWN).cards(&[1, 9])
}

fn well() -> SimulatedNode {
    SimulatedNode::new("gpu-a").cards(&[1, 9])
}

fn api() -> SimulatedApi {
    let task = |id, user| SimulatedTask::new(id, user, DOWN).gpu(1, "APU-1");
    SimulatedApi::new(TOKEN)
        .task(task("t1", "alice").end(MIDNIGHT + 6 * HOUR))
        .task(
            task("t2", "bob")
                .start(MIDNIGHT + 6 * HOUR)
                .end(MIDNIGHT + 24 * HOUR),
        )
}

fn one_of_two_fails() -> Lab {
    let down = down().fault(Fault::Refuse);
    Lab::new().node(well()).node(down).api(api())
}

#[test]
fn a_node_that_failed_gets_its_average_and_its_summary() {
    let outcome = one_of_two_fails().run(&[DATE]).exits(3);
    let outcome = outcome.stdout_has(
        "\n完成：2 個節點中 1 個已寫入，讀數 288/576（50.0%），不完整：有節點沒有寫入\n",
    );
    let names: Vec<_> = outcome
        .files(DOWN)
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    let expected = [format!("average_{DATE}.csv"), format!("summary_{DATE}.txt")];
    assert_eq!(names, expected.map(|name| format!("{DOWN}/{DATE}/{name}")));
    assert_eq!(outcome.of_day(DOWN, DATE, "average"), AVERAGE);
    assert_eq!(
        outcome.of_day(DOWN, DATE, "summary"),
        include_str!("../../fixtures/golden/summary_without_readings.txt")
    );
    let english = one_of_two_fails().settings("file_language = \"en\"");
    let english = english.run(&[DATE]).exits(3);
    assert_eq!(
        english.of_day(DOWN, DATE, "summary"),
        include_str!("../../fixtures/golden/summary_without_readings.en.txt")
    );
}

#[test]
fn the_old_column_is_in_it_where_the_settings_ask_for_that() {
    let outcome = one_of_two_fails()
        .settings("user_column = \"last\"")
        .run(&[DATE])
        .exits(3);
    assert_eq!(outcome.users(DOWN, DATE), ["bob", "未使用"]);
}

#[test]
fn nothing_that_is_there_is_overwritten() {
    let world = one_of_two_fails().start();
    let path = format!("data/{DOWN}/{DATE}/gpu7_{DATE}.csv");
    world.write(&path, "whatever\n");
    let outcome = world.run(&[DATE]).exits(3);
    let file = (
        format!("{DOWN}/{DATE}/gpu7_{DATE}.csv"),
        "whatever\n".to_owned(),
    );
    assert_eq!(outcome.files(DOWN), [file]);
}

#[test]
fn where_no_node_gave_anything_nothing_is_written() {
    let outcome = Lab::new()
        .node(well().fault(Fault::Refuse))
        .node(down().fault(Fault::Refuse))
        .run(&[DATE])
        .exits(1);
    assert_eq!(outcome.tree(), [""; 0]);
    assert!(!outcome.world().path(format!("data/{DOWN}")).exists());
}

#[test]
fn once_the_node_answers_its_readings_take_their_place() {
    let world = one_of_two_fails().start();
    let _ = world.run(&[BEFORE]).exits(3);
    let world = Lab::new()
        .node(well())
        .node(down())
        .api(api())
        .start_after(world);
    let outcome = world
        .run(&[DATE, "--catch-up", "1"])
        .exits(0)
        .stderr_is("")
        .stdout_has(&format!("{BEFORE}：完整，節點 1/1，讀數 288/288"));
    let day = Day {
        start: MIDNIGHT - 24 * HOUR,
        end: MIDNIGHT,
        ..Day::utc()
    };
    let node = world.cluster.node(DOWN);
    assert_eq!(outcome.of_day(DOWN, BEFORE, "gpu1"), day.gpu_csv(node, 9));
    assert_eq!(outcome.users(DOWN, BEFORE), ["alice", "未使用"]);
    let summary = outcome.of_day(DOWN, BEFORE, "summary");
    assert!(!summary.contains("沒有給出"), "{summary}");
}

#[test]
fn a_node_that_is_left_out_of_the_days_before_gets_them_as_well() {
    let world = one_of_two_fails().start();
    let outcome = world.run(&[DATE, "--catch-up", "2"]).exits(3);
    for date in ["2025-07-30", BEFORE, DATE] {
        let average = outcome.of_day(DOWN, date, "average");
        assert!(average.contains("\n全部平均,N/A,N/A,"), "{date}: {average}");
        outcome.of_day(DOWN, date, "summary");
    }
    // They are as incomplete as before.
    let plan = world.run(&[DATE, "--catch-up", "2", "--dry-run"]).exits(0);
    let _ = plan.stdout_has(&format!("{BEFORE}：收集 {DOWN}（沒有檔案"));
}

#[test]
fn under_other_cards_they_do_not_keep_the_day_from_being_collected() {
    let world = one_of_two_fails().start();
    let _ = world.run(&[BEFORE]).exits(3);
    let lab = Lab::new().node(well()).node(down()).api(api());
    let world = lab.start_after(world);
    world.edit_settings("cards = [1, 9]", "cards = [9, 1]");
    let outcome = world
        .run(&[DATE, "--catch-up", "1", "--node", DOWN])
        .exits(0);
    let outcome = outcome.stdout_has(&format!("{BEFORE}：完整，節點 1/1，讀數 288/288"));
    let aside = format!("{DOWN}/{BEFORE}/average_{BEFORE}.csv.unreadable1");
    assert!(outcome.file(&aside).contains("GPU[0],N/A,N/A,alice\n"));
}

#[test]
fn moved_away_they_are_not_taken_for_readings() {
    let world = one_of_two_fails().start();
    let _ = world.run(&[BEFORE]).exits(3);
    for node in [DOWN, "gpu-a"] {
        let month = world.path("data_archive/2025-07").join(node);
        fs::create_dir_all(&month).expect("a directory");
        let day = world.path(format!("data/{node}/{BEFORE}"));
        fs::rename(day, month.join(BEFORE)).expect("a directory");
    }
    let lab = Lab::new().node(well()).node(down()).api(api());
    let world = lab.start_after(world);
    let outcome = world.run(&[DATE, "--catch-up", "1"]).exits(0);
    let _ = outcome.stdout_has(&format!("{BEFORE}：完整，節點 1/1，讀數 288/288"));
}

#[test]
fn without_task_information_the_summary_says_so() {
    let outcome = one_of_two_fails().run(&["--skip-task-info", DATE]).exits(3);
    assert_eq!(outcome.users(DOWN, DATE), ["未使用"; 2]);
    let sections = outcome.extra_sections(DOWN, DATE);
    assert!(
        sections.contains("節點沒有給出當日的任何讀數 (不代表 GPU 閒置)\n"),
        "{sections}"
    );
    assert!(
        sections.contains("沒有任務資訊 (不代表 GPU 無人使用):\n"),
        "{sections}"
    );
}
