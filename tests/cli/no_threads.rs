//! A machine that has no room for another thread: what cannot be had is said, and the run ends as any other.

use pretty_assertions::assert_eq;

use crate::simulated_cluster::{SimulatedReceiver, SimulatedTask};
use crate::support::{DATE, Lab, World};

/// Allows the user no process or thread besides the program itself, which means nothing to root.
pub const ALONE: &str = "\
    if [ \"$(id -u)\" = 0 ]; then\n\
        chown -R 65534:65534 .\n\
        set -- setpriv --reuid=65534 --regid=65534 --clear-groups -- \"$@\"\n\
    fi\n\
    exec prlimit --nproc=1 -- \"$@\"";
const NO_ROOM: &str = "無法使用 HTTP：Resource temporarily unavailable (os error 11)\
                       （請檢查這台機器的執行緒數與記憶體限制）";

fn world(tables: &str) -> World {
    Lab::colab_gpu4()
        .task(SimulatedTask::new("t1", "alice", "colab-gpu4").gpu(25, "APU-1"))
        .tables(tables)
        .start()
}

#[test]
fn a_run_without_room_for_a_thread_fails_and_tells_why() {
    let (monitor, chat) = (SimulatedReceiver::start(), SimulatedReceiver::start());
    let world = world(&format!(
        "[notify]\nhealthcheck_url = \"{}/ping\"\nwebhook_url = \"{}\"",
        monitor.url(),
        chat.url()
    ));
    let outcome = world
        .run_in_shell(ALONE, &["--metrics-file", "run.prom", DATE])
        .exits(1);
    let (node, api) = (world.cluster.url("colab-gpu4"), world.cluster.api_url());
    let undelivered = |url: &str, of: &str, key: &str| {
        format!("警告：無法通知 {url}/…{of}：{NO_ROOM}（請檢查 notify.{key}_url）")
    };
    let expected = [
        format!("錯誤：無法從管理 API 獲取數據：{api}：{NO_ROOM}（沒有任務資訊，使用率不受影響）"),
        format!("錯誤：無法從 {node} 獲取數據：{NO_ROOM}（節點 colab-gpu4，原有檔案保持不變）"),
        undelivered(&chat.url(), "", "webhook"),
        undelivered(&monitor.url(), "（執行開始）", "healthcheck"),
        undelivered(&monitor.url(), "（執行結束）", "healthcheck"),
    ];
    assert_eq!(outcome.stderr.lines().collect::<Vec<_>>(), expected);
    let metrics = world.read("run.prom");
    assert!(
        metrics.contains("\ndaily_gpu_log_last_run_exit_status 1\n"),
        "{metrics}"
    );
}

#[test]
fn a_check_without_room_for_a_thread_finds_that() {
    let world = world("");
    let _ = world
        .run_in_shell(ALONE, &["check"])
        .exits(3)
        .stdout_has(&format!("：{NO_ROOM}（節點 colab-gpu4）"))
        .stderr_is("");
}
