//! `--shard`: several machines share the nodes of one settings file.

use std::collections::BTreeSet;

use pretty_assertions::assert_eq;

use crate::simulated_cluster::{SimulatedNode, SimulatedTask};
use crate::support::{DATE, Lab, MIDNIGHT, World};

const NODES: [&str; 4] = ["colab-gpu1", "colab-gpu2", "colab-gpu3", "colab-gpu4"];

/// Four nodes, of which each has a task: of two shards the first has the second node, of ten the first has none.
fn world() -> World {
    let nodes = NODES.into_iter().map(SimulatedNode::new);
    let lab = nodes.fold(Lab::new(), Lab::node);
    let task = |name| {
        SimulatedTask::new(name, "alice", name)
            .gpu(1, "APU-1")
            .start(MIDNIGHT)
    };
    NODES.map(task).into_iter().fold(lab, Lab::task).start()
}

/// The names of the nodes that have files below `data`.
fn nodes(world: &World, data: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(world.path(data)).expect("a directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.into_string().expect("UTF-8"));
    names.filter(|name| name.starts_with("colab")).collect()
}

#[test]
fn the_shards_together_write_what_one_run_does() {
    let world = world();
    let _ = world.run(&[DATE]).exits(0).stderr_is("");
    let mut seen = BTreeSet::new();
    for shard in ["1/2", "2/2"] {
        let data = format!("data-{}", &shard[..1]);
        let line = [DATE, "--data-dir", &data, "--shard", shard];
        let _ = world.run(&line).exits(0).stderr_is("");
        for node in nodes(&world, &data) {
            for file in [
                format!("gpu7_{DATE}.csv"),
                format!("average_{DATE}.csv"),
                format!("summary_{DATE}.txt"),
            ] {
                let read = |data: &str| {
                    let path = world.path(format!("{data}/{node}/{DATE}/{file}"));
                    std::fs::read_to_string(path).expect("a file")
                };
                assert_eq!(read(&data), read("data"), "{node} {file}");
            }
            assert!(seen.insert(node.clone()), "{node} is in both");
        }
        let status = ["status", DATE, "--data-dir", &data, "--shard", shard];
        let _ = world.run(&status).exits(0).stderr_is("");
    }
    assert_eq!(seen, nodes(&world, "data"));
    assert_eq!(nodes(&world, "data-1"), ["colab-gpu2".to_owned()].into());
    // Without the option the nodes of the other shard are missing.
    let _ = world
        .run(&["status", DATE, "--data-dir", "data-1"])
        .exits(3);
}

#[test]
fn a_shard_is_all_that_the_commands_know_of() {
    let world = world();
    let dry = world.run(&["--shard", "1/2", DATE, "--dry-run"]).exits(0);
    let _ = dry.stdout_is(&format!("{DATE}：收集 colab-gpu2\n"));
    let report = world.run(&["--user-report", DATE, "--shard", "1/2"]);
    let report = report.exits(0).stderr_is("");
    assert!(report.stdout.contains("colab-gpu2"), "{}", report.stdout);
    assert!(!report.stdout.contains("colab-gpu1"), "{}", report.stdout);
    let shown = world.run(&["config", "show", "--shard", "1/2"]).exits(0);
    let names = shown.stdout.lines().filter(|line| line.starts_with("name"));
    let names: Vec<_> = names.collect();
    assert_eq!(
        names,
        ["name = \"colab-gpu2\"  # 設定檔 daily-gpu-log.toml"]
    );
    let checked = world.run(&["check", "--shard", "1/2"]);
    assert!(
        checked.stdout.contains("（分片 1/2）：1 個節點、8 張 GPU"),
        "{}",
        checked.stdout
    );
    assert!(!checked.stdout.contains("colab-gpu1"), "{}", checked.stdout);
}

#[test]
fn a_node_of_another_shard_is_refused_with_the_name_of_its_own() {
    let world = world();
    let said = "節點「colab-gpu1」屬於分片 2/2，不屬於 1/2：請改用 --shard 2/2";
    for command in [&[][..], &["status"], &["check"], &["users"]] {
        let line = [command, &["--shard", "1/2", "--node", "colab-gpu1"]].concat();
        let outcome = world.run(&line).exits(2);
        assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    }
    let unknown = world.run(&["--shard", "1/2", "--node", "nowhere"]).exits(2);
    assert!(unknown.stderr.contains("可用的節點是 colab-gpu2"));
}

#[test]
fn each_machine_archives_without_the_option() {
    let world = world();
    for (shard, data) in [("1/2", "one/data"), ("2/2", "two/data")] {
        let line = [DATE, "--data-dir", data, "--shard", shard];
        let _ = world.run(&line).exits(0);
        let refused = world.run(&["archive", "--data-dir", data, "--shard", shard]);
        let said = format!("錯誤：archive 不能加上 --shard {shard}：");
        let _ = refused.exits(10).stdout_is("").stderr_has(&said);
        let moved = world.run(&["archive", "--data-dir", data]);
        let _ = moved.exits(0).stderr_is("").stdout_has("2025-08：已移到 ");
    }
    assert!(world.path("one/data_archive/2025-08/colab-gpu2").is_dir());
    assert!(world.path("two/data_archive/2025-08/colab-gpu1").is_dir());
}

#[test]
fn what_is_no_shard_is_refused() {
    let world = world();
    for shard in ["0/2", "3/2", "2", "1/1001"] {
        let refused = world.run(&["--shard", shard, DATE]).exits(2);
        let said = format!("「{shard}」不是 K/N");
        assert!(refused.stderr.contains(&said), "{}", refused.stderr);
    }
}

#[test]
fn a_shard_without_nodes_does_nothing_and_says_so() {
    let world = world();
    let said = "警告：分片 1/10 沒有節點：設定中的 4 個節點都屬於其他分片，這台機器沒有工作\n";
    for line in [&[DATE][..], &[DATE, "--dry-run"], &["status"], &["check"]] {
        let line = [line, &["--shard", "1/10"]].concat();
        let _ = world.run(&line).exits(0).stderr_is(said);
    }
    assert!(nodes(&world, "data").is_empty());
}
