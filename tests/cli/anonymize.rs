//! `--anonymize`: pseudonyms in the place of names, in `users` and in `--user-report`.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::simulated_cluster::{Fault, SimulatedApi, SimulatedNode, SimulatedTask};
use crate::support::{DATE, HOUR, Lab, MIDNIGHT, Outcome, TOKEN, World};

const KEY: &str = "data/.daily-gpu-log/pseudonym-key";
const REPORT: [&str; 3] = ["--user-report", "--anonymize", DATE];
const USERS: [&str; 3] = ["users", "--anonymize", DATE];
/// Every name of [`api`]: users, owners, projects, images, tasks, and what stands in records that cannot be read.
const NAMES: [&str; 16] = [
    "alice",
    "bob",
    "王小明",
    "mallory",
    "secret",
    "vision",
    "t1-",
    "t2-",
    "t3-",
    "t4-",
    "t5-",
    "t6-",
    "carol",
    "dave",
    "erin",
    "pd000001",
];

fn task(id: &str, user: &str, gpu: u32) -> SimulatedTask {
    SimulatedTask::new(id, user, "gpu-a")
        .gpu(gpu, &format!("APU-{gpu:016x}"))
        .start(MIDNIGHT)
        .end(MIDNIGHT + 6 * HOUR)
}

/// Tasks with names wherever there can be one: also in records of which the program quotes what is wrong.
fn api() -> SimulatedApi {
    let unreadable = json!({"username": "carol", "hostname": "gpu-a", "gpus": "dave"});
    let timeless = json!({
        "username": "carol", "hostname": "gpu-a", "gpus": [{"id": 1, "uuid": "APU-1"}],
        "start": "when carol came", "task": {"image": "secret/lab", "project_uuid": "vision"},
    });
    // RFC 2822 has comments in its times.
    let commented = json!({
        "username": "bob", "hostname": "elsewhere", "gpus": [{"id": 1, "uuid": "the one of carol"}, {"id": 2, "uuid": "carol-chen-01"}],
        "start": "Fri, 01 Aug 2025 14:00:00 +0800 (erin)", "end": "Fri, 01 Aug 2025 07:00:00 GMT (dave)",
    });
    SimulatedApi::new(TOKEN)
        .task(task("t1-alice", "alice", 1).image("registry.example/secret:1"))
        .task(task("t2-", "王小明", 9).project("vision").owner("mallory"))
        .task(SimulatedTask::new("t3-", "bob", "elsewhere").gpu(1, "APU-1"))
        .raw_task("t4-bob", unreadable)
        .raw_task("t5-", timeless)
        .raw_task("t6-", commented)
}

fn world() -> World {
    let node = SimulatedNode::new("gpu-a").cards(&[1, 9]);
    Lab::new().node(node).api(api()).start()
}

#[track_caller]
fn names_nobody(outcome: &Outcome) {
    for text in [&outcome.stdout, &outcome.stderr] {
        for name in NAMES {
            assert!(!text.contains(name), "{name} in {text}");
        }
    }
}

/// Every word of a text that begins like a pseudonym.
fn pseudonyms(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let kinds = ["user-", "project-", "image-", "task-"];
    let is_pseudonym = |word: &&str| {
        let digits = kinds.iter().find_map(|kind| word.strip_prefix(kind));
        digits.is_some_and(|digits| {
            digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    words.filter(is_pseudonym).collect()
}

#[test]
fn no_name_is_anywhere_in_what_is_said() {
    let world = world();
    let plain = world.run(&["--user-report", DATE]).exits(0);
    for name in [
        "alice",
        "bob",
        "王小明",
        "mallory",
        "secret",
        "t4-",
        "carol",
        "dave",
        "erin",
    ] {
        let said = plain.stdout.contains(name) || plain.stderr.contains(name);
        assert!(said, "{name} is not said without --anonymize");
    }
    let _ = world.run(&[DATE, "-q"]).exits(3);
    for command in [&REPORT, &USERS] {
        for more in [
            &[][..],
            &["--json"],
            &["-vv"],
            &["--log-format=json", "-v"],
            &["--user", "alice", "-vv"],
            &["--user", "王小明", "--json"],
            &["--user", "mallory"],
            &["--user", "mallory", "--json", "-vv"],
        ] {
            let outcome = world.run(&[&command[..], more].concat());
            names_nobody(&outcome);
            let status = match command == &USERS {
                true if more.contains(&"mallory") => 2,
                // Two tasks are in nobody's account.
                true => 3,
                false => 0,
            };
            assert_eq!(outcome.status, Some(status), "{more:?}");
        }
    }
    let csv = world.run(&["users", "--anonymize", "--csv", DATE]).exits(3);
    names_nobody(&csv);
}

#[test]
fn errors_quote_nothing_of_the_answer() {
    let record = json!({"username": "carol", "hostname": "gpu-a", "gpus": "dave"});
    let api = SimulatedApi::new(TOKEN).raw_task("t4-bob", record);
    let world = Lab::new()
        .node(SimulatedNode::new("gpu-a"))
        .api(api)
        .start();
    let plain = world.run(&["--user-report", DATE]).exits(1);
    assert!(plain.stderr.contains("dave"), "{}", plain.stderr);
    let outcome = world.run(&REPORT).exits(1).stdout_is("").writes_nothing();
    names_nobody(&outcome);
    let _ = outcome.stderr_has(" 的回應無法解析（內容因 --anonymize 而略去）\n");
}

/// The task whose GPU has no UUID that is one.
fn on_gpu_without_uuid(tasks: &[Value]) -> &Value {
    let withheld = json!("內容因 --anonymize 而略去");
    let mut found = tasks
        .iter()
        .filter(|task| task["gpus"][0]["uuid"] == withheld);
    let task = found.next().expect("the task");
    assert_eq!(found.next(), None);
    task
}

#[test]
fn one_name_has_one_pseudonym_wherever_it_stands() {
    let world = world();
    let _ = world.run(&[DATE, "-q"]).exits(3);
    let json = world
        .run(&[&REPORT[..], &["--json"]].concat())
        .exits(0)
        .json();
    let tasks = json["tasks"].as_array().expect("tasks");
    assert_eq!(tasks.len(), 5);
    let of = |task: &Value, field: &str| task[field].as_str().expect("a text").to_owned();
    let on_gpu = |id: u32, host: &str| {
        let is_it = |task: &&Value| task["gpus"][0]["id"] == id && task["hostname"] == host;
        tasks
            .iter()
            .find(|task| is_it(task) && task["end"].is_string())
    };
    let alices = on_gpu(1, "gpu-a").expect("alice's task");
    let wangs = on_gpu(9, "gpu-a").expect("the task of 王小明");
    // What leads to no person stays.
    assert_eq!(wangs["gpus"][0]["uuid"], "APU-0000000000000009");
    assert_eq!(
        (&wangs["type"], &wangs["start"]),
        (&json!("LAB"), &json!("Fri, 01 Aug 2025 00:00:00 GMT"))
    );
    for (field, kind) in [
        ("username", "user-"),
        ("owner", "user-"),
        ("project_uuid", "project-"),
        ("image", "image-"),
        ("id", "task-"),
    ] {
        let shown = of(wangs, field);
        assert!(
            shown.starts_with(kind) && pseudonyms(&shown).len() == 1,
            "{field}: {shown}"
        );
    }
    let (alice, wang) = (of(alices, "username"), of(wangs, "username"));
    // So does when a task began and ended, but not as it was worded.
    let commented = on_gpu_without_uuid(tasks);
    assert_eq!(
        (&commented["start"], &commented["end"]),
        (
            &json!("Fri, 01 Aug 2025 06:00:00 GMT"),
            &json!("Fri, 01 Aug 2025 07:00:00 GMT")
        )
    );
    let text = world.run(&REPORT).exits(0).stdout;
    for name in [&alice, &wang, &of(wangs, "owner"), &of(wangs, "image")] {
        assert!(
            pseudonyms(&text).contains(name.as_str()),
            "{name} in {text}"
        );
    }
    // alice held more than anybody, and had all of it in use or idle alike.
    let users = world
        .run(&[&USERS[..], &["--json"]].concat())
        .exits(3)
        .json();
    let users: BTreeSet<_> = users["users"]
        .as_array()
        .expect("users")
        .iter()
        .map(|user| of(user, "user"))
        .collect();
    assert_eq!(users, BTreeSet::from([alice.clone(), wang.clone()]));
    // By name or by pseudonym, the user is the same.
    for (given, expected) in [
        ("alice", &alice),
        (alice.as_str(), &alice),
        ("王小明", &wang),
    ] {
        let csv = world
            .run(&["users", DATE, "--anonymize", "--csv", "--user", given])
            .exits(3);
        assert_eq!(pseudonyms(&csv.stdout), BTreeSet::from([expected.as_str()]));
        let report = world
            .run(&["--user-report", DATE, "--anonymize", "--user", given])
            .exits(0);
        let said = format!("  使用者: {expected}\n");
        assert!(report.stdout.contains(&said), "{said} in {}", report.stdout);
        assert_eq!(report.stdout.matches("  使用者: ").count(), 1);
    }
}

#[test]
fn pseudonyms_are_of_the_key_which_is_made_once() {
    let world = world();
    let first = world.run(&REPORT).exits(0).stdout;
    let key = fs::read(world.path(KEY)).expect("a key");
    assert_eq!(key.len(), 32);
    let metadata = fs::metadata(world.path(KEY)).expect("a key");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(world.run(&REPORT).exits(0).stdout, first);
    assert_eq!(fs::read(world.path(KEY)).expect("a key"), key);

    let other = self::world().run(&REPORT).exits(0).stdout;
    assert_eq!(other.lines().count(), first.lines().count());
    let (ours, theirs) = (pseudonyms(&first), pseudonyms(&other));
    assert!(
        ours.len() > 4 && ours.is_disjoint(&theirs),
        "{ours:?} {theirs:?}"
    );
}

#[test]
fn the_key_is_not_made_for_nobody() {
    let world = world();
    let _ = world.run(&USERS).exits(3).writes_nothing();
    let down = Lab::new()
        .node(SimulatedNode::new("gpu-a"))
        .api(SimulatedApi::new(TOKEN).fault(Fault::Refuse));
    let _ = down.run(&REPORT).exits(1).writes_nothing();
}

#[test]
fn a_key_that_is_none_is_refused() {
    let world = world();
    let _ = world.run(&[DATE, "-q"]).exits(3);
    for (bytes, mode, said) in [
        (31, 0o600, "不是代號的金鑰（應為 32 個位元組）"),
        (33, 0o600, "不是代號的金鑰（應為 32 個位元組）"),
        (0, 0o600, "不是代號的金鑰（應為 32 個位元組）"),
        (
            32,
            0o640,
            "的權限是 0640，其他使用者可以存取：請執行 chmod 600 ",
        ),
    ] {
        world.write(KEY, &"k".repeat(bytes));
        world.set_mode(KEY, mode);
        for command in [&REPORT, &USERS] {
            let outcome = world.run(&command[..]).exits(10).stdout_is("");
            names_nobody(&outcome);
            let outcome = outcome.stderr_has(said).stderr_has("pseudonym-key");
            assert!(!outcome.stderr.contains("kkk"), "{}", outcome.stderr);
        }
    }
    fs::remove_file(world.path(KEY)).expect("a key");
    fs::create_dir(world.path(KEY)).expect("a directory");
    world.set_mode(KEY, 0o700);
    let _ = world
        .run(&USERS)
        .exits(10)
        .stderr_has("無法讀取代號的金鑰 ");
}

#[test]
fn only_a_report_can_be_anonymized() {
    let outcome = world().run(&["--anonymize", DATE]).exits(2);
    let _ = outcome.stderr_has("缺少 --user-report").writes_nothing();
}
