//! What is missing is named: a GPU without any reading, and a node without any.

use std::fs;

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::simulated_cluster::{Fault, SimulatedNode, Version};
use crate::support::{DATE, Day, HOUR, Lab, MIDNIGHT};

const NODE: &str = "colab-gpu4";
const NO_READINGS: &str =
    "這段時間沒有任何 AMD GPU 的讀數（amdgpu 圖表不存在、已停止，或資料已超過 Netdata 的保留期）";

/// Two cards, whose means are plain to see.
fn steady() -> SimulatedNode {
    SimulatedNode::new(NODE)
        .cards(&[1, 9])
        .constant(1, 10.0, 30.5)
        .constant(9, 50.0, 60.25)
}

fn missing(index: usize, card: u32, metric: &str) -> String {
    format!(
        "錯誤：{NODE} 的 GPU[{index}]（Card {card}）當日沒有任何 {metric} 讀數：若 GPU 正常，請重新啟動該節點的 Netdata\n"
    )
}

#[test]
fn a_card_without_readings_has_no_file_and_is_named() {
    let outcome = Lab::new()
        .node(steady().without_card(9))
        .run(&[DATE])
        .exits(3)
        .stderr_is(&missing(1, 9, "GPU、VRAM"))
        .stdout_is(
            "colab-gpu4：讀數 144/288（50.0%），平均 GPU 10.00%、VRAM 30.50%，data/colab-gpu4/2025-08-01\n\
             用量報告：data/reports/users_2025-08-01.csv\n\
             完成：1 個節點中 1 個已寫入，讀數 144/288（50.0%），不完整：有 GPU 沒有讀數\n",
        );
    assert_eq!(
        outcome.tree(),
        [
            "average_2025-08-01.csv",
            "gpu0_2025-08-01.csv",
            "summary_2025-08-01.txt"
        ]
        .map(|name| format!("{NODE}/{DATE}/{name}"))
    );
    assert_eq!(
        outcome.of_day(NODE, DATE, "average"),
        "GPU編號,平均GPU使用率(%),平均VRAM使用率(%),使用者\n\
         GPU[0],10.00,30.50,未使用\n\
         GPU[1],N/A,N/A,未使用\n\
         全部平均,10.00,30.50,所有使用者\n"
    );
    let summary = outcome.of_day(NODE, DATE, "summary");
    for part in [
        "GPU[1]: GPU使用率 = N/A, VRAM使用率 = N/A (使用者: 未使用)\n",
        "資料涵蓋率不足的 GPU:\nGPU[1]: 0/144 筆 (0.0%)\n",
    ] {
        assert!(summary.contains(part), "{summary}");
    }
}

#[test]
fn a_card_without_vram_readings_has_a_file_and_is_named() {
    let node = steady().vram_gap(9, MIDNIGHT, MIDNIGHT + 24 * HOUR);
    let outcome = Lab::new()
        .node(node)
        .run(&[DATE])
        .exits(3)
        .stderr_is(&missing(1, 9, "VRAM"));
    let file = outcome.of_day(NODE, DATE, "gpu1");
    assert!(file.lines().skip(1).all(|row| row.ends_with("\",50,")));
    let average = outcome.of_day(NODE, DATE, "average");
    assert!(
        average.contains("GPU[1],50.00,N/A,未使用\n全部平均,30.00,30.50,"),
        "{average}"
    );
}

#[test]
fn a_metric_without_a_chart_is_a_gap_and_is_named_by_every_command() {
    let world = Lab::new().node(steady().without_vram_chart(9)).start();
    let said = "colab-gpu4 的 GPU[1]（Card 9）沒有 VRAM 圖表：Netdata 沒有收集，這個欄位會是空的";
    let outcome = world
        .run(&[DATE])
        .exits(0)
        .stderr_is(&format!("警告：{said}\n"))
        .stdout_has("\n完成：1 個節點中 1 個已寫入，讀數 144/288（50.0%），有缺漏\n");
    let asked: Vec<_> = world.cluster.requests(NODE);
    let is_of_charts = |target: &str| target.contains("/api/v1/context?");
    let of_charts = asked.iter().map(|seen| is_of_charts(&seen.target));
    assert_eq!(of_charts.collect::<Vec<_>>(), [false, true], "{asked:#?}");
    let file = outcome.of_day(NODE, DATE, "gpu1");
    assert!(file.lines().skip(1).all(|row| row.ends_with("\",50,")));
    let record = world.read("data/.daily-gpu-log/runs/2025-08-01.json");
    assert!(record.contains("\"without_chart\":[\"vram\"]"), "{record}");
    let check = world.check(&[]).exits(0);
    let _ = check.stdout_has("警告：節點 colab-gpu4 的 Card 9 沒有 VRAM 圖表：");
}

#[test]
fn a_metric_that_had_no_chart_stays_a_gap_when_netdata_has_forgotten_the_day() {
    let node = || steady().without_vram_chart(9);
    let world = Lab::new().node(node()).start();
    let _ = world.run(&[DATE]).exits(0);
    let forgotten = node().samples_from(MIDNIGHT + 25 * HOUR);
    let world = Lab::new().node(forgotten).start_after(world);
    // The record of the second run is what the third has.
    for _ in 0..2 {
        let _ = world
            .run(&[DATE])
            .exits(0)
            .stdout_has("\n完成：1 個節點中 1 個已寫入，讀數 144/288（50.0%），有缺漏\n");
    }
    let record = world.read("data/.daily-gpu-log/runs/2025-08-01.json");
    assert!(record.contains("\"without_chart\":[\"vram\"]"), "{record}");
}

#[test]
fn cards_that_lack_the_same_are_one_line() {
    let day = (MIDNIGHT, MIDNIGHT + 24 * HOUR);
    let node = SimulatedNode::new(NODE)
        .without_card(1)
        .without_card(9)
        .vram_gap(17, day.0, day.1)
        .vram_gap(25, day.0, day.1);
    let advice = "若 GPU 正常，請重新啟動該節點的 Netdata";
    let _ = Lab::new().node(node).run(&[DATE]).exits(3).stderr_is(&format!(
        "錯誤：{NODE} 的 GPU[0]（Card 1）、GPU[1]（Card 9）當日沒有任何 GPU、VRAM 讀數：{advice}\n\
         錯誤：{NODE} 的 GPU[2]（Card 17）、GPU[3]（Card 25）當日沒有任何 VRAM 讀數：{advice}\n"
    ));
}

#[test]
fn what_is_due_counts_every_node_that_was_to_be_collected() {
    let down = SimulatedNode::new("d").fault(Fault::Refuse);
    let nodes = ["a", "b", "c"].map(SimulatedNode::new);
    let lab = |last| nodes.iter().cloned().fold(Lab::new(), Lab::node).node(last);
    let world = lab(down).start();
    let figure = "讀數 3456/4608（75.0%）";
    let _ = world.run(&[DATE]).exits(3).stdout_has(&format!(
        "\n完成：4 個節點中 3 個已寫入，{figure}，不完整：有節點沒有寫入\n"
    ));
    let range = [DATE, "--to", DATE];
    let outcome = world.run(&range).exits(3);
    let _ = outcome.stdout_is(&format!(
        "{DATE}：不完整，節點 3/4，{figure}\n完成：1 天中 1 天不完整，{figure}：有節點沒有寫入\n"
    ));
    let json = world.run(&[DATE, "--json"]).exits(3).json();
    let parts = ["verdict", "readings", "readings_due"].map(|key| json[key].clone());
    assert_eq!(parts, [json!("incomplete"), json!(3456), json!(4608)]);
    // A node whose files of an earlier run are whole lacks no reading, but was not collected.
    let world = lab(SimulatedNode::new("d")).start_after(world);
    let _ = world.run(&[DATE]).exits(0);
    let world = lab(SimulatedNode::new("d").fault(Fault::Refuse)).start_after(world);
    let _ = world.run(&[DATE]).exits(3).stdout_has(
        "\n完成：4 個節點中 3 個已寫入，讀數 4608/4608（100.0%），不完整：有節點沒有寫入\n",
    );
}

#[test]
fn a_card_whose_readings_the_agent_lost_keeps_those_of_an_earlier_run() {
    for (gap, readings, coverage) in [(0, 288, "100.0"), (HOUR, 282, "97.9")] {
        let node = || steady().gap(9, MIDNIGHT, MIDNIGHT + gap);
        let world = Lab::new().node(node()).start();
        let before = world.run(&[DATE]).exits(0).of_day(NODE, DATE, "gpu1");
        let world = Lab::new().node(node().without_card(9)).start_after(world);
        let counted = format!("：讀數 {readings}/288（{coverage}%），平均 GPU 30.00%、");
        let outcome = world
            .run(&[DATE])
            .exits(0)
            .stderr_is("")
            .stdout_has(&counted);
        assert_eq!(outcome.of_day(NODE, DATE, "gpu1"), before);
    }
}

#[test]
fn a_card_that_the_settings_do_not_name_is_a_warning() {
    let world = Lab::new().node(steady()).start();
    world.edit_settings("cards = [1, 9]", "cards = [1]");
    let outcome = world
        .run(&[DATE])
        .exits(0)
        .stderr_is("警告：colab-gpu4 有設定中沒有的 Card 9，未寫入：請將它加入該節點的 cards\n");
    assert_eq!(outcome.tree().len(), 3);
    let average = outcome.of_day(NODE, DATE, "average");
    assert!(average.contains("\n全部平均,10.00,30.50,"), "{average}");
}

/// Nodes without any reading of the day: the agents say so in different ways.
fn without_readings() -> [(&'static str, SimulatedNode); 4] {
    let node = SimulatedNode::new(NODE);
    let day = (MIDNIGHT, MIDNIGHT + 24 * HOUR);
    [
        ("404", node.clone().samples_from(day.1 + HOUR)),
        ("nulls", node.clone().down(day.0, day.1)),
        (
            "nulls of 1.37",
            node.clone().down(day.0, day.1).version(Version::V1_37),
        ),
        (
            "404 for each chart",
            node.samples_until(day.0 - HOUR).without_context_queries(),
        ),
    ]
}

#[test]
fn a_node_without_any_reading_has_failed() {
    for (how, node) in without_readings() {
        let outcome = Lab::new().node(node).run(&[DATE]).exits(1).stdout_is(
            "用量報告：data/reports/users_2025-08-01.csv\n\
                 失敗：1 個節點都沒有寫入，讀數 0/1152（0.0%）\n",
        );
        let url = outcome.world().cluster.url(NODE);
        let message = format!(
            "錯誤：無法從 {url} 獲取數據：{NO_READINGS}（節點 {NODE}，原有檔案保持不變）\n"
        );
        assert_eq!(outcome.stderr, message, "{how}");
        assert_eq!(outcome.tree(), [""; 0], "{how}");
    }
}

#[test]
fn a_day_that_netdata_has_forgotten_keeps_the_readings_of_its_files() {
    for (how, node) in without_readings() {
        let other = || SimulatedNode::new("colab-gpu3").cards(&[1]);
        let world = Lab::colab_gpu4().node(other()).start();
        let before = world.run(&[DATE]).exits(0).files(NODE);
        let world = Lab::new().node(node).node(other()).start_after(world);
        fs::remove_dir_all(world.path("data/colab-gpu3")).expect("a node's directory");
        let outcome = world.run(&[DATE, "--json"]).exits(0);
        let report = outcome.json();
        let notice = &report["notices"][0];
        assert_eq!(notice["code"], "no_new_readings", "{how}");
        assert_eq!(report["nodes"][0]["readings"], 1152, "{how}");
        assert_eq!(outcome.files(NODE), before, "{how}");
        assert_eq!(outcome.tree().len(), 10 + 3, "{how}");
    }
}

#[test]
fn coarser_tiers_that_give_no_answer_cost_no_exact_reading() {
    // Card 9 has none, so the coarser tiers are asked, and fail.
    let fault = Fault::StatusAfter {
        code: 403,
        times: 1,
    };
    let node = SimulatedNode::new(NODE).without_card(9).fault(fault);
    let outcome = Lab::new()
        .node(node)
        .run(&[DATE])
        .exits(3)
        .stdout_has("讀數 1008/1152")
        .stderr_has("colab-gpu4 較舊的讀數無法取得（HTTP 403");
    let node = outcome.world().cluster.node(NODE);
    assert_eq!(
        outcome.of_day(NODE, DATE, "gpu0"),
        Day::utc().gpu_csv(node, 1)
    );
}
