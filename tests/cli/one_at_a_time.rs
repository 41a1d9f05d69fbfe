//! Runs that meet, and runs that are told to stop.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;

use crate::simulated_cluster::SimulatedNode;
use crate::support::{DATE, Lab, World};

const NODE: &str = "colab-gpu4";

fn slow_world(latency: Duration) -> World {
    Lab::new()
        .node(SimulatedNode::new(NODE).latency(latency))
        .start()
}

/// A run that has the lock, and waits for its agent.
fn start_holding(world: &World) -> Child {
    let mut holder = world.command(&[DATE]);
    let mut holder = holder
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let until = Instant::now() + Duration::from_secs(10);
    let pid = format!("{}\n", holder.id());
    while fs::read_to_string(world.path("data/.daily-gpu-log/lock"))
        .ok()
        .as_deref()
        != Some(&*pid)
    {
        assert!(
            Instant::now() < until,
            "the first run does not take the lock"
        );
        assert_eq!(holder.try_wait().expect("its status"), None);
        thread::sleep(Duration::from_millis(5));
    }
    holder
}

#[test]
fn a_second_run_says_who_holds_the_data_directory() {
    let world = slow_world(Duration::from_millis(800));
    let mut holder = start_holding(&world);
    let pid = format!("PID {}", holder.id());
    world
        .run(&["2025-08-02"])
        .exits(11)
        .stdout_is("")
        .stderr_has("錯誤：資料目錄")
        .stderr_has(&pid);
    assert!(holder.wait().expect("its status").success());
    assert!(!world.path("data/colab-gpu4/2025-08-02").exists());
}

#[test]
fn a_second_run_can_wait_for_the_first() {
    let world = slow_world(Duration::from_millis(500));
    let mut holder = start_holding(&world);
    world.run(&["--wait", "30", "2025-08-02"]).exits(0);
    assert!(holder.wait().expect("its status").success());
}

#[test]
fn a_lock_of_a_run_that_was_killed_is_none() {
    let world = slow_world(Duration::from_millis(500));
    let mut holder = start_holding(&world);
    holder.kill().expect("it can be killed");
    holder.wait().expect("its status");
    world.run(&[DATE]).exits(0);
}

/// The lock of the data directory as a run has it that has not written its pid yet.
fn lock_without_a_pid(world: &World) -> File {
    world.write("data/.daily-gpu-log/lock", "");
    let lock = File::options()
        .write(true)
        .open(world.path("data/.daily-gpu-log/lock"))
        .expect("the lock");
    lock.try_lock().expect("nobody has it");
    lock
}

#[test]
fn a_second_run_awaits_the_pid_of_the_first() {
    let world = slow_world(Duration::ZERO);
    let mut lock = lock_without_a_pid(&world);
    let mut second = world.command(&[DATE]);
    let second = second.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    thread::sleep(Duration::from_millis(100));
    writeln!(lock, "4194305").expect("a pid");
    let second = second.expect("it starts").wait_with_output();
    let second = second.expect("its end");
    assert_eq!(second.status.code(), Some(11));
    assert_eq!(
        String::from_utf8_lossy(&second.stderr),
        "錯誤：資料目錄 data 正由另一次執行使用（PID 4194305）：請等它結束，或加上 --wait 秒數\n"
    );
}

#[test]
fn a_first_run_that_does_not_write_its_pid_is_unknown() {
    let world = slow_world(Duration::ZERO);
    let _lock = lock_without_a_pid(&world);
    world.run(&[DATE]).exits(11).stderr_is(
        "錯誤：資料目錄 data 正由另一次執行使用（PID 不明）：請等它結束，或加上 --wait 秒數\n",
    );
}

#[test]
fn a_run_that_is_told_to_stop_stops_at_once() {
    for signal in ["INT", "TERM"] {
        let world = slow_world(Duration::from_secs(20));
        let mut holder = start_holding(&world);
        let told = Instant::now();
        signal_to(&holder, signal);
        let status = holder.wait().expect("its status");
        assert_eq!(
            (status.code(), status.signal()),
            (Some(130), None),
            "SIG{signal}"
        );
        assert!(told.elapsed() < Duration::from_secs(2), "SIG{signal}");
    }
}

fn signal_to(child: &Child, signal: &str) {
    let kill = std::process::Command::new("sh")
        .arg("-c")
        .arg(format!("kill -{signal} {}", child.id()))
        .status();
    assert!(kill.expect("a shell").success());
}
