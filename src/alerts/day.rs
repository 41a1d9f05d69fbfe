//! One day of one node: which of it counts for whom.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::attribution::{TasksByHost, attribute};
use crate::config::{Alerts, Node, Thresholds};
use crate::day::Window;
use crate::holding::{Holdings, Span};
use crate::ledger::Account;
use crate::netdata::CardUsage;
use crate::node_day::{GpuDay, NodeDay, TaskKnowledge};
use crate::tasks::kept::KeptAnswer;
use crate::tasks::{Answer, Task};
use crate::units::CardId;

use super::{LeftOut, Reason, Tally};

/// The tasks of a whole day, as the management API had them after it.
#[derive(Clone, Debug)]
pub struct TaskEvidence(Answer);

impl TaskEvidence {
    /// What `kept` says of the window's day, if that is all that there is to know of it.
    pub fn new(kept: KeptAnswer, window: &Window) -> Result<Self, Reason> {
        let KeptAnswer { answer, fetched_at } = kept;
        if fetched_at < window.end {
            return Err(Reason::EarlyTasks(window.clock(fetched_at)));
        }
        // Nobody knows which GPU such a task held, and when.
        if !answer.malformed.is_empty() {
            return Err(Reason::MalformedTasks(answer.malformed.len()));
        }
        Ok(Self(answer))
    }
}

/// The tasks of a day, by rule.
#[derive(Debug)]
pub struct RuledTasks<'a> {
    all: TasksByHost<'a>,
    /// Those that count, by the position of their rule.
    by_rule: Vec<TasksByHost<'a>>,
}

impl<'a> RuledTasks<'a> {
    /// Parts the tasks.
    #[must_use]
    pub fn new(TaskEvidence(answer): &'a TaskEvidence, settings: &Alerts) -> Self {
        let counts = |task: &Task| {
            let project = task.project_uuid.as_ref();
            !settings.exempt_users.contains(&task.username)
                && project.is_none_or(|project| !settings.exempt_projects.contains(project))
                && !settings.exempt_nodes.contains(&task.hostname)
        };
        let of_rule = |rule| {
            let tasks = answer.tasks.iter().filter(|task| counts(task));
            TasksByHost::new(
                tasks.filter(move |task| settings.rule_of(task.kind.as_deref()) == rule),
            )
        };
        Self {
            all: TasksByHost::new(&answer.tasks),
            by_rule: (0..settings.rules.len()).map(of_rule).collect(),
        }
    }

    /// Whether any task on `node` counts.
    #[must_use]
    pub fn concern(&self, node: &Node) -> bool {
        self.by_rule.iter().any(|tasks| tasks.are_on(&node.name))
    }
}

impl Tally {
    /// Notes that a day does not count.
    pub fn leave_out_date(&mut self, date: NaiveDate, reason: Reason) {
        self.left_out.push(LeftOut {
            date,
            node: None,
            gpu: None,
            reason,
        });
    }

    /// Notes that a day, or a node of it, does not count.
    pub fn leave_out(&mut self, window: &Window, node: Option<&Node>, reason: Reason) {
        self.left_out.push(LeftOut {
            date: window.date,
            node: node.map(|node| node.name.clone()),
            gpu: None,
            reason,
        });
    }

    /// Adds what of a node's day, which is over, counts.
    pub fn add(
        &mut self,
        node: &Node,
        window: &Window,
        tasks: &RuledTasks,
        usage: BTreeMap<CardId, CardUsage>,
        settings: (&Alerts, Thresholds),
    ) {
        let (settings, thresholds) = settings;
        let Some(whole) = Span::new(window.start, window.end) else {
            return;
        };
        if usage.is_empty() {
            return self.leave_out(window, Some(node), Reason::NoReadings);
        }
        let known = TaskKnowledge::Known {
            tasks: attribute(node, &tasks.all, whole),
            kept_since: None,
        };
        let day = NodeDay::new(node, window, usage, known, thresholds);
        let doubts = day.ledger().map(|ledger| ledger.doubts);
        let doubts = doubts.unwrap_or_default();
        for doubt in &doubts {
            self.leave_out(window, Some(node), Reason::Doubt(*doubt));
        }
        if !doubts.is_empty() {
            return;
        }
        let mut thin = BTreeSet::new();
        for (rule, of_rule) in tasks.by_rule.iter().enumerate() {
            for (index, holdings) in attribute(node, of_rule, whole).holdings {
                let Some(gpu) = day.gpus.get(index.0) else {
                    continue;
                };
                if coverage_percent(gpu) < settings.min_coverage_percent.into() {
                    thin.insert(index);
                    continue;
                }
                self.hold(node, rule, gpu, &holdings, (window, thresholds));
            }
        }
        self.left_out.extend(thin.into_iter().map(|index| LeftOut {
            date: window.date,
            node: Some(node.name.clone()),
            gpu: Some(index),
            reason: Reason::Coverage(coverage_percent(&day.gpus[index.0])),
        }));
    }

    fn hold(
        &mut self,
        node: &Node,
        rule: usize,
        gpu: &GpuDay,
        holdings: &Holdings,
        (window, thresholds): (&Window, Thresholds),
    ) {
        for holder in &holdings.holders {
            let gpus = self.held.entry((holder.user.to_owned(), rule)).or_default();
            let account = gpus.entry((node.name.clone(), gpu.index)).or_default();
            *account += Account::of(&holder.spans, gpu.usage.as_ref(), window, thresholds);
        }
    }
}

/// How much of the time in which anybody held the GPU has readings, in whole percent, rounded down.
fn coverage_percent(gpu: &GpuDay) -> u64 {
    let held = gpu.held.iter().flat_map(|held| &held.ledger.users);
    let held: Account = held.map(|(_, account)| *account).sum();
    (held.observed() * 100)
        .checked_div(held.seconds())
        .unwrap_or(0)
}
