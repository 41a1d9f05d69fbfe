//! One day of one node: which of it counts for whom.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::Tally;
use super::left_out::{LeftOut, Reason};
use crate::analysis::{
    Account, GpuDay, NodeDay, Span, Spans, TaskKnowledge, TasksByHost, attribute, attribute_by,
};
use crate::model::{
    Alerts, CardId, CardUsage, GpuIndex, KeptAnswer, Node, Task, Thresholds, Window,
};

/// The tasks of a day, as the management API had them, by the rule that is theirs.
#[derive(Debug)]
pub struct RuledTasks<'a> {
    all: TasksByHost<'a>,
    by_rule: Vec<TasksByHost<'a>>,
    /// How much of the day the answer is of; `None` of one that was given before it.
    known: Option<Span>,
    /// Why the answer is not all that there is to know of the day, if it is not.
    pub doubt: Option<Reason>,
}

impl<'a> RuledTasks<'a> {
    pub fn new(kept: &'a KeptAnswer, window: &Window, settings: &Alerts) -> Self {
        let KeptAnswer { answer, fetched_at } = kept;
        let doubt = if *fetched_at < window.end {
            Some(Reason::EarlyTasks(window.clock(*fetched_at)))
        } else if !answer.malformed.is_empty() {
            // Nobody knows which GPU such a task held, and when.
            Some(Reason::MalformedTasks(answer.malformed.len()))
        } else {
            None
        };
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
            by_rule: (0..=settings.rules.len()).map(of_rule).collect(),
            known: Span::new(window.start, window.end.min(*fetched_at)),
            doubt,
        }
    }

    pub fn concern(&self, node: &Node) -> bool {
        self.by_rule.iter().any(|tasks| tasks.are_on(&node.name))
    }
}

impl Tally {
    /// Notes that a day, a node of it, or a GPU of that does not count.
    pub fn leave_out(
        &mut self,
        date: NaiveDate,
        node: Option<&Node>,
        gpu: Option<GpuIndex>,
        reason: Reason,
    ) {
        self.left_out.push(LeftOut {
            date,
            node: node.map(|node| node.name.clone()),
            gpu,
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
        let Some(known) = tasks.known else {
            return;
        };
        if usage.is_empty() {
            self.leave_out(window.date, Some(node), None, Reason::NoReadings);
            return self.add_unknown(node, window, tasks);
        }
        let attributed = TaskKnowledge::Known {
            tasks: attribute(node, &tasks.all, known),
            kept_since: None,
            // An answer that has such tasks is no evidence.
            has_malformed: false,
        };
        let day = NodeDay::new(node, window, usage, attributed, thresholds);
        let doubts = day.doubts();
        if doubts.iter().any(|(gpu, _)| gpu.is_none()) {
            for (gpu, doubt) in doubts {
                self.leave_out(window.date, Some(node), gpu, Reason::Doubt(doubt));
            }
            return self.add_unknown(node, window, tasks);
        }
        let of_gpu = |index| doubts.iter().filter(move |(gpu, _)| *gpu == Some(index));
        let usage = |index: GpuIndex| {
            let usage = day.gpus.get(index.0)?.usage.as_ref();
            usage.filter(|_| of_gpu(index).next().is_none())
        };
        let account = |index, spans: &_| Account::of(spans, usage(index), window, thresholds);
        for index in self.hold(node, tasks, account) {
            if of_gpu(index).next().is_some() {
                for (gpu, doubt) in of_gpu(index) {
                    self.leave_out(window.date, Some(node), *gpu, Reason::Doubt(*doubt));
                }
                continue;
            }
            let coverage = day.gpus.get(index.0).map_or(0, coverage_percent);
            if coverage < settings.min_coverage_percent.into() {
                let reason = Reason::Coverage(coverage);
                self.leave_out(window.date, Some(node), Some(index), reason);
            }
        }
    }

    /// Adds the time in which users held GPUs of a node whose readings cannot be trusted to be theirs, as time of
    /// which nothing is known: without it, what is left of the days would pass for all of them.
    pub fn add_unknown(&mut self, node: &Node, window: &Window, tasks: &RuledTasks) {
        let no_readings = Thresholds::default();
        self.hold(node, tasks, |_, spans| {
            Account::of(spans, None, window, no_readings)
        });
    }

    /// Adds the account of whoever held a GPU, and answers which GPUs anybody held.
    fn hold(
        &mut self,
        node: &Node,
        tasks: &RuledTasks,
        account: impl Fn(GpuIndex, &Spans) -> Account,
    ) -> BTreeSet<GpuIndex> {
        let (mut held, mut has_evidence, mut has_unknown) = (BTreeSet::new(), false, false);
        let Some(known) = tasks.known else {
            return held;
        };
        let map = tasks.all.gpu_map(node);
        for (rule, of_rule) in tasks.by_rule.iter().enumerate() {
            let of_node = attribute_by(map, of_rule, known);
            has_unknown |= !of_node.unplaced.is_empty()
                || !of_node.unlisted.is_empty()
                || !of_node.timeless.is_empty();
            for (index, holdings) in of_node.holdings {
                if holdings.holders.is_empty() {
                    // All that is known is that somebody may have held it.
                    has_unknown = true;
                    continue;
                }
                held.insert(index);
                for holder in &holdings.holders {
                    let account = account(index, &holder.spans);
                    has_evidence |= account.observed() > 0;
                    let gpus = self.held.entry((holder.user.to_owned(), rule)).or_default();
                    let whole = gpus.entry((node.name.clone(), index)).or_default();
                    *whole += account;
                }
            }
        }
        if !held.is_empty() || has_unknown {
            *self.nodes.entry(node.name.clone()).or_default() |= has_evidence;
        }
        held
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        AlertRule, Answer, Interval, Reading, TaskGpu, TaskTime, UnixSeconds, WrittenRule,
    };
    use chrono_tz::Tz;
    use proptest::prelude::*;
    use std::sync::Arc;

    const NODES: [&str; 2] = ["n1", "n2"];
    const USERS: [&str; 3] = ["alice", "bob", "王小明"];
    const TYPES: [Option<&str>; 3] = [None, Some("LAB"), Some("WEBAPP")];
    const CARDS: [CardId; 2] = [CardId(1), CardId(9)];
    const SECONDS: i64 = 1200;

    /// Twenty minutes in rows of one, so that a test can look at every second.
    fn window() -> Window {
        let start = 1_754_006_400;
        let end = start + SECONDS;
        Window {
            date: "2025-08-01".parse().expect("a date"),
            zone: Tz::UTC,
            start,
            end,
            until: end,
            seen_until: end,
            interval: Interval::from_seconds(60).expect("a minute"),
        }
    }

    fn node(name: &str) -> Node {
        Node {
            name: name.to_owned(),
            url: "http://127.0.0.1".parse().expect("an URL"),
            cards: CARDS.to_vec(),
            first_gpu_id: None,
            gpu_uuids: BTreeMap::new(),
            uuid_owners: Arc::default(),
        }
    }

    /// A task by its user, its type, its node, its card, its first second, and its length.
    type Sketch = (usize, usize, usize, usize, i64, i64);

    fn task((id, &(user, kind, node, card, from, length)): (usize, &Sketch)) -> Task {
        let at = |unix: UnixSeconds| TaskTime::At {
            unix,
            text: unix.to_string(),
        };
        let start = window().start + from;
        Task {
            id: format!("t{id}"),
            username: USERS[user].to_owned(),
            hostname: NODES[node].to_owned(),
            gpus: vec![TaskGpu {
                id: Some(CARDS[card].0),
                uuid: None,
                name: None,
                memory: None,
            }],
            unlisted_gpus: 0,
            kind: TYPES[kind].map(str::to_owned),
            project_uuid: Some(format!("p{}", length / 60 % 3)),
            image: None,
            owner: None,
            create_time: TaskTime::Absent,
            start: at(start),
            end: at(start + length),
            total_seconds: None,
            position: 0,
            last_named: None,
        }
    }

    fn rule(of: AlertRule<'_>, min_idle_seconds: u64, share: u8) -> AlertRule<'_> {
        AlertRule {
            min_idle_seconds,
            min_idle_share_percent: share,
            ..of
        }
    }

    /// The readings of a card by minute: busy, idle, or missing.
    type Minutes = Vec<Option<bool>>;

    fn usage(minutes: &Minutes) -> CardUsage {
        let reading =
            |busy: &Option<bool>| busy.and_then(|busy| Reading::new(if busy { 50.0 } else { 5.0 }));
        let gpu: Vec<_> = minutes.iter().map(reading).collect();
        CardUsage {
            vram: gpu.clone(),
            gpu,
        }
    }

    fn share() -> impl Strategy<Value = u8> {
        prop::sample::select(vec![0, 25, 50, 75, 100])
    }

    proptest! {
        /// Who is notified of what, from a look at every second of every GPU.
        #[test]
        fn alerts_are_what_a_look_at_every_second_shows(
            // Whole minutes, so that thresholds are often met exactly.
            sketches in prop::collection::vec(
                (0_usize..3, 0_usize..3, 0_usize..2, 0_usize..2, -5_i64..20, 1_i64..12), 0..7),
            readings in prop::collection::vec(
                prop::collection::vec(prop::option::weighted(0.8, prop::bool::weighted(0.3)), 20), 4),
            limits in (1_u64..8, share(), 1_u64..8, share()),
            coverage in share(),
            exempt in (any::<bool>(), any::<bool>(), prop::bool::weighted(0.2)),
        ) {
            let window = window();
            let sketches: Vec<Sketch> = sketches.into_iter()
                .map(|(user, kind, node, card, from, length)| (user, kind, node, card, from * 60, length * 60))
                .collect();
            let limits = (limits.0 * 60, limits.1, limits.2 * 60, limits.3);
            let only = |is_so: bool, name: &str| is_so.then(|| name.to_owned()).into_iter().collect();
            let settings = Alerts {
                min_coverage_percent: coverage,
                exempt_users: only(exempt.0, "alice"),
                exempt_projects: only(exempt.1, "p1"),
                exempt_nodes: only(exempt.2, "n2"),
                rules: vec![WrittenRule {
                    name: "web".to_owned(),
                    task_types: vec!["WEBAPP".to_owned()],
                    min_idle_hours: None,
                    min_idle_share: None,
                }],
                ..Alerts::default()
            };
            let rules = settings.rules();
            let rules = [rule(rules[0], limits.0, limits.1), rule(rules[1], limits.2, limits.3)];
            let mut tasks: Vec<_> = sketches.iter().enumerate().map(task).collect();
            tasks.sort_by_key(|task| task.start.unix());
            let answer = KeptAnswer {
                answer: Answer { tasks, ..Answer::default() },
                fetched_at: window.end,
            };
            let ruled = RuledTasks::new(&answer, &window, &settings);
            prop_assert_eq!(&ruled.doubt, &None);
            let mut tally = Tally::default();
            for (position, name) in NODES.iter().enumerate() {
                let node = node(name);
                if ruled.concern(&node) {
                    let of_card = |card: usize| (CARDS[card], usage(&readings[2 * position + card]));
                    let cards = [of_card(0), of_card(1)].into_iter().collect();
                    tally.add(&node, &window, &ruled, cards, (&settings, Thresholds::default()));
                }
            }
            let alerts: BTreeSet<_> = tally.alerts(&rules, coverage).iter().map(|alert| {
                let account = alert.account;
                (alert.user.to_owned(), alert.rule.name.to_owned(), account.idle.seconds(), account.seconds())
            }).collect();

            let holds = |of: &Sketch, node: usize, card: usize, second: i64| {
                (of.2, of.3) == (node, card) && of.4 <= second && second < of.4 + of.5
            };
            let users_at = |node, card, second| -> BTreeSet<usize> {
                sketches.iter().filter(|of| holds(of, node, card, second)).map(|of| of.0).collect()
            };
            let is_clear = |node: usize, card: usize| {
                let at = |second| users_at(node, card, second);
                let several = |second: &i64| (0..SECONDS).contains(second) && at(*second).len() > 1;
                let begins = (0..SECONDS).filter(|second| several(second) && !several(&(second - 1)));
                let is_handover = |from: i64| {
                    let to = (from..=SECONDS).find(|second| !several(second)).expect("an end");
                    let inside = |second| if (0..SECONDS).contains(&second) { at(second) } else { BTreeSet::new() };
                    to - from <= 60 && inside(from - 1).is_disjoint(&inside(to))
                };
                begins.into_iter().all(is_handover)
            };
            let reading = |node: usize, card: usize, second: i64| {
                readings[2 * node + card][usize::try_from(second / 60).expect("a minute")]
            };
            // Idle, with a reading, and all, of each user and rule.
            let mut counted: BTreeMap<(usize, usize), [u64; 3]> = BTreeMap::new();
            let mut evidenced: BTreeMap<&str, bool> = BTreeMap::new();
            for (node, &name) in NODES.iter().enumerate() {
                for card in 0..2 {
                    let is_clear = is_clear(node, card);
                    let held = (0..SECONDS).filter(|second| !users_at(node, card, *second).is_empty());
                    for second in held {
                        let counts = |of: &&Sketch| {
                            holds(of, node, card, second)
                                && !(exempt.0 && of.0 == 0)
                                && !(exempt.1 && of.5 / 60 % 3 == 1)
                                && !(exempt.2 && node == 1)
                        };
                        let whose: BTreeSet<_> = sketches.iter().filter(counts)
                            .map(|of| (of.0, usize::from(of.1 == 2))).collect();
                        for key in whose {
                            let [idle, seen, all] = counted.entry(key).or_default();
                            let reading = reading(node, card, second).filter(|_| is_clear);
                            *evidenced.entry(name).or_default() |= reading.is_some();
                            *idle += u64::from(reading == Some(false));
                            *seen += u64::from(reading.is_some());
                            *all += 1;
                        }
                    }
                }
            }
            let expected: BTreeSet<_> = counted.into_iter().filter_map(|((user, rule), [idle, seen, all])| {
                let (min_idle, share) = [(limits.0, limits.1), (limits.2, limits.3)][rule];
                let is_alert = idle >= min_idle
                    && idle * 100 >= all * u64::from(share)
                    && seen * 100 >= all * u64::from(coverage);
                is_alert.then(|| (USERS[user].to_owned(), ["default", "web"][rule].to_owned(), idle, all))
            }).collect();
            prop_assert_eq!(alerts, expected);
            prop_assert_eq!(tally.has_evidence(), evidenced.values().any(|has_evidence| *has_evidence));
            let without: Vec<_> = evidenced.into_iter().filter(|(_, has_evidence)| !has_evidence).map(|(node, _)| node).collect();
            prop_assert_eq!(tally.nodes_without_evidence(), without);
        }
    }
}
