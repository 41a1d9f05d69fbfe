//! A closer look at a day than its accounts: the tasks behind them, and the means of the nodes.

use std::collections::BTreeMap;

use super::gathered::{Gathered, Wanted};
use crate::analysis::usage::{
    Group, GroupBy, NodeShares, RowTasks, TaskGap, Usage, UserRow, parted,
};
use crate::analysis::{Account, Entry, NodeLedger, TasksByHost};
use crate::model::{CardId, CardUsage, GpuIndex, KeptAnswer, Node, Window};
use crate::settings::Config;
use crate::sources::management_api::kept;
use crate::store::Archive;

pub struct Closer<'a> {
    pub config: &'a Config,
    pub archive: &'a Archive,
    pub window: &'a Window,
    pub wanted: Wanted<'a>,
}

impl Closer<'_> {
    pub fn add<'a>(
        &self,
        nodes: impl Iterator<Item = (&'a String, &'a NodeLedger)>,
        to: &mut Gathered,
    ) {
        let Wanted {
            by, rows, means, ..
        } = self.wanted;
        let date = self.window.date;
        let kept = if rows || by.needs_tasks() {
            self.kept_tasks()
        } else {
            Err(TaskGap::NotKept)
        };
        let tasks = kept
            .as_ref()
            .map(|kept| TasksByHost::new(&kept.answer.tasks));
        for (name, ledger) in nodes {
            let node = self.config.nodes.iter().find(|node| node.name == *name);
            if let Some(node) = node.filter(|_| means)
                && let Some(mean) = self.archive.day(date).mean(node)
            {
                to.means.insert((name.clone(), date), mean);
            }
            let of_tasks = TasksOfNode {
                closer: self,
                node,
                shares: match (&tasks, node) {
                    (Ok(tasks), Some(node)) => Ok(NodeShares::new(node, tasks, ledger.known)),
                    (Ok(_), None) => Err((Some(name.clone()), TaskGap::UnknownNode)),
                    (Err(gap), _) => Err((None, **gap)),
                },
                usage: None,
            };
            self.add_node((name, ledger), of_tasks, &mut to.usage);
        }
    }

    fn add_node(
        &self,
        (name, ledger): (&String, &NodeLedger),
        mut of_tasks: TasksOfNode,
        usage: &mut Usage,
    ) {
        let (date, by) = (self.window.date, self.wanted.by);
        for entry in &ledger.entries {
            let Some(user) = &entry.user else { continue };
            let (account, gpu) = (entry.account, entry.gpu);
            match by {
                GroupBy::User => {}
                GroupBy::Node => usage.add_part(user, Group::Named(name.clone()), account),
                GroupBy::Day => usage.add_part(user, Group::Day(date), account),
                GroupBy::Project | GroupBy::TaskType => match of_tasks.parts(name, entry, by) {
                    Ok(parts) => {
                        for (group, account) in parts {
                            usage.add_part(user, group, account);
                        }
                    }
                    Err((node, gap)) => {
                        usage.add_part(user, Group::Unknown, account);
                        usage.add_task_gap(date, node.as_deref(), gap);
                    }
                },
            }
            if self.wanted.rows {
                let tasks = of_tasks.shares.as_ref().ok();
                let tasks = tasks.and_then(|shares| shares.of(entry).ok());
                usage.rows.push(UserRow {
                    user: user.clone(),
                    date,
                    node: name.clone(),
                    gpu,
                    account,
                    tasks: tasks.map(RowTasks::new),
                });
            }
        }
    }

    fn kept_tasks(&self) -> Result<KeptAnswer, TaskGap> {
        let file = self.archive.kept_tasks(self.window.date);
        let file = file.map_err(|_| TaskGap::Unreadable)?;
        let file = file.ok_or(TaskGap::NotKept)?;
        kept::recall(&file, self.window).ok_or(TaskGap::Unreadable)
    }
}

/// A gap, and the node that it is of, unless it is all nodes'.
type GapOf = (Option<String>, TaskGap);

/// The tasks of a node's day, and its readings once they are needed.
struct TasksOfNode<'a> {
    closer: &'a Closer<'a>,
    node: Option<&'a Node>,
    shares: Result<NodeShares<'a>, GapOf>,
    usage: Option<BTreeMap<CardId, CardUsage>>,
}

impl TasksOfNode<'_> {
    fn parts(
        &mut self,
        name: &str,
        entry: &Entry,
        by: GroupBy,
    ) -> Result<BTreeMap<Group, Account>, GapOf> {
        let Closer {
            config,
            archive,
            window,
            ..
        } = self.closer;
        let shares = self.shares.as_ref().map_err(Clone::clone)?;
        let of_node = |gap| (Some(name.to_owned()), gap);
        let shares = shares.of(entry).map_err(of_node)?;
        let (node, usage) = (self.node, &mut self.usage);
        let readings = || {
            let node = node?;
            let GpuIndex(index) = entry.gpu;
            let usage = usage.get_or_insert_with(|| {
                let earlier = archive.day(window.date).readings(node, window);
                earlier.map(|earlier| earlier.usage).unwrap_or_default()
            });
            usage.get(node.cards.get(index)?).cloned()
        };
        let how = (*window, config.thresholds);
        parted(entry, shares, by, how, readings).map_err(of_node)
    }
}
