//! Collecting a day again: nothing that was known is lost.

use std::fs;

use crate::simulated_cluster::{Fault, SimulatedNode, SimulatedTask};
use crate::support::{DATE, Day, HOUR, Lab, MIDNIGHT, World};
use pretty_assertions::assert_eq;

const NODE: &str = "colab-gpu4";

#[test]
fn a_new_reading_wins_and_an_old_one_fills_a_gap() {
    let first = SimulatedNode::new(NODE)
        .constant(1, 10.0, 20.0)
        .gap(1, MIDNIGHT, MIDNIGHT + HOUR);
    let world = Lab::new().node(first).start();
    world.run(&[DATE]).exits(0).stdout_has("讀數 1146/1152");

    let second = SimulatedNode::new(NODE).constant(1, 50.0, 60.0).gap(
        1,
        MIDNIGHT + HOUR,
        MIDNIGHT + 24 * HOUR,
    );
    let world = Lab::new().node(second).start_after(world);
    let outcome = world
        .run(&[DATE])
        .exits(0)
        .stderr_is("")
        .stdout_has("讀數 1152/1152（100.0%）");
    let csv = outcome.of_day(NODE, DATE, "gpu0");
    let values: Vec<_> = csv
        .lines()
        .skip(1)
        .map(|row| row.split_once("\",").expect("a row").1)
        .collect();
    assert_eq!(values[..6], ["50,60"; 6]);
    assert_eq!(values[6..], ["10,20"; 138]);
    // (6 x 50 + 138 x 10) / 144 and (6 x 60 + 138 x 20) / 144
    assert!(
        outcome
            .of_day(NODE, DATE, "average")
            .contains("GPU[0],11.67,21.67,")
    );
}

#[test]
fn a_card_that_has_gone_keeps_its_readings() {
    let world = Lab::colab_gpu4().start();
    let before = world.run(&[DATE]).exits(0);
    let (csv, average) = (
        before.of_day(NODE, DATE, "gpu1"),
        before.of_day(NODE, DATE, "average"),
    );
    let world = Lab::new()
        .node(SimulatedNode::new(NODE).without_card(9))
        .start_after(world);
    let after = world.run(&[DATE]).exits(0);
    assert_eq!(after.of_day(NODE, DATE, "gpu1"), csv);
    assert_eq!(after.of_day(NODE, DATE, "average"), average);
}

#[test]
fn rows_of_another_day_that_an_old_program_left_go() {
    let world = Lab::colab_gpu4().start();
    let old = "時間戳,日期時間,GPU使用率(%),VRAM使用率(%)\n\
               1754005800,\"2025-07-31 23:50:00\",1,2\n\
               1754006400,\"2025-08-01 00:00:00\",3,4\n\
               1754007000,\"2025-08-01 00:10:00\",5,6\n\
               1754093400,\"2025-08-02 00:10:00\",7,8\n";
    world.write("data/colab-gpu4/2025-08-01/gpu0_2025-08-01.csv", old);
    let outcome = world.run(&[DATE]).exits(0).stderr_is("");
    let day = Day::utc();
    assert_eq!(
        outcome.of_day(NODE, DATE, "gpu0"),
        day.gpu_csv(world.cluster.node(NODE), 1)
    );
}

#[test]
fn a_file_that_cannot_be_read_is_kept_aside_and_named() {
    let world = Lab::colab_gpu4().start();
    for (number, damaged) in [
        "damaged\n",
        "時間戳,日期時間,GPU使用率(%),VRAM使用率(%)\n1,2\n",
    ]
    .into_iter()
    .enumerate()
    {
        world.write("data/colab-gpu4/2025-08-01/gpu0_2025-08-01.csv", damaged);
        let outcome = world
            .run(&[DATE])
            .exits(0)
            .stderr_has("警告：colab-gpu4 原有的 gpu0_2025-08-01.csv 無法合併");
        let aside = format!(
            "colab-gpu4/2025-08-01/gpu0_2025-08-01.csv.unreadable{}",
            number + 1
        );
        assert_eq!(outcome.file(&aside), damaged);
        assert_eq!(outcome.of_day(NODE, DATE, "gpu0").lines().count(), 145);
    }
}

/// A world whose average CSV alone knows that alice held GPU 0.
fn collected_for_alice() -> World {
    let task = SimulatedTask::new("t1", "alice", NODE)
        .gpu(1, "APU-1")
        .start(MIDNIGHT);
    let world = Lab::colab_gpu4().task(task).start();
    world.run(&[DATE]).exits(0).stderr_is("");
    fs::remove_dir_all(world.path("data/.daily-gpu-log/tasks")).expect("the kept answers");
    world
}

#[test]
fn an_average_that_cannot_be_read_is_kept_aside_and_named_with_its_users() {
    let name = format!("average_{DATE}.csv");
    let path = format!("data/{NODE}/{DATE}/{name}");
    let world = collected_for_alice();
    let whole = world.read(&path);
    let torn = |end: &str| whole[..whole.find(end).expect("a part") + end.len()].to_owned();
    for (damaged, problem) in [
        ("damaged\n".to_owned(), "第 1 列不是平均檔案的標題"),
        (String::new(), "第 1 列不是平均檔案的標題"),
        (torn("]"), "CSV error: record 1 (line: 2, byte: "),
        (torn("ali"), "最後一列不是全部平均"),
        (torn("GPU[3],"), "CSV error: record 4 (line: 5, byte: "),
        (torn("所有使"), "第 10 列不是 GPU 的平均"),
        (whole.replace("GPU[1]", "GPU[0]"), "第 3 列不是 GPU 的平均"),
        (whole.replace("GPU[1]", "Card 9"), "第 3 列不是 GPU 的平均"),
        (
            whole.clone() + "GPU[8],1.00,1.00,bob\n",
            "第 11 列在全部平均之後",
        ),
    ] {
        world.write(&path, &damaged);
        let said = format!("警告：{NODE} 原有的 {name} 無法合併（{problem}");
        let outcome = world
            .run(&["--skip-task-info", DATE])
            .exits(0)
            .stderr_has(&said)
            .stderr_has(&format!("，已另存為 {name}.unreadable1"));
        let aside = format!("{NODE}/{DATE}/{name}.unreadable1");
        assert_eq!(outcome.file(&aside), damaged);
        assert_eq!(outcome.users(NODE, DATE), ["未使用"; 8]);
        fs::remove_file(world.path("data").join(aside)).expect("the file");
    }
    world.write(&path, &whole);
    let outcome = world
        .run(&["--skip-task-info", DATE])
        .exits(0)
        .stderr_is("");
    assert_eq!(outcome.users(NODE, DATE)[0], "alice");
}

#[test]
fn an_average_from_before_there_was_a_user_column_has_no_users_to_lose() {
    let world = Lab::colab_gpu4().start();
    world.write(
        &format!("data/{NODE}/{DATE}/average_{DATE}.csv"),
        "GPU卡號,平均GPU使用率(%),平均VRAM使用率(%)\n\
         gpu1,12.34,56.78\ngpu9,23.45,67.89\n全部平均,18.75,62.33\n",
    );
    let outcome = world
        .run(&["--skip-task-info", DATE])
        .exits(0)
        .stderr_is("");
    assert_eq!(outcome.tree().len(), 10);
}

#[test]
fn a_node_that_is_down_the_second_time_keeps_every_byte() {
    let world = Lab::colab_gpu4().start();
    let before = world.run(&[DATE]).exits(0);
    let files = before.files("");
    let world = Lab::new()
        .node(SimulatedNode::new(NODE).fault(Fault::Refuse))
        .start_after(world);
    let after = world.run(&[DATE]).exits(1).stderr_has("原有檔案保持不變");
    assert_eq!(after.files(""), files);
}

#[test]
fn the_same_answers_give_the_same_bytes() {
    let world = Lab::new()
        .node(SimulatedNode::new(NODE).gap(9, MIDNIGHT, MIDNIGHT + HOUR))
        .start();
    let first = world.run(&[DATE]).exits(0);
    let files = first.files("");
    let second = world.run(&[DATE]).exits(0);
    assert_eq!(second.files(""), files);
    assert!(
        files.iter().any(|(_, text)| text.contains(",,\n")),
        "the gap is still one"
    );
}

#[test]
fn a_vram_gap_is_filled_by_itself() {
    let gap = |node: SimulatedNode| node.vram_gap(1, MIDNIGHT, MIDNIGHT + HOUR);
    let world = Lab::new().node(SimulatedNode::new(NODE)).start();
    world.run(&[DATE]).exits(0);
    let world = Lab::new()
        .node(gap(SimulatedNode::new(NODE)))
        .start_after(world);
    let outcome = world.run(&[DATE]).exits(0);
    let whole = SimulatedNode::new(NODE);
    let day = Day::utc();
    assert_eq!(outcome.of_day(NODE, DATE, "gpu0"), day.gpu_csv(&whole, 1));
}
