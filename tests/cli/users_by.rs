//! `users --by`: the same hours added up by project, node, day or type of task.

use std::fs;

use pretty_assertions::assert_eq;
use serde_json::Value;

use crate::simulated_cluster::{SimulatedNode, SimulatedTask};
use crate::support::{DATE, HOUR, Lab, MIDNIGHT, World};

const NEXT: &str = "2025-08-02";
const SPAN: [&str; 3] = [DATE, "--to", NEXT];

/// Two collected days: alice has two overlapping tasks of two projects on one GPU, bob shares it, and carol's task names
/// no project.
fn world() -> World {
    let task = |id: &str, user: &str, host: &str, card: u32, hours: [i64; 2]| {
        let task = SimulatedTask::new(id, user, host).gpu(card, &format!("APU-{card}"));
        task.start(MIDNIGHT + hours[0] * HOUR)
            .end(MIDNIGHT + hours[1] * HOUR)
    };
    let node = |name| SimulatedNode::new(name).cards(&[1, 9]);
    let world = Lab::new()
        .node(node("gpu-a").constant(1, 60.0, 50.0))
        .node(node("gpu-b").gap(1, MIDNIGHT, MIDNIGHT + 3 * HOUR))
        .task(task("t1", "alice", "gpu-a", 1, [2, 12]).project("p-one"))
        .task(
            task("t2", "alice", "gpu-a", 1, [8, 20])
                .project("p-two")
                .kind("WEBAPP"),
        )
        .task(task("t3", "bob", "gpu-a", 1, [10, 30]).project("p-two"))
        .task(task("t4", "carol", "gpu-b", 1, [0, 48]).project(""))
        .start();
    let _ = world.run(&SPAN);
    world
}

fn groups(world: &World, arguments: &[&str], status: i32) -> (Value, Vec<(String, u64)>) {
    let arguments = [&["users", "--json"], &SPAN[..], arguments].concat();
    let json = world.run(&arguments).exits(status).json();
    let groups = json["groups"].as_array().expect("groups").iter();
    let group = |group: &Value| {
        let name = group["name"].as_str().unwrap_or("-").to_owned();
        let seconds = group["allocated_seconds"].as_u64().expect("seconds");
        (name, seconds / 3600)
    };
    let groups = groups.map(group).collect();
    (json, groups)
}

fn list(groups: &[(&str, u64)]) -> Vec<(String, u64)> {
    let groups = groups.iter();
    groups
        .map(|(name, hours)| ((*name).to_owned(), *hours))
        .collect()
}

const SECONDS: [&str; 6] = [
    "allocated_seconds",
    "active_seconds",
    "idle_seconds",
    "idle_vram_held_seconds",
    "unknown_seconds",
    "vram_observed_seconds",
];

#[test]
fn however_they_are_grouped_the_hours_are_the_same_to_the_second() {
    let world = world();
    let by_user = world.run(&[&["users", "--json"], &SPAN[..]].concat());
    let total = by_user.json()["total"].clone();
    for (by, expected) in [
        (
            "project",
            // A second of two tasks of one user is that of the one that began first.
            &[("-", 48), ("p-one", 10), ("p-two", 8 + 20)][..],
        ),
        ("task-type", &[("LAB", 10 + 20 + 48), ("WEBAPP", 8)]),
        ("node", &[("gpu-a", 38), ("gpu-b", 48)]),
        ("day", &[(DATE, 18 + 14 + 24), (NEXT, 6 + 24)]),
    ] {
        let (json, mut found) = groups(&world, &["--by", by, "--sort", "name"], 0);
        found.sort();
        assert_eq!(found, list(expected), "{by}");
        for key in SECONDS {
            let groups = json["groups"].as_array().expect("groups").iter();
            let sum: u64 = groups
                .map(|group| group[key].as_u64().expect("seconds"))
                .sum();
            assert_eq!(Some(sum), total[key].as_u64(), "{by} {key}");
        }
        assert_eq!(json["total"], total, "{by}");
    }
}

#[test]
fn users_and_nodes_are_chosen_before_they_are_grouped() {
    let world = world();
    let of_alice = ["--by=project", "--user", "alice"];
    let (json, mut found) = groups(&world, &of_alice, 0);
    found.sort();
    assert_eq!(found, list(&[("p-one", 10), ("p-two", 8)]));
    assert_eq!(json["total"]["allocated_seconds"], 18 * 3600);
    let two = ["--by=node", "--user=alice", "--user", "carol"];
    assert_eq!(
        groups(&world, &two, 0).1,
        list(&[("gpu-a", 18), ("gpu-b", 48)])
    );
    let node = ["--by=day", "--node=gpu-a"];
    assert_eq!(groups(&world, &node, 0).1, list(&[(DATE, 32), (NEXT, 6)]));
    let _ = world
        .run(
            &[
                &["users", "--by=node", "--user=alice", "--user=eve"],
                &SPAN[..],
            ]
            .concat(),
        )
        .exits(2)
        .stderr_has("沒有使用者「eve」：有 alice、bob、carol");
}

#[test]
fn days_whose_tasks_are_not_kept_are_named() {
    let world = world();
    fs::remove_file(world.path("data/.daily-gpu-log/tasks/2025-08-02.json")).expect("tasks");
    let (json, mut found) = groups(&world, &["--by", "project"], 3);
    found.sort();
    // What was held is counted all the same.
    let unknown = list(&[("-", 24), ("-", 6 + 24), ("p-one", 10), ("p-two", 8 + 14)]);
    assert_eq!(found, unknown);
    assert_eq!(
        json["days_without_tasks"],
        serde_json::json!([{"from": NEXT, "to": NEXT, "reason": "not_kept", "message": "沒有保存"}])
    );
    let _ = world
        .run(&[&["users", "--by=project"], &SPAN[..]].concat())
        .exits(3)
        .stdout_has("\n沒有任務資訊：2025-08-02：沒有保存\n")
        .stdout_has("（不明）")
        .stdout_has("（無）");
    let _ = world
        .run(&[&["users", "--by=project", "--csv"], &SPAN[..]].concat())
        .exits(3)
        .stderr_has("警告：沒有任務資訊：2025-08-02：沒有保存\n")
        .stdout_has("類別,專案,")
        .stdout_has("\n不明,,30.0000,")
        .stdout_has("\n專案,p-one,10.0000,");
    // Nodes and days need no tasks.
    assert_eq!(groups(&world, &["--by", "node"], 0).1.len(), 2);
}

#[test]
fn accounts_that_do_not_fit_the_kept_tasks_are_in_no_project() {
    let world = world();
    let path = "data/.daily-gpu-log/tasks/2025-08-01.json";
    let kept = world.read(path);
    world.write(path, &kept.replace("02:00:00 GMT", "03:00:00 GMT"));
    let (json, _) = groups(&world, &["--by", "project"], 3);
    let gap = &json["days_without_tasks"][0];
    assert_eq!(
        (&gap["node"], &gap["reason"]),
        (&"gpu-a".into(), &"differing".into())
    );
    let total: u64 = json["groups"]
        .as_array()
        .expect("groups")
        .iter()
        .map(|group| group["allocated_seconds"].as_u64().expect("seconds"))
        .sum();
    assert_eq!(Some(total), json["total"]["allocated_seconds"].as_u64());
    world.write(path, "no tasks");
    let (json, _) = groups(&world, &["--by", "task-type"], 3);
    assert_eq!(json["days_without_tasks"][0]["reason"], "unreadable");
}

#[test]
fn projects_have_pseudonyms_as_well() {
    let world = world();
    let (json, _) = groups(&world, &["--by", "project", "--anonymize"], 0);
    let text = json.to_string();
    assert!(!text.contains("p-one") && !text.contains("alice"), "{text}");
    assert!(
        text.contains("project-") && text.contains("user-"),
        "{text}"
    );
}

#[test]
fn a_span_is_said_in_one_way() {
    let world = world();
    let run = |arguments: &[&str]| world.run(&[&["users"], arguments].concat());
    for (arguments, problem) in [
        (
            &["--month", "2025-13"][..],
            "「2025-13」不是月份：請用 YYYY-MM，例如 2025-08",
        ),
        (&["--month", "2999-01"], "尚未開始"),
        (&["--month", "2025-08", "--days", "7"], "不可與"),
        (&[DATE, "--days", "7"], "不可與"),
        (&[DATE, "--month", "2025-08"], "不可與"),
        (&["--to", DATE, "--month", "2025-08"], "不可與"),
        (&["--days", "0"], "「0」不是 1 到 366 的天數"),
        (&["--by", "rack"], "rack"),
        (&["--rows", "--by", "node"], "不可與"),
    ] {
        let _ = run(arguments).exits(2).stderr_has(problem).stdout_is("");
    }
    let month = ["--month", "2025-08", "--by", "day", "--json"];
    let json = run(&month).exits(3).json();
    assert_eq!(
        (&json["from"], &json["to"]),
        (&DATE.into(), &"2025-08-31".into())
    );
    assert_eq!(json["days_with_report"], 2);
    let json = run(&["--days", "3", "--json"]).exits(3).json();
    assert_eq!(json["days"], 3);
    for command in ["status", "alerts"] {
        let month = [command, "--month", "2025-08"];
        let _ = world.run(&month).stdout_has("2025-08-31");
        let _ = world.run(&[command, "--month", "2999-01"]).exits(2);
        let both = [command, DATE, "--to", NEXT];
        let _ = world.run(&both).stdout_has(NEXT).stdout_lacks("2025-07-31");
    }
}
