//! That somebody cannot be told is a warning, and changes nothing else.

use std::io::Write;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;

use crate::simulated_cluster::{Fault, SimulatedReceiver};
use crate::support::{DATE, Lab, Outcome, World, at_once, message, signals, texts};

/// What nobody but the program and its addressee may know of an address.
const SECRET: &str = "T0-B0-hush-hush";

/// A world with these keys in `[notify]`. Only who hangs needs a time limit that a test can wait for: on a busy machine
/// whoever answers at once may do so only after that.
fn world(keys: &str) -> World {
    Lab::colab_gpu4()
        .tables(&format!("[notify]\nwhen = \"always\"\n{keys}"))
        .start()
}

fn url(receiver: &SimulatedReceiver) -> String {
    format!("{}/{SECRET}", receiver.url())
}

/// The day is collected as ever, and what stderr has in addition are these warnings.
#[track_caller]
fn warns(world: &World, warnings: &[String]) -> Outcome {
    let lines: Vec<_> = warnings
        .iter()
        .map(|warning| format!("警告：{warning}\n"))
        .collect();
    let outcome = world.run(&[DATE]).exits(0).stderr_is(&lines.concat());
    outcome.holds_all_readings_of(world.cluster.node("colab-gpu4"), "colab-gpu4");
    outcome
}

/// A chat with this fault is not told, for this reason, after so many requests.
#[track_caller]
fn not_told(fault: Fault, reason: &str, requests: usize) {
    let chat = SimulatedReceiver::with(fault);
    let world = world(&format!("webhook_url = \"{}\"", url(&chat)));
    let warning = format!(
        "無法通知 {}/…：{reason}（請檢查 notify.webhook_url）",
        chat.url()
    );
    let outcome = warns(&world, &[warning]);
    outcome.stdout_has("colab-gpu4：讀數 1152/1152（100.0%）");
    assert_eq!(chat.requests().len(), requests);
}

#[test]
fn a_chat_that_refuses_connections_is_tried_again() {
    let chat = SimulatedReceiver::with(Fault::Refuse);
    let world = world(&format!("webhook_url = \"{}\"", url(&chat)));
    let outcome = world.run(&[DATE, "-v"]).exits(0);
    let refused = "：無法連線：Connection refused (os error 111)（請檢查 notify.webhook_url）";
    let outcome = outcome.stderr_has(refused);
    assert_eq!(
        outcome.stderr.matches("trying again").count(),
        1,
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_chat_that_fails_is_tried_again() {
    let reason = "HTTP 503 Service Unavailable";
    not_told(Fault::status(503, "try later"), reason, 2);
    not_told(
        Fault::CloseWithoutAnswer,
        "連線中斷：connection closed before message completed",
        2,
    );
}

#[test]
fn a_chat_that_does_not_know_the_address_is_not_tried_again() {
    not_told(Fault::status(404, "no_service"), "HTTP 404 Not Found", 1);
    not_told(Fault::status(403, "invalid_token"), "HTTP 403 Forbidden", 1);
    not_told(Fault::RedirectLoop, "HTTP 302 Found", 1);
}

#[test]
fn a_chat_may_refuse_at_length() {
    let errmsg = "keywords not in content ".repeat(200);
    let refusal = format!(r#"{{"errcode":310000,"errmsg":"{errmsg}"}}"#);
    let reason = "對方回應成功，但拒絕了訊息（errcode 310000）";
    not_told(Fault::status(200, &refusal), reason, 1);
}

#[test]
fn one_failure_that_passes_is_none() {
    let fault = Fault::StatusTimes {
        code: 502,
        times: 1,
    };
    let chat = SimulatedReceiver::with(fault);
    let _ = warns(&world(&format!("webhook_url = \"{}\"", url(&chat))), &[]);
    let line = "2025-08-01：完整，節點 1/1，讀數 1152/1152（100.0%）";
    let text = message("完整（2025-08-01）", &[line], 0);
    assert_eq!(texts(&chat), [text.as_str(), &text]);
}

#[test]
fn a_chat_that_took_the_message_and_breaks_off_is_not_told_twice() {
    at_once([Fault::HangAfterHeaders, Fault::ResetMidBody], |fault| {
        let chat = SimulatedReceiver::with(fault);
        let keys = format!("timeout = \"1s\"\nwebhook_url = \"{}\"", url(&chat));
        let _ = warns(&world(&keys), &[]);
        assert_eq!(chat.requests().len(), 1);
    });
}

#[test]
fn all_are_tried_at_once_and_none_for_longer_than_two_tries() {
    let hangs = [
        Fault::HangBeforeHeaders,
        Fault::DripByte {
            every: Duration::from_millis(50),
        },
    ];
    at_once(hangs, |fault| {
        let monitor = SimulatedReceiver::with(fault.clone());
        let chat = SimulatedReceiver::with(fault.clone());
        // It waits for an HTTP request, and so says nothing to a client that waits for a greeting.
        let mail = SimulatedReceiver::start();
        let port = mail.url().rsplit(':').next().expect("a port").to_owned();
        let world = world(&format!(
            "timeout = \"600ms\"\nhealthcheck_url = \"{}\"\nwebhook_url = \"{}\"\n\
             [notify.smtp]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\nfrom = \"gpulog@example.org\"\nto = [\"a@example.org\", \"b@example.org\"]",
            url(&monitor),
            url(&chat)
        ));
        let started = Instant::now();
        let outcome = world.run(&[DATE]).exits(0);
        let elapsed = started.elapsed();
        // Two tries of 600 ms, and the run itself; four channels one after the other would take 4.8 s.
        assert!(elapsed < Duration::from_secs(4), "{fault:?}: {elapsed:?}");
        let lines: Vec<_> = outcome.stderr.lines().collect();
        assert_eq!(lines.len(), 5, "{lines:#?}");
        let smtp =
            format!("（經由 127.0.0.1:{port}）：逾時：0.6 秒內沒有完成（請檢查 [notify.smtp]）");
        for (line, (who, why)) in lines.iter().zip([
            (
                format!("無法通知 {}/…：逾時：", chat.url()),
                "（請檢查 notify.webhook_url）",
            ),
            ("無法寄信給 a@example.org".to_owned(), smtp.as_str()),
            ("無法寄信給 b@example.org".to_owned(), &smtp),
            (
                format!("無法通知 {}/…（執行開始）：逾時：", monitor.url()),
                "（請檢查 notify.healthcheck_url）",
            ),
            (
                format!("無法通知 {}/…（執行結束）：逾時：", monitor.url()),
                "（請檢查 notify.healthcheck_url）",
            ),
        ]) {
            assert!(
                line.starts_with(&format!("警告：{who}")) && line.ends_with(why),
                "{line}"
            );
        }
        outcome.holds_all_readings_of(world.cluster.node("colab-gpu4"), "colab-gpu4");
    });
}

#[test]
fn one_that_fails_costs_the_others_nothing() {
    let [monitor, chat] = [(); 2].map(|()| SimulatedReceiver::with(Fault::status(404, "gone")));
    let mail = SimulatedReceiver::with(Fault::Refuse);
    let port = mail.url().rsplit(':').next().expect("a port").to_owned();
    let smtp = format!(
        "[notify.smtp]\nhost = \"127.0.0.1\"\nport = {port}\nfrom = \"gpulog@example.org\"\nto = [\"admin@example.org\"]"
    );
    let by_mail = format!(
        "無法寄信給 admin@example.org（經由 127.0.0.1:{port}）：\
         連線失敗：Connection refused (os error 111)（請檢查 [notify.smtp]）"
    );
    let by_chat = format!(
        "無法通知 {}/…：HTTP 404 Not Found（請檢查 notify.webhook_url）",
        chat.url()
    );
    let by_monitor = ["開始", "結束"].map(|signal| {
        format!(
            "無法通知 {}/…（執行{signal}）：HTTP 404 Not Found（請檢查 notify.healthcheck_url）",
            monitor.url()
        )
    });

    let well = SimulatedReceiver::start();
    let keys = format!(
        "healthcheck_url = \"{}/ping\"\nwebhook_url = \"{}\"\n{smtp}",
        well.url(),
        url(&chat)
    );
    let _ = warns(&world(&keys), &[by_chat, by_mail.clone()]);
    let told: Vec<_> = signals(&well)
        .into_iter()
        .map(|(signal, _)| signal)
        .collect();
    assert_eq!(told, ["start", "0"]);

    let well = SimulatedReceiver::start();
    let keys = format!(
        "healthcheck_url = \"{}\"\nwebhook_url = \"{}\"\n{smtp}",
        url(&monitor),
        url(&well)
    );
    let _ = warns(&world(&keys), &[&[by_mail][..], &by_monitor].concat());
    assert_eq!(texts(&well).len(), 1);
}

#[test]
fn a_monitor_that_took_the_signal_and_did_nothing_is_told_of() {
    for (answer, reason) in [
        ("OK (not found)", "沒有這個 check"),
        ("OK (rate limited)", "通知過於頻繁"),
    ] {
        let monitor = SimulatedReceiver::with(Fault::status(200, answer));
        let warnings = ["開始", "結束"].map(|signal| {
            format!(
                "無法通知 {}/…（執行{signal}）：{reason}（請檢查 notify.healthcheck_url）",
                monitor.url()
            )
        });
        let world = world(&format!("healthcheck_url = \"{}\"", url(&monitor)));
        let _ = warns(&world, &warnings);
    }
}

#[test]
fn a_monitor_that_missed_only_the_beginning_is_told_of_as_that() {
    // Of the beginning, both tries fail.
    let monitor = SimulatedReceiver::with(Fault::StatusTimes {
        code: 502,
        times: 2,
    });
    let warning = format!(
        "無法通知 {}/…（執行開始）：HTTP 502 Bad Gateway（請檢查 notify.healthcheck_url）",
        monitor.url()
    );
    let world = Lab::colab_gpu4()
        .tables(&format!(
            "[notify]\nhealthcheck_url = \"{}\"",
            url(&monitor)
        ))
        .start();
    let _ = warns(&world, &[warning]);
    assert_eq!(monitor.requests().len(), 3);
}

#[test]
fn a_failing_notice_keeps_the_status_of_the_run() {
    let chat = SimulatedReceiver::with(Fault::status(404, "gone"));
    let keys = format!(
        "[notify]\nwhen = \"always\"\nwebhook_url = \"{}\"",
        url(&chat)
    );
    let world = Lab::colab_gpu4().token(None).tables(&keys).start();
    let _ = world
        .run(&[DATE])
        .exits(10)
        .stderr_has("錯誤：沒有管理 API 的 Token")
        .stderr_has("警告：無法通知 ");
}

#[test]
fn the_secret_of_an_address_is_shown_to_nobody_but_the_addressee() {
    let faults = [
        Fault::Refuse,
        Fault::HangBeforeHeaders,
        Fault::ResetMidBody,
        Fault::RedirectLoop,
        Fault::status(404, &format!("no such hook: /{SECRET}")),
        Fault::status(500, &format!("failed: /{SECRET}")),
        Fault::status(200, &format!("OK {SECRET}")),
    ];
    at_once(faults, |fault| {
        let (monitor, chat) = (
            SimulatedReceiver::with(fault.clone()),
            SimulatedReceiver::with(fault.clone()),
        );
        let world = world(&format!(
            "timeout = \"300ms\"\nhealthcheck_url = \"{}\"\nwebhook_url = \"{}?key={SECRET}\"",
            url(&monitor),
            url(&chat)
        ));
        let outcome = world
            .run(&[DATE, "-vv", "--json"])
            .exits(0)
            .stderr_has("127.0.0.1");
        let files = outcome.files("").into_iter().map(|(_, text)| text);
        for text in files.chain([outcome.stdout.clone(), outcome.stderr.clone()]) {
            assert!(!text.contains("hush"), "{fault:?}: {text}");
        }
    });
}

#[test]
fn a_mail_server_that_never_ends_its_line_is_not_read_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let endless = thread::spawn(move || {
        for connection in listener.incoming().take(2) {
            let mut connection = connection.expect("a connection");
            while connection.write_all(&[b'2'; 4096]).is_ok() {}
        }
    });
    let keys = format!(
        "[notify.smtp]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\nfrom = \"gpulog@example.org\"\nto = [\"admin@example.org\"]"
    );
    let warning = format!(
        "無法寄信給 admin@example.org（經由 127.0.0.1:{port}）：連線失敗：伺服器的回應超過 1 MiB（請檢查 [notify.smtp]）"
    );
    let _ = warns(&world(&keys), &[warning]);
    endless.join().expect("both tries");
}
