//! The secrets of the notifications: where they may come from, who may read them, and what is said of bad ones.

use pretty_assertions::assert_eq;

use crate::simulated_cluster::SimulatedReceiver;
use crate::support::{DATE, Lab, World, message, signals, texts};

const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

fn world(tables: &str) -> World {
    Lab::colab_gpu4().tables(tables).start()
}

fn secret(world: &World, name: &str, text: &str, mode: u32) {
    world.write(name, text);
    world.set_mode(name, mode);
}

/// A check finds this, and a night's collection only warns of it.
#[track_caller]
fn refused(world: &World, line: &str) {
    let _ = world
        .check(&["-vv"])
        .exits(10)
        .stdout_has(&format!("錯誤：{line}（執行結果不會送到這裡）\n"))
        .stdout_lacks("hush")
        .stderr_lacks("hush")
        .writes_nothing();
    let outcome = world
        .run(&[DATE, "-vv"])
        .exits(0)
        .stdout_has("colab-gpu4：讀數 1152/1152（100.0%）")
        .stderr_has(&format!("警告：{line}（執行結果不會送到這裡）\n"))
        .stderr_lacks("hush");
    outcome.holds_all_readings_of(world.cluster.node("colab-gpu4"), "colab-gpu4");
}

#[test]
fn an_address_may_stand_in_a_private_file() {
    let receiver = SimulatedReceiver::start();
    let world = world(
        "[notify]\nwhen = \"always\"\nhealthcheck_url_file = \"monitor\"\nwebhook_url_file = \"chat\"",
    );
    secret(
        &world,
        "monitor",
        &format!("{}/ping\n", receiver.url()),
        0o600,
    );
    secret(&world, "chat", &format!("{}/hook\n", receiver.url()), 0o400);
    let _ = world.run(&[DATE]).exits(0).stderr_is("");
    let mut told: Vec<_> = receiver
        .requests()
        .into_iter()
        .map(|seen| seen.target)
        .collect();
    told.sort();
    assert_eq!(told, ["/hook", "/ping/0", "/ping/start"]);
}

#[test]
fn the_credentials_of_a_service_win_over_the_settings() {
    let (receiver, other) = (SimulatedReceiver::start(), SimulatedReceiver::start());
    let url = other.url();
    let world = world(&format!(
        "[notify]\nwhen = \"always\"\nhealthcheck_url = \"{url}\"\nwebhook_url_file = \"missing\""
    ));
    // What systemd gives a service may be read by a group, behind a directory that it may not enter.
    secret(
        &world,
        "credentials/healthcheck-url",
        &format!("{}/ping", receiver.url()),
        0o440,
    );
    secret(&world, "credentials/webhook-url", &receiver.url(), 0o440);
    let directory = world.path("credentials").display().to_string();
    let _ = world
        .run_with(&[DATE], &[(DIRECTORY, &directory)])
        .exits(0)
        .stderr_is("");
    assert_eq!((receiver.requests().len(), other.requests().len()), (3, 0));
}

#[test]
fn the_credentials_of_a_service_need_no_settings() {
    let receiver = SimulatedReceiver::start();
    let world = world("");
    secret(
        &world,
        "credentials/healthcheck-url",
        &format!("{}/ping", receiver.url()),
        0o440,
    );
    let directory = world.path("credentials").display().to_string();
    let _ = world
        .run_with(&[DATE], &[(DIRECTORY, &directory)])
        .exits(0)
        .stderr_is("");
    assert_eq!(signals(&receiver).len(), 2);
}

#[test]
fn a_file_that_others_can_read_is_refused() {
    for key in ["healthcheck_url_file", "webhook_url_file"] {
        for mode in [0o644, 0o640, 0o604] {
            let world = world(&format!("[notify]\n{key} = \"secret\""));
            secret(&world, "secret", "https://example.org/hush", mode);
            refused(
                &world,
                &format!(
                    "notify.{key} 的檔案 secret 可被其他使用者讀取（權限 {mode:04o}）：請執行 chmod 600 secret"
                ),
            );
        }
    }
}

#[test]
fn a_secret_in_the_place_of_its_file_is_not_repeated() {
    let missing = "No such file or directory (os error 2)";
    for key in ["healthcheck_url_file", "webhook_url_file"] {
        let world = world(&format!("[notify]\n{key} = \"https://example.org/hush\""));
        refused(&world, &format!("無法讀取 notify.{key} 的檔案：{missing}"));
    }
    let world = world(&format!(
        "{}username = \"gpulog\"\npassword_file = \"hush\"",
        smtp(25)
    ));
    refused(
        &world,
        &format!("無法讀取 notify.smtp.password_file 的檔案：{missing}"),
    );
}

#[test]
fn a_file_that_holds_no_address_is_refused_and_not_repeated() {
    for (text, problem) in [
        (
            "hush",
            "不是網址（relative URL without a base）：請寫成 https://主機/路徑",
        ),
        (
            "",
            "不是網址（relative URL without a base）：請寫成 https://主機/路徑",
        ),
        ("ftp://example.org/hush", "不是 http:// 或 https:// 的網址"),
        ("https://user:hush@example.org/", "網址不可含有帳號或密碼"),
        ("https://example.org/#hush", "網址不可含有 # 之後的部分"),
    ] {
        let world = world("[notify]\nwebhook_url_file = \"secret\"");
        secret(&world, "secret", text, 0o600);
        let line = format!("notify.webhook_url_file 的檔案內容無法使用：{problem}");
        refused(&world, &line);
    }
}

#[test]
fn an_address_in_the_settings_that_is_none_is_refused_and_not_repeated() {
    for (keys, said) in [
        (
            "webhook_url = \"example.org/hush\"",
            "notify.webhook_url：不是網址",
        ),
        (
            "webhook_url = \"https://hush@example.org/\"",
            "notify.webhook_url：網址不可含有帳號或密碼",
        ),
        ("healthcheck_url = \"\"", "notify.healthcheck_url：不是網址"),
        (
            "webhook_url = [\"https://example.org/hush\"]",
            "第 2 行（webhook_url）",
        ),
        (
            "webhook_url = https://example.org/hush",
            "第 2 行（webhook_url）",
        ),
        (
            "webhook_uri = \"https://example.org/hush\"",
            "unknown field `webhook_uri`",
        ),
        (
            "webhook_url = \"https://a/hush\"\nwebhook_url_file = \"b\"",
            "只能設定其中一個",
        ),
    ] {
        let world = Lab::new().start();
        world.write("daily-gpu-log.toml", &format!("[notify]\n{keys}\n"));
        let _ = world
            .run(&[DATE, "-vv"])
            .exits(10)
            .stderr_has("錯誤：設定檔 daily-gpu-log.toml 有誤：")
            .stderr_has(said)
            .stderr_lacks("hush")
            .writes_nothing();
    }
}

#[test]
fn those_who_need_not_the_secret_are_told_that_it_cannot_be_had() {
    let monitor = SimulatedReceiver::start();
    let chat = SimulatedReceiver::start();
    let (ping, hook) = (monitor.url(), chat.url());
    let world = world(&format!(
        "[notify]\nhealthcheck_url = \"{ping}/ping\"\nwebhook_url = \"{hook}\"\n{}username = \"gpulog\"\npassword_file = \"password\"",
        smtp(25)
    ));
    secret(&world, "password", "hush", 0o644);
    let line = "notify.smtp.password_file 的檔案 password 可被其他使用者讀取（權限 0644）：請執行 chmod 600 password";
    refused(&world, line);
    let lines = [
        &*format!("警告：{line}（執行結果不會送到這裡）"),
        "2025-08-01：完整，節點 1/1，讀數 1152/1152（100.0%）",
    ];
    let text = message("完整，但有警告（2025-08-01）", &lines, 0);
    assert_eq!(texts(&chat), [text.as_str()]);
    let ended = ("0".to_owned(), text);
    assert_eq!(
        signals(&monitor),
        [("start".to_owned(), String::new()), ended]
    );
}

#[test]
fn each_secret_that_cannot_be_had_is_a_warning_and_a_run_that_fails_fails_as_ever() {
    let keys = "[notify]\nhealthcheck_url_file = \"monitor\"\nwebhook_url_file = \"chat\"\n";
    let login = "username = \"gpulog\"\npassword_file = \"password\"";
    let world = Lab::colab_gpu4()
        .token(None)
        .tables(&format!("{keys}{}{login}", smtp(25)))
        .start();
    let outcome = world.run(&[DATE]).exits(10).stdout_is("").writes_nothing();
    let places = [
        "healthcheck_url_file",
        "webhook_url_file",
        "smtp.password_file",
    ];
    let warnings = places.map(|key| {
        format!(
            "警告：無法讀取 notify.{key} 的檔案：No such file or directory (os error 2)\
             （執行結果不會送到這裡）"
        )
    });
    let lines: Vec<_> = outcome.stderr.lines().collect();
    assert_eq!(lines[..3], warnings);
    assert!(
        lines[3].starts_with("錯誤：沒有管理 API 的 Token"),
        "{lines:#?}"
    );
    assert_eq!(lines.len(), 4);
}

#[test]
fn a_check_tells_whom_the_results_go_to_and_tells_them_nothing() {
    let monitor = SimulatedReceiver::start();
    let world = world(&format!(
        "[notify]\nhealthcheck_url = \"{}/hush\"\nwebhook_url = \"https://hooks.example.org/hush\"\n{}",
        monitor.url(),
        smtp(25)
    ));
    let _ = world
        .check(&[])
        .exits(0)
        .stderr_is("")
        .stdout_has(
            "正常：通知：監控服務 http://loopback/…、聊天室 https://hooks.example.org/…、\
             郵件伺服器 127.0.0.1:25（未試送）\n",
        )
        .stdout_lacks("hush");
    assert_eq!(monitor.requests().len(), 0);
    let secretless = self::world("[notify]\nwebhook_url_file = \"missing\"");
    let json = secretless.check(&["--json"]).exits(10).json();
    let checks = json["checks"].as_array().expect("checks");
    let finding = checks.iter().find(|check| check["subject"] == "notify");
    assert_eq!(finding.expect("a finding")["state"], "error");
}

/// A mail server, as far as settings need one.
fn smtp(port: u16) -> String {
    format!(
        "[notify.smtp]\nhost = \"127.0.0.1\"\nport = {port}\nfrom = \"gpulog@example.org\"\nto = [\"admin@example.org\"]\n"
    )
}

#[test]
fn a_user_name_without_a_password_is_refused() {
    let world = world(&format!("{}username = \"gpulog\"", smtp(25)));
    let line = "notify.smtp 有 username 而沒有密碼：請設定 notify.smtp.password_file（chmod 600），\
                或以 systemd 的 LoadCredential 提供 smtp-password";
    refused(&world, line);
}

#[test]
fn a_file_that_holds_no_password_is_refused() {
    for text in ["", "\n", "hush\nhush\n", "hush\u{7}"] {
        let world = world(&format!(
            "{}username = \"gpulog\"\npassword_file = \"password\"",
            smtp(25)
        ));
        secret(&world, "password", text, 0o600);
        let line = "notify.smtp.password_file 的檔案內容無法使用：必須是一行密碼";
        refused(&world, line);
    }
}
