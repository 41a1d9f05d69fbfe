//! A machine that has no room for another thread: a run fails there, and says why.

use pretty_assertions::assert_eq;

use crate::simulated_cluster::{SimulatedReceiver, SimulatedTask};
use crate::support::{DATE, Lab, World};

/// Allows the user no process or thread besides the program itself, which means nothing to root.
pub(crate) const ALONE: &str = "\
    if [ \"$(id -u)\" = 0 ]; then\n\
        chown -R 65534:65534 .\n\
        set -- setpriv --reuid=65534 --regid=65534 --clear-groups -- \"$@\"\n\
    fi\n\
    exec prlimit --nproc=1 -- \"$@\"";
pub(crate) const NO_ROOM: &str = "無法建立執行緒：Resource temporarily unavailable (os error 11)\
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
    let undelivered = format!("警告：無法通知：{NO_ROOM}");
    let expected = [&undelivered, &undelivered, &format!("錯誤：{NO_ROOM}")];
    assert_eq!(outcome.stderr.lines().collect::<Vec<_>>(), expected);
    let metrics = world.read("run.prom");
    assert!(
        metrics.contains("\ndaily_gpu_log_last_run_exit_status 1\n"),
        "{metrics}"
    );
}

#[test]
fn a_check_without_room_for_a_thread_fails_and_tells_why() {
    let world = world("");
    let _ = world
        .run_in_shell(ALONE, &["check"])
        .exits(1)
        .stderr_is(&format!("錯誤：{NO_ROOM}\n"));
}
