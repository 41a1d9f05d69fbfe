//! Files of a day that were written under another timezone, interval or gpu_files: nothing of them is set aside. The
//! day stops with the name of the setting, and days that `--catch-up` would add are left alone.

use std::fs;

use pretty_assertions::assert_eq;

use crate::simulated_cluster::{SimulatedNode, expected_text};
use crate::support::{DATE, Day, HOUR, Lab, MIDNIGHT, Outcome, World};

const NODE: &str = "colab-gpu4";
const BEFORE: &str = "2025-07-31";
const DAY: i64 = 24 * HOUR;
const TAIPEI: &str = "timezone = \"Asia/Taipei\"";

fn node() -> SimulatedNode {
    SimulatedNode::new(NODE).cards(&[1, 9])
}

/// A day in Taipei.
fn in_taipei(start: i64) -> Day {
    Day {
        zone: chrono_tz::Asia::Taipei,
        start: start - 8 * HOUR,
        end: start + 16 * HOUR,
    }
}

/// Writes a day as the old programs did, with its GPUs named by index.
fn write_old(world: &World, day: &Day) {
    let date = day.date();
    for (index, card) in [1, 9].into_iter().enumerate() {
        let file = format!("data/{NODE}/{date}/gpu{index}_{date}.csv");
        world.write(&file, &day.gpu_csv(&node(), card));
    }
    let average =
        "GPU編號,平均GPU使用率(%),平均VRAM使用率(%),使用者\n全部平均,0.00,0.00,所有使用者\n";
    world.write(&format!("data/{NODE}/{date}/average_{date}.csv"), average);
}

/// The run of [`DATE`] stops before anybody is asked, and leaves every file as it was.
#[track_caller]
fn stops(world: &World, options: &[&str], said: &str) {
    let arguments = [&[DATE], options].concat();
    let before = world.run(&[&arguments[..], &["--dry-run"]].concat());
    let before = before
        .exits(10)
        .stderr_is(&format!("錯誤：{said}\n"))
        .files("");
    let outcome = world.run(&arguments).exits(10);
    let outcome = outcome.stderr_is(&format!("錯誤：{said}\n")).stdout_is("");
    assert_eq!(outcome.files(""), before);
    assert_eq!(world.cluster.requests(NODE).len(), 0);
    assert_eq!(world.cluster.api_requests().len(), 0);
    assert!(
        !world
            .path(format!("data/.daily-gpu-log/runs/{DATE}.json"))
            .exists()
    );
}

#[test]
fn a_day_of_another_zone_stops_with_its_offset_and_the_setting() {
    let world = Lab::new().node(node()).start();
    write_old(&world, &in_taipei(MIDNIGHT));
    let file = format!("data/{NODE}/{DATE}/gpu0_{DATE}.csv");
    stops(
        &world,
        &[],
        &format!(
            "原有檔案是 UTC+08:00 的一天，與設定的 timezone 不同（{file}）：\
             請設定 timezone 為 UTC+08:00 的時區，例如 \"Asia/Taipei\"，或以 --data-dir 收集到別處；這一天沒有寫入任何檔案"
        ),
    );
    // Under that setting they are added to.
    let outcome = world
        .run(&[DATE, "--timezone", "Asia/Taipei"])
        .exits(0)
        .stderr_is("");
    let day = in_taipei(MIDNIGHT);
    assert_eq!(outcome.of_day(NODE, DATE, "gpu1"), day.gpu_csv(&node(), 9));
}

#[test]
fn a_day_of_utc_stops_the_same_where_the_clocks_in_it_are_those_of_the_settings() {
    // The first programs counted the day in UTC, and showed the machine's clocks.
    let world = Lab::new().node(node()).settings(TAIPEI).start();
    let day = Day {
        zone: chrono_tz::Asia::Taipei,
        ..Day::utc()
    };
    for (index, card) in [1, 9].into_iter().enumerate() {
        let file = format!("data/{NODE}/{DATE}/gpu{index}_{DATE}.csv");
        world.write(&file, &day.gpu_csv(&node(), card));
    }
    let file = format!("data/{NODE}/{DATE}/gpu0_{DATE}.csv");
    stops(
        &world,
        &[],
        &format!(
            "原有檔案是 UTC+00:00 的一天，與設定的 timezone 不同（{file}）：\
             請設定 timezone = \"UTC\"，或以 --data-dir 收集到別處；這一天沒有寫入任何檔案"
        ),
    );
    // They are whole, and their readings stay where Netdata has none.
    let down = node().down(MIDNIGHT, MIDNIGHT + 12 * HOUR);
    let world = Lab::new().node(down).start_after(world);
    let outcome = world.run(&[DATE]).exits(0).stderr_is("");
    assert_eq!(
        outcome.of_day(NODE, DATE, "gpu0"),
        Day::utc().gpu_csv(&node(), 1)
    );
    assert_eq!(outcome.tree().len(), 4);
}

#[test]
fn another_interval_stops_with_its_name() {
    let world = Lab::new()
        .node(node())
        .settings("interval = \"20m\"")
        .start();
    write_old(&world, &Day::utc());
    let file = format!("data/{NODE}/{DATE}/gpu0_{DATE}.csv");
    let said = |interval: &str| {
        format!(
            "原有檔案每 {interval} 一列，與設定的 interval 不同（{file}）：\
             請設定 interval = \"{interval}\"，或以 --data-dir 收集到別處；這一天沒有寫入任何檔案"
        )
    };
    stops(&world, &[], &said("10m"));
    let world = Lab::new().node(node()).start();
    let of_20_minutes = Day::utc().csv(1200, |metric, stamp| {
        expected_text(&node(), metric, 1, stamp, 1200)
    });
    world.write(&file, &of_20_minutes);
    stops(&world, &[], &said("20m"));
}

#[test]
fn files_of_another_name_stop_with_gpu_files() {
    let said = |number: &str, value: &str| {
        format!(
            "原有檔案以{number}命名，與設定的 gpu_files 不同（data/{NODE}/{DATE}）：\
             請設定 gpu_files = \"{value}\"，或以 --data-dir 收集到別處；這一天沒有寫入任何檔案"
        )
    };
    // As in the tree of the first document.
    let world = Lab::new().node(node()).start();
    for card in [1, 9] {
        let file = format!("data/{NODE}/{DATE}/gpu{card}_{DATE}.csv");
        world.write(&file, &Day::utc().gpu_csv(&node(), card));
    }
    stops(&world, &[], &said("卡號", "card"));
    let world = Lab::new()
        .node(node())
        .settings("gpu_files = \"card\"")
        .start();
    write_old(&world, &Day::utc());
    stops(&world, &[], &said(" GPU 索引", "index"));
}

#[test]
fn what_this_program_wrote_under_other_settings_stops_as_well() {
    let collected = || {
        let world = Lab::new().node(node()).start();
        world.run(&[DATE]).exits(0);
        world
    };
    for (keys, setting) in [
        (TAIPEI, "timezone = \"UTC\""),
        ("interval = \"20m\"", "interval = \"10m\""),
        ("gpu_files = \"card\"", "gpu_files = \"index\""),
    ] {
        let world = Lab::new()
            .node(node())
            .settings(keys)
            .start_after(collected());
        let before = world.run(&["help"]).files("");
        let outcome = world.run(&[DATE]).exits(10);
        let outcome = outcome.stderr_has(&format!("：請設定 {setting}，"));
        assert_eq!(outcome.files(""), before, "{keys}");
    }
}

#[test]
fn the_usage_report_of_a_day_of_another_zone_is_no_less_of_it() {
    let world = Lab::new()
        .node(node())
        .node(SimulatedNode::new("other"))
        .start();
    world.run(&[DATE, "--node", NODE]).exits(0);
    let options = ["--node", "other", "--timezone", "Asia/Taipei"];
    let _ = world
        .run(&[&[DATE], &options[..]].concat())
        .exits(10)
        .stderr_has("的一天，與設定的 timezone 不同（data/reports/users_2025-08-01.csv）");
    assert!(!world.path("data/other").exists());
}

/// The files of [`NODE`] of a date.
fn of_date(outcome: &Outcome, date: &str) -> Vec<(String, String)> {
    outcome.files(&format!("{NODE}/{date}"))
}

#[test]
fn days_that_catch_up_would_add_are_left_alone_and_the_others_collected() {
    let world = Lab::new()
        .node(node())
        .node(SimulatedNode::new("other").cards(&[1]))
        .start();
    write_old(&world, &in_taipei(MIDNIGHT - DAY));
    let before = of_date(&world.run(&["help"]), BEFORE);
    let outcome = world.run(&[DATE, "--catch-up", "2"]).exits(0).stderr_is("");
    let outcome = outcome.stdout_has(&format!(
        "{BEFORE}：不收集 {NODE}、other（原有檔案是 UTC+08:00 的一天，與設定的 timezone 不同）：\
         請修改設定，原有檔案保持不變\n"
    ));
    assert_eq!(of_date(&outcome, BEFORE), before);
    assert_eq!(outcome.files(&format!("other/{BEFORE}")), []);
    for date in ["2025-07-30", DATE] {
        assert_eq!(of_date(&outcome, date).len(), 4);
        assert_eq!(outcome.files(&format!("other/{date}")).len(), 3);
    }
}

#[test]
fn of_several_days_the_one_that_stops_costs_no_other() {
    let world = Lab::new().node(node()).start();
    write_old(&world, &in_taipei(MIDNIGHT));
    let outcome = world.run(&["2025-07-31", "--to", "2025-08-02"]).exits(10);
    let outcome = outcome.stderr_has(&format!("錯誤：{DATE}：原有檔案是 UTC+08:00 的一天"));
    for date in [BEFORE, "2025-08-02"] {
        assert_eq!(of_date(&outcome, date).len(), 4);
    }
    // The night's own day is the one that stops.
    let outcome = world.run(&[DATE, "--catch-up", "3", "--json"]).exits(10);
    let json = outcome.json();
    assert_eq!(json["exit_status"], 10);
    let days = json["days"].as_array().expect("days");
    let ended: Vec<_> = days
        .iter()
        .map(|day| (&day["date"], &day["exit_status"]))
        .collect();
    assert_eq!(
        serde_json::to_value(ended).expect("JSON"),
        serde_json::json!([["2025-07-29", 0], ["2025-07-30", 0], [DATE, 10]])
    );
}

#[test]
fn a_damaged_file_is_set_aside_as_before() {
    let world = Lab::new().node(node()).start();
    write_old(&world, &Day::utc());
    let path = format!("data/{NODE}/{DATE}/gpu1_{DATE}.csv");
    // The clocks of one row are of no zone.
    let damaged = world.read(&path).replacen("00:10:00", "00:11:00", 1);
    world.write(&path, &damaged);
    let outcome = world
        .run(&[DATE])
        .exits(0)
        .stderr_has("無法合併（第 2 列不是 UTC 每 10m 一筆的讀數）");
    let aside = format!("{NODE}/{DATE}/gpu1_{DATE}.csv.unreadable1");
    assert_eq!(outcome.file(&aside), damaged);
    // A day that had not ended when it was collected is not of another zone.
    fs::remove_dir_all(world.path("data")).expect("the tree");
    write_old(&world, &Day::utc());
    let path = format!("data/{NODE}/{DATE}/gpu0_{DATE}.csv");
    let begun: Vec<_> = world
        .read(&path)
        .lines()
        .take(73)
        .map(str::to_owned)
        .collect();
    world.write(&path, &(begun.join("\n") + "\n"));
    let _ = world.run(&[DATE]).exits(0).stderr_is("");
}
