//! The first thing that a new user runs: the real program against a simulated cluster, and what it writes.

use std::fs;
use std::path::Path;
use std::process::Command;

use chrono::{Days, Utc};

use crate::simulated_cluster::{SimulatedApi, SimulatedCluster, SimulatedNode, SimulatedTask};
use crate::{CARDS, Done, TOKEN, write_settings};

const HOUR: i64 = 3600;

/// Runs the program for yesterday against four nodes of eight GPUs.
pub(crate) fn show() -> Done {
    // Beside the program itself, so that nothing is left elsewhere.
    let program = std::env::current_exe()?;
    let directory = program
        .parent()
        .and_then(Path::parent)
        .ok_or("the example lies in no target directory")?
        .join("simulated-cluster");
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    let date = Utc::now().date_naive() - Days::new(1);
    let midnight = date
        .and_hms_opt(0, 0, 0)
        .ok_or("midnight")?
        .and_utc()
        .timestamp();
    let cluster = cluster(midnight);
    let settings = write_settings(&cluster, &directory)?;

    let day = date.to_string();
    let mut run = Command::new(env!("CARGO"));
    run.args(["run", "--quiet", "--bin", "daily-gpu-log"])
        .args([
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        ]);
    if !cfg!(debug_assertions) {
        run.arg("--release");
    }
    run.arg("--")
        .arg("--config")
        .arg(&settings)
        .arg(&day)
        .current_dir(&directory);
    println!("$ daily-gpu-log --config daily-gpu-log.toml {day}");
    let status = run.status()?;

    let tree = directory.join("data");
    println!("\n$ find data -type f");
    print_tree(&tree, &directory)?;
    let node = tree.join("colab-gpu4").join(&day);
    for name in [format!("average_{day}.csv"), format!("summary_{day}.txt")] {
        let file = node.join(name);
        println!("\n$ cat {}", file.strip_prefix(&directory)?.display());
        print!("{}", fs::read_to_string(&file)?);
    }
    let accounts = format!("reports/users_{day}.csv");
    println!("\n$ grep -v ^未分配 data/{accounts}");
    let accounts = fs::read_to_string(tree.join(accounts))?;
    let rows = accounts.lines().filter(|row| !row.starts_with("未分配"));
    rows.for_each(|row| println!("{row}"));
    println!("\nIt is all in {}", directory.display());
    if status.success() {
        Ok(())
    } else {
        Err(format!("the program ended with {status}").into())
    }
}

/// Four nodes, five tasks of four users, and an hour in which one GPU was not measured. What no task holds is idle, but
/// for one GPU between its users.
fn cluster(midnight: i64) -> SimulatedCluster {
    let gap = midnight + 3 * HOUR;
    let node = |name: &str, held: &[u32]| {
        let idle = CARDS.into_iter().filter(|card| !held.contains(card));
        idle.fold(SimulatedNode::new(name), |node, card| {
            node.constant(card, 0.0, 0.14)
        })
    };
    let nodes = [
        node("colab-gpu1", &[1]),
        node("colab-gpu2", &[]),
        node("colab-gpu3", &[]),
        node("colab-gpu4", &[17, 25]).gap(9, gap, gap + HOUR),
    ];
    let task = |id: &str, user: &str, host: &str, card: u32, from: i64| {
        SimulatedTask::new(id, user, host)
            .gpu(card, &format!("APU-{card:016x}"))
            .start(midnight + from * HOUR)
    };
    let api = SimulatedApi::new(TOKEN)
        .task(task("t-101", "alice", "colab-gpu1", 1, -30))
        .task(task("t-102", "王小明", "colab-gpu2", 33, 2).end(midnight + 20 * HOUR))
        .task(task("t-103", "bob", "colab-gpu4", 25, -200).kind("LAB"))
        .task(task("t-104", "alice", "colab-gpu4", 17, 1).end(midnight + 6 * HOUR))
        .task(task("t-105", "carol", "colab-gpu4", 17, 8).kind("WEBAPP"));
    SimulatedCluster::start(nodes.into(), api)
}

fn print_tree(directory: &Path, root: &Path) -> Done {
    let mut entries: Vec<_> = fs::read_dir(directory)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            print_tree(&path, root)?;
        } else {
            println!("{}", path.strip_prefix(root)?.display());
        }
    }
    Ok(())
}
