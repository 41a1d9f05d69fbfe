//! Whoever waits for a run is told how it ended.

use pretty_assertions::assert_eq;

use crate::simulated_cluster::{
    Fault, SimulatedApi, SimulatedNode, SimulatedReceiver, SimulatedTask,
};
use crate::support::{DATE, Day, HOUR, Lab, MIDNIGHT, TOKEN, World, message, signals, texts};

const LINE: &str = "2025-08-01：完整，節點 1/1，讀數 1152/1152（100.0%）";

/// The table that names a monitor and a chat.
fn telling(monitor: &SimulatedReceiver, chat: &SimulatedReceiver, keys: &str) -> String {
    let (monitor, chat) = (monitor.url(), chat.url());
    format!("[notify]\nhealthcheck_url = \"{monitor}/ping\"\nwebhook_url = \"{chat}/hook\"\n{keys}")
}

fn both() -> (SimulatedReceiver, SimulatedReceiver) {
    (SimulatedReceiver::start(), SimulatedReceiver::start())
}

/// What the monitor is told of a run that begins, and that ends like this.
fn begun_and_ended(status: u8, text: &str) -> Vec<(String, String)> {
    vec![
        ("start".to_owned(), String::new()),
        (status.to_string(), text.to_owned()),
    ]
}

#[test]
fn of_a_complete_day_only_the_monitor_is_told() {
    let (monitor, chat) = both();
    let settings = telling(&monitor, &chat, "");
    let _ = Lab::colab_gpu4()
        .tables(&settings)
        .run(&[DATE])
        .exits(0)
        .stderr_is("");
    let text = message("完整（2025-08-01）", &[LINE], 0);
    assert_eq!(signals(&monitor), begun_and_ended(0, &text));
    assert_eq!(texts(&chat), [""; 0]);
}

#[test]
fn people_are_told_of_every_run_if_they_want_to() {
    let (monitor, chat) = both();
    let settings = telling(&monitor, &chat, "when = \"always\"");
    let _ = Lab::colab_gpu4().tables(&settings).run(&[DATE]).exits(0);
    let text = message("完整（2025-08-01）", &[LINE], 0);
    assert_eq!(signals(&monitor), begun_and_ended(0, &text));
    assert_eq!(texts(&chat), [text]);
}

#[test]
fn the_requests_are_those_that_monitors_and_chats_take() {
    let (monitor, chat) = both();
    let settings = telling(&monitor, &chat, "when = \"always\"")
        .replace("/ping", "/ping?create=1")
        .replace("/hook", "/hook?tpl=1&m={{.text}}");
    let _ = Lab::colab_gpu4().tables(&settings).run(&[DATE]).exits(0);
    let heads = |receiver: &SimulatedReceiver| -> Vec<_> {
        let requests = receiver.requests().into_iter();
        let head = requests.map(|seen| {
            let header = |name| seen.header(name).unwrap_or_default().to_owned();
            let (kind, agent) = (header("content-type"), header("user-agent"));
            (seen.method, seen.target, kind, agent)
        });
        head.collect()
    };
    let agent = concat!("daily-gpu-log/", env!("CARGO_PKG_VERSION"));
    let head = |target: &str, kind: &str| {
        let [method, target, kind, agent] = ["POST", target, kind, agent].map(str::to_owned);
        (method, target, kind, agent)
    };
    assert_eq!(
        heads(&monitor),
        [
            head("/ping/start?create=1", "text/plain; charset=utf-8"),
            head("/ping/0?create=1", "text/plain; charset=utf-8"),
        ]
    );
    assert_eq!(
        heads(&chat),
        [head("/hook?tpl=1&m={{.text}}", "application/json")]
    );
}

#[test]
fn errors_and_warnings_are_told_as_on_stderr() {
    let (monitor, chat) = both();
    let world = Lab::new()
        .node(SimulatedNode::new("down").fault(Fault::Refuse))
        .node(SimulatedNode::new("gappy").gap(1, MIDNIGHT, MIDNIGHT + 25 * HOUR))
        .node_settings("gappy", "cards = [1, 9, 17, 25, 33, 41, 49]")
        .tables(&telling(&monitor, &chat, ""))
        .start();
    let outcome = world.run(&[DATE]).exits(3);
    let printed: Vec<_> = outcome.stderr.lines().collect();
    assert_eq!(printed.len(), 3, "{printed:#?}");
    let day = "2025-08-01：不完整，節點 1/2，讀數 864/2160（40.0%）";
    let lines: Vec<_> = [day].into_iter().chain(printed).collect();
    let text = message("不完整（2025-08-01）", &lines, 3);
    assert_eq!(signals(&monitor), begun_and_ended(3, &text));
    assert_eq!(texts(&chat), [text]);
}

#[test]
fn a_day_with_nothing_but_a_warning_is_a_problem() {
    let (monitor, chat) = both();
    let world = Lab::colab_gpu4()
        .node_settings("colab-gpu4", "cards = [1, 9, 17, 25, 33, 41, 49]")
        .tables(&telling(&monitor, &chat, ""))
        .start();
    let _ = world.run(&[DATE]).exits(0);
    let text = message(
        "完整，但有警告（2025-08-01）",
        &[
            "2025-08-01：完整，節點 1/1，讀數 1008/1008（100.0%）",
            "警告：colab-gpu4 有設定中沒有的 Card 57，未寫入：請將它加入該節點的 cards",
        ],
        0,
    );
    assert_eq!(texts(&chat), [text.as_str()]);
    assert_eq!(signals(&monitor), begun_and_ended(0, &text));
}

#[test]
fn of_a_range_every_day_is_told() {
    let (monitor, chat) = both();
    let world = Lab::new()
        .node(SimulatedNode::new("colab-gpu4").samples_from(MIDNIGHT + 12 * HOUR))
        .tables(&telling(&monitor, &chat, ""))
        .start();
    let range = ["2025-07-31", "--to", "2025-08-02"];
    let outcome = world.run(&range).exits(3);
    let text = message(
        "不完整（2025-07-31 到 2025-08-02）",
        &[
            "2025-07-31：失敗，節點 0/1，讀數 0/1152（0.0%）",
            &outcome.stderr.trim_end().replace("2025-07-31：", ""),
            "2025-08-01：有缺漏，節點 1/1，讀數 576/1152（50.0%）",
            "2025-08-02：完整，節點 1/1，讀數 1152/1152（100.0%）",
        ],
        3,
    );
    assert_eq!(signals(&monitor), begun_and_ended(3, &text));
    assert_eq!(texts(&chat), [text]);
}

#[test]
fn what_is_caught_up_with_is_told_day_by_day() {
    let (monitor, chat) = both();
    // What Netdata has forgotten of the day before is asked for once.
    let world = Lab::new()
        .node(SimulatedNode::new("colab-gpu4").samples_from(MIDNIGHT - 12 * HOUR))
        .tables(&telling(&monitor, &chat, "when = \"always\""))
        .start();
    let caught_up = [DATE, "--catch-up", "1"];
    let first = world.run(&caught_up).exits(0);
    let second = world
        .run(&caught_up)
        .exits(0)
        .stdout_has("2025-07-31：不再收集");
    let told = [
        ("有缺漏（2025-07-31 到 2025-08-01）", first),
        ("完整（2025-08-01）", second),
    ]
    .map(|(verdict, outcome)| {
        let mut lines: Vec<_> = outcome.stdout.lines().collect();
        lines.retain(|line| !line.starts_with("完成："));
        message(verdict, &lines, 0)
    });
    assert_eq!(texts(&chat), told);
}

#[test]
fn a_result_that_nobody_could_read_is_told() {
    let (monitor, chat) = both();
    let world = Lab::colab_gpu4()
        .tables(&telling(&monitor, &chat, ""))
        .start();
    let outcome = world
        .run_in_shell("exec \"$@\" >/dev/full", &[DATE])
        .exits(3);
    let why = "錯誤：無法寫到標準輸出：No space left on device (os error 28)";
    assert_eq!(outcome.stderr.trim_end(), why);
    let text = message("不完整（2025-08-01）", &[why, LINE], 3);
    assert_eq!(texts(&chat), [text.as_str()]);
    assert_eq!(signals(&monitor), begun_and_ended(3, &text));
}

#[test]
fn a_metrics_file_that_could_not_be_written_is_told_as_on_stderr() {
    let (monitor, chat) = both();
    let world = Lab::colab_gpu4()
        .tables(&telling(&monitor, &chat, ""))
        .start();
    let outcome = world
        .run(&["--metrics-file", "missing/run.prom", DATE])
        .exits(3)
        .stdout_has("colab-gpu4：讀數");
    let why = outcome.stderr.trim_end();
    assert!(
        why.starts_with("錯誤：無法寫入 missing/run.prom："),
        "{why}"
    );
    let text = message("不完整（2025-08-01）", &[why, LINE], 3);
    assert_eq!(texts(&chat), [text.as_str()]);
    assert_eq!(signals(&monitor), begun_and_ended(3, &text));
}

#[test]
fn what_nobody_could_read_of_a_range_is_told_once() {
    let (monitor, chat) = both();
    let world = Lab::colab_gpu4()
        .tables(&telling(&monitor, &chat, ""))
        .start();
    let _ = world
        .run_in_shell("exec \"$@\" >/dev/full", &[DATE, "--to", "2025-08-02"])
        .exits(3);
    let lines = [
        "錯誤：無法寫到標準輸出：No space left on device (os error 28)",
        LINE,
        &LINE.replace(DATE, "2025-08-02"),
    ];
    let text = message("不完整（2025-08-01 到 2025-08-02）", &lines, 3);
    assert_eq!(texts(&chat), [text.as_str()]);
}

/// A run that an error ends: its message, which is that on stderr, is told by every channel.
#[track_caller]
fn the_error_is_told(world: &World, arguments: &[&str], status: u8, verdict: &str) {
    let (monitor, chat) = both();
    let settings = world.read("daily-gpu-log.toml");
    let told = settings.clone() + &telling(&monitor, &chat, "");
    world.write("daily-gpu-log.toml", &told);
    let outcome = world.run(arguments).exits(status.into()).stdout_is("");
    world.write("daily-gpu-log.toml", &settings);
    let line = outcome.stderr.trim_end();
    assert!(line.starts_with("錯誤：") && !line.contains('\n'), "{line}");
    let text = message(verdict, &[line], status);
    assert_eq!(signals(&monitor), begun_and_ended(status, &text));
    assert_eq!(texts(&chat), [text]);
}

#[test]
fn a_run_without_a_token_is_told() {
    let world = Lab::colab_gpu4().token(None).start();
    the_error_is_told(&world, &[DATE], 10, "設定或憑證錯誤（2025-08-01）");
}

#[test]
fn a_data_directory_that_cannot_be_written_is_told() {
    let world = Lab::colab_gpu4().start();
    world.write("data", "a file");
    the_error_is_told(&world, &[DATE], 1, "失敗（2025-08-01）");
}

#[test]
fn a_day_of_which_nothing_has_passed_is_told() {
    let today = Day::now_in_hour(0);
    let world = Lab::colab_gpu4()
        .settings(&format!(
            "timezone = \"{}\"\ninterval = \"60m\"",
            today.zone
        ))
        .start();
    let verdict = format!("失敗（{}）", today.date());
    the_error_is_told(&world, &[], 1, &verdict);
}

#[test]
fn a_day_that_is_still_to_come_is_told() {
    let world = Lab::colab_gpu4().start();
    the_error_is_told(&world, &["2999-01-01"], 2, "用法錯誤（2999-01-01）");
}

#[test]
fn a_data_directory_that_another_run_holds_is_told() {
    let world = Lab::colab_gpu4().start();
    let _ = world.run(&[DATE]).exits(0);
    let path = world.path("data/.daily-gpu-log/lock");
    let lock = std::fs::File::open(path).expect("the lock");
    lock.lock().expect("the lock is free");
    let verdict = "資料目錄正由另一次執行使用（2025-08-01）";
    the_error_is_told(&world, &[DATE], 11, verdict);
}

#[test]
fn a_node_that_the_settings_do_not_name_is_told() {
    let world = Lab::colab_gpu4().start();
    the_error_is_told(&world, &[DATE, "--node", "colab-gpu5"], 2, "用法錯誤");
}

#[test]
fn nobody_is_told_of_what_collects_nothing() {
    let (monitor, chat) = both();
    let task = SimulatedTask::new("t1", "alice", "colab-gpu4").gpu(1, "APU-1");
    let world = Lab::colab_gpu4()
        .api(SimulatedApi::new(TOKEN).task(task))
        .tables(&telling(&monitor, &chat, "when = \"always\""))
        .start();
    let _ = world.run(&[DATE, "--user-report"]).exits(0);
    let _ = world.run(&[DATE, "--dry-run"]).exits(0);
    let _ = world.run(&["status"]);
    let _ = world.run(&["completions", "bash"]).exits(0);
    let _ = world.run(&["man"]).exits(0);
    let _ = world.run(&["--help"]).exits(0);
    let _ = world.run(&["2025-02-30"]).exits(2);
    assert_eq!(signals(&monitor), []);
    assert_eq!(texts(&chat), [""; 0]);
}

#[test]
fn of_more_than_a_message_has_room_for_the_rest_is_counted() {
    let (monitor, chat) = both();
    let failing = Fault::status(500, &"x".repeat(190));
    let node = |number| SimulatedNode::new(&format!("colab-gpu{number}")).fault(failing.clone());
    let lab = (100..120).map(node).fold(Lab::new(), Lab::node);
    let world = lab.tables(&telling(&monitor, &chat, "")).start();
    let outcome = world.run(&[DATE]).exits(1);
    let all: Vec<_> = ["2025-08-01：失敗，節點 0/20，讀數 0/23040（0.0%）"]
        .into_iter()
        .chain(outcome.stderr.lines())
        .collect();
    assert_eq!(all.len(), 14);
    let (_, body) = signals(&monitor).remove(1);
    assert_eq!(body, message("失敗（2025-08-01）", &all, 1));
    let text = texts(&chat).remove(0);
    assert!((3500..=4000).contains(&text.len()), "{}", text.len());
    let lines = text.lines().filter(|line| line.starts_with("錯誤："));
    let sent = lines.count() + 1;
    let mark = format!("…（還有 {} 行未列出）", all.len() - sent);
    let lines: Vec<_> = all[..sent].iter().copied().chain([mark.as_str()]).collect();
    assert_eq!(text, message("失敗（2025-08-01）", &lines, 1));
}
