//! The record of a run, and `status`, which prints how the last days went by it.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::simulated_cluster::{Fault, Metric, SimulatedApi, SimulatedNode, SimulatedTask};
use crate::support::{DATE, Day, HOUR, Lab, MIDNIGHT, TOKEN, World};

const NODE: &str = "colab-gpu4";

fn record(world: &World, date: &str) -> Value {
    let file = world.read(&format!("data/.daily-gpu-log/runs/{date}.json"));
    serde_json::from_str(&file).expect("a record")
}

/// The three days before today, oldest first.
fn last_days() -> [Day; 3] {
    let today = Day::now_in_hour(12);
    [3, 2, 1].map(|ago| Day {
        start: today.start - ago * 24 * HOUR,
        end: today.start - (ago - 1) * 24 * HOUR,
        ..today
    })
}

/// A cluster whose settings have the zone of [`last_days`].
fn lab() -> Lab {
    let zone = Day::now_in_hour(12).zone;
    Lab::new().settings(&format!("timezone = \"{zone}\""))
}

#[test]
fn a_run_is_recorded_with_all_that_it_found() {
    let node = SimulatedNode::new(NODE)
        .cards(&[1, 9])
        .constant(1, 20.0, 40.0)
        .constant(9, 60.0, 80.0)
        .gap(9, MIDNIGHT, MIDNIGHT + 6 * HOUR);
    let outcome = Lab::new().node(node).run(&[DATE]).exits(0);
    let mut record = record(outcome.world(), DATE);
    let started_at = record["last_run"]["started_at"].take();
    let asked_at = record["nodes"][0]["asked_at"].take();
    let tasks_as_of = record["nodes"][0]["files"]["tasks_as_of"].take();
    assert!(started_at.as_i64() > Some(MIDNIGHT) && started_at == asked_at);
    assert_eq!(started_at, tasks_as_of);
    let seconds = record["last_run"]["duration_seconds"].take();
    assert!(
        seconds
            .as_f64()
            .is_some_and(|seconds| seconds > 0.0 && seconds < 60.0)
    );
    let end = MIDNIGHT + 24 * HOUR;
    assert_eq!(
        record,
        json!({
            "date": DATE,
            "timezone": "UTC",
            "window": {"start": MIDNIGHT, "end": end, "until": end, "interval_seconds": 600},
            "last_run": {
                "version": env!("CARGO_PKG_VERSION"),
                "started_at": null,
                "duration_seconds": null,
                "exit_status": 0,
                "nodes": [NODE],
                "notices": [],
                "verdict": "gaps",
                "readings": 252,
                "readings_due": 288,
            },
            "nodes": [{
                "name": NODE,
                "url": outcome.world().cluster.url(NODE),
                "cards": [1, 9],
                "asked_at": null,
                "answered": true,
                "notices": [],
                "files": {
                    "until": end,
                    "readings": 252,
                    "readings_due": 288,
                    "coverage_percent": 87.5,
                    "mean_percent": {"gpu": 40.0, "vram": 60.0},
                    "task_information": "known",
                    "tasks_as_of": null,
                    "gpus": [
                        {
                            "index": 0, "card": 1, "readings": 144, "readings_due": 144,
                            "coverage_percent": 100.0, "mean_percent": {"gpu": 20.0, "vram": 40.0},
                            "last_readings": {"gpu": end, "vram": end},
                        },
                        {
                            "index": 1, "card": 9, "readings": 108, "readings_due": 144,
                            "coverage_percent": 75.0, "mean_percent": {"gpu": 60.0, "vram": 80.0},
                            "last_readings": {"gpu": end, "vram": end},
                        },
                    ],
                },
            }],
        })
    );
}

#[test]
fn a_record_keeps_what_is_known_of_files_that_a_failed_run_left_alone() {
    let world = Lab::colab_gpu4().start();
    let _ = world.run(&[DATE]).exits(0);
    let before = record(&world, DATE);
    let down = SimulatedNode::new(NODE).fault(Fault::Refuse);
    let world = Lab::new().node(down).start_after(world);
    let _ = world.run(&[DATE]).exits(1);
    let after = record(&world, DATE);
    assert_eq!(after["last_run"]["exit_status"], 1);
    assert_eq!(after["nodes"][0]["files"], before["nodes"][0]["files"]);
    assert_eq!(after["nodes"][0]["answered"], false);
    assert_eq!(after["nodes"][0]["notices"][0]["code"], "node_failed");
}

#[test]
fn a_record_keeps_the_nodes_that_a_run_did_not_ask() {
    let node = SimulatedNode::new;
    let world = Lab::new().node(node("a")).node(node("b")).start();
    let _ = world.run(&[DATE]).exits(0);
    let before = record(&world, DATE);
    let _ = world.run(&[DATE, "--node", "b"]).exits(0);
    let after = record(&world, DATE);
    assert_eq!(after["nodes"][0], before["nodes"][0]);
    assert_eq!(after["nodes"][1]["name"], "b");
}

#[test]
fn a_record_is_for_the_eyes_of_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let outcome = Lab::colab_gpu4().run(&[DATE]).exits(0);
    let path = outcome
        .world()
        .path(format!("data/.daily-gpu-log/runs/{DATE}.json"));
    let mode = std::fs::metadata(path)
        .expect("a record")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_last_days_are_shown_as_a_table() {
    let [first, second, third] = last_days();
    let world = lab().node(SimulatedNode::new(NODE)).start();
    let _ = world.run(&[&first.date()]).exits(0);
    let gap = SimulatedNode::new(NODE).down(third.start + HOUR, third.start + 2 * HOUR);
    let api = SimulatedApi::new(TOKEN).fault(Fault::Refuse);
    let world = lab().node(gap).api(api).start_after(world);
    let _ = world.run(&[&third.date()]).exits(3);
    let [first, second, third] = [first, second, third].map(|day| day.date());
    let outcome = world.run(&["status", "--days", "3"]).exits(3).stderr_is("");
    let _ = outcome.stdout_is(&format!(
        "日期        狀態    節點  讀數                 任務資訊\n\
         {first}  完整    1/1   1152/1152（100.0%）  有\n\
         {second}  缺少    -     -                    -\n\
         {third}  不完整  1/1   1104/1152（95.8%）   無\n\
         \n\
         {second}：沒有執行記錄\n\
         {third}：{NODE}：讀數 1104/1152，Netdata 沒有更多\n\
         {third}：沒有任務資訊\n"
    ));
}

#[test]
fn missing_days_in_a_row_are_one_line() {
    let [first, _, third] = last_days().map(|day| day.date());
    let before = Day::now_in_hour(12).start - 4 * 24 * HOUR;
    let before = Day {
        start: before,
        ..last_days()[0]
    }
    .date();
    let world = lab().node(SimulatedNode::new(NODE)).start();
    let _ = world.run(&[&third]).exits(0);
    let status = world.run(&["status", "--days", "4"]).exits(3);
    let second = last_days()[1].date();
    assert_ne!(first, second);
    let _ = status.stdout_is(&format!(
        "日期                      狀態  節點  讀數                 任務資訊\n\
         {before} 到 {second}  缺少  -     -                    -\n\
         {third}                完整  1/1   1152/1152（100.0%）  有\n\
         \n\
         {before} 到 {second}：沒有執行記錄\n"
    ));
}

#[test]
fn a_day_whose_tasks_are_in_doubt_is_incomplete() {
    let [.., yesterday] = last_days().map(|day| day.date());
    let astray = SimulatedTask::new("t1", "alice", NODE).gpu(99, "APU-1");
    let sound = SimulatedTask::new("t1", "alice", NODE).gpu(1, "APU-1");
    for (lab, reason) in [
        (lab().task(astray), "colab-gpu4 的任務 GPU id 99 無法對應"),
        (
            lab().task(sound).raw_task("t2", json!(7)),
            "任務 t2 的資料無法解析",
        ),
    ] {
        let world = lab.node(SimulatedNode::new(NODE)).start();
        let _ = world.run(&[&yesterday]).exits(3);
        let status = world.run(&["status", "--days", "1"]).exits(3);
        let _ = status
            .stdout_has("  不完整  1/1   1152/1152（100.0%）  有\n")
            .stdout_has(&format!("\n{yesterday}：{reason}"));
    }
}

#[test]
fn a_day_that_was_collected_before_its_end_is_incomplete() {
    let [.., yesterday] = last_days();
    let world = lab().node(SimulatedNode::new(NODE)).start();
    let date = yesterday.date();
    let _ = world.run(&[&date, "--skip-task-info"]).exits(0);
    let mut record = record(&world, &date);
    let files = &mut record["nodes"][0]["files"];
    files["until"] = json!(yesterday.end - 600);
    files["readings"] = json!(1144);
    files["readings_due"] = json!(1144);
    let path = format!("data/.daily-gpu-log/runs/{date}.json");
    world.write(&path, &record.to_string());
    let status = world.run(&["status", "--days", "1"]).exits(3);
    let _ = status.stdout_has("  不完整  1/1   1144/1152（99.3%）  未查詢\n");
}

#[test]
fn a_record_of_the_first_version_is_still_read() {
    let [.., yesterday] = last_days().map(|day| day.date());
    let down = SimulatedNode::new("down").fault(Fault::Refuse);
    let world = lab().node(SimulatedNode::new(NODE)).node(down).start();
    let _ = world.run(&[&yesterday]).exits(3);
    let now = world.run(&["status", "--days", "1"]).exits(3).stdout;
    let mut record = record(&world, &yesterday);
    for key in ["verdict", "readings", "readings_due"] {
        let last_run = record["last_run"].as_object_mut().expect("an object");
        assert!(last_run.remove(key).is_some(), "{key}");
    }
    let notice = record["nodes"][1]["notices"][0].as_object_mut();
    assert!(notice.expect("a notice").remove("shortfall").is_some());
    let path = format!("data/.daily-gpu-log/runs/{yesterday}.json");
    world.write(&path, &record.to_string());
    let _ = world
        .run(&["status", "--days", "1"])
        .exits(3)
        .stdout_is(&now);
}

#[test]
fn days_that_are_complete_need_no_attention() {
    let days = last_days().map(|day| day.date());
    let world = lab().node(SimulatedNode::new(NODE)).start();
    let _ = world.run(&[&days[0], "--to", &days[2]]).exits(0);
    let outcome = world.run(&["status", "--days", "3"]).exits(0).stderr_is("");
    assert_eq!(outcome.stdout.lines().count(), 4);
    let json = world.run(&["status", "--days=3", "--json"]).exits(0).json();
    assert_eq!(json["exit_status"], 0);
    assert_eq!(json["stopped"], json!([]));
    let mut last = json["days"][2].clone();
    assert!(last["last_run"].take().is_i64());
    assert_eq!(
        last,
        json!({
            "date": days[2], "verdict": "complete", "nodes_written": 1, "nodes": 1,
            "readings": 1152, "readings_due": 1152, "task_information": "known",
            "reasons": [], "last_run": null, "last_exit_status": 0,
        })
    );
}

#[test]
fn a_day_that_still_runs_is_shown_once_it_is_collected() {
    let today = Day::now_in_hour(12).date();
    let world = lab().node(SimulatedNode::new(NODE)).start();
    let without = world.run(&["status", "--days", "1"]).exits(3);
    assert!(!without.stdout.contains(&today), "{}", without.stdout);
    let _ = world.run(&[]).exits(0);
    let with = world.run(&["status", "--days", "1"]).exits(0);
    let _ = with.stdout_has(&format!("{today}  尚未結束  1/1   "));
}

#[test]
fn a_node_that_failed_is_named_with_its_reason() {
    let [.., yesterday] = last_days().map(|day| day.date());
    let nodes = || lab().node(SimulatedNode::new("well"));
    let world = nodes()
        .node(SimulatedNode::new("down").fault(Fault::Refuse))
        .start();
    let _ = world.run(&[&yesterday]).exits(3);
    let url = world.cluster.url("down");
    let outcome = world.run(&["status", "--days", "1"]).exits(3);
    let outcome = outcome.stdout_has("不完整  1/2   1152/2304（50.0%）");
    let _ = outcome
        .stdout_has(&format!("{yesterday}：無法從 {url} 獲取數據：無法連線："))
        .stdout_lacks("沒有檔案");
    let of_the_other = world.run(&["status", "--days", "1", "--node", "well"]);
    let _ = of_the_other.exits(0);
}

#[test]
fn a_chart_that_stopped_is_named_with_its_remedy_until_it_comes_back() {
    let [first, second, third] = last_days();
    let noon = second.start + 12 * HOUR;
    let dead = || SimulatedNode::new(NODE).gap(57, noon, third.end);
    let world = lab().node(dead()).start();
    let clock = second.clock(noon);
    let of_the_run = world.run(&[&second.date()]).exits(0);
    let remedy = format!(
        "{NODE} 自 {clock} 起沒有 GPU[7]（Card 57）的 GPU 與 VRAM 讀數，\
         其他圖表之後仍有：圖表已停止，請重新啟動該節點的 Netdata\n"
    );
    let _ = of_the_run.stderr_is(&format!("警告：{remedy}"));
    let _ = world.run(&[&first.date()]).exits(0);
    let _ = world.run(&[&third.date()]).exits(3);
    let status = world.run(&["status", "--days", "3"]).exits(3);
    let _ = status.stdout_has(&format!("\n\n{remedy}"));
    let json = world.run(&["status", "--days", "3", "--json"]).json();
    let stopped = &json["stopped"][0];
    assert_eq!(
        (&stopped["since"], &stopped["whole_node"]),
        (&json!(noon), &json!(false))
    );
    assert_eq!(
        stopped["series"][1],
        json!({"gpu": 7, "card": 57, "metric": "vram"})
    );

    let mended = SimulatedNode::new(NODE).gap(57, noon, third.start + HOUR);
    let world = lab().node(mended).start_after(world);
    let _ = world.run(&[&third.date()]).exits(0);
    let json = world.run(&["status", "--days", "3", "--json"]).json();
    assert_eq!(json["stopped"], json!([]));
}

#[test]
fn a_node_that_stopped_is_told_from_a_chart_that_did() {
    let [.., yesterday] = last_days();
    let noon = yesterday.start + 12 * HOUR;
    let node = SimulatedNode::new(NODE).down(noon, yesterday.end);
    let world = lab().node(node).start();
    let clock = yesterday.clock(noon);
    let run = world.run(&[&yesterday.date()]).exits(0);
    let said = format!(
        "{NODE} 自 {clock} 起沒有任何讀數：請檢查該節點、它的 Netdata 與時鐘，經由 parent 時也檢查串流\n"
    );
    let _ = run.stderr_is(&format!("警告：{said}"));
    let status = world.run(&["status", "--days", "1"]).exits(0);
    let _ = status
        .stdout_has("  有缺漏  1/1   576/1152（50.0%）  有\n")
        .stdout_has(&said);
    // Nothing is missing that could be had, and somebody should look all the same.
    let quiet = world.run(&["status", "--days", "1", "-q"]).exits(0);
    let _ = quiet.stdout_has(&said);
}

#[test]
fn a_tree_of_the_old_programs_is_not_taken_for_a_day_that_was_not_collected() {
    let [.., yesterday] = last_days().map(|day| day.date());
    let world = lab().node(SimulatedNode::new(NODE)).start();
    let _ = world.run(&[&yesterday]).exits(0);
    std::fs::remove_dir_all(world.path("data/.daily-gpu-log")).expect("the state");
    let status = world.run(&["status", "--days", "1"]).exits(3);
    let _ = status.stdout_has("沒有執行記錄，但有檔案（由舊程式寫入，或記錄已被刪除）");
    world.write(
        &format!("data/.daily-gpu-log/runs/{yesterday}.json"),
        "{\"damaged",
    );
    let _ = world.run(&["status", "--days", "1"]).exits(3);
    let _ = world.run(&[&yesterday]).exits(0).stderr_is("");
    let _ = world.run(&["status", "--days", "1"]).exits(0);
}

#[test]
fn the_status_needs_neither_token_nor_cluster_and_writes_nothing() {
    let world = Lab::colab_gpu4().token(None).start();
    let outcome = world.run(&["status"]).exits(3).writes_nothing();
    let day = |ago| chrono::Utc::now().date_naive() - chrono::Days::new(ago);
    let outcome = outcome.stdout_is(&format!(
        "{} 到 {}：缺少，資料目錄 data 中沒有執行記錄（若資料在別處，請以 --data-dir 或設定檔的 data_dir 指定）\n",
        day(7),
        day(1)
    ));
    let _ = outcome;
    let json = world.run(&["status", "--json"]).exits(3).json();
    assert_eq!(json["days"].as_array().map(Vec::len), Some(7));
    assert_eq!(world.cluster.connections(NODE), 0);
}

#[test]
fn a_whole_day_of_which_a_node_failed_later_is_incomplete_until_it_is_collected_again() {
    let [.., yesterday] = last_days().map(|day| day.date());
    let nodes = |last| lab().node(SimulatedNode::new("a")).node(last);
    let world = nodes(SimulatedNode::new("b")).start();
    let _ = world.run(&[&yesterday]).exits(0);
    let down = SimulatedNode::new("b").fault(Fault::Refuse);
    let world = nodes(down).start_after(world);
    let _ = world.run(&[&yesterday]).exits(3).stdout_has(
        "\n完成：2 個節點中 1 個已寫入，讀數 2304/2304（100.0%），不完整：有節點沒有寫入\n",
    );
    let url = world.cluster.url("b");
    let status = world.run(&["status", "--days", "1"]).exits(3);
    let _ = status
        .stdout_has(&format!("{yesterday}  不完整  2/2   2304/2304（100.0%）"))
        .stdout_has(&format!("\n{yesterday}：無法從 {url} 獲取數據："));
    let of_the_other = world.run(&["status", "--days", "1", "--node", "a"]);
    let _ = of_the_other.exits(0).stdout_has("完整");
    let world = nodes(SimulatedNode::new("b")).start_after(world);
    let _ = world.run(&[&yesterday]).exits(0);
    let status = world.run(&["status", "--days", "1"]).exits(0);
    let _ = status.stdout_has(&format!("{yesterday}  完整  2/2   2304/2304"));
}

#[test]
fn refused_readings_are_a_reason_also_where_an_earlier_run_had_others() {
    let [.., day] = last_days();
    let yesterday = day.date();
    let node = || SimulatedNode::new(NODE).cards(&[1, 9]);
    let world = lab().node(node()).start();
    let _ = world.run(&[&yesterday]).exits(0);
    let odd = node().raw_reading(Metric::GpuUtilization, 9, day.start + HOUR, "150.5");
    let world = lab().node(odd).start_after(world);
    let reason = "有讀數不合理而未採用";
    let run = world.run(&[&yesterday]).exits(3);
    let _ = run.stdout_has(&format!("讀數 288/288（100.0%），不完整：{reason}\n"));
    let status = world.run(&["status", "--days", "1"]).exits(3);
    let _ = status
        .stdout_has("  不完整  1/1   288/288（100.0%）")
        .stdout_has(&format!(
            "{yesterday}：{NODE} 有 1 筆讀數不是 0 到 100 的數字"
        ));
}

#[test]
fn what_went_wrong_in_the_last_run_of_a_node_is_a_reason_whatever_is_there() {
    let [.., yesterday] = last_days().map(|day| day.date());
    let node = SimulatedNode::new;
    let world = lab().node(node("a")).node(node("b")).start();
    let path = format!("data/.daily-gpu-log/runs/{yesterday}.json");
    for shortfall in ["not_synced", "users_report", "no_tasks", "early_tasks"] {
        let _ = world.run(&[&yesterday]).exits(0);
        let _ = world.run(&[&yesterday, "--node", "a"]).exits(0);
        let mut record = record(&world, &yesterday);
        let notice = json!({
            "severity": "error", "code": "some", "message": "the reason", "shortfall": shortfall,
        });
        record["last_run"]["notices"] = json!([notice]);
        world.write(&path, &record.to_string());
        let status = world.run(&["status", "--days", "1"]).exits(3);
        let _ = status.stdout_has(&format!(
            "不完整  2/2   2304/2304（100.0%）  有\n\n{yesterday}：the reason\n"
        ));
        let of_the_other = ["status", "--days", "1", "--node", "b"];
        let _ = world.run(&of_the_other).exits(0);
    }
}

#[test]
fn a_file_that_is_gone_is_missed() {
    let [.., yesterday] = last_days().map(|day| day.date());
    let world = lab().node(SimulatedNode::new(NODE)).start();
    let _ = world.run(&[&yesterday]).exits(0);
    let gone = format!("gpu3_{yesterday}.csv");
    std::fs::remove_file(world.path(format!("data/{NODE}/{yesterday}/{gone}"))).expect("a file");
    let emptied = format!("gpu4_{yesterday}.csv");
    world.write(&format!("data/{NODE}/{yesterday}/{emptied}"), "");
    let status = world.run(&["status", "--days", "1"]).exits(3);
    let _ = status.stdout_has(&format!(
        "{yesterday}：{NODE}：檔案 {gone}、{emptied} 不見了\n"
    ));
}

#[test]
fn a_report_of_users_that_is_gone_is_missed() {
    let [.., yesterday] = last_days().map(|day| day.date());
    let world = lab().node(SimulatedNode::new(NODE)).start();
    let _ = world.run(&[&yesterday]).exits(0);
    let report = world.path(format!("data/reports/users_{yesterday}.csv"));
    std::fs::remove_file(report).expect("the report");
    let status = world.run(&["status", "--days", "1"]).exits(3);
    let _ = status.stdout_has(&format!("{yesterday}：沒有用量報告\n"));
}

#[test]
fn a_report_of_users_that_lacks_a_node_or_is_damaged_is_missed() {
    let [.., yesterday] = last_days().map(|day| day.date());
    let node = SimulatedNode::new;
    let world = lab().node(node("a")).node(node("b")).start();
    let _ = world.run(&[&yesterday]).exits(0);
    let report = format!("data/reports/users_{yesterday}.csv");
    std::fs::remove_file(world.path(&report)).expect("the report");
    let _ = world.run(&[&yesterday, "--node", "b"]).exits(0);
    let status = || world.run(&["status", "--days", "1"]).exits(3);
    let _ = status().stdout_has(&format!("{yesterday}：a：沒有用量報告\n"));
    let of_b = world
        .run(&["status", "--days", "1", "--node", "b"])
        .exits(0);
    let _ = of_b.stdout_has("完整");
    world.write(&report, "junk\n");
    let _ = status().stdout_has(&format!("{yesterday}：沒有用量報告\n"));
}

#[test]
fn a_day_of_more_cards_than_today_is_no_more_than_complete() {
    let [.., yesterday] = last_days().map(|day| day.date());
    let node = || SimulatedNode::new(NODE).cards(&[1, 9]);
    let dead = node().gap(9, last_days()[2].start + HOUR, last_days()[2].end);
    let world = lab().node(dead).start();
    let _ = world.run(&[&yesterday]).exits(0);
    world.edit_settings("cards = [1, 9]", "cards = [1]");
    let status = world.run(&["status", "--days", "1"]).exits(0);
    let status = status.stdout_has("有缺漏  1/1   150/288（52.0%）");
    assert!(!status.stdout.contains("重新啟動"), "{}", status.stdout);
}

#[test]
fn a_day_that_ran_when_its_tasks_were_asked_for_lacks_the_later_ones() {
    let [.., yesterday] = last_days();
    let world = lab().node(SimulatedNode::new(NODE)).start();
    let date = yesterday.date();
    let _ = world.run(&[&date]).exits(0);
    let mut record = record(&world, &date);
    record["nodes"][0]["files"]["tasks_as_of"] = json!(yesterday.end - 1);
    world.write(
        &format!("data/.daily-gpu-log/runs/{date}.json"),
        &record.to_string(),
    );
    let status = world.run(&["status", "--days", "1"]).exits(3);
    let _ = status.stdout_has(&format!("{date}：任務資訊取得時當日尚未結束\n"));
}

#[test]
fn a_quiet_status_is_silent_while_all_is_well() {
    let [.., yesterday] = last_days().map(|day| day.date());
    let world = lab().node(SimulatedNode::new(NODE)).start();
    let missing = world.run(&["status", "--days", "1", "-q"]).exits(3);
    let _ = missing.stdout_has("缺少");
    let _ = world.run(&[&yesterday]).exits(0);
    let _ = world
        .run(&["status", "--days", "1", "-q"])
        .exits(0)
        .stdout_is("");
    let _ = world
        .run(&["status", "--days", "0"])
        .exits(2)
        .stderr_has("不是 1 到 366 的天數");
}

#[test]
fn a_look_at_one_node_in_another_zone_leaves_the_record_of_the_others() {
    let node = SimulatedNode::new;
    let world = Lab::new().node(node("a")).node(node("b")).start();
    let _ = world.run(&[DATE]).exits(0);
    let before = record(&world, DATE);
    let elsewhere = [DATE, "--node", "a", "--timezone", "Asia/Taipei"];
    let _ = world.run(&elsewhere).exits(10);
    assert_eq!(record(&world, DATE), before);
}
