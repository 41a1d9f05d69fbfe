//! What `check` says of the nodes: whether they answer, their clocks, their cards, and how far back they know them.

use std::time::Duration;

use chrono::Utc;
use pretty_assertions::assert_eq;

use crate::simulated_cluster::{Fault, SimulatedNode, Version};
use crate::support::{Day, HOUR, Lab, Outcome, World, at_once};

const NODE: &str = "colab-gpu4";
/// The far end of what never comes back.
const FOR_EVER: i64 = 4_000_000_000;
const DAY: i64 = 24 * HOUR;

fn node() -> SimulatedNode {
    SimulatedNode::new(NODE)
}

fn start(node: SimulatedNode) -> World {
    Lab::new().node(node).start()
}

/// Checks the nodes alone.
#[track_caller]
fn check(world: &World) -> Outcome {
    world.check(&["--skip-task-info"]).stderr_is("")
}

/// The lines about nodes that are not well.
fn problems(outcome: &Outcome) -> Vec<String> {
    let problems = outcome
        .stdout
        .lines()
        .filter(|line| line.starts_with("警告：") || line.starts_with("錯誤："));
    problems.map(str::to_owned).collect()
}

/// The line that says what is well about the node.
fn facts(outcome: &Outcome) -> String {
    let line = outcome
        .stdout
        .lines()
        .find(|line| line.starts_with("正常：節點 "));
    line.unwrap_or_default().to_owned()
}

/// An end of a ten-minute interval of today, so many seconds back.
fn today(back: i64) -> i64 {
    (Utc::now().timestamp() - 1).div_euclid(600) * 600 - back
}

fn clock(unix: i64) -> String {
    Day::now_in_hour(12)
        .clock(unix)
        .replace(&Day::now_in_hour(12).date(), "DATE")
}

#[test]
fn both_generations_of_agents_are_known() {
    for (version, name) in [
        (Version::V1_37, "v1.37.1"),
        (Version::V2_8, "v2.8.0-338-nightly"),
    ] {
        let outcome = check(&start(node().version(version))).exits(0);
        let facts = facts(&outcome);
        let begins =
            format!("正常：節點 {NODE}（http://loopback）：Netdata {name}（主機 {NODE}），");
        assert!(facts.starts_with(&begins), "{facts}");
    }
}

#[test]
fn a_node_on_a_parent_is_checked_below_its_path() {
    let world = start(node());
    let url = world.cluster.url(NODE);
    world.edit_settings(&url, &format!("{url}/host/{NODE}"));
    let facts = facts(&check(&world).exits(0));
    assert!(
        facts.contains("（http://loopback/host/colab-gpu4）：Netdata v2.8.0")
            && facts.contains("8 張卡都在收集"),
        "{facts}"
    );
    for request in world.cluster.requests(NODE) {
        assert!(
            request.target.starts_with("/host/colab-gpu4/api/v1/"),
            "{}",
            request.target
        );
    }

    world.edit_settings("/host/colab-gpu4", "/host/gone");
    assert_eq!(
        problems(&check(&world).exits(3)),
        [
            "錯誤：無法從 http://loopback/host/gone 獲取數據：HTTP 404 Not Found：\
          This netdata does not maintain a database for host: gone（節點 colab-gpu4）"
        ]
    );
}

#[test]
fn a_node_that_gives_no_answer_is_an_error_and_the_others_are_checked() {
    let patience = "[netdata]\ntimeout = \"1s\"\ndeadline = \"2s\"\nretries = 0";
    let table = [
        (Fault::Refuse, "無法連線：Connection refused (os error 111)"),
        (Fault::HangBeforeHeaders, "逾時：1.0 秒內沒有完整的回應"),
        (Fault::HangAfterHeaders, "逾時：1.0 秒內沒有完整的回應"),
        (Fault::CloseWithoutAnswer, "連線中斷："),
    ];
    at_once(table, |(fault, reason)| {
        let world = Lab::new()
            .node(node().fault(fault.clone()))
            .node(SimulatedNode::new("b").cards(&[3]))
            .tables(patience)
            .start();
        let outcome = check(&world).exits(3);
        let problems = problems(&outcome);
        assert_eq!(problems.len(), 1, "{fault:?}: {problems:#?}");
        let said = format!("錯誤：無法從 http://loopback 獲取數據：{reason}");
        assert!(problems[0].starts_with(&said), "{fault:?}: {}", problems[0]);
        assert!(
            facts(&outcome).starts_with("正常：節點 b（"),
            "{}",
            outcome.stdout
        );
    });
}

#[test]
fn a_node_that_refuses_is_named_once_with_the_remedy() {
    for (code, remedy) in [
        (403, "請檢查 [web] allow dashboard from"),
        (412, "bearer token protection = no"),
    ] {
        let fault = Fault::status(code, "You are not allowed to access this resource.");
        let world = start(node().fault(fault));
        let problems = problems(&check(&world).exits(3));
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert!(
            problems[0].contains(&format!("HTTP {code}")) && problems[0].contains(remedy),
            "{problems:#?}"
        );
    }
}

#[test]
fn what_is_no_agent_is_named() {
    for fault in [Fault::NotJson, Fault::TruncatedJson, Fault::OtherShape] {
        let problems = problems(&check(&start(node().fault(fault))).exits(3));
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert!(
            problems[0].starts_with("錯誤：無法從 http://loopback 獲取數據：回應"),
            "{problems:#?}"
        );
    }
}

#[test]
fn an_agent_that_gives_readings_but_not_its_name_is_a_warning() {
    let times = 1;
    let outcome = check(&start(
        node().fault(Fault::StatusAfter { code: 403, times }),
    ))
    .exits(0);
    let problems = problems(&outcome);
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(
        problems[0]
            .starts_with("警告：節點 colab-gpu4 有回應，但無法得知 Netdata 的版本與時鐘：HTTP 403")
    );
    assert!(problems[1].starts_with("警告：節點 colab-gpu4 的資料保留多久無法得知：HTTP 403"));
    assert_eq!(
        facts(&outcome),
        "正常：節點 colab-gpu4（http://loopback）：8 張卡都在收集"
    );
}

#[test]
fn a_clock_that_is_off_is_told_with_how_much() {
    // A second more or less passes on the way.
    for (ahead, near) in [(0, "時鐘一致"), (30, "時鐘快 "), (-30, "時鐘慢 ")] {
        let outcome = check(&start(node().clock_ahead(ahead))).exits(0);
        assert!(
            facts(&outcome).contains(near),
            "{ahead}: {}",
            outcome.stdout
        );
        assert_eq!(problems(&outcome), [""; 0], "{ahead}");
    }
    for (ahead, status, begins) in [
        (125, 0, "警告：節點 colab-gpu4 的時鐘比本機快 12"),
        (3605, 3, "錯誤：節點 colab-gpu4 的時鐘比本機快 360"),
    ] {
        let outcome = check(&start(node().clock_ahead(ahead))).exits(status);
        let problems = problems(&outcome);
        assert_eq!(problems.len(), 1, "{ahead}: {problems:#?}");
        assert!(problems[0].starts_with(begins), "{ahead}: {problems:#?}");
        assert!(
            problems[0].ends_with("請檢查該節點與本機的時間同步"),
            "{problems:#?}"
        );
        assert!(!facts(&outcome).contains("時鐘"), "{}", outcome.stdout);
    }
}

#[test]
fn an_agent_may_be_silent_for_as_long_as_it_takes_to_restart() {
    for (silence, status) in [(200, 0), (900, 3)] {
        let since = Utc::now().timestamp() - silence;
        let world = Lab::new()
            .node(node().gap(9, since, FOR_EVER))
            .settings("interval = \"1m\"")
            .start();
        let outcome = check(&world).exits(status);
        assert_eq!(
            outcome
                .stdout
                .contains("錯誤：節點 colab-gpu4 已停止收集 Card 9（"),
            status == 3,
            "{}",
            outcome.stdout
        );
    }
}

#[test]
fn an_agent_that_has_not_come_to_the_end_of_the_window_is_told_by_its_clock() {
    // It takes what is asked for to lie in the future, and answers for another time.
    let problems = problems(&check(&start(node().clock_ahead(-3605))).exits(3));
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(
        problems[0].starts_with("錯誤：節點 colab-gpu4 的時鐘比本機慢 360"),
        "{problems:#?}"
    );
    assert!(
        problems[1].contains("不在 10m 的區間界線上（請檢查該節點的時鐘）"),
        "{problems:#?}"
    );
}

#[test]
fn an_agent_that_does_not_tell_the_time_is_not_said_to_be_right() {
    let outcome = check(&start(node().without_date())).exits(0);
    assert!(
        facts(&outcome).contains("，時鐘未知（回應沒有 Date），"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn a_card_that_has_stopped_is_named_with_its_last_reading() {
    let since = today(2 * HOUR);
    let stopped = node()
        .gap(9, since, FOR_EVER)
        .vram_gap(33, since, FOR_EVER)
        .gap(57, 0, FOR_EVER);
    let outcome = check(&start(stopped)).exits(3);
    let last = clock(since);
    let expected = format!(
        "錯誤：節點 colab-gpu4 已停止收集 Card 9（最後的讀數在 {last}）、Card 33 的 VRAM（最後的讀數在 {last}）、\
         Card 57（DATE 沒有讀數）：若 GPU 正常，請重新啟動該節點的 Netdata"
    );
    assert_eq!(problems(&outcome)[0], expected);
    assert!(!facts(&outcome).contains("都在收集"), "{}", outcome.stdout);
}

#[test]
fn cards_that_ended_together_are_no_dead_charts_but_a_clock_or_a_stream() {
    let since = today(2 * HOUR);
    let last = clock(since);
    let world = start(node().down(since, FOR_EVER));
    let said = |cards, cause| {
        format!(
            "錯誤：節點 colab-gpu4 的 {cards} 張卡的讀數都停在 {last}，約 N 分鐘之前：各卡的圖表不會同時停止，請檢查{cause}"
        )
    };
    let without_minutes = |line: &str| {
        let (before, rest) = line.split_once("約 ").unwrap_or((line, ""));
        let (minutes, after) = rest.split_once(" 分鐘").unwrap_or_default();
        let minutes: i64 = minutes.parse().unwrap_or_default();
        assert!((115..=135).contains(&minutes), "{line}");
        format!("{before}約 N 分鐘{after}")
    };
    let only = |outcome: &Outcome| {
        let problems = problems(outcome);
        assert_eq!(problems.len(), 1, "{problems:#?}");
        without_minutes(&problems[0])
    };
    let outcome = check(&world).exits(3);
    assert_eq!(only(&outcome), said(8, "它的時鐘與 Netdata"));
    let url = world.cluster.url(NODE);
    world.edit_settings(&url, &format!("{url}/host/{NODE}"));
    let outcome = check(&world).exits(3);
    assert_eq!(only(&outcome), said(8, "它的時鐘與到 parent 的串流"));

    // One had died before.
    let one_before = node().down(since, FOR_EVER).gap(9, since - HOUR, FOR_EVER);
    let problems = problems(&check(&start(one_before)).exits(3));
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert_eq!(without_minutes(&problems[0]), said(7, "它的時鐘與 Netdata"));
    assert!(
        problems[1].starts_with("錯誤：節點 colab-gpu4 已停止收集 Card 9（最後的讀數在 "),
        "{problems:#?}"
    );
}

#[test]
fn a_card_that_paused_and_came_back_is_collected() {
    let outcome = check(&start(node().gap(9, today(2 * HOUR), today(1800)))).exits(0);
    assert_eq!(problems(&outcome), [""; 0]);
    assert!(facts(&outcome).contains("8 張卡都在收集"));
}

#[test]
fn cards_that_are_configured_and_not_found_are_named_and_so_is_the_reverse() {
    let outcome = check(&start(node().without_card(1).without_card(57))).exits(3);
    assert_eq!(
        problems(&outcome),
        [
            "錯誤：節點 colab-gpu4 找不到設定的 Card 1、Card 57：若節點沒有這些卡，請修正它的 cards；\
          若有，請重新啟動該節點的 Netdata"
        ]
    );

    let world = Lab::new()
        .node(node())
        .node_settings(NODE, "cards = [1, 9]")
        .start();
    let outcome = check(&world).exits(0);
    assert_eq!(
        problems(&outcome),
        [
            "警告：節點 colab-gpu4 有設定中沒有的 Card 17、Card 25、Card 33、Card 41、Card 49、Card 57，不會寫入：\
          請加入該節點的 cards"
        ]
    );
    assert!(
        facts(&outcome).contains("，2 張卡都在收集，"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn a_node_without_any_amd_gpu_is_an_error() {
    let outcome = check(&start(node().samples_until(today(3 * DAY)))).exits(3);
    assert_eq!(
        problems(&outcome),
        [
            "錯誤：無法從 http://loopback 獲取數據：這段時間沒有任何 AMD GPU 的讀數\
          （amdgpu 圖表不存在、已停止，或資料已超過 Netdata 的保留期）（節點 colab-gpu4）"
        ]
    );
    assert!(
        facts(&outcome).contains("Netdata v2.8.0"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn readings_that_cannot_be_are_an_error() {
    let metric = crate::simulated_cluster::Metric::GpuUtilization;
    let stamp = today(1800);
    let outcome = check(&start(node().raw_reading(metric, 9, stamp, "150.5"))).exits(3);
    let wrong = format!(
        "錯誤：節點 colab-gpu4 有 1 筆讀數不是 0 到 100 的數字（例如 Card 9 在 {} 的 GPU = 150.5）：\
         請檢查該節點的 Netdata 與驅動程式",
        clock(stamp)
    );
    assert_eq!(problems(&outcome), [wrong]);
}

#[test]
fn a_card_that_was_renamed_today_is_a_warning_and_collected() {
    let at = today(2 * HOUR);
    let outcome = check(&start(node().renamed(9, at + 60))).exits(0);
    let warning = format!(
        "警告：節點 colab-gpu4 有 2 筆讀數剛好遇到圖表因 GPU 的產品名稱改變而換新，新舊圖表各只有一部分，\
         已視為缺漏（例如 Card 9 在 {} 的 GPU）",
        clock(at + 600)
    );
    assert_eq!(problems(&outcome), [warning]);
    assert!(facts(&outcome).contains("8 張卡都在收集"));
}

#[test]
fn readings_that_are_soon_forgotten_are_a_warning() {
    let first = Utc::now().timestamp() - 40 * HOUR;
    let outcome = check(&start(node().samples_from(first))).exits(0);
    let problems = problems(&outcome);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    let since = clock(first + 1);
    assert!(
        problems[0].starts_with("警告：節點 colab-gpu4 只有 1.6 天的資料（Card ")
            && problems[0].contains(&format!(
                " 從 {since} 起）：不到 2 天，某晚失敗後就補不回來。"
            )),
        "{since}: {problems:#?}"
    );

    let first = Utc::now().timestamp() - 49 * HOUR;
    let outcome = check(&start(node().samples_from(first))).exits(0);
    assert_eq!(self::problems(&outcome), [""; 0]);
    let since = clock(first + 1);
    assert!(
        facts(&outcome).ends_with(&format!("，資料從 {since} 起")),
        "{}",
        outcome.stdout
    );
}

#[test]
fn the_shortest_history_of_a_nodes_cards_counts() {
    let first = Utc::now().timestamp() - 30 * HOUR;
    let outcome = check(&start(node().gap(25, 0, first))).exits(0);
    let since = clock(first + 1);
    let said = format!("天的資料（Card 25 從 {since} 起）");
    assert!(problems(&outcome)[0].contains(&said), "{}", outcome.stdout);
}

#[test]
fn an_agent_that_knows_no_contexts_is_asked_as_a_collection_would() {
    let outcome = check(&start(node().without_context_queries())).exits(0);
    assert!(
        facts(&outcome).contains("8 張卡都在收集"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn one_agent_under_two_names_is_told() {
    let world = Lab::new()
        .node(node())
        .node(SimulatedNode::new("b"))
        .start();
    let (one, other) = (world.cluster.url(NODE), world.cluster.url("b"));
    world.edit_settings(&other, &one);
    assert_eq!(
        problems(&check(&world).exits(0)),
        ["警告：節點 colab-gpu4 與 b 是同一個 Netdata（uid 相同）：請檢查兩者的 url"]
    );
}

#[test]
fn nodes_are_checked_at_once_and_told_in_the_order_of_the_settings() {
    let names: Vec<String> = (1..=20).map(|number| format!("node{number:02}")).collect();
    let nodes = names.iter().zip((0..20).rev()).map(|(name, ten_ms)| {
        SimulatedNode::new(name)
            .cards(&[3])
            .latency(Duration::from_millis(10 * ten_ms))
    });
    let world = nodes.fold(Lab::new(), Lab::node).start();
    let outcome = check(&world).exits(0);
    let told: Vec<_> = outcome
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("正常：節點 "))
        .map(|line| line.split('（').next().unwrap_or_default())
        .collect();
    assert_eq!(told, names);
}
