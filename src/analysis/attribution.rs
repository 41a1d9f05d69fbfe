//! Who held which GPU of a node: the tasks of a day, placed on the node's GPUs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Serialize;

use super::gpu_map::{Disagreement, GpuMap, Rule, Unplaceable};
use super::holding::{Hold, Holdings, Span, Spans};
use crate::model::{Both, GpuIndex, Held, Node, Task, TaskGpu};

/// The tasks that hold GPUs, by the host that they run on: made once, for all nodes of a day.
#[derive(Clone, Debug, Default)]
pub struct TasksByHost<'a>(HashMap<&'a str, Vec<&'a Task>>);

impl<'a> TasksByHost<'a> {
    /// Parts `tasks`, which are in order of their start.
    pub fn new(tasks: impl IntoIterator<Item = &'a Task>) -> Self {
        let mut hosts: HashMap<&str, Vec<&Task>> = HashMap::new();
        for task in tasks.into_iter().filter(|task| task.has_gpus()) {
            hosts.entry(&task.hostname).or_default().push(task);
        }
        Self(hosts)
    }

    pub fn are_on(&self, host: &str) -> bool {
        !self.on(host).is_empty()
    }

    /// How these tasks name the GPUs of a node.
    pub fn gpu_map<'n>(&self, node: &'n Node) -> GpuMap<'n> {
        GpuMap::new(node, ids(self.on(&node.name)))
    }

    fn on(&self, host: &str) -> &[&'a Task] {
        self.0.get(host).map_or(&[], Vec::as_slice)
    }
}

#[derive(Clone, Debug)]
pub struct NodeTasks<'a> {
    /// The part of the day that is known: to its end, or as far as it had passed when the tasks were asked for.
    pub known: Span,
    pub tasks: Vec<&'a Task>,
    /// Who held each GPU. One that nobody held, as far as is known of the whole day, is not among these.
    pub holdings: BTreeMap<GpuIndex, Holdings<'a>>,
    pub placed: Vec<PlacedGpu<'a>>,
    pub unplaced: Vec<UnplacedGpu>,
    /// The tasks whose GPUs are counted and not listed.
    pub unlisted: Vec<UnlistedGpus>,
    /// The GPUs that tasks held and whose UUID and id disagree, each once, by index.
    pub disagreements: BTreeSet<Disagreement>,
    pub timeless: Vec<TimelessTask>,
}

/// A task's GPU, and by what it was found on the node.
#[derive(Clone, Copy, Debug)]
pub struct PlacedGpu<'a> {
    pub task: &'a Task,
    pub gpu: &'a TaskGpu,
    pub index: GpuIndex,
    pub rule: Rule,
    /// When it was held, as far as is known.
    pub span: Option<Span>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnplacedGpu {
    pub task: String,
    pub username: String,
    pub gpu: TaskGpu,
    /// The node that the settings have its UUID on, if that is another than the task's.
    pub owner: Option<String>,
}

/// A task of which it is not known which GPUs it held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnlistedGpus {
    pub task: String,
    pub username: String,
    pub count: u64,
}

/// A task whose start or end is missing or unreadable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TimelessTask {
    pub task: String,
    pub problem: Both,
    /// The GPUs that it may have held, if they are known.
    #[serde(skip)]
    pub gpus: Option<Vec<GpuIndex>>,
}

/// Places the tasks of `node`, as far as they lie in the `known` part of the day.
pub fn attribute<'a>(node: &Node, tasks: &TasksByHost<'a>, known: Span) -> NodeTasks<'a> {
    attribute_by(tasks.gpu_map(node), tasks, known)
}

/// Places some of the node's tasks by the map that all of them make.
pub fn attribute_by<'a>(map: GpuMap, tasks: &TasksByHost<'a>, known: Span) -> NodeTasks<'a> {
    let tasks = tasks.on(&map.node.name);
    let mut of_node = NodeTasks {
        known,
        tasks: tasks.to_vec(),
        holdings: BTreeMap::new(),
        placed: Vec::new(),
        unplaced: Vec::new(),
        unlisted: Vec::new(),
        disagreements: BTreeSet::new(),
        timeless: Vec::new(),
    };
    let mut holds: BTreeMap<GpuIndex, Vec<Hold>> = BTreeMap::new();
    let mut unknown: BTreeMap<GpuIndex, Vec<Span>> = BTreeMap::new();
    for &task in tasks {
        let (span, not_known) = match task.held() {
            Ok(None) => continue,
            Ok(Some(Held { from, to })) => {
                let to = to.unwrap_or(known.to);
                let seen = task.last_named.unwrap_or(to);
                let within = |from, to| Span::new(from, to)?.within(known);
                (within(from, to.min(seen)), within(from.max(seen), to))
            }
            Err(problem) => {
                of_node.timeless.push(TimelessTask {
                    task: task.id.clone(),
                    problem,
                    gpus: all_gpus(&map, task),
                });
                continue;
            }
        };
        if (span, not_known) == (None, None) {
            continue;
        }
        if task.gpus.is_empty() {
            of_node.unlisted.push(UnlistedGpus {
                task: task.id.clone(),
                username: task.username.clone(),
                count: task.unlisted_gpus,
            });
        }
        for gpu in &task.gpus {
            let placement = match map.place(gpu.id, gpu.uuid.as_deref()) {
                Ok(placement) => placement,
                Err(reason) => {
                    of_node.unplaced.push(UnplacedGpu {
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
            of_node.placed.push(PlacedGpu {
                task,
                gpu,
                index: placement.index,
                rule: placement.rule,
                span,
            });
            of_node.disagreements.extend(placement.disagreement);
            let hold = span.map(|span| Hold {
                user: &task.username,
                task: &task.id,
                span,
            });
            holds.entry(placement.index).or_default().extend(hold);
            unknown
                .entry(placement.index)
                .or_default()
                .extend(not_known);
        }
    }
    let gather = |(index, holds): (_, Vec<_>)| {
        let unknown = Spans::union(unknown.remove(&index).unwrap_or_default());
        (
            index,
            Holdings {
                unknown,
                ..Holdings::new(&holds)
            },
        )
    };
    of_node.holdings = holds.into_iter().map(gather).collect();
    of_node
}

/// The GPUs of a task, if each is known.
fn all_gpus(map: &GpuMap, task: &Task) -> Option<Vec<GpuIndex>> {
    let place = |gpu: &TaskGpu| map.place(gpu.id, gpu.uuid.as_deref()).ok();
    let index = |gpu| place(gpu).map(|placement| placement.index);
    let gpus: Option<Vec<_>> = task.gpus.iter().map(index).collect();
    gpus.filter(|gpus| !gpus.is_empty())
}

impl NodeTasks<'_> {
    /// The ids that the tasks name on the node.
    pub fn ids(&self) -> impl Iterator<Item = u64> {
        ids(&self.tasks)
    }

    /// The user of the last task of the answer that names each GPU of `node`, whenever it held it: whom the old programs
    /// named.
    pub fn last_users(&self, node: &Node) -> BTreeMap<GpuIndex, &str> {
        let map = GpuMap::new(node, self.ids());
        let mut tasks = self.tasks.clone();
        tasks.sort_by_key(|task| task.position);
        let gpus = tasks.into_iter().flat_map(|task| {
            let places = task
                .gpus
                .iter()
                .map(|gpu| map.place(gpu.id, gpu.uuid.as_deref()));
            let places = places.filter_map(Result::ok);
            places
                .map(|place| (place.index, &*task.username))
                .collect::<Vec<_>>()
        });
        gpus.collect()
    }

    /// Who held a GPU, in order of first hold.
    pub fn users(&self, gpu: GpuIndex) -> impl Iterator<Item = &str> {
        let holdings = self.holdings.get(&gpu).into_iter();
        holdings.flat_map(|holdings| holdings.holders.iter().map(|holder| holder.user))
    }
}

fn ids(tasks: &[&Task]) -> impl Iterator<Item = u64> {
    let gpus = tasks.iter().flat_map(|task| &task.gpus);
    gpus.filter_map(|gpu| gpu.id)
}

/// The hosts that tasks with GPUs name and that are not `known`, each with those tasks.
pub fn unknown_hosts<'a, 'k>(
    known: impl Iterator<Item = &'k str>,
    tasks: &'a [Task],
) -> BTreeMap<&'a str, Vec<&'a str>> {
    let known: HashSet<_> = known.collect();
    let mut unknown: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for task in tasks.iter().filter(|task| task.has_gpus()) {
        if !known.contains(task.hostname.as_str()) {
            unknown.entry(&task.hostname).or_default().push(&task.id);
        }
    }
    unknown
}

#[cfg(test)]
mod tests;
