//! What `check` says of the token, the management API, and the GPUs of its tasks.

use chrono::Utc;
use pretty_assertions::assert_eq;
use serde_json::json;

use crate::simulated_cluster::{Fault, SimulatedApi, SimulatedNode, SimulatedTask};
use crate::support::{Day, HOUR, Lab, Outcome, TOKEN, World, jwt};

const NODE: &str = "colab-gpu4";
const DAY: i64 = 24 * HOUR;

fn problems(outcome: &Outcome) -> Vec<String> {
    let problems = outcome
        .stdout
        .lines()
        .filter(|line| line.starts_with("警告：") || line.starts_with("錯誤："));
    problems.map(str::to_owned).collect()
}

/// A world whose token is `token`, and whose API takes it.
fn with_token(token: &str) -> World {
    Lab::colab_gpu4()
        .api(SimulatedApi::new(token))
        .token(Some(token))
        .start()
}

/// A moment on the clocks of the day, as [`World::check`] leaves it.
fn clock(unix: i64) -> String {
    let day = Day::now_in_hour(12);
    day.clock(unix).replace(&day.date(), "DATE")
}

/// The token, as the findings name it.
fn token(world: &World) -> String {
    format!("Token（取自 Token 檔 {}）", world.path("token").display())
}

#[test]
fn the_end_of_a_token_is_told_a_week_before() {
    let now = Utc::now().timestamp();
    let end = now + 8 * DAY;
    let world = with_token(&jwt(end));
    let said = format!("正常：{}：有效期限到 {}\n", token(&world), clock(end));
    let _ = world.check(&[]).exits(0).stdout_has(&said);

    for (left, words) in [(3 * DAY + HOUR, "只剩 3 天"), (HOUR, "只剩不到一天")] {
        let world = with_token(&jwt(now + left));
        let outcome = world.check(&[]).exits(0).stderr_is("");
        let said = format!(
            "警告：{}將於 {} 過期，{words}：請換新的 Token",
            token(&world),
            clock(now + left)
        );
        assert_eq!(problems(&outcome), [said]);
    }
}

#[test]
fn a_token_that_has_expired_is_an_error_and_everything_else_is_checked() {
    let end = Utc::now().timestamp() - DAY;
    let world = with_token(&jwt(end));
    let outcome = world.check(&[]).exits(10).stderr_is("");
    assert_eq!(
        problems(&outcome),
        [format!(
            "錯誤：{}已於 {} 過期：請換新的 Token",
            token(&world),
            clock(end)
        )]
    );
    let _ = outcome
        .stdout_has("正常：管理 API ")
        .stdout_has("8 張卡都在收集");
}

#[test]
fn a_token_that_the_api_refuses_is_an_error_and_everything_else_is_checked() {
    let outcome = Lab::colab_gpu4()
        .token(Some("another"))
        .start()
        .check(&[])
        .exits(10);
    assert_eq!(
        problems(&outcome),
        [
            "錯誤：無法從管理 API 獲取數據：http://loopback/api/v2/consumption/task \
          拒絕了 Token（HTTP 401）：請檢查 Token 是否有效"
        ]
    );
    let _ = outcome.stdout_has("8 張卡都在收集");
}

#[test]
fn a_token_that_the_api_cannot_read_is_a_matter_of_credentials() {
    let api = SimulatedApi::new(TOKEN).fault(Fault::status(422, "Not enough segments"));
    let outcome = Lab::colab_gpu4().api(api).start().check(&[]).exits(10);
    let _ = outcome.stdout_has("拒絕了 Token（HTTP 422）：請檢查 Token 是否有效");
}

#[test]
fn a_token_that_cannot_be_had_is_an_error_and_everything_else_is_checked() {
    let missing = Lab::colab_gpu4().token(None).start();
    let _ = missing
        .check(&[])
        .exits(10)
        .stderr_is("")
        .stdout_has("錯誤：沒有管理 API 的 Token：請將它寫入 ")
        .stdout_has("8 張卡都在收集");
    assert!(missing.cluster.api_requests().is_empty());
    let exposed = Lab::colab_gpu4().start();
    exposed.set_mode("token", 0o644);
    let _ = exposed
        .check(&[])
        .exits(10)
        .stdout_has("可被其他使用者讀取（權限 0644）：請執行 chmod 600 ")
        .stdout_has("8 張卡都在收集");
    assert!(exposed.cluster.api_requests().is_empty());
}

#[test]
fn where_tasks_are_skipped_neither_token_nor_api_is_checked() {
    let world = Lab::colab_gpu4().token(None).start();
    let outcome = world.check(&["--skip-task-info"]).exits(0).stderr_is("");
    assert!(!outcome.stdout.contains("Token") && !outcome.stdout.contains("管理 API"));
    assert!(world.cluster.api_requests().is_empty());
}

#[test]
fn the_token_is_never_shown() {
    let token = jwt(Utc::now().timestamp() + DAY);
    let secret = token.rsplit_once('.').expect("three parts").0;
    for api in [&token[..], "another"] {
        let world = Lab::colab_gpu4()
            .api(SimulatedApi::new(api))
            .token(Some(&token))
            .start();
        for arguments in [&["-vv"][..], &["-vv", "--json"]] {
            let _ = world
                .check(arguments)
                .stdout_lacks(secret)
                .stderr_lacks(secret);
        }
    }
}

#[test]
fn an_api_that_gives_no_answer_is_an_error() {
    for (fault, reason) in [
        (
            Fault::Refuse,
            "：無法連線：Connection refused (os error 111)",
        ),
        (Fault::NotJson, " 的回應無法解析（不是 JSON："),
        (Fault::status(404, "no"), "：HTTP 404 Not Found"),
    ] {
        let world = Lab::colab_gpu4()
            .api(SimulatedApi::new(TOKEN).fault(fault))
            .start();
        let outcome = world.check(&[]).exits(3).stderr_is("");
        let problems = problems(&outcome);
        assert_eq!(problems.len(), 1, "{problems:#?}");
        let said = format!(
            "錯誤：無法從管理 API 獲取數據：http://loopback/api/v2/consumption/task{reason}"
        );
        assert!(problems[0].starts_with(&said), "{problems:#?}");
    }
}

#[test]
fn the_apis_clock_is_compared_with_the_machines() {
    let world = Lab::colab_gpu4()
        .api(SimulatedApi::new(TOKEN).clock_ahead(-400))
        .start();
    let outcome = world.check(&[]).exits(0).stderr_is("");
    let problems = problems(&outcome);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(
        problems[0].starts_with("警告：管理 API 的時鐘比本機慢 "),
        "{problems:#?}"
    );
    let json = world.check(&["--json"]).json();
    let clock = json["checks"].as_array().expect("checks").iter();
    let clock: Vec<_> = clock.filter(|check| check["subject"] == "clock").collect();
    assert_eq!(clock.len(), 1);
    assert_eq!(clock[0]["node"], json!(null));
}

#[test]
fn gpus_that_cannot_be_placed_are_named() {
    let lab = || {
        Lab::colab_gpu4().task(
            SimulatedTask::new("t1", "alice", NODE)
                .gpu(25, "APU-70cb99ce3e214bda")
                .gpu(26, "APU-0000000000000026")
                .gpu(27, "APU-0000000000000027"),
        )
    };
    let outcome = lab().start().check(&[]).exits(3).stderr_is("");
    let outcome =
        outcome.stdout_has("\n完成：6 項檢查中 0 項錯誤、1 項警告，收集的結果會不完整，或會失敗\n");
    assert_eq!(
        problems(&outcome),
        [
            "警告：colab-gpu4 的任務 GPU id 25、26、27 無法對應到該節點的 GPU（任務 t1）：\
             請在該節點的 [[nodes]] 設定 first_gpu_id = 25（GPU[0] 的 id 若不是 25，請改為正確的值），或 \
             gpu_uuids = { \"APU-0000000000000026\" = N, \"APU-0000000000000027\" = N, \
             \"APU-70cb99ce3e214bda\" = N }（N 是 GPU 索引，請執行 daily-gpu-log inventory 得知），\
             修正後請重新收集這一天",
        ]
    );
    let mapped = lab().node_settings(NODE, "first_gpu_id = 25").start();
    let outcome = mapped.check(&[]).exits(0);
    assert_eq!(problems(&outcome), [""; 0]);
    let half = lab()
        .node_settings(NODE, "gpu_uuids = { \"APU-70cb99ce3e214bda\" = 0 }")
        .start();
    let outcome = half.check(&[]).exits(3);
    let said = problems(&outcome);
    assert_eq!(said.len(), 1, "{}", outcome.stdout);
    assert!(said[0].contains("GPU id 26、27 無法對應"), "{}", said[0]);
}

#[test]
fn tasks_that_no_collection_could_place_are_named() {
    let outcome = Lab::colab_gpu4()
        .task(SimulatedTask::new("t1", "alice", "elsewhere").gpu(1, "APU-1"))
        .raw_task(
            "t2",
            json!({"username": "bob", "hostname": NODE, "gpus": [{"id": 1}], "start": "soon"}),
        )
        .raw_task("t3", json!({"username": 7}))
        .start()
        .check(&[])
        .exits(3)
        .stderr_is("");
    let problems = problems(&outcome);
    assert_eq!(problems.len(), 3, "{problems:#?}");
    assert!(
        problems[0].starts_with("警告：任務 t3 的資料無法解析（"),
        "{problems:#?}"
    );
    assert_eq!(
        problems[1..],
        [
            "警告：有任務使用設定中沒有的主機 elsewhere（任務 t1）：請加入 [[nodes]]，name 須等於管理 API 的 hostname",
            "警告：colab-gpu4 的任務 t2 時間不明（start「soon」不是時間），未計入使用者欄位",
        ]
    );
}

#[test]
fn without_tasks_nothing_is_said_to_be_placed() {
    let _ = Lab::new()
        .node(SimulatedNode::new(NODE))
        .start()
        .check(&[])
        .exits(0)
        .stdout_has("正常：任務：DATE 沒有使用 GPU 的任務可供核對\n");
}
