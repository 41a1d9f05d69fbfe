//! Who held what on a page's days, and what somebody should look at.

use std::collections::HashMap;

use super::Gathering;
use crate::analysis::overview::{Conflicting, HeldTask, Hold, Unplaced, Untasked};
use crate::analysis::{
    Doubt, Entry, NodeDay, NodeLedger, NodeTasks, Span, TaskKnowledge, each_conflict,
};
use crate::model::{UnixSeconds, Window};

/// The most users of a conflict that are named.
const MOST_USERS: usize = 20;

impl Gathering<'_> {
    /// Adds who held the GPUs of a node, by its tasks or else by its files.
    pub fn add_holds(&mut self, number: usize, day: &NodeDay) {
        let tasks = match &day.tasks {
            TaskKnowledge::Known { tasks, .. } => tasks,
            TaskKnowledge::Unknown { earlier, .. } => {
                let pseudonyms = self.scope.pseudonyms;
                for (index, users) in earlier {
                    let users = users.split(';').map(|user| match pseudonyms {
                        Some(pseudonyms) => pseudonyms.user(user),
                        None => user.to_owned(),
                    });
                    let users: Vec<_> = users.collect();
                    if let Some(lane) = self.nodes.node_mut(number).lanes.get_mut(index.0) {
                        lane.users_of_file = Some(users.join(";"));
                    }
                }
                return;
            }
        };
        for placed in &tasks.placed {
            let mib = placed
                .gpu
                .memory
                .as_ref()
                .and_then(serde_json::Number::as_f64);
            if let Some(mib) = mib.filter(|mib| *mib > 0.0) {
                self.memory.insert((number, placed.index), mib);
            }
        }
        let by_id: HashMap<&str, _> = tasks.tasks.iter().map(|task| (&*task.id, *task)).collect();
        for (index, holdings) in &tasks.holdings {
            for holder in &holdings.holders {
                let user = self.user_number(holder.user);
                for hold in &holder.holds {
                    let of_task = by_id.get(hold.task);
                    let task = self.task_number(HeldTask {
                        id: hold.task.to_owned(),
                        kind: of_task.and_then(|task| task.kind.clone()),
                        user,
                        start: of_task.and_then(|task| task.start.unix()),
                    });
                    let Span { from, to } = hold.span;
                    if let Some(lane) = self.nodes.node_mut(number).lanes.get_mut(index.0) {
                        lane.add_hold(Hold { from, to, task });
                    }
                }
            }
        }
    }

    /// Notes of which GPUs of a node it is not certain on this day that no task held them.
    pub fn add_doubts(&mut self, number: usize, day: Option<&NodeDay>) {
        let today = self.overview.days.len();
        let doubts = day.map(NodeDay::doubts).unwrap_or_default();
        let doubts = doubts.into_iter().filter(|(_, doubt)| {
            matches!(
                doubt,
                Doubt::Unplaced | Doubt::Disagreement | Doubt::Timeless | Doubt::Malformed
            )
        });
        let doubts: Vec<_> = doubts.map(|(gpu, _)| gpu).collect();
        let cards = day.map_or(0, |day| day.gpus.len());
        for lane in &mut self.nodes.node_mut(number).lanes {
            let is_it = |gpu: &Option<_>| gpu.is_none_or(|gpu| gpu == lane.index);
            if lane.index.0 >= cards || doubts.iter().any(is_it) {
                lane.doubted.push(today);
            }
        }
    }

    /// Adds what the users' VRAM readings come to, and which GPUs they held.
    pub fn add_held(&mut self, number: usize, accounts: &NodeLedger) {
        for Entry { user, gpu, account } in &accounts.entries {
            let Some(user) = user else { continue };
            let gpus = self.overview.gpus_of_users.entry(user.clone()).or_default();
            gpus.insert((number, *gpu));
            if let Some(mean) = account.vram.mean() {
                let mib = self.memory.get(&(number, *gpu)).copied();
                let vram = self.overview.vram.entry(user.clone()).or_default();
                vram.add(mean.into(), account.vram.seconds(), mib);
            }
        }
    }

    /// Adds the conflicts of a node, of one user's page those of that user.
    fn add_conflicts(&mut self, name: &str, day: &NodeDay) {
        let Some(tasks) = day.tasks.known() else {
            return;
        };
        let findings = &mut self.overview.findings;
        let user = self.scope.user;
        let gpus = day.gpus.iter().map(|gpu| gpu.index);
        let held = gpus.filter_map(|gpu| Some((gpu, tasks.holdings.get(&gpu)?)));
        for (gpu, holdings) in held {
            each_conflict(
                holdings,
                day.thresholds.handover_seconds,
                |holding, span| {
                    let holders = || {
                        holding
                            .iter()
                            .map(|&position| holdings.holders[position].user)
                    };
                    if user.is_some_and(|user| !holders().any(|of| of == user)) {
                        return;
                    }
                    findings.conflict_seconds += span.seconds();
                    findings.conflicts.push_with(|| {
                        // Whoever gets the page of one user need not learn of the others.
                        let most = user.map_or(MOST_USERS, |_| 1);
                        let named = holders().filter(|of| user.is_none_or(|user| *of == user));
                        let users: Vec<_> = named.take(most).map(str::to_owned).collect();
                        Conflicting {
                            node: name.to_owned(),
                            gpu,
                            more_users: holding.len() - users.len(),
                            users,
                            span,
                        }
                    });
                },
            );
        }
    }

    pub fn add_findings(
        &mut self,
        name: &str,
        day: &NodeDay,
        window: &Window,
        collected: UnixSeconds,
    ) {
        self.add_conflicts(name, day);
        if self.scope.user.is_some() {
            return;
        }
        let findings = &mut self.overview.findings;
        for (gpu, held) in day
            .gpus
            .iter()
            .filter_map(|gpu| Some((gpu.index, gpu.held.as_ref()?)))
        {
            for &span in &held.busy_without_task {
                findings.untasked_seconds += span.seconds();
                findings.untasked.push_with(|| Untasked {
                    node: name.to_owned(),
                    gpu,
                    span,
                });
            }
        }
        let gpus = day.gpus.iter().map(|gpu| (gpu.index, gpu.usage.as_ref()));
        findings.add_missing(name, window, collected, gpus);
        if let Some(NodeTasks {
            unplaced, unlisted, ..
        }) = day.tasks.known()
        {
            let unplaced = unplaced.iter().map(|of| &of.task);
            let mut tasks: Vec<_> = unplaced.chain(unlisted.iter().map(|of| &of.task)).collect();
            tasks.sort_unstable();
            tasks.dedup();
            if !tasks.is_empty() {
                findings.unplaced.push_with(|| Unplaced {
                    node: name.to_owned(),
                    date: window.date,
                    tasks: tasks.into_iter().cloned().collect(),
                });
            }
        }
    }
}
