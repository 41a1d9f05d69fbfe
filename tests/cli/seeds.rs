//! The samples that the customer's documents print, byte for byte.

use crate::simulated_cluster::{SimulatedNode, SimulatedTask};
use crate::support::{DATE, Lab};

#[test]
fn a_day_of_a_node_leaves_its_files() {
    let outcome = Lab::colab_gpu4()
        .task(
            SimulatedTask::new("t1", "alice", "colab-gpu4")
                .gpu(25, "APU-1")
                .start(1_750_000_000),
        )
        .run(&[DATE])
        .exits(0)
        .stderr_is("");
    assert_eq!(outcome.tree().len(), 10);
}

#[test]
fn nodes_are_reported_in_the_order_of_the_settings() {
    let outcome = Lab::new()
        .node(SimulatedNode::new("b"))
        .node(SimulatedNode::new("a"))
        .run(&[DATE])
        .exits(0);
    assert!(
        outcome.stdout.starts_with("b：讀數 1152/1152"),
        "{}",
        outcome.stdout
    );
}
