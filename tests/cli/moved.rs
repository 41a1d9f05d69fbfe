//! Months that the old suite's archiver moved away: where they are read, and that they are not collected again.

use std::fs;
use std::path::Path;

use pretty_assertions::assert_eq;

use crate::simulated_cluster::{Fault, SimulatedNode, SimulatedTask};
use crate::support::{DATE, Day, HOUR, Lab, World};

const NODE: &str = "colab-gpu4";
const BEFORE: &str = "2025-07-31";

/// A node and one beside it, and a user on a GPU of each that does nothing.
fn lab() -> Lab {
    let node = |name| SimulatedNode::new(name).cards(&[1]).constant(1, 0.0, 80.0);
    let held = |id, name| {
        let task = SimulatedTask::new(id, "alice", name);
        task.gpu(1, &format!("APU-{id}")).start(1_753_000_000)
    };
    Lab::new()
        .node(node(NODE))
        .node(node("other"))
        .task(held("1", NODE))
        .task(held("2", "other"))
}

fn rename(world: &World, from: &str, to: &str) {
    let to = world.path(to);
    fs::create_dir_all(to.parent().expect("a directory")).expect("a directory");
    fs::rename(world.path(from), to).expect("it is moved");
}

/// What the archiver does with a day: everything but the program's own state.
fn move_away(world: &World, date: &str, archive: &str) {
    for node in [NODE, "other"] {
        move_node_away(world, node, date, archive);
    }
    let report = format!("reports/users_{date}.csv");
    rename(
        world,
        &format!("data/{report}"),
        &format!("{archive}/{}/{report}", &date[..7]),
    );
}

fn move_node_away(world: &World, node: &str, date: &str, archive: &str) {
    let month = &date[..7];
    rename(
        world,
        &format!("data/{node}/{date}"),
        &format!("{archive}/{month}/{node}/{date}"),
    );
}

/// The three days before today, oldest first, and the setting of their zone.
fn last_days() -> ([String; 3], String) {
    let today = Day::now_in_hour(12);
    let zone = format!("timezone = \"{}\"", today.zone);
    let ago = |days: i64| today.clock(today.start - days * 24 * HOUR)[..10].to_owned();
    ([3, 2, 1].map(ago), zone)
}

#[test]
fn what_was_moved_away_is_not_collected_again_and_what_lies_nowhere_is() {
    let world = lab().start();
    let days = ["2025-07-29", "2025-07-30", BEFORE];
    let _ = world.run(&[days[0], "--to", BEFORE]).exits(0);
    move_away(&world, days[0], "data_archive");
    move_away(&world, BEFORE, "data_archive");
    for node in [NODE, "other"] {
        let lost = world.path(format!("data/{node}/{}", days[1]));
        fs::remove_dir_all(lost).expect("it is deleted");
    }
    let plan = world.run(&[DATE, "--catch-up", "3", "--dry-run"]).exits(0);
    let _ = plan.stderr_is("").stdout_is(&format!(
        "2025-07-30：收集 {NODE}、other（沒有檔案）\n{DATE}：收集 {NODE}、other\n"
    ));
    let _ = world.run(&[DATE, "--catch-up", "3"]).exits(0).stderr_is("");
    for date in [days[0], BEFORE] {
        assert!(
            !world.path(format!("data/{NODE}/{date}")).exists(),
            "{date}"
        );
    }
}

#[test]
fn a_node_that_lies_nowhere_is_collected_beside_those_that_were_moved_away() {
    let world = lab().start();
    let _ = world.run(&[BEFORE]).exits(0);
    let users = world.run(&["users", BEFORE, "--csv"]).exits(0).stdout;
    move_away(&world, BEFORE, "data_archive");
    let lost = format!("data_archive/2025-07/other/{BEFORE}");
    fs::remove_dir_all(world.path(lost)).expect("it is deleted");
    let plan = world.run(&[DATE, "--catch-up", "1", "--dry-run"]).exits(0);
    let _ = plan.stdout_has(&format!("{BEFORE}：收集 other（沒有檔案）\n"));
    let _ = world.run(&[DATE, "--catch-up", "1"]).exits(0).stderr_is("");
    assert!(world.path(format!("data/other/{BEFORE}")).exists());
    assert!(!world.path(format!("data/{NODE}/{BEFORE}")).exists());
    // The archiver is going to put this report in the place of the one that it moved.
    let report = world.read(&format!("data/reports/users_{BEFORE}.csv"));
    assert!(
        report.contains(NODE) && report.contains("other"),
        "{report}"
    );
    let again = world.run(&["users", BEFORE, "--csv"]).exits(0);
    let _ = again.stdout_is(&users);
}

#[test]
fn a_node_that_gave_nothing_before_the_month_was_moved_away_is_asked_again() {
    let other = || SimulatedNode::new("other").cards(&[1]);
    let down = SimulatedNode::new(NODE).cards(&[1]).fault(Fault::Refuse);
    let world = Lab::new().node(down).node(other()).start();
    let _ = world.run(&[BEFORE]).exits(3);
    move_away(&world, BEFORE, "data_archive");
    let catch_up = [DATE, "--catch-up", "1"];
    let nothing = format!("{BEFORE}：收集 {NODE}（沒有檔案）\n");
    let plan = world.run(&[&catch_up[..], &["--dry-run"]].concat());
    let _ = plan.exits(0).stdout_has(&nothing);
    let _ = world.run(&catch_up).exits(3);
    assert!(!world.path(format!("data/{NODE}/{BEFORE}")).exists());
    let up = SimulatedNode::new(NODE).cards(&[1]);
    let world = Lab::new().node(up).node(other()).start_after(world);
    let _ = world.run(&catch_up).exits(0);
    assert!(
        world
            .path(format!("data/{NODE}/{BEFORE}/gpu0_{BEFORE}.csv"))
            .exists()
    );
    let again = world.run(&[&catch_up[..], &["--dry-run"]].concat());
    let _ = again.exits(0).stdout_lacks(BEFORE);
}

#[test]
fn days_that_were_moved_away_are_said_to_be_and_need_no_attention() {
    let ([first, second, third], zone) = last_days();
    let world = lab().settings(&zone).start();
    let _ = world.run(&[&first, "--to", &third]).exits(0);
    for date in [&first, &second] {
        move_away(&world, date, "data_archive");
    }
    let status = world.run(&["status", "--days", "3"]).exits(0).stderr_is("");
    let _ = status.stdout_is(&format!(
        "日期                      狀態    節點  讀數               任務資訊\n\
         {first} 到 {second}  已移出  -     -                  -\n\
         {third}                完整    2/2   288/288（100.0%）  有\n\
         \n\
         {first} 到 {second}：已移到 data_archive\n"
    ));
    let json = world.run(&["status", "--days", "3", "--json"]).json();
    let day = |at: usize| {
        let day = &json["days"][at];
        (
            day["verdict"].as_str().expect("a verdict").to_owned(),
            day["nodes_written"].as_u64().expect("a number"),
            day["readings"].as_u64().expect("a number"),
        )
    };
    assert_eq!(day(0), ("moved".to_owned(), 2, 288));
    assert_eq!(day(2), ("complete".to_owned(), 2, 288));
    // Asked for after that, by date.
    let _ = world.run(&[&second, "--node", "other"]).exits(0);
    let status = world.run(&["status", "--days", "3", "--json"]).exits(0);
    assert_eq!(status.json()["days"][1]["verdict"], "complete");
}

#[test]
fn days_of_the_old_programs_that_were_moved_away_are_one_line() {
    let ([first, second, third], zone) = last_days();
    let world = lab().settings(&zone).start();
    let _ = world.run(&[&third]).exits(0);
    for date in [&first, &second] {
        let average = format!("shelf/{}/{NODE}/{date}/average_{date}.csv", &date[..7]);
        world.write(&average, "GPU編號,平均GPU使用率(%),平均VRAM使用率(%)\n");
    }
    world.edit_settings(&zone, &format!("{zone}\narchive_dirs = [\"shelf\"]"));
    let status = world.run(&["status", "--days", "3"]).exits(0).stderr_is("");
    let _ = status
        .stdout_has(&format!("{first} 到 {second}  已移出  -     -  "))
        .stdout_has(&format!("{first} 到 {second}：已移到 shelf\n"));
    // One that was never there is still missing.
    let status = world.run(&["status", "--days", "4"]).exits(3);
    let _ = status.stdout_has("缺少");
}

#[test]
fn users_and_alerts_are_the_same_after_the_month_was_moved_away() {
    let world = lab().tables("[alerts]\nwindow_days = 2").start();
    let _ = world.run(&["2025-07-30", "--to", BEFORE]).exits(0);
    let commands = [
        &["users", "2025-07-30", "--to", BEFORE][..],
        &["alerts", BEFORE],
    ];
    let said = || commands.map(|command| world.run(command).exits(0).stderr_is("").stdout);
    let before = said();
    assert!(
        before.iter().all(|text| text.contains("alice")),
        "{before:?}"
    );
    for date in ["2025-07-30", BEFORE] {
        move_away(&world, date, "data_archive");
    }
    assert_eq!(said(), before);
}

#[test]
fn a_day_that_was_moved_away_loses_no_reading_when_it_is_collected_by_date() {
    let world = lab().start();
    let _ = world.run(&[BEFORE]).exits(0);
    let name = format!("{NODE}/{BEFORE}/gpu0_{BEFORE}.csv");
    let whole = world.read(&format!("data/{name}"));
    move_away(&world, BEFORE, "data_archive");
    let gap = SimulatedNode::new(NODE).cards(&[1]).constant(1, 0.0, 80.0);
    let midnight = Day::utc().start;
    let gap = gap.gap(1, midnight - 20 * HOUR, midnight - 4 * HOUR);
    let world = Lab::new().node(gap).start_after(world);
    let _ = world.run(&[BEFORE]).exits(0);
    assert_eq!(world.read(&format!("data/{name}")), whole);
    assert_eq!(world.read(&format!("data_archive/2025-07/{name}")), whole);
}

#[test]
fn a_file_of_another_card_stays_where_it_was_moved_to() {
    let world = lab().start();
    let _ = world.run(&[BEFORE]).exits(0);
    move_away(&world, BEFORE, "data_archive");
    let node = SimulatedNode::new(NODE).cards(&[9]);
    let world = Lab::new().node(node).start_after(world);
    let moved = world.path(format!("data_archive/2025-07/{NODE}/{BEFORE}"));
    let names = |directory: &Path| {
        let files = fs::read_dir(directory).expect("a directory");
        let names = files.map(|file| file.expect("a file").file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    let before = names(&moved);
    let outcome = world.run(&[BEFORE, "--skip-task-info"]).exits(3);
    let _ = outcome.stderr_has("寫入時是 Card 1，現在是 Card 9");
    assert_eq!(names(&moved), before);
}

#[test]
fn the_usual_place_is_beside_the_data_directory_that_is_in_force() {
    let world = lab().start();
    let _ = world.run(&[BEFORE]).exits(0);
    for node in [NODE, "other"] {
        move_node_away(&world, node, BEFORE, "elsewhere/data_archive");
    }
    let plan = [DATE, "--catch-up", "1", "--dry-run"];
    let _ = world.run(&plan).exits(0).stdout_has("沒有檔案");
    fs::create_dir(world.path("elsewhere/tree")).expect("a directory");
    let there = [&plan[..], &["--data-dir", "elsewhere/tree"]].concat();
    let _ = world
        .run(&there)
        .exits(0)
        .stderr_is("")
        .stdout_lacks("沒有檔案");
    world.write(
        "daily-gpu-log.toml",
        &("archive_dirs = [\"none\", \"elsewhere/data_archive\"]\n".to_owned()
            + &world.read("daily-gpu-log.toml")),
    );
    let named = world.run(&plan).exits(0).stdout_lacks("沒有檔案");
    let warning = "警告：無法讀取 archive_dirs 的 none：No such file or directory";
    let _ = named.stderr_has(warning);
    for command in [&["status"][..], &["users", BEFORE], &["alerts", BEFORE]] {
        let _ = world.run(command).stderr_has(warning);
    }
    let _ = world
        .run(&["check"])
        .stdout_has("無法讀取 archive_dirs 的 none");
}
