//! A UUID is the GPU's own: where the id of the same GPU says otherwise the UUID wins, and a warning says so.

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::simulated_cluster::{SimulatedNode, SimulatedTask};
use crate::support::{DATE, HOUR, Lab, MIDNIGHT, Outcome};

const NODE: &str = "colab-gpu4";
const UUID: &str = "APU-70cb99ce3e214bda";
const OTHER: &str = "APU-00a1b2c3d4e5f607";

/// The users of a node's GPUs, by index, without the GPUs that nobody held.
#[track_caller]
fn held(outcome: &Outcome, node: &str) -> Vec<(usize, String)> {
    let users = outcome.users(node, DATE).into_iter().enumerate();
    users.filter(|(_, user)| user != "未使用").collect()
}

/// The summary's part after the means, up to the closing rule.
#[track_caller]
fn remarks(outcome: &Outcome, node: &str) -> String {
    let summary = outcome.of_day(node, DATE, "summary");
    let (_, after) = summary
        .split_once("整體平均 VRAM 使用率: ")
        .expect("the means");
    let (_, remarks) = after.split_once('\n').expect("a line");
    let rule = "================================\n";
    remarks.strip_suffix(rule).expect("the rule").to_owned()
}

#[test]
fn gpus_whose_ids_say_otherwise_are_one_warning_and_a_section() {
    let lab = Lab::colab_gpu4()
        .node_settings(
            NODE,
            &format!("first_gpu_id = 25\ngpu_uuids = {{ \"{UUID}\" = 5, \"{OTHER}\" = 2 }}"),
        )
        // The same GPU in two tasks, one off the node's count, one that agrees, and one of another day.
        .task(SimulatedTask::new("t1", "alice", NODE).gpu(25, UUID))
        .task(SimulatedTask::new("t2", "alice", NODE).gpu(25, UUID))
        .task(SimulatedTask::new("t3", "carol", NODE).gpu(33, OTHER))
        .task(SimulatedTask::new("t4", "carol", NODE).gpu(27, OTHER))
        .task(
            SimulatedTask::new("t5", "erin", NODE)
                .gpu(29, UUID)
                .end(MIDNIGHT - HOUR),
        );
    let said = "colab-gpu4 的 GPU UUID 與 id 不一致，以 UUID 為準\
        （APU-00a1b2c3d4e5f607 依 gpu_uuids 是 GPU[2]，但 id 33 依 first_gpu_id 不在此節點、\
        APU-70cb99ce3e214bda 依 gpu_uuids 是 GPU[5]，但 id 25 依 first_gpu_id 是 GPU[0]）：\
        請以 daily-gpu-log inventory 核對 gpu_uuids，或修正 first_gpu_id";
    let outcome = lab
        .run(&["--json", DATE])
        .exits(0)
        .stderr_is(&format!("警告：{said}\n"));
    assert_eq!(
        held(&outcome, NODE),
        [(2, "carol".to_owned()), (5, "alice".to_owned())]
    );
    assert_eq!(
        remarks(&outcome, NODE),
        "\nUUID 與 id 不一致的 GPU (以 UUID 為準):\n\
         GPU[2]: APU-00a1b2c3d4e5f607 依 gpu_uuids 是 GPU[2]，但 id 33 依 first_gpu_id 不在此節點\n\
         GPU[5]: APU-70cb99ce3e214bda 依 gpu_uuids 是 GPU[5]，但 id 25 依 first_gpu_id 是 GPU[0]\n"
    );
    assert_eq!(
        outcome.json()["notices"],
        json!([{"severity": "warning", "code": "gpu_disagreement", "message": said}])
    );
}

#[test]
fn without_a_count_an_id_that_is_no_card_contradicts_nothing() {
    let outcome = Lab::colab_gpu4()
        .node_settings(NODE, &format!("gpu_uuids = {{ \"{UUID}\" = 5 }}"))
        .task(SimulatedTask::new("t1", "alice", NODE).gpu(26, UUID))
        .task(SimulatedTask::new("t2", "alice", NODE).gpu(41, UUID))
        .run(&[DATE])
        .exits(0)
        .stderr_is("");
    assert_eq!(held(&outcome, NODE), [(5, "alice".to_owned())]);
    assert_eq!(remarks(&outcome, NODE), "");
}

#[test]
fn a_gpu_of_another_node_is_not_placed_by_its_id() {
    // The id would be a GPU of the task's node, and the UUID is one of a node that is not even collected.
    let lab = || {
        Lab::new()
            .node(SimulatedNode::new("colab-gpu3"))
            .node(SimulatedNode::new(NODE))
            .node_settings("colab-gpu3", &format!("gpu_uuids = {{ \"{UUID}\" = 0 }}"))
            .node_settings(NODE, "first_gpu_id = 25")
            .task(
                SimulatedTask::new("t1", "alice", NODE)
                    .gpu(25, UUID)
                    .gpu(26, OTHER),
            )
    };
    let warning = "警告：colab-gpu4 的任務 GPU id 25 無法對應到該節點的 GPU（任務 t1）：\
        設定中 UUID APU-70cb99ce3e214bda 屬於節點 colab-gpu3，\
        請以 daily-gpu-log inventory 核對這兩個節點的 gpu_uuids，修正後請重新收集這一天\n";
    for arguments in [&[DATE][..], &["--node", NODE, DATE]] {
        let outcome = lab().run(arguments).exits(3).stderr_is(warning);
        assert_eq!(held(&outcome, NODE), [(1, "alice".to_owned())]);
        assert_eq!(
            remarks(&outcome, NODE),
            "\n無法對應到本節點 GPU 的任務 GPU (使用者欄位不含這些使用者):\n\
             GPU 25: alice (任務 t1, GPU UUID APU-70cb99ce3e214bda, 屬於節點 colab-gpu3)\n"
        );
    }
    let outcome = lab().run(&[DATE]).exits(3);
    assert_eq!(held(&outcome, "colab-gpu3"), []);
}

#[test]
fn uuids_of_other_vendors_place_gpus_too() {
    let nvidia = "GPU-8f1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9";
    let outcome = Lab::colab_gpu4()
        .node_settings(
            NODE,
            &format!("gpu_uuids = {{ \"{}\" = 4 }}", nvidia.to_uppercase()),
        )
        .task(SimulatedTask::new("t1", "alice", NODE).gpu(100, nvidia))
        .run(&[DATE])
        .exits(0)
        .stderr_is("");
    assert_eq!(held(&outcome, NODE), [(4, "alice".to_owned())]);
}

#[test]
fn a_uuid_of_zeros_is_no_uuid() {
    // Two GPUs without an id of their own, which are told apart by the ids of the API alone.
    let none = "APU-0000000000000000";
    let outcome = Lab::colab_gpu4()
        .node_settings(
            NODE,
            &format!("first_gpu_id = 25\ngpu_uuids = {{ \"{UUID}\" = 0 }}"),
        )
        .task(SimulatedTask::new("t1", "alice", NODE).gpu(26, none))
        .task(SimulatedTask::new("t2", "bob", NODE).gpu(27, none))
        .run(&[DATE])
        .exits(0)
        .stderr_is("");
    assert_eq!(
        held(&outcome, NODE),
        [(1, "alice".to_owned()), (2, "bob".to_owned())]
    );

    // The GPU there has another one.
    for none in [
        none,
        "N/A",
        "0x0",
        "APU-xyz",
        "70ff74a1-0000-1000-8000-000000000001",
    ] {
        let outcome = Lab::colab_gpu4()
            .node_settings(
                NODE,
                &format!("first_gpu_id = 25\ngpu_uuids = {{ \"{UUID}\" = 0 }}"),
            )
            .task(SimulatedTask::new("t1", "alice", NODE).gpu(25, none))
            .run(&[DATE])
            .exits(3)
            .stderr_has("GPU id 25 無法對應到該節點的 GPU（任務 t1）");
        assert_eq!(held(&outcome, NODE), [], "{none}");
    }

    let without_id = json!({
        "username": "alice", "hostname": NODE, "gpus": [{"uuid": none}], "start": "Fri, 01 Aug 2025 00:00:00 GMT",
    });
    let outcome = Lab::colab_gpu4()
        .raw_task("t1", without_id)
        .run(&[DATE])
        .exits(3)
        .stderr_has("無法對應到該節點的 GPU（任務 t1）");
    assert_eq!(held(&outcome, NODE), []);
}
