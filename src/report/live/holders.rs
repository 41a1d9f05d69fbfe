//! Who holds the GPUs of a node now, as the nightly run would place the tasks.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::analysis::{NodeTasks, Span, TasksByHost, attribute_by};
use crate::model::{
    Answer, Capped, GpuIndex, Node, Task, UnixSeconds, Window, counted, quote, said,
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Holder {
    pub user: String,
    pub task: String,
    /// `LAB`, `WEBAPP`, …
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub since: UnixSeconds,
    /// When the task is to end, if it is known already.
    #[serde(skip)]
    pub until: Option<UnixSeconds>,
}

/// What an answer of the management API says of one node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holders {
    /// In order of start.
    of_gpus: BTreeMap<GpuIndex, Vec<Holder>>,
    doubtful: Doubtful,
    /// Why it is not known of some GPU whether somebody holds it.
    pub problems: Vec<String>,
}

/// How many tasks of a node are named of which it is not known what they hold.
const MOST_PROBLEMS: usize = 5;

/// The GPUs that somebody may hold who is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Doubtful {
    all: bool,
    some: BTreeSet<GpuIndex>,
}

/// Places the tasks that run at `now`, by the map that all tasks of the day make, on each of `nodes`.
pub fn place(nodes: &[&Node], answer: &Answer, window: &Window, now: UnixSeconds) -> Vec<Holders> {
    let may_run = |task: &&Task| match task.held() {
        Ok(held) => held.is_some_and(|held| held.to.is_none_or(|to| now < to)),
        Err(_) => true,
    };
    let of_day = TasksByHost::new(&answer.tasks);
    let running = TasksByHost::new(answer.tasks.iter().filter(may_run));
    // The second that runs is the last.
    let known = Span {
        from: window.start.min(now),
        to: now.saturating_add(1),
    };
    let place = |node: &&Node| {
        let tasks = attribute_by(of_day.gpu_map(node), &running, known);
        let mut holders = Holders::new(&tasks);
        holders.add_malformed(answer);
        holders
    };
    nodes.iter().map(place).collect()
}

impl Holders {
    fn new(tasks: &NodeTasks) -> Self {
        let mut holders = Self::default();
        for placed in &tasks.placed {
            let Ok(Some(held)) = placed.task.held() else {
                continue;
            };
            let of_gpu = holders.of_gpus.entry(placed.index).or_default();
            of_gpu.push(Holder {
                user: placed.task.username.clone(),
                task: placed.task.id.clone(),
                kind: placed.task.kind.clone(),
                since: held.from,
                until: held.to,
            });
        }
        let mut lost: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for gpu in &tasks.unplaced {
            *lost.entry((&gpu.task, &gpu.username)).or_default() += 1;
        }
        for unlisted in &tasks.unlisted {
            *lost
                .entry((&unlisted.task, &unlisted.username))
                .or_default() += unlisted.count;
        }
        holders.doubtful.all = !lost.is_empty();
        let mut problems: Capped<_, MOST_PROBLEMS> = Capped::default();
        for ((task, user), count) in lost {
            problems.push_with(|| {
                let (task, user) = (quote(task), quote(user));
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                let gpus = counted(count, "張 GPU", "GPU", "GPUs");
                said!(
                    "任務 {task}（{user}）的 {gpus} 無法對應",
                    "task {task} ({user}): {gpus} cannot be placed"
                )
            });
        }
        for timeless in &tasks.timeless {
            match &timeless.gpus {
                Some(gpus) => holders.doubtful.some.extend(gpus),
                None => holders.doubtful.all = true,
            }
            problems.push_with(|| {
                let (task, problem) = (quote(&timeless.task), &timeless.problem);
                said!("任務 {task}：{problem}", "task {task}: {problem}")
            });
        }
        holders.problems =
            problems.followed_by(|more| said!("還有 {more} 項", "{more} more of these"));
        holders
    }

    fn add_malformed(&mut self, answer: &Answer) {
        // Each may be of this node.
        self.doubtful.all |= !answer.malformed.is_empty();
    }

    /// Who holds a GPU at `now`.
    pub fn of(&self, gpu: GpuIndex, now: UnixSeconds) -> Vec<Holder> {
        let holders = self.of_gpus.get(&gpu).into_iter().flatten();
        let now_there = holders.filter(|holder| holder.until.is_none_or(|until| now < until));
        now_there.cloned().collect()
    }

    /// Whether somebody who is not known may hold it.
    pub fn is_doubtful(&self, gpu: GpuIndex) -> bool {
        self.doubtful.all || self.doubtful.some.contains(&gpu)
    }
}
