//! Runs that are killed: every file stays whole, a new day is there or not, and the next run removes what they left.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use serde_json::Value;

use crate::simulated_cluster::{SimulatedApi, SimulatedNode, SimulatedTask};
use crate::support::{DATE, Lab, MIDNIGHT, TOKEN, World};

const NODE: &str = "colab-gpu4";

/// A cluster whose readings are all the same, on which a user held a GPU.
fn lab(value: f64, user: &str) -> Lab {
    let node = (0..8).fold(SimulatedNode::new(NODE), |node, gpu| {
        node.constant(1 + 8 * gpu, value, value)
    });
    let task = SimulatedTask::new("t1", user, NODE)
        .gpu(1, "APU-1")
        .start(MIDNIGHT);
    Lab::new()
        .node(node)
        .api(SimulatedApi::new(TOKEN).task(task))
}

/// What the data directory keeps from run to run, by path.
type Kept = BTreeMap<String, String>;

fn kept(world: &World) -> Kept {
    let root = world.path("data");
    let relative = |path: &str| {
        let relative = Path::new(path).strip_prefix(&root).expect("below the root");
        relative.display().to_string()
    };
    let passing = ["tmp", "lock", "unfinished"];
    let files = files(&root).into_iter();
    let files = files.filter(|path| !passing.iter().any(|end| path.ends_with(end)));
    files
        .map(|path| (relative(&path), fs::read_to_string(&path).expect("a text")))
        .collect()
}

/// The paths of all files below a directory, in which a run may be at work: it renames directories, too.
fn files(directory: &Path) -> Vec<String> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Vec::new(),
        entries => entries.expect("a directory"),
    };
    let entries = entries.map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path.display().to_string()]
            }
        })
        .collect()
}

/// The temporary files below a directory.
fn litter(directory: &Path) -> Vec<String> {
    let mut files = files(directory);
    files.retain(|path| path.contains(".tmp"));
    files
}

/// Whether a file says the same in two trees, but for when that was found out.
fn says_the_same(path: &str, one: &str, other: &str) -> bool {
    let timeless = |text: &str| serde_json::from_str(text).ok().map(without_times);
    one == other || path.starts_with(".daily-gpu-log/") && timeless(one) == timeless(other)
}

/// A record without the times of the run that made it.
fn without_times(record: Value) -> Value {
    match record {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(name, _)| {
                let of_time = [
                    "asked_at",
                    "duration_seconds",
                    "fetched_at",
                    "started_at",
                    "tasks_as_of",
                ];
                !of_time.contains(&&**name)
            })
            .map(|(name, value)| (name, without_times(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_times).collect(),
        value => value,
    }
}

/// A run, and what was in the directory that it writes in before it.
struct Run {
    program: Child,
    directory: PathBuf,
    litter: Vec<String>,
}

impl Run {
    fn start(world: &World, directory: &Path) -> Self {
        let directory = directory.to_owned();
        let mut program = world.command(&[DATE]);
        let program = program.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Self {
            litter: litter(&directory),
            program: program.expect("it starts"),
            directory,
        }
    }

    /// Waits for a part of the time that a run takes, or that it writes for, and kills it. Answers whether that ended it.
    fn killed_after(
        mut self,
        durations: [Duration; 2],
        is_writing: bool,
        part: (u32, u32),
    ) -> bool {
        if is_writing {
            self.wait_for_writing();
        }
        thread::sleep(durations[usize::from(is_writing)] * part.0 / part.1);
        self.program.kill().expect("it is still a child");
        let status = self.program.wait().expect("its status");
        status.signal() == Some(9)
    }

    /// Waits until it begins to write the node's files, or ends.
    fn wait_for_writing(&mut self) {
        let has_begun = || {
            let now = litter(&self.directory);
            now.iter().any(|path| !self.litter.contains(path))
        };
        while !has_begun() && self.program.try_wait().expect("its status").is_none() {
            thread::sleep(Duration::from_micros(200));
        }
    }
}

/// How long a whole run takes, and how much of that from when it begins to write the node's files.
fn measure(world: &World, directory: &Path) -> [Duration; 2] {
    let started = Instant::now();
    let mut run = Run::start(world, directory);
    run.wait_for_writing();
    let writing = Instant::now();
    assert!(run.program.wait().expect("its status").success());
    [started.elapsed(), writing.elapsed()]
}

#[test]
fn a_kill_at_any_moment_leaves_every_file_whole() {
    let (_, seen) = kill_at_moments(20);
    let [some_old, some_new] =
        [false, true].map(|is_new| seen.iter().any(|(_, was_new)| *was_new == is_new));
    assert!(some_old && some_new, "{seen:#?}");
}

#[test]
#[ignore = "half a minute; .ci/run has it run"]
fn two_hundred_kills_leave_every_file_whole() {
    let (mixed, seen) = kill_at_moments(200);
    assert!(mixed > 0, "never were some files old and some new");
    assert_eq!(seen.len(), 2 * 13, "old and new files: {seen:#?}");
}

/// Kills the real program at so many moments of its run, half of them while it writes, and looks at every file each
/// time. Answers how often some files were old and others new, and which were seen as which.
fn kill_at_moments(kills: u32) -> (usize, BTreeSet<(String, bool)>) {
    let world = lab(25.0, "alice").start();
    world.run(&[DATE]).exits(0).stderr_is("");
    let old = kept(&world);
    let world = lab(75.0, "bob").start_after(world);
    world.run(&[DATE]).exits(0).stderr_is("");
    let new = kept(&world);
    assert_eq!(old.len(), 14, "{:#?}", old.keys());

    let mut changing: Vec<_> = old.keys().collect();
    changing.retain(|path| !says_the_same(path, &old[*path], &new[*path]));

    let (mut runs, mut killed, mut mixed) = (0, 0, 0);
    let mut seen = BTreeSet::new();
    let mut durations = [Duration::ZERO; 2];
    let directory = world.path(format!("data/{NODE}/{DATE}"));
    while killed < kills {
        assert!(
            runs < 10 * kills,
            "only {killed} of {runs} runs were killed before their end"
        );
        // Other tests come and go on the same processors.
        if runs % 19 == 0 {
            durations = measure(&world, &directory);
        }
        runs += 1;
        // Every second run meets the old files, the others what the one before left.
        if killed % 2 == 0 {
            for (path, text) in &old {
                world.write(&format!("data/{path}"), text);
            }
        }
        let run = Run::start(&world, &directory);
        let moments = kills.div_ceil(4).min(25);
        let part = (killed / 4 % moments, moments);
        killed += u32::from(run.killed_after(durations, killed % 4 >= 2, part));
        let now = kept(&world);
        let all_there = now.keys().eq(old.keys());
        assert!(all_there, "after {runs} runs: {:#?}", now.keys());
        let is_new = |path: &str| {
            let is = |tree: &Kept| says_the_same(path, &tree[path], &now[path]);
            assert!(
                is(&old) || is(&new),
                "{path} after {runs} runs: {}",
                now[path]
            );
            is(&new)
        };
        let are_new: Vec<_> = changing.iter().map(|path| is_new(path)).collect();
        mixed += usize::from(are_new.contains(&true) && are_new.contains(&false));
        let paths = changing.iter().map(ToString::to_string);
        seen.extend(paths.zip(are_new));
    }
    world.run(&["2025-08-02"]).exits(0);
    assert_eq!(
        litter(&world.path("data")),
        [""; 0],
        "the next run removes what the killed ones left"
    );
    (mixed, seen)
}

#[test]
fn a_new_day_is_whole_or_not_there_after_a_kill_at_any_moment() {
    new_days(20);
}

#[test]
#[ignore = "half a minute; .ci/run has it run"]
fn two_hundred_kills_leave_no_part_of_a_new_day() {
    let [absent, whole] = new_days(200);
    assert!(absent > 0 && whole > 0, "{absent} absent, {whole} whole");
}

/// Kills so many first runs of a day, half of them while they write. Answers how often the day was not there, and how often
/// it was.
fn new_days(kills: u32) -> [u32; 2] {
    let world = lab(25.0, "alice").start();
    let day = world.run(&[DATE]).exits(0).files("");
    let (of_node, of_day) = (
        world.path(format!("data/{NODE}")),
        world.path(format!("data/{NODE}/{DATE}")),
    );
    let forget = || if_there(fs::remove_dir_all(&of_day));
    let (mut runs, mut killed, mut durations) = (0, 0, [Duration::ZERO; 2]);
    let mut seen = [0; 2];
    while killed < kills {
        assert!(
            runs < 10 * kills,
            "only {killed} of {runs} runs were killed"
        );
        if runs % 19 == 0 {
            forget();
            durations = measure(&world, &of_node);
        }
        runs += 1;
        forget();
        // Now and then the directory is there, and empty.
        if killed % 3 == 0 {
            fs::create_dir(&of_day).expect("a directory");
        }
        let run = Run::start(&world, &of_node);
        let moments = kills.div_ceil(2).min(25);
        let part = (killed / 2 % moments, moments);
        killed += u32::from(run.killed_after(durations, killed % 2 == 1, part));
        let files = if_there(fs::read_dir(&of_day));
        let files = files.map_or(0, Iterator::count);
        assert!([0, 10].contains(&files), "{files} files after {runs} runs");
        seen[usize::from(files > 0)] += 1;
    }
    forget();
    let again = world.run(&[DATE]).exits(0).files("");
    assert_eq!(again, day);
    assert_eq!(litter(&world.path("data")), [""; 0]);
    let left = fs::read_dir(&of_node).expect("a directory");
    assert_eq!(left.count(), 1, "no directory is left either");
    seen
}

fn if_there<T>(done: std::io::Result<T>) -> Option<T> {
    match done {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        done => Some(done.expect("a directory")),
    }
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
    let of_day = format!("data/colab-gpu4/.daily-gpu-log.ghijkl.tmp/gpu0_{DATE}.csv");
    world.write(&of_day, "2025-");
    // What is not of its own making stays, and holds nothing up.
    let others = [
        "data/colab-gpu4/.other-program.abcdef.tmp",
        "data/colab-gpu4/.daily-gpu-log.mnopqr.tmp/notes",
    ];
    for path in others {
        world.write(path, "its own");
    }
    world.run(&[DATE]).exits(0).stderr_is("");
    let mut left = litter(&world.path("data"));
    left.sort();
    let mut others = others.map(|path| world.path(path).display().to_string());
    others.sort();
    assert_eq!(left, others);
}
