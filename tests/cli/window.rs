//! The day in its zone: which rows belong to it, however long it is and however much of it has passed.

use chrono_tz::Tz;
use pretty_assertions::assert_eq;

use crate::simulated_cluster::{SimulatedNode, expected_text};
use crate::support::{Day, HOUR, Lab, Outcome, World, with_both_generations};

with_both_generations! {
    today_holds_the_intervals_that_have_ended_and_nothing_else
    the_summary_of_today_says_how_far_it_goes
    the_first_interval_of_a_day_is_exact_by_itself
    a_day_without_an_ended_interval_is_not_collected
    yesterday_is_the_whole_day_before
    rows_of_the_day_before_in_an_answer_are_dropped
    a_day_is_from_midnight_to_midnight_of_its_zone
    the_zone_of_the_command_line_wins_over_that_of_the_settings
    rows_are_as_long_as_the_settings_say
}

const NODE: &str = "colab-gpu4";

/// The last stamp in a GPU's file.
fn last_stamp(file: &str) -> i64 {
    let last = file.lines().last().expect("a header at least");
    let stamp = last.split(',').next().expect("a first field");
    stamp
        .parse()
        .unwrap_or_else(|_| panic!("no stamp in {last:?}"))
}

fn last_ended_interval() -> i64 {
    (chrono::Utc::now().timestamp() - 1).div_euclid(600) * 600
}

/// Runs the program for today in the day's zone. The day of the answer ends with the last interval that had ended.
fn run_today(world: &World, mut day: Day, arguments: &[&str]) -> (Outcome, Day) {
    let earliest = last_ended_interval();
    let arguments = [arguments, &["--timezone", day.zone.name()]].concat();
    let outcome = world.run(&arguments).exits(0).stderr_is("");
    let last = last_stamp(&outcome.of_day(NODE, &day.date(), "gpu0"));
    assert!(
        (earliest..=last_ended_interval()).contains(&last),
        "the last stamp is {last}, and {earliest} is over"
    );
    day.end = last;
    (outcome, day)
}

fn today_holds_the_intervals_that_have_ended_and_nothing_else() {
    for arguments in [&[][..], &["today"]] {
        let world = Lab::colab_gpu4().start();
        let (outcome, day) = run_today(&world, Day::now_in_hour(12), arguments);
        day.check_gpu_files(&outcome, NODE, world.cluster.node(NODE));
        let first = format!("{},\"{} 00:10:00\",", day.start + 600, day.date());
        let file = outcome.of_day(NODE, &day.date(), "gpu0");
        let lines: Vec<_> = file.lines().collect();
        assert!(lines[1].starts_with(&first), "{}", lines[1]);
        assert!((73..=79).contains(&lines.len()), "{}", lines.len());
        let due = 8 * (lines.len() - 1);
        let counted = format!("{NODE}：讀數 {due}/{due}（100.0%），");
        assert!(outcome.stdout.starts_with(&counted), "{}", outcome.stdout);
    }
}

fn the_summary_of_today_says_how_far_it_goes() {
    let world = Lab::colab_gpu4().start();
    let (outcome, day) = run_today(&world, Day::now_in_hour(12), &[]);
    let summary = outcome.of_day(NODE, &day.date(), "summary");
    let until = day.clock(day.end);
    let end = format!("\n\n當日尚未結束: 讀數截至 {until}\n================================\n");
    assert!(summary.ends_with(&end), "{summary}");
}

fn the_first_interval_of_a_day_is_exact_by_itself() {
    let world = Lab::colab_gpu4().settings("interval = \"1h\"").start();
    let mut day = Day::now_in_hour(1);
    let outcome = world
        .run(&["--timezone", day.zone.name()])
        .exits(0)
        .stderr_is("");
    day.end = day.start + HOUR;
    let node = world.cluster.node(NODE);
    let expected = day.csv(HOUR, |metric, stamp| {
        expected_text(node, metric, 57, stamp, HOUR)
    });
    assert_eq!(outcome.of_day(NODE, &day.date(), "gpu7"), expected);
}

fn a_day_without_an_ended_interval_is_not_collected() {
    let world = Lab::colab_gpu4().settings("interval = \"1h\"").start();
    let day = Day::now_in_hour(0);
    let message = format!(
        "錯誤：{} 還沒有任何已結束的 60 分鐘區間可收集：請稍後再執行，或改收集 yesterday\n",
        day.date()
    );
    world
        .run(&["--timezone", day.zone.name()])
        .exits(1)
        .stdout_is("")
        .stderr_is(&message)
        .writes_nothing();
    assert_eq!(world.cluster.requests(NODE).len(), 0);
}

fn yesterday_is_the_whole_day_before() {
    let world = Lab::colab_gpu4().start();
    let mut day = Day::now_in_hour(12);
    day.end = day.start;
    day.start -= 24 * HOUR;
    let outcome = world
        .run(&["yesterday", "--timezone", day.zone.name()])
        .exits(0)
        .stderr_is("");
    assert_eq!(outcome.tree().len(), 10);
    day.check_gpu_files(&outcome, NODE, world.cluster.node(NODE));
}

fn rows_of_the_day_before_in_an_answer_are_dropped() {
    // What a real agent answered at 09:20 to a query for all of that day: it begins at 09:30 of the day before.
    let recorded = include_bytes!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/netdata/recorded/v1.37.1-context-today-shifted.json"
    ));
    // The answer has no VRAM.
    let gpus: Vec<_> = (0..8)
        .map(|index| format!("GPU[{index}]（Card {}）", 8 * index + 1))
        .collect();
    let gpus = gpus.join("、");
    let advice = "若 GPU 正常，請重新啟動該節點的 Netdata";
    let stopped = "自 2025-08-02 09:20:00 起沒有任何讀數：請檢查該節點、它的 Netdata 與時鐘，經由 parent 時也檢查串流";
    let notices =
        format!("錯誤：{NODE} 的 {gpus}當日沒有任何 VRAM 讀數：{advice}\n警告：{NODE} {stopped}\n");
    let outcome = Lab::new()
        .node(SimulatedNode::new(NODE).serving(&recorded[..]))
        .run(&["2025-08-02"])
        .exits(3)
        .stderr_is(&notices);
    let answer: serde_json::Value = serde_json::from_slice(recorded).expect("JSON");
    let rows = answer["result"]["data"].as_array().expect("rows");
    let midnight = 1_754_092_800;
    let day = Day {
        zone: Tz::UTC,
        start: midnight,
        end: midnight + 24 * HOUR,
    };
    for column in 1..=8 {
        let expected = day.csv(600, |metric, stamp| {
            let row = rows.iter().find(|row| row[0] == stamp);
            let is_gpu = metric == crate::simulated_cluster::Metric::GpuUtilization;
            row.filter(|_| is_gpu).map(|row| row[column].to_string())
        });
        let file = outcome.of_day(NODE, "2025-08-02", &format!("gpu{}", column - 1));
        assert_eq!(file, expected, "column {column}");
        let readings = file.lines().filter(|line| !line.ends_with(",,")).count();
        assert_eq!(readings, 1 + 56, "the header, and 00:10 to 09:20");
    }
}

fn a_day_is_from_midnight_to_midnight_of_its_zone() {
    for (zone, date, start, hours) in [
        (Tz::UTC, "2025-08-01", 1_754_006_400, 24),
        (Tz::Asia__Taipei, "2025-08-01", 1_753_977_600, 24),
        // 5:45 ahead of UTC.
        (Tz::Asia__Kathmandu, "2025-08-01", 1_753_985_700, 24),
        (Tz::Europe__Berlin, "2025-03-30", 1_743_289_200, 23),
        (Tz::Europe__Berlin, "2025-10-26", 1_761_429_600, 25),
    ] {
        let day = Day {
            zone,
            start,
            end: start + hours * HOUR,
        };
        let zone = format!("timezone = \"{zone}\"");
        let outcome = Lab::colab_gpu4()
            .settings(&zone)
            .run(&[date])
            .exits(0)
            .stderr_is("");
        assert_eq!(day.date(), date);
        day.check_gpu_files(&outcome, NODE, outcome.world().cluster.node(NODE));
        let file = outcome.of_day(NODE, date, "gpu0");
        let rows = usize::try_from(hours * 6).expect("a few rows");
        assert_eq!(file.lines().count(), 1 + rows, "{zone}");
    }
}

fn the_zone_of_the_command_line_wins_over_that_of_the_settings() {
    let outcome = Lab::colab_gpu4()
        .settings("timezone = \"Asia/Taipei\"")
        .run(&["2025-08-01", "--timezone", "Asia/Kathmandu"])
        .exits(0);
    let start = 1_753_985_700;
    let day = Day {
        zone: Tz::Asia__Kathmandu,
        start,
        end: start + 24 * HOUR,
    };
    day.check_gpu_files(&outcome, NODE, outcome.world().cluster.node(NODE));
}

fn rows_are_as_long_as_the_settings_say() {
    let day = Day::utc();
    for (text, interval) in [("5m", 300), ("1h", 3600), ("60s", 60)] {
        let outcome = Lab::colab_gpu4()
            .settings(&format!("interval = \"{text}\""))
            .run(&["2025-08-01"])
            .exits(0)
            .stderr_is("");
        let node = outcome.world().cluster.node(NODE);
        for (index, card) in [(0, 1), (7, 57)] {
            let expected = day.csv(interval, |metric, stamp| {
                expected_text(node, metric, card, stamp, interval)
            });
            let file = outcome.of_day(NODE, "2025-08-01", &format!("gpu{index}"));
            assert_eq!(file, expected, "{text}");
        }
    }
}
