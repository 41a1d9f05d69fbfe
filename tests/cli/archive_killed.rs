//! Runs of `archive` that are killed: nothing is lost, whoever reads reads the same, and the next one finishes.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use crate::archive::{LEFT, files, lab, moved_of};
use crate::support::World;

/// A directory on another file system than the tests' data, where the machine has one.
pub(crate) fn elsewhere() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory")
}

fn copy_all(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(copied.expect("cp starts").success());
}

/// Kills the real program at so many moments, and answers how often it was in the middle.
fn kill_at_moments(kills: u32, directory: &Path) -> u32 {
    let dirs = format!("archive_dirs = [\"{}\"]", directory.display());
    let world = lab().settings(&dirs).start();
    let _ = world.run(&["2025-07-30", "--to", "2025-07-31"]).exits(0);
    let tree = files(&world.path("data"));
    copy_all(&world.path("data"), &world.path("kept"));
    let users = ["users", "2025-07-30", "--to", "2025-07-31", "--csv"];
    let said = world.run(&users).exits(0).stdout;
    let plan = ["2025-08-01", "--catch-up", "2", "--dry-run"];
    let again = || {
        for path in [directory.join("2025-07"), world.path("data")] {
            fs::remove_dir_all(path).expect("a directory");
        }
        copy_all(&world.path("kept"), &world.path("data"));
    };
    let started = Instant::now();
    let _ = world.run(&["archive"]).exits(0);
    let mut whole = started.elapsed();
    let (mut killed, mut halfway) = (0, 0);
    for moment in 0..kills {
        again();
        let mut runs = 0;
        // Now and then it is killed several times before it may finish.
        while runs <= moment % 3 {
            runs += 1;
            let program = world.command(&["archive"]).stdout(Stdio::null()).spawn();
            let mut program = program.expect("it starts");
            thread::sleep(whole * (moment + 1) / (kills + 1));
            program.kill().expect("it is still a child");
            let status = program.wait().expect("its status");
            killed += u32::from(status.signal() == Some(9));
            halfway += u32::from(is_whole(&world, directory, &tree));
            assert_eq!(world.run(&users).exits(0).stdout, said);
            let plan = world.run(&plan).exits(0).stderr_is("");
            let _ = plan
                .stdout_lacks("2025-07-30：收集")
                .stdout_lacks("2025-07-31：收集");
        }
        let started = Instant::now();
        let _ = world.run(&["archive"]).exits(0);
        whole = whole.max(started.elapsed());
        let moved = files(&directory.join("2025-07"));
        assert!(moved == moved_of(&tree), "{:#?}", moved.keys());
        let left = files(&world.path("data"));
        let left: Vec<_> = left.keys().map(String::as_str).collect();
        assert_eq!(left, LEFT);
    }
    assert!(killed > 0, "it was never killed");
    halfway
}

/// That every file is there as it was, in one place at least; and whether some have left and others have not.
fn is_whole(world: &World, directory: &Path, tree: &Tree) -> bool {
    let (here, there) = (
        files(&world.path("data")),
        files(&directory.join("2025-07")),
    );
    let aside = |path: &str| -> Option<String> {
        let path = PathBuf::from(path);
        let (day, name) = (path.parent()?, path.file_name()?);
        let date = day.file_name()?.to_str()?;
        let day = day.with_file_name(format!(".daily-gpu-log.{date}.moved"));
        Some(day.join(name).display().to_string())
    };
    let (mut left, mut gone) = (0, 0);
    for (path, file) in tree {
        let moved = aside(path).and_then(|path| here.get(&path));
        let places = [here.get(path), there.get(path), moved];
        let found: Vec<_> = places.into_iter().flatten().collect();
        assert!(!found.is_empty(), "{path} is lost");
        assert!(found.iter().all(|found| *found == file), "{path} differs");
        if here.contains_key(path) {
            left += 1;
        } else {
            gone += 1;
        }
    }
    left > 1 && gone > 0
}

type Tree = std::collections::BTreeMap<String, (Vec<u8>, u32, std::time::SystemTime)>;

#[test]
fn a_kill_at_any_moment_loses_nothing() {
    kill_at_moments(4, elsewhere().path());
}

#[test]
fn nor_does_one_on_a_single_file_system() {
    let directory = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new());
    kill_at_moments(4, directory.expect("a directory").path());
}

#[test]
#[ignore = "half a minute; .ci/run has it run"]
fn a_hundred_kills_lose_nothing() {
    let halfway = kill_at_moments(50, elsewhere().path());
    assert!(halfway > 0, "it was never killed halfway");
}

#[test]
fn what_a_killed_one_has_copied_is_removed_once_it_is_verified() {
    let directory = elsewhere();
    let dirs = format!("archive_dirs = [\"{}\"]", directory.path().display());
    let world = lab().settings(&dirs).start();
    let _ = world.run(&["2025-07-31"]).exits(0);
    let tree = files(&world.path("data"));
    let day = world.path("data/other/2025-07-31");
    let target = directory.path().join("2025-07/other");
    fs::create_dir_all(&target).expect("a directory");
    copy_all(&day, &target);
    let aside = world.path("data/other/.daily-gpu-log.2025-07-31.moved");
    fs::rename(&day, &aside).expect("it is renamed");
    fs::remove_file(aside.join("gpu0_2025-07-31.csv")).expect("it is removed");
    let damaged = target.join("2025-07-31/gpu1_2025-07-31.csv");
    let whole = fs::read(&damaged).expect("a file");
    fs::write(&damaged, "damaged").expect("a file");
    let outcome = world.run(&["archive"]).exits(3);
    let _ = outcome.stdout_has("gpu1_2025-07-31.csv 已存在，但與資料目錄的不同");
    assert!(aside.exists());
    let litter = target.join("2025-07-31/.daily-gpu-log.abcdef.tmp");
    fs::write(&litter, "half a file").expect("a file");
    fs::write(&damaged, whole).expect("a file");
    let _ = world.run(&["archive"]).exits(0);
    assert!(!aside.exists() && !litter.exists());
    let moved = files(&directory.path().join("2025-07"));
    let july = moved_of(&tree);
    assert!(moved.keys().eq(july.keys()), "{:#?}", moved.keys());
    let bytes = |files: &Tree| {
        files
            .values()
            .map(|file| file.0.clone())
            .collect::<Vec<_>>()
    };
    assert!(bytes(&moved) == bytes(&july));
}

#[test]
fn the_rest_of_a_day_whose_copy_is_not_there_stays() {
    let (place, unmounted) = (elsewhere(), elsewhere());
    let dirs = format!("archive_dirs = [\"{}\"]", place.path().display());
    let world = lab().settings(&dirs).start();
    let _ = world.run(&["2025-07-31"]).exits(0);
    let day = "2025-07-31";
    let target = unmounted.path().join("2025-07/other");
    fs::create_dir_all(&target).expect("a directory");
    copy_all(&world.path("data/other/2025-07-31"), &target);
    let aside = format!("data/other/.daily-gpu-log.{day}.moved");
    fs::rename(world.path(format!("data/other/{day}")), world.path(&aside)).expect("a day");
    fs::remove_file(world.path(format!("{aside}/gpu0_{day}.csv"))).expect("a file");
    let tree = files(&world.path("data"));
    let stays = |reason: &str| {
        let outcome = world.run(&["archive"]).exits(3).stderr_is("");
        let _ = outcome.stdout_has(reason);
        assert!(files(&world.path("data")) == tree);
        assert!(files(place.path()).is_empty());
    };
    stays(&format!(
        "{day}：{aside} 的複本不在任何 archive_dirs 中：請掛載或寫明它所在的目錄\n"
    ));
    // It is named, and has lost what is still here.
    let both = format!(
        "archive_dirs = [\"{}\", \"{}\"]",
        place.path().display(),
        unmounted.path().display()
    );
    world.edit_settings(&dirs, &both);
    let lost = target.join(format!("{day}/gpu1_{day}.csv"));
    fs::remove_file(&lost).expect("a file");
    stays(&format!(
        "{day}：{aside}/gpu1_{day}.csv 的複本 {} 不見了：請把這個檔案複製到那裡\n",
        lost.display()
    ));
    copy_all(&world.path(format!("{aside}/gpu1_{day}.csv")), &lost);
    let _ = world.run(&["archive"]).exits(0).stderr_is("");
    assert!(!world.path(&aside).exists());
    assert_eq!(files(&target).len(), 4);
}

#[test]
fn a_disk_that_is_full_ends_the_move_and_loses_nothing() {
    let directory = elsewhere();
    let dirs = format!("archive_dirs = [\"{}\"]", directory.path().display());
    let world = lab().settings(&dirs).start();
    let _ = world.run(&["2025-07-31"]).exits(0);
    let tree = files(&world.path("data"));
    // No file may grow beyond a block, as on a full disk.
    let outcome = world.run_in_shell("ulimit -f 1; exec \"$@\"", &["archive"]);
    if outcome.status == Some(0) {
        // A machine with one file system alone, on which nothing is written.
        return;
    }
    let advice = format!(
        "（請確認 archive_dirs 的 {} 存在、",
        directory.path().display()
    );
    let outcome = outcome.exits(1).stderr_has("錯誤：無法寫入 ");
    let _ = outcome
        .stderr_has(&advice)
        .stdout_has("2025-07：沒有全部移到 ");
    assert!(files(&world.path("data")) == tree);
    let json = world.run_in_shell("ulimit -f 1; exec \"$@\"", &["archive", "--json"]);
    let month = &json.exits(1).json()["months"][0];
    assert_eq!(month["state"], "failed");
    let error = month["error"].as_str().expect("the reason");
    assert!(error.contains(&advice), "{error}");
    let _ = world.run(&["archive"]).exits(0);
    let moved = files(&directory.path().join("2025-07"));
    assert!(moved == moved_of(&tree), "{:#?}", moved.keys());
}
