//! The rows of a moment: what is shown of each GPU, in which order, and what stands above them.

use std::cmp::Reverse;

use chrono_tz::Tz;
use serde::Serialize;

use super::gathered::{Gathered, NodeNow};
use super::holders::Holder;
use super::idle::IdleFor;
use crate::model::{CardId, ExitStatus, GpuIndex, Reading, UnixSeconds, clock, said, written};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    Node,
    User,
    /// Those that have been idle for longest come first.
    Idle,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct View {
    #[serde(rename = "time")]
    pub now: UnixSeconds,
    #[serde(rename = "timezone", with = "written")]
    pub zone: Tz,
    /// Up to this a reading is idle.
    #[serde(rename = "idle_percent")]
    pub idle_limit: Reading,
    /// The only user who is shown.
    pub user: Option<String>,
    #[serde(flatten)]
    pub totals: Totals,
    pub tasks: TasksView,
    pub nodes: Vec<NodeView>,
}

/// The object of `--json`.
#[derive(Debug, Serialize)]
pub struct LiveReport<'a> {
    #[serde(flatten)]
    pub view: &'a View,
    pub exit_status: ExitStatus,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    pub nodes_answered: usize,
    pub gpus: usize,
    pub held: usize,
    /// Over the limit, whoever holds them.
    pub active: usize,
    /// Held, and up to the limit.
    pub idle: usize,
    pub without_reading: usize,
    /// Of which it is not known whether somebody holds them.
    pub unknown: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TasksView {
    pub answered_at: Option<UnixSeconds>,
    pub problem: Option<String>,
    pub remarks: Vec<String>,
    #[serde(skip)]
    pub has_malformed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeView {
    pub name: String,
    pub url: String,
    pub answered_at: Option<UnixSeconds>,
    /// Why it does not answer.
    pub problem: Option<String>,
    pub remarks: Vec<String>,
    pub gpus: Vec<GpuView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GpuView {
    #[serde(rename = "index")]
    pub gpu: GpuIndex,
    pub card: CardId,
    #[serde(rename = "gpu_percent")]
    pub percent: Option<Reading>,
    #[serde(rename = "vram_percent")]
    pub vram: Option<Reading>,
    /// Whether these are of an earlier answer.
    pub is_old: bool,
    #[serde(rename = "hour_percent")]
    pub hour: Vec<Option<Reading>>,
    #[serde(flatten)]
    pub holding: Holding,
    #[serde(flatten)]
    pub idle: Option<IdleFor>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "holding", content = "holders")]
pub enum Holding {
    /// By these, in order of start.
    Held(Vec<Holder>),
    Unused,
    Unknown,
}

/// A line of the list.
#[derive(Clone, Copy, Debug)]
pub enum Line<'a> {
    /// A node does not answer, for this reason.
    Problem(&'a NodeView, &'a str),
    Remark(&'a NodeView, &'a str),
    /// A GPU, and whether its node's name stands above it.
    Gpu(&'a NodeView, &'a GpuView, bool),
}

impl Gathered<'_> {
    /// What is known at `now`: of all GPUs, or of those that `user` holds.
    pub fn view(&self, now: UnixSeconds, user: Option<&str>) -> View {
        let tasks = &self.tasks;
        let nodes = self.nodes.iter().enumerate();
        let mut nodes: Vec<_> = nodes
            .map(|(position, node)| self.node(position, node, now))
            .collect();
        let totals = Totals::of(&nodes, self.idle_limit);
        if let Some(user) = user {
            for node in &mut nodes {
                node.gpus.retain(|gpu| gpu.users().any(|of| of == user));
            }
        }
        View {
            now,
            zone: self.zone,
            idle_limit: self.idle_limit,
            user: user.map(str::to_owned),
            totals,
            tasks: TasksView {
                answered_at: tasks.answered_at,
                problem: tasks.problem.clone(),
                remarks: tasks.remarks.clone(),
                has_malformed: tasks.has_malformed,
            },
            nodes,
        }
    }

    fn node(&self, position: usize, of: &NodeNow, now: UnixSeconds) -> NodeView {
        let holders = self.tasks.holders.get(position);
        let is_current = self.tasks.problem.is_none();
        let gpu = |(index, (&card, gpu)): (usize, (&CardId, &super::gathered::GpuNow))| {
            let index = GpuIndex(index);
            let by = holders
                .map(|holders| holders.of(index, now))
                .unwrap_or_default();
            let is_free = holders.is_some_and(|holders| is_current && !holders.is_doubtful(index));
            let since = by.iter().map(|holder| holder.since).min();
            let idle = gpu.idle.zip(since);
            GpuView {
                gpu: index,
                card,
                percent: gpu.latest.gpu,
                vram: gpu.latest.vram,
                is_old: of.problem.is_some() && of.answered_at.is_some(),
                hour: gpu.hour.to_vec(),
                idle: idle.map(|(run, since)| run.lasts(of.until, now.saturating_sub(since))),
                holding: match by {
                    by if !by.is_empty() => Holding::Held(by),
                    _ if is_free => Holding::Unused,
                    _ => Holding::Unknown,
                },
            }
        };
        let gpus = of.node.cards.iter().zip(&of.gpus).enumerate().map(gpu);
        let problems = holders.into_iter().flat_map(|holders| &holders.problems);
        NodeView {
            name: of.node.name.clone(),
            url: of.node.address().to_owned(),
            answered_at: of.answered_at,
            problem: of.problem.clone(),
            remarks: problems.chain(&of.refused).cloned().collect(),
            gpus: gpus.collect(),
        }
    }
}

impl Totals {
    fn of(nodes: &[NodeView], limit: Reading) -> Self {
        let mut totals = Self::default();
        for node in nodes {
            totals.nodes_answered += usize::from(node.answers());
            for gpu in &node.gpus {
                let is_held = matches!(gpu.holding, Holding::Held(_));
                let current = gpu.percent.filter(|_| node.answers());
                totals.gpus += 1;
                totals.held += usize::from(is_held);
                totals.unknown += usize::from(gpu.holding == Holding::Unknown);
                match current {
                    None => totals.without_reading += 1,
                    Some(reading) if reading > limit => totals.active += 1,
                    Some(_) => totals.idle += usize::from(is_held),
                }
            }
        }
        totals
    }
}

impl TasksView {
    /// Whether the first answer has not come yet, and may.
    pub fn is_awaited(&self) -> bool {
        self.answered_at.is_none() && self.problem.is_none()
    }
}

impl NodeView {
    pub fn answers(&self) -> bool {
        self.problem.is_none() && self.answered_at.is_some()
    }
}

impl GpuView {
    /// Who holds it, each once, in order of start.
    pub fn users(&self) -> impl Iterator<Item = &str> {
        let holders = self.holders();
        let first = |position: &usize| {
            let user = &holders[*position].user;
            !holders[..*position]
                .iter()
                .any(|holder| holder.user == *user)
        };
        let firsts = (0..holders.len()).filter(first);
        firsts.map(|position| &*holders[position].user)
    }

    pub fn holders(&self) -> &[Holder] {
        match &self.holding {
            Holding::Held(holders) => holders,
            Holding::Unused | Holding::Unknown => &[],
        }
    }
}

impl View {
    /// 3 where a node does not answer, or where it is not known of some GPU whether somebody holds it.
    pub fn exit_status(&self) -> ExitStatus {
        let answer = self.nodes.iter().all(NodeView::answers);
        let tasks = &self.tasks;
        let is_known = tasks.problem.is_none() && !tasks.has_malformed && self.totals.unknown == 0;
        let has_problems = self.nodes.iter().any(|node| !node.remarks.is_empty());
        ExitStatus::incomplete_unless(answer && is_known && !has_problems)
    }

    /// The lines in this order. What is wrong with a node stands above its GPUs, or above all others where they are
    /// not together.
    pub fn lines(&self, order: Order) -> Vec<Line<'_>> {
        let mut lines = Vec::new();
        for node in &self.nodes {
            let problem = node.problem.as_deref();
            lines.extend(problem.map(|problem| Line::Problem(node, problem)));
            lines.extend(node.remarks.iter().map(|text| Line::Remark(node, text)));
            if order == Order::Node {
                let first = node.gpus.first().map(|gpu| gpu.gpu);
                let gpus = node.gpus.iter();
                lines.extend(gpus.map(|gpu| Line::Gpu(node, gpu, Some(gpu.gpu) == first)));
            }
        }
        let gpus = self.nodes.iter().flat_map(|node| {
            let gpus = node.gpus.iter();
            gpus.map(move |gpu| (node, gpu))
        });
        let mut gpus: Vec<_> = gpus.collect();
        match order {
            Order::Node => return lines,
            Order::Idle => gpus.sort_by_key(|(_, gpu)| (Reverse(gpu.idle), gpu.rank())),
            Order::User => gpus.sort_by(|(_, one), (_, other)| {
                (one.rank(), one.users().next()).cmp(&(other.rank(), other.users().next()))
            }),
        }
        let gpus = gpus.into_iter();
        lines.extend(gpus.map(|(node, gpu)| Line::Gpu(node, gpu, true)));
        lines
    }

    /// Seconds since a moment.
    pub fn age(&self, moment: UnixSeconds) -> i64 {
        self.now.saturating_sub(moment).max(0)
    }

    /// A clock's time today, and the date of another day before it.
    pub fn moment(&self, moment: UnixSeconds) -> String {
        let (then, now) = (self.clock(moment), self.clock(self.now));
        if then[..10] == now[..10] {
            then[11..16].to_owned()
        } else {
            then[5..16].to_owned()
        }
    }

    pub fn clock(&self, moment: UnixSeconds) -> String {
        clock(self.zone, moment)
    }

    /// That the tasks are not known, and why, or as of when they are.
    pub fn tasks_problem(&self) -> Option<String> {
        let problem = self.tasks.problem.as_ref()?;
        Some(match self.tasks.answered_at {
            None => said!("任務不明：{problem}", "tasks unknown: {problem}"),
            Some(at) => {
                let clock = &self.clock(at)[11..];
                said!(
                    "任務是 {clock} 的：{problem}",
                    "tasks as of {clock}: {problem}"
                )
            }
        })
    }
}

impl GpuView {
    fn rank(&self) -> u8 {
        match self.holding {
            Holding::Held(_) => 0,
            Holding::Unknown => 1,
            Holding::Unused => 2,
        }
    }
}
