//! Without the management API usage is collected as ever, and every file and message says what is missing, and why.

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::simulated_cluster::{Fault, SimulatedApi, SimulatedNode, SimulatedTask};
use crate::support::{DATE, HOUR, Lab, TOKEN, World, jwt};

fn lab(api: SimulatedApi) -> Lab {
    let task = SimulatedTask::new("t1", "alice", "colab-gpu4").gpu(25, "APU-70cb99ce3e214bda");
    Lab::colab_gpu4().api(api.task(task))
}

fn lab_with(fault: Fault) -> Lab {
    lab(SimulatedApi::new(TOKEN).fault(fault))
}

/// Usage is complete, and that tasks are missing for `reason` is said wherever somebody looks.
#[track_caller]
fn tells(world: &World, reason: &str) {
    let reason = format!("無法從管理 API 獲取數據：{reason}");
    let outcome = world
        .run(&[DATE])
        .exits(3)
        .stderr_is(&format!("錯誤：{reason}（沒有任務資訊，使用率不受影響）\n"));
    outcome.holds_all_readings_of(world.cluster.node("colab-gpu4"), "colab-gpu4");
    let average = outcome.of_day("colab-gpu4", DATE, "average");
    let rows: Vec<_> = average.lines().skip(1).take(8).collect();
    assert_eq!(rows.len(), 8, "{average}");
    assert!(rows.iter().all(|row| row.ends_with(",未使用")), "{average}");
    let summary = outcome.of_day("colab-gpu4", DATE, "summary");
    let section = format!(
        "\n\n沒有任務資訊 (不代表 GPU 無人使用):\n{reason}\n================================\n"
    );
    assert!(summary.ends_with(&section), "{summary}");
    assert!(!summary.contains("未使用"), "{summary}");
}

#[test]
fn an_api_that_cannot_be_reached_is_told() {
    let world = lab_with(Fault::Refuse).start();
    let url = world.cluster.api_url();
    tells(
        &world,
        &format!("{url}：無法連線：Connection refused (os error 111)"),
    );
}

#[test]
fn a_token_that_is_refused_is_told() {
    for (code, body) in [
        (401, "unauthorized"),
        (403, "forbidden"),
        (422, "not enough segments"),
    ] {
        let world = lab_with(Fault::status(code, body)).start();
        let url = world.cluster.api_url();
        tells(
            &world,
            &format!("{url} 拒絕了 Token（HTTP {code}）：請檢查 Token 是否有效"),
        );
    }
}

#[test]
fn a_token_that_ends_soon_is_a_warning_once_in_a_run() {
    for (hours, said) in [
        (20, "，只剩不到一天：請換新的 Token"),
        (73, "，只剩 3 天："),
        (24 * 8, ""),
    ] {
        let token = jwt(chrono::Utc::now().timestamp() + hours * HOUR);
        let world = lab(SimulatedApi::new(&token)).token(Some(&token)).start();
        let outcome = world.run(&[DATE, "--to", "2025-08-02", "--catch-up", "1"]);
        let warnings = outcome
            .stderr
            .matches("警告：2025-08-02：管理 API 的 Token 將於 ")
            .count();
        assert_eq!(
            warnings,
            usize::from(!said.is_empty()),
            "{}",
            outcome.stderr
        );
        assert_eq!(outcome.stderr.matches("過期").count(), warnings);
        let _ = outcome.stderr_has(said);
    }
}

#[test]
fn an_expired_token_is_said_to_have_expired_and_when() {
    let world = lab(SimulatedApi::new(TOKEN))
        .token(Some(&jwt(1_754_012_345)))
        .start();
    let url = world.cluster.api_url();
    tells(
        &world,
        &format!(
            "{url} 拒絕了 Token（HTTP 401）：Token 已於 2025-08-01 01:39:05 過期，請換新的 Token"
        ),
    );
}

#[test]
fn the_end_of_a_token_is_told_on_the_clocks_of_the_day() {
    let _ = lab(SimulatedApi::new(TOKEN))
        .token(Some(&jwt(1_754_012_345)))
        .run(&[DATE, "--timezone", "Asia/Taipei"])
        .exits(3)
        .stderr_has("Token 已於 2025-08-01 09:39:05 過期");
}

#[test]
fn a_token_that_has_not_expired_is_not_said_to_have() {
    let _ = lab(SimulatedApi::new(TOKEN))
        .token(Some(&jwt(9_000_000_000)))
        .run(&[DATE])
        .exits(3)
        .stderr_has("（HTTP 401）：請檢查 Token 是否有效")
        .stderr_lacks("過期");
}

#[test]
fn a_page_instead_of_json_is_no_day_without_tasks() {
    let world = lab_with(Fault::NotJson).start();
    let url = world.cluster.api_url();
    tells(
        &world,
        &format!("{url} 的回應無法解析（不是 JSON：expected value at line 1 column 1）"),
    );
}

#[test]
fn json_of_another_shape_is_no_day_without_tasks() {
    let world = lab_with(Fault::OtherShape).start();
    let url = world.cluster.api_url();
    tells(
        &world,
        &format!("{url} 的回應無法解析（沒有一個任務可讀，例如「data」：不是 JSON 物件）"),
    );
}

#[test]
fn an_object_without_tasks_is_no_day_without_tasks() {
    for (key, entry, problem) in [
        (
            "error",
            json!({"code": 500, "message": "database is locked"}),
            "沒有一個任務可讀，例如「error」：沒有任務的欄位",
        ),
        (
            "data",
            json!({"541": {"username": "alice"}}),
            "任務應以任務 id 為鍵放在最上層，這個回應卻放在「data」之內",
        ),
    ] {
        let api = SimulatedApi::new(TOKEN).raw_task(key, entry);
        let world = Lab::colab_gpu4().api(api).start();
        let url = world.cluster.api_url();
        let _ = world.check(&[]).exits(3).stdout_has(problem);
        tells(&world, &format!("{url} 的回應無法解析（{problem}）"));
    }
}

#[test]
fn an_api_that_is_out_of_order_is_asked_again_before_it_is_given_up() {
    let world = lab_with(Fault::status(500, "database is locked"))
        .with_usual_retries()
        .start();
    let url = world.cluster.api_url();
    tells(&world, &format!("{url}：HTTP 500 Internal Server Error"));
    assert_eq!(world.cluster.api_requests().len(), 3);
}

#[test]
fn an_api_that_recovers_is_heard() {
    let fault = Fault::StatusTimes {
        code: 503,
        times: 1,
    };
    let outcome = Lab::new()
        .node(SimulatedNode::new("n").cards(&[1]))
        .with_usual_retries()
        .api(
            SimulatedApi::new(TOKEN)
                .fault(fault)
                .task(SimulatedTask::new("t1", "alice", "n").gpu(1, "APU-1")),
        )
        .run(&[DATE])
        .exits(0)
        .stderr_is("");
    let average = outcome.of_day("n", DATE, "average");
    assert!(
        average.lines().nth(1).expect("a row").ends_with(",alice"),
        "{average}"
    );
}

#[test]
fn an_api_that_hangs_costs_no_reading() {
    let world = lab_with(Fault::HangBeforeHeaders)
        .tables("[netdata]\ntimeout = \"1s\"\nretries = 0")
        .start();
    let url = world.cluster.api_url();
    tells(&world, &format!("{url}：逾時：1.0 秒內沒有完整的回應"));
}

#[test]
fn a_task_report_without_the_api_has_failed() {
    let world = lab_with(Fault::Refuse).start();
    let url = world.cluster.api_url();
    let _ = world
        .run(&[DATE, "--user-report"])
        .exits(1)
        .stdout_is("")
        .stderr_is(&format!(
            "錯誤：無法從管理 API 獲取數據：{url}：無法連線：Connection refused (os error 111)\n"
        ))
        .writes_nothing();
}

#[test]
fn programs_are_told_that_tasks_are_missing() {
    let report = lab_with(Fault::status(401, "no"))
        .run(&[DATE, "--json"])
        .exits(3)
        .json();
    assert_eq!(report["task_information"], "unavailable");
    assert_eq!(report["notices"][0]["code"], "tasks_unavailable");
    assert_eq!(report["exit_status"], 3);
    assert_eq!(
        report["nodes"][0]["gpus"][0]["users"],
        serde_json::Value::Null
    );
}
