//! What the nodes and the management API have answered so far.

use chrono_tz::Tz;

use super::holders::{self, Holders};
use super::idle::IdleRun;
use crate::analysis::attribution;
use crate::model::{
    Answer, ByMetric, Capped, GpuIndex, Node, Reading, UnixSeconds, Window, comma, quote, said,
};
use crate::settings::Config;
use crate::sources::netdata::{Recent, Stretch};

/// The rows of an hour.
const ROWS: usize = 12;

pub struct Gathered<'a> {
    pub nodes: Vec<NodeNow<'a>>,
    pub tasks: TasksNow,
    pub zone: Tz,
    /// Up to this a reading is idle.
    pub idle_limit: Reading,
}

pub struct NodeNow<'a> {
    pub node: &'a Node,
    pub gpus: Vec<GpuNow>,
    /// The end of the newest row, on the agent's clock.
    pub until: UnixSeconds,
    /// When it last answered, on the machine's clock.
    pub answered_at: Option<UnixSeconds>,
    /// Why it did not answer the last time.
    pub problem: Option<String>,
    /// What the agent sent in place of a reading.
    pub refused: Option<String>,
}

#[derive(Clone)]
pub struct GpuNow {
    pub latest: ByMetric<Option<Reading>>,
    /// The rows of the last hour.
    pub hour: [Option<Reading>; ROWS],
    pub idle: Option<IdleRun>,
}

#[derive(Default)]
pub struct TasksNow {
    /// By the position of the node; none before the first answer.
    pub holders: Vec<Holders>,
    pub answered_at: Option<UnixSeconds>,
    /// Why there was no answer the last time.
    pub problem: Option<String>,
    /// What is wrong with the answer as a whole.
    pub remarks: Vec<String>,
    /// Whether it has tasks that cannot be read, and so may hold any GPU.
    pub has_malformed: bool,
}

impl GpuNow {
    const NEW: Self = Self {
        latest: ByMetric {
            gpu: None,
            vram: None,
        },
        hour: [None; ROWS],
        idle: None,
    };
}

impl<'a> Gathered<'a> {
    pub fn new(config: &Config, nodes: &[&'a Node]) -> Self {
        let node = |&node: &&'a Node| NodeNow {
            node,
            gpus: vec![GpuNow::NEW; node.cards.len()],
            until: 0,
            answered_at: None,
            problem: None,
            refused: None,
        };
        Self {
            nodes: nodes.iter().map(node).collect(),
            tasks: TasksNow::default(),
            zone: config.zone,
            idle_limit: config.thresholds.idle,
        }
    }

    /// Takes in what the node at `position` answered at `now`.
    pub fn answered(
        &mut self,
        position: usize,
        stretch: Stretch,
        recent: &Recent,
        now: UnixSeconds,
    ) {
        let limit = self.idle_limit;
        let node = &mut self.nodes[position];
        let time = (recent.until, stretch.row_seconds());
        for (card, gpu) in node.node.cards.iter().zip(&mut node.gpus) {
            let usage = recent.usage.cards.get(card);
            let rows = usage.map_or(&[][..], |usage| &usage.gpu);
            if stretch == Stretch::Now {
                gpu.latest = usage.map_or_else(ByMetric::default, |usage| {
                    usage.map(|rows| rows.last().copied().flatten())
                });
                gpu.idle = IdleRun::after_reading(gpu.idle, gpu.latest.gpu, time, limit);
            } else {
                gpu.idle = IdleRun::after_rows(gpu.idle, rows, time, limit);
            }
            if stretch == Stretch::Hour {
                gpu.hour = rows.try_into().unwrap_or_default();
            }
        }
        // Of a clock that was set back, the new time counts.
        node.until = recent.until;
        if stretch == Stretch::Now {
            node.answered_at = Some(now);
            node.problem = None;
            let refused = recent.usage.rejected.iter().next();
            node.refused = refused.map(|((card, metric, _), value)| {
                said!(
                    "Card {card} 的 {metric} = {value}，不是讀數",
                    "Card {card}: {metric} = {value} is no reading"
                )
            });
        }
    }

    /// The node at `position` did not answer. What it answered before stays.
    pub fn failed(&mut self, position: usize, problem: String) {
        self.nodes[position].problem = Some(problem);
    }

    /// The node at `position` did not answer for the last hour, of which then nothing is known.
    pub fn hour_failed(&mut self, position: usize) {
        for gpu in &mut self.nodes[position].gpus {
            gpu.hour = GpuNow::NEW.hour;
        }
    }

    pub fn tasks_answered(
        &mut self,
        answer: &Answer,
        window: &Window,
        now: UnixSeconds,
        config: &Config,
    ) {
        let nodes: Vec<_> = self.nodes.iter().map(|node| node.node).collect();
        let malformed: Capped<_, 3> = answer.malformed.iter().map(|task| &task.id).collect();
        let count = malformed.len();
        let malformed = (count > 0).then(|| {
            let named = malformed.joined(|_| "…".to_owned());
            said!(
                "{count} 個任務無法解析：{named}",
                "tasks that cannot be read ({count}): {named}"
            )
        });
        let unknown = attribution::unknown_hosts(config.known_hosts(), &answer.tasks);
        let unknown: Vec<_> = unknown.into_keys().take(3).map(quote).collect();
        let unknown = (!unknown.is_empty()).then(|| {
            let hosts = unknown.join(comma());
            said!(
                "有任務在設定以外的主機：{hosts}",
                "there are tasks on hosts that are in no settings: {hosts}"
            )
        });
        self.tasks = TasksNow {
            holders: holders::place(&nodes, answer, window, now),
            answered_at: Some(now),
            problem: None,
            has_malformed: malformed.is_some(),
            remarks: malformed.into_iter().chain(unknown).collect(),
        };
    }

    /// The management API did not answer. What it answered before stays, and is no longer all.
    pub fn tasks_failed(&mut self, problem: String) {
        self.tasks.problem = Some(problem);
    }

    /// Whether the last hour is not long enough to say for how long a held GPU of the node has been idle.
    pub fn wants_day(&self, position: usize, now: UnixSeconds) -> bool {
        let Some(holders) = self.tasks.holders.get(position) else {
            return false;
        };
        let mut gpus = self.nodes[position].gpus.iter().enumerate();
        gpus.any(|(index, gpu)| {
            gpu.idle.is_some_and(|run| run.is_at_least)
                && gpu.hour.iter().all(Option::is_some)
                && !holders.of(GpuIndex(index), now).is_empty()
        })
    }
}
