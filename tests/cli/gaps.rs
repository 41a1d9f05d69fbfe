//! A gap is an empty field: no zero, in no mean, and counted.

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::simulated_cluster::SimulatedNode;
use crate::support::{DATE, Day, HOUR, Lab, MIDNIGHT, Outcome, with_both_generations};

with_both_generations! {
    a_gap_is_an_empty_field_and_in_no_mean
    a_gap_is_counted_in_the_json
    a_gap_of_the_vram_alone_leaves_the_gpu_reading_beside_it
    part_of_an_interval_is_a_reading_of_that_part
    a_node_that_was_down_for_hours_has_gaps_and_the_others_none
    the_row_in_which_a_card_is_renamed_is_a_gap_and_named
}

const NODE: &str = "colab-gpu4";
/// Two cards, whose means are plain to see.
fn steady() -> SimulatedNode {
    SimulatedNode::new(NODE)
        .all_samples()
        .cards(&[1, 9])
        .constant(1, 10.0, 30.5)
        .constant(9, 50.0, 60.25)
}

/// The rows of a GPU's file: the end of an interval, and the two values as they are written.
fn rows(outcome: &Outcome, kind: &str) -> Vec<(i64, String)> {
    let file = outcome.of_day(NODE, DATE, kind);
    let row = |line: &str| {
        let (stamp, rest) = line.split_once(',').expect("a stamp");
        let (_, values) = rest.split_once("\",").expect("a clock in quotes");
        (stamp.parse().expect("a number"), values.to_owned())
    };
    file.lines().skip(1).map(row).collect()
}

fn a_gap_is_an_empty_field_and_in_no_mean() {
    let node = steady().gap(9, MIDNIGHT + 6 * HOUR, MIDNIGHT + 18 * HOUR);
    let outcome = Lab::new()
        .node(node)
        .run(&[DATE])
        .exits(0)
        .stderr_is("")
        .stdout_is(
            "colab-gpu4：讀數 216/288（75.0%），平均 GPU 30.00%、VRAM 45.38%，data/colab-gpu4/2025-08-01\n\
             用量報告：data/reports/users_2025-08-01.csv\n\
             完成：1 個節點中 1 個已寫入，讀數 216/288（75.0%），有缺漏\n",
        );
    for (stamp, values) in rows(&outcome, "gpu1") {
        let in_gap = (6 * HOUR + 600..=18 * HOUR).contains(&(stamp - MIDNIGHT));
        assert_eq!(values, if in_gap { "," } else { "50,60.25" }, "{stamp}");
    }
    assert_eq!(
        outcome.of_day(NODE, DATE, "average"),
        "GPU編號,平均GPU使用率(%),平均VRAM使用率(%),使用者\n\
         GPU[0],10.00,30.50,未使用\n\
         GPU[1],50.00,60.25,未使用\n\
         全部平均,30.00,45.38,所有使用者\n"
    );
    assert_eq!(
        outcome.of_day(NODE, DATE, "summary"),
        "================================\n\
         AMD GPU 與 VRAM 每日使用率統計\n\
         日期: 2025-08-01\n\
         節點: colab-gpu4\n\
         ================================\n\
         \n\
         GPU 硬體對應表:\n\
         GPU[0] -> Card 1\n\
         GPU[1] -> Card 9\n\
         \n\
         GPU 使用者任務資訊:\n\
         --------------------------------------------------\n\
         colab-gpu4: 當日沒有使用 GPU 的任務\n\
         \n\
         各 GPU 使用率與 VRAM 使用率:\n\
         GPU[0]: GPU使用率 = 10.0%, VRAM使用率 = 30.5% (使用者: 未使用)\n\
         GPU[1]: GPU使用率 = 50.0%, VRAM使用率 = 60.25% (使用者: 未使用)\n\
         \n\
         整體平均 GPU 使用率: 30.0%\n\
         整體平均 VRAM 使用率: 45.38%\n\
         \n\
         資料涵蓋率不足的 GPU:\n\
         GPU[1]: 72/144 筆 (50.0%)\n\
         ================================\n"
    );
}

fn a_gap_is_counted_in_the_json() {
    let node = steady().gap(9, MIDNIGHT, MIDNIGHT + HOUR);
    let report = Lab::new().node(node).run(&[DATE, "--json"]).exits(0).json();
    let node = &report["nodes"][0];
    let figures = |value: &serde_json::Value| {
        json!([
            value["readings"],
            value["readings_due"],
            value["mean_percent"]
        ])
    };
    assert_eq!(
        figures(node),
        json!([282, 288, {"gpu": 30.0, "vram": 45.375}])
    );
    assert_eq!(
        [figures(&node["gpus"][0]), figures(&node["gpus"][1])],
        [
            json!([144, 144, {"gpu": 10.0, "vram": 30.5}]),
            json!([138, 144, {"gpu": 50.0, "vram": 60.25}]),
        ]
    );
    assert_eq!(report["exit_status"], 0);
    assert_eq!(report["notices"], json!([]));
}

fn a_gap_of_the_vram_alone_leaves_the_gpu_reading_beside_it() {
    let node = steady().vram_gap(9, MIDNIGHT + HOUR, MIDNIGHT + 2 * HOUR);
    let outcome = Lab::new()
        .node(node)
        .run(&[DATE])
        .exits(0)
        .stderr_is("")
        .stdout_has("：讀數 282/288（97.9%），");
    for (stamp, values) in rows(&outcome, "gpu1") {
        let in_gap = (HOUR + 600..=2 * HOUR).contains(&(stamp - MIDNIGHT));
        assert_eq!(values, if in_gap { "50," } else { "50,60.25" }, "{stamp}");
    }
}

fn part_of_an_interval_is_a_reading_of_that_part() {
    let node = SimulatedNode::new(NODE).all_samples().gap(
        9,
        MIDNIGHT + HOUR + 60,
        MIDNIGHT + 3 * HOUR - 60,
    );
    let outcome = Lab::new()
        .node(node)
        .run(&[DATE])
        .exits(0)
        .stdout_has("：讀數 1142/1152（99.1%），");
    let node = outcome.world().cluster.node(NODE);
    Day::utc().check_gpu_files(&outcome, NODE, node);
}

fn a_node_that_was_down_for_hours_has_gaps_and_the_others_none() {
    let down = SimulatedNode::new(NODE)
        .all_samples()
        .down(MIDNIGHT + 2 * HOUR, MIDNIGHT + 5 * HOUR);
    let outcome = Lab::new()
        .node(down)
        .node(SimulatedNode::new("colab-gpu3"))
        .run(&[DATE])
        .exits(0)
        .stderr_is("")
        .stdout_has("colab-gpu4：讀數 1008/1152（87.5%），")
        .stdout_has("colab-gpu3：讀數 1152/1152（100.0%），");
    for name in [NODE, "colab-gpu3"] {
        let node = outcome.world().cluster.node(name);
        Day::utc().check_gpu_files(&outcome, name, node);
    }
}

fn the_row_in_which_a_card_is_renamed_is_a_gap_and_named() {
    let at = MIDNIGHT + 10 * HOUR;
    let world = Lab::new()
        .node(steady().renamed(9, at + 330).renamed(1, at))
        .start();
    let outcome = world.run(&[DATE]).exits(0).stderr_is(
        "警告：colab-gpu4 有 2 筆讀數剛好遇到圖表因 GPU 的產品名稱改變而換新，新舊圖表各只有一部分，\
         已視為缺漏（例如 Card 9 在 2025-08-01 10:10:00 的 GPU）\n",
    );
    for (stamp, values) in rows(&outcome, "gpu1") {
        let is_of_both = stamp == at + 600;
        assert_eq!(values, if is_of_both { "," } else { "50,60.25" }, "{stamp}");
    }
    // Where the name changes between two rows, each row is of one chart.
    for (stamp, values) in rows(&outcome, "gpu0") {
        assert_eq!(values, "10,30.5", "{stamp}");
    }
}
