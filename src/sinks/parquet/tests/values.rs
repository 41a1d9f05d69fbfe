//! Every value that is written, as the crate's reader reads it back.

use super::*;
use crate::analysis::{Account, Doubt, Entry};
use crate::model::{GpuIndex, Reading};
use pretty_assertions::assert_eq;

fn str(text: &str) -> Field {
    Field::Str(text.to_owned())
}

fn percent(reading: Option<Reading>) -> Field {
    reading.map_or(Field::Null, |reading| Field::Double(reading.percent()))
}

fn long(number: impl TryInto<i64>) -> Field {
    Field::Long(number.try_into().ok().expect("a number"))
}

fn int(number: impl TryInto<i32>) -> Field {
    Field::Int(number.try_into().ok().expect("a number"))
}

#[test]
fn every_reading_is_read_back() {
    let dataset = Dataset::new();
    let window = &dataset.window;
    let nodes = [until(node("n1", window, 1), 25), node("節點二", window, 2)];
    let written = nodes.iter().cloned().map(Some).collect();
    dataset.write(NOW, written).expect("it is written");
    let mut readings = Vec::new();
    for node in &nodes {
        for gpu in &node.gpus {
            let Some(usage) = &gpu.usage else { continue };
            for (slot, stamp) in window.stamps().take(usage.gpu.len()).enumerate() {
                readings.push(vec![
                    str(&node.node),
                    int(gpu.index.0),
                    long(gpu.card.0),
                    instant(stamp),
                    percent(usage.gpu[slot]),
                    percent(usage.vram[slot]),
                    str("all"),
                ]);
            }
        }
    }
    assert_eq!(readings.len(), 2 * (25 + 144));
    assert!(readings[0][4] == Field::Null && readings[1][4] != Field::Null);
    assert!(dataset.rows(&READINGS) == readings);
}

#[test]
fn every_other_value_is_read_back() {
    let dataset = Dataset::new();
    let window = &dataset.window;
    let mut second = node("節點二", window, 2);
    (second.task_information, second.tasks_as_of) = (None, None);
    second.holdings[0].project = Some("專案".to_owned());
    second.holdings[0].task_type = None;
    let usage = second.usage.as_mut().expect("accounts");
    usage.doubts = [Doubt::BusyWithoutTask, Doubt::Unfinished].into();
    usage.entries.push(Entry {
        user: None,
        gpu: GpuIndex(1),
        account: Account::default(),
    });
    let nodes = [node("n1", window, 1), second];
    let written = nodes.iter().cloned().map(Some).collect();
    dataset.write(NOW, written).expect("it is written");
    let (starts, ends) = (instant(window.start), instant(window.end));
    let holding = |node: &str, task_type: Field, project: Field| {
        let (user, task) = (str("王小明"), str("t-1"));
        let (starts, ends) = (starts.clone(), ends.clone());
        let gpu = int(0);
        vec![
            str(node),
            gpu,
            user,
            task,
            task_type,
            project,
            starts,
            ends,
            str("all"),
        ]
    };
    let holdings = [
        holding("n1", str("LAB"), Field::Null),
        holding("節點二", Field::Null, str("專案")),
    ];
    assert_eq!(dataset.rows(&HOLDINGS), holdings);
    let usage = |node: &str, kind: &str, user: Field, gpu: i32, seconds: [i64; 7], doubts: &str| {
        let mut row = vec![str(node), str(kind), user, int(gpu)];
        row.extend(seconds.map(Field::Long));
        let means = [Field::Null, Field::Null];
        row.extend(means.into_iter().chain([starts.clone(), ends.clone()]));
        row.extend([str(doubts), str("all")]);
        row
    };
    let (held, doubts) = (
        [86_400, 85_800, 0, 0, 0, 600, 0],
        "unfinished;busy_without_task",
    );
    let usages = [
        usage("n1", "held", str("王小明"), 0, held, ""),
        usage("節點二", "held", str("王小明"), 0, held, doubts),
        usage("節點二", "free", Field::Null, 1, [0; 7], doubts),
    ];
    assert_eq!(dataset.rows(&USAGE), usages);
    let notices = r#"[{"severity":"warning","code":"late","message":"任務「1」"}]"#;
    let run = vec![
        instant(NOW - 60),
        Field::Double(1.25),
        int(3),
        str("0.1.0"),
        str(notices),
        str("all"),
    ];
    assert_eq!(dataset.rows(&RUNS), [run]);
    let node_day = |node: &NodeCopy, information: Field, as_of: Field| {
        vec![
            str(&node.node),
            starts.clone(),
            ends.clone(),
            ends.clone(),
            int(600),
            str("Asia/Taipei"),
            long(node.coverage.found),
            long(node.coverage.due),
            information,
            as_of,
            Field::Bytes(ByteArray::from(node.fingerprint.to_vec())),
            instant(NOW),
            str("all"),
        ]
    };
    let node_days = [
        node_day(&nodes[0], str("known"), instant(window.end + 60)),
        node_day(&nodes[1], Field::Null, Field::Null),
    ];
    assert_eq!(dataset.rows(&NODE_DAYS), node_days);
}
