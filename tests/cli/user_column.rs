//! `user_column = "last"`: the user column as the old programs wrote it, for readers that compare it.

use std::fs;

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::simulated_cluster::{SimulatedApi, SimulatedNode, SimulatedTask};
use crate::support::{DATE, HOUR, Lab, MIDNIGHT, TOKEN};

const NODE: &str = "colab-gpu4";

fn node() -> SimulatedNode {
    SimulatedNode::new(NODE)
        .cards(&[1, 9, 17])
        .constant(1, 10.0, 20.0)
        .constant(9, 30.0, 40.0)
        .constant(17, 0.0, 0.14)
}

fn task(id: &str, user: &str, gpu: u32) -> SimulatedTask {
    SimulatedTask::new(id, user, NODE).gpu(gpu, &format!("APU-{gpu}"))
}

/// In the answer carol's task comes before those of alice, who held the GPU earlier, and of bob.
fn shared(settings: &str) -> Lab {
    Lab::new()
        .settings(settings)
        .node(node())
        .task(task("t9", "carol", 1).start(MIDNIGHT + 12 * HOUR))
        .task(task("t5", "alice", 1).end(MIDNIGHT + 12 * HOUR))
        .task(task("t7", "=bob", 9).start(MIDNIGHT))
}

#[test]
fn the_last_task_of_the_answer_stands_in_the_column_and_all_users_everywhere_else() {
    let last = shared("user_column = \"last\"").run(&[DATE]).exits(0);
    let all = shared("").run(&[DATE]).exits(0);
    assert_eq!(
        last.of_day(NODE, DATE, "average"),
        "GPU編號,平均GPU使用率(%),平均VRAM使用率(%),使用者\n\
         GPU[0],10.00,20.00,alice\n\
         GPU[1],30.00,40.00,'=bob\n\
         GPU[2],0.00,0.14,未使用\n\
         全部平均,13.33,20.05,所有使用者\n"
    );
    assert_eq!(all.users(NODE, DATE), ["alice;carol", "'=bob", "未使用"]);
    let summary = |outcome: &crate::support::Outcome| outcome.of_day(NODE, DATE, "summary");
    assert_eq!(summary(&last), summary(&all));
    assert_eq!(last.accounts(DATE), all.accounts(DATE));
    let world = shared("user_column = \"last\"").start();
    let json = world.run(&[DATE, "--json"]).exits(0).json();
    assert_eq!(
        json["nodes"][0]["gpus"][0]["users"],
        json!(["alice", "carol"])
    );
}

#[test]
fn a_task_counts_whenever_it_held_the_gpu_as_it_did_of_old() {
    // The old programs did not look at times.
    let raw = |user: &str, start: &str, end: &str| json!({"username": user, "hostname": NODE, "gpus": [{"id": 1, "uuid": "APU-1"}], "start": start, "end": end});
    let never = raw(
        "erin",
        "Fri, 01 Aug 2025 05:00:00 GMT",
        "Fri, 01 Aug 2025 05:00:00 GMT",
    );
    let outcome = Lab::new()
        .settings("user_column = \"last\"")
        .node(node())
        .task(task("t1", "alice", 1))
        .raw_task("t0", never)
        .run(&[DATE])
        .exits(0);
    assert_eq!(outcome.users(NODE, DATE), ["erin", "未使用", "未使用"]);
}

#[test]
fn tasks_that_only_an_earlier_answer_has_come_first() {
    let lab = || Lab::new().settings("user_column = \"last\"").node(node());
    let world = lab()
        .task(task("t1", "alice", 1))
        .task(task("t2", "dave", 9))
        .start();
    world.run(&[DATE]).exits(0);
    let world = lab().task(task("t0", "carol", 1)).start_after(world);
    let outcome = world.run(&[DATE]).exits(0);
    assert_eq!(outcome.users(NODE, DATE), ["carol", "dave", "未使用"]);
    // The same by the kept answer alone.
    let kept = world.run(&["--skip-task-info", DATE]).exits(0);
    assert_eq!(kept.users(NODE, DATE), ["carol", "dave", "未使用"]);
    fs::remove_dir_all(world.path("data/.daily-gpu-log/tasks")).expect("the kept answers");
    let unknown = world.run(&["--skip-task-info", DATE]).exits(0);
    assert_eq!(unknown.users(NODE, DATE), ["carol", "dave", "未使用"]);
}

#[test]
fn a_day_without_tasks_has_nobody_in_the_column() {
    let outcome = Lab::new()
        .settings("user_column = \"last\"")
        .node(node())
        .api(SimulatedApi::new(TOKEN))
        .run(&[DATE])
        .exits(0);
    assert_eq!(outcome.users(NODE, DATE), ["未使用"; 3]);
}
