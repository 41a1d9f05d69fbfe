//! Who held which GPU of a node: the tasks of a day, placed on the node's GPUs.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::config::Node;
use crate::day::Window;
use crate::gpu_map::{Disagreement, Unplaceable};
use crate::tasks::{Held, Task, TaskGpu};
use crate::units::GpuIndex;

/// What is known of one node's tasks on a day.
#[derive(Clone, Debug, Default)]
pub struct NodeTasks<'a> {
    /// The node's tasks that hold GPUs, by start.
    pub tasks: Vec<&'a Task>,
    /// Who held each GPU, in order of first hold. A GPU that nobody held is not among these.
    pub users: BTreeMap<GpuIndex, Vec<String>>,
    /// The GPUs of tasks that no setting places on the node.
    pub unplaced: Vec<UnplacedGpu>,
    /// The GPUs that tasks held and whose UUID and id disagree, each once, by index.
    pub disagreements: BTreeSet<Disagreement>,
    /// The tasks of which it is not known when they held their GPUs.
    pub timeless: Vec<TimelessTask>,
}

/// A task's GPU that cannot be placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnplacedGpu {
    /// The task.
    pub task: String,
    /// Who holds it.
    pub username: String,
    /// The GPU as the API names it.
    pub gpu: TaskGpu,
    /// The node that the settings have its UUID on, if that is another than the task's.
    pub owner: Option<String>,
}

/// A task whose start or end is missing or unreadable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TimelessTask {
    /// The task.
    pub task: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Places the tasks of `node` among `tasks`, which are in order of their start.
#[must_use]
pub fn attribute<'a>(node: &Node, tasks: &'a [Task], window: &Window) -> NodeTasks<'a> {
    let on_node = |task: &&Task| task.hostname == node.name && !task.gpus.is_empty();
    let mut known = NodeTasks {
        tasks: tasks.iter().filter(on_node).collect(),
        ..NodeTasks::default()
    };
    for task in &known.tasks {
        match task.held() {
            Ok(held) if holds_part_of(held, window) => {}
            Ok(_) => continue,
            Err(problem) => {
                known.timeless.push(TimelessTask {
                    task: task.id.clone(),
                    problem,
                });
                continue;
            }
        }
        for gpu in &task.gpus {
            let placement = match node.place_gpu(gpu.id, gpu.uuid.as_deref()) {
                Ok(placement) => placement,
                Err(reason) => {
                    known.unplaced.push(UnplacedGpu {
                        task: task.id.clone(),
                        username: task.username.clone(),
                        gpu: gpu.clone(),
                        owner: match reason {
                            Unplaceable::Unknown => None,
                            Unplaceable::OnNode(owner) => Some(owner.to_owned()),
                        },
                    });
                    continue;
                }
            };
            known.disagreements.extend(placement.disagreement);
            let users = known.users.entry(placement.index).or_default();
            if !users.contains(&task.username) {
                users.push(task.username.clone());
            }
        }
    }
    known
}

/// Whether any of `[from, to)` lies in the window's day.
fn holds_part_of(held: Held, window: &Window) -> bool {
    held.from.max(window.start) < held.to.unwrap_or(window.end).min(window.end)
}

/// The nodes that tasks with GPUs name and no setting does, each with those tasks.
#[must_use]
pub fn unknown_hosts<'a>(nodes: &[Node], tasks: &'a [Task]) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut unknown: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for task in tasks.iter().filter(|task| !task.gpus.is_empty()) {
        if nodes.iter().all(|node| node.name != task.hostname) {
            unknown.entry(&task.hostname).or_default().push(&task.id);
        }
    }
    unknown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::Interval;
    use crate::gpu_map::IdPlace;
    use crate::tasks::TaskTime;
    use crate::units::{CardId, GpuUuid, UnixSeconds};
    use chrono_tz::Tz;
    use proptest::prelude::*;
    use std::sync::Arc;

    const MIDNIGHT: UnixSeconds = 1_754_006_400;
    const HOUR: UnixSeconds = 3600;

    fn window() -> Window {
        let date = "2025-08-01".parse().expect("a date");
        Window::new(date, Tz::UTC, Interval::DEFAULT, 2_000_000_000).expect("a window")
    }

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
            kind: None,
            project_uuid: None,
            image: None,
            owner: None,
            start,
            end,
            total_seconds: None,
        }
    }

    fn users(tasks: &[Task]) -> Vec<(usize, String)> {
        let known = attribute(&node(), tasks, &window());
        known
            .users
            .into_iter()
            .map(|(index, users)| (index.0, users.join(";")))
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
        let known = attribute(&node(), &tasks, &window());
        assert!(known.users.is_empty());
        let unplaced: Vec<_> = known
            .unplaced
            .iter()
            .map(|u| (u.task.as_str(), u.gpu.id))
            .collect();
        assert_eq!(unplaced, [("t", Some(26))]);
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
        let known = attribute(&node, &tasks[..2], &window());
        assert_eq!(
            known.users.keys().collect::<Vec<_>>(),
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
        let later = attribute(&node, &tasks[2..], &window());
        assert!(later.disagreements.is_empty(), "not this day's");
    }

    #[test]
    fn a_gpu_of_another_node_is_nobodys_here() {
        let mut node = node();
        let foreign = GpuUuid::parse("0xa").expect("an UUID");
        node.uuid_owners = Arc::new(BTreeMap::from([(foreign, "colab-gpu3".to_owned())]));
        let mut tasks = [task("t", "alice", 25, time(MIDNIGHT), TaskTime::Absent)];
        tasks[0].gpus[0].uuid = Some("APU-000000000000000a".to_owned());
        let known = attribute(&node, &tasks, &window());
        assert!(known.users.is_empty());
        assert_eq!(known.unplaced[0].owner.as_deref(), Some("colab-gpu3"));
    }

    #[test]
    fn a_task_without_a_time_is_kept_by_name_and_attributed_to_nobody() {
        let tasks = [task("t", "alice", 25, TaskTime::Absent, TaskTime::Absent)];
        let known = attribute(&node(), &tasks, &window());
        assert!(known.users.is_empty());
        assert_eq!(known.timeless[0].task, "t");
    }

    #[test]
    fn tasks_on_hosts_of_no_setting_are_named() {
        let mut elsewhere = task("t", "alice", 25, time(MIDNIGHT), TaskTime::Absent);
        elsewhere.hostname = "colab-gpu9".to_owned();
        assert_eq!(
            unknown_hosts(&[node()], &[elsewhere]),
            BTreeMap::from([("colab-gpu9", vec!["t"])])
        );
    }

    proptest! {
        /// A task holds a GPU on a day if there is a second of the day in which it runs.
        #[test]
        fn holding_agrees_with_a_look_at_every_minute(from in -3000_i64..6000, length in 0_i64..3000, runs: bool) {
            let (from, to) = (from * 60, (from + length) * 60);
            let held = Held { from: MIDNIGHT + from, to: (!runs).then_some(MIDNIGHT + to) };
            let seen = (0..24 * HOUR).step_by(60).any(|second| from <= second && (runs || second < to));
            prop_assert_eq!(holds_part_of(held, &window()), seen);
        }
    }
}
