//! The token of the management API: where it may come from, who may read it, and that nobody is shown it.

use crate::support::{DATE, Lab, TOKEN, World};

const VARIABLE: &str = "MANAGEMENT_API_TOKEN";
const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";
const WRONG: &str = "header.another-synthetic-token.signature";

/// A world that has no token.
fn without_token() -> World {
    Lab::colab_gpu4().token(None).start()
}

/// Names the file `token` in the settings, whether or not it is there.
fn naming_a_file() -> World {
    let world = without_token();
    let settings = std::fs::read_to_string(world.path("daily-gpu-log.toml")).expect("the settings");
    world.write(
        "daily-gpu-log.toml",
        &format!("{settings}token_file = \"token\"\n"),
    );
    world
}

fn naming_a_file_that_holds(text: &str) -> World {
    let world = naming_a_file();
    world.write("token", text);
    world.set_mode("token", 0o600);
    world
}

/// What systemd gives a service: a file that its group may read, behind a directory that it may not.
fn credential(world: &World, text: &str) -> String {
    world.write("credentials/management-api-token", text);
    world.set_mode("credentials/management-api-token", 0o440);
    world.path("credentials").display().to_string()
}

/// Both commands that need a token refuse to begin.
#[track_caller]
fn refused(world: &World, variables: &[(&str, &str)], line: &str) {
    for arguments in [&[DATE][..], &[DATE, "--user-report"]] {
        let _ = world
            .run_with(arguments, variables)
            .exits(10)
            .stdout_is("")
            .stderr_is(&format!("錯誤：{line}\n"))
            .writes_nothing();
    }
    assert!(world.cluster.requests("colab-gpu4").is_empty());
    assert!(world.cluster.api_requests().is_empty());
}

#[track_caller]
fn accepted(world: &World, variables: &[(&str, &str)]) {
    let _ = world.run_with(&[DATE], variables).exits(0).stderr_is("");
}

#[test]
fn a_token_file_that_others_can_read_is_refused() {
    for mode in [0o644, 0o640, 0o604, 0o660, 0o620] {
        let world = naming_a_file_that_holds(TOKEN);
        world.set_mode("token", mode);
        refused(
            &world,
            &[(VARIABLE, TOKEN)],
            &format!(
                "Token 檔 token 可被其他使用者讀取（權限 {mode:04o}）：請執行 chmod 600 token"
            ),
        );
    }
}

#[test]
fn a_token_file_that_only_its_owner_can_read_is_taken() {
    for mode in [0o600, 0o400] {
        let world = naming_a_file_that_holds(&format!("{TOKEN}\n"));
        world.set_mode("token", mode);
        accepted(&world, &[]);
    }
}

#[test]
fn a_token_file_that_is_named_must_be_there() {
    refused(
        &naming_a_file(),
        &[(VARIABLE, TOKEN)],
        "無法讀取 Token 檔 token：No such file or directory (os error 2)",
    );
}

#[test]
fn a_file_that_holds_no_token_is_refused() {
    for text in ["", "\n"] {
        refused(
            &naming_a_file_that_holds(text),
            &[(VARIABLE, TOKEN)],
            "token 是空的：請將 Token 寫入其中",
        );
    }
    for text in ["two words", "two\nlines\n", "權杖"] {
        refused(
            &naming_a_file_that_holds(text),
            &[(VARIABLE, TOKEN)],
            "token 的內容不是 Token：必須是一行可見的 ASCII 字元",
        );
    }
}

#[test]
fn a_variable_that_holds_no_token_is_refused() {
    refused(
        &without_token(),
        &[(VARIABLE, "two words")],
        "MANAGEMENT_API_TOKEN 的內容不是 Token：必須是一行可見的 ASCII 字元",
    );
}

#[test]
fn without_a_token_it_is_said_where_to_put_one() {
    let line = "沒有管理 API 的 Token：請將它寫入 /etc/daily-gpu-log/token（chmod 600）、\
                設定 [management_api] token_file、或設定環境變數 MANAGEMENT_API_TOKEN；\
                若不需要任務資訊，請加上 --skip-task-info";
    refused(&without_token(), &[], line);
    refused(&without_token(), &[(VARIABLE, "")], line);
}

#[test]
fn no_token_is_needed_where_tasks_are_skipped() {
    let world = naming_a_file();
    let outcome = world
        .run(&[DATE, "--skip-task-info"])
        .exits(0)
        .stderr_is("");
    outcome.holds_all_readings_of(world.cluster.node("colab-gpu4"), "colab-gpu4");
    assert!(world.cluster.api_requests().is_empty());
}

#[test]
fn the_variable_is_enough() {
    accepted(&without_token(), &[(VARIABLE, TOKEN)]);
}

#[test]
fn the_token_file_wins_over_the_variable() {
    accepted(&naming_a_file_that_holds(TOKEN), &[(VARIABLE, WRONG)]);
    let _ = naming_a_file_that_holds(WRONG)
        .run_with(&[DATE], &[(VARIABLE, TOKEN)])
        .exits(3)
        .stderr_has("拒絕了 Token（HTTP 401）");
}

#[test]
fn the_credential_of_a_service_wins_over_the_token_file() {
    let world = naming_a_file_that_holds(WRONG);
    let directory = credential(&world, TOKEN);
    accepted(&world, &[(DIRECTORY, &directory), (VARIABLE, WRONG)]);

    let world = naming_a_file_that_holds(TOKEN);
    let directory = credential(&world, WRONG);
    let _ = world
        .run_with(&[DATE], &[(DIRECTORY, &directory)])
        .exits(3)
        .stderr_has("拒絕了 Token（HTTP 401）");
}

#[test]
fn a_service_without_this_credential_takes_the_token_file() {
    let world = naming_a_file_that_holds(TOKEN);
    world.write("credentials/another", "of no concern");
    let directory = world.path("credentials").display().to_string();
    accepted(&world, &[(DIRECTORY, &directory)]);
}

#[test]
fn the_token_is_shown_to_nobody_but_the_api() {
    for (token, status) in [(TOKEN, 0), (WRONG, 3)] {
        let world = naming_a_file_that_holds(token);
        let outcome = world
            .run(&[DATE, "-vv", "--json"])
            .exits(status)
            .stderr_has("answered");
        let files = outcome.files("").into_iter().map(|(_, text)| text);
        for text in files.chain([outcome.stdout.clone(), outcome.stderr.clone()]) {
            assert!(!text.contains("synthetic-token"), "{text}");
        }
        for request in world.cluster.requests("colab-gpu4") {
            assert_eq!(request.header("authorization"), None);
        }
    }
}

#[test]
fn a_token_in_the_settings_file_is_refused_and_not_repeated() {
    for key in ["token", "access_token"] {
        let world = without_token();
        let settings =
            std::fs::read_to_string(world.path("daily-gpu-log.toml")).expect("the settings");
        world.write(
            "daily-gpu-log.toml",
            &format!("{settings}{key} = \"{TOKEN}\"\n"),
        );
        let _ = world
            .run(&[DATE])
            .exits(10)
            .stderr_has(&format!("unknown field `{key}`"))
            .stderr_lacks("synthetic-token")
            .writes_nothing();
    }
}
