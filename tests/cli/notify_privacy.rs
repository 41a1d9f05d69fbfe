//! Who used what is told to outsiders only where the settings say so.

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::simulated_cluster::{
    Fault, SimulatedApi, SimulatedNode, SimulatedReceiver, SimulatedTask,
};
use crate::support::{DATE, HOUR, Lab, MIDNIGHT, TOKEN, World, message, signals, texts};

/// Parts of everything that the management API says in these tests.
const SAID: [&str; 7] = [
    "alice",
    "bob",
    "王小明",
    "dora",
    "t-of-",
    "APU-",
    "carol-pc",
];

/// Everything that a run can notice of tasks, with names wherever the API could put them.
fn gossip(api: SimulatedApi) -> SimulatedApi {
    let task = |id: &str, user: &str, host: &str| SimulatedTask::new(id, user, host);
    api.task(task("t-of-alice", "alice", "colab-gpu4").gpu(1, "APU-1"))
        .task(task("t-of-bob", "bob", "colab-gpu4").gpu(1, "APU-1").start(MIDNIGHT + HOUR))
        .raw_task("t-of-王小明", json!({"username": "王小明", "hostname": "colab-gpu4", "gpus": [{"id": 9, "uuid": "APU-2"}, {"uuid": "APU-alice"}], "start": "Wed, 16 Jul 2025 08:19:32 GMT"}))
        .task(task("t-of-carol", "carol", "carol-pc").gpu(1, "APU-3"))
        .task(task("t-of-dora", "dora", "colab-gpu4").gpu(33, "APU-5").gpu(41, "APU-6"))
        .raw_task("t-of-timeless", json!({"username": "alice", "hostname": "colab-gpu4", "gpus": [{"id": 17}], "start": "when alice came"}))
        .raw_task("t-of-unnumbered", json!({"username": "bob", "hostname": "colab-gpu4", "gpus": [{"uuid": "APU-alice"}], "start": "Wed, 16 Jul 2025 08:19:32 GMT"}))
        .raw_task("t-of-malformed", json!({"username": ["alice"], "gpus": "bob's"}))
        .raw_task("t-of-another", json!("alice"))
}

fn world(
    chat: &SimulatedReceiver,
    monitor: &SimulatedReceiver,
    keys: &str,
    api: SimulatedApi,
) -> World {
    Lab::colab_gpu4()
        .node(SimulatedNode::new("idle"))
        .node(SimulatedNode::new("down").fault(Fault::Refuse))
        .node_settings("colab-gpu4", "gpu_uuids = { \"APU-5\" = 5 }")
        .node_settings("idle", "gpu_uuids = { \"APU-6\" = 0 }")
        .api(api)
        .tables(&format!(
            "[notify]\nwhen = \"always\"\nwebhook_url = \"{}\"\nhealthcheck_url = \"{}/ping\"\n{keys}",
            chat.url(),
            monitor.url()
        ))
        .start()
}

fn receivers() -> (SimulatedReceiver, SimulatedReceiver) {
    (SimulatedReceiver::start(), SimulatedReceiver::start())
}

#[track_caller]
fn says_nothing_of_the_api(text: &str) {
    for said in SAID {
        assert!(!text.contains(said), "{said} in {text}");
    }
}

const DAY: &str = "2025-08-01：不完整，節點 2/3，讀數 2304/3456（66.6%）";

#[test]
fn outsiders_are_told_no_word_of_what_the_management_api_says() {
    let (chat, monitor) = receivers();
    let world = world(&chat, &monitor, "", gossip(SimulatedApi::new(TOKEN)));
    let down = world.cluster.url("down");
    // The people at the machine are told all of it.
    let mut outcome = world.run(&[DATE]).exits(3);
    for said in SAID {
        outcome = outcome.stderr_has(said);
    }
    let down = format!(
        "錯誤：無法從 {down} 獲取數據：無法連線：Connection refused (os error 111)（節點 down，原有檔案保持不變）"
    );
    let text = message(
        "不完整（2025-08-01）",
        &[
            DAY,
            "警告：有 2 個任務的資料無法解析，已略過",
            "警告：有 1 個任務使用設定中沒有的主機：請加入 [[nodes]]，name 須等於管理 API 的 hostname",
            "警告：colab-gpu4 的 GPU[0] 在 2025-08-01 01:00:00 到 2025-08-02 00:00:00 同時有多位使用者",
            "警告：colab-gpu4 有 2 張任務的 GPU 無法對應到該節點的 GPU：請在該節點的 [[nodes]] 設定 gpu_uuids 或 first_gpu_id，修正後請重新收集這一天",
            "警告：colab-gpu4 有 1 張任務的 GPU 無法對應到該節點的 GPU：\
             設定中它們的 UUID 屬於節點 idle，請以 daily-gpu-log inventory 核對這兩個節點的 gpu_uuids，修正後請重新收集這一天",
            "警告：colab-gpu4 有 1 張任務的 GPU 的 UUID 與 id 不一致，以 UUID 為準：\
             請以 daily-gpu-log inventory 核對 gpu_uuids 與 first_gpu_id",
            "警告：colab-gpu4 有 1 個任務時間不明，未計入使用者欄位",
            &down,
        ],
        3,
    );
    assert_eq!(texts(&chat), [text.as_str()]);
    assert_eq!(signals(&monitor)[1].1, text);
    says_nothing_of_the_api(&text);
}

#[test]
fn an_answer_that_cannot_be_read_is_told_without_its_words() {
    for body in [
        "{\"alice\": {\"gpus\": \"bob\"}}",
        "{\"t-of-alice\": {\"username\": [\"王小明\"]}}",
        "alice is not JSON",
        "[\"alice\"]",
    ] {
        let (chat, monitor) = receivers();
        let fault = Fault::status(200, body);
        let world = world(&chat, &monitor, "", SimulatedApi::new(TOKEN).fault(fault));
        let url = world.cluster.api_url();
        let _ = world.run(&[DATE]).exits(3);
        let text = texts(&chat).remove(0);
        let line = format!(
            "\n錯誤：無法從管理 API 獲取數據：{url} 的回應無法解析（沒有任務資訊，使用率不受影響）\n"
        );
        assert!(text.contains(&line), "{text}");
        says_nothing_of_the_api(&text);
    }
}

#[test]
fn a_kept_answer_is_told_without_its_words() {
    let (chat, monitor) = receivers();
    let earlier = world(&chat, &monitor, "", gossip(SimulatedApi::new(TOKEN)));
    let _ = earlier.run(&[DATE]).exits(3);
    let fault = Fault::status(200, "alice is not JSON");
    let later = Lab::colab_gpu4()
        .api(SimulatedApi::new(TOKEN).fault(fault))
        .tables(&format!("[notify]\nwebhook_url = \"{}\"", chat.url()))
        .start_after(earlier);
    let url = later.cluster.api_url();
    let _ = later.run(&[DATE]).exits(3).stderr_has("保存的任務資訊");
    let text = texts(&chat).remove(1);
    let line = format!("\n警告：無法從管理 API 獲取數據：{url} 的回應無法解析：使用 2");
    assert!(text.contains(&line), "{text}");
    says_nothing_of_the_api(&text);
}

#[test]
fn users_are_named_where_the_settings_say_so() {
    let (chat, monitor) = receivers();
    let api = gossip(SimulatedApi::new(TOKEN));
    let world = world(&chat, &monitor, "include_users = true", api);
    let outcome = world.run(&[DATE]).exits(3);
    let lines: Vec<_> = [DAY]
        .into_iter()
        .chain(outcome.stderr.lines())
        .chain([
            "colab-gpu4 的使用者：GPU[0] alice、bob；GPU[1] 王小明；GPU[5] dora",
            "idle 的使用者：無",
        ])
        .collect();
    let text = message("不完整（2025-08-01）", &lines, 3);
    assert_eq!(texts(&chat), [text.as_str()]);
    assert_eq!(signals(&monitor)[1].1, text);
}

#[test]
fn that_nobody_knows_who_used_a_gpu_is_told_as_that() {
    let (chat, monitor) = receivers();
    let world = world(
        &chat,
        &monitor,
        "include_users = true",
        SimulatedApi::new(TOKEN),
    );
    let _ = world.run(&[DATE, "--skip-task-info"]).exits(3);
    let text = texts(&chat).remove(0);
    assert!(
        text.contains("\ncolab-gpu4 的使用者：無任務資訊\nidle 的使用者：無任務資訊\n"),
        "{text}"
    );
}

#[test]
fn the_users_of_every_day_of_a_range_are_named() {
    let (chat, monitor) = receivers();
    let task = |id: &str, user: &str, day: i64| {
        let start = MIDNIGHT + day * 24 * HOUR;
        SimulatedTask::new(id, user, "colab-gpu4")
            .gpu(1, "APU-1")
            .start(start)
            .end(start + HOUR)
    };
    let api = SimulatedApi::new(TOKEN)
        .task(task("t1", "alice", 0))
        .task(task("t2", "bob", 1));
    let world = world(&chat, &monitor, "include_users = true", api);
    let _ = world
        .run(&[DATE, "--to", "2025-08-02", "--node", "colab-gpu4"])
        .exits(0);
    let text = message(
        "完整（2025-08-01 到 2025-08-02）",
        &[
            "2025-08-01：完整，節點 1/1，讀數 1152/1152（100.0%）",
            "colab-gpu4 的使用者：GPU[0] alice",
            "2025-08-02：完整，節點 1/1，讀數 1152/1152（100.0%）",
            "colab-gpu4 的使用者：GPU[0] bob",
        ],
        0,
    );
    assert_eq!(texts(&chat), [text]);
}
