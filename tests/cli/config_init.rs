//! `config init`: a settings file with every key, which changes nothing as it is.

use std::os::unix::fs::PermissionsExt;

use pretty_assertions::assert_eq;

use crate::support::{Lab, World};

const FILE: &str = "daily-gpu-log.toml";
const INIT: [&str; 2] = ["config", "init"];

/// A world without settings.
fn bare() -> World {
    let world = Lab::new().token(None).start();
    std::fs::remove_file(world.path(FILE)).expect("the file");
    world
}

/// The settings in force, without their origins.
fn in_force(world: &World) -> Vec<String> {
    let shown = world.run(&["config", "show"]).exits(0).stdout;
    let settings = shown.lines().filter(|line| !line.starts_with('#'));
    settings
        .map(|line| line.split("  # ").next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn the_file_as_printed_changes_nothing() {
    let world = bare();
    let builtin = in_force(&world);
    let printed = world
        .run(&INIT)
        .exits(0)
        .stderr_is("")
        .writes_nothing()
        .stdout;
    world.write(FILE, &printed);
    assert_eq!(in_force(&world), builtin);
}

#[test]
fn every_key_is_there_with_its_meaning() {
    let printed = bare().run(&INIT).exits(0).stdout;
    let lines: Vec<&str> = printed.lines().collect();
    for key in [
        "data_dir = \"data\"",
        "interval = \"10m\"",
        "name = \"colab-gpu1\"",
        "first_gpu_id = 1",
        "gpu_uuids = { \"APU-70cb99ce3e214bda\" = 0 }",
        "deadline = \"1m\"",
        "token_file = \"/etc/daily-gpu-log/token\"",
    ] {
        let at = lines.iter().position(|line| *line == format!("#{key}"));
        let at = at.unwrap_or_else(|| panic!("no {key} in {printed}"));
        assert!(lines[at - 1].starts_with("# "), "{key}: {}", lines[at - 1]);
    }
}

#[test]
fn the_file_is_written_once_and_for_few_eyes() {
    let world = bare();
    let printed = world.run(&INIT).exits(0).stdout;
    let write = [&INIT[..], &["--output", FILE]].concat();
    let _ = world.run(&write).exits(0).stdout_is("").stderr_is("");
    assert_eq!(world.read(FILE), printed);
    let mode = std::fs::metadata(world.path(FILE))
        .expect("the file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777 & !0o640, 0, "{mode:o}");

    world.write(FILE, "interval = \"5m\"\n");
    let _ = world
        .run(&write)
        .exits(1)
        .stderr_is("錯誤：daily-gpu-log.toml 已存在，未覆寫：請改用別的檔名\n");
    assert_eq!(world.read(FILE), "interval = \"5m\"\n");
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let world = bare();
    let _ = world
        .run(&[&INIT[..], &["--output", "nowhere/config.toml"]].concat())
        .exits(1)
        .stderr_is(
            "錯誤：無法寫入 nowhere/config.toml：No such file or directory (os error 2)\
             （請確認目錄存在，且有寫入權限）\n",
        );
}

#[test]
fn settings_that_cannot_be_do_not_keep_new_ones_from_being_made() {
    let world = bare();
    world.write(FILE, "this is no settings file");
    let _ = world.run(&INIT).exits(0).stderr_is("");
}
