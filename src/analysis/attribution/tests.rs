use super::*;
use crate::analysis::IdPlace;
use crate::model::{CardId, GpuUuid, TaskTime, UnixSeconds};
use proptest::prelude::*;
use std::sync::Arc;

const MIDNIGHT: UnixSeconds = 1_754_006_400;
const HOUR: UnixSeconds = 3600;

/// 2025-08-01, which is over.
const DAY: Span = Span {
    from: MIDNIGHT,
    to: MIDNIGHT + 24 * HOUR,
};

fn node() -> Node {
    Node {
        name: "colab-gpu4".to_owned(),
        url: "http://127.0.0.1".parse().expect("an URL"),
        cards: [1, 9, 17, 25].map(CardId).to_vec(),
        first_gpu_id: None,
        gpu_uuids: BTreeMap::new(),
        uuid_owners: Arc::default(),
    }
}

fn time(unix: UnixSeconds) -> TaskTime {
    TaskTime::At {
        unix,
        text: unix.to_string(),
    }
}

fn task(id: &str, user: &str, gpu: u64, start: TaskTime, end: TaskTime) -> Task {
    Task {
        id: id.to_owned(),
        username: user.to_owned(),
        hostname: "colab-gpu4".to_owned(),
        gpus: vec![TaskGpu {
            id: Some(gpu),
            uuid: None,
            name: None,
            memory: None,
        }],
        unlisted_gpus: 0,
        kind: None,
        project_uuid: None,
        image: None,
        owner: None,
        create_time: TaskTime::Absent,
        start,
        end,
        total_seconds: None,
        position: 0,
        last_named: None,
    }
}

fn users(tasks: &[Task]) -> Vec<(usize, String)> {
    let known = attribute(&node(), &TasksByHost::new(tasks), DAY);
    let held = known.holdings.keys();
    held.map(|&index| (index.0, known.users(index).collect::<Vec<_>>().join(";")))
        .collect()
}

#[test]
fn every_user_of_a_gpu_is_named_once_in_order_of_first_hold() {
    let tasks = [
        task(
            "1",
            "alice",
            25,
            time(MIDNIGHT - 5 * HOUR),
            time(MIDNIGHT + HOUR),
        ),
        task(
            "2",
            "bob",
            25,
            time(MIDNIGHT + HOUR),
            time(MIDNIGHT + 2 * HOUR),
        ),
        task(
            "3",
            "alice",
            25,
            time(MIDNIGHT + 3 * HOUR),
            TaskTime::Absent,
        ),
        task("4", "carol", 1, time(MIDNIGHT + 4 * HOUR), TaskTime::Absent),
    ];
    assert_eq!(
        users(&tasks),
        [(0, "carol".to_owned()), (3, "alice;bob".to_owned())]
    );
}

#[test]
fn a_task_outside_the_day_holds_nothing_of_it() {
    let end = MIDNIGHT + 24 * HOUR;
    let tasks = [
        task("before", "a", 1, time(MIDNIGHT - HOUR), time(MIDNIGHT)),
        task("after", "b", 1, time(end), TaskTime::Absent),
        task(
            "never",
            "c",
            1,
            time(MIDNIGHT + HOUR),
            time(MIDNIGHT + HOUR),
        ),
    ];
    assert_eq!(users(&tasks), []);
    let touching = [
        task("first", "d", 1, time(MIDNIGHT - HOUR), time(MIDNIGHT + 1)),
        task("last", "e", 1, time(end - 1), TaskTime::Absent),
    ];
    assert_eq!(users(&touching), [(0, "d;e".to_owned())]);
}

#[test]
fn a_gpu_that_cannot_be_placed_is_kept_by_name() {
    let tasks = [task("t", "alice", 26, time(MIDNIGHT), TaskTime::Absent)];
    let known = attribute(&node(), &TasksByHost::new(&tasks), DAY);
    assert!(known.holdings.is_empty());
    let unplaced: Vec<_> = known
        .unplaced
        .iter()
        .map(|u| (u.task.as_str(), u.gpu.id))
        .collect();
    assert_eq!(unplaced, [("t", Some(26))]);
}

#[test]
fn ids_beside_one_that_is_no_card_are_not_placed_as_cards() {
    let tasks = [
        task("t1", "alice", 25, time(MIDNIGHT), TaskTime::Absent),
        task("t2", "bob", 26, time(MIDNIGHT), TaskTime::Absent),
    ];
    let all = TasksByHost::new(&tasks);
    let known = attribute(&node(), &all, DAY);
    let unplaced = known.unplaced.iter().map(|gpu| gpu.gpu.id);
    assert_eq!(unplaced.collect::<Vec<_>>(), [Some(25), Some(26)]);
    let alices = TasksByHost::new(&tasks[..1]);
    let node = node();
    let known = attribute_by(all.gpu_map(&node), &alices, DAY);
    assert!(known.placed.is_empty(), "by what all tasks name");
    assert_eq!(attribute(&node, &alices, DAY).placed.len(), 1);
}

#[test]
fn a_gpu_whose_uuid_and_id_disagree_is_held_where_the_uuid_says_and_named_once() {
    let mut node = node();
    let uuid = |text| GpuUuid::parse(text).expect("an UUID");
    node.gpu_uuids = BTreeMap::from([(uuid("0xa"), GpuIndex(2))]);
    let held = |id, hours| {
        let start = time(MIDNIGHT + hours * HOUR);
        let mut task = task(id, "alice", 25, start, TaskTime::Absent);
        task.gpus[0].uuid = Some("APU-000000000000000a".to_owned());
        task
    };
    let tasks = [held("t1", 1), held("t2", 2), held("tomorrow", 24)];
    let known = attribute(&node, &TasksByHost::new(&tasks[..2]), DAY);
    assert_eq!(
        known.holdings.keys().collect::<Vec<_>>(),
        [&GpuIndex(2)],
        "not the GPU of card 25"
    );
    let disagreements: Vec<_> = known.disagreements.into_iter().collect();
    assert_eq!(
        disagreements,
        [Disagreement {
            index: GpuIndex(2),
            uuid: uuid("0xa"),
            id: 25,
            id_place: IdPlace::Card(GpuIndex(3)),
        }]
    );
    let later = attribute(&node, &TasksByHost::new(&tasks[2..]), DAY);
    assert!(later.disagreements.is_empty(), "not this day's");
}

#[test]
fn a_gpu_of_another_node_is_nobodys_here() {
    let mut node = node();
    let foreign = GpuUuid::parse("0xa").expect("an UUID");
    node.uuid_owners = Arc::new(BTreeMap::from([(foreign, "colab-gpu3".to_owned())]));
    let mut tasks = [task("t", "alice", 25, time(MIDNIGHT), TaskTime::Absent)];
    tasks[0].gpus[0].uuid = Some("APU-000000000000000a".to_owned());
    let known = attribute(&node, &TasksByHost::new(&tasks), DAY);
    assert!(known.holdings.is_empty());
    assert_eq!(known.unplaced[0].owner.as_deref(), Some("colab-gpu3"));
}

#[test]
fn a_task_without_a_time_is_kept_by_name_and_attributed_to_nobody() {
    let tasks = [task("t", "alice", 25, TaskTime::Absent, TaskTime::Absent)];
    let known = attribute(&node(), &TasksByHost::new(&tasks), DAY);
    assert!(known.holdings.is_empty());
    assert_eq!(known.timeless[0].task, "t");
}

#[test]
fn tasks_on_hosts_of_no_setting_are_named() {
    let mut elsewhere = task("t", "alice", 25, time(MIDNIGHT), TaskTime::Absent);
    elsewhere.hostname = "colab-gpu9".to_owned();
    assert_eq!(
        unknown_hosts([&*node().name].into_iter(), &[elsewhere]),
        BTreeMap::from([("colab-gpu9", vec!["t"])])
    );
}

#[test]
fn a_task_that_still_runs_holds_its_gpu_as_far_as_is_known() {
    let tasks = [task(
        "t",
        "alice",
        25,
        time(MIDNIGHT + HOUR),
        TaskTime::Absent,
    )];
    let noon = MIDNIGHT + 12 * HOUR;
    for (known_to, held) in [(DAY.to, 23 * HOUR), (noon, 11 * HOUR), (MIDNIGHT + HOUR, 0)] {
        let known = Span::new(MIDNIGHT, known_to).expect("a span");
        let placed = attribute(&node(), &TasksByHost::new(&tasks), known);
        let seconds: u64 = placed
            .holdings
            .values()
            .map(|of_gpu| of_gpu.anybodys().seconds())
            .sum();
        assert_eq!(seconds, held.unsigned_abs());
    }
}

#[test]
fn a_task_that_the_newest_answer_lacks_holds_its_gpu_as_long_as_one_named_it() {
    let held = |end| {
        let mut gone = task("t", "alice", 25, time(MIDNIGHT), end);
        gone.last_named = Some(MIDNIGHT + 10 * HOUR);
        let tasks = [gone];
        let placed = attribute(&node(), &TasksByHost::new(&tasks), DAY);
        let held = &placed.holdings[&GpuIndex(3)];
        (held.anybodys().seconds(), held.unknown.seconds())
    };
    let hours = |hours: i64| (hours * HOUR).unsigned_abs();
    assert_eq!(held(TaskTime::Absent), (hours(10), hours(14)));
    assert_eq!(held(time(MIDNIGHT + 12 * HOUR)), (hours(10), hours(2)));
    assert_eq!(held(time(MIDNIGHT + 9 * HOUR)), (hours(9), 0));
}

proptest! {
    /// A task holds the seconds of the day in which it runs.
    #[test]
    fn holding_agrees_with_a_look_at_every_minute(from in -3000_i64..6000, length in 0_i64..3000, runs: bool) {
        let (from, to) = (from * 60, (from + length) * 60);
        let end = if runs { TaskTime::Absent } else { time(MIDNIGHT + to) };
        let tasks = [task("t", "alice", 25, time(MIDNIGHT + from), end)];
        let placed = attribute(&node(), &TasksByHost::new(&tasks), DAY);
        let seconds = placed.holdings.get(&GpuIndex(3)).map_or(0, |held| held.anybodys().seconds());
        let minutes = (0..24 * HOUR).step_by(60).filter(|second| from <= *second && (runs || *second < to));
        prop_assert_eq!(seconds, minutes.count() as u64 * 60);
        prop_assert_eq!(placed.users(GpuIndex(3)).count(), usize::from(seconds > 0));
    }
}
