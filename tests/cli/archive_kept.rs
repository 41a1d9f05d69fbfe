//! Months that `archive` leaves where they are, and why.

use std::fs;
use std::os::unix::fs::symlink;

use pretty_assertions::assert_eq;

use crate::archive::{BEFORE, NODE, files, lab, moved_of};
use crate::simulated_cluster::{Fault, SimulatedApi, SimulatedNode};
use crate::support::{DATE, Lab, MIDNIGHT, TOKEN, World};

const STAYS: &str = "2025-07：整個月留在資料目錄，因為有 1 天還不能移出\n";

/// That the month stays for this reason of its last day, and nothing is touched.
#[track_caller]
fn stays(world: &World, reason: &str) {
    let tree = files(&world.path("data"));
    let moved = files(&world.path("data_archive"));
    for arguments in [&["archive"][..], &["archive", "--dry-run"]] {
        let outcome = world.run(arguments).exits(3).stderr_is("");
        let _ = outcome.stdout_has(&format!("{STAYS}{BEFORE}：{reason}"));
    }
    assert!(files(&world.path("data")) == tree);
    assert!(files(&world.path("data_archive")) == moved);
}

fn other() -> SimulatedNode {
    SimulatedNode::new("other").cards(&[1])
}

#[test]
fn a_node_that_gave_no_answer_keeps_its_month_until_it_has_said_that_it_has_nothing() {
    let down = SimulatedNode::new(NODE).cards(&[1]).fault(Fault::Refuse);
    let world = Lab::new().node(down).node(other()).start();
    let _ = world.run(&["2025-07-30", "--node", "other"]).exits(0);
    let _ = world.run(&["2025-07-30", "--node", NODE]).exits(1);
    let _ = world.run(&[BEFORE]).exits(3);
    let _ = world.run(&[DATE, "--node", "other"]).exits(0);
    let _ = world.run(&[DATE, "--node", NODE]).exits(1);
    let july = "2025-07：整個月留在資料目錄，因為有 2 天還不能移出\n2025-07-30：無法從 ";
    let outcome = world.run(&["archive"]).exits(3).stderr_is("");
    let _ = outcome
        .stdout_has(july)
        .stdout_has(&format!(
            "2025-08：整個月留在資料目錄，因為有 1 天還不能移出\n{DATE}：無法從 "
        ))
        .stdout_has("要移出留下的月份：請指定列出的日期再收集一次");
    let json = world.run(&["archive", "--json"]).exits(3).json();
    assert_eq!(json["months"][0]["state"], "stays");
    assert_eq!(json["months"][0]["kept_by"][1]["date"], BEFORE);
    assert!(!world.path("data_archive").exists());
    // It is back, and its samples begin later.
    let up = SimulatedNode::new(NODE).cards(&[1]).samples_from(MIDNIGHT);
    let world = Lab::new().node(up).node(other()).start_after(world);
    let _ = world.run(&["2025-07-30", "--to", BEFORE]).exits(3);
    let _ = world
        .run(&["status", "2025-07-30", "--to", BEFORE])
        .exits(3);
    let outcome = world.run(&["archive"]).exits(3);
    let _ = outcome
        .stdout_has("2025-07：已移到 ")
        .stdout_has("2025-08：整個月留在");
    let _ = world.run(&[DATE]).exits(0);
    let _ = world
        .run(&["archive"])
        .exits(0)
        .stdout_has("2025-08：已移到 ");
}

#[test]
fn task_information_that_can_still_be_had_keeps_the_month_and_none_that_was_never_wanted() {
    let api = || SimulatedApi::new(TOKEN);
    let world = Lab::new()
        .node(other())
        .api(api().fault(Fault::Refuse))
        .start();
    let _ = world.run(&["2025-07-30", "--skip-task-info"]).exits(0);
    let _ = world.run(&[BEFORE]).exits(3);
    stays(&world, "沒有任務資訊\n");
    let world = Lab::new().node(other()).api(api()).start_after(world);
    let _ = world.run(&[BEFORE]).exits(0);
    let _ = world
        .run(&["archive"])
        .exits(0)
        .stdout_has("2025-07：已移到 ");
}

#[test]
fn a_node_that_came_later_does_not_keep_the_months_before() {
    let world = lab().start();
    let _ = world.run(&[BEFORE]).exits(0);
    let settings = world.read("daily-gpu-log.toml");
    let new = "[[nodes]]\nname = \"new\"\nurl = \"http://127.0.0.1:9\"\n";
    world.write("daily-gpu-log.toml", &format!("{settings}\n{new}"));
    // It may have been another program's, and then it is not.
    world.write(&format!("data/new/{BEFORE}/notes.txt"), "1");
    stays(&world, "new：沒有收集\n");
    fs::remove_dir_all(world.path("data/new")).expect("a directory");
    let outcome = world.run(&["archive"]).exits(0).stderr_is("");
    let _ = outcome.stdout_has("2025-07：已移到 ");
}

#[test]
fn a_dry_run_finds_a_place_that_cannot_be_made() {
    // Nobody can make anything there.
    let world = lab().settings("archive_dirs = [\"/proc\"]").start();
    let _ = world.run(&[BEFORE]).exits(0);
    for arguments in [&["archive", "--dry-run"][..], &["archive"]] {
        let outcome = world.run(arguments).exits(1).stdout_has("2025-07：");
        let _ = outcome.stderr_has("（請確認 archive_dirs 的 /proc 存在、有寫入權限，");
    }
    let json = world.run(&["archive", "--dry-run", "--json"]).exits(1);
    assert_eq!(json.json()["months"][0]["state"], "to_move");
}

#[test]
fn days_of_the_old_programs_stay() {
    let world = lab().start();
    let _ = world.run(&[BEFORE]).exits(0);
    fs::remove_file(world.path(format!("data/.daily-gpu-log/runs/{BEFORE}.json")))
        .expect("a record");
    stays(
        &world,
        "沒有執行記錄，但有檔案（由舊程式寫入，或記錄已被刪除）\n",
    );
    let _ = world.run(&[BEFORE]).exits(0);
    let _ = world.run(&["archive"]).exits(0);
}

#[test]
fn what_lies_at_the_target_counts_if_it_is_the_same_and_is_named_if_not() {
    let world = lab().start();
    let _ = world.run(&[BEFORE]).exits(0);
    let name = format!("{NODE}/{BEFORE}/gpu0_{BEFORE}.csv");
    let target = format!("data_archive/2025-07/{name}");
    let there = format!("{target} 已存在，但與資料目錄的不同：請保留其中一份\n");
    world.write(&target, "1");
    stays(&world, &there);
    let same = world.read(&format!("data/{name}"));
    world.write(&target, &same.replace('1', "2"));
    stays(&world, &there);
    // One more than the data directory has.
    world.write(&target, &same);
    let more = format!("data_archive/2025-07/{NODE}/{BEFORE}/gpu7_{BEFORE}.csv");
    world.write(&more, "");
    stays(&world, &there.replace(&target, &more));
    fs::remove_file(world.path(more)).expect("a file");
    let tree = moved_of(&files(&world.path("data")));
    let _ = world.run(&["archive"]).exits(0).stderr_is("");
    let mut moved = files(&world.path("data_archive/2025-07"));
    // It was there before.
    moved.insert(name.clone(), tree[&name].clone());
    assert!(moved == tree, "{:#?}", moved.keys());
    assert_eq!(world.read(&target), same);
}

#[test]
fn of_two_places_one_would_be_read_for_the_other() {
    let world = lab().settings("archive_dirs = [\"one\", \"two\"]").start();
    let _ = world.run(&[BEFORE]).exits(0);
    for dir in ["one", "two"] {
        fs::create_dir(world.path(dir)).expect("a directory");
    }
    let _ = world.run(&["archive", "--dir", "two"]).exits(0);
    assert!(world.path(format!("two/2025-07/{NODE}/{BEFORE}")).exists());
    let _ = world.run(&[BEFORE]).exits(0);
    let outcome = world.run(&["archive"]).exits(3);
    let _ = outcome
        .stdout_has("two/2025-07/")
        .stdout_has(" 也已存在：請保留其中一份");
    assert!(files(&world.path("one")).is_empty());
}

#[test]
fn a_link_in_a_day_is_not_followed() {
    let world = lab().start();
    let _ = world.run(&[BEFORE]).exits(0);
    world.write("elsewhere", "of somebody else");
    let link = format!("data/{NODE}/{BEFORE}/link");
    symlink(world.path("elsewhere"), world.path(&link)).expect("a link");
    stays(&world, &format!("{link} 不是一般檔案\n"));
}

#[test]
fn months_are_moved_only_to_where_they_are_read() {
    let world = lab().start();
    let _ = world.run(&[BEFORE]).exits(0);
    let tree = files(&world.path("data"));
    let refused = |arguments: &[&str], status, message: &str| {
        let outcome = world.run(&[&["archive"], arguments].concat()).exits(status);
        let _ = outcome.stdout_is("").stderr_has(message);
        assert!(files(&world.path("data")) == tree);
    };
    refused(
        &["--dir", "shelf"],
        10,
        "錯誤：shelf 不在 archive_dirs（data_archive）之中，",
    );
    refused(&["--before", "2099-01"], 2, "錯誤：--before 2099-01 太晚：");
    refused(&["--before", "2025-7"], 2, "不是月份");
    let lock = fs::File::open(world.path("data/.daily-gpu-log/lock")).expect("the lock");
    lock.lock().expect("it is free");
    refused(&[], 11, "錯誤：資料目錄");
    drop(lock);
    let settings = world.read("daily-gpu-log.toml");
    for (dirs, message) in [
        (
            "[\"disk\"]",
            "錯誤：archive_dirs 的 disk 不是目錄：請掛載或建立它\n",
        ),
        ("[]", "錯誤：archive_dirs 是空的，"),
    ] {
        let dirs = format!("archive_dirs = {dirs}\n{settings}");
        world.write("daily-gpu-log.toml", &dirs);
        refused(&[], 10, message);
    }
    world.write("daily-gpu-log.toml", &settings);
    let path = world.path("data_archive");
    let named = ["archive", "--dir", path.to_str().expect("a path")];
    let _ = world
        .run(&named)
        .exits(0)
        .stdout_has("2025-07：已移到 data_archive/2025-07");
}

#[test]
fn where_there_is_no_data_directory_none_is_made() {
    let world = lab().start();
    let outcome = world.run(&["archive"]).exits(0).writes_nothing();
    let _ = outcome.stdout_has("沒有要移出的月份：資料目錄 data 中沒有");
}
