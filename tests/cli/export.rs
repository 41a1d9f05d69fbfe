//! `export`: that a copy is equal to the tree, and what becomes of one that cannot be.

use std::fs;
use std::os::unix::fs::MetadataExt;

use pretty_assertions::assert_eq;
use rusqlite::{Connection, OpenFlags};
use serde_json::json;

use crate::simulated_cluster::{SimulatedNode, SimulatedTask};
use crate::support::{DATE, HOUR, Lab, MIDNIGHT, World};

const NODE: &str = "gpu-a";
const COPY: &str = "data/gpu.sqlite";

fn lab() -> Lab {
    let node = |name| {
        SimulatedNode::new(name)
            .cards(&[1, 9])
            .gap(1, MIDNIGHT + 12 * HOUR, MIDNIGHT + 13 * HOUR)
    };
    let held = SimulatedTask::new("t1", "王小明", NODE);
    Lab::new()
        .node(node(NODE))
        .node(node("gpu-b"))
        .task(held.gpu(1, "APU-1").start(MIDNIGHT + HOUR))
}

fn collected() -> World {
    let world = lab().start();
    let _ = world.run(&[DATE]).exits(0);
    world
}

fn rows(world: &World, query: &str) -> Vec<Vec<String>> {
    let path = world.path(COPY);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let reader = Connection::open_with_flags(path, flags).expect("a database");
    let mut query = reader.prepare(query).expect("a query");
    let columns = query.column_count();
    let text = |value: rusqlite::types::Value| match value {
        rusqlite::types::Value::Null => String::new(),
        rusqlite::types::Value::Integer(integer) => integer.to_string(),
        rusqlite::types::Value::Real(real) => real.to_string(),
        rusqlite::types::Value::Text(text) => text,
        rusqlite::types::Value::Blob(_) => "a blob".to_owned(),
    };
    let row = |row: &rusqlite::Row| (0..columns).map(|at| Ok(text(row.get(at)?))).collect();
    let rows = query.query_map([], row).expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

/// The readings of a node's day as its files have them, and as the copy has them.
#[track_caller]
fn has_all_readings(world: &World, node: &str, date: &str) {
    let mut expected = Vec::new();
    for gpu in 0..2 {
        let file = world.read(&format!("data/{node}/{date}/gpu{gpu}_{date}.csv"));
        expected.extend(file.lines().skip(1).map(|line| {
            let fields: Vec<_> = line.split(',').collect();
            let [stamp, _, of_gpu, of_vram] = fields[..] else {
                panic!("{line}")
            };
            [&gpu.to_string(), stamp, of_gpu, of_vram]
                .map(str::to_owned)
                .to_vec()
        }));
    }
    let query = format!(
        "SELECT r.gpu, r.interval_end, r.gpu_percent, r.vram_percent FROM reading r JOIN node_day d
         ON d.node = r.node AND r.interval_end > d.starts AND r.interval_end <= d.ends
         WHERE d.node = '{node}' AND d.date = '{date}' ORDER BY r.gpu, r.interval_end"
    );
    assert_eq!(rows(world, &query), expected);
}

#[test]
fn a_copy_has_every_reading_gap_hold_and_account_of_the_tree() {
    let world = collected();
    let exported = world.run(&["export", "sqlite", DATE]).exits(0);
    let _ = exported.stderr_is("").stdout_is(&format!(
        "{DATE}：寫入 2 個節點，0 個相同\n{COPY}：1 天，寫入 2 個節點日，0 個相同\n"
    ));
    has_all_readings(&world, NODE, DATE);
    has_all_readings(&world, "gpu-b", DATE);
    let (start, end) = (MIDNIGHT + HOUR, MIDNIGHT + 24 * HOUR);
    assert_eq!(
        rows(
            &world,
            "SELECT date, node, gpu, user_name, task, starts, ends FROM holding"
        ),
        [[
            DATE,
            NODE,
            "0",
            "王小明",
            "t1",
            &start.to_string(),
            &end.to_string()
        ]
        .map(str::to_owned)]
    );
    let seconds = rows(
        &world,
        "SELECT kind, user_name, sum(total_seconds) FROM usage GROUP BY 1, 2 ORDER BY 1",
    );
    let (free, held) = ((3 * 24 + 1) * HOUR, 23 * HOUR);
    assert_eq!(
        seconds,
        [
            ["free", "", &free.to_string()],
            ["held", "王小明", &held.to_string()]
        ]
        .map(|row| row.map(str::to_owned).to_vec())
    );
    let day = rows(
        &world,
        "SELECT readings, readings_due, task_information FROM node_day",
    );
    assert_eq!(day[0], ["282", "288", "known"].map(str::to_owned));
    assert_eq!(
        rows(&world, "SELECT exit_status FROM run"),
        [["0".to_owned()]]
    );
}

#[test]
fn what_is_equal_is_not_written_again_and_what_differs_is() {
    let world = collected();
    let export = ["export", "sqlite", DATE, "--json"];
    let first = world.run(&export).exits(0).json();
    assert_eq!(
        first["days"],
        json!([{"date": DATE, "written": 2, "unchanged": 0, "problems": []}])
    );
    let second = world.run(&export).exits(0).json();
    assert_eq!(second["days"][0]["unchanged"], 2);
    // An administrator mends a value by hand.
    let file = format!("data/{NODE}/{DATE}/gpu0_{DATE}.csv");
    let text = world.read(&file);
    let mended = text.replacen(",,", ",12.5,3", 1);
    assert!(text != mended, "{text}");
    world.write(&file, &mended);
    let plan = world.run(&["export", "sqlite", DATE, "--dry-run"]).exits(0);
    let _ = plan.stdout_has(&format!("{DATE}：會寫入 1 個節點，1 個相同\n"));
    let third = world.run(&export).exits(0).json();
    assert_eq!(third["days"][0]["written"], 1);
    has_all_readings(&world, NODE, DATE);
}

#[test]
fn a_dry_run_makes_no_file() {
    let world = collected();
    let plan = world
        .run(&["export", "sqlite", "--all", "--dry-run"])
        .exits(0);
    let _ = plan.stdout_has("會寫入 2 個節點日，0 個相同（試跑，沒有寫入）\n");
    assert!(!world.path(COPY).exists());
}

#[test]
fn a_run_brings_the_copies_of_the_settings_up_to_date_and_makes_up_for_what_failed() {
    let world = lab().tables("[export]\nnightly = [\"sqlite\"]\n").start();
    fs::create_dir_all(world.path(COPY)).expect("a directory in its place");
    let failed = world.run(&[DATE]).exits(3);
    let _ = failed.stderr_has(&format!(
        "錯誤：副本 sqlite 與資料目錄不同：無法使用 {COPY}："
    ));
    assert!(
        world
            .path(format!("data/{NODE}/{DATE}/summary_{DATE}.txt"))
            .exists()
    );
    fs::remove_dir(world.path(COPY)).expect("it is removed");
    let _ = world.run(&[DATE]).exits(0).stderr_is("");
    has_all_readings(&world, NODE, DATE);
}

#[test]
fn a_copy_is_never_for_everybody_to_read() {
    let settings = "[export]\nnightly = [\"sqlite\", \"parquet\"]\n";
    let world = lab().settings("readable_by = \"all\"").tables(settings);
    let world = world.start();
    let _ = world.run(&[DATE]).exits(0);
    let of_day = format!("data/parquet/holdings/date={DATE}");
    for path in [
        COPY,
        "data/parquet",
        &of_day,
        &format!("{of_day}/all.parquet"),
    ] {
        let mode = fs::metadata(world.path(path)).expect(path).mode();
        assert_eq!(mode & 0o007, 0, "{path}: {mode:o}");
    }
}

#[test]
fn months_that_were_moved_away_and_nodes_that_the_settings_lost_are_copied_too() {
    let world = collected();
    fs::create_dir_all(world.path("data_archive/2025-08/gpu-b")).expect("a directory");
    let moved = format!("data_archive/2025-08/gpu-b/{DATE}");
    fs::rename(world.path(format!("data/gpu-b/{DATE}")), world.path(&moved)).expect("it is moved");
    world.edit_settings("name = \"gpu-b\"", "name = \"gpu-c\"");
    let exported = world.run(&["export", "sqlite", "--all"]).exits(0);
    let _ = exported.stdout_has("寫入 2 個節點日");
    let days = rows(&world, "SELECT node, readings FROM node_day ORDER BY node");
    assert_eq!(
        days,
        [[NODE, "282"], ["gpu-b", "282"]].map(|row| row.map(str::to_owned).to_vec())
    );
}

#[test]
fn a_file_that_cannot_be_used_is_named_and_its_gpu_left_out() {
    let world = collected();
    let file = format!("data/{NODE}/{DATE}/gpu1_{DATE}.csv");
    world.write(&file, "no CSV");
    // Until it is mended, and not only the first time.
    for _ in 0..2 {
        let exported = world.run(&["export", "sqlite", DATE]).exits(3);
        let _ = exported.stderr_has(&file);
    }
    let gpus = rows(
        &world,
        &format!("SELECT DISTINCT gpu FROM reading WHERE node = '{NODE}'"),
    );
    assert_eq!(gpus, [["0".to_owned()]]);
}

#[test]
fn what_asks_for_nothing_that_there_is_is_refused() {
    let world = collected();
    let run = |arguments: &[&str]| world.run(&[&["export", "sqlite"], arguments].concat());
    let _ = run(&["2025-07-01"])
        .exits(1)
        .stderr_has("data 中沒有 2025-07-01 的資料，沒有匯出");
    let _ = run(&[DATE, "--node", "gpu-x"])
        .exits(2)
        .stderr_has("都沒有節點「gpu-x」");
    let _ = run(&["--all", DATE]).exits(2);
    let _ = world.run(&["export"]).exits(2);
    world.write(
        "notes",
        "not a database, but longer than the header of one would be",
    );
    let other = run(&[DATE, "--file", "notes"]).exits(3);
    let _ = other
        .stderr_has("無法使用 notes")
        .stderr_has("file is not a database");
    assert!(world.read("notes").starts_with("not a database"));
    assert!(!world.path(COPY).exists());
}

#[test]
fn directories_that_are_no_nodes_hold_up_nothing() {
    let world = collected();
    for (name, file) in [("backup", "notes.txt"), ("gone", "summary_x.txt")] {
        let directory = format!("data/{name}/{DATE}");
        fs::create_dir_all(world.path(&directory)).expect("a directory");
        world.write(&format!("{directory}/{file}"), "a note");
    }
    for engine in ["sqlite", "parquet"] {
        let exported = world.run(&["export", engine, DATE]).exits(3);
        let _ = exported
            .stderr_has("gone：設定中沒有這個節點")
            .stderr_lacks("backup")
            .stdout_has(&format!("{DATE}：寫入 2 個節點，0 個相同\n"));
    }
    has_all_readings(&world, NODE, DATE);
}

#[test]
fn a_node_that_the_tree_has_lost_stays_in_the_copy_and_is_named() {
    let world = collected();
    let _ = world.run(&["export", "parquet", DATE]).exits(0);
    fs::remove_dir_all(world.path(format!("data/gpu-b/{DATE}"))).expect("it is deleted");
    let _ = world.run(&["export", "parquet", DATE]).exits(0);
    let file = format!("data/{NODE}/{DATE}/gpu0_{DATE}.csv");
    let mended = world.read(&file).replacen(",,", ",12.5,3", 1);
    world.write(&file, &mended);
    let left = world.run(&["export", "parquet", DATE]).exits(3);
    let _ = left.stderr_has("副本有節點 gpu-b，資料目錄卻沒有，當日的副本維持原狀");
}

#[test]
fn a_dataset_has_the_nodes_that_it_was_asked_to_have() {
    let world = collected();
    let first = world
        .run(&["export", "parquet", DATE, "--node", NODE])
        .exits(0);
    let _ = first.stdout_has(&format!("{DATE}：寫入 1 個節點，0 個相同\n"));
    let all = world.run(&["export", "parquet", DATE]).exits(0);
    let _ = all.stdout_has(&format!("{DATE}：寫入 1 個節點，1 個相同\n"));
    // The other one stays when one of them is written again.
    let file = format!("data/{NODE}/{DATE}/gpu0_{DATE}.csv");
    let mended = world.read(&file).replacen(",,", ",12.5,3", 1);
    world.write(&file, &mended);
    let _ = world
        .run(&["export", "parquet", DATE, "--node", NODE])
        .exits(0);
    let all = world.run(&["export", "parquet", DATE]).exits(0);
    let _ = all.stdout_has(&format!("{DATE}：寫入 0 個節點，2 個相同\n"));
}

#[test]
fn check_looks_at_the_copies_of_the_night_and_makes_none() {
    let world = lab()
        .tables("[export]\nnightly = [\"sqlite\", \"postgres\"]\n")
        .tables("[database]\nurl = \"postgres://gpulog@127.0.0.1:1/gpu\"\n")
        .start();
    let checked = world.run(&["check"]).exits(3);
    let _ = checked
        .stdout_has(&format!("正常：副本 sqlite：{COPY}\n"))
        .stdout_has("錯誤：副本 postgres：")
        .stdout_has("127.0.0.1");
    assert!(!world.path(COPY).exists());
}

#[test]
fn check_tries_whether_the_files_of_a_copy_could_be_made() {
    let world = lab()
        .tables("[export]\nnightly = [\"parquet\"]\nparquet_dir = \"notes/parquet\"\n")
        .start();
    world.write("notes", "a file");
    let checked = world.run(&["check"]).exits(3);
    let _ = checked
        .stdout_has("錯誤：副本 parquet：")
        .stdout_has("notes");
}
