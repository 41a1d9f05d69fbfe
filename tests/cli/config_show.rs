//! `config show`: every setting in force, with where it comes from, and no secret.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::support::{Lab, TOKEN, World};

const FILE: &str = "daily-gpu-log.toml";
const SHOW: [&str; 2] = ["config", "show"];
const SETTINGS: &str = r#"timezone = "Asia/Taipei"
cards = [1, 9]

[[nodes]]
name = "colab-gpu3"
url = "http://192.168.10.105:19999/"

[[nodes]]
name = "其他"
url = "http://parent:19999/host/other"
cards = [3]
first_gpu_id = 25
gpu_uuids = { "70cb99ce3e214bda" = 0 }

[netdata]
timeout = "90s"
"#;

const ALERTS: &str = r#"
[alerts]
min_idle_hours = 12
exempt_users = ["root"]

[[alerts.rules]]
name = "web"
task_types = ["WEBAPP", "SERVICE"]
min_idle_share = 90

[users]
"王.小明" = "王小明 <ming@example.org>"
alice = "alice@example.org"
"#;

/// A world whose settings file is this, or that has none.
fn with(settings: Option<&str>) -> World {
    let world = Lab::new().token(None).start();
    match settings {
        Some(settings) => world.write(FILE, settings),
        None => std::fs::remove_file(world.path(FILE)).expect("the file"),
    }
    world
}

/// The origins of a key in the JSON, by node where it is one of a node.
fn origins(json: &Value, key: &str) -> Vec<String> {
    let settings = json["settings"].as_array().expect("settings");
    let of_key = settings.iter().filter(|setting| setting["key"] == key);
    of_key
        .map(|setting| setting["origin"].as_str().expect("an origin").to_owned())
        .collect()
}

#[test]
fn each_setting_is_shown_with_where_it_comes_from() {
    let world = with(Some(SETTINGS));
    let _ = world
        .run(&[&SHOW[..], &["--data-dir", "elsewhere"]].concat())
        .exits(0)
        .stderr_is("")
        .stdout_is(
            r#"# 設定檔：daily-gpu-log.toml
# 管理 API 的 Token：沒有

data_dir = "elsewhere"  # 命令列
timezone = "Asia/Taipei"  # 設定檔 daily-gpu-log.toml
language = "zh-TW"  # 內建
interval = "10m"  # 內建
gpu_files = "index"  # 內建
user_column = "all"  # 內建
file_language = "zh-TW"  # 內建
readable_by = "group"  # 內建
archive_dirs = ["data_archive"]  # 內建
cards = [1, 9]  # 設定檔 daily-gpu-log.toml
ignore_hosts = []  # 內建

[[nodes]]
name = "colab-gpu3"  # 設定檔 daily-gpu-log.toml
url = "http://192.168.10.105:19999"  # 設定檔 daily-gpu-log.toml
cards = [1, 9]  # 設定檔 daily-gpu-log.toml

[[nodes]]
name = "其他"  # 設定檔 daily-gpu-log.toml
url = "http://parent:19999/host/other"  # 設定檔 daily-gpu-log.toml
cards = [3]  # 設定檔 daily-gpu-log.toml
first_gpu_id = 25  # 設定檔 daily-gpu-log.toml
gpu_uuids = { APU-70cb99ce3e214bda = 0 }  # 設定檔 daily-gpu-log.toml

[netdata]
timeout = "1m 30s"  # 設定檔 daily-gpu-log.toml
connect_timeout = "5s"  # 內建
deadline = "1m"  # 內建
retries = 2  # 內建
memory_mib = 256  # 內建
# ca_file：未設定

[management_api]
url = "http://192.168.10.100/api/v2/consumption/task"  # 內建
timezone = "UTC"  # 內建
token_file = "/etc/daily-gpu-log/token"  # 內建
# ca_file：未設定

[ledger]
busy_percent = 20.0  # 內建
idle_percent = 5.0  # 內建
vram_floor_percent = 1.0  # 內建
handover_seconds = 60  # 內建

[notify]
when = "problem"  # 內建
include_users = false  # 內建
# digest：未設定
timeout = "10s"  # 內建
# healthcheck_url：未設定
# healthcheck_url_file：未設定
# webhook_url：未設定
# webhook_url_file：未設定

[report]
nightly = false  # 內建

[export]
nightly = []  # 內建
# parquet_dir：未設定

[database]
# url：未設定
# password_file：未設定
# ca_file：未設定

[alerts]
window_days = 7  # 內建
min_idle_hours = 24  # 內建
min_idle_share = 50  # 內建
min_coverage = 90  # 內建
exempt_users = []  # 內建
exempt_projects = []  # 內建
exempt_nodes = []  # 內建
"#,
        )
        .writes_nothing();
}

#[test]
fn the_language_comes_from_the_command_line_else_the_variable_else_the_file() {
    let world = with(Some("language = \"en\""));
    let english = [("DAILY_GPU_LOG_LANG", "en")];
    let chinese = [("DAILY_GPU_LOG_LANG", "zh-TW")];
    for (arguments, variables, line, origin) in [
        (
            &["--lang", "zh-TW"][..],
            &english[..],
            "language = \"zh-TW\"  # 命令列\n",
            "command_line",
        ),
        (
            &[],
            &chinese,
            "language = \"zh-TW\"  # 環境變數 DAILY_GPU_LOG_LANG\n",
            "variable",
        ),
        (
            &["--lang", "en"],
            &chinese,
            "language = \"en\"  # command line\n",
            "command_line",
        ),
        (
            &[],
            &english,
            "language = \"en\"  # environment variable DAILY_GPU_LOG_LANG\n",
            "variable",
        ),
        (
            &[],
            &[("DAILY_GPU_LOG_LANG", "")],
            "language = \"en\"  # settings file daily-gpu-log.toml\n",
            "file",
        ),
    ] {
        let show = [&SHOW[..], arguments].concat();
        let shown = world.run_with(&show, variables).exits(0).stderr_is("");
        let _ = shown.stdout_has(&format!("\n{line}"));
        let json = world.run_with(&[&show[..], &["--json"]].concat(), variables);
        assert_eq!(origins(&json.exits(0).json(), "language"), [origin]);
    }
}

#[test]
fn a_variable_that_names_no_language_is_refused() {
    let world = with(Some(""));
    let variables = [("DAILY_GPU_LOG_LANG", "fr")];
    let _ = world
        .run_with(&SHOW, &variables)
        .exits(10)
        .stderr_is("錯誤：環境變數 DAILY_GPU_LOG_LANG：「fr」不是 zh-TW 或 en\n");
    let show = [&SHOW[..], &["--lang", "zh-TW"]].concat();
    let _ = world.run_with(&show, &variables).exits(0).stderr_is("");
}

#[test]
fn in_english_there_is_no_other_language() {
    let world = with(Some(
        "language = \"en\"\n[notify]\nwebhook_url = \"https://a.example/hush\"",
    ));
    let shown = world.run(&SHOW).exits(0).stdout;
    assert!(shown.contains("# webhook_url: set, not shown  # settings file daily-gpu-log.toml\n"));
    assert!(
        shown.starts_with("# settings file: daily-gpu-log.toml\n# management API token: none\n\n")
    );
    assert!(shown.is_ascii(), "{shown}");
}

#[test]
fn what_is_shown_is_a_settings_file_of_the_same_settings() {
    for settings in [None, Some(SETTINGS), Some(ALERTS)] {
        let world = with(settings);
        let shown = world.run(&SHOW).exits(0).stdout;
        world.write("shown.toml", &shown);
        let again = world
            .run(&[&SHOW[..], &["--config", "shown.toml"]].concat())
            .exits(0)
            .stdout;
        let settings = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            lines
                .map(|line| line.split("  # ").next().unwrap_or_default().to_owned())
                .collect()
        };
        assert_eq!(settings(&again), settings(&shown));
    }
}

#[test]
fn of_a_secret_address_it_is_shown_that_there_is_one() {
    let world = with(Some(
        r#"
        [notify]
        webhook_url = "https://hooks.example.org/hush"
        healthcheck_url_file = "monitor"
        [notify.smtp]
        host = "smtp.example.org"
        from = "gpulog@example.org"
        to = ["admin@example.org"]
        "#,
    ));
    let shown = world.run(&SHOW).exits(0).stderr_is("");
    let shown = shown.stdout_has("# webhook_url：已設定，內容不顯示  # 設定檔");
    let shown = shown.stdout_has("healthcheck_url_file = \"monitor\"  # 設定檔");
    let shown = shown.stdout_has("[notify.smtp]\nhost = \"smtp.example.org\"  # 設定檔");
    let shown = shown.stdout_has("port = 587  # 內建");
    assert!(!shown.stdout.contains("hush"), "{}", shown.stdout);
}

#[test]
fn rules_and_users_are_shown_as_they_are_written() {
    let world = with(Some(ALERTS));
    let shown = world.run(&SHOW).exits(0).stderr_is("").stdout;
    let (_, alerts) = shown.split_once("[alerts]\n").expect("the table");
    assert_eq!(
        alerts,
        r#"window_days = 7  # 內建
min_idle_hours = 12  # 設定檔 daily-gpu-log.toml
min_idle_share = 50  # 內建
min_coverage = 90  # 內建
exempt_users = ["root"]  # 設定檔 daily-gpu-log.toml
exempt_projects = []  # 內建
exempt_nodes = []  # 內建

[[alerts.rules]]
name = "web"  # 設定檔 daily-gpu-log.toml
task_types = ["WEBAPP", "SERVICE"]  # 設定檔 daily-gpu-log.toml
min_idle_share = 90  # 設定檔 daily-gpu-log.toml

[users]
"alice" = "alice@example.org"  # 設定檔 daily-gpu-log.toml
"王.小明" = "王小明 <ming@example.org>"  # 設定檔 daily-gpu-log.toml
"#
    );
    let json = world
        .run(&[&SHOW[..], &["--json"]].concat())
        .exits(0)
        .json();
    let settings = json["settings"].as_array().expect("settings");
    assert_eq!(
        settings[settings.len() - 3..],
        [
            json!({"key": "alerts.rules.min_idle_share", "rule": "web", "state": "set", "value": 90, "origin": "file"}),
            json!({"key": "users.\"alice\"", "state": "set", "value": "alice@example.org", "origin": "file"}),
            json!({"key": "users.\"王.小明\"", "state": "set", "value": "王小明 <ming@example.org>", "origin": "file"}),
        ]
    );
}

#[test]
fn the_settings_are_shown_as_json() {
    let world = with(Some(SETTINGS));
    let outcome = world
        .run(&[&SHOW[..], &["--json", "--timezone", "UTC"]].concat())
        .exits(0)
        .stderr_is("");
    let json = outcome.json();
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(json["file"], FILE);
    assert_eq!(json["token"], Value::Null);
    assert_eq!(
        json["settings"][1],
        json!({"key": "timezone", "state": "set", "value": "UTC", "origin": "command_line"})
    );
    assert_eq!(origins(&json, "cards"), ["file"]);
    assert_eq!(origins(&json, "nodes.cards"), ["file", "file"]);
    assert_eq!(origins(&json, "nodes.first_gpu_id"), ["file"]);
    assert_eq!(origins(&json, "netdata.timeout"), ["file"]);
    assert_eq!(origins(&json, "netdata.retries"), ["built_in"]);
    let first_id = json!({
        "key": "nodes.first_gpu_id", "node": "其他", "state": "set", "value": 25, "origin": "file"
    });
    let settings = json["settings"].as_array().expect("settings");
    assert!(settings.contains(&first_id), "{settings:#?}");
}

#[test]
fn without_a_file_everything_is_built_in() {
    let json = with(None)
        .run(&[&SHOW[..], &["--json"]].concat())
        .exits(0)
        .json();
    assert_eq!(json["file"], Value::Null);
    let settings = json["settings"].as_array().expect("settings");
    assert_eq!(settings.len(), 11 + 4 * 3 + 6 + 4 + 4 + 8 + 1 + 2 + 3 + 7);
    for setting in settings {
        assert_eq!(setting["origin"], "built_in", "{setting}");
    }
}

#[test]
fn the_tokens_source_is_shown_and_not_the_token() {
    let world = with(Some("[management_api]\ntoken_file = \"token\"\n"));
    world.write("token", TOKEN);
    world.set_mode("token", 0o600);
    let file = (vec![], "Token 檔 token");
    world.write("credentials/management-api-token", TOKEN);
    let directory = world.path("credentials").display().to_string();
    let credential = format!("systemd 憑證 {directory}/management-api-token");
    let credential = (
        vec![
            ("CREDENTIALS_DIRECTORY", &*directory),
            ("MANAGEMENT_API_TOKEN", TOKEN),
        ],
        &*credential,
    );
    for (variables, source) in [file, credential] {
        let _ = world
            .run_with(&SHOW, &variables)
            .exits(0)
            .stdout_has(&format!("# 管理 API 的 Token：{source}（內容不顯示）\n"))
            .stdout_lacks("synthetic-token");
    }
    let outcome = with(None)
        .run_with(
            &[&SHOW[..], &["--json"]].concat(),
            &[("MANAGEMENT_API_TOKEN", TOKEN)],
        )
        .exits(0)
        .stdout_lacks("synthetic-token");
    assert_eq!(
        outcome.json()["token"],
        json!({"source": "variable", "description": "環境變數 MANAGEMENT_API_TOKEN"})
    );
}

#[test]
fn a_secret_that_systemd_gives_the_service_is_shown_as_that() {
    let mail = "[notify.smtp]\nhost = \"mail.example.org\"\nfrom = \"a@example.org\"\n\
                to = [\"b@example.org\"]\nusername = \"gpulog\"\npassword_file = \"password\"\n";
    let settings = format!("[notify]\nwebhook_url = \"https://old.example.org/hush\"\n{mail}");
    let world = with(Some(&settings));
    for name in ["webhook-url", "healthcheck-url", "smtp-password"] {
        world.write(&format!("credentials/{name}"), "https://example.org/hush");
    }
    let directory = world.path("credentials").display().to_string();
    let variables = [("CREDENTIALS_DIRECTORY", &*directory)];
    let _ = world
        .run_with(&SHOW, &variables)
        .exits(0)
        .stdout_has("\n# healthcheck_url：已設定，內容不顯示  # systemd 憑證 healthcheck-url\n")
        .stdout_has("\n# webhook_url：已設定，內容不顯示  # systemd 憑證 webhook-url\n")
        .stdout_has("\n# password_file：已設定，內容不顯示  # systemd 憑證 smtp-password\n")
        .stdout_lacks("hush");
    let json = world
        .run_with(&[&SHOW[..], &["--json"]].concat(), &variables)
        .exits(0)
        .stdout_lacks("hush")
        .json();
    for key in [
        "notify.healthcheck_url",
        "notify.webhook_url",
        "notify.smtp.password_file",
    ] {
        assert_eq!(origins(&json, key), ["credential"], "{key}");
        let expected = json!({"key": key, "state": "secret", "origin": "credential"});
        let settings = json["settings"].as_array().expect("settings");
        assert!(settings.contains(&expected), "{settings:#?}");
    }
    // Nobody logs in with it.
    let world = with(Some(""));
    world.write("credentials/smtp-password", "hush");
    let directory = world.path("credentials").display().to_string();
    let _ = world
        .run_with(&SHOW, &[("CREDENTIALS_DIRECTORY", &*directory)])
        .exits(0)
        .stdout_lacks("systemd");
}

#[test]
fn the_password_of_the_database_that_systemd_gives_the_service_is_shown_as_that() {
    let world = with(Some(
        "[database]\nurl = \"postgres://gpulog@127.0.0.1/gpu\"\n",
    ));
    world.write("credentials/database-password", "hush");
    let directory = world.path("credentials").display().to_string();
    let _ = world
        .run_with(&SHOW, &[("CREDENTIALS_DIRECTORY", &*directory)])
        .exits(0)
        .stdout_has("\nurl = \"postgres://gpulog@127.0.0.1/gpu\"  # 設定檔")
        .stdout_has("\n# password_file：已設定，內容不顯示  # systemd 憑證 database-password\n")
        .stdout_lacks("hush");
}

#[test]
fn a_token_that_stands_in_the_place_of_its_file_is_not_shown() {
    let token = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl";
    let world = with(Some(&format!(
        "[management_api]\ntoken_file = \"{token}\"\n"
    )));
    for arguments in [&SHOW[..], &["config", "show", "--json"]] {
        let _ = world.run(arguments).exits(0).stdout_lacks("eyJhbGci");
    }
}

#[test]
fn settings_that_cannot_be_are_no_settings_in_force() {
    let world = with(Some("timezone = \"Mars\"\n"));
    let _ = world
        .run(&SHOW)
        .exits(10)
        .stdout_is("")
        .stderr_has("錯誤：設定檔 daily-gpu-log.toml 有誤：timezone：");
    let _ = world
        .run(&[&SHOW[..], &["--config", "none.toml"]].concat())
        .exits(10)
        .stderr_has("錯誤：無法讀取設定檔 none.toml：");
}
