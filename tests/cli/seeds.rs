//! The samples that the customer's documents print, byte for byte. The golden files are cut from these documents.

use pretty_assertions::assert_eq;

use crate::simulated_cluster::{Metric, SimulatedNode, SimulatedTask};
use crate::support::{DATE, Day, Lab, MIDNIGHT};

const AVERAGE: &str = include_str!("../../fixtures/golden/average_2025-08-01.csv");
const SUMMARY: &str = include_str!("../../fixtures/golden/summary_2025-08-01.txt");
const GPU: &str = include_str!("../../fixtures/golden/gpu0_2025-08-01.csv");
const REPORT: &str = include_str!("../../fixtures/golden/user_report_2025-07-22.txt");
const REPORT_LINES: &str = include_str!("../../fixtures/golden/user_report_2025-07-22_lines.txt");
const REPORT_OF_GPU_27: &str =
    include_str!("../../fixtures/golden/user_report_2025-07-22_gpu27.txt");

/// The day of the second document.
const REPORTED: &str = "2025-07-22";
const REPORTED_MIDNIGHT: i64 = 1_753_142_400;

/// `colab-gpu4` with the usage of the first document, which shows the means. Of the readings behind them it says
/// nothing: here every sixth of GPU[2] is 0, so that it is not busy for an hour though nobody holds it.
fn first_node() -> SimulatedNode {
    let node = [1, 9, 33, 41, 49, 57]
        .into_iter()
        .fold(SimulatedNode::new("colab-gpu4"), |node, card| {
            node.constant(card, 0.0, 0.14)
        })
        .constant(17, 20.28 * 6.0 / 5.0, 83.38)
        .constant(25, 18.17, 82.27);
    (1..=144).step_by(6).fold(node, |node, row| {
        node.raw_reading(Metric::GpuUtilization, 17, MIDNIGHT + row * 600, "0")
    })
}

/// The task of the first document.
fn first_task() -> SimulatedTask {
    SimulatedTask::new("t1", "nycubme", "colab-gpu4")
        .gpu(25, "APU-70cb99ce3e214bda")
        .project("pd6ce655")
        .image("myelintek/labu1f682d9:1750235191")
        // Mon, 14 Jul 2025 14:22:00 GMT
        .start(1_752_502_920)
}

/// A task of the second document's second user, since Wed, 16 Jul 2025 08:19:32 GMT.
fn second_task(id: &str, gpu: u32, uuid: &str) -> SimulatedTask {
    SimulatedTask::new(id, "itrd", "colab-gpu4")
        .gpu(gpu, uuid)
        .kind("WEBAPP")
        .image("192.168.10.101:5000/myelintek/ollama:0.6.2-rocm")
        .start(1_752_653_972)
}

fn task_of_gpu_27() -> SimulatedTask {
    second_task("t3", 27, "APU-52f67b3700dcc6f3")
}

#[test]
fn the_average_and_the_summary_are_those_of_the_first_document() {
    let outcome = Lab::new()
        .ledger("")
        .node(first_node())
        .task(first_task())
        .run(&[DATE])
        .exits(0)
        .stderr_is("");
    assert_eq!(outcome.of_day("colab-gpu4", DATE, "average"), AVERAGE);
    assert_eq!(outcome.of_day("colab-gpu4", DATE, "summary"), SUMMARY);
}

#[test]
fn in_english_they_have_the_same_figures() {
    let outcome = Lab::new()
        .ledger("")
        .settings("file_language = \"en\"")
        .node(first_node())
        .task(first_task())
        .run(&[DATE])
        .exits(0)
        .stderr_is("");
    let average = include_str!("../../fixtures/golden/average_2025-08-01.en.csv");
    assert_eq!(outcome.of_day("colab-gpu4", DATE, "average"), average);
    let summary = include_str!("../../fixtures/golden/summary_2025-08-01.en.txt");
    assert_eq!(outcome.of_day("colab-gpu4", DATE, "summary"), summary);
}

#[test]
fn a_gpus_file_has_the_old_header_and_144_rows_stamped_with_the_ends_of_their_intervals() {
    let outcome = Lab::new()
        .node(SimulatedNode::new("colab-gpu4").constant(1, 65.2778, 85.4439))
        .run(&[DATE])
        .exits(0);
    assert_eq!(outcome.of_day("colab-gpu4", DATE, "gpu0"), GPU);
}

#[test]
fn every_gpu_has_a_file_of_its_own_readings_beside_the_average_and_the_summary() {
    let outcome = Lab::colab_gpu4().run(&[DATE]).exits(0).stderr_is("");
    let files = [
        "average", "gpu0", "gpu1", "gpu2", "gpu3", "gpu4", "gpu5", "gpu6", "gpu7",
    ];
    let mut tree = files
        .map(|kind| format!("colab-gpu4/{DATE}/{kind}_{DATE}.csv"))
        .to_vec();
    tree.push(format!("colab-gpu4/{DATE}/summary_{DATE}.txt"));
    assert_eq!(outcome.tree(), tree);
    let day = Day {
        zone: chrono_tz::UTC,
        start: MIDNIGHT,
        end: MIDNIGHT + 86_400,
    };
    let node = outcome.world().cluster.node("colab-gpu4");
    for (index, card) in [1, 9, 17, 25, 33, 41, 49, 57].into_iter().enumerate() {
        let file = outcome.of_day("colab-gpu4", DATE, &format!("gpu{index}"));
        assert_eq!(file, day.gpu_csv(node, card), "card {card}");
    }
}

#[test]
fn nodes_are_reported_in_the_order_of_the_settings() {
    let outcome = Lab::new()
        .node(SimulatedNode::new("b"))
        .node(SimulatedNode::new("a"))
        .run(&[DATE])
        .exits(0);
    let names: Vec<_> = outcome
        .stdout
        .lines()
        .filter_map(|line| line.split_once("：讀數 1152/1152（"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["b", "a"]);
}

#[test]
fn the_task_report_holds_the_excerpts_of_the_second_document() {
    let outcome = Lab::colab_gpu4()
        .task(first_task())
        .task(
            SimulatedTask::new("t2", "nycubme", "colab-gpu4")
                .gpu(26, "APU-0000000000000026")
                .image("myelintek/labu1f682d9:1750235191")
                .start(REPORTED_MIDNIGHT + 8 * 3600)
                .end(REPORTED_MIDNIGHT + 9 * 3600 + 1800),
        )
        .task(task_of_gpu_27())
        .task(second_task("t4", 28, "APU-0000000000000028"))
        .run(&["--user-report", REPORTED])
        .exits(0)
        .stderr_is("")
        .stdout_is(REPORT)
        .stdout_has(REPORT_LINES);
    let (_, block) = REPORT_OF_GPU_27
        .split_once("\nGPU 27:")
        .expect("the document shows GPU 27");
    let _ = outcome.stdout_has(&format!("\nGPU 27:{block}\n"));
}

#[test]
fn the_report_of_one_gpu_ends_with_the_whole_excerpt_of_the_second_document() {
    let summary = "GPU 使用者任務摘要:\n  GPU 27 (colab-gpu4): itrd - AMD Instinct MI300X\n\n";
    let _ = Lab::colab_gpu4()
        .task(task_of_gpu_27())
        .run(&["--user-report", REPORTED])
        .exits(0)
        .stdout_is(&format!("{summary}{REPORT_OF_GPU_27}"));
}
