//! Which GPU of a node a task's GPU is: by UUID, by ids that count across the cluster, or by card.

use pretty_assertions::assert_eq;

use crate::simulated_cluster::{SimulatedNode, SimulatedTask};
use crate::support::{DATE, Lab, Outcome};

/// UUIDs of the GPUs 25 and 26.
const OF_25: &str = "APU-70cb99ce3e214bda";
const OF_26: &str = "APU-00a1b2c3d4e5f607";

/// The users of the eight GPUs, with `-` for nobody.
#[track_caller]
fn users(outcome: &Outcome) -> String {
    let users = outcome.users("colab-gpu4", DATE);
    let short = |user: String| {
        if user == "未使用" {
            "-".to_owned()
        } else {
            user
        }
    };
    users.into_iter().map(short).collect::<Vec<_>>().join(" ")
}

/// `alice` holds the GPU 25 of `colab-gpu4`, and `bob` the GPU 26.
fn two_tasks() -> Lab {
    Lab::colab_gpu4()
        .task(SimulatedTask::new("t1", "alice", "colab-gpu4").gpu(25, OF_25))
        .task(SimulatedTask::new("t2", "bob", "colab-gpu4").gpu(26, OF_26))
}

#[test]
fn the_cards_are_numbered_as_the_first_document_has_them() {
    for (index, card) in [1, 9, 17, 25, 33, 41, 49, 57].into_iter().enumerate() {
        let outcome = Lab::colab_gpu4()
            .task(SimulatedTask::new("t", "alice", "colab-gpu4").gpu(card, "APU-1"))
            .run(&[DATE])
            .exits(0)
            .stderr_is("");
        let mut held = ["-"; 8];
        held[index] = "alice";
        assert_eq!(users(&outcome), held.join(" "), "card {card}");
    }
}

#[test]
fn gpus_that_no_setting_places_are_one_warning_and_nobodys() {
    let outcome = Lab::colab_gpu4()
        .task(
            SimulatedTask::new("t1", "alice", "colab-gpu4")
                .gpu(26, "APU-0000000000000026")
                .gpu(27, "APU-0000000000000027"),
        )
        .task(SimulatedTask::new("t2", "bob", "colab-gpu4").gpu(28, "APU-0000000000000028"))
        .run(&[DATE])
        .exits(3)
        .stderr_is(
            "警告：colab-gpu4 的任務 GPU id 26、27、28 無法對應到該節點的 GPU（任務 t1、t2）：\
             請在該節點的 [[nodes]] 設定 first_gpu_id = 25（GPU[0] 的 id 若不是 25，請改為正確的值），或 \
             gpu_uuids = { \"APU-0000000000000026\" = N, \"APU-0000000000000027\" = N, \
             \"APU-0000000000000028\" = N }（N 是 GPU 索引，請執行 daily-gpu-log inventory 得知），\
             修正後請重新收集這一天\n",
        );
    assert_eq!(users(&outcome), "- - - - - - - -");
    let summary = outcome.of_day("colab-gpu4", DATE, "summary");
    assert!(
        summary.ends_with(
            "\n\n無法對應到本節點 GPU 的任務 GPU (使用者欄位不含這些使用者):\n\
             GPU 26: alice (任務 t1, GPU UUID APU-0000000000000026)\n\
             GPU 27: alice (任務 t1, GPU UUID APU-0000000000000027)\n\
             GPU 28: bob (任務 t2, GPU UUID APU-0000000000000028)\n\
             ================================\n"
        ),
        "{summary}"
    );
}

#[test]
fn of_many_that_cannot_be_placed_a_dozen_are_named() {
    let mut lab = Lab::colab_gpu4();
    let long = "t".repeat(300);
    for id in 100..150 {
        let task = SimulatedTask::new(&format!("{id}{long}"), "alice", "colab-gpu4");
        lab = lab.task(task.gpu(id, &format!("APU-{id}")));
    }
    let outcome = lab.run(&[DATE]).exits(3);
    let ids: Vec<_> = (100..112).map(|id| id.to_string()).collect();
    let tasks: Vec<_> = ids
        .iter()
        .map(|id| format!("{id}{}…", &long[..197]))
        .collect();
    let named = format!(
        "GPU id {} 等 50 個 無法對應到該節點的 GPU（任務 {} 等 50 個）",
        ids.join("、"),
        tasks.join("、")
    );
    let _ = outcome.stderr_has(&named);
}

#[test]
fn a_task_of_which_one_gpu_is_placed_keeps_that_one() {
    let outcome = two_tasks()
        .node_settings("colab-gpu4", &format!("gpu_uuids = {{ \"{OF_25}\" = 3 }}"))
        .run(&[DATE])
        .exits(3)
        .stderr_has("GPU id 26 無法對應");
    assert_eq!(users(&outcome), "- - - alice - - - -");
}

#[test]
fn an_id_is_a_card_number_only_if_every_id_of_the_day_is_one() {
    let outcome = two_tasks()
        .run(&[DATE])
        .exits(3)
        .stderr_has("GPU id 25、26 無法對應到該節點的 GPU（任務 t1、t2）");
    assert_eq!(users(&outcome), "- - - - - - - -");
}

#[test]
fn the_line_of_a_warning_places_the_gpus() {
    let said = |lab: Lab| {
        let outcome = lab.run(&[DATE]).exits(3);
        let (_, line) = outcome
            .stderr
            .split_once("[[nodes]] 設定 ")
            .expect("a line");
        line.split_once('（').expect("its remark").0.to_owned()
    };
    assert_eq!(said(two_tasks()), "first_gpu_id = 25");
    // By a GPU whose UUID is known.
    let known = format!("gpu_uuids = {{ \"{OF_25}\" = 2 }}");
    let lab = two_tasks().node_settings("colab-gpu4", &known);
    assert_eq!(said(lab), "first_gpu_id = 23");
    let line = "first_gpu_id = 23";
    let outcome = two_tasks()
        .node_settings("colab-gpu4", &format!("{line}\n{known}"))
        .run(&[DATE])
        .exits(0)
        .stderr_is("");
    assert_eq!(users(&outcome), "- - alice bob - - - -");
    // A count that places none of them.
    let lab = two_tasks().node_settings("colab-gpu4", "first_gpu_id = 1");
    assert_eq!(said(lab), "first_gpu_id = 25");
    // Ids that no count places.
    let scattered = Lab::colab_gpu4()
        .task(SimulatedTask::new("t1", "alice", "colab-gpu4").gpu(2, OF_25))
        .task(SimulatedTask::new("t2", "bob", "colab-gpu4").gpu(700, "N/A"));
    assert_eq!(
        said(scattered),
        format!("gpu_uuids = {{ \"{OF_25}\" = N }}")
    );
}

#[test]
fn every_placement_is_logged() {
    let outcome = two_tasks()
        .task(SimulatedTask::new("t3", "carol", "colab-gpu4").gpu(99, "N/A"))
        .node_settings(
            "colab-gpu4",
            &format!("first_gpu_id = 20\ngpu_uuids = {{ \"{OF_26}\" = 6 }}"),
        )
        .run(&["-v", DATE])
        .exits(3);
    let placed: Vec<_> = outcome
        .stderr
        .lines()
        .filter(|line| line.starts_with("info: ") && line.contains("placed"))
        .collect();
    assert_eq!(
        placed,
        [
            "info: placed node=\"colab-gpu4\" task=\"t1\" id=25 uuid=\"APU-70cb99ce3e214bda\" gpu=GPU[5] rule=\"first_gpu_id\"",
            "info: placed node=\"colab-gpu4\" task=\"t2\" id=26 uuid=\"APU-00a1b2c3d4e5f607\" gpu=GPU[6] rule=\"gpu_uuids\"",
            "info: not placed node=\"colab-gpu4\" task=\"t3\" id=99 uuid=\"N/A\"",
        ]
    );
}

#[test]
fn the_settings_of_a_node_place_its_gpus() {
    for (settings, expected) in [
        // Counted across the cluster: 25 is the first GPU, and no longer a card.
        ("first_gpu_id = 25", "alice bob - - - - - -"),
        ("first_gpu_id = 19", "- - - - - - alice bob"),
        // By UUID, in any of the spellings.
        (
            "gpu_uuids = { \"APU-70cb99ce3e214bda\" = 0, \"APU-00a1b2c3d4e5f607\" = 7 }",
            "alice - - - - - - bob",
        ),
        (
            "gpu_uuids = { \"0x70cb99ce3e214bda\" = 1, \"0xa1b2c3d4e5f607\" = 6 }",
            "- alice - - - - bob -",
        ),
        (
            "gpu_uuids = { \"70CB99CE3E214BDA\" = 2, \"apu-00A1B2C3D4E5F607\" = 5 }",
            "- - alice - - bob - -",
        ),
        (
            "gpu_uuids = { \"GPU-70cb99ce3e214bda\" = 3, \"0X00A1B2C3D4E5F607\" = 4 }",
            "- - - alice bob - - -",
        ),
        // Where a UUID is of no setting, the id is left.
        (
            "first_gpu_id = 25\ngpu_uuids = { \"APU-70cb99ce3e214bda\" = 0 }",
            "alice bob - - - - - -",
        ),
        // As `amd-smi` writes it.
        (
            "gpu_uuids = { \"70ff74a1-0000-1000-80cb-99ce3e214bda\" = 2, \"00FF74A1-0000-1000-80A1-B2C3D4E5F607\" = 5 }",
            "- - alice - - bob - -",
        ),
        // Cards of its own do not change the count of the ids.
        (
            "cards = [57, 49, 41, 33, 25, 17, 9, 1]\nfirst_gpu_id = 25",
            "alice bob - - - - - -",
        ),
    ] {
        let outcome = two_tasks()
            .node_settings("colab-gpu4", settings)
            .run(&[DATE])
            .exits(0)
            .stderr_is("");
        assert_eq!(users(&outcome), expected, "{settings}");
    }
}

#[test]
fn a_card_number_is_looked_up_among_the_cards_of_its_node() {
    let outcome = Lab::colab_gpu4()
        .task(SimulatedTask::new("t1", "alice", "colab-gpu4").gpu(25, OF_25))
        .node_settings("colab-gpu4", "cards = [57, 49, 41, 33, 25, 17, 9, 1]")
        .run(&[DATE])
        .exits(0)
        .stderr_is("");
    assert_eq!(users(&outcome), "- - - - alice - - -");
}

#[test]
fn an_id_outside_of_the_nodes_count_is_not_taken_for_a_card() {
    // 25 would be a card, if ids were cards here.
    for first in [26, 17, 1] {
        let outcome = Lab::colab_gpu4()
            .task(SimulatedTask::new("t1", "alice", "colab-gpu4").gpu(25, OF_25))
            .node_settings("colab-gpu4", &format!("first_gpu_id = {first}"))
            .run(&[DATE])
            .exits(3)
            .stderr_has("GPU id 25 無法對應");
        assert_eq!(users(&outcome), "- - - - - - - -", "first_gpu_id = {first}");
    }
}

#[test]
fn ids_are_placed_on_the_node_that_the_task_runs_on() {
    let outcome = Lab::new()
        .node(SimulatedNode::new("colab-gpu3"))
        .node(SimulatedNode::new("colab-gpu4"))
        .node_settings("colab-gpu3", "first_gpu_id = 17")
        .node_settings("colab-gpu4", "first_gpu_id = 25")
        .task(SimulatedTask::new("t1", "alice", "colab-gpu3").gpu(17, "APU-11"))
        .task(SimulatedTask::new("t2", "bob", "colab-gpu4").gpu(25, "APU-19"))
        .run(&[DATE])
        .exits(0)
        .stderr_is("");
    let first = |node| outcome.users(node, DATE)[0].clone();
    assert_eq!(
        (first("colab-gpu3"), first("colab-gpu4")),
        ("alice".to_owned(), "bob".to_owned())
    );
}

#[test]
fn a_host_of_no_setting_is_one_warning_with_its_tasks() {
    let outcome = two_tasks()
        .task(SimulatedTask::new("t8", "carol", "colab-gpu9").gpu(1, "APU-8"))
        .task(SimulatedTask::new("t9", "dave", "colab-gpu9").gpu(9, "APU-9"))
        .task(SimulatedTask::new("idle", "erin", "colab-cpu1"))
        .node_settings("colab-gpu4", "first_gpu_id = 25")
        .run(&[DATE])
        .exits(0)
        .stderr_is(
            "警告：有任務使用設定中沒有的主機 colab-gpu9（任務 t8、t9）：\
             請加入 [[nodes]]，name 須等於管理 API 的 hostname\n",
        );
    assert_eq!(users(&outcome), "alice bob - - - - - -");
    assert!(outcome.tree().iter().all(|file| !file.contains("gpu9/")));
}

#[test]
fn hosts_of_no_setting_are_one_warning_in_which_some_are_named() {
    let lab = (1..=102).fold(two_tasks(), |lab, number| {
        let (id, host) = (format!("t{number:03}"), format!("other{number:03}"));
        lab.task(SimulatedTask::new(&id, "carol", &host).gpu(1, "APU-8"))
    });
    let lab = lab.node_settings("colab-gpu4", "first_gpu_id = 25");
    let outcome = lab.run(&[DATE]).exits(0);
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    let _ = outcome
        .stderr_has("警告：有任務使用設定中沒有的主機 other001、other002、")
        .stderr_has("、other100 等 102 個（任務 t001、t002、")
        .stderr_has("、t020 等 102 個）：請加入 [[nodes]]，name 須等於管理 API 的 hostname\n");
}

#[test]
fn a_host_that_the_settings_ignore_is_not_warned_of() {
    let world = Lab::colab_gpu4()
        .settings("ignore_hosts = [\"other-gpu1\"]")
        .task(SimulatedTask::new("t8", "carol", "other-gpu1").gpu(1, "APU-8"))
        .task(SimulatedTask::new("t9", "dave", "colab-gpu9").gpu(9, "APU-9"))
        .start();
    for outcome in [world.run(&[DATE]), world.check(&[])] {
        let outcome = outcome.exits(0);
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(said.contains("colab-gpu9"), "{said}");
        assert!(!said.contains("other-gpu1"), "{said}");
    }
}

#[test]
fn a_node_cannot_be_ignored() {
    let _ = Lab::colab_gpu4()
        .settings("ignore_hosts = [\"other-gpu1\", \"colab-gpu4\"]")
        .run(&[DATE])
        .exits(10)
        .stderr_has("有誤：ignore_hosts：「colab-gpu4」是設定中的節點")
        .writes_nothing();
}

#[test]
fn a_host_of_the_settings_that_is_not_collected_is_no_stranger() {
    let _ = Lab::new()
        .node(SimulatedNode::new("colab-gpu3"))
        .node(SimulatedNode::new("colab-gpu4"))
        .task(SimulatedTask::new("t1", "alice", "colab-gpu3").gpu(1, "APU-1"))
        .run(&["--node", "colab-gpu4", DATE])
        .exits(0)
        .stderr_is("");
}
