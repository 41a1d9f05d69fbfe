//! `file_language`: a tree in English is as good as one in Chinese, and no day is in both.

use std::fs;

use pretty_assertions::assert_eq;

use crate::simulated_cluster::{Fault, SimulatedApi, SimulatedNode, SimulatedTask};
use crate::support::{DATE, Day, HOUR, Lab, MIDNIGHT, TOKEN, World};

const BEFORE: &str = "2025-07-31";
const AFTER: &str = "2025-08-02";
const ENGLISH: &str = "file_language = \"en\"";
const REPORT: &str = "reports/users_2025-08-01.csv";

/// Two nodes, one of which alice holds a GPU of until six.
fn lab() -> Lab {
    let task = SimulatedTask::new("t1", "alice", "gpu-a").gpu(1, "APU-1");
    Lab::new()
        .node(SimulatedNode::new("gpu-a").cards(&[1, 9]))
        .node(SimulatedNode::new("gpu-b").cards(&[1]))
        .task(task.end(MIDNIGHT + 6 * HOUR))
}

fn is_chinese(text: &str) -> bool {
    text.contains(|c: char| c >= '\u{2e80}')
}

#[test]
fn a_tree_in_english_is_collected_read_and_collected_again() {
    let world = lab().settings(ENGLISH).start();
    let outcome = world.run(&[DATE]).exits(0).stderr_is("");
    let (files, report) = (outcome.files(""), outcome.accounts(DATE));
    assert_eq!(files.len(), 7);
    for (path, text) in files.iter().chain([&(REPORT.to_owned(), report.clone())]) {
        assert!(!is_chinese(text), "{path}: {text}");
    }
    let gpu = outcome.of_day("gpu-a", DATE, "gpu0");
    assert!(gpu.starts_with("timestamp,datetime,gpu_percent,vram_percent\n1754007000,\"2025"));
    let average = outcome.of_day("gpu-a", DATE, "average");
    assert!(average.starts_with("gpu,mean_gpu_percent,mean_vram_percent,users\nGPU[0],"));
    assert!(average.contains(",unused\nall_mean,") && average.ends_with(",all_users\n"));
    assert!(report.contains("\nheld,alice,gpu-a,GPU[0],6.0000,"));
    let again = world.run(&[DATE]).exits(0).stderr_is("");
    assert_eq!((again.files(""), again.accounts(DATE)), (files, report));
    // Without a record, the files say that they lack no reading and no user.
    fs::remove_dir_all(world.path("data/.daily-gpu-log/runs")).expect("the records");
    let plan = world.run(&[AFTER, "--catch-up", "1", "--dry-run"]).exits(0);
    let _ = plan.stdout_is(&format!(
        "{DATE}：收集 gpu-a、gpu-b（沒有當日結束後的任務資訊）\n{AFTER}：收集 gpu-a、gpu-b\n"
    ));
    let users = world.run(&["users", DATE]).exits(0).stderr_is("");
    let _ = users.stdout_has("\nalice ").stdout_has(" 6.00 ");
    let csv = world.run(&["users", DATE, "--csv"]).exits(0);
    let _ = csv
        .stdout_has("kind,user,hours,active_hours,idle_hours,idle_vram_held_hours,unknown_hours,")
        .stdout_has("\nuser,alice,6.0000,")
        .stdout_has("\ntotal,,6.0000,");
    let _ = world.run(&["alerts", DATE]).stderr_is("");
}

#[test]
fn status_knows_of_a_day_in_english() {
    let zone = format!("timezone = \"{}\"", Day::now_in_hour(12).zone);
    let world = lab().settings(ENGLISH).settings(&zone).start();
    let _ = world.run(&["yesterday"]).exits(0).stderr_is("");
    let status = world.run(&["status", "--days", "1"]).exits(0).stderr_is("");
    let _ = status.stdout_has("完整").stdout_has("432/432");
}

#[test]
fn the_users_of_an_average_in_english_stay_where_no_tasks_are_known() {
    let world = lab().settings(ENGLISH).start();
    let before = world.run(&[DATE]).exits(0);
    let average = before.of_day("gpu-a", DATE, "average");
    fs::remove_dir_all(world.path("data/.daily-gpu-log/tasks")).expect("the kept answers");
    let outcome = world.run(&["--skip-task-info", DATE]).exits(0);
    assert_eq!(outcome.of_day("gpu-a", DATE, "average"), average);
    let summary = outcome.of_day("gpu-a", DATE, "summary");
    assert!(summary.contains("(users: alice)"), "{summary}");
    assert!(
        summary.ends_with(
            "\nNo task information (which does not mean that nobody used the GPUs):\n\
             the management API was not asked (--skip-task-info)\n\
             The users are those of the earlier average CSV\n\
             ================================\n"
        ),
        "{summary}"
    );
}

#[test]
fn what_goes_wrong_is_said_in_chinese_and_written_in_english() {
    let api = SimulatedApi::new(TOKEN).fault(Fault::Refuse);
    let outcome = lab().settings(ENGLISH).api(api).run(&[DATE]).exits(3);
    let outcome = outcome.stderr_has("錯誤：無法從管理 API 獲取數據：http://127.");
    let summary = outcome.of_day("gpu-a", DATE, "summary");
    assert!(summary.contains("\ncannot get data from the management API: http://127."));
}

#[test]
fn whatever_is_said_in_english_the_files_have_the_same_bytes() {
    let of = |options: &[&str]| {
        let outcome = lab().run(&[&[DATE], options].concat()).exits(0);
        (outcome.files(""), outcome.accounts(DATE))
    };
    assert_eq!(of(&["--lang", "en"]), of(&[]));
    let failing = SimulatedApi::new(TOKEN).fault(Fault::Refuse);
    let outcome = lab().api(failing).run(&[DATE, "--lang", "en"]).exits(3);
    let outcome = outcome.stderr_has("cannot get data from the management API: http://127.");
    let summary = outcome.of_day("gpu-a", DATE, "summary");
    let reason = "\n沒有任務資訊 (不代表 GPU 無人使用):\n無法從管理 API 獲取數據：http://127.";
    assert!(summary.contains(reason), "{summary}");
    let report = |options: &[&str]| {
        let report = lab().run(&[&["--user-report", DATE], options].concat());
        report.exits(0).stdout
    };
    assert_eq!(report(&["--lang", "en"]), report(&[]));
}

/// A run that ends with 10 for [`DATE`], and leaves the day as it was.
#[track_caller]
fn stops(world: &World, options: &[&str], said: &str) {
    let before = world.run(&["help"]);
    let before = (before.files("gpu-"), fs::read(world.path(REPORT)).ok());
    let outcome = world.run(&[&[DATE], options].concat()).exits(10);
    let outcome = outcome.stderr_is(said).stdout_is("");
    let after = (outcome.files("gpu-"), fs::read(world.path(REPORT)).ok());
    assert_eq!(after, before);
    assert_eq!(world.cluster.connections("gpu-a"), 0);
    assert!(world.cluster.api_requests().is_empty());
}

fn said(file: &str, language: &str, setting: &str) -> String {
    format!(
        "錯誤：原有檔案的內容是{language}，與設定的 file_language 不同（data/{file}）：\
         請設定 file_language = \"{setting}\"，或以 --data-dir 收集到別處；這一天沒有寫入任何檔案\n"
    )
}

#[test]
fn a_day_in_the_other_language_is_left_alone_by_its_name() {
    for (first, then, language, setting) in
        [("", ENGLISH, "中文", "zh-TW"), (ENGLISH, "", "英文", "en")]
    {
        let world = lab().settings(first).start();
        let _ = world.run(&[DATE]).exits(0);
        let world = lab().settings(then).start_after(world);
        stops(&world, &[], &said(REPORT, language, setting));
        stops(&world, &["--dry-run"], &said(REPORT, language, setting));
        // Without the report, each file of a node's says so; the node need not be the one that is asked.
        fs::remove_dir_all(world.path("data/reports")).expect("the report");
        let average = format!("gpu-a/{DATE}/average_{DATE}.csv");
        let options = ["--node", "gpu-b"];
        stops(&world, &options, &said(&average, language, setting));
        fs::remove_file(world.path(format!("data/{average}"))).expect("the average");
        let gpu = format!("gpu-a/{DATE}/gpu0_{DATE}.csv");
        stops(&world, &options, &said(&gpu, language, setting));
        let in_english = world.run(&[DATE, "--lang", "en"]).exits(10);
        let _ = in_english.stderr_has("differs from file_language in the settings (data/gpu-a/");
        // As it stood, it goes on.
        let world = lab().settings(first).start_after(world);
        let _ = world.run(&[DATE]).exits(0).stderr_is("");
    }
}

#[test]
fn the_oldest_averages_and_months_that_were_moved_away_are_in_chinese_too() {
    let world = lab().settings(ENGLISH).start();
    let oldest = "GPU卡號,平均GPU使用率(%),平均VRAM使用率(%)\n1,0.00,0.14\n";
    let average = format!("gpu-a/{DATE}/average_{DATE}.csv");
    let moved = format!("data_archive/2025-08/{average}");
    world.write(&moved, oldest);
    let place = format!("../{moved}");
    let message = said(&place, "中文", "zh-TW").replace("data/../", "");
    stops(&world, &[], &message);
    world.write(&format!("data/{average}"), oldest);
    stops(&world, &[], &said(&average, "中文", "zh-TW"));
}

#[test]
fn the_other_days_of_a_run_are_collected_and_it_ends_with_10() {
    let chinese = || {
        let world = lab().start();
        let _ = world.run(&[DATE]).exits(0);
        // So that the day lacks something.
        let lost = format!("data/gpu-b/{DATE}");
        fs::remove_dir_all(world.path(lost)).expect("the files of a node");
        lab().settings(ENGLISH).start_after(world)
    };
    for run in [&[BEFORE, "--to", AFTER][..], &[AFTER, "--catch-up", "2"]] {
        let world = chinese();
        let before = world.run(&["help"]).files("");
        let outcome = world.run(run).exits(10);
        let outcome = outcome.stderr_is(&said(REPORT, "中文", "zh-TW").replacen(
            "錯誤：",
            &format!("錯誤：{DATE}："),
            1,
        ));
        let of_date = outcome.files("");
        let of_date = of_date.into_iter().filter(|(path, _)| path.contains(DATE));
        assert_eq!(of_date.collect::<Vec<_>>(), before);
        for date in [BEFORE, AFTER] {
            let average = outcome.of_day("gpu-b", date, "average");
            assert!(average.starts_with("gpu,mean_gpu_percent,"), "{average}");
        }
    }
    // A complete day that `--catch-up` passes over is none of its business.
    let world = lab().start();
    let _ = world.run(&[DATE]).exits(0);
    let world = lab().settings(ENGLISH).start_after(world);
    let _ = world
        .run(&[AFTER, "--catch-up", "1"])
        .exits(0)
        .stderr_is("");
}
