use super::*;
use crate::model::{CardId, GpuIndex, GpuUuid};
use crate::settings::{Security, TokenFile, When, built_in};
use pretty_assertions::assert_eq;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

fn parsed(text: &str) -> Result<Config, String> {
    parse(text).map(|(config, _)| config)
}

fn node(keys: &str) -> String {
    format!("[[nodes]]\nname = \"n\"\nurl = \"http://n\"\n{keys}\n")
}

/// The least that a mail server needs, and these keys.
fn smtp(keys: &str) -> String {
    format!(
        "[notify.smtp]\nhost = \"smtp.example.org\"\nfrom = \"gpulog@example.org\"\nto = [\"admin@example.org\"]\n{keys}"
    )
}

fn rule(name: &str, keys: &str) -> String {
    format!("[[alerts.rules]]\nname = \"{name}\"\ntask_types = [\"LAB\"]\n{keys}\n")
}

#[test]
fn the_built_in_cluster_is_that_of_the_seeds() {
    let nodes: Vec<_> = built_in()
        .nodes
        .iter()
        .map(|node| format!("{} {} {}", node.name, node.url, node.cards.len()))
        .collect();
    assert_eq!(
        nodes,
        [
            "colab-gpu1 http://192.168.10.103:19999/ 8",
            "colab-gpu2 http://192.168.10.104:19999/ 8",
            "colab-gpu3 http://192.168.10.105:19999/ 8",
            "colab-gpu4 http://192.168.10.106:19999/ 8",
        ]
    );
}

#[test]
fn the_example_of_the_design_is_read() {
    let config = parsed(
        r#"
            data_dir = "/srv/gpu"
            timezone = "Asia/Taipei"
            interval = "5m"
            gpu_files = "card"
            cards = [1, 9, 17]
            ignore_hosts = ["other-gpu1"]
            [[nodes]]
            name = "colab-gpu4"
            url = "http://parent:19999/host/colab-gpu4"
            first_gpu_id = 25
            [nodes.gpu_uuids]
            "APU-70cb99ce3e214bda" = 2
            [[nodes]]
            name = "其他"
            url = "https://[::1]:19999"
            cards = [3, 2]
            [netdata]
            timeout = "1m 30s"
            connect_timeout = "500ms"
            retries = 0
            [management_api]
            url = "https://api/tasks"
            timezone = "Asia/Taipei"
            token_file = "/run/token"
            [ledger]
            busy_percent = 30
            idle_percent = 2.5
            "#,
    )
    .expect("settings");
    assert_eq!(config.interval.seconds(), 300);
    assert_eq!(config.nodes[0].cards, [CardId(1), CardId(9), CardId(17)]);
    let uuid = GpuUuid::parse("0x70CB99CE3E214BDA").expect("one");
    assert_eq!(config.nodes[0].gpu_uuids[&uuid], GpuIndex(2));
    assert_eq!(config.nodes[1].cards, [CardId(3), CardId(2)]);
    let limits = config.thresholds;
    let limits = [limits.busy, limits.idle, limits.vram_floor].map(|limit| limit.to_string());
    assert_eq!(limits, ["30", "2.5", "1"]);
    assert_eq!(config.netdata.timeout, Duration::from_secs(90));
    let token_file = TokenFile::Named("/run/token".into());
    assert_eq!(config.management_api.token_file, token_file);
}

#[test]
fn who_is_notified_is_read() {
    let keys = "port = 2525\nsecurity = \"tls\"\nusername = \"gpulog\"";
    let mail = smtp(keys).replace(
        "[\"admin@example.org\"]",
        "[\"admin@example.org\", \"王小明 <ming@example.org>\"]",
    );
    let text = format!(
        r#"
            [users]
            "王小明" = "王小明 <ming@example.org>"
            [notify]
            when = "always"
            include_users = true
            timeout = "3s"
            healthcheck_url = "https://hc.example.org/ping/hush"
            webhook_url_file = "/etc/daily-gpu-log/webhook"
            {mail}"#
    );
    let config = parsed(&text).expect("settings");
    let notify = config.notify;
    assert_eq!((notify.when, notify.include_users), (When::Always, true));
    assert_eq!(notify.timeout, Duration::from_secs(3));
    let url = notify.healthcheck().url.expect("an address");
    assert_eq!(url.expose().path(), "/ping/hush");
    assert!(notify.webhook().file.is_some());
    let smtp = notify.smtp.as_ref().expect("a mail server");
    assert_eq!((smtp.port(), smtp.security), (2525, Security::Tls));
    assert_eq!(smtp.to[1].name.as_deref(), Some("王小明"));
    assert!(!format!("{notify:?}").contains("hush"), "{notify:?}");
    assert_eq!(*config.users["王小明"], *smtp.to[1]);
}

#[test]
fn the_port_follows_the_encryption() {
    for (keys, port) in [
        ("", 587),
        ("security = \"starttls\"", 587),
        ("security = \"tls\"", 465),
        ("security = \"none\"", 25),
        ("security = \"none\"\nport = 2525", 2525),
    ] {
        let config = parsed(&smtp(keys)).expect(keys);
        let smtp = config.notify.smtp.expect("a mail server");
        assert_eq!(smtp.port(), port, "{keys}");
    }
}

#[test]
fn a_mail_server_may_be_named_by_its_address() {
    for host in ["localhost", "127.0.0.1", "::1", "mail-1.example.org"] {
        let settings = smtp("").replace("smtp.example.org", host);
        assert!(parsed(&settings).is_ok(), "{host}");
    }
}

#[test]
fn a_rule_has_the_limits_of_the_table_but_for_its_own() {
    let table = "[alerts]\nmin_idle_hours = 12\n";
    let web = rule("web", "min_idle_share = 90").replace("LAB", "WEBAPP\", \"SERVICE");
    let lab = rule("lab", "min_idle_hours = 48");
    let alerts = parsed(&format!("{table}{web}{lab}"));
    let alerts = alerts.expect("settings").alerts;
    let rules = alerts.rules();
    let rules = rules.iter().map(|rule| {
        let hours = rule.min_idle_hours();
        (rule.name, hours, rule.min_idle_share_percent)
    });
    assert_eq!(
        rules.collect::<Vec<_>>(),
        [("default", 12, 50), ("web", 12, 90), ("lab", 48, 50)]
    );
    let types = [None, Some("BATCH"), Some("SERVICE"), Some("LAB")];
    assert_eq!(types.map(|of| alerts.rule_of(of)), [0, 0, 1, 2]);
}

#[test]
fn every_node_knows_which_node_each_uuid_is_on() {
    let other = node("gpu_uuids = { \"0x3\" = 0 }").replace("\"n\"", "\"m\"");
    let first = node("gpu_uuids = { \"0x1\" = 0, \"0x2\" = 1 }");
    let config = parsed(&(first + &other)).expect("settings");
    for node in &config.nodes {
        let owners: Vec<_> = node.uuid_owners.values().map(String::as_str).collect();
        assert_eq!(owners, ["n", "n", "m"]);
    }
}

#[test]
fn a_node_name_cannot_lead_out_of_the_data_directory() {
    let named = |name: &str| parsed(&node("").replace("\"n\"", &format!("'''{name}'''")));
    for name in [
        "",
        ".",
        "..",
        "../up",
        "a/b",
        "/etc",
        ".daily-gpu-log",
        "reports",
        "a\\b",
        "a\nb",
        &"長".repeat(86),
    ] {
        let error = named(name).expect_err(name);
        assert!(error.starts_with("nodes.name："), "{error}");
    }
    for name in ["colab-gpu4", "reports1", "節點 1", "a..b", "gpu.example"] {
        assert!(named(name).is_ok(), "{name:?}");
    }
}

#[test]
fn names_are_in_the_form_in_which_they_are_compared() {
    let config = parsed(
            "ignore_hosts = [\"e\u{301}1\"]\n[[nodes]]\nname = \"e\u{301}2\"\nurl = \"http://127.0.0.1:1\"\n\
             [alerts]\nexempt_users = [\"e\u{301}3\"]\nexempt_projects = [\"e\u{301}4\"]\n\
             exempt_nodes = [\"e\u{301}2\"]\n[users]\n\"e\u{301}5\" = \"e@example.org\"",
        )
        .expect("settings");
    let only = |name: &str| std::collections::BTreeSet::from([name.to_owned()]);
    assert_eq!(config.ignore_hosts, only("é1"));
    assert_eq!(config.nodes[0].name, "é2");
    assert_eq!(config.alerts.exempt_users, only("é3"));
    assert_eq!(config.alerts.exempt_projects, only("é4"));
    assert_eq!(config.alerts.exempt_nodes, only("é2"));
    assert!(config.users.contains_key("é5"));
    let twice = "[users]\n\"é\" = \"e@example.org\"\n\"e\u{301}\" = \"f@example.org\"";
    let error = parsed(twice).expect_err("two of one name");
    assert!(error.contains("使用者「é」出現兩次"), "{error}");
}

/// Each text is refused by the name of a key, and without the secret `hush`.
#[track_caller]
fn refused(table: &[(String, &str)]) {
    for (text, refusal) in table {
        let error = parsed(text).expect_err(text);
        assert!(error.starts_with(refusal), "{text}: {error}");
        assert!(!error.contains("hush"), "{text}: {error}");
    }
}

#[test]
fn a_value_that_makes_no_sense_is_refused() {
    refused(&[
        (
            "timezone = \"Mars/Olympus\"".to_owned(),
            "timezone：不認得的時區「Mars/Olympus」",
        ),
        (
            "interval = \"7m\"".to_owned(),
            "interval：「7m」必須是能整除一小時的整數分鐘",
        ),
        (
            "interval = \"600\"".to_owned(),
            "interval：「600」不是一天以內的時間長度",
        ),
        ("interval = \"0s\"".to_owned(), "interval：「0s」"),
        (
            "readable_by = \"world\"".to_owned(),
            "第 1 行（readable_by）：unknown variant, expected one of `owner`, `group`, `all`",
        ),
        ("cards = [1, 9, 1]".to_owned(), "cards：卡 1 出現兩次"),
        ("nodes = []".to_owned(), "nodes：沒有任何節點"),
        (
            "ignore_hosts = [\"other\", \"colab-gpu2\"]".to_owned(),
            "ignore_hosts：「colab-gpu2」是設定中的節點",
        ),
        (
            "[netdata]\ntimeout = \"soon\"".to_owned(),
            "netdata.timeout：「soon」",
        ),
        (
            "[management_api]\nurl = \"192.168.10.100/api\"".to_owned(),
            "management_api.url：「192.168.10.100/api」沒有 http://",
        ),
        (
            "[management_api]\nurl = \"http://a:hush@c/\"".to_owned(),
            "management_api.url：網址不可含有帳號或密碼",
        ),
        (
            "[ledger]\nbusy_percent = 101".to_owned(),
            "ledger.busy_percent：101 不是 0 到 100 的百分比",
        ),
        (
            "[ledger]\nidle_percent = -0.5".to_owned(),
            "ledger.idle_percent：-0.5 不是 0 到 100 的百分比",
        ),
        (
            "[ledger]\nvram_floor_percent = nan".to_owned(),
            "ledger.vram_floor_percent：NaN 不是 0 到 100 的百分比",
        ),
        (
            "[ledger]\nidle_percent = 20.5".to_owned(),
            "ledger.idle_percent：20.5 大於 busy_percent = 20",
        ),
        (node("cards = []"), "nodes（n）的 cards：沒有任何卡"),
        (
            node("cards = [1]\ngpu_uuids = { \"APU-1\" = 1 }"),
            "nodes（n）的 gpu_uuids：APU-0000000000000001 = 1，但此節點只有 1 張卡",
        ),
        (
            node("gpu_uuids = { \"none\" = 1 }"),
            "nodes（n）的 gpu_uuids：「none」不是 GPU UUID",
        ),
        (
            node("gpu_uuids = { \"APU-01\" = 1, \"0x1\" = 2 }"),
            "nodes（n）的 gpu_uuids：GPU UUID APU-0000000000000001 出現兩次",
        ),
        (node("") + &node(""), "nodes.name：節點「n」出現兩次"),
    ]);
}

#[test]
fn a_notification_that_makes_no_sense_is_refused() {
    let with_webhook = |url: &str| format!("[notify]\nwebhook_url = \"{url}\"");
    let without = |part: &str, other: &str| smtp("").replace(part, other);
    refused(&[
        (
            with_webhook("hooks.example.org/hush"),
            "notify.webhook_url：不是網址",
        ),
        (
            with_webhook("https://a:hush@b/"),
            "notify.webhook_url：網址不可含有帳號或密碼",
        ),
        (
            with_webhook("https://a/hush\"\nwebhook_url_file = \"b"),
            "notify.webhook_url：notify.webhook_url 與 notify.webhook_url_file 只能設定其中一個",
        ),
        (
            "[notify]\ntimeout = \"61s\"".to_owned(),
            "notify.timeout：「61s」超過 60 秒",
        ),
        (
            "[notify]\nwhen = \"never\"".to_owned(),
            "第 2 行（when）：unknown variant, expected `problem` or `always`",
        ),
        (
            "[notify]\nsmtp = \"hush\"".to_owned(),
            "第 2 行（smtp）：invalid type, expected a table",
        ),
        (
            without("smtp.example.org", "smtp.example.org:587"),
            "notify.smtp.host：「smtp.example.org:587」不是主機名稱",
        ),
        (
            without("smtp.example.org", "smtp://example.org"),
            "notify.smtp.host：",
        ),
        (without("smtp.example.org", ""), "notify.smtp.host："),
        (
            without("gpulog@", "gpulog at "),
            "notify.smtp.from：「gpulog at example.org」不是電子郵件地址",
        ),
        (
            without("[\"admin@example.org\"]", "[\"admin\"]"),
            "notify.smtp.to：「admin」不是電子郵件地址",
        ),
        (
            without("[\"admin@example.org\"]", "[]"),
            "notify.smtp.to：沒有任何收件者",
        ),
        (
            smtp("security = \"none\"\nusername = \"a\""),
            "notify.smtp.username：security",
        ),
        (
            smtp("password_file = \"/run/password\""),
            "notify.smtp.password_file：沒有 username",
        ),
        (
            smtp("password = \"hush\""),
            "第 5 行（password）：unknown field `password`",
        ),
    ]);
}

#[test]
fn an_alert_that_makes_no_sense_is_refused() {
    refused(&[
        (
            "[alerts]\nwindow_days = 0".to_owned(),
            "alerts.window_days：0 不是 1 到 92 的天數",
        ),
        (
            "[alerts]\nmin_idle_hours = 0".to_owned(),
            "alerts.min_idle_hours：0 不是 1 到 1000000 的小時數",
        ),
        (
            "[alerts]\nmin_idle_share = 101".to_owned(),
            "alerts.min_idle_share：101 不是 0 到 100 的百分比",
        ),
        (
            "[alerts]\nexempt_nodes = [\"colab-gpu9\"]".to_owned(),
            "alerts.exempt_nodes：設定中沒有節點「colab-gpu9」",
        ),
        (rule(" ", ""), "alerts.rules.name：規則的名稱是空的"),
        (rule("default", ""), "alerts.rules.name：「default」是"),
        (
            rule("a", "") + &rule("a", ""),
            "alerts.rules.name：規則「a」出現兩次",
        ),
        (
            rule("a", "") + &rule("b", ""),
            "alerts.rules（b）的 task_types：任務類型「LAB」已屬於另一個規則",
        ),
        (
            rule("a", "").replace("\"LAB\"", ""),
            "alerts.rules（a）的 task_types：沒有任何任務類型",
        ),
        (
            rule("a", "min_idle_share = 200"),
            "alerts.rules（a）的 min_idle_share：200 不是",
        ),
        (
            "[users]\n\"王小明\" = \"ming\"".to_owned(),
            "users（王小明）：「ming」不是電子郵件地址",
        ),
        (
            "[users]\nalice = \"eyJhdXNo\"".to_owned(),
            "users（alice）：「…」不是電子郵件地址",
        ),
    ]);
}

#[test]
fn of_the_usual_places_the_first_file_counts_even_if_it_is_refused() {
    let root = tempfile::tempdir().expect("a directory");
    let at = |name: &str| root.path().join(name);
    for name in ["open", "own"] {
        fs::write(at(name), "").expect("a file");
    }
    fs::set_permissions(at("open"), fs::Permissions::from_mode(0o666)).expect("its mode");
    let found = |names: &[&str]| first(names.iter().map(|name| at(name)).collect());
    let (path, file) = found(&["none", "own", "open"]).expect("a file");
    assert_eq!((path, file.is_ok()), (at("own"), true));
    let (path, file) = found(&["open", "own"]).expect("a file");
    assert_eq!((path, file.is_ok()), (at("open"), false));
    assert!(found(&["none"]).is_none());
}
