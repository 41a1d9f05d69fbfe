//! What stands in the place of a file and is none: it is named, costs that file, and nobody waits for it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Command;

use pretty_assertions::assert_eq;

use crate::simulated_cluster::SimulatedNode;
use crate::support::{BOUND_BY_MODES, DATE, Lab, World};

const NODE: &str = "colab-gpu4";

fn replace_by_a_pipe(world: &World, path: &str) {
    let path = world.path(path);
    let _ = fs::remove_file(&path);
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo starts").success());
}

#[test]
fn a_pipe_in_the_place_of_a_data_file_is_named_and_set_aside() {
    for (file, named) in [
        (format!("{NODE}/{DATE}/gpu0_{DATE}.csv"), true),
        (format!("{NODE}/{DATE}/average_{DATE}.csv"), true),
        (format!("reports/users_{DATE}.csv"), true),
        (format!("{NODE}/{DATE}/summary_{DATE}.txt"), false),
        (format!(".daily-gpu-log/cards/{DATE}.json"), false),
        (format!(".daily-gpu-log/tasks/{DATE}.json"), false),
        (".daily-gpu-log/unfinished".to_owned(), false),
    ] {
        let world = Lab::colab_gpu4().start();
        let files = world.run(&[DATE]).exits(0).files("");
        replace_by_a_pipe(&world, &format!("data/{file}"));
        let outcome = world.run(&[DATE]).exits(0);
        let name = file.rsplit('/').next().expect("a name");
        if named {
            let outcome = outcome.stderr_has(name).stderr_has("不是一般檔案");
            let aside = world.path(format!("data/{file}.unreadable1"));
            assert!(fs::symlink_metadata(aside).is_ok(), "{}", outcome.stderr);
            let metadata = fs::symlink_metadata(world.path(format!("data/{file}")));
            assert!(metadata.expect("a file").is_file());
        } else {
            assert_eq!(outcome.stderr_is("").files(""), files, "{file}");
        }
    }
}

#[test]
fn a_link_in_the_place_of_the_lock_leads_nowhere() {
    let world = Lab::colab_gpu4().start();
    world.run(&[DATE]).exits(0).stderr_is("");
    world.write("precious", "precious\n");
    let lock = world.path("data/.daily-gpu-log/lock");
    let mode = fs::metadata(&lock).expect("the lock").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "whoever can open it can hold it");
    fs::remove_file(&lock).expect("the lock");
    symlink(world.path("precious"), &lock).expect("a link");
    world
        .run(&[DATE])
        .exits(1)
        .stderr_has("錯誤：無法寫入 data/.daily-gpu-log/lock：是符號連結，不是一般檔案");
    let text = fs::read_to_string(world.path("precious")).expect("the file");
    assert_eq!(text, "precious\n");
    world
        .check(&[])
        .exits(3)
        .stderr_is("")
        .stdout_has("錯誤：無法寫入 data/.daily-gpu-log/lock：是符號連結");
}

#[test]
fn a_lock_that_others_could_hold_is_closed_to_them() {
    let world = Lab::colab_gpu4().start();
    world.write("data/.daily-gpu-log/lock", "");
    world.set_mode("data/.daily-gpu-log/lock", 0o664);
    world.run(&[DATE]).exits(0).stderr_is("");
    let lock = fs::metadata(world.path("data/.daily-gpu-log/lock")).expect("the lock");
    assert_eq!(lock.permissions().mode() & 0o777, 0o600);
}

#[test]
fn root_is_warned_of_writing_in_the_tree_of_another_account() {
    let world = Lab::colab_gpu4().start();
    fs::create_dir(world.path("data")).expect("a directory");
    // Nobody else can give a directory away.
    let give = "[ \"$(id -u)\" != 0 ] || chown 65534 data; exec \"$@\"";
    let outcome = world.run_in_shell(give, &[DATE]).exits(0);
    let metadata = fs::metadata(world.path("data")).expect("a directory");
    let is_given = metadata.uid() == 65534;
    let warning = "警告：資料目錄 data 屬於 UID 65534，這次卻以 root 執行";
    assert_eq!(
        outcome.stderr.starts_with(warning),
        is_given,
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_reader_of_the_metrics_directory_cannot_hold_its_lock() {
    let world = Lab::colab_gpu4().start();
    let directory = fs::File::open(world.path(".")).expect("a directory");
    directory.lock_shared().expect("its lock");
    let line = [DATE, "--metrics-file", "run.prom"];
    world.run(&line).exits(0).stderr_is("");
    let lock = fs::metadata(world.path(".daily-gpu-log.lock")).expect("the lock");
    assert_eq!(lock.permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_token_and_a_log_that_are_pipes_are_not_waited_for() {
    let world = Lab::colab_gpu4().start();
    replace_by_a_pipe(&world, "token");
    world.set_mode("token", 0o600);
    world.run(&[DATE]).exits(10).stderr_has("不是一般檔案");
    let world = Lab::colab_gpu4().start();
    replace_by_a_pipe(&world, "log");
    world
        .run(&["--log-file", "log", DATE])
        .exits(3)
        .stderr_has("無法開啟記錄檔 log");
}

#[test]
fn what_another_account_left_unreadable_is_found_before_the_night() {
    let world = Lab::new()
        .node(SimulatedNode::new(NODE).constant(1, 25.0, 25.0))
        .start();
    let _ = world.run(&["yesterday"]).exits(0);
    let yesterday = chrono::Utc::now().date_naive().pred_opt().expect("a date");
    let closed = [
        format!("data/{NODE}/{yesterday}/gpu0_{yesterday}.csv"),
        format!("data/.daily-gpu-log/runs/{yesterday}.json"),
        format!("data/reports/users_{yesterday}.csv"),
    ];
    for path in &closed {
        world.set_mode(path, 0o000);
    }
    let checked = world.run_in_shell(BOUND_BY_MODES, &["check", "--skip-task-info"]);
    let checked = checked.exits(3);
    for path in &closed {
        let said = format!("錯誤：無法寫入 {path}：Permission denied");
        assert!(checked.stdout.contains(&said), "{}", checked.stdout);
    }
    let run = world.run_in_shell(BOUND_BY_MODES, &["yesterday", "--skip-task-info"]);
    let _ = run.exits(1).stderr_has(&format!("無法寫入 {}", closed[0]));
}
