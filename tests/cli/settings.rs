//! Settings that cannot be are refused by file and key, with status 10 and nothing written; and where they are found.

use crate::simulated_cluster::SimulatedNode;
use crate::support::{DATE, Lab, World};

const FILE: &str = "daily-gpu-log.toml";

/// Each text is refused, in words that have the name of the file and each of these parts.
#[track_caller]
fn refused(table: &[(&str, &[&str])]) {
    let world = Lab::new().start();
    for (settings, parts) in table {
        world.write(FILE, settings);
        let mut outcome = world
            .run(&[DATE])
            .exits(10)
            .stdout_is("")
            .stderr_has(&format!("錯誤：設定檔 {FILE} 有誤："))
            .writes_nothing();
        for part in *parts {
            outcome = outcome.stderr_has(part);
        }
    }
}

/// The settings of one node, with these further keys.
fn node(keys: &str) -> String {
    format!("[[nodes]]\nname = \"n\"\nurl = \"http://127.0.0.1:9\"\n{keys}\n")
}

#[test]
fn a_value_of_the_wrong_type_is_refused() {
    refused(&[
        ("timezone = 8", &["timezone", "第 1 行"]),
        ("interval = 600", &["interval", "第 1 行"]),
        ("data_dir = true", &["data_dir"]),
        ("cards = \"1,9\"", &["cards"]),
        ("cards = [1, -9]", &["cards"]),
        ("nodes = \"colab-gpu1\"", &["nodes"]),
        ("\n\n[netdata]\nretries = \"2\"", &["retries", "第 4 行"]),
        ("[management_api]\ntoken_file = []", &["token_file"]),
        (&node("first_gpu_id = -1"), &["first_gpu_id"]),
        (&node("gpu_uuids = { \"APU-1\" = \"0\" }"), &["gpu_uuids"]),
        ("gpu_files = \"name\"", &["gpu_files"]),
        ("user_column = \"first\"", &["user_column"]),
        ("[notify]\ninclude_users = 1", &["include_users", "第 2 行"]),
        (
            "[notify]\nwhen = \"never\"",
            &["when", "expected `problem` or `always`"],
        ),
        ("[notify]\nsmtp = \"localhost\"", &["smtp", "第 2 行"]),
    ]);
}

#[test]
fn an_unknown_key_is_refused_by_name() {
    refused(&[
        ("tiemzone = \"UTC\"", &["unknown field `tiemzone`"]),
        ("[net_data]\nretries = 1", &["unknown field `net_data`"]),
        ("[netdata]\ntimeuot = \"1s\"", &["unknown field `timeuot`"]),
        (
            "[management_api]\nuri = \"http://a\"",
            &["unknown field `uri`"],
        ),
        (&node("adress = \"http://a\""), &["unknown field `adress`"]),
        ("[notify]\nmail = true", &["unknown field `mail`"]),
        ("[notify.smtp]\nserver = \"a\"", &["unknown field `server`"]),
    ]);
}

#[test]
fn a_node_without_name_or_address_is_refused() {
    refused(&[
        ("[[nodes]]\nname = \"n\"", &["missing field `url`"]),
        ("[[nodes]]\nurl = \"http://a\"", &["missing field `name`"]),
        ("nodes = []", &["nodes", "沒有任何節點"]),
    ]);
}

#[test]
fn what_is_no_toml_is_refused() {
    refused(&[
        ("timezone = \"UTC\"\n[[nodes", &["第 2 行"]),
        ("timezone: UTC", &["第 1 行"]),
        (
            "timezone = \"UTC\"\ntimezone = \"UTC\"",
            &["timezone", "第 2 行"],
        ),
    ]);
}

#[test]
fn two_nodes_of_one_name_are_refused() {
    refused(&[(&(node("") + &node("")), &["nodes.name：節點「n」出現兩次"])]);
}

#[test]
fn a_gpu_on_two_nodes_is_refused_by_uuid_and_both_names() {
    let other = "[[nodes]]\nname = \"m\"\nurl = \"http://127.0.0.1:9\"\n";
    refused(&[(
        &(node("gpu_uuids = { \"APU-00a1b2c3d4e5f607\" = 0 }")
            + other
            + "gpu_uuids = { \"0xA1B2C3D4E5F607\" = 3 }"),
        &["nodes.gpu_uuids：GPU UUID APU-00a1b2c3d4e5f607 同時出現在節點「n」與「m」"],
    )]);
}

#[test]
fn a_uuid_that_names_no_gpu_is_refused() {
    for none in ["APU-0000000000000000", "0x0", "N/A", ""] {
        refused(&[(
            &node(&format!("gpu_uuids = {{ \"{none}\" = 0 }}")),
            &[
                "nodes（n）的 gpu_uuids",
                &format!("「{none}」不是 GPU UUID"),
            ],
        )]);
    }
}

#[test]
fn a_card_that_is_named_twice_is_refused() {
    refused(&[
        ("cards = [1, 9, 1]", &["cards：卡 1 出現兩次"]),
        (
            &node("cards = [17, 17]"),
            &["nodes（n）的 cards：卡 17 出現兩次"],
        ),
        (&node("cards = []"), &["nodes（n）的 cards：沒有任何卡"]),
    ]);
}

#[test]
fn a_node_name_that_leads_out_of_its_directory_is_refused() {
    let named = |name: &str| format!("[[nodes]]\nname = '{name}'\nurl = \"http://127.0.0.1:9\"\n");
    for name in [
        "a/b",
        "/etc",
        "..",
        "../up",
        ".",
        ".daily-gpu-log",
        ".hidden",
    ] {
        refused(&[(&named(name), &["nodes.name：", &format!("「{name}」")])]);
    }
    refused(&[(&named(""), &["nodes.name：節點名稱是空的"])]);
}

#[test]
fn an_address_that_is_none_is_refused() {
    let at = |url: &str| format!("[[nodes]]\nname = \"n\"\nurl = \"{url}\"\n");
    for url in [
        "192.168.10.103:19999",
        "colab-gpu1:19999",
        "colab-gpu1",
        "ftp://a",
        "http://",
        "",
    ] {
        refused(&[(&at(url), &["nodes（n）的 url：", &format!("「{url}」")])]);
    }
    refused(&[
        (
            "[management_api]\nurl = \"192.168.10.100/api\"",
            &["management_api.url：", "http://"],
        ),
        (&at("http://a?b=c"), &["nodes（n）的 url：", "?"]),
    ]);
}

#[test]
fn a_password_in_an_address_is_refused_and_not_repeated() {
    let world = Lab::new().start();
    for url in [
        "http://admin:hunter2@127.0.0.1:9",
        "http://127.0.0.1:9@admin:hunter2@b",
        "http://admin:hunter2@127.0.0.1:99999",
        "ftp://admin:hunter2@127.0.0.1",
        "admin:hunter2@127.0.0.1:19999",
    ] {
        for (settings, key) in [
            (
                format!("[[nodes]]\nname = \"n\"\nurl = \"{url}\""),
                "nodes（n）的 url",
            ),
            (
                format!("[management_api]\nurl = \"{url}\""),
                "management_api.url",
            ),
        ] {
            world.write(FILE, &settings);
            let _ = world
                .run(&[DATE, "-vv"])
                .exits(10)
                .stderr_has(key)
                .stderr_lacks("hunter2")
                .writes_nothing();
        }
    }
}

#[test]
fn a_password_in_the_address_of_the_database_is_refused_and_not_repeated() {
    let world = Lab::new().start();
    for url in [
        "postgres://gpulog:hunter2@127.0.0.1/gpu",
        "postgres://gpulog@127.0.0.1/gpu?password=hunter2",
        "postgres://gpulog@127.0.0.1/gpu?hunter2=1",
        "host=127.0.0.1 dbname=gpu password=hunter2",
    ] {
        world.write(FILE, &format!("[database]\nurl = \"{url}\""));
        let _ = world
            .run(&[DATE, "-vv"])
            .exits(10)
            .stderr_has("database.url：")
            .stderr_lacks("hunter2")
            .writes_nothing();
    }
}

#[test]
fn zones_and_times_that_cannot_be_are_refused() {
    refused(&[
        (
            "timezone = \"Mars/Olympus\"",
            &["timezone：", "「Mars/Olympus」"],
        ),
        (
            "[management_api]\ntimezone = \"GMT+25\"",
            &["management_api.timezone：", "「GMT+25」"],
        ),
        ("interval = \"7m\"", &["interval：", "「7m」"]),
        ("interval = \"90s\"", &["interval：", "「90s」"]),
        ("interval = \"2h\"", &["interval：", "「2h」"]),
        ("interval = \"0s\"", &["interval：", "「0s」"]),
        ("interval = \"600\"", &["interval：", "「600」"]),
        (
            "[netdata]\ntimeout = \"soon\"",
            &["netdata.timeout：", "「soon」"],
        ),
        (
            "[netdata]\ndeadline = \"0s\"",
            &["netdata.deadline：", "「0s」"],
        ),
    ]);
}

#[test]
fn a_settings_file_that_is_named_must_be_there() {
    let world = Lab::colab_gpu4().start();
    for path in ["elsewhere.toml", "."] {
        let _ = world
            .run(&[DATE, "--config", path])
            .exits(10)
            .stderr_has(&format!("錯誤：無法讀取設定檔 {path}："))
            .stderr_has("（請確認 --config 的路徑與讀取權限）\n")
            .writes_nothing();
    }
}

#[test]
fn where_the_settings_beside_it_cannot_be_read_it_is_said_what_to_do() {
    let world = Lab::colab_gpu4().start();
    std::fs::remove_file(world.path(FILE)).expect("the settings");
    std::fs::create_dir(world.path(FILE)).expect("a directory");
    let _ = world.run(&[DATE]).exits(10).stderr_has(
        "Is a directory (os error 21)（請先 cd 到其他目錄，例如 cd /，或以 --config 指定設定檔）\n",
    );
}

/// Settings whose only effect is that the run is refused by this name.
fn marked(name: &str) -> String {
    format!("timezone = \"{name}\"\n")
}

#[track_caller]
fn settings_come_from(world: &World, arguments: &[&str], variables: &[(&str, &str)], mark: &str) {
    let _ = world
        .run_with(arguments, variables)
        .exits(10)
        .stderr_has(&format!("「{mark}」"));
}

#[test]
fn settings_are_looked_for_from_the_nearest_place_to_the_farthest() {
    let world = Lab::new().start();
    let xdg = world.path("xdg");
    let variables = [("XDG_CONFIG_HOME", xdg.to_str().expect("a path"))];
    world.write("named.toml", &marked("named"));
    world.write(FILE, &marked("here"));
    world.write("xdg/daily-gpu-log/config.toml", &marked("xdg"));
    world.write("home/.config/daily-gpu-log/config.toml", &marked("home"));
    let named = [DATE, "--config", "named.toml"];
    settings_come_from(&world, &named, &variables, "named");
    settings_come_from(&world, &[DATE], &variables, "here");
    std::fs::remove_file(world.path(FILE)).expect("the file");
    settings_come_from(&world, &[DATE], &variables, "xdg");
    settings_come_from(&world, &[DATE], &[], "home");
    settings_come_from(&world, &[DATE], &[("XDG_CONFIG_HOME", "")], "home");
}

#[test]
fn settings_from_afar_are_as_good_as_those_at_hand() {
    let world = Lab::new().node(SimulatedNode::new("n")).start();
    let settings = std::fs::read_to_string(world.path(FILE)).expect("the settings");
    std::fs::remove_file(world.path(FILE)).expect("the file");
    world.write("xdg/daily-gpu-log/config.toml", &settings);
    let xdg = world.path("xdg");
    let variables = [("XDG_CONFIG_HOME", xdg.to_str().expect("a path"))];
    let outcome = world.run_with(&[DATE], &variables).exits(0).stderr_is("");
    outcome.holds_all_readings_of(world.cluster.node("n"), "n");
}

#[test]
fn settings_that_everybody_may_change_are_not_taken_without_being_named() {
    let world = Lab::colab_gpu4().start();
    world.set_mode(FILE, 0o666);
    world.run(&[DATE]).exits(10).stderr_is(
        "錯誤：無法讀取設定檔 daily-gpu-log.toml：任何使用者都可以改寫它：請執行 chmod o-w\
         （請先 cd 到其他目錄，例如 cd /，或以 --config 指定設定檔）\n",
    );
    world.run(&["--config", FILE, DATE]).exits(0).stderr_is("");
}
