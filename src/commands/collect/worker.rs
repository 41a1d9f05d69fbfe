//! One of the threads that share a day's nodes.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use super::node::{Day, StagedNode, stage_node};
use crate::analysis::TasksByHost;
use crate::model::{Node, NodeUsage};
use crate::report::NodeResult;
use crate::report::notice::Kind;
use crate::sources::netdata::{self, NodeError};
use crate::sources::parallel::Queue;
use crate::store::Tree;

/// How many nodes a worker may have asked before it waits for the tasks, while the management API is still being asked. The usage of a node of eight cards is 18 kB.
const AHEAD: usize = 4;

/// The nodes of a day, and what their stages need.
pub struct Work<'a> {
    queue: &'a Queue<'a, &'a Node>,
    day: Day<'a>,
    client: &'a netdata::Client,
    begun: Instant,
    tree: &'a Tree<'a>,
    by_host: OnceLock<TasksByHost<'a>>,
    asked: Mutex<VecDeque<Asked<'a>>>,
}

/// The node at a position, and its agent's answer.
type Asked<'a> = (
    usize,
    &'a Node,
    Result<Result<NodeUsage, NodeError>, Box<NodeResult>>,
);

pub type Outcome = (usize, Result<StagedNode, Box<NodeResult>>);

impl<'a> Work<'a> {
    pub fn new(
        queue: &'a Queue<'a, &'a Node>,
        day: Day<'a>,
        client: &'a netdata::Client,
        tree: &'a Tree<'a>,
    ) -> Self {
        Self {
            queue,
            day,
            client,
            begun: Instant::now(),
            tree,
            by_host: OnceLock::new(),
            asked: Mutex::default(),
        }
    }

    /// Does what there is to do until nothing is left, or nobody listens.
    pub fn run(&self, outcomes: &Sender<Outcome>) {
        let mut ahead = 0;
        while let Some((position, &node)) = self.queue.take() {
            let ask = || self.client.usage(node, self.day.window, self.begun);
            let usage = guarded(node, ask);
            self.asked().push_back((position, node, usage));
            ahead += 1;
            if self.day.tasks.get().is_none() && ahead < AHEAD {
                continue;
            }
            ahead = 0;
            if !self.stage_asked(outcomes) {
                return;
            }
        }
        self.stage_asked(outcomes);
    }

    /// Stages the nodes that have been asked, by whichever worker: another one may be hanging at its next node. Whether
    /// anybody listens.
    fn stage_asked(&self, outcomes: &Sender<Outcome>) -> bool {
        let by_host = self.by_host();
        loop {
            // The lock is let go before the work.
            let Some((position, node, usage)) = self.asked().pop_front() else {
                return true;
            };
            let stage = |usage| stage_node(node, usage, self.day, by_host, self.tree);
            let staged = usage.and_then(|usage| guarded(node, || stage(usage)));
            if outcomes.send((position, staged.flatten())).is_err() {
                return false;
            }
        }
    }

    fn asked(&self) -> MutexGuard<'_, VecDeque<Asked<'a>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tasks, which are waited for.
    fn by_host(&self) -> &TasksByHost<'a> {
        let tasks = self.day.tasks;
        self.by_host
            .get_or_init(|| TasksByHost::new(tasks.wait().tasks()))
    }
}

/// A bug that one node's answer brings out must not cost the others their day.
pub fn guarded<T>(node: &Node, work: impl FnOnce() -> T) -> Result<T, Box<NodeResult>> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Kind::Panicked.of(node).into())
}
