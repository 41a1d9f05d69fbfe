//! One of the threads that share a day's nodes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::mpsc::Sender;
use std::time::Instant;

use super::Day;
use super::node::{StagedNode, ask_node, stage_node};
use crate::attribution::TasksByHost;
use crate::config::Node;
use crate::netdata;
use crate::notice::Notice;
use crate::output::Tree;
use crate::parallel::Queue;

/// How many nodes a worker may have asked before it stages the first of them, while the management API is still being
/// asked. The usage of a node of eight cards is 18 kB.
const AHEAD: usize = 4;

/// The nodes of a day, and what their stages need.
pub(super) struct Work<'a> {
    queue: &'a Queue<'a, &'a Node>,
    day: Day<'a>,
    client: &'a netdata::Client,
    /// When the nodes began to be asked.
    begun: Instant,
    tree: &'a Tree<'a>,
    by_host: OnceLock<TasksByHost<'a>>,
}

/// What became of the node at a position.
pub(super) type Outcome = (usize, Result<StagedNode, Notice>);

impl<'a> Work<'a> {
    pub(super) fn new(
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
        }
    }

    /// Does what there is to do until nothing is left, or nobody listens.
    pub(super) fn run(&self, outcomes: &Sender<Outcome>) {
        let mut asked = Vec::new();
        loop {
            let taken = self.queue.take();
            asked.extend(taken.map(|(position, &node)| {
                let ask = || ask_node(node, self.day.window, self.client, self.begun);
                (position, node, guarded(node, || Ok(ask())))
            }));
            if taken.is_some() && self.day.tasks.get().is_none() && asked.len() < AHEAD {
                continue;
            }
            for (position, node, usage) in asked.drain(..) {
                let stage = |usage| stage_node(node, usage, self.day, self.by_host(), self.tree);
                let staged = usage.and_then(|usage| guarded(node, || stage(usage)));
                if outcomes.send((position, staged)).is_err() {
                    return;
                }
            }
            if taken.is_none() {
                return;
            }
        }
    }

    /// The tasks, which are waited for.
    fn by_host(&self) -> &TasksByHost<'a> {
        let tasks = self.day.tasks;
        self.by_host
            .get_or_init(|| TasksByHost::new(tasks.wait().tasks()))
    }
}

/// A bug that one node's answer brings out must not cost the others their day.
pub(super) fn guarded<T>(
    node: &Node,
    work: impl FnOnce() -> Result<T, Notice>,
) -> Result<T, Notice> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Notice::Panicked {
            node: node.name.clone(),
        })
    })
}
