//! `--user-report`: the tasks of a day on standard output, and nothing else.

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::simulated_cluster::{Fault, SimulatedApi, SimulatedNode, SimulatedTask};
use crate::support::{DATE, HOUR, Lab, MIDNIGHT, TOKEN};

const REPORT: [&str; 2] = ["--user-report", DATE];
const NO_TASKS: &str = "=== 2025-08-01 GPU 使用者任務報告 ===\n\n當日沒有使用 GPU 的任務\n";

fn node(name: &str) -> SimulatedNode {
    // A report that contacts a node would take notice.
    SimulatedNode::new(name).fault(Fault::Refuse)
}

fn task(id: &str, user: &str, host: &str, gpu: u32) -> SimulatedTask {
    SimulatedTask::new(id, user, host).gpu(gpu, &format!("APU-{gpu:016x}"))
}

/// Two hosts in an order that is not their names', and a third that no setting has.
fn two_hosts() -> Lab {
    Lab::new()
        .node(node("gpu-b"))
        .node(node("gpu-a"))
        .task(task("t1", "alice", "gpu-a", 1))
        .task(task("t2", "bob", "gpu-b", 9))
        .task(task("t3", "alice", "gpu-b", 2))
}

/// The lines before the detailed report.
#[track_caller]
fn lines(report: &str) -> &str {
    let (lines, _) = report
        .split_once("\n\n=== 2025-08-01 GPU 使用者任務報告 ===\n\n")
        .expect("the two parts of a report");
    lines
}

#[test]
fn a_report_writes_nothing_and_contacts_no_node() {
    let outcome = Lab::colab_gpu4()
        .task(task("t1", "alice", "colab-gpu4", 25))
        .run(&REPORT)
        .exits(0)
        .stderr_is("")
        .writes_nothing();
    let cluster = &outcome.world().cluster;
    assert_eq!(cluster.connections("colab-gpu4"), 0);
    assert_eq!(cluster.api_requests().len(), 1);
}

#[test]
fn hosts_come_in_the_order_of_the_settings_and_gpus_by_id() {
    let outcome = two_hosts().run(&REPORT).exits(0).stderr_is("");
    let block = |gpu: u32, user: &str| {
        format!(
            "GPU {gpu}:\n  使用者: {user}\n  GPU 型號: AMD Instinct MI300X\n  GPU 記憶體: 196592 MB\n  \
             任務類型: LAB\n  映像檔: registry.example/lab:1\n  開始時間: Wed, 16 Jul 2025 08:19:32 GMT\n  \
             狀態: 執行中\n  使用時長: 86399.0 秒\n  GPU UUID: APU-{gpu:016x}\n"
        )
    };
    let expected = format!(
        "GPU 使用者任務摘要:\n  GPU 2 (gpu-b): alice - AMD Instinct MI300X\n  \
         GPU 9 (gpu-b): bob - AMD Instinct MI300X\n  GPU 1 (gpu-a): alice - AMD Instinct MI300X\n\n\
         === 2025-08-01 GPU 使用者任務報告 ===\n\n\
         gpu-b:\n----------------------------------------\n{}\n{}\n\
         gpu-a:\n----------------------------------------\n{}",
        block(2, "alice"),
        block(9, "bob"),
        block(1, "alice")
    );
    let _ = outcome.stdout_is(&expected);
}

#[test]
fn a_host_of_no_setting_comes_last_with_a_warning() {
    let outcome = two_hosts()
        .task(task("t4", "carol", "elsewhere", 1))
        .run(&REPORT)
        .exits(0)
        .stderr_has("警告：有任務使用設定中沒有的主機 elsewhere（任務 t4）");
    let hosts: Vec<_> = outcome
        .stdout
        .lines()
        .filter_map(|line| line.strip_suffix(':'))
        .filter(|line| !line.contains(' '))
        .collect();
    assert_eq!(hosts, ["gpu-b", "gpu-a", "elsewhere"]);
}

#[test]
fn several_tasks_of_a_gpu_are_one_line_and_a_block_each() {
    let outcome = Lab::colab_gpu4()
        .task(task("t1", "bob", "colab-gpu4", 25).start(MIDNIGHT + 3 * HOUR))
        .task(
            task("t2", "alice", "colab-gpu4", 25)
                .start(MIDNIGHT)
                .end(MIDNIGHT + HOUR),
        )
        .run(&REPORT)
        .exits(0)
        .stdout_has("  結束時間: Fri, 01 Aug 2025 01:00:00 GMT\n  使用時長: 3600.0 秒\n");
    assert_eq!(
        lines(&outcome.stdout),
        "GPU 使用者任務摘要:\n  GPU 25 (colab-gpu4): alice;bob - AMD Instinct MI300X"
    );
    let users: Vec<_> = outcome
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("  使用者: "))
        .collect();
    assert_eq!(users, ["alice", "bob"]);
}

#[test]
fn only_the_tasks_of_the_user_are_asked_for_and_shown() {
    // An API that does not know the parameter answers all tasks.
    let stranger = json!({"username": "bob", "hostname": "gpu-a", "gpus": [{"id": 3}]});
    for (user, parameter, expected) in [
        (
            "alice",
            "alice",
            "GPU 使用者任務摘要:\n  GPU 1 (gpu-a): alice - AMD Instinct MI300X",
        ),
        (
            "王 小明&x",
            "%E7%8E%8B+%E5%B0%8F%E6%98%8E%26x",
            "GPU 使用者任務摘要:\n  GPU 2 (gpu-a): 王 小明&x - AMD Instinct MI300X",
        ),
    ] {
        let api = SimulatedApi::new(TOKEN)
            .task(task("t1", "alice", "gpu-a", 1))
            .task(task("t2", "王 小明&x", "gpu-a", 2))
            .raw_task("t3", stranger.clone());
        let outcome = Lab::new()
            .node(node("gpu-a"))
            .api(api)
            .run(&["--user-report", "--user", user, DATE])
            .exits(0);
        assert_eq!(lines(&outcome.stdout), expected);
        let target = &outcome.world().cluster.api_requests()[0].target;
        assert!(
            target.ends_with(&format!("23%3A59%3A59&username={parameter}")),
            "{target}"
        );
    }
}

#[test]
fn only_the_named_nodes_are_shown() {
    for (nodes, expected) in [
        (&["--node", "gpu-a"][..], &["1 (gpu-a): alice"][..]),
        (
            &["--node", "gpu-b"],
            &["2 (gpu-b): alice", "9 (gpu-b): bob"],
        ),
        (
            &["--node", "gpu-a,gpu-b"],
            &["2 (gpu-b): alice", "9 (gpu-b): bob", "1 (gpu-a): alice"],
        ),
        (
            &["--node", "gpu-a", "--node", "gpu-b"],
            &["2 (gpu-b): alice", "9 (gpu-b): bob", "1 (gpu-a): alice"],
        ),
        (
            &["--user", "alice", "--node", "gpu-b"],
            &["2 (gpu-b): alice"],
        ),
    ] {
        let arguments = [&REPORT[..], nodes].concat();
        let outcome = two_hosts().run(&arguments).exits(0).stderr_is("");
        let shown: Vec<_> = lines(&outcome.stdout)
            .lines()
            .skip(1)
            .map(|line| {
                line.trim_start_matches("  GPU ")
                    .trim_end_matches(" - AMD Instinct MI300X")
            })
            .collect();
        assert_eq!(shown, expected, "{nodes:?}");
    }
}

#[test]
fn a_day_without_gpu_tasks_is_said_to_be_one() {
    let idle = || SimulatedTask::new("t1", "alice", "colab-gpu4");
    for (name, lab, arguments) in [
        ("no tasks", Lab::colab_gpu4(), &REPORT[..]),
        ("no GPUs", Lab::colab_gpu4().task(idle()), &REPORT),
        (
            "on another day",
            Lab::colab_gpu4().task(idle().gpu(25, "APU-1").start(MIDNIGHT + 24 * HOUR)),
            &REPORT,
        ),
    ] {
        let outcome = lab.run(arguments).exits(0).stderr_is("");
        assert_eq!(outcome.stdout, NO_TASKS, "{name}");
    }
}

#[test]
fn that_a_user_has_no_tasks_is_not_said_of_the_day() {
    let task = SimulatedTask::new("t1", "alice", "colab-gpu4").gpu(25, "APU-1");
    let lab = Lab::colab_gpu4().task(task);
    let outcome = lab.run(&["--user-report", DATE, "--user", "bob"]).exits(0);
    let _ = outcome.stdout_is(&NO_TASKS.replace("當日沒有", "當日沒有這位使用者"));
}

#[test]
fn without_the_api_there_is_no_report() {
    for (name, fault, said) in [
        ("refused", Fault::Refuse, "：無法連線"),
        ("error", Fault::status(404, "no such thing"), "：HTTP 404"),
        ("page", Fault::NotJson, " 的回應無法解析"),
        ("shape", Fault::OtherShape, " 的回應無法解析"),
    ] {
        let outcome = Lab::colab_gpu4()
            .api(SimulatedApi::new(TOKEN).fault(fault))
            .run(&REPORT)
            .exits(1)
            .stdout_is("")
            .writes_nothing();
        let url = outcome.world().cluster.api_url();
        let message = format!("錯誤：無法從管理 API 獲取數據：{url}{said}");
        assert!(
            outcome.stderr.starts_with(&message),
            "{name}: {}",
            outcome.stderr
        );
        assert_eq!(
            outcome.stderr.lines().count(),
            1,
            "{name}: {}",
            outcome.stderr
        );
    }
}

#[test]
fn a_task_that_never_began_is_not_said_to_run() {
    let cancelled = json!({
        "username": "alice", "hostname": "gpu-a", "gpus": [{"id": 1}],
        "start": null, "end": null, "total_seconds": 0,
    });
    let lab = Lab::new().node(node("gpu-a")).raw_task("t1", cancelled);
    let outcome = lab.run(&REPORT).exits(0);
    let _ = outcome
        .stdout_has("開始時間: N/A\n  使用時長: 0")
        .stdout_lacks("執行中");
}
