//! The topic on moving from the old programs: its steps print what it says that they print.

use std::fs;

use chrono_tz::Tz;

use crate::simulated_cluster::{SimulatedNode, SimulatedTask};
use crate::support::{DATE, Day, HOUR, Lab, MIDNIGHT, World};

const NODES: [&str; 4] = ["colab-gpu1", "colab-gpu2", "colab-gpu3", "colab-gpu4"];
/// As the old programs had them: two nodes with the same ids.
const FIRST_IDS: [(&str, u32); 4] = [
    ("colab-gpu1", 1),
    ("colab-gpu2", 17),
    ("colab-gpu3", 17),
    ("colab-gpu4", 25),
];
const OF_25: &str = "APU-70cb99ce3e214bda";
const OF_26: &str = "APU-00a1b2c3d4e5f607";

fn topic(language: &str) -> String {
    let root = env!("CARGO_MANIFEST_DIR");
    let path = format!("{root}/src/manual/migration.{language}.md");
    fs::read_to_string(path).expect("the topic")
}

/// The lines of the blocks that name no language: what is printed, with `…` for what differs.
fn printed(topic: &str) -> Vec<&str> {
    let mut printed = Vec::new();
    let mut block = None;
    for line in topic.lines() {
        match line.strip_prefix("```") {
            Some(language) if block.is_none() => block = Some(language),
            Some(_) => block = None,
            None if block == Some("") => printed.push(line),
            None => {}
        }
    }
    printed
}

/// Whether a line has these parts in this order.
fn has_parts(line: &str, parts: &str) -> bool {
    let mut rest = line;
    parts.split('…').all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

/// The last days, oldest first.
fn last_days<const N: usize>() -> [Day; N] {
    let today = Day::now_in_hour(12);
    std::array::from_fn(|index| {
        let ago = i64::try_from(N - index).expect("a few days");
        let start = today.start - ago * 24 * HOUR;
        let end = start + 24 * HOUR;
        Day {
            start,
            end,
            ..today
        }
    })
}

fn lab(day: &Day) -> Lab {
    let held = |id: &str, user: &str, gpu: u32, uuid: &str| {
        let task = SimulatedTask::new(id, user, "colab-gpu4");
        task.gpu(gpu, uuid).start(day.start - 30 * 24 * HOUR)
    };
    let lab = NODES
        .iter()
        .fold(Lab::new(), |lab, name| lab.node(SimulatedNode::new(name)));
    lab.settings(&format!("timezone = \"{}\"", day.zone))
        .task(held("t1", "alice", 25, OF_25))
        .task(held("t2", "bob", 26, OF_26))
}

/// What the old programs left of a day, their files named by the numbers.
fn write_old_files(world: &World, day: &Day, numbers: &[u32]) {
    let date = day.date();
    for name in NODES {
        let directory = format!("data/{name}/{date}");
        let node = world.cluster.node(name);
        for (number, card) in numbers.iter().zip(crate::support::CARDS) {
            let file = format!("{directory}/gpu{number}_{date}.csv");
            world.write(&file, &day.gpu_csv(node, card));
        }
        let rows = (0..8).map(|gpu| format!("GPU[{gpu}],0.00,0.14,未使用\n"));
        let average = "GPU編號,平均GPU使用率(%),平均VRAM使用率(%),使用者\n".to_owned()
            + &rows.collect::<String>()
            + "全部平均,0.00,0.14,所有使用者\n";
        world.write(&format!("{directory}/average_{date}.csv"), &average);
    }
}

/// What is printed where the zone or the names of the files are other ones.
fn keep_other_settings(language: &str) -> String {
    let taipei = Day {
        zone: Tz::Asia__Taipei,
        start: MIDNIGHT - 8 * HOUR,
        end: MIDNIGHT + 16 * HOUR,
    };
    let world = lab(&taipei).start();
    write_old_files(&world, &taipei, &[0, 1, 2, 3, 4, 5, 6, 7]);
    let of_zone = world
        .run(&[DATE, "--timezone", "UTC", "--lang", language])
        .exits(10)
        .stderr;
    let world = lab(&taipei).start();
    write_old_files(&world, &taipei, &[1, 9, 17, 25, 33, 41, 49, 57]);
    of_zone + &world.run(&[DATE, "--lang", language]).exits(10).stderr
}

/// Follows the steps, and answers what was printed.
fn follow_the_steps(language: &str) -> String {
    let [.., first, second, yesterday] = last_days::<3>();
    let mut said = String::new();
    let mut run = |world: &World, arguments: &[&str], status| {
        let outcome = world.run(&[arguments, &["--lang", language]].concat());
        let outcome = outcome.exits(status);
        said += &(outcome.stdout + &outcome.stderr);
    };
    let compare = ["--data-dir", "compare", &yesterday.date()];
    let world = lab(&yesterday).start();
    for day in [&first, &second] {
        write_old_files(&world, day, &[0, 1, 2, 3, 4, 5, 6, 7]);
    }
    run(&world, &["check"], 3);
    run(&world, &compare, 3);
    let lab = FIRST_IDS.iter().fold(lab(&yesterday), |lab, (name, id)| {
        lab.node_settings(name, &format!("first_gpu_id = {id}"))
    });
    let world = lab.start_after(world);
    run(&world, &["check"], 0);
    run(&world, &compare, 0);
    run(&world, &["status", "--days", "3"], 3);
    run(&world, &["--catch-up", "2", "--dry-run", "yesterday"], 0);
    run(&world, &["--catch-up", "2", "yesterday"], 0);
    run(&world, &["status", "--days", "3"], 0);
    for day in [&first, &second] {
        let date = day.date();
        for name in NODES {
            let to = world.path(format!("data_archive/{}/{name}", &date[..7]));
            fs::create_dir_all(&to).expect("a directory");
            let from = world.path(format!("data/{name}/{date}"));
            fs::rename(from, to.join(&date)).expect("it is moved");
        }
    }
    run(&world, &["status", "--days", "3"], 0);
    run(&world, &["--catch-up", "2", "--dry-run", "yesterday"], 0);
    said
}

#[test]
fn the_steps_print_what_the_topic_says() {
    for language in ["zh-TW", "en"] {
        let said = follow_the_steps(language) + &keep_other_settings(language);
        let topic = topic(language);
        let lines = printed(&topic);
        assert!(lines.len() > 5, "{lines:?}");
        for line in lines {
            let is_there = said.lines().any(|printed| has_parts(printed, line));
            assert!(is_there, "{line}\n\n{said}");
        }
    }
}

#[test]
fn each_language_names_every_line_setting_and_directory_that_is_to_be_changed() {
    for language in ["zh-TW", "en"] {
        let topic = topic(language);
        for word in [
            "crontab -e",
            "setup_cron.sh",
            "timezone = \"Asia/Taipei\"",
            "gpu_uuids",
            "first_gpu_id",
            "gpu_files = \"card\"",
            "user_column = \"last\"",
            "readable_by = \"all\"",
            "archive_dirs",
            "diff -r",
            "--catch-up 3",
        ] {
            assert!(topic.contains(word), "{language}: {word}");
        }
    }
}
