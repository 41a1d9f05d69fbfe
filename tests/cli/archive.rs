//! `archive`: what it moves, and that every command says of it what it said before.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

use chrono::Utc;
use pretty_assertions::assert_eq;

use crate::archive_killed::elsewhere;
use crate::simulated_cluster::{SimulatedNode, SimulatedTask};
use crate::support::{DATE, HOUR, Lab, MIDNIGHT, World};

pub(crate) const NODE: &str = "colab-gpu4";
pub(crate) const BEFORE: &str = "2025-07-31";
const NEWEST_PAGE: &str = "reports/report_2025-07-31.html";

/// What stays in the data directory where all has been moved.
pub(crate) const LEFT: [&str; 2] = ["reports/latest.html", NEWEST_PAGE];

/// A node with a gap and one beside it, and a user on a GPU of each that does nothing.
pub(crate) fn lab() -> Lab {
    let node = |name| {
        SimulatedNode::new(name)
            .cards(&[1, 9])
            .constant(1, 0.0, 80.0)
    };
    let held = |id, name| {
        let task = SimulatedTask::new(id, "alice", name).project("11111111-2222");
        task.gpu(1, &format!("APU-{id}")).start(1_753_000_000)
    };
    let gap = MIDNIGHT - 20 * HOUR;
    Lab::new()
        .node(node(NODE).gap(9, gap, gap + HOUR))
        .node(node("other"))
        .task(held("1", NODE))
        .task(held("2", "other"))
        .tables("[report]\nnightly = true\n[alerts]\nwindow_days = 2")
}

/// What there is of a file: its bytes, its mode and its time.
type File = (Vec<u8>, u32, SystemTime);

/// All files below a directory but the lock, by their paths in it.
pub(crate) fn files(directory: &Path) -> BTreeMap<String, File> {
    fn add(directory: &Path, root: &Path, files: &mut BTreeMap<String, File>) {
        let entries = fs::read_dir(directory).into_iter().flatten();
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                add(&path, root, files);
            } else if !path.ends_with(".daily-gpu-log/lock") {
                let metadata = fs::metadata(&path).expect("a file");
                let time = metadata.modified().expect("a time");
                let file = (fs::read(&path).expect("a file"), metadata.mode(), time);
                let path = path.strip_prefix(root).expect("below the root");
                files.insert(path.display().to_string(), file);
            }
        }
    }
    let mut found = BTreeMap::new();
    add(directory, directory, &mut found);
    found
}

/// Those of a month.
pub(crate) fn of_month(files: &BTreeMap<String, File>, month: &str) -> BTreeMap<String, File> {
    let mut files = files.clone();
    files.retain(|path, _| path.contains(month));
    files
}

/// Those of July that are moved where its last day is the newest: all but the page that latest.html leads to.
pub(crate) fn moved_of(tree: &BTreeMap<String, File>) -> BTreeMap<String, File> {
    let mut files = of_month(tree, "2025-07");
    assert!(files.remove(NEWEST_PAGE).is_some());
    files
}

/// What the commands say of July, without the time at which a page is made.
fn said(world: &World) -> Vec<String> {
    let commands = [
        &["status", "--month", "2025-07"][..],
        &["status", "2025-07-30", "--to", BEFORE],
        &["status", "2025-07-30", "--to", BEFORE, "--json"],
        &["users", "--month", "2025-07"],
        &["users", "2025-07-30", "--to", BEFORE, "--csv"],
        &["users", "2025-07-30", "--to", BEFORE, "--by", "project"],
        &["users", "2025-07-30", "--to", BEFORE, "--rows", "--json"],
        &["alerts", BEFORE],
        &["report", "2025-07-30", "--to", BEFORE, "-o", "-"],
        &["report", "--month", "2025-07", "-o", "-"],
    ];
    let today = Utc::now().format("%Y-%m-%d ").to_string();
    let said = commands.map(|command| {
        let outcome = world.run(command);
        let mut parts = outcome.stdout.split(&today);
        let first = parts.next().unwrap_or_default().to_owned();
        let timeless = parts.map(|part| part.get("hh:mm:ss".len()..).unwrap_or_default());
        let text = first + &timeless.collect::<String>();
        format!("{command:?} {:?}\n{text}{}", outcome.status, outcome.stderr)
    });
    said.into()
}

#[test]
fn a_month_is_moved_and_every_command_says_what_it_said_before() {
    let world = lab().start();
    let _ = world.run(&["2025-07-30", "--to", DATE]).exits(0);
    let (before, tree) = (said(&world), files(&world.path("data")));
    assert!(before[3].contains("alice"), "{}", before[3]);
    let july = of_month(&tree, "2025-07");
    // Of each day two nodes of four files, a report, a page, and three of the state.
    assert_eq!(july.len(), 2 * (2 * 4 + 2 + 3), "{:#?}", july.keys());
    let archive = ["archive", "--before", "2025-08"];
    let outcome = world.run(&archive).exits(0).stderr_is("");
    let _ = outcome
        .stdout_has("2025-07：已移到 data_archive/2025-07（2 天、26 個檔案，")
        .stdout_lacks("2025-08");
    let moved = files(&world.path("data_archive/2025-07"));
    assert!(moved == july, "{:#?}", moved.keys());
    let mut rest = tree;
    rest.retain(|path, _| !july.contains_key(path));
    let here = files(&world.path("data"));
    assert!(here == rest, "{:#?}", here.keys());
    assert_eq!(said(&world), before);

    let plan = world.run(&[DATE, "--catch-up", "2", "--dry-run"]).exits(0);
    let _ = plan.stdout_is(&format!("{DATE}：收集 {NODE}、other\n"));
    let asked = world.cluster.requests(NODE).len();
    let _ = world.run(&[DATE, "--catch-up", "2"]).exits(0);
    assert_eq!(
        world.cluster.requests(NODE).len(),
        asked + 1,
        "for {DATE} alone"
    );
    assert!(!world.path(format!("data/{NODE}/{BEFORE}")).exists());
    assert_eq!(said(&world), before);
    let nothing = "沒有要移出的月份：資料目錄 data 中沒有 2025-08 之前的資料\n";
    let _ = world.run(&archive).exits(0).stdout_is(nothing);
    // All of them, and nothing is left but what is of no day, and the page that it leads to.
    let _ = world.run(&["archive", "--quiet"]).exits(0).stdout_is("");
    let here = files(&world.path("data"));
    let here: Vec<_> = here.keys().map(String::as_str).collect();
    let left = ["reports/latest.html", "reports/report_2025-08-01.html"];
    assert_eq!(here, left);
    assert_eq!(said(&world), before);
}

#[test]
fn what_would_be_moved_is_only_listed() {
    let world = lab().start();
    let _ = world.run(&[BEFORE, "--to", DATE]).exits(0);
    let tree = files(&world.path("data"));
    let outcome = world.run(&["archive", "--dry-run"]).exits(0).stderr_is("");
    let _ = outcome
        .stdout_has("2025-07：將移到 data_archive/2025-07（1 天、13 個檔案，")
        .stdout_has("2025-08：將移到 data_archive/2025-08（1 天、12 個檔案，");
    let json = world
        .run(&["archive", "--dry-run", "--json"])
        .exits(0)
        .json();
    assert_eq!(json["months"][0]["state"], "to_move");
    assert_eq!(json["months"][1]["files"], 12);
    assert_eq!(json["dry_run"], true);
    assert!(files(&world.path("data")) == tree);
    assert!(!world.path("data_archive").exists());
}

#[test]
fn a_moved_day_that_is_asked_for_by_date_is_united_with_what_was_moved() {
    let world = lab().start();
    let _ = world.run(&["2025-07-30", "--to", BEFORE]).exits(0);
    let before = said(&world);
    let _ = world.run(&["archive"]).exits(0);
    let again = world.run(&[BEFORE, "--node", "other", "--skip-task-info"]);
    let _ = again.exits(0).stderr_is("");
    assert!(!world.path(format!("data/{NODE}")).exists());
    let report = world.read(&format!("data/reports/users_{BEFORE}.csv"));
    assert!(
        report.contains(NODE) && report.contains("alice"),
        "{report}"
    );
    assert_eq!(said(&world)[3..8], before[3..8]);
    let status = world.run(&["status", BEFORE, "--json"]).exits(0).json();
    assert_eq!(status["days"][0]["nodes_written"], 2);
    assert_eq!(status["days"][0]["readings"], 2 * 288 - 6);
}

#[test]
fn whatever_lies_in_a_day_goes_with_it_and_nothing_else_does() {
    let world = lab().start();
    whatever_lies_in_a_day_goes_with_it(&world, &world.path("data_archive"));
}

#[test]
fn so_it_does_to_another_file_system() {
    let place = elsewhere();
    let dirs = format!("archive_dirs = [\"{}\"]", place.path().display());
    whatever_lies_in_a_day_goes_with_it(&lab().settings(&dirs).start(), place.path());
}

fn whatever_lies_in_a_day_goes_with_it(world: &World, place: &Path) {
    let _ = world.run(&[BEFORE]).exits(0);
    let of_day = [
        format!("{NODE}/{BEFORE}/gpu0_{BEFORE}.csv.unreadable1"),
        format!("{NODE}/{BEFORE}/notes/of-somebody.txt"),
        format!("{NODE}/{BEFORE}/notes/a/b/deep.txt"),
        format!("no-longer-a-node/{BEFORE}/average_{BEFORE}.csv"),
        format!("reports/users_{BEFORE}.csv.unreadable1"),
        format!("reports/report_{BEFORE}_anonymous.html"),
    ];
    let of_others = [
        format!("reports/report_2025-07-01_{BEFORE}.html"),
        NEWEST_PAGE.to_owned(),
        "reports/accounts.txt".to_owned(),
        format!("backup/{BEFORE}/dump_{BEFORE}.sql.gz"),
        format!("plots/{BEFORE}/picture.png"),
        format!("{NODE}/notes.txt"),
    ];
    for path in of_day.iter().chain(&of_others) {
        world.write(&format!("data/{path}"), path);
    }
    let empty = format!("{NODE}/{BEFORE}/notes/empty/within");
    fs::create_dir_all(world.path("data").join(&empty)).expect("a directory");
    let outcome = world.run(&["archive"]).exits(0);
    let _ = outcome.stdout_has("（1 天、18 個檔案，");
    let month = place.join("2025-07");
    let (moved, here) = (files(&month), files(&world.path("data")));
    assert!(month.join(empty).is_dir());
    for path in &of_day {
        assert!(
            moved.contains_key(path) && !here.contains_key(path),
            "{path}"
        );
    }
    for path in &of_others {
        assert!(here.contains_key(path), "{path}");
    }
    for gone in ["other", "no-longer-a-node", ".daily-gpu-log/runs"] {
        assert!(!world.path(format!("data/{gone}")).exists(), "{gone}");
    }
}

#[test]
fn the_old_suites_month_is_followed_by_its_records() {
    let world = lab().start();
    let _ = world.run(&["2025-07-30", "--to", BEFORE]).exits(0);
    let before = said(&world);
    for date in ["2025-07-30", BEFORE] {
        for node in [NODE, "other"] {
            let to = world.path(format!("data_archive/2025-07/{node}"));
            fs::create_dir_all(&to).expect("a directory");
            let from = world.path(format!("data/{node}/{date}"));
            fs::rename(from, to.join(date)).expect("it is moved");
        }
    }
    let status = world
        .run(&["status", "2025-07-30", "--to", BEFORE])
        .exits(0);
    let _ = status.stdout_has("已移出");
    let _ = world
        .run(&["archive"])
        .exits(0)
        .stdout_has("（2 天、9 個檔案，");
    assert_eq!(said(&world), before);
}
