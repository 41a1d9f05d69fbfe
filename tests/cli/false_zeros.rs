//! Zeros that the old programs wrote where they had no reading become gaps, where Netdata shows that they are.

use pretty_assertions::assert_eq;

use crate::simulated_cluster::{Metric, SimulatedNode, expected_text};
use crate::support::{DATE, Day, HOUR, Lab, MIDNIGHT, Outcome, World};

const NODE: &str = "colab-gpu4";
/// When the agent was down.
const DOWN: (i64, i64) = (MIDNIGHT + 5 * HOUR, MIDNIGHT + 7 * HOUR);
const SAID: &str = "原有檔案以 0 代替的缺漏 (Netdata 沒有這些讀數，已改為缺漏)";

fn node() -> SimulatedNode {
    SimulatedNode::new(NODE).cards(&[1, 9]).down(DOWN.0, DOWN.1)
}

/// The file that an old program wrote of a card: what the agent has, and 0 where that is nothing.
fn old_file(node: &SimulatedNode, card: u32) -> String {
    Day::utc().csv(Day::INTERVAL, |metric, stamp| {
        let value = expected_text(node, metric, card, stamp, Day::INTERVAL);
        value.or_else(|| Some("0".to_owned()))
    })
}

fn path(index: usize) -> String {
    format!("data/{NODE}/{DATE}/gpu{index}_{DATE}.csv")
}

/// The tree that an old program left of the node.
fn old_tree(node: &SimulatedNode) -> World {
    let world = Lab::new().node(node.clone()).start();
    for (index, card) in [1, 9].into_iter().enumerate() {
        world.write(&path(index), &old_file(node, card));
    }
    world
}

/// How many rows are 0 in both columns.
fn zeros(outcome: &Outcome, index: usize) -> usize {
    let file = outcome.of_day(NODE, DATE, &format!("gpu{index}"));
    file.lines().filter(|row| row.ends_with("\",0,0")).count()
}

#[test]
fn they_become_gaps_and_the_summary_says_how_many() {
    let world = old_tree(&node());
    let outcome = world
        .run(&[DATE])
        .exits(0)
        .stderr_is("")
        .stdout_has("讀數 264/288（91.6%）");
    let day = Day::utc();
    let simulated = world.cluster.node(NODE);
    assert_eq!(
        outcome.of_day(NODE, DATE, "gpu0"),
        day.gpu_csv(simulated, 1)
    );
    assert_eq!(
        outcome.of_day(NODE, DATE, "gpu1"),
        day.gpu_csv(simulated, 9)
    );
    assert_eq!(
        outcome.extra_sections(NODE, DATE),
        format!(
            "\n資料涵蓋率不足的 GPU:\nGPU[0]: 132/144 筆 (91.7%)\nGPU[1]: 132/144 筆 (91.7%)\n\
             \n{SAID}:\nGPU[0]: 12 筆\nGPU[1]: 12 筆\n"
        )
    );
    // They are no less gaps when the day is collected again.
    let again = world.run(&[DATE]).exits(0);
    assert_eq!(again.of_day(NODE, DATE, "gpu0"), day.gpu_csv(simulated, 1));
}

#[test]
fn in_a_file_of_our_own_a_zero_is_a_reading() {
    let whole = SimulatedNode::new(NODE).cards(&[1, 9]);
    let whole = [Metric::GpuUtilization, Metric::VramUsage]
        .into_iter()
        .fold(whole, |node, metric| {
            node.raw_reading(metric, 1, DOWN.0 + 600, "0")
        });
    let world = Lab::new().node(whole).start();
    world.run(&[DATE]).exits(0);
    std::fs::remove_dir_all(world.path("data/.daily-gpu-log/runs")).expect("the records");
    let world = Lab::new().node(node()).start_after(world);
    let outcome = world.run(&[DATE]).exits(0);
    assert_eq!(zeros(&outcome, 0), 1);
    let summary = outcome.of_day(NODE, DATE, "summary");
    assert!(!summary.contains(SAID), "{summary}");
}

#[test]
fn a_zero_that_may_be_a_reading_stays() {
    // Only one of the values is 0.
    let node = node().constant(1, 50.0, 60.0);
    let whole = old_file(&node, 1);
    let world = old_tree(&node);
    world.write(&path(0), &whole.replace("\",0,0\n", "\",0,0.14\n"));
    let outcome = world.run(&[DATE]).exits(0);
    assert_eq!(
        outcome
            .of_day(NODE, DATE, "gpu0")
            .matches("\",0,0.14\n")
            .count(),
        12
    );
    assert!(!outcome.extra_sections(NODE, DATE).contains("GPU[0]: 12 筆"));

    // The agent may have forgotten what it had before its first reading, and after its last.
    for (from, to) in [(MIDNIGHT, DOWN.1), (DOWN.0, MIDNIGHT + 24 * HOUR)] {
        let node = SimulatedNode::new(NODE).cards(&[1, 9]).down(from, to);
        let world = old_tree(&node);
        let outcome = world.run(&[DATE]).exits(0);
        let rows = usize::try_from((to - from) / Day::INTERVAL).expect("a count");
        assert_eq!(zeros(&outcome, 0), rows);
        assert!(!outcome.extra_sections(NODE, DATE).contains(SAID));
    }

    // A card that never shows any VRAM may have none to show.
    let node = SimulatedNode::new(NODE)
        .cards(&[1, 9])
        .constant(1, 0.0, 0.0)
        .down(DOWN.0, DOWN.1);
    let world = old_tree(&node);
    let outcome = world.run(&[DATE]).exits(0);
    assert_eq!((zeros(&outcome, 0), zeros(&outcome, 1)), (144, 0));
}

#[test]
fn what_netdata_answers_with_something_else_than_null_stays() {
    let stamp = DOWN.0 + 600;
    let node = node().raw_reading(Metric::GpuUtilization, 1, stamp, "150.5");
    let world = old_tree(&node);
    let outcome = world.run(&[DATE]).exits(3);
    assert_eq!((zeros(&outcome, 0), zeros(&outcome, 1)), (1, 0));
    // A reading wins, as ever.
    let whole = SimulatedNode::new(NODE).cards(&[1, 9]);
    let world = Lab::new().node(whole).start_after(old_tree(&self::node()));
    let outcome = world.run(&[DATE]).exits(0);
    let simulated = world.cluster.node(NODE);
    assert_eq!(
        outcome.of_day(NODE, DATE, "gpu0"),
        Day::utc().gpu_csv(simulated, 1)
    );
}
