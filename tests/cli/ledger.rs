//! The accounts of the users of all nodes, `reports/users_<date>.csv`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::simulated_cluster::{Fault, SimulatedNode, SimulatedTask};
use crate::support::{DATE, HOUR, Lab, MIDNIGHT};

const USERS: &str = include_str!("../../fixtures/golden/users_2025-08-01.csv");
const REPORT: &str = "reports/users_2025-08-01.csv";

/// A node of a busy and an idle card. The idle one was not measured between three and four, nor its VRAM between five
/// and six.
fn gpu_a() -> SimulatedNode {
    let at = |hour: i64| MIDNIGHT + hour * HOUR;
    SimulatedNode::new("gpu-a")
        .cards(&[1, 9])
        .constant(1, 50.0, 40.0)
        .constant(9, 2.5, 85.5)
        .gap(9, at(3), at(4))
        .vram_gap(9, at(5), at(6))
}

/// A node of one card that does nothing.
fn gpu_b() -> SimulatedNode {
    SimulatedNode::new("gpu-b")
        .cards(&[1])
        .constant(1, 0.0, 0.14)
}

fn held(id: &str, user: &str, node: &str, from: i64, to: i64) -> SimulatedTask {
    SimulatedTask::new(id, user, node)
        .gpu(1, "APU-1")
        .start(MIDNIGHT + from)
        .end(MIDNIGHT + to)
}

/// Two nodes and four users.
fn lab(gpu_a: SimulatedNode, gpu_b: SimulatedNode) -> Lab {
    let evening = 20 * HOUR + 15 * 60 + 10;
    Lab::new()
        .ledger("")
        .node(gpu_a)
        .node(gpu_b)
        .task(held("t1", "alice", "gpu-a", -HOUR, 12 * HOUR))
        .task(held("t2", "bob", "gpu-a", 10 * HOUR, 14 * HOUR + 1800))
        .task(SimulatedTask::new("t3", "alice", "gpu-a").gpu(9, "APU-9"))
        .task(held("t4", "=SUM(A1)", "gpu-b", 6 * HOUR, 6 * HOUR + 30))
        .task(held("t5", "王小明", "gpu-b", evening, 30 * HOUR))
}

#[test]
fn the_accounts_of_a_day_are_those_of_the_golden_file() {
    let world = lab(gpu_a(), gpu_b()).start();
    let outcome = world.run_in_shell("umask 0; exec \"$@\"", &[DATE]).exits(0);
    assert_eq!(outcome.accounts(DATE), USERS);
    let file = fs::metadata(world.path(format!("data/{REPORT}"))).expect("the file");
    assert_eq!(file.permissions().mode() & 0o777, 0o640);
    let directory = fs::read_dir(world.path("data/reports")).expect("the directory");
    assert_eq!(directory.count(), 1, "nothing stays beside the file");
}

/// The columns of seconds of every row, from the file alone.
#[test]
fn the_seconds_of_every_row_and_every_gpu_add_up() {
    // Of the simulation's own readings, which are idle, busy, and missing in turn.
    let node = |name: &str| SimulatedNode::new(name).gap(9, MIDNIGHT + 7777, MIDNIGHT + 50_000);
    let lab = ["n1", "n2"]
        .iter()
        .fold(Lab::new(), |lab, name| lab.node(node(name)));
    let lab = (0..40).fold(lab, |lab, n: i64| {
        let user = ["alice", "bob", "carol"][usize::try_from(n % 3).expect("few")];
        let card = [1, 9, 17, 25][usize::try_from(n % 4).expect("few")];
        let from = MIDNIGHT - 5000 + n * 2111;
        let task = SimulatedTask::new(
            &format!("t{n}"),
            user,
            ["n1", "n2"][usize::from(n % 5 == 0)],
        );
        lab.task(task.gpu(card, "APU-1").start(from).end(from + n * 777))
    });
    let outcome = lab.run(&[DATE]).exits(0);
    let accounts = outcome.accounts(DATE);
    let rows: Vec<Vec<&str>> = accounts
        .lines()
        .skip(1)
        .map(|row| row.split(',').collect())
        .collect();
    let seconds = |row: &[&str], column: usize| -> i64 { row[column].parse().expect("seconds") };
    let sum = |kind: &str, key: &dyn Fn(&[&str]) -> bool, column| -> i64 {
        let rows = rows.iter().filter(|row| row[0] == kind && key(row));
        rows.map(|row| seconds(row, column)).sum()
    };
    for row in &rows {
        let parts: i64 = (12..=16).map(|column| seconds(row, column)).sum();
        assert_eq!(seconds(row, 11), parts, "{row:?}");
        let whole = match row[0] {
            "配置合計" => sum("配置", &|part| part[1] == row[1], 11),
            "未分配合計" => sum("未分配", &|part| part[2] == row[2], 11),
            _ => seconds(row, 11),
        };
        assert_eq!(seconds(row, 11), whole, "{row:?}");
    }
    // Nobody shares a GPU that nobody holds.
    for node in ["n1", "n2"] {
        for gpu in 4..8 {
            let gpu = format!("GPU[{gpu}]");
            let free = sum("未分配", &|row| row[2] == node && row[3] == gpu, 11);
            assert_eq!(free, 24 * HOUR, "{node} {gpu}");
        }
    }
    assert!(
        rows.iter().any(|row| seconds(row, 16) > 0),
        "no row has a gap"
    );
}

#[test]
fn a_node_that_is_not_collected_or_fails_keeps_its_accounts() {
    let world = lab(gpu_a(), gpu_b()).start();
    for arguments in [
        &[DATE, "--node", "gpu-a"][..],
        &[DATE, "--node", "gpu-b"],
        &[DATE, "--node", "gpu-a"],
    ] {
        let _ = world.run(arguments).exits(0);
    }
    assert_eq!(world.read(&format!("data/{REPORT}")), USERS);
    let world = lab(gpu_a().fault(Fault::Refuse), gpu_b()).start_after(world);
    let outcome = world.run(&[DATE]).exits(3);
    assert_eq!(outcome.accounts(DATE), USERS);
}

/// The accounts of a day on which alice held the GPU for an hour, put right to bob's two hours while `fault` keeps the
/// node from being collected.
#[track_caller]
fn put_right_in_spite_of(fault: Fault) {
    let right = || held("t1", "bob", "gpu-b", 0, 2 * HOUR);
    let expected = Lab::new().node(gpu_b()).task(right()).run(&[DATE]).exits(0);
    let world = Lab::new()
        .node(gpu_b())
        .task(held("t1", "alice", "gpu-b", 0, HOUR))
        .start();
    let before = world.run(&[DATE]).exits(0).files("gpu-b");
    let world = Lab::new()
        .tables("[netdata]\nretries = 0")
        .node(gpu_b().fault(fault))
        .task(right())
        .start_after(world);
    let outcome = world
        .run(&[DATE])
        .exits(1)
        .stderr_has("（節點 gpu-b，原有檔案保持不變）");
    assert_eq!(outcome.accounts(DATE), expected.accounts(DATE));
    assert_eq!(outcome.files("gpu-b"), before);
}

#[test]
fn accounts_are_put_right_though_the_agent_is_unreachable() {
    put_right_in_spite_of(Fault::Refuse);
    put_right_in_spite_of(Fault::status(500, "out of memory"));
    put_right_in_spite_of(Fault::NotJson);
}

#[test]
fn hours_on_a_node_that_fails_are_unknown_and_not_missing() {
    let world = lab(gpu_a().fault(Fault::Refuse), gpu_b()).start();
    let accounts = world.run(&[DATE]).exits(3).accounts(DATE);
    for row in [
        "配置,alice,gpu-a,GPU[0],12.0000,0.0000,0.0000,12.0000,N/A,N/A,0.00,",
        "配置,alice,gpu-a,GPU[1],24.0000,0.0000,0.0000,24.0000,N/A,N/A,0.00,",
        "配置合計,alice,,,36.0000,0.0000,0.0000,36.0000,N/A,N/A,0.00,",
        "未分配,,gpu-a,GPU[0],9.5000,0.0000,0.0000,9.5000,N/A,N/A,0.00,",
    ] {
        assert!(accounts.contains(row), "{row} is not in\n{accounts}");
    }
    let of_gpu_b = |text: &str| -> Vec<String> {
        let rows = text.lines().filter(|row| row.contains(",gpu-b,"));
        rows.map(str::to_owned).collect()
    };
    assert_eq!(of_gpu_b(&accounts), of_gpu_b(USERS));
    assert!(
        !world
            .path(format!("data/gpu-a/{DATE}/gpu0_{DATE}.csv"))
            .exists()
    );
    // Once the agent is back, the hours are what they were.
    let world = lab(gpu_a(), gpu_b()).start_after(world);
    assert_eq!(world.run(&[DATE]).exits(0).accounts(DATE), USERS);
}

#[test]
fn where_the_earlier_readings_cannot_be_read_either_the_hours_are_unknown() {
    let world = lab(gpu_a(), gpu_b().fault(Fault::Refuse)).start();
    // A directory is no file to anybody, root included.
    let file = world.path(format!("data/gpu-b/{DATE}/gpu0_{DATE}.csv"));
    fs::create_dir_all(&file).expect("a directory");
    let outcome = world.run(&[DATE]).exits(3);
    let accounts = outcome.accounts(DATE);
    let row = "配置,王小明,gpu-b,GPU[0],3.7472,0.0000,0.0000,3.7472,N/A,N/A,0.00,";
    assert!(accounts.contains(row), "{row} is not in\n{accounts}");
}

#[test]
fn a_node_that_fails_without_task_information_keeps_its_accounts() {
    let world = lab(gpu_a(), gpu_b()).start();
    let _ = world.run(&[DATE]).exits(0);
    fs::remove_dir_all(world.path("data/.daily-gpu-log/tasks")).expect("the kept answers");
    let world = lab(gpu_a().fault(Fault::Refuse), gpu_b()).start_after(world);
    let outcome = world.run(&["--skip-task-info", DATE]).exits(3);
    assert_eq!(outcome.accounts(DATE), USERS);
}

#[test]
fn accounts_are_put_right_when_a_day_is_collected_again() {
    let world = Lab::new()
        .node(gpu_b())
        .task(held("t1", "alice", "gpu-b", 0, HOUR))
        .start();
    let _ = world.run(&[DATE]).exits(0);
    let world = Lab::new()
        .node(gpu_b())
        .task(held("t1", "bob", "gpu-b", 0, 2 * HOUR))
        .start_after(world);
    let accounts = world.run(&[DATE]).exits(0).accounts(DATE);
    assert!(!accounts.contains("alice"), "{accounts}");
    assert!(
        accounts.contains("配置,bob,gpu-b,GPU[0],2.0000,"),
        "{accounts}"
    );
}

#[test]
fn without_task_information_there_are_no_accounts_and_the_old_ones_stay() {
    let world = lab(gpu_a(), gpu_b()).start();
    let outcome = world.run(&["--skip-task-info", DATE]).exits(0);
    assert!(outcome.files("reports").is_empty());
    let _ = world.run(&[DATE]).exits(0);
    fs::remove_dir_all(world.path("data/.daily-gpu-log/tasks")).expect("the kept answers");
    let outcome = world.run(&["--skip-task-info", DATE]).exits(0);
    assert_eq!(outcome.accounts(DATE), USERS);
}

#[test]
fn a_kept_answer_gives_the_same_accounts() {
    let world = lab(gpu_a(), gpu_b()).start();
    let _ = world.run(&[DATE]).exits(0);
    fs::remove_dir_all(world.path("data/reports")).expect("the reports");
    let outcome = world.run(&["--skip-task-info", DATE]).exits(0);
    assert_eq!(outcome.accounts(DATE), USERS);
}

#[test]
fn a_node_whose_tasks_are_in_doubt_says_so() {
    let outcome = Lab::new()
        .node(gpu_b())
        .task(held("t1", "alice", "gpu-b", 0, HOUR).gpu(99, "APU-99"))
        .raw_task(
            "t2",
            json!({"username": "bob", "hostname": "gpu-b", "gpus": [{"id": 1}], "start": "soon"}),
        )
        .run(&[DATE])
        .exits(3);
    let accounts = outcome.accounts(DATE);
    assert_eq!(
        accounts
            .matches(",有無法對應的任務GPU;有時間不明的任務\n")
            .count(),
        accounts.lines().count() - 1,
        "{accounts}"
    );
}

#[test]
fn a_task_that_cannot_be_read_casts_doubt_on_every_node() {
    let malformed = json!({"hostname": "gpu-b", "gpus": [{"id": 1}]});
    let world = lab(gpu_a(), gpu_b()).raw_task("t6", malformed).start();
    let outcome = world.run(&[DATE]).exits(3);
    let accounts = outcome.accounts(DATE);
    let doubted = accounts.lines().skip(1);
    let doubted = doubted.filter(|row| row.ends_with("有無法解析的任務"));
    assert_eq!(doubted.count(), accounts.lines().count() - 1, "{accounts}");
    // Nothing else of the accounts changes, and what is read back of them is the same.
    let without = accounts
        .replace(",有無法解析的任務\n", ",\n")
        .replace(";有無法解析的任務\n", "\n");
    assert_eq!(without, USERS);
    let again = world.run(&[DATE, "--node", "gpu-a", "--skip-task-info"]);
    assert_eq!(again.exits(3).accounts(DATE), accounts);
    let users = world.run(&["users", DATE]);
    let _ = users.stdout_has("gpu-b：2025-08-01：有無法解析的任務");
}

#[test]
fn accounts_that_cannot_be_told_are_set_aside() {
    for (text, problem) in [
        ("hours\n1\n".to_owned(), "第 1 列不是用量報告的標題"),
        (
            USERS.replace("43200,43200", "43200,43201"),
            "第 4 列的數字不符",
        ),
    ] {
        let world = lab(gpu_a(), gpu_b()).start();
        world.write(&format!("data/{REPORT}"), &text);
        let outcome = world.run(&[DATE]).exits(0).stderr_has(&format!(
            "警告：原有的 data/{REPORT} 無法合併（{problem}），已另存為 data/{REPORT}.unreadable1："
        ));
        assert_eq!(outcome.accounts(DATE), USERS);
        assert_eq!(outcome.file(&format!("{REPORT}.unreadable1")), text);
    }
}

#[test]
fn where_the_accounts_cannot_be_written_the_nodes_are_and_the_run_is_incomplete() {
    let world = lab(gpu_a(), gpu_b()).start();
    world.write("data/reports", "a file\n");
    let outcome = world
        .run(&[DATE])
        .exits(3)
        .stderr_has("錯誤：無法寫入 data/reports/users_2025-08-01.csv：Not a directory");
    assert_eq!(outcome.users("gpu-b", DATE), ["'=SUM(A1);王小明"]);
    assert_eq!(outcome.file("reports"), "a file\n");
}

#[test]
fn what_a_killed_run_left_of_the_accounts_is_removed() {
    let world = lab(gpu_a(), gpu_b()).start();
    world.write("data/reports/.daily-gpu-log.x.tmp", "half a file");
    world.write("data/.daily-gpu-log/unfinished", DATE);
    let outcome = world.run(&[DATE]).exits(0);
    let reports: Vec<_> = outcome
        .files("reports")
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(reports, [""; 0]);
    assert!(!world.path("data/reports/.daily-gpu-log.x.tmp").exists());
}

#[test]
fn no_name_reaches_a_spreadsheet_as_a_formula() {
    let names = [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@a", "'@a"),
        ("'=1", "''=1"),
        ("＝1", "'＝1"),
        ("\t=1", "'=1"),
        ("a,b", "\"a,b\""),
        ("a\"b", "\"a\"\"b\""),
        ("=a\",b", "\"'=a\"\",b\""),
        ("a\nb", "a␊b"),
        ("a;=b", "a;'=b"),
        ("'a", "'a"),
        ("O'Neil", "O'Neil"),
        ("王小明", "王小明"),
    ];
    // A GPU for each.
    let cards: Vec<u32> = (1..).take(names.len()).collect();
    let node = SimulatedNode::new("gpu-b").cards(&cards);
    let world = (cards.iter().zip(names))
        .fold(Lab::new().node(node), |lab, (card, (user, _))| {
            let id = format!("t{card}");
            lab.task(SimulatedTask::new(&id, user, "gpu-b").gpu(*card, &format!("APU-{card}")))
        })
        .start();
    let outcome = world.run(&[DATE]).exits(0).stderr_is("");
    assert_eq!(
        outcome.users("gpu-b", DATE),
        names.map(|(_, written)| written)
    );
    let (average, accounts) = (
        outcome.of_day("gpu-b", DATE, "average"),
        outcome.accounts(DATE),
    );
    for (gpu, (user, written)) in names.iter().enumerate() {
        let row = format!("\n配置,{written},gpu-b,GPU[{gpu}],");
        assert!(accounts.contains(&row), "{user:?}: {accounts}");
    }
    // Read back and written again it is the same: the column by a run that knows no tasks, the accounts by a run of
    // another node.
    fs::remove_dir_all(world.path("data/.daily-gpu-log/tasks")).expect("the kept answers");
    let outcome = world.run(&["--skip-task-info", DATE]).exits(0);
    assert_eq!(outcome.of_day("gpu-b", DATE, "average"), average);
    let world = Lab::new().node(SimulatedNode::new("z")).start_after(world);
    let again = world.run(&[DATE]).exits(0).accounts(DATE);
    let kept: Vec<_> = again.lines().filter(|row| !row.contains(",z,")).collect();
    assert_eq!(kept, accounts.lines().collect::<Vec<_>>());
}

#[test]
fn the_summary_shows_a_name_as_it_is() {
    let world = Lab::new()
        .node(gpu_b())
        .task(SimulatedTask::new("t1", "=1+1", "gpu-b").gpu(1, "APU-1"))
        .start();
    let _ = world.run(&[DATE]).exits(0);
    fs::remove_dir_all(world.path("data/.daily-gpu-log/tasks")).expect("the kept answers");
    for arguments in [&[DATE][..], &["--skip-task-info", DATE]] {
        let outcome = world.run(arguments).exits(0);
        let summary = outcome.of_day("gpu-b", DATE, "summary");
        assert!(summary.contains("(使用者: =1+1)\n"), "{summary}");
    }
}

#[test]
fn users_of_one_gpu_are_each_made_harmless() {
    let outcome = Lab::new()
        .node(gpu_b())
        .task(held("t1", "alice", "gpu-b", 0, HOUR))
        .task(held("t2", "=1", "gpu-b", HOUR, 2 * HOUR))
        .run(&[DATE])
        .exits(0);
    assert_eq!(outcome.users("gpu-b", DATE), ["alice;'=1"]);
}

#[test]
fn an_empty_name_is_no_user() {
    for name in [json!(""), json!("  "), json!("\n"), json!(null)] {
        let task = json!({
            "username": name, "hostname": "gpu-b", "gpus": [{"id": 1}], "start": "Fri, 01 Aug 2025 01:00:00 GMT",
        });
        let outcome = Lab::new()
            .node(gpu_b())
            .raw_task("t1", task)
            .task(held("t2", "bob", "gpu-b", 0, HOUR))
            .run(&[DATE])
            .exits(3)
            .stderr_is("警告：任務 t1 的資料無法解析（缺少 username），已略過\n");
        assert_eq!(outcome.users("gpu-b", DATE), ["bob"], "{name}");
    }
}

#[test]
fn no_node_can_have_the_name_of_the_reports() {
    let _ = Lab::new()
        .node(SimulatedNode::new("reports"))
        .run(&[DATE])
        .exits(10)
        .stderr_is(
            "錯誤：設定檔 daily-gpu-log.toml 有誤：nodes.name：節點名稱不可以是 reports，那是報告的目錄：\
             「reports」。它是資料目錄下的目錄名稱\n",
        )
        .writes_nothing();
}
