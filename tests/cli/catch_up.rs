//! `--catch-up` completes the days before, and asks no more for what cannot be had.

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::simulated_cluster::{Fault, SimulatedApi, SimulatedNode, SimulatedTask};
use crate::support::{
    DATE, Day, HOUR, Lab, MIDNIGHT, Outcome, TOKEN, World, with_both_generations,
};

with_both_generations! {
    days_without_files_are_collected_before_the_day_itself
    days_that_are_complete_are_not_asked_for_again
    the_last_minutes_of_every_day_are_completed_the_night_after
    only_the_nodes_that_lack_something_are_asked
    a_file_that_was_lost_is_collected_again
    a_day_without_task_information_is_collected_again_with_it
    a_day_that_netdata_no_longer_holds_is_tried_once_and_remembered
    a_gap_that_stays_is_tried_once
    a_node_that_is_down_is_tried_every_night
    a_dry_run_asks_nobody_and_writes_nothing
    a_day_whose_nodes_are_all_left_out_has_failed_with_what_was_due
    of_a_node_that_was_down_the_readings_are_missing_and_not_the_tasks
    a_number_of_days_that_makes_no_sense_is_refused
    a_tree_of_the_old_programs_that_netdata_has_forgotten_is_given_its_users_once
    a_file_that_was_lost_and_cannot_be_had_is_tried_once
    days_of_other_settings_are_left_alone
    a_day_that_was_given_up_for_a_wrong_setting_is_collected_once_that_is_right
    a_card_that_was_forgotten_in_the_settings_is_collected_once_it_is_there
    a_node_that_does_not_answer_is_waited_for_once_on_the_days_before
    an_api_that_does_not_answer_is_waited_for_once_on_the_days_before
    a_day_into_which_no_interval_fits_does_not_hold_the_others_up
    where_nothing_is_to_be_collected_that_is_said
    a_report_of_users_that_was_lost_is_written_again
    a_node_that_the_report_of_users_lost_is_added_to_it
    a_report_of_users_that_ends_early_is_made_whole
    a_report_of_users_that_is_damaged_is_written_again
    a_record_that_cannot_be_read_is_not_taken_for_none
}

const NODE: &str = "colab-gpu4";
const BEFORE: &str = "2025-07-31";

fn complete(date: &str) -> String {
    format!("{date}：完整，節點 1/1，讀數 1152/1152（100.0%）\n")
}

/// The last line of a run whose days of one node are all complete.
fn all_complete(days: usize) -> String {
    let readings = days * 1152;
    format!("完成：{days} 天中 {days} 天完整，讀數 {readings}/{readings}（100.0%）\n")
}

/// The days that the node was asked for, in order, as seconds between their end and that of [`DATE`].
fn asked(world: &World) -> Vec<i64> {
    let requests = world.cluster.requests(NODE);
    // An agent that has no samples of a day is asked for its means as well.
    let of_samples = requests
        .iter()
        .filter(|seen| seen.target.contains("tier=0"));
    let before = of_samples.map(|seen| {
        let (_, rest) = seen.target.split_once("before=").expect("a window");
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let before: i64 = digits.parse().expect("a stamp");
        (before - (MIDNIGHT + 24 * HOUR)) / (24 * HOUR)
    });
    before.collect()
}

/// Runs a new cluster in the directory of an earlier one.
fn after(world: World, node: SimulatedNode, arguments: &[&str]) -> (World, Outcome) {
    let world = Lab::new().node(node).start_after(world);
    let outcome = world.run(arguments);
    (world, outcome)
}

fn days_without_files_are_collected_before_the_day_itself() {
    let world = Lab::colab_gpu4().start();
    let days = ["2025-07-30", BEFORE, DATE];
    let told = days.map(complete).concat();
    let outcome = world.run(&[DATE, "--catch-up", "2"]).exits(0).stderr_is("");
    let outcome = outcome.stdout_is(&(told + &all_complete(3)));
    assert_eq!(asked(&world), [-2, -1, 0]);
    for days_before in [2, 1, 0] {
        let start = MIDNIGHT - days_before * 24 * HOUR;
        let day = Day {
            start,
            end: start + 24 * HOUR,
            ..Day::utc()
        };
        day.check_gpu_files(&outcome, NODE, world.cluster.node(NODE));
    }
}

fn days_that_are_complete_are_not_asked_for_again() {
    let world = Lab::colab_gpu4().start();
    let _ = world.run(&["2025-07-30", "--to", DATE]).exits(0);
    let again = world.run(&[DATE, "--catch-up", "2"]).exits(0);
    let _ = again.stdout_is(&(complete(DATE) + &all_complete(1)));
    assert_eq!(asked(&world), [-2, -1, 0, 0]);
}

fn the_last_minutes_of_every_day_are_completed_the_night_after() {
    // As the old crontab has it: the day is collected a quarter of an hour before it ends.
    let today = Day::now_in_hour(12);
    let world = Lab::colab_gpu4()
        .settings(&format!("timezone = \"{}\"", today.zone))
        .start();
    let yesterday = Day {
        start: today.start - 24 * HOUR,
        end: today.start,
        ..today
    };
    let date = yesterday.date();
    let _ = world.run(&[&date]).exits(0);
    // What that run could not see, and when it ran.
    for gpu in 0..8 {
        let path = format!("data/{NODE}/{date}/gpu{gpu}_{date}.csv");
        let mut rows: Vec<_> = world.read(&path).lines().map(str::to_owned).collect();
        rows.truncate(143);
        world.write(&path, &(rows.join("\n") + "\n"));
    }
    let path = format!("data/.daily-gpu-log/runs/{date}.json");
    let mut record: serde_json::Value = serde_json::from_str(&world.read(&path)).expect("a record");
    let then = yesterday.end - 900;
    record["nodes"][0]["asked_at"] = json!(then);
    record["nodes"][0]["files"]["until"] = json!(yesterday.end - 1200);
    record["nodes"][0]["files"]["tasks_as_of"] = json!(then);
    record["nodes"][0]["files"]["readings"] = json!(142 * 8);
    world.write(&path, &record.to_string());

    let plan = world.run(&["--catch-up", "3", "--dry-run"]).exits(0);
    let reason = "讀數 1136/1152、沒有當日結束後的任務資訊";
    let plan = plan.stdout_has(&format!("{date}：收集 {NODE}（{reason}）\n"));
    drop(plan);
    let outcome = world.run(&["--catch-up", "1"]).exits(0);
    let outcome = outcome.stdout_has(&complete(&date));
    yesterday.check_gpu_files(&outcome, NODE, world.cluster.node(NODE));
}

fn only_the_nodes_that_lack_something_are_asked() {
    let node = |name| SimulatedNode::new(name).all_samples();
    let world = Lab::new()
        .node(node("well"))
        .node(node("down").fault(Fault::Refuse))
        .start();
    let _ = world.run(&[BEFORE]).exits(3);
    let world = Lab::new()
        .node(node("well"))
        .node(node("down"))
        .start_after(world);
    let outcome = world.run(&[DATE, "--catch-up", "1"]).exits(0);
    let outcome = outcome.stdout_is(&format!(
        "{}{DATE}：完整，節點 2/2，讀數 2304/2304（100.0%）\n\
         完成：2 天中 2 天完整，讀數 3456/3456（100.0%）\n",
        complete(BEFORE)
    ));
    assert_eq!(world.cluster.requests("well").len(), 1);
    assert_eq!(world.cluster.requests("down").len(), 2);
    assert!(outcome.of_day("down", BEFORE, "gpu7").lines().count() == 145);
}

fn a_file_that_was_lost_is_collected_again() {
    let world = Lab::colab_gpu4().start();
    let _ = world.run(&[BEFORE]).exits(0);
    let lost = world.path(format!("data/{NODE}/{BEFORE}/gpu3_{BEFORE}.csv"));
    std::fs::remove_file(&lost).expect("the file");
    let plan = world.run(&[DATE, "--catch-up", "1", "--dry-run"]).exits(0);
    let _ = plan.stdout_is(&format!(
        "{BEFORE}：收集 {NODE}（缺少 GPU[3] 的檔案、讀數 1008/1152）\n{DATE}：收集 {NODE}\n"
    ));
    let _ = world.run(&[DATE, "--catch-up", "1"]).exits(0);
    assert!(lost.exists());
}

fn a_day_without_task_information_is_collected_again_with_it() {
    let task = || SimulatedTask::new("t1", "alice", NODE).gpu(1, "APU-1");
    let lab = || Lab::colab_gpu4().api(SimulatedApi::new(TOKEN).task(task()));
    let down = SimulatedApi::new(TOKEN).fault(Fault::Refuse);
    let world = Lab::colab_gpu4().api(down).start();
    let _ = world.run(&[BEFORE]).exits(3);
    let world = lab().start_after(world);
    let skipped = world.run(&[DATE, "--catch-up", "1", "--dry-run", "--skip-task-info"]);
    let _ = skipped
        .exits(0)
        .stdout_is(&format!("{DATE}：收集 {NODE}\n"));
    let outcome = world.run(&[DATE, "--catch-up", "1"]).exits(0);
    assert_eq!(outcome.users(NODE, BEFORE)[0], "alice");
}

fn a_day_that_netdata_no_longer_holds_is_tried_once_and_remembered() {
    let forgetful = || SimulatedNode::new(NODE).samples_from(MIDNIGHT);
    let world = Lab::new().node(forgetful()).start();
    let first = world.run(&[DATE, "--catch-up", "1"]).exits(3);
    let _ = first
        .stderr_has("這段時間沒有任何 AMD GPU 的讀數")
        .stdout_is(&format!(
            "{BEFORE}：失敗，節點 0/1，讀數 0/1152（0.0%）\n{}\
             完成：2 天中 1 天完整、1 天失敗，讀數 1152/2304（50.0%）\n",
            complete(DATE)
        ));
    let given_up =
        format!("{BEFORE}：不再收集 {NODE}（沒有檔案），當日結束後查詢過，Netdata 沒有更多讀數\n");
    let plan = world.run(&[DATE, "--catch-up", "1", "--dry-run"]).exits(0);
    let _ = plan.stdout_is(&format!("{given_up}{DATE}：收集 {NODE}\n"));
    let second = world.run(&[DATE, "--catch-up", "1"]).exits(0).stderr_is("");
    let _ = second.stdout_is(&(given_up.clone() + &complete(DATE) + &all_complete(1)));
    let quiet = world.run(&[DATE, "--catch-up", "1", "-q"]).exits(0);
    let _ = quiet.stdout_is("").stderr_is("");
    let json = world.run(&[DATE, "--catch-up", "1", "--json"]).exits(0);
    assert_eq!(
        json.json()["given_up"],
        json!([{"date": BEFORE, "node": NODE, "lacks": [{"code": "no_files", "message": "沒有檔案"}]}])
    );
    let of_the_day_before = asked(&world).iter().filter(|days| **days == -1).count();
    // Once from the samples, once from the coarser tiers.
    assert!(of_the_day_before <= 2, "{of_the_day_before}");
}

fn a_gap_that_stays_is_tried_once() {
    let gap = SimulatedNode::new(NODE)
        .all_samples()
        .down(MIDNIGHT - 20 * HOUR, MIDNIGHT - 19 * HOUR);
    let world = Lab::new().node(gap).start();
    let _ = world.run(&[BEFORE]).exits(0);
    let outcome = world.run(&[DATE, "--catch-up", "1"]).exits(0);
    let _ = outcome.stdout_has("不再收集 colab-gpu4（讀數 1104/1152）");
    assert_eq!(asked(&world), [-1, 0]);
}

fn a_node_that_is_down_is_tried_every_night() {
    let world = Lab::colab_gpu4().start();
    let down = || SimulatedNode::new(NODE).fault(Fault::Refuse);
    let arguments = [DATE, "--catch-up", "1"];
    let (world, outcome) = after(world, down(), &arguments);
    let _ = outcome.exits(1);
    let (world, outcome) = after(world, down(), &arguments);
    let _ = outcome
        .exits(1)
        .stdout_has(&format!("{BEFORE}：失敗，節點 0/1，讀數 0/1152（0.0%）\n"));
    let (_world, outcome) = after(world, SimulatedNode::new(NODE), &arguments);
    let _ = outcome
        .exits(0)
        .stdout_is(&([BEFORE, DATE].map(complete).concat() + &all_complete(2)));
}

fn a_dry_run_asks_nobody_and_writes_nothing() {
    let world = Lab::colab_gpu4().token(None).start();
    let plan = world.run(&[DATE, "--catch-up", "1", "--dry-run"]).exits(0);
    let plan = plan.writes_nothing().stderr_is("").stdout_is(&format!(
        "{BEFORE}：收集 {NODE}（沒有檔案、沒有當日結束後的任務資訊）\n{DATE}：收集 {NODE}\n"
    ));
    drop(plan);
    let json = world.run(&[DATE, "--catch-up", "1", "--dry-run", "--json"]);
    let json = json.exits(0).json();
    assert_eq!(
        json["days"],
        json!([
            {"date": BEFORE, "given_up": [], "collect": [
                {"node": NODE, "lacks": [
                    {"code": "no_files", "message": "沒有檔案"},
                    {"code": "task_information", "message": "沒有當日結束後的任務資訊"},
                ]}
            ]},
            {"date": DATE, "given_up": [], "collect": [{"node": NODE, "lacks": []}]},
        ])
    );
    assert_eq!(world.cluster.requests(NODE).len(), 0);
    assert_eq!(world.cluster.api_requests().len(), 0);
}

fn of_a_node_that_was_down_the_readings_are_missing_and_not_the_tasks() {
    let down = SimulatedNode::new(NODE).fault(Fault::Refuse);
    let world = Lab::new().node(down).start();
    let _ = world.run(&[BEFORE]).exits(1);
    let plan = world.run(&[DATE, "--catch-up", "1", "--dry-run"]).exits(0);
    let _ = plan.stdout_is(&format!(
        "{BEFORE}：收集 {NODE}（沒有檔案）\n{DATE}：收集 {NODE}\n"
    ));
}

fn a_number_of_days_that_makes_no_sense_is_refused() {
    for days in ["-1", "367", "three"] {
        let option = format!("--catch-up={days}");
        let outcome = Lab::colab_gpu4().run(&[DATE, &option]).exits(2);
        let _ = outcome.stderr_has("不是 0 到 366 的天數").writes_nothing();
    }
}

fn a_tree_of_the_old_programs_that_netdata_has_forgotten_is_given_its_users_once() {
    let task = || SimulatedTask::new("t1", "alice", NODE).gpu(1, "APU-1");
    let api = || SimulatedApi::new(TOKEN).task(task());
    let world = Lab::colab_gpu4().api(api()).start();
    let _ = world.run(&[BEFORE, "--skip-task-info"]).exits(0);
    std::fs::remove_dir_all(world.path("data/.daily-gpu-log")).expect("the state");
    let readings = world.read(&format!("data/{NODE}/{BEFORE}/gpu0_{BEFORE}.csv"));
    let forgetful = SimulatedNode::new(NODE).samples_from(MIDNIGHT);
    let world = Lab::new().node(forgetful).api(api()).start_after(world);
    let outcome = world.run(&[DATE, "--catch-up", "1"]).exits(0);
    let outcome = outcome.stderr_has(&format!("警告：{BEFORE}：無法從 "));
    let outcome = outcome.stderr_has("（節點 colab-gpu4，沿用原有的讀數）");
    assert_eq!(outcome.users(NODE, BEFORE)[0], "alice");
    assert_eq!(outcome.of_day(NODE, BEFORE, "gpu0"), readings);
    let again = world.run(&[DATE, "--catch-up", "1"]).exits(0).stderr_is("");
    let _ = again.stdout_is(&(complete(DATE) + &all_complete(1)));
}

fn a_file_that_was_lost_and_cannot_be_had_is_tried_once() {
    let world = Lab::colab_gpu4().start();
    let _ = world.run(&[BEFORE]).exits(0);
    let lost = format!("data/{NODE}/{BEFORE}/gpu3_{BEFORE}.csv");
    std::fs::remove_file(world.path(lost)).expect("the file");
    let forgetful = || SimulatedNode::new(NODE).samples_from(MIDNIGHT);
    let (world, outcome) = after(world, forgetful(), &[DATE, "--catch-up", "1"]);
    let _ = outcome
        .exits(3)
        .stderr_has("GPU[3]（Card 25）當日沒有任何 GPU、VRAM 讀數");
    let outcome = world.run(&[DATE, "--catch-up", "1"]);
    let _ = outcome
        .exits(0)
        .stdout_has("不再收集 colab-gpu4（缺少 GPU[3] 的檔案、讀數 1008/1152）");
}

fn days_of_other_settings_are_left_alone() {
    let node = || SimulatedNode::new(NODE).cards(&[1, 9]);
    for (old, new, option, said) in [
        (
            "cards = [1, 9]",
            "cards = [9, 1]",
            "--jobs=1",
            "不自動收集 colab-gpu4（原有檔案以不同的設定寫成，或已損壞）：需要時請指定這個日期收集",
        ),
        (
            "\n[ledger]",
            "\ninterval = \"20m\"\n[ledger]",
            "--jobs=1",
            "不收集 colab-gpu4（原有檔案每 10m 一列，與設定的 interval 不同）：請修改設定，原有檔案保持不變",
        ),
        (
            "\n[ledger]",
            "\ngpu_files = \"card\"\n[ledger]",
            "--jobs=1",
            "不收集 colab-gpu4（原有檔案以 GPU 索引命名，與設定的 gpu_files 不同）：請修改設定，原有檔案保持不變",
        ),
        (
            "\n[ledger]",
            "\n[ledger]",
            "--timezone=Asia/Taipei",
            "不收集 colab-gpu4（原有檔案是 UTC+00:00 的一天，與設定的 timezone 不同）：請修改設定，原有檔案保持不變",
        ),
    ] {
        let world = Lab::new().node(node()).start();
        let before = world.run(&[BEFORE]).exits(0).files("");
        world.edit_settings(old, new);
        let outcome = world.run(&[DATE, option, "--catch-up", "1"]);
        let outcome = outcome.exits(0).stdout_has(&format!("{BEFORE}：{said}\n"));
        let mut after = outcome.files("");
        after.retain(|(path, _)| path.contains(BEFORE));
        assert_eq!(after, before, "{new} {option}");
    }
}

fn a_day_that_was_given_up_for_a_wrong_setting_is_collected_once_that_is_right() {
    let node = || SimulatedNode::new(NODE).cards(&[2, 10]);
    let world = Lab::new().node(node()).start();
    world.edit_settings("cards = [2, 10]", "cards = [3, 11]");
    let _ = world.run(&[BEFORE]);
    world.edit_settings("cards = [3, 11]", "cards = [2, 10]");
    let plan = world.run(&[DATE, "--catch-up", "1", "--dry-run"]).exits(0);
    let _ = plan.stdout_has(&format!("{BEFORE}：收集 {NODE}（"));
    let right = world.cluster.url(NODE);
    let _ = world.run(&["2025-07-30"]).exits(0);
    world.edit_settings(
        &format!("url = \"{right}\""),
        &format!("url = \"{right}/host/none\""),
    );
    let _ = world.run(&["2025-07-29"]).exits(1);
    world.edit_settings("/host/none", "");
    let plan = world
        .run(&["2025-07-30", "--catch-up", "1", "--dry-run"])
        .exits(0);
    let _ = plan.stdout_has(&format!("2025-07-29：收集 {NODE}（"));
}

fn a_card_that_was_forgotten_in_the_settings_is_collected_once_it_is_there() {
    let node = SimulatedNode::new(NODE).cards(&[1, 9]);
    let world = Lab::new().node(node).start();
    world.edit_settings("cards = [1, 9]", "cards = [1]");
    let _ = world.run(&[BEFORE]).exits(0).stderr_has("Card 9");
    world.edit_settings("cards = [1]", "cards = [1, 9]");
    let outcome = world.run(&[DATE, "--catch-up", "1"]).exits(0).stderr_is("");
    let _ = outcome.stdout_has(&format!("{BEFORE}：完整，節點 1/1，讀數 288/288"));
}

fn a_node_that_does_not_answer_is_waited_for_once_on_the_days_before() {
    let nodes = |fault: Option<Fault>| {
        let down = SimulatedNode::new("down");
        let down = match fault {
            Some(fault) => down.fault(fault),
            None => down,
        };
        Lab::new().node(SimulatedNode::new("well")).node(down)
    };
    let world = nodes(Some(Fault::Refuse)).start();
    let outcome = world.run(&[DATE, "--catch-up", "3"]).exits(3);
    let figure = "讀數 1152/2304（50.0%）";
    let outcome = outcome.stdout_is(&format!(
        "2025-07-29：不完整，節點 1/2，{figure}\n\
         2025-07-30：略過 down：在這次執行中沒有回應\n\
         2025-07-30：不完整，節點 1/2，{figure}\n\
         {BEFORE}：略過 down：在這次執行中沒有回應\n\
         {BEFORE}：不完整，節點 1/2，{figure}\n\
         {DATE}：不完整，節點 1/2，{figure}\n\
         完成：4 天中 4 天不完整，讀數 4608/9216（50.0%）：有節點沒有寫入\n",
    ));
    let day = |line: &str| line.chars().take(13).collect::<String>();
    let errors: Vec<_> = outcome.stderr.lines().map(day).collect();
    assert_eq!(errors, ["錯誤：2025-07-29", "錯誤：2025-08-01"]);
    let world = nodes(None).start_after(world);
    let _ = world.run(&[DATE, "--catch-up", "3"]).exits(0);
}

fn a_day_whose_nodes_are_all_left_out_has_failed_with_what_was_due() {
    let world = Lab::colab_gpu4().start();
    let (world, outcome) = after(
        world,
        SimulatedNode::new(NODE).fault(Fault::Refuse),
        &[DATE, "--catch-up", "2"],
    );
    let failed = |date| format!("{date}：失敗，節點 0/1，讀數 0/1152（0.0%）\n");
    let _ = outcome.exits(1).stdout_is(&format!(
        "{}{BEFORE}：略過 {NODE}：在這次執行中沒有回應\n{}\
         失敗：3 天中 3 天失敗，讀數 0/3456（0.0%）\n",
        failed("2025-07-30"),
        failed(DATE)
    ));
    let json = world
        .run(&[DATE, "--catch-up", "2", "--json"])
        .exits(1)
        .json();
    let day = &json["days"][1];
    assert_eq!(day["date"], BEFORE);
    assert_eq!(day["error"], format!("略過 {NODE}：在這次執行中沒有回應"));
    assert_eq!(
        (&day["exit_status"], &day["readings_due"]),
        (&json!(1), &json!(1152))
    );
}

fn an_api_that_does_not_answer_is_waited_for_once_on_the_days_before() {
    let api = SimulatedApi::new(TOKEN).fault(Fault::CloseWithoutAnswer);
    let lab = Lab::colab_gpu4().api(api).tables("[netdata]\nretries = 0");
    let world = lab.start();
    let _ = world.run(&[DATE, "--catch-up", "3"]).exits(3);
    assert_eq!(world.cluster.api_requests().len(), 2);
    let status: Vec<_> = ["2025-07-29", "2025-07-30", BEFORE, DATE]
        .into_iter()
        .map(|date| {
            let file = world.read(&format!("data/.daily-gpu-log/runs/{date}.json"));
            let record: serde_json::Value = serde_json::from_str(&file).expect("a record");
            (
                record["last_run"]["exit_status"].clone(),
                record["nodes"][0]["files"]["task_information"].clone(),
            )
        })
        .collect();
    assert_eq!(status, vec![(json!(3), json!("unavailable")); 4]);
}

fn a_day_into_which_no_interval_fits_does_not_hold_the_others_up() {
    let lab = Lab::colab_gpu4().settings("interval = \"20m\"");
    let world = lab.start();
    let zone = "--timezone=Australia/Lord_Howe";
    // 2025-04-06 has 24 hours and a half there.
    let outcome = world.run(&["2025-04-07", "--catch-up", "2", zone]).exits(0);
    let lines = outcome
        .stdout
        .lines()
        .filter(|line| !line.starts_with("完成"));
    let days: Vec<_> = lines.map(|line| &line[..10]).collect();
    assert_eq!(days, ["2025-04-05", "2025-04-07"]);
}

fn where_nothing_is_to_be_collected_that_is_said() {
    let today = Day::now_in_hour(0);
    let zone = today.zone;
    let world = Lab::colab_gpu4()
        .settings(&format!("timezone = \"{zone}\"\ninterval = \"1h\""))
        .start();
    let yesterday = Day {
        start: today.start - 24 * HOUR,
        end: today.start,
        ..today
    };
    let _ = world.run(&[&yesterday.date()]).exits(0);
    let without = world.run(&[]).exits(1);
    let _ = without.stderr_has("還沒有任何已結束的 60 分鐘區間可收集");
    let with = world.run(&["--catch-up", "1"]).exits(0).stderr_is("");
    let _ = with.stdout_is("沒有需要收集的日期\n");
}

fn a_report_of_users_that_was_lost_is_written_again() {
    let world = Lab::colab_gpu4().start();
    let _ = world.run(&[BEFORE]).exits(0);
    let report = world.path(format!("data/reports/users_{BEFORE}.csv"));
    std::fs::remove_file(&report).expect("the report");
    let plan = world.run(&[DATE, "--catch-up", "1", "--dry-run"]).exits(0);
    let _ = plan.stdout_has(&format!("{BEFORE}：收集 {NODE}（沒有用量報告）\n"));
    let _ = world.run(&[DATE, "--catch-up", "1"]).exits(0);
    assert!(report.exists());
}

/// The report of [`BEFORE`] after `--catch-up`, once it was made to lack `nodes` by `spoil`.
#[track_caller]
fn repaired(nodes: &str, spoil: impl Fn(&World, &str)) {
    let at = MIDNIGHT - 12 * HOUR;
    let task = |host| {
        SimulatedTask::new(host, "alice", host)
            .gpu(1, "APU-1")
            .start(at)
    };
    let world = Lab::new()
        .node(SimulatedNode::new("a").cards(&[1]))
        .node(SimulatedNode::new("b").cards(&[1]))
        .task(task("a"))
        .task(task("b"))
        .start();
    let report = format!("data/reports/users_{BEFORE}.csv");
    let _ = world.run(&[BEFORE]).exits(0);
    let whole = world.read(&report);
    spoil(&world, &report);
    assert_ne!(world.read(&report), whole);
    let plan = world.run(&[DATE, "--catch-up", "1", "--dry-run"]).exits(0);
    let _ = plan.stdout_has(&format!("{BEFORE}：收集 {nodes}（沒有用量報告）"));
    let _ = world.run(&[DATE, "--catch-up", "1"]).exits(0);
    assert_eq!(world.read(&report), whole);
    let plan = world.run(&[DATE, "--catch-up", "1", "--dry-run"]).exits(0);
    assert!(!plan.stdout.contains(BEFORE), "{}", plan.stdout);
}

fn a_node_that_the_report_of_users_lost_is_added_to_it() {
    repaired("a", |world, report| {
        std::fs::remove_file(world.path(report)).expect("the report");
        let _ = world.run(&[BEFORE, "--node", "b"]).exits(0);
    });
}

fn a_report_of_users_that_ends_early_is_made_whole() {
    let end = MIDNIGHT.to_string();
    let early = (MIDNIGHT - HOUR).to_string();
    repaired("b", |world, report| {
        let rows = world.read(report);
        let rows = rows.lines().filter(|row| !row.contains(",b,GPU[0],"));
        let rows = rows.map(|row| {
            let of_b = row.contains(",b,");
            let row = if of_b {
                row.replace(&end, &early)
            } else {
                row.to_owned()
            };
            row + "\n"
        });
        world.write(report, &rows.collect::<String>());
    });
}

fn a_report_of_users_that_is_damaged_is_written_again() {
    for text in ["", "junk\n"] {
        repaired("a、b", |world, report| world.write(report, text));
    }
}

fn a_record_that_cannot_be_read_is_not_taken_for_none() {
    let world = Lab::colab_gpu4().start();
    let path = format!("data/.daily-gpu-log/runs/{BEFORE}.json");
    // A directory is no file to anybody, root included.
    std::fs::create_dir_all(world.path(&path)).expect("a directory");
    let outcome = world.run(&[DATE, "--catch-up", "1"]).exits(0);
    let outcome = outcome.stderr_has(&format!("警告：無法讀取 {path}："));
    // It holds up neither the day itself nor the one that it is of.
    let _ = outcome.stdout_is(&([BEFORE, DATE].map(complete).concat() + &all_complete(2)));
}
