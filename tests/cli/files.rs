//! The tree that a run leaves: its names, its modes, and what stays as it was.

use std::fs;
use std::mem::MaybeUninit;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use pretty_assertions::assert_eq;
use rustix::fs::inotify;

use crate::simulated_cluster::SimulatedNode;
use crate::support::{CARDS, DATE, Day, Lab, World};

const NODE: &str = "colab-gpu4";
const DAY: &str = "data/colab-gpu4/2025-08-01";

/// A path, its mode, and what is in it (nothing, for a directory).
type Entry = (String, u32, String);

/// Everything below a directory, with paths relative to it.
fn everything(world: &World, root: &str) -> Vec<Entry> {
    fn add(path: &Path, root: &Path, all: &mut Vec<Entry>) {
        let mode = fs::metadata(path).expect("metadata").permissions().mode() & 0o7777;
        let relative = path.strip_prefix(root).expect("below the root").display();
        if path.is_dir() {
            all.push((format!("{relative}/"), mode, String::new()));
            for entry in fs::read_dir(path).expect("a directory") {
                add(&entry.expect("an entry").path(), root, all);
            }
        } else {
            all.push((
                relative.to_string(),
                mode,
                String::from_utf8_lossy(&fs::read(path).expect("a file")).into_owned(),
            ));
        }
    }
    let mut all = Vec::new();
    let root = world.path(root);
    add(&root, &root, &mut all);
    all.sort();
    all
}

/// [`everything`] but the program's own state.
fn tree(world: &World, root: &str) -> Vec<Entry> {
    let mut all = everything(world, root);
    all.retain(|(path, ..)| !path.starts_with(".daily-gpu-log/"));
    all
}

fn two_nodes() -> Lab {
    Lab::colab_gpu4().node(SimulatedNode::new("b").cards(&[3]))
}

#[test]
fn a_run_leaves_the_files_of_its_day_and_no_others() {
    let outcome = two_nodes().run(&[DATE]).exits(0).stderr_is("");
    assert_eq!(
        outcome.tree(),
        [
            "b/2025-08-01/average_2025-08-01.csv",
            "b/2025-08-01/gpu0_2025-08-01.csv",
            "b/2025-08-01/summary_2025-08-01.txt",
            "colab-gpu4/2025-08-01/average_2025-08-01.csv",
            "colab-gpu4/2025-08-01/gpu0_2025-08-01.csv",
            "colab-gpu4/2025-08-01/gpu1_2025-08-01.csv",
            "colab-gpu4/2025-08-01/gpu2_2025-08-01.csv",
            "colab-gpu4/2025-08-01/gpu3_2025-08-01.csv",
            "colab-gpu4/2025-08-01/gpu4_2025-08-01.csv",
            "colab-gpu4/2025-08-01/gpu5_2025-08-01.csv",
            "colab-gpu4/2025-08-01/gpu6_2025-08-01.csv",
            "colab-gpu4/2025-08-01/gpu7_2025-08-01.csv",
            "colab-gpu4/2025-08-01/summary_2025-08-01.txt",
        ]
    );
}

#[test]
fn others_may_not_read_what_a_run_writes_whatever_the_umask() {
    for (umask, of_directories, of_files) in [
        ("0", 0o750, 0o640),
        ("022", 0o750, 0o640),
        ("077", 0o700, 0o600),
    ] {
        let world = two_nodes().start();
        let script = format!("umask {umask}; exec \"$@\"");
        let outcome = world.run_in_shell(&script, &[DATE]).exits(0).stderr_is("");
        assert_eq!(outcome.tree().len(), 13);
        for (path, mode, _) in everything(&world, "data") {
            let most = if path.ends_with('/') {
                of_directories
            } else {
                of_files
            };
            let is_own = path.starts_with(".daily-gpu-log/");
            // The program's own state may be closed to the group as well.
            let least = if is_own { mode & most } else { most };
            assert_eq!(mode, least, "{path} at umask {umask}: {mode:o}");
        }
    }
}

#[test]
fn the_tree_is_for_the_eyes_of_whom_the_settings_name() {
    for (readable_by, of_directories, of_files) in [
        ("owner", 0o700, 0o600),
        ("group", 0o750, 0o640),
        ("all", 0o755, 0o644),
    ] {
        let setting = format!("readable_by = \"{readable_by}\"");
        let world = two_nodes().settings(&setting).start();
        let shell = "umask 0; exec \"$@\"";
        let _ = world.run_in_shell(shell, &[DATE]).exits(0).stderr_is("");
        let files = tree(&world, "data");
        assert!(files.iter().any(|(path, ..)| path.starts_with("reports/")));
        for (path, mode, _) in files {
            let is_state = path == ".daily-gpu-log/";
            let expected = match path.ends_with('/') {
                true if is_state => of_directories & 0o750,
                true => of_directories,
                false => of_files,
            };
            assert_eq!(mode, expected, "{path} for {readable_by}: {mode:o}");
        }
    }
}

#[test]
fn what_the_program_keeps_for_itself_is_never_for_the_eyes_of_all() {
    let world = two_nodes().settings("readable_by = \"all\"").start();
    let shell = "umask 0; exec \"$@\"";
    let anonymous = ["users", DATE, "--anonymize"];
    for arguments in [&[DATE][..], &anonymous] {
        let _ = world.run_in_shell(shell, arguments).exits(0);
    }
    let mut own = everything(&world, "data/.daily-gpu-log");
    own.retain(|(path, ..)| !path.is_empty());
    let names: Vec<_> = own.iter().map(|(path, ..)| path.as_str()).collect();
    for name in ["lock", "pseudonym-key", "tasks/2025-08-01.json"] {
        assert!(names.contains(&name), "{names:?}");
    }
    for (path, mode, _) in own {
        let most = if path.ends_with('/') { 0o750 } else { 0o600 };
        assert_eq!(mode, most, "{path}: {mode:o}");
    }
}

#[test]
fn a_file_that_is_written_again_gets_the_mode_that_is_set_now() {
    let world = two_nodes().start();
    let _ = world.run(&[DATE]).exits(0);
    let average = format!("{DAY}/average_2025-08-01.csv");
    let report = "data/reports/users_2025-08-01.csv";
    let modes = || {
        [&*average, report].map(|path| {
            let metadata = fs::metadata(world.path(path)).expect("metadata");
            metadata.permissions().mode() & 0o777
        })
    };
    assert_eq!(modes(), [0o640; 2]);
    let settings = world.read("daily-gpu-log.toml");
    world.write(
        "daily-gpu-log.toml",
        &format!("readable_by = \"all\"\n{settings}"),
    );
    let _ = world.run(&[DATE]).exits(0);
    assert_eq!(modes(), [0o644; 2]);
}

/// The names that files get in a directory while `run` goes on, in the order in which they get them.
fn names_given(directory: &Path, run: impl FnOnce()) -> Vec<String> {
    let watch = inotify::init(inotify::CreateFlags::NONBLOCK).expect("a watch");
    inotify::add_watch(&watch, directory, inotify::WatchFlags::MOVED_TO).expect("the directory");
    run();
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut events = inotify::Reader::new(watch, &mut buffer);
    let mut names = Vec::new();
    while let Ok(event) = events.next() {
        let name = event.file_name().expect("the name of a file");
        names.push(name.to_string_lossy().into_owned());
    }
    names
}

#[test]
fn who_sees_the_average_and_the_summary_of_a_day_sees_its_gpus() {
    let world = Lab::colab_gpu4().start();
    fs::create_dir_all(world.path(DAY)).expect("a directory");
    let gpus = (0..8).map(|gpu| format!("gpu{gpu}_{DATE}.csv"));
    let last = ["average_2025-08-01.csv", "summary_2025-08-01.txt"].map(str::to_owned);
    let expected: Vec<_> = gpus.chain(last).collect();
    let collect = || drop(world.run(&[DATE]).exits(0));
    let node = world.path(format!("data/{NODE}"));
    assert_eq!(names_given(&node, collect), [DATE], "all at once");
    assert_eq!(names_given(&world.path(DAY), collect), expected, "again");
}

#[test]
fn a_second_run_leaves_the_same_bytes() {
    let world = two_nodes().start();
    let stdout = world.run(&[DATE]).exits(0).stdout;
    let first = tree(&world, "data");
    world.run(&[DATE]).exits(0).stdout_is(&stdout).stderr_is("");
    assert_eq!(tree(&world, "data"), first);
}

#[test]
fn a_run_leaves_the_files_of_others_alone() {
    let world = two_nodes().start();
    let foreign = [
        "data/colab-gpu4/2025-08-01/notes.txt",
        "data/colab-gpu4/2025-07-31/gpu0_2025-07-31.csv",
        "data/colab-gpu9/2025-08-01/average_2025-08-01.csv",
        "data/README",
    ];
    for path in foreign {
        world.write(path, path);
    }
    let outcome = world.run(&[DATE]).exits(0);
    assert_eq!(outcome.tree().len(), 13 + foreign.len());
    for path in foreign {
        assert_eq!(world.read(path), path);
    }
}

#[test]
fn a_new_value_replaces_that_of_an_earlier_run() {
    let node = |gpu| SimulatedNode::new(NODE).cards(&[1]).constant(1, gpu, 0.5);
    let world = Lab::new().node(node(10.0)).start();
    world.run(&[DATE]).exits(0).stderr_is("");
    let world = Lab::new().node(node(20.0)).start_after(world);
    let outcome = world.run(&[DATE]).exits(0);
    let expected = Day::utc().gpu_csv(world.cluster.node(NODE), 1);
    assert_eq!(outcome.of_day(NODE, DATE, "gpu0"), expected);
    let average = outcome.of_day(NODE, DATE, "average");
    assert!(average.contains("GPU[0],20.00,0.50,"), "{average}");
}

#[test]
fn the_settings_can_have_files_named_by_card_as_the_old_tree_had_them() {
    let outcome = Lab::colab_gpu4()
        .settings("gpu_files = \"card\"")
        .run(&[DATE])
        .exits(0);
    let mut names: Vec<_> = CARDS
        .iter()
        .map(|card| format!("gpu{card}_{DATE}.csv"))
        .chain([format!("average_{DATE}.csv"), format!("summary_{DATE}.txt")])
        .map(|name| format!("{NODE}/{DATE}/{name}"))
        .collect();
    names.sort();
    assert_eq!(outcome.tree(), names);
    let node = outcome.world().cluster.node(NODE);
    for card in CARDS {
        let file = outcome.of_day(NODE, DATE, &format!("gpu{card}"));
        assert_eq!(file, Day::utc().gpu_csv(node, card));
    }
    let average = outcome.of_day(NODE, DATE, "average");
    assert!(average.contains("\nGPU[7],"), "{average}");
}

#[test]
fn where_a_directory_is_in_the_place_of_a_file_nothing_of_the_node_is_replaced() {
    for kind in [
        "gpu0_2025-08-01.csv",
        "average_2025-08-01.csv",
        "summary_2025-08-01.txt",
    ] {
        let world = Lab::colab_gpu4().start();
        world.run(&[DATE]).exits(0).stderr_is("");
        let target = format!("{DAY}/{kind}");
        fs::remove_file(world.path(&target)).expect("a file");
        world.write(&format!("{target}/kept"), "by somebody\n");
        let header = "時間戳,日期時間,GPU使用率(%),VRAM使用率(%)\n";
        world.write(&format!("{DAY}/gpu3_2025-08-01.csv"), header);
        let before = tree(&world, "data");
        let outcome = world
            .run(&[DATE])
            .exits(1)
            .stdout_is("失敗：1 個節點都沒有寫入，讀數 1152/1152（100.0%）\n");
        let said = format!("錯誤：無法寫入 {target}：");
        assert!(outcome.stderr.starts_with(&said), "{}", outcome.stderr);
        assert!(
            outcome.stderr.ends_with("（節點 colab-gpu4）\n"),
            "{}",
            outcome.stderr
        );
        assert_eq!(outcome.stderr.lines().count(), 1);
        assert_eq!(tree(&world, "data"), before, "{kind}");
    }
}

#[test]
fn where_nothing_is_replaced_nothing_is_set_aside() {
    let world = Lab::colab_gpu4().start();
    world.write(&format!("{DAY}/gpu3_2025-08-01.csv"), "not a GPU's file\n");
    world.write(
        &format!("{DAY}/summary_2025-08-01.txt/kept"),
        "by somebody\n",
    );
    let before = world.run(&[DATE]).exits(1).tree();
    assert_eq!(
        before,
        world.run(&[DATE]).exits(1).tree(),
        "at a second try"
    );
    assert_eq!(before.len(), 2);
}

#[test]
fn a_node_whose_files_cannot_be_written_costs_the_others_nothing() {
    let world = two_nodes().start();
    world.write("data/colab-gpu4", "a file\n");
    let outcome = world
        .run(&[DATE])
        .exits(3)
        .stderr_has("無法寫入 data/colab-gpu4/2025-08-01");
    assert_eq!(outcome.tree().len(), 1 + 3);
    assert_eq!(world.read("data/colab-gpu4"), "a file\n");
}

#[test]
fn the_tree_is_where_the_command_line_or_else_the_settings_say() {
    let settings = "data_dir = \"of the/settings\"";
    for (settings, arguments, root) in [
        ("", &[][..], "data"),
        (settings, &[], "of the/settings"),
        ("", &["--data-dir", "new/deep/er"], "new/deep/er"),
        (settings, &["--data-dir", "line"], "line"),
        (settings, &["--data-dir", "./資料/"], "資料"),
    ] {
        let world = Lab::colab_gpu4().settings(settings).start();
        let outcome = world
            .run(&[&[DATE], arguments].concat())
            .exits(0)
            .stderr_is("");
        let files = tree(&world, root);
        assert_eq!(
            files.len(),
            3 + 10 + 2,
            "the root, the node, the day and the files, and the report in its directory"
        );
        let mut entries: Vec<_> = fs::read_dir(world.path(""))
            .expect("the directory")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        entries.retain(|name| name != "daily-gpu-log.toml" && name != "token");
        assert_eq!(entries, [root.split('/').next().expect("a part")]);
        let _ = outcome
            .stdout_has(&format!("{root}/{NODE}/{DATE}\n"))
            .stdout_has(&format!("{root}/reports/users_{DATE}.csv\n"));
    }
}

#[test]
fn an_absolute_data_directory_is_taken_as_it_is() {
    let world = Lab::colab_gpu4().start();
    let root = world.path("elsewhere");
    let said = format!("，{}/{NODE}/{DATE}\n", root.display());
    world
        .run(&[DATE, "--data-dir", root.to_str().expect("UTF-8")])
        .exits(0)
        .stdout_has(&said)
        .writes_nothing();
    assert_eq!(tree(&world, "elsewhere").len(), 3 + 10 + 2);
}

#[test]
fn without_a_data_directory_that_can_be_written_nobody_is_asked() {
    for root in ["a file", "a file/data", "/proc/daily-gpu-log", "/proc"] {
        let world = Lab::colab_gpu4().start();
        world.write("a file", "not a directory\n");
        let outcome = world
            .run(&[DATE, "--data-dir", root])
            .exits(1)
            .stdout_is("")
            .writes_nothing();
        let said = format!("錯誤：無法寫入 {root}：");
        assert!(outcome.stderr.starts_with(&said), "{}", outcome.stderr);
        assert_eq!(outcome.stderr.lines().count(), 1);
        assert_eq!(world.read("a file"), "not a directory\n");
        assert_eq!(world.cluster.requests(NODE).len(), 0);
        assert_eq!(world.cluster.api_requests().len(), 0);
    }
}
