//! A node that fails is named with its reason, costs no other node anything, and keeps the files that it had.

use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;

use crate::simulated_cluster::{Fault, Metric, SimulatedApi, SimulatedNode, expected_text};
use crate::support::{DATE, HOUR, Lab, MIDNIGHT, Outcome, TOKEN};

fn lab_whose_middle_node_has(fault: Fault) -> Lab {
    Lab::new()
        .node(SimulatedNode::new("first"))
        .node(SimulatedNode::new("middle").fault(fault))
        .node(SimulatedNode::new("last"))
}

/// The middle one of three nodes fails for `reason`; the others are complete.
#[track_caller]
fn only_the_middle_node_fails(lab: Lab, reason: &str) -> Outcome {
    let world = lab.start();
    let url = world.cluster.url("middle");
    let outcome = world.run(&[DATE]).exits(3).stderr_is(&format!(
        "錯誤：無法從 {url} 獲取數據：{reason}（節點 middle，原有檔案保持不變）\n"
    ));
    for name in ["first", "last"] {
        outcome.holds_all_readings_of(world.cluster.node(name), name);
    }
    let left: Vec<_> = outcome
        .tree()
        .into_iter()
        .filter(|path| path.starts_with("middle/"))
        .collect();
    let files = [format!("average_{DATE}.csv"), format!("summary_{DATE}.txt")];
    assert_eq!(left, files.map(|name| format!("middle/{DATE}/{name}")));
    outcome.stdout_has(
        "\n完成：3 個節點中 2 個已寫入，讀數 2304/3456（66.6%），不完整：有節點沒有寫入\n",
    )
}

#[track_caller]
fn fails(fault: Fault, reason: &str) -> Outcome {
    only_the_middle_node_fails(lab_whose_middle_node_has(fault), reason)
}

#[test]
fn a_node_that_refuses_connections_is_named() {
    let _ = fails(Fault::Refuse, "無法連線：Connection refused (os error 111)");
}

#[test]
fn of_an_endless_redirect_no_more_is_quoted_than_helps() {
    let world = lab_whose_middle_node_has(Fault::RedirectLoop).start();
    let url = format!("{}/host/parent", world.cluster.url("middle"));
    world.edit_settings(&world.cluster.url("middle"), &url);
    let outcome = world.run(&[DATE]).exits(3);
    let asked = &world.cluster.requests("middle")[0].target;
    assert!(asked.len() > 200, "{asked}");
    assert_eq!(
        outcome.stderr,
        format!(
            "錯誤：無法從 {url} 獲取數據：HTTP 302 Found，轉址到 {}…（節點 middle，原有檔案保持不變）\n",
            &asked[..200]
        )
    );
}

#[test]
fn an_agent_that_wants_https_is_named_with_what_to_change() {
    for code in [399, 301] {
        let world = lab_whose_middle_node_has(Fault::RedirectToHttps(code)).start();
        let outcome = world.run(&[DATE]).exits(3);
        let advice =
            "（這裡只接受 https：請將 url 的 http 改為 https）（節點 middle，原有檔案保持不變）\n";
        assert!(outcome.stderr.ends_with(advice), "{}", outcome.stderr);
        assert!(outcome.stderr.contains(&format!("HTTP {code} ")));
    }
}

#[test]
fn a_management_api_that_wants_https_is_named_with_what_to_change() {
    let api = SimulatedApi::new(TOKEN).fault(Fault::RedirectToHttps(301));
    let _ = Lab::colab_gpu4()
        .api(api)
        .run(&[DATE])
        .exits(3)
        .stderr_has("（這裡只接受 https：請將 management_api.url 的 http 改為 https）");
}

#[test]
fn a_file_of_certificates_that_is_none_is_named_and_costs_no_node_without_tls() {
    let world = lab_whose_middle_node_has(Fault::Refuse).start();
    let url = world.cluster.url("middle");
    world.edit_settings(&url, &url.replace("http:", "https:"));
    world.edit_settings("[netdata]\n", "[netdata]\nca_file = \"ca.pem\"\n");
    for (text, problem) in [
        (None, "No such file or directory (os error 2)"),
        (Some("no certificate"), "沒有 PEM 格式的憑證"),
    ] {
        if let Some(text) = text {
            world.write("ca.pem", text);
        }
        let outcome = world.run(&[DATE]).exits(3);
        let outcome = outcome.stderr_has(&format!(
            "無法使用 TLS：ca_file ca.pem：{problem}（節點 middle"
        ));
        for name in ["first", "last"] {
            outcome.holds_all_readings_of(world.cluster.node(name), name);
        }
    }
}

#[test]
fn a_machine_without_certificates_collects_from_the_nodes_without_tls() {
    let world = lab_whose_middle_node_has(Fault::Refuse).start();
    let url = world.cluster.url("middle");
    let encrypted = url.replace("http:", "https:");
    world.edit_settings(&url, &encrypted);
    let nowhere = [("SSL_CERT_FILE", "/nowhere"), ("SSL_CERT_DIR", "/nowhere")];
    let outcome = world.run_with(&[DATE], &nowhere).exits(3).stderr_is(&format!(
        "錯誤：無法從 {encrypted} 獲取數據：無法使用 TLS：unexpected error: No CA certificates were loaded from the system\
         （請安裝 ca-certificates）（節點 middle，原有檔案保持不變）\n"
    ));
    for name in ["first", "last"] {
        outcome.holds_all_readings_of(world.cluster.node(name), name);
    }
}

#[test]
fn a_node_that_answers_with_an_error_is_named_with_its_words() {
    let lab = lab_whose_middle_node_has(Fault::status(500, "out of memory"));
    let _ = only_the_middle_node_fails(
        lab.tables("[netdata]\nretries = 0"),
        "HTTP 500 Internal Server Error：out of memory",
    );
}

#[test]
fn a_page_instead_of_json_is_no_answer() {
    let _ = fails(
        Fault::NotJson,
        "回應不是 JSON（expected value at line 1 column 1）",
    );
}

#[test]
fn json_of_another_shape_is_no_answer() {
    let _ = fails(
        Fault::OtherShape,
        "回應的 JSON 格式不符（missing field `chart_ids` at line 1 column 26）",
    );
}

#[test]
fn without_any_node_the_run_has_failed() {
    let outcome = Lab::new()
        .node(SimulatedNode::new("a").fault(Fault::Refuse))
        .node(SimulatedNode::new("b").fault(Fault::NotJson))
        .run(&[DATE])
        .exits(1)
        .stderr_has("（節點 a，原有檔案保持不變）")
        .stderr_has("（節點 b，原有檔案保持不變）")
        .stdout_is(
            "用量報告：data/reports/users_2025-08-01.csv\n\
             失敗：2 個節點都沒有寫入，讀數 0/2304（0.0%）\n",
        );
    assert_eq!(outcome.files(""), []);
}

#[test]
fn a_node_that_fails_keeps_the_files_that_it_had() {
    for fault in [
        Fault::Refuse,
        Fault::NotJson,
        Fault::TruncatedJson,
        Fault::status(500, "out of memory"),
    ] {
        let lab = Lab::new()
            .node(SimulatedNode::new("first"))
            .node(SimulatedNode::new("middle").gap(9, MIDNIGHT, MIDNIGHT + HOUR));
        let world = lab.start();
        let before = world.run(&[DATE]).exits(0).files("middle/");
        assert_eq!(before.len(), 10);
        let world = lab_whose_middle_node_has(fault).start_after(world);
        let after = world.run(&[DATE]).exits(3).files("middle/");
        assert_eq!(after, before);
    }
}

#[test]
fn a_reading_that_is_no_percentage_is_reported_and_left_out() {
    let stamp = MIDNIGHT + HOUR;
    for text in ["150.5", "-1", "nan", "-inf", "1e999"] {
        let node = SimulatedNode::new("n").raw_reading(Metric::GpuUtilization, 9, stamp, text);
        let outcome = Lab::new().node(node).run(&[DATE]).exits(3);
        let outcome = outcome.stderr_is(&format!(
            "錯誤：n 有 1 筆讀數不是 0 到 100 的數字，已視為缺漏（例如 Card 9 在 2025-08-01 01:00:00 的 GPU = {text}）\n"
        ));
        let sound = SimulatedNode::new("n");
        let vram_only = expected_text(&sound, Metric::VramUsage, 9, stamp, 600);
        let row = format!(
            "\n{stamp},\"2025-08-01 01:00:00\",,{}\n",
            vram_only.expect("a reading")
        );
        let csv = outcome.of_day("n", DATE, "gpu1");
        assert!(csv.contains(&row), "no {row:?} in {csv}");
    }
}

#[test]
fn a_false_reading_at_the_beginning_of_the_day_is_counted_once() {
    let node =
        SimulatedNode::new("n").raw_reading(Metric::GpuUtilization, 9, MIDNIGHT + 600, "150.5");
    let _ = Lab::new()
        .node(node)
        .run(&[DATE])
        .exits(3)
        .stderr_has("n 有 1 筆讀數不是 0 到 100 的數字");
}

#[test]
fn a_row_that_belongs_to_no_interval_is_reported_and_left_out() {
    let row = format!("[{},", MIDNIGHT + HOUR);
    let odd = format!("[{},", MIDNIGHT + HOUR - 1);
    let outcome = Lab::new()
        .node(SimulatedNode::new("n").replacing(&row, &odd))
        .run(&[DATE])
        .exits(3)
        .stderr_is(
            "錯誤：n 有 1 列讀數無法使用，已視為缺漏：\
             回應的時間戳 2025-08-01 00:59:59 不在 10m 的區間界線上（請檢查該節點的時鐘）\n",
        );
    let csv = outcome.of_day("n", DATE, "gpu1");
    let gap = format!("\n{},\"2025-08-01 01:00:00\",,\n", MIDNIGHT + HOUR);
    assert!(csv.contains(&gap), "{csv}");
    let _ = outcome.stdout_has("讀數 1144/1152");
}

#[test]
fn a_clock_that_is_off_is_a_warning_once_in_a_run() {
    let off = || SimulatedNode::new("n").clock_ahead(7200);
    let world = Lab::new().node(off()).start();
    let outcome = world.run(&[DATE, "--catch-up", "2"]).exits(0);
    assert!(
        outcome
            .stderr
            .starts_with("警告：2025-08-01：n 的時鐘比本機快 7")
            && outcome.stderr.lines().count() == 1,
        "{}",
        outcome.stderr
    );
    // A parent's answer has its own time.
    let world = Lab::new().node(off()).start();
    let url = world.cluster.url("n");
    world.edit_settings(&url, &format!("{url}/host/n"));
    let _ = world.run(&[DATE]).exits(0).stderr_is("");
    let _ = world
        .check(&["--skip-task-info"])
        .stdout_has("時鐘未知（回應的 Date 是 parent 的）");
}

#[test]
fn many_retries_end_before_the_deadline_with_the_last_real_error() {
    let world = Lab::new()
        .node(SimulatedNode::new("n").fault(Fault::status(503, "busy")))
        .tables("[netdata]\nretries = 20\ndeadline = \"1s\"")
        .start();
    let started = Instant::now();
    world
        .run(&[DATE])
        .exits(1)
        .stderr_has("HTTP 503 Service Unavailable：busy");
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[test]
fn of_many_nodes_that_fail_a_dozen_is_named_and_the_others_are_counted() {
    let broken = |number| SimulatedNode::new(&format!("n{number:02}")).fault(Fault::NotJson);
    let lab = (1..=15).map(broken).fold(Lab::new(), Lab::node);
    let outcome = lab.run(&[DATE]).exits(1);
    let lines: Vec<_> = outcome.stderr.lines().collect();
    assert_eq!(lines.len(), 13, "{lines:#?}");
    assert!(lines[11].contains("（節點 n12，"), "{lines:#?}");
    assert_eq!(lines[12], "錯誤：另有 3 則同類的訊息（node_failed）未列出");
}
