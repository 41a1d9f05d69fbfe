//! A disk that takes no more, or nothing: what is wrong is said, and every file stays as it was.

use std::fs;
use std::process::Command;

use pretty_assertions::assert_eq;

use crate::simulated_cluster::SimulatedNode;
use crate::support::{BOUND_BY_MODES, DATE, Lab, World};

const NODE: &str = "colab-gpu4";
const OTHER_DATE: &str = "2025-08-02";
const ADVICE: &str = "（請確認對資料目錄有寫入權限，且磁碟有空間）";
/// A world whose tree holds other readings than its node has now.
fn world_with_old_readings() -> World {
    let old = SimulatedNode::new(NODE).constant(1, 25.0, 25.0);
    let world = Lab::new().node(old).start();
    world.run(&[DATE]).exits(0).stderr_is("");
    let new = SimulatedNode::new(NODE).constant(1, 75.0, 75.0);
    Lab::new().node(new).start_after(world)
}

#[test]
fn a_directory_that_cannot_be_written_is_named_and_nothing_changes() {
    let of_day = format!("data/{NODE}/{DATE}");
    let of_other_day = format!("data/{NODE}/{OTHER_DATE}");
    for (closed, date, named) in [
        ("data", DATE, "data"),
        (
            "data/.daily-gpu-log",
            DATE,
            "data/.daily-gpu-log/unfinished",
        ),
        (&format!("data/{NODE}"), OTHER_DATE, &of_other_day),
        (&of_day, DATE, &format!("{of_day}/gpu0_{DATE}.csv")),
    ] {
        let world = world_with_old_readings();
        let old = world.run(&["--user-report", DATE]).exits(0).files("");
        assert_eq!(old.len(), 10);
        world.set_mode(closed, 0o555);
        let outcome = world.run_in_shell(BOUND_BY_MODES, &[date]).exits(1);
        let said = format!("錯誤：無法寫入 {named}：Permission denied (os error 13){ADVICE}");
        assert!(
            outcome.stderr.starts_with(&said),
            "no {said:?} in {}",
            outcome.stderr
        );
        assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
        assert_eq!(outcome.files(""), old, "{closed}");
        world.set_mode(closed, 0o755);
        world
            .run_in_shell(BOUND_BY_MODES, &[date])
            .exits(0)
            .stderr_is("");
    }
}

#[test]
fn a_file_of_an_earlier_run_that_may_not_be_read_is_named_and_nothing_changes() {
    let of_day = format!("data/{NODE}/{DATE}");
    for name in [format!("gpu0_{DATE}.csv"), format!("average_{DATE}.csv")] {
        let world = world_with_old_readings();
        let old = world.run(&["--user-report", DATE]).exits(0).files("");
        let closed = format!("{of_day}/{name}");
        world.set_mode(&closed, 0);
        let outcome = world
            .run_in_shell(BOUND_BY_MODES, &["--skip-task-info", DATE])
            .exits(1)
            .stderr_is(&format!(
                "錯誤：無法寫入 {closed}：Permission denied (os error 13){ADVICE}（節點 {NODE}）\n"
            ));
        world.set_mode(&closed, 0o640);
        assert_eq!(outcome.files(""), old, "{closed}");
    }
}

/// Runs the program on what is in `seed`, where no file may grow beyond so many blocks.
fn with_a_limit_of(blocks: usize) -> String {
    format!("cp -a seed data; ulimit -f {blocks}; exec \"$@\"")
}

/// Runs the program on what is in `seed`, on a file system of its own on which so many pages are free.
fn with_free_pages(pages: usize) -> String {
    format!(
        "mkdir data; exec unshare --map-root-user --mount sh -ec '\n\
         mount -t tmpfs -o mode=0750 none data; cp -a seed/. data/\n\
         used=$(df -B1 --output=used data | tail -n 1)\n\
         mount -o remount,size=$((used + {pages} * $(getconf PAGESIZE))) none data\n\
         status=0; \"$@\" || status=$?\n\
         cp -a data after; umount data; rmdir data; mv after data\n\
         exit $status' sh \"$@\""
    )
}

/// Whether the kernel lets this user have file systems of his own.
fn may_mount() -> bool {
    let mut unshare = Command::new("unshare");
    let unshare = unshare.args(["--map-root-user", "--mount", "true"]);
    unshare.output().is_ok_and(|output| output.status.success())
}

#[test]
fn a_disk_that_is_full_at_any_point_of_a_run_costs_no_file() {
    let world = world_with_old_readings();
    let old = world.run(&["--user-report", DATE]).exits(0).files("");
    fs::rename(world.path("data"), world.path("seed")).expect("another name");
    let new = world.run(&[DATE]).exits(0).files("");
    let limits = [0, 1, 2, 4, 8, 64].map(with_a_limit_of);
    // Everywhere there is a limit; and where it is allowed, a disk that is full at one file after the other.
    let pages = if may_mount() { 0..24 } else { 0..0 };
    let (mut failed, mut complete) = (0, 0);
    for script in limits.into_iter().chain(pages.map(with_free_pages)) {
        fs::remove_dir_all(world.path("data")).expect("the tree of the last run");
        let outcome = world.run_in_shell(&script, &[DATE]);
        let files = outcome.files("");
        if outcome.stderr.is_empty() {
            complete += 1;
            let _ = outcome.exits(0);
            assert_eq!(files, new, "{script}");
        } else {
            failed += 1;
            let _ = outcome
                .exits(1)
                .stderr_has("錯誤：無法寫入 data/")
                .stderr_has(ADVICE);
            assert_eq!(files, old, "{script}");
        }
        assert!(!world.path("data/.daily-gpu-log/unfinished").exists());
    }
    assert!(
        failed > 3 && complete > 0,
        "{failed} runs failed, and {complete} did not"
    );
}
