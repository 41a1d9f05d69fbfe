//! The day's tasks: what the management API is asked, and what its answer makes of the user column and the summary.

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::simulated_cluster::{SimulatedApi, SimulatedTask};
use crate::support::{DATE, HOUR, Lab, MIDNIGHT, Outcome, TOKEN};

/// Midnight of the next day.
const END: i64 = MIDNIGHT + 24 * HOUR;

/// A task that holds the GPU of card 25, which is GPU[3].
fn task(id: &str, user: &str) -> SimulatedTask {
    SimulatedTask::new(id, user, "colab-gpu4").gpu(25, "APU-70cb99ce3e214bda")
}

/// The users of GPU[3].
#[track_caller]
fn users(outcome: &Outcome) -> String {
    outcome.users("colab-gpu4", DATE)[3].clone()
}

#[track_caller]
fn summary(outcome: &Outcome) -> String {
    outcome.of_day("colab-gpu4", DATE, "summary")
}

#[test]
fn the_api_is_asked_once_for_the_day_as_the_documents_ask_it() {
    let outcome = Lab::colab_gpu4()
        .task(task("t1", "alice"))
        .run(&[DATE])
        .exits(0);
    let requests = outcome.world().cluster.api_requests();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}");
    };
    assert_eq!(
        request.target,
        "/api/v2/consumption/task?start_t=2025-08-01+00%3A00%3A00&end_t=2025-08-01+23%3A59%3A59"
    );
    assert_eq!(request.header("accept"), Some("application/json"));
    // The simulation takes no other token than its own, and answers the task only with it.
    assert_eq!(request.header("authorization"), Some("(redacted)"));
    assert_eq!(users(&outcome), "alice");
}

#[test]
fn the_api_is_asked_for_the_days_seconds_on_its_own_clock() {
    for (day_zone, api_zone, date, start, end) in [
        (
            "UTC",
            "UTC",
            DATE,
            "2025-08-01 00:00:00",
            "2025-08-01 23:59:59",
        ),
        (
            "Asia/Taipei",
            "UTC",
            DATE,
            "2025-07-31 16:00:00",
            "2025-08-01 15:59:59",
        ),
        (
            "UTC",
            "Asia/Taipei",
            DATE,
            "2025-08-01 08:00:00",
            "2025-08-02 07:59:59",
        ),
        (
            "Asia/Taipei",
            "Asia/Taipei",
            DATE,
            "2025-08-01 00:00:00",
            "2025-08-01 23:59:59",
        ),
        // Days of 23 and 25 hours.
        (
            "Europe/Berlin",
            "UTC",
            "2025-03-30",
            "2025-03-29 23:00:00",
            "2025-03-30 21:59:59",
        ),
        (
            "Europe/Berlin",
            "UTC",
            "2025-10-26",
            "2025-10-25 22:00:00",
            "2025-10-26 22:59:59",
        ),
    ] {
        let outcome = Lab::colab_gpu4()
            .settings(&format!("timezone = \"{day_zone}\""))
            .tables(&format!("timezone = \"{api_zone}\""))
            .run(&[date])
            .exits(0);
        let requests = outcome.world().cluster.api_requests();
        let encoded = |stamp: &str| stamp.replace(' ', "+").replace(':', "%3A");
        assert_eq!(
            requests[0].target,
            format!(
                "/api/v2/consumption/task?start_t={}&end_t={}",
                encoded(start),
                encoded(end)
            ),
            "a day of {day_zone} on a clock of {api_zone}"
        );
    }
}

#[test]
fn a_task_of_the_days_last_hours_is_found_by_an_api_whose_clock_is_ahead() {
    let outcome = Lab::colab_gpu4()
        .api(
            SimulatedApi::new(TOKEN)
                .utc_offset(8 * HOUR)
                .task(task("t1", "alice").start(END - HOUR)),
        )
        .tables("timezone = \"Asia/Taipei\"")
        .run(&[DATE])
        .exits(0)
        .stderr_is("");
    assert_eq!(users(&outcome), "alice");
}

#[test]
fn every_user_of_a_gpu_is_named_once_in_order_of_first_hold() {
    let outcome = Lab::colab_gpu4()
        .task(task("a", "carol").start(MIDNIGHT + 9 * HOUR))
        .task(
            task("b", "alice")
                .start(MIDNIGHT + 5 * HOUR)
                .end(MIDNIGHT + 6 * HOUR),
        )
        .task(task("c", "bob").start(MIDNIGHT - HOUR).end(MIDNIGHT + HOUR))
        .task(
            task("d", "alice")
                .start(MIDNIGHT + 2 * HOUR)
                .end(MIDNIGHT + 3 * HOUR),
        )
        .task(
            task("e", "bob")
                .start(MIDNIGHT + 7 * HOUR)
                .end(MIDNIGHT + 8 * HOUR),
        )
        .run(&[DATE])
        .exits(0)
        .stderr_is("");
    assert_eq!(users(&outcome), "bob;alice;carol");
    let summary = summary(&outcome);
    assert!(summary.contains("(使用者: bob;alice;carol)\n"), "{summary}");
    let blocks: Vec<_> = summary
        .lines()
        .filter_map(|line| line.strip_prefix("  GPU 25: "))
        .collect();
    assert_eq!(blocks, ["bob", "alice", "alice", "bob", "carol"]);
}

#[test]
fn a_task_holds_only_what_lies_in_the_day() {
    let (before, first) = (
        "Thu, 31 Jul 2025 23:00:00 GMT",
        "Fri, 01 Aug 2025 00:00:00 GMT",
    );
    let (last, next) = (
        "Fri, 01 Aug 2025 23:59:59 GMT",
        "Sat, 02 Aug 2025 00:00:00 GMT",
    );
    for (start, end, expected) in [
        (before, Some(first), "未使用"),
        (before, Some("Fri, 01 Aug 2025 00:00:01 GMT"), "alice"),
        (before, None, "alice"),
        (first, Some(next), "alice"),
        (first, Some(first), "未使用"),
        (last, Some(next), "alice"),
        (last, None, "alice"),
        (next, None, "未使用"),
        // The same moments in another zone.
        (
            "Fri, 01 Aug 2025 07:00:00 +0800",
            Some("Fri, 01 Aug 2025 08:00:00 +0800"),
            "未使用",
        ),
    ] {
        let task = json!({
            "username": "alice", "hostname": "colab-gpu4", "gpus": [{"id": 25}], "start": start, "end": end,
        });
        let outcome = Lab::colab_gpu4()
            .raw_task("t1", task)
            .run(&[DATE])
            .exits(0)
            .stderr_is("");
        assert_eq!(users(&outcome), expected, "{start} to {end:?}");
    }
}

#[test]
fn the_day_of_another_zone_decides_what_a_task_holds() {
    // Until 2025-07-31 17:00 GMT, which is 2025-08-01 01:00 in Taipei.
    let lab = || Lab::colab_gpu4().task(task("t1", "alice").end(MIDNIGHT - 7 * HOUR));
    let in_taipei = lab().run(&["--timezone", "Asia/Taipei", DATE]).exits(0);
    assert_eq!(users(&in_taipei), "alice");
    assert_eq!(users(&lab().run(&[DATE]).exits(0)), "未使用");
}

#[test]
fn without_task_information_the_api_is_not_contacted_and_the_summary_says_so() {
    let outcome = Lab::colab_gpu4()
        .task(task("t1", "alice"))
        .token(None)
        .run(&["--skip-task-info", DATE])
        .exits(0)
        .stderr_is("");
    assert!(outcome.world().cluster.api_requests().is_empty());
    assert_eq!(users(&outcome), "未使用");
    let summary = summary(&outcome);
    assert!(!summary.contains("GPU 使用者任務資訊"), "{summary}");
    assert_eq!(
        summary.matches("(使用者: 無任務資訊)").count(),
        8,
        "{summary}"
    );
    assert!(
        summary.ends_with(
            "\n\n沒有任務資訊 (不代表 GPU 無人使用):\n未查詢管理 API (--skip-task-info)\n\
             ================================\n"
        ),
        "{summary}"
    );
}
