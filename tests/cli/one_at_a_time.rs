//! Runs that meet, and runs that are stopped.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;

use crate::simulated_cluster::{SimulatedApi, SimulatedNode};
use crate::support::{DATE, Day, Lab, TOKEN, World};

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
    let world = slow_world(Duration::from_secs(2));
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
    let world = slow_world(Duration::from_secs(2));
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

/// Kills the real program at 200 moments of its run, and looks at every file each time.
#[test]
fn a_kill_at_any_moment_leaves_every_file_whole() {
    let node = |value: f64| {
        (0..8).fold(SimulatedNode::new(NODE), |node, gpu| {
            node.constant(1 + 8 * gpu, value, value)
        })
    };
    let api = || SimulatedApi::new(TOKEN);
    let world = Lab::new().node(node(25.0)).api(api()).start();
    let started = Instant::now();
    world.run(&[DATE]).exits(0);
    let whole_run = started.elapsed();

    let day = Day::utc();
    let old = day.gpu_csv(world.cluster.node(NODE), 1);
    let world = Lab::new().node(node(75.0)).api(api()).start_after(world);
    let new = day.gpu_csv(world.cluster.node(NODE), 1);
    let (mut killed, mut seen_old, mut seen_new) = (0, 0, 0);
    for moment in 0..200 {
        // Every tenth run goes back to the old files, so that kills meet both kinds.
        if moment % 10 == 0 {
            for gpu in 0..8 {
                world.write(&format!("data/{NODE}/{DATE}/gpu{gpu}_{DATE}.csv"), &old);
            }
        }
        let mut run = world.command(&[DATE]);
        let mut run = run
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        // Every tenth run may end, so that kills meet new files as well however slow the machine is.
        if moment % 10 != 9 {
            thread::sleep(whole_run * moment / 100);
            if run.try_wait().expect("its status").is_none() {
                run.kill().expect("it can be killed");
                killed += 1;
            }
        }
        run.wait().expect("its status");
        for gpu in 0..8 {
            let path = format!("data/{NODE}/{DATE}/gpu{gpu}_{DATE}.csv");
            let text = fs::read_to_string(world.path(path)).expect("the file is there");
            assert!(
                text == old || text == new,
                "gpu{gpu} after {moment}: {text}"
            );
            if text == old {
                seen_old += 1;
            } else {
                seen_new += 1;
            }
        }
    }
    assert!(
        killed > 10,
        "only {killed} runs were killed before their end"
    );
    assert!(
        seen_old > 0 && seen_new > 0,
        "{seen_old} old and {seen_new} new files"
    );
    world.run(&["2025-08-02"]).exits(0);
    assert_eq!(
        litter(&world.path("data")),
        [""; 0],
        "the next run removes what the killed ones left"
    );
}

#[test]
fn what_a_run_leaves_that_was_killed_before_it_noted_its_day_goes_as_well() {
    let world = Lab::colab_gpu4().start();
    // Where a run tries whether it can write, and where it keeps what later runs need.
    for directory in [
        "",
        ".daily-gpu-log/",
        ".daily-gpu-log/cards/",
        ".daily-gpu-log/runs/",
        ".daily-gpu-log/tasks/",
        "colab-gpu4/",
        "no-longer-a-node/",
        "reports/",
    ] {
        let path = format!("data/{directory}.daily-gpu-log.abcdef.tmp");
        world.write(&path, "2025-");
    }
    world.write("data/colab-gpu4/.other-program.abcdef.tmp", "its own");
    world.run(&[DATE]).exits(0).stderr_is("");
    let others = world.path("data/colab-gpu4/.other-program.abcdef.tmp");
    assert_eq!(litter(&world.path("data")), [others.display().to_string()]);
}

/// The temporary files below a directory.
fn litter(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let entries = entries.map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                litter(&path)
            } else {
                vec![path.display().to_string()]
            }
        })
        .filter(|path| path.contains(".tmp"))
        .collect()
}
