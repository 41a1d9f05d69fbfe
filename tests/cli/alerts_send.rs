//! Telling the admin and the users of idle GPUs, by `alerts --send`: once, whatever happens.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::no_threads::{ALONE, NO_ROOM};
use crate::simulated_cluster::{Fault, SimulatedNode, SimulatedReceiver, SimulatedTask};
use crate::support::{DATE, Day, HOUR, Lab, Outcome, World, texts};

const MEMORY: &str = "data/.daily-gpu-log/alerts.json";
const SEND: [&str; 3] = ["alerts", "yesterday", "--send"];
const RULE: &str = "規則 default：閒置達 20 GPU 小時，且達時數的 50%，涵蓋率至少 90%";

/// Yesterday, in a zone where it is noon.
fn yesterday() -> Day {
    let today = Day::now_in_hour(12);
    Day {
        start: today.start - 24 * HOUR,
        end: today.start,
        ..today
    }
}

/// A collected yesterday in which alice's GPU does nothing for all of it, and bob's for 20 hours.
fn world(tables: &str) -> World {
    let Day { zone, start, .. } = yesterday();
    let held = |id: &str, user: &str, card: u32, hours: i64| {
        let task = SimulatedTask::new(id, user, "gpu-a").gpu(card, &format!("APU-{card}"));
        task.start(start).end(start + hours * HOUR)
    };
    let node = SimulatedNode::new("gpu-a").cards(&[1, 9]);
    let world = Lab::new()
        .settings(&format!("timezone = \"{zone}\""))
        .node(node.constant(1, 0.0, 80.0).constant(9, 1.0, 1.0))
        .task(held("t1", "alice", 1, 24))
        .task(held("t2", "bob", 9, 20))
        .tables(&format!(
            "[alerts]\nwindow_days = 1\nmin_idle_hours = 20\n{tables}"
        ))
        .start();
    // Collecting has its own tests of whom it tells.
    let settings = world.read("daily-gpu-log.toml");
    world.write(
        "collecting.toml",
        settings.split("[notify").next().expect("a part"),
    );
    let _ = world
        .run(&["--config", "collecting.toml", "yesterday"])
        .exits(0);
    world
}

fn chat(chat: &SimulatedReceiver, keys: &str) -> String {
    format!("[notify]\nwebhook_url = \"{}/hook\"\n{keys}", chat.url())
}

/// A mail server that nobody listens at.
fn no_mail_server() -> (u16, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let table = format!(
        "[notify.smtp]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\n\
         from = \"gpulog@example.org\"\nto = [\"admin@example.org\"]\n\
         [users]\nbob = \"bob@example.org\"\ncarol = \"carol@example.org\"\n"
    );
    (port, table)
}

/// The notice for the admin, with these lines first.
fn notice(lines: &[&str]) -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").expect("a host name");
    let (host, version) = (name.trim_end(), env!("CARGO_PKG_VERSION"));
    let (count, date) = (2, yesterday().date());
    let lines = lines.join("\n");
    format!(
        "daily-gpu-log {host}：{count} 位使用者的 GPU 閒置（{date} 到 {date}）\n\n{lines}\n{RULE}\n\
         詳情請在主機上執行 daily-gpu-log alerts\n\n主機 {host}，daily-gpu-log {version}\n"
    )
}

fn notices(outcome: &Outcome) -> Vec<String> {
    let json = outcome.json();
    let alerts = json["alerts"].as_array().expect("alerts").iter();
    let notice = alerts.map(|alert| alert["notice"].as_str().expect("a notice").to_owned());
    notice.collect()
}

fn memory(world: &World) -> Value {
    serde_json::from_str(&world.read(MEMORY)).expect("JSON")
}

#[test]
fn the_admin_gets_one_notice_and_outsiders_no_names() {
    let receiver = SimulatedReceiver::start();
    let world = world(&chat(&receiver, ""));
    let outcome = world.run(&SEND).exits(0).stderr_is("").stdout_has("alice");
    assert_eq!(
        outcome.stdout.matches("  已通知  ").count(),
        2,
        "{}",
        outcome.stdout
    );
    assert_eq!(
        texts(&receiver),
        [notice(&["規則 default：2 位使用者達到門檻"])]
    );
}

#[test]
fn the_notice_names_users_where_the_settings_say_so() {
    let receiver = SimulatedReceiver::start();
    let world = world(&chat(&receiver, "include_users = true"));
    let _ = world.run(&SEND).exits(0);
    let text = notice(&[
        "alice（規則 default）：閒置 24.00 GPU 小時，占時數 24.00 GPU 小時的 100.00%，涵蓋率 100.00%",
        "bob（規則 default）：閒置 20.00 GPU 小時，占時數 20.00 GPU 小時的 100.00%，涵蓋率 100.00%",
    ]);
    assert_eq!(texts(&receiver), [text]);
}

#[test]
fn the_monitor_of_the_collection_is_not_told() {
    let (receiver, monitor) = (SimulatedReceiver::start(), SimulatedReceiver::start());
    let keys = format!("healthcheck_url = \"{}/ping\"", monitor.url());
    let world = world(&chat(&receiver, &keys));
    let _ = world.run(&SEND).exits(0);
    assert_eq!(
        (receiver.requests().len(), monitor.requests().len()),
        (1, 0)
    );
}

#[test]
fn quiet_leaves_it_to_the_notice() {
    let receiver = SimulatedReceiver::start();
    let world = world(&chat(&receiver, ""));
    let quiet = [&SEND[..], &["-q"]].concat();
    let _ = world.run(&quiet).exits(0).stdout_is("").stderr_is("");
    assert_eq!(texts(&receiver).len(), 1);
}

#[test]
fn of_two_runs_at_once_one_tells() {
    let receiver = SimulatedReceiver::start();
    let world = world(&chat(&receiver, ""));
    let start = || {
        let mut sending = world.command(&[&SEND[..], &["--wait", "30"]].concat());
        sending.stdout(Stdio::null()).spawn().expect("it starts")
    };
    let runs: Vec<_> = (0..4).map(|_| start()).collect();
    for mut run in runs {
        assert!(run.wait().expect("its end").success());
    }
    assert_eq!(texts(&receiver).len(), 1);
}

#[test]
fn without_send_nobody_is_told_and_nothing_is_written() {
    let receiver = SimulatedReceiver::start();
    let world = world(&chat(&receiver, ""));
    let _ = world
        .run(&["alerts", "yesterday"])
        .exits(0)
        .stdout_has("  未通知  ");
    assert_eq!(texts(&receiver), [""; 0]);
    assert!(!world.path(MEMORY).exists());
}

#[test]
fn a_user_is_told_of_a_rule_once_in_the_window() {
    let receiver = SimulatedReceiver::start();
    let world = world(&chat(&receiver, ""));
    let _ = world.run(&SEND).exits(0);
    let file = fs::metadata(world.path(MEMORY)).expect("the file");
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    let again = world.run(&[&SEND[..], &["--json"]].concat()).exits(0);
    assert_eq!(notices(&again), ["recent", "recent"]);
    assert_eq!(texts(&receiver).len(), 1);
    let last = &again.json()["alerts"][0]["last_notice"];
    assert_eq!(
        (&last["admin"], &last["mail"]),
        (&json!("delivered"), &json!(null))
    );
    let time = last["time"].as_str().expect("a time").to_owned();
    let line = format!("不重複通知  {time}（管理員已送達，使用者未寄）\n");
    let _ = world
        .run(&["alerts", "yesterday"])
        .exits(0)
        .stdout_has(&line);
    // As if alice had been told more than a day ago, and bob less.
    let mut old = memory(&world);
    for (reminder, hours) in [(0, 25), (1, 23)] {
        let at = &mut old["reminders"][reminder]["at"];
        *at = json!(at.as_i64().expect("a stamp") - hours * HOUR);
    }
    world.write(MEMORY, &old.to_string());
    let later = world.run(&[&SEND[..], &["--json"]].concat()).exits(0);
    assert_eq!(notices(&later), ["sent", "recent"]);
    let told = texts(&receiver);
    assert_eq!(told.len(), 2);
    assert!(
        told[1].contains("規則 default：1 位使用者達到門檻"),
        "{told:?}"
    );
}

/// A run that sends, once it has begun to tell the receiver.
fn sending_to(receiver: &SimulatedReceiver, world: &World) -> Child {
    let mut sending = world.command(&SEND);
    let sending = sending.stdout(Stdio::null()).stderr(Stdio::null());
    let sending = sending.spawn().expect("it starts");
    let until = Instant::now() + Duration::from_secs(20);
    while receiver.requests().is_empty() {
        assert!(Instant::now() < until, "nobody is told");
        thread::sleep(Duration::from_millis(5));
    }
    sending
}

#[test]
fn a_run_that_is_killed_while_it_tells_is_not_repeated() {
    let receiver = SimulatedReceiver::with(Fault::HangBeforeHeaders);
    let world = world(&chat(&receiver, "timeout = \"60s\""));
    let mut sending = sending_to(&receiver, &world);
    sending.kill().expect("it runs");
    sending.wait().expect("its end");
    let again = world.run(&[&SEND[..], &["--json"]].concat()).exits(0);
    assert_eq!(notices(&again), ["recent", "recent"]);
    let last = &again.json()["alerts"][0]["last_notice"];
    assert_eq!(last["admin"], "unknown");
    assert_eq!(receiver.requests().len(), 1);
    let _ = world
        .run(&["alerts", "yesterday"])
        .stdout_has("（管理員結果不明，");
}

#[test]
fn nobody_waits_for_the_data_directory_while_others_are_told() {
    let receiver = SimulatedReceiver::with(Fault::HangBeforeHeaders);
    let world = world(&chat(&receiver, "timeout = \"60s\""));
    let mut sending = sending_to(&receiver, &world);
    let _ = world
        .run(&["--config", "collecting.toml", "yesterday"])
        .exits(0);
    sending.kill().expect("it runs");
    sending.wait().expect("its end");
}

#[test]
fn what_fails_is_a_warning_and_is_not_sent_again() {
    let receiver = SimulatedReceiver::with(Fault::status(500, ""));
    let (port, mail) = no_mail_server();
    let world = world(&chat(&receiver, &mail));
    let outcome = world.run(&[&SEND[..], &["--json"]].concat()).exits(3);
    let refused = |address: &str| {
        format!(
            "警告：無法寄信給 {address}（經由 127.0.0.1:{port}）：連線失敗：Connection refused (os error 111)"
        )
    };
    assert_eq!(notices(&outcome), ["failed", "failed"]);
    assert_eq!(outcome.json()["exit_status"], 3);
    let outcome = outcome
        .stderr_has(&format!("警告：無法通知 {}/…", receiver.url()))
        .stderr_has(&refused("admin@example.org"))
        .stderr_has(&refused("bob@example.org"))
        .stderr_lacks("carol");
    let alerts = &outcome.json()["alerts"];
    let sent = |position: usize| {
        let last = &alerts[position]["last_notice"];
        (last["admin"].clone(), last["mail"].clone())
    };
    assert_eq!(sent(0), (json!("failed"), json!(null)));
    assert_eq!(sent(1), (json!("failed"), json!("failed")));
    assert_eq!(memory(&world)["reminders"][1]["mail"], "failed");
    let tries = receiver.requests().len();
    let again = world.run(&SEND).exits(0).stderr_is("");
    let _ = again.stdout_has("（管理員失敗，使用者失敗）\n");
    assert_eq!(receiver.requests().len(), tries);
}

#[test]
fn nobody_is_remembered_where_nothing_can_be_sent() {
    let receiver = SimulatedReceiver::start();
    let (_, mail) = no_mail_server();
    let world = world(&format!("{}{mail}", chat(&receiver, "")));
    let _ = world
        .run_in_shell(ALONE, &SEND)
        .exits(1)
        .stdout_is("")
        .stderr_is(&format!("錯誤：{NO_ROOM}\n"));
    assert!(!world.path(MEMORY).exists());
    assert_eq!(texts(&receiver).len(), 0);
    // Where something can be sent again, nobody is left out.
    let back = "chown -R \"$(id -u)\" . && exec \"$@\"";
    let _ = world.run_in_shell(back, &SEND).exits(3);
    assert_eq!(texts(&receiver).len(), 1);
}

#[test]
fn nobody_is_told_of_days_long_past() {
    let receiver = SimulatedReceiver::start();
    let world = world(&chat(&receiver, ""));
    let today = yesterday().end;
    let days_ago = |days: i64| {
        let (start, end) = (today - days * 24 * HOUR, today - (days - 1) * 24 * HOUR);
        let zone = yesterday().zone;
        Day { zone, start, end }.date()
    };
    let (yesterday, earlier) = (days_ago(1), days_ago(2));
    for (date, window_days) in [(DATE, 1), (&earlier, 1), (&days_ago(3), 2)] {
        world.edit_settings("window_days = 1", &format!("window_days = {window_days}"));
        let outcome = world.run(&["alerts", date, "--send"]).exits(2);
        let _ = outcome.stdout_is("").stderr_is(&format!(
            "錯誤：--send 只能通知最近 {window_days} 天（window_days）的閒置情形，{date} 太早\
             （請改用 {} 或之後的日期；不加 --send 可以列出）\n",
            days_ago(window_days)
        ));
        let _ = world.run(&["alerts", date, "-q"]).stderr_lacks("--send");
        world.edit_settings(&format!("window_days = {window_days}"), "window_days = 1");
    }
    assert!(!world.path(MEMORY).exists());
    assert_eq!(texts(&receiver), [""; 0]);
    let _ = world.run(&["alerts", &yesterday, "--send"]).exits(0);
    assert_eq!(texts(&receiver).len(), 1);
}

#[test]
fn nobody_is_notified_of_more_days_than_the_rules_are_for() {
    let receiver = SimulatedReceiver::start();
    let world = world(&chat(&receiver, ""));
    let Day { zone, start, end } = yesterday();
    let before = Day {
        zone,
        start: start - 24 * HOUR,
        end: end - 24 * HOUR,
    };
    let (first, last) = (before.date(), yesterday().date());
    let two_days = ["alerts", "--days", "2", "--send"];
    let _ = world.run(&two_days).exits(2).stdout_is("").stderr_is(&format!(
        "錯誤：--send 一次最多通知 1 天（window_days）的閒置情形，{first} 到 {last} 有 2 天（請縮短期間；不加 --send 可以列出）\n"
    ));
    let english = [&two_days[..], &["--lang", "en"]].concat();
    let _ = world.run(&english).exits(2).stderr_is(&format!(
        "error: --send notifies of at most 1 day (window_days), and {first} to {last} are 2 days (ask for fewer, or list \
         them without --send)\n"
    ));
    assert!(!world.path(MEMORY).exists());
    assert_eq!(texts(&receiver), [""; 0]);
    let listed = world.run(&two_days[..3]).stdout_has("alice");
    assert_ne!(listed.status, Some(2));
    let _ = world.run(&["alerts", "--days", "1", "--send"]).exits(0);
    assert_eq!(texts(&receiver).len(), 1);
}

#[test]
fn quiet_says_that_nothing_can_be_judged() {
    let receiver = SimulatedReceiver::start();
    let world = world(&chat(&receiver, ""));
    let kept = format!("data/.daily-gpu-log/tasks/{}.json", yesterday().date());
    fs::remove_file(world.path(kept)).expect("a file");
    let outcome = world.run(&[&SEND[..], &["-q"]].concat()).exits(3);
    let _ = outcome.stdout_is("").stderr_has("沒有可以判斷的資料");
    assert_eq!(texts(&receiver), [""; 0]);
}

#[test]
fn without_a_channel_it_is_a_settings_error() {
    let monitor = SimulatedReceiver::start();
    let settings = format!("[notify]\nhealthcheck_url = \"{}/ping\"", monitor.url());
    let world = world(&settings);
    world.run(&SEND).exits(10).stdout_is("").stderr_is(
        "錯誤：--send 需要通知的管道：請在設定檔的 [notify] 設定 webhook_url 或 [notify.smtp]\n",
    );
    assert!(!world.path(MEMORY).exists());
}

#[test]
fn addresses_without_a_mail_server_are_a_warning() {
    let receiver = SimulatedReceiver::start();
    let world = world(&chat(&receiver, "[users]\nalice = \"alice@example.org\""));
    let outcome = world.run(&SEND).exits(0);
    let _ =
        outcome.stderr_is("警告：[users] 有使用者的地址，但沒有 [notify.smtp]：沒有寄信給使用者\n");
}

#[test]
fn nobody_is_told_while_it_is_not_known_who_was() {
    let receiver = SimulatedReceiver::start();
    let world = world(&chat(&receiver, ""));
    world.write(MEMORY, "{");
    for arguments in [&SEND[..], &SEND[..2]] {
        let outcome = world.run(arguments).exits(1).stdout_is("");
        let _ = outcome.stderr_has("alerts.json 無法解析：不知道通知過誰");
    }
    assert_eq!(texts(&receiver), [""; 0]);
    assert_eq!(world.read(MEMORY), "{");
}

#[test]
fn nobody_is_told_when_it_cannot_be_remembered() {
    let receiver = SimulatedReceiver::start();
    let world = world(&chat(&receiver, ""));
    fs::create_dir(world.path(MEMORY)).expect("a directory");
    let _ = world.run(&SEND).exits(1).stderr_has("alerts.json");
    assert_eq!(texts(&receiver), [""; 0]);
}

#[test]
fn nobody_is_told_if_no_gpu_is_idle() {
    let receiver = SimulatedReceiver::start();
    let world = world(&chat(&receiver, ""));
    world.edit_settings("min_idle_hours = 20", "min_idle_hours = 25");
    let _ = world.run(&SEND).exits(0).stdout_has("沒有使用者達到門檻\n");
    assert_eq!(texts(&receiver), [""; 0]);
    assert!(!world.path(MEMORY).exists());
}
