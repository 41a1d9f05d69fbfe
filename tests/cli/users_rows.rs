//! `users --rows`: what each user held of each GPU on each day.

use std::fs;

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::simulated_cluster::{SimulatedApi, SimulatedNode, SimulatedTask};
use crate::support::{DATE, HOUR, Lab, MIDNIGHT, TOKEN, World};

const NEXT: &str = "2025-08-02";

/// A node of two GPUs, of which 王小明 holds one into the next day, and `other` the other one for six hours.
pub(crate) fn two_users(other: &str) -> Lab {
    let node = SimulatedNode::new("gpu-a").cards(&[1, 9]);
    Lab::new()
        .node(node.constant(1, 60.0, 50.0).constant(9, 1.0, 10.0))
        .task(task("t1", "王小明", 1, [2, 26]))
        .task(task("t2", other, 9, [0, 6]))
}

fn task(id: &str, user: &str, card: u32, hours: [i64; 2]) -> SimulatedTask {
    let task = SimulatedTask::new(id, user, "gpu-a").gpu(card, &format!("APU-{card}"));
    task.start(MIDNIGHT + hours[0] * HOUR)
        .end(MIDNIGHT + hours[1] * HOUR)
}

fn world() -> World {
    let world = two_users("=SUM(A1)")
        .task(task("t3", "=SUM(A1)", 9, [12, 18]))
        .start();
    let _ = world.run(&[DATE, "--to", NEXT]).exits(0);
    world
}

fn rows(world: &World, arguments: &[&str]) -> Vec<Value> {
    let arguments = [&["users", "--rows", "--json", DATE], arguments].concat();
    let json = world.run(&arguments).exits(0).json();
    json["rows"].as_array().expect("rows").clone()
}

#[test]
fn there_is_a_row_for_each_user_gpu_and_day() {
    let world = world();
    let found = rows(&world, &["--to", NEXT]);
    let of = |row: &Value| {
        json!([
            row["user"],
            row["date"],
            row["node"],
            row["gpu"],
            row["allocated_seconds"],
            row["gpu_mean_percent"],
            row["vram_mean_percent"],
            row["tasks"],
            row["create_time"]
        ])
    };
    let sum = "=SUM(A1)";
    assert_eq!(
        found.iter().map(of).collect::<Vec<_>>(),
        [
            json!([
                sum,
                DATE,
                "gpu-a",
                1,
                12 * 3600,
                1.0,
                10.0,
                2,
                "Fri, 01 Aug 2025 00:00:00 GMT"
            ]),
            json!([
                "王小明",
                DATE,
                "gpu-a",
                0,
                22 * 3600,
                60.0,
                50.0,
                1,
                "Fri, 01 Aug 2025 02:00:00 GMT"
            ]),
            json!([
                "王小明",
                NEXT,
                "gpu-a",
                0,
                2 * 3600,
                60.0,
                50.0,
                1,
                "Fri, 01 Aug 2025 02:00:00 GMT"
            ]),
        ]
    );
    let table = world.run(&["users", "--rows", DATE, "--to", NEXT]).exits(0);
    let _ = table.stdout_is(
        "2025-08-01 到 2025-08-02 各使用者的 GPU 小時（2 天，其中 2 天有報告）\n\
         \n\
         使用者          日期   節點     GPU   時數  使用中   閒置  平均GPU  平均VRAM             任務建立\n\
         =SUM(A1)  2025-08-01  gpu-a  GPU[1]  12.00    0.00  12.00    1.00%    10.00%  2025-08-01 00:00:00\n\
         王小明    2025-08-01  gpu-a  GPU[0]  22.00   22.00   0.00   60.00%    50.00%  2025-08-01 02:00:00\n\
         王小明    2025-08-02  gpu-a  GPU[0]   2.00    2.00   0.00   60.00%    50.00%  2025-08-01 02:00:00\n",
    );
    let csv = world.run(&["users", "--rows", "--csv", DATE]).exits(0);
    let lines: Vec<_> = csv.stdout.lines().collect();
    assert!(
        lines[0].starts_with("使用者,日期,節點,GPU編號,時數(GPU小時),"),
        "{}",
        lines[0]
    );
    assert_eq!(
        lines[1],
        "'=SUM(A1),2025-08-01,gpu-a,GPU[1],12.0000,0.0000,12.0000,12.0000,0.0000,1,10,100.00,43200,0,43200,0,0,0,43200,\
         2,\"Fri, 01 Aug 2025 00:00:00 GMT\""
    );
}

#[test]
fn any_number_of_users_is_asked_for() {
    let world = world();
    let users = |arguments: &[&str]| {
        let rows = rows(&world, arguments).into_iter();
        rows.map(|row| row["user"].as_str().expect("a user").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(users(&["--user", "王小明"]), ["王小明"]);
    let both = ["--user", "王小明", "--user==SUM(A1)"];
    assert_eq!(users(&both), ["=SUM(A1)", "王小明"]);
    let hidden = users(&["--anonymize", "--user", "王小明"]);
    assert!(hidden[0].starts_with("user-"), "{hidden:?}");
}

#[test]
fn where_the_tasks_are_not_kept_they_are_absent_and_the_rows_are_not() {
    let world = world();
    fs::remove_file(world.path("data/.daily-gpu-log/tasks/2025-08-01.json")).expect("tasks");
    for row in rows(&world, &[]) {
        let row = row.as_object().expect("a row");
        assert!(
            !row.contains_key("create_time") && !row.contains_key("tasks"),
            "{row:?}"
        );
    }
    let csv = world.run(&["users", "--rows", "--csv", DATE]).exits(0);
    assert!(
        csv.stdout.trim_end().ends_with(",79200,,"),
        "{}",
        csv.stdout
    );
}

#[test]
fn no_text_of_the_api_is_in_anonymous_rows() {
    let task = |card: u32, created: &str| {
        json!({
            "username": "alice", "hostname": "gpu-a", "gpus": [{"id": card, "uuid": format!("APU-{card}")}],
            "start": "Fri, 01 Aug 2025 00:00:00 GMT", "end": "Fri, 01 Aug 2025 06:00:00 GMT",
            "task": {"create_time": created},
        })
    };
    let api = SimulatedApi::new(TOKEN)
        .raw_task("t1", task(1, "for alice"))
        .raw_task("t2", task(9, "Fri, 01 Aug 2025 08:00:00 +0800 (alice)"));
    let node = SimulatedNode::new("gpu-a").cards(&[1, 9]);
    let world = Lab::new().node(node).api(api).start();
    let _ = world.run(&[DATE]).exits(0);
    let run = |arguments: &[&str]| {
        let arguments = [&["users", "--rows", DATE], arguments].concat();
        world.run(&arguments).exits(0).stdout
    };
    assert!(run(&[]).contains("for alice"));
    let workbook = ["--xlsx", "book.xlsx"];
    for format in [&[][..], &["--csv"], &["--json"], &workbook] {
        let shown = run(&[&["--anonymize"], format].concat());
        assert!(
            shown.contains("user-") && !shown.contains("alice"),
            "{shown}"
        );
        assert!(shown.contains("內容因 --anonymize 而略去"), "{shown}");
    }
    let book = fs::File::open(world.path("book.xlsx")).expect("a workbook");
    let strings = crate::workbook::part(book, "xl/sharedStrings.xml");
    assert!(!strings.contains("alice"), "{strings}");
}

#[test]
fn a_day_without_a_report_is_named() {
    let world = world();
    let _ = world
        .run(&["users", "--rows", "2025-08-09"])
        .exits(3)
        .stdout_is("2025-08-09 各使用者的 GPU 小時\n\n沒有用量報告：2025-08-09：沒有收集\n");
}

#[test]
fn users_and_report_refuse_an_unknown_user_in_the_same_words() {
    let world = world();
    for (language, problem) in [
        (
            "zh-TW",
            "錯誤：2025-08-01 的報告中沒有使用者「eve」：有 =SUM(A1)、王小明\n",
        ),
        (
            "en",
            "error: no user 'eve' in the reports of 2025-08-01: the users are =SUM(A1), 王小明\n",
        ),
    ] {
        for command in ["users", "report"] {
            let arguments = [command, DATE, "--user", "eve", "--lang", language];
            let _ = world.run(&arguments).exits(2).stderr_is(problem);
        }
    }
}

/// One user with 500 tasks, and 1,000 users.
#[test]
fn many_tasks_and_many_users_are_all_there() {
    let mut lab = Lab::new().node(SimulatedNode::new("gpu-a").cards(&[1, 9]));
    for number in 0..500 {
        let from = MIDNIGHT + number * 150;
        let task = SimulatedTask::new(&format!("a{number}"), "alice", "gpu-a").gpu(1, "APU-1");
        let project = format!("p{}", number % 7);
        lab = lab.task(task.start(from).end(from + 300).project(&project));
    }
    for number in 0..1000 {
        let from = MIDNIGHT + number * 80;
        let task = SimulatedTask::new(&format!("b{number}"), &format!("user {number}"), "gpu-a");
        lab = lab.task(task.gpu(9, "APU-9").start(from).end(from + 80));
    }
    let world = lab.start();
    let _ = world.run(&[DATE]);
    let found = rows(&world, &[]);
    assert_eq!(found.len(), 1001);
    assert_eq!(
        (&found[0]["user"], &found[0]["tasks"]),
        (&"alice".into(), &500.into())
    );
    let by = world
        .run(&["users", "--json", "--by=project", DATE])
        .exits(0)
        .json();
    let groups = by["groups"].as_array().expect("groups").iter();
    let sum: u64 = groups
        .map(|group| group["allocated_seconds"].as_u64().expect("seconds"))
        .sum();
    assert_eq!(sum, 499 * 150 + 300 + 80_000);
}

#[test]
fn rows_groups_and_workbook_are_in_english_as_well() {
    let world = world();
    let run = |arguments: &[&str]| {
        let arguments = [&["users", DATE, "--lang", "en"], arguments].concat();
        world.run(&arguments).exits(0).stderr_is("").stdout
    };
    let rows = run(&["--rows"]);
    assert!(
        rows.starts_with("GPU-hours by user, 2025-08-01\n\nUser ")
            && rows.contains("Task created\n"),
        "{rows}"
    );
    let groups = run(&["--by", "task-type", "--xlsx", "book.xlsx"]);
    assert!(
        groups.starts_with("GPU-hours by task type, 2025-08-01\n\nTask type "),
        "{groups}"
    );
    let book = fs::File::open(world.path("book.xlsx")).expect("a workbook");
    let sheets = crate::workbook::part(book, "xl/workbook.xml");
    assert!(sheets.contains("name=\"Task type\""), "{sheets}");
    for (arguments, problem) in [
        (
            &["--month", "2025-8"][..],
            "--month <YYYY-MM>: '2025-8' is no month: use YYYY-MM, such as 2025-08",
        ),
        (
            &["--user", "eve", DATE],
            "no user 'eve' in the reports of 2025-08-01",
        ),
    ] {
        let arguments = [&["users", "--lang", "en"], arguments].concat();
        let _ = world.run(&arguments).exits(2).stderr_has(problem);
    }
}
