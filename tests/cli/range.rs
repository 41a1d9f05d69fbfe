//! Several days in one run.

use crate::simulated_cluster::SimulatedNode;
use crate::support::{HOUR, Lab, MIDNIGHT};
use pretty_assertions::assert_eq;

#[test]
fn a_range_is_collected_oldest_first_a_line_a_day() {
    let outcome = Lab::colab_gpu4()
        .run(&["2025-07-31", "--to", "2025-08-02"])
        .exits(0)
        .stderr_is("")
        .stdout_is(
            "2025-07-31：完整，節點 1/1，讀數 1152/1152（100.0%）\n\
             2025-08-01：完整，節點 1/1，讀數 1152/1152（100.0%）\n\
             2025-08-02：完整，節點 1/1，讀數 1152/1152（100.0%）\n\
             完成：3 天中 3 天完整，讀數 3456/3456（100.0%）\n",
        );
    let days = ["2025-07-31", "2025-08-01", "2025-08-02"];
    assert!(
        days.iter()
            .all(|day| outcome.of_day("colab-gpu4", day, "gpu7").lines().count() == 145)
    );
    let requests = outcome.world().cluster.requests("colab-gpu4");
    let asked: Vec<_> = requests
        .iter()
        .map(|seen| seen.target.contains("before=1754006400"))
        .collect();
    assert_eq!(asked, [true, false, false]);
}

#[test]
fn a_failed_day_does_not_end_the_range() {
    let forgotten = SimulatedNode::new("colab-gpu4").samples_from(MIDNIGHT + 12 * HOUR);
    Lab::new()
        .node(forgotten)
        .run(&["2025-07-30", "--to", "2025-08-02"])
        .exits(3)
        .stderr_has("沒有任何 AMD GPU 的讀數")
        .stdout_is(
            "2025-07-30：失敗，節點 0/1，讀數 0/1152（0.0%）\n\
             2025-07-31：失敗，節點 0/1，讀數 0/1152（0.0%）\n\
             2025-08-01：有缺漏，節點 1/1，讀數 576/1152（50.0%）\n\
             2025-08-02：完整，節點 1/1，讀數 1152/1152（100.0%）\n\
             完成：4 天中 1 天完整、1 天有缺漏、2 天失敗，讀數 1728/4608（37.5%）\n",
        );
}

#[test]
fn a_range_as_json_has_an_object_for_each_day() {
    let json = Lab::colab_gpu4()
        .run(&["2025-07-31", "--to", "2025-08-01", "--json"])
        .exits(0)
        .json();
    let dates: Vec<_> = json["days"]
        .as_array()
        .expect("days")
        .iter()
        .map(|day| &day["date"])
        .collect();
    assert_eq!(dates, ["2025-07-31", "2025-08-01"]);
}

#[test]
fn a_date_that_nobody_wrote_is_named_where_the_range_is_reversed() {
    for (arguments, hint) in [
        (
            &["--to", "2025-08-01"][..],
            "（沒有寫 DATE 時是 today）：請先寫較早的日期",
        ),
        (
            &["users", "--to", "2025-08-01"],
            "（沒有寫 DATE 時是 yesterday）：請先寫較早的日期",
        ),
    ] {
        Lab::colab_gpu4()
            .run(arguments)
            .exits(2)
            .stderr_has("--to 2025-08-01 早於 ")
            .stderr_has(hint)
            .writes_nothing();
    }
}

#[test]
fn a_range_that_makes_no_sense_is_refused() {
    for (arguments, said) in [
        (
            ["2025-08-02", "--to", "2025-08-01"],
            "--to 2025-08-01 早於 2025-08-02：請先寫較早的日期",
        ),
        (["2025-08-01", "--to", "2999-01-01"], "尚未開始"),
        (["2025-08-01", "--to", "soon"], "格式不正確"),
    ] {
        Lab::colab_gpu4()
            .run(&arguments)
            .exits(2)
            .stderr_has(said)
            .writes_nothing();
    }
}

#[test]
fn a_day_that_the_zone_skipped_is_left_out_of_a_range() {
    // The simulated agent, like a real one, has nothing from so long ago.
    Lab::colab_gpu4()
        .run(&[
            "2011-12-29",
            "--to",
            "2011-12-31",
            "--timezone",
            "Pacific/Apia",
        ])
        .exits(1)
        .stdout_is(
            "2011-12-29：失敗，節點 0/1，讀數 0/1152（0.0%）\n2011-12-31：失敗，節點 0/1，讀數 0/1152（0.0%）\n\
             失敗：2 天中 2 天失敗，讀數 0/2304（0.0%）\n",
        );
}

#[test]
fn a_range_as_json_names_the_days_that_failed() {
    let world = Lab::colab_gpu4().start();
    // A file stands where the day's directory would.
    world.write("data/colab-gpu4/2025-08-01", "");
    let outcome = world
        .run(&["2025-07-31", "--to", "2025-08-01", "--json"])
        .exits(3);
    let json = outcome.json();
    assert_eq!(json["exit_status"], 3);
    assert_eq!(json["days"][0]["exit_status"], 0);
    assert_eq!(json["days"][1]["notices"][0]["code"], "not_written");
}
