//! One day of a page: its readings, and who held what.

use std::sync::Arc;
use std::thread;

use super::Gathering;
use super::accounts::why_nothing;
use crate::analysis::overview::Parts;
use crate::analysis::{
    Account, DayLedger, DayRecord, Entry, NodeDay, NodeLedger, Span, Spans, TaskKnowledge,
    TasksByHost, attribute,
};
use crate::model::{
    Both, CardUsage, GpuIndex, KeptAnswer, Language, Node, UnixSeconds, Window, said,
};
use crate::sources::management_api::kept;
use crate::sources::parallel;
use crate::store::Earlier;

/// The tasks of a day, and how much of it they are known of.
struct DayTasks<'t> {
    by_host: TasksByHost<'t>,
    known: Span,
    has_malformed: bool,
}

/// What there is of a node's day.
pub struct Found {
    number: usize,
    pub name: String,
    node: Option<Arc<Node>>,
    earlier: Earlier,
    pub accounts: Option<NodeLedger>,
    /// Whether it was to be collected on that day.
    pub is_due: bool,
}

impl Found {
    fn is_there(&self) -> bool {
        self.has_readings() || self.accounts.is_some()
    }

    pub fn has_readings(&self) -> bool {
        !self.earlier.usage.is_empty()
    }

    /// The end of the last reading of any of its GPUs.
    fn last_reading(&self, window: &Window) -> Option<UnixSeconds> {
        window.stamps().take(self.earlier.intervals()).last()
    }
}

impl Gathering<'_> {
    pub fn add_day(&mut self, window: &Window) {
        let record = self.archive.record(window.date);
        let ledger = self.ledger(window);
        let known = ledger.as_ref().ok().and_then(Option::as_ref);
        let of_day = record.as_ref().ok().and_then(Option::as_ref);
        self.nodes.add_former(known, of_day);
        let kept = self.kept_answer(window);
        let tasks = kept.as_ref().and_then(|kept| DayTasks::new(kept, window));
        let mut day = self.overview_day(window);
        day.tasks_until = tasks.as_ref().map(|tasks| tasks.known.to);
        let of_day = of_day.filter(|record| record.is_of(window));
        let found = self.find(window, known, of_day);
        let has_files = found.iter().any(Found::is_there);
        let last_readings = found
            .iter()
            .filter_map(|of_node| of_node.last_reading(window));
        day.last_reading = last_readings.max();
        // Up to when each node was collected; where no run says so, there is what there is of any node.
        let collected = |of_node: &Found| {
            let record = of_day.and_then(|record| record.node(&of_node.name));
            let files = record.and_then(|record| record.files.as_ref());
            let until = files.map(|files| files.until).or(day.last_reading);
            until.unwrap_or(window.until).min(window.until)
        };
        let collected: Vec<_> = found.iter().map(collected).collect();
        let with_readings = found.iter().zip(&collected);
        let with_readings = with_readings.filter(|(of_node, _)| of_node.has_readings());
        let last_collected = with_readings.map(|(_, until)| *until).max();
        day.collected = last_collected.unwrap_or(window.until);
        let due = found.iter().filter(|of_node| of_node.is_due);
        let due: Vec<_> = due.map(|of_node| &*of_node.name).collect();
        self.add_usage(window, ledger, &record, (&due, has_files));
        if let Some(of_day) = of_day.filter(|_| has_files) {
            self.add_shortfalls(of_day, &found, window);
        }
        let mut parts = Parts::default();
        for (of_node, collected) in found.into_iter().zip(collected) {
            let is_due = has_files && of_node.is_due;
            if is_due && !of_node.has_readings() {
                let with_message = self.scope.pseudonyms.is_none();
                let reason = why_nothing(&record, &of_node.name, with_message);
                let node = self.nodes.node_mut(of_node.number);
                node.add_failure(reason, window.date);
            }
            let number = of_node.number;
            let of_node = self.add_node(of_node, tasks.as_ref(), (window, collected), is_due);
            self.nodes.node_mut(number).parts += of_node;
            parts += of_node;
        }
        day.parts = has_files.then_some(parts);
        self.nodes.end_day(day.cells);
        self.overview.days.push(day);
    }

    fn kept_answer(&mut self, window: &Window) -> Option<KeptAnswer> {
        let date = window.date;
        let file = match self.archive.kept_tasks(date) {
            Ok(file) => file?,
            Err(error) => {
                let cause = error.cause;
                self.overview.unusable.insert(said!(
                    "{date} 的任務資訊無法讀取：{cause}（請以收集時的使用者執行）",
                    "task information of {date} cannot be read: {cause} (run as the user who collects)"
                ));
                return None;
            }
        };
        let Some(mut kept) = kept::recall(&file, window) else {
            self.overview.unusable.insert(said!(
                "{date} 保存的任務資訊不是這一天的，或已損壞",
                "the kept task information of {date} is damaged, or of another day"
            ));
            return None;
        };
        if let Some(pseudonyms) = self.scope.pseudonyms {
            kept.answer = pseudonyms.answer(kept.answer);
        }
        self.overview.sources.kept_answers += 1;
        Some(kept)
    }

    /// What the tree has of each node.
    fn find(
        &mut self,
        window: &Window,
        ledger: Option<&DayLedger>,
        record: Option<&DayRecord>,
    ) -> Vec<Found> {
        let files = self.archive.day(window.date);
        let nodes = self.nodes.iter();
        let nodes: Vec<_> = nodes
            .map(|(number, name, node)| (number, name.to_owned(), node))
            .collect();
        let earlier = in_parallel(&nodes, |(_, _, node)| match node {
            Some(node) => files.earlier(node, window),
            None => Ok(Earlier::default()),
        });
        let mut problems = Vec::new();
        let found = nodes.into_iter().zip(earlier);
        let found = found.map(|((number, name, node), earlier)| {
            let earlier = earlier.unwrap_or_else(|error| {
                problems.push((name.clone(), error.cause.to_string()));
                Earlier::default()
            });
            for file in &earlier.unusable {
                let file_name = file.path.file_name().unwrap_or_default();
                let place = format!("{name}/{}/{}", window.date, file_name.display());
                problems.push((place, file.problem.clone()));
            }
            let mut found = Found {
                number,
                accounts: ledger.and_then(|ledger| ledger.get(&name)).cloned(),
                name,
                node,
                earlier,
                is_due: false,
            };
            // One that was not asked, as its parent was away, has an average without readings.
            let node = found.node.as_deref();
            let has_any = || node.is_some_and(|node| files.are_any_there(&[node]));
            let mut nodes = self.config.nodes.iter();
            let is_known = match record {
                Some(record) => record.node(&found.name).is_some(),
                None => nodes.any(|node| node.name == found.name),
            };
            found.is_due = found.is_there() || is_known || has_any();
            found
        });
        let found: Vec<_> = found.collect();
        let date = window.date;
        for (place, problem) in problems {
            // What a file holds may be a name.
            let problem = match self.scope.pseudonyms {
                None => said!(
                    "{date}：{place} 無法使用：{problem}",
                    "{date}: {place} cannot be used: {problem}"
                ),
                Some(_) => said!("{date}：{place} 無法使用", "{date}: {place} cannot be used"),
            };
            self.overview.unusable.insert(problem);
        }
        let gpus = found.iter().map(|of_node| of_node.earlier.usage.len());
        self.overview.sources.gpu_files += gpus.sum::<usize>();
        found
    }

    /// Adds a node's day, and answers what became of its time.
    fn add_node(
        &mut self,
        found: Found,
        tasks: Option<&DayTasks>,
        (window, collected): (&Window, UnixSeconds),
        is_due: bool,
    ) -> Parts {
        let Found {
            number,
            name,
            node,
            earlier,
            accounts,
            ..
        } = found;
        let has_readings = !earlier.usage.is_empty();
        let node_day = node.as_ref().map(|node| {
            let knowledge = match tasks {
                Some(tasks) => TaskKnowledge::Known {
                    tasks: attribute(node, &tasks.by_host, tasks.known),
                    kept_since: None,
                    has_malformed: tasks.has_malformed,
                },
                None => TaskKnowledge::Unknown {
                    reason: Both::of(String::new),
                    earlier: earlier.users,
                },
            };
            NodeDay::new(
                node,
                window,
                earlier.usage,
                knowledge,
                self.config.thresholds,
            )
        });
        let usage = |index: GpuIndex| -> Option<&CardUsage> {
            node_day.as_ref()?.gpus.get(index.0)?.usage.as_ref()
        };
        let (cells, of_each) = self.cells(window);
        let due = if is_due { window.due() } else { 0 };
        self.nodes
            .add_readings(number, usage, (window.date, due), (cells, of_each));
        self.add_doubts(number, node_day.as_ref());
        if let Some(day) = &node_day {
            self.add_holds(number, day);
            if has_readings {
                self.add_findings(&name, day, window, collected);
            }
        }
        if !is_due {
            return Parts::default();
        }
        if let Some(accounts) = &accounts {
            self.add_held(number, accounts);
        }
        let limits = self.config.thresholds;
        let gpus = self.nodes.node_mut(number).lanes.len();
        let parts = (0..gpus).map(GpuIndex).map(|index| {
            let seconds = window.seen_until.abs_diff(window.start);
            let Some(NodeLedger { known, entries, .. }) = &accounts else {
                return Parts::unaccounted(seconds);
            };
            let whole = || Account::of(&Spans::union([*known]), usage(index), window, limits);
            let parts = Parts::of_gpu(entries, index, *known, seconds, whole);
            let Some(user) = self.scope.user else {
                return parts;
            };
            let is_theirs = |of: &&Entry| of.gpu == index && of.user.as_deref() == Some(user);
            parts.of_user(entries.iter().filter(is_theirs).map(|of| of.account).sum())
        });
        parts.sum()
    }
}

/// What `work` makes of each item, in as many threads as the machine has cores and room for.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    const MOST_THREADS: usize = 8;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let size = items.len().div_ceil(cores.min(MOST_THREADS)).max(1);
    // What the threads say is in the language of this one.
    let language = Language::chosen();
    let work_off = |items: &[T]| language.in_it(|| items.iter().map(&work).collect::<Vec<_>>());
    thread::scope(|scope| {
        let mut chunks = items.chunks(size);
        let first = chunks.next().unwrap_or_default();
        let others = chunks.map(|chunk| {
            let work_off = &work_off;
            (chunk, parallel::spawn(scope, move || work_off(chunk)))
        });
        let others: Vec<_> = others.collect();
        let mut results = work_off(first);
        for (chunk, working) in others {
            // Without a thread, or after a bug in it, it is tried here.
            let of_thread = working.ok().and_then(|working| working.join().ok());
            results.extend(of_thread.unwrap_or_else(|| work_off(chunk)));
        }
        results
    })
}

impl<'t> DayTasks<'t> {
    /// `None` of an answer that was given before the day began.
    fn new(kept: &'t KeptAnswer, window: &Window) -> Option<Self> {
        Some(Self {
            known: Span::known_at(window, kept.fetched_at)?,
            by_host: TasksByHost::new(&kept.answer.tasks),
            has_malformed: !kept.answer.malformed.is_empty(),
        })
    }
}
