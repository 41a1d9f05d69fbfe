//! A day that is collected again under other settings: what was written under the old ones is not mixed in.

use pretty_assertions::assert_eq;

use crate::simulated_cluster::{SimulatedNode, SimulatedTask};
use crate::support::{DATE, HOUR, Lab, MIDNIGHT, Outcome, World};

const NODE: &str = "colab-gpu4";

/// Two cards of which nothing is known in the second half of the day, so that an earlier file would show.
fn half(gpu1: f64, gpu9: f64) -> SimulatedNode {
    SimulatedNode::new(NODE)
        .cards(&[1, 9])
        .constant(1, gpu1, gpu1)
        .constant(9, gpu9, gpu9)
        .down(MIDNIGHT + 12 * HOUR, MIDNIGHT + 24 * HOUR)
}

/// What is said of them.
const HALF_A_DAY: &str = "警告：colab-gpu4 自 2025-08-01 12:00:00 起沒有任何讀數：請檢查該節點、它的 Netdata 與時鐘，經由 parent 時也檢查串流\n";

fn whole(gpu1: f64, gpu9: f64) -> SimulatedNode {
    SimulatedNode::new(NODE)
        .cards(&[1, 9])
        .constant(1, gpu1, gpu1)
        .constant(9, gpu9, gpu9)
}

fn collected() -> World {
    let world = Lab::new().node(whole(10.0, 90.0)).start();
    world.run(&[DATE]).exits(0);
    world
}

#[track_caller]
fn means(outcome: &Outcome) -> Vec<String> {
    let average = outcome.of_day(NODE, DATE, "average");
    let gpus = average.lines().filter(|line| line.starts_with("GPU["));
    gpus.map(|line| line.split(',').nth(1).expect("a mean").to_owned())
        .collect()
}

#[test]
fn cards_in_another_order_are_not_mixed() {
    let world = Lab::new().node(half(20.0, 80.0)).start_after(collected());
    world.edit_settings("cards = [1, 9]", "cards = [9, 1]");
    let outcome = world
        .run(&[DATE])
        .exits(0)
        .stderr_has("寫入時是 Card 1，現在是 Card 9");
    assert_eq!(means(&outcome), ["80.00", "20.00"]);
}

#[test]
fn a_file_of_another_card_does_not_stay_where_nothing_takes_its_place() {
    // The card that GPU[1] is now has no reading, and must not be given those of the one that it was.
    let node = half(20.0, 80.0).without_card(1);
    let world = Lab::new().node(node).start_after(collected());
    world.edit_settings("cards = [1, 9]", "cards = [9, 1]");
    let outcome = world.run(&[DATE]).exits(3).stderr_has("現在是 Card 1");
    assert_eq!(means(&outcome), ["80.00", "N/A"]);
    assert!(
        !outcome
            .tree()
            .contains(&format!("{NODE}/{DATE}/gpu1_{DATE}.csv"))
    );

    let world = Lab::new().node(half(20.0, 80.0)).start_after(world);
    world.edit_settings("cards = [1, 9]", "cards = [9, 1]");
    let outcome = world.run(&[DATE]).exits(0).stderr_is(HALF_A_DAY);
    assert_eq!(means(&outcome), ["80.00", "20.00"]);
}

#[test]
fn a_shorter_list_of_cards_costs_no_reading_of_those_that_stay() {
    let node = half(20.0, 80.0).without_card(9);
    let world = Lab::new().node(node).start_after(collected());
    world.edit_settings("cards = [1, 9]", "cards = [1]");
    let outcome = world.run(&[DATE]).exits(0).stderr_is("");
    // Half a day of 20 % now, and half of the 10 % that were known.
    assert_eq!(means(&outcome), ["15.00"]);
}

#[test]
fn the_user_column_goes_with_the_card() {
    let task = SimulatedTask::new("t1", "alice", NODE)
        .gpu(1, "APU-1")
        .start(MIDNIGHT);
    let world = Lab::new().node(whole(10.0, 90.0)).task(task).start();
    world.run(&[DATE]).exits(0);
    std::fs::remove_dir_all(world.path("data/.daily-gpu-log/tasks")).expect("the kept answers");
    world.edit_settings("cards = [1, 9]", "cards = [9, 1]");
    let outcome = world
        .run(&["--skip-task-info", DATE])
        .exits(0)
        .stderr_has("使用者欄位是以不同的 cards 寫成");
    assert!(!outcome.of_day(NODE, DATE, "average").contains("alice"));
    let aside = format!("{NODE}/{DATE}/average_{DATE}.csv.unreadable1");
    assert!(outcome.file(&aside).contains("GPU[0],10.00,10.00,alice\n"));
}
