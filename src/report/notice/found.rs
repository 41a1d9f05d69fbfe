//! What is noticed of a node's day, and of the management API's answer.

use std::collections::BTreeMap;

use super::{Kind, Notice, Series};
use crate::analysis::{
    FilesRecord, GpuUse, NodeDay, NodeTasks, Remedy, UnplacedGpu, attribution, stopped_series,
    task_clock,
};
use crate::model::{
    Answer, Capped, CardId, GpuIndex, Metric, Node, NodeUsage, UnixSeconds, Window,
};
use crate::report::check::is_clock_off;
use crate::settings::Config;
use crate::sources::netdata::OnParent;

pub fn usage_notices(node: &Node, window: &Window, usage: &NodeUsage) -> Vec<Notice> {
    let rejected = usage.rejected_example(window).map(|example| {
        let count = usage.rejected.len();
        Kind::Rejected { example, count }
    });
    let others = &usage.other_cards;
    let clock = usage.clock_ahead.filter(|&seconds| is_clock_off(seconds));
    let in_part = usage.in_part_example(window).map(|example| {
        let count = usage.in_part.len();
        Kind::Renamed { example, count }
    });
    let kinds = [
        rejected,
        in_part,
        usage.rejected_rows.clone().map(Kind::RejectedRows),
        usage.coarse_problem.clone().map(Kind::OldReadings),
        (!others.is_empty()).then(|| Kind::UnknownCards(others.clone())),
        clock.map(Kind::ClockOff),
    ];
    let kinds = kinds.into_iter().flatten();
    kinds.map(|kind| kind.of(node)).collect()
}

/// What is noticed of a node's place on its parent.
pub fn parent_notices(node: &Node, on_parent: OnParent) -> impl Iterator<Item = Notice> {
    let lost = on_parent.is_lost.then_some(Kind::LostByParent);
    let kinds = [on_parent.namesakes.map(Kind::Namesakes), lost];
    let kinds = kinds.into_iter().flatten();
    kinds.map(|kind| kind.of(node))
}

/// What is noticed of the day as it is written to `files`.
pub fn day_notices(day: &NodeDay, files: &FilesRecord) -> Vec<Notice> {
    let (mut missing, mut chartless) = (Lacking::new(), Lacking::new());
    for gpu in &files.gpus {
        let lacks = gpu.lacks();
        let mut others = gpu.without_reading();
        others.retain(|metric| !lacks.contains(metric));
        for (lacking, metrics) in [(&mut missing, lacks), (&mut chartless, others)] {
            if !metrics.is_empty() {
                let gpus = lacking.entry(metrics).or_default();
                gpus.push((gpu.index, gpu.card));
            }
        }
    }
    let gpus = files.gpus.iter();
    let last = gpus.map(|gpu| (gpu.index, gpu.card, gpu.last_readings));
    let stopped = stopped_series::stopped(last, day.window.until, day.window.interval);
    let stopped = stopped.into_iter().map(|stopped| Kind::SeriesStopped {
        since: day.window.clock(stopped.since),
        stopped,
    });
    let gpus = day.gpus.iter();
    let held = gpus.filter_map(|gpu| Some((gpu.index, gpu.held.as_ref()?)));
    let held = held.flat_map(|(gpu, held)| use_kinds(day, gpu, held));
    let kinds = series(missing, Kind::NoReadings)
        .chain(series(chartless, Kind::NoChart))
        .chain(stopped)
        .chain(held);
    let notices = kinds.map(|kind| kind.of(day.node));
    let tasks = day.tasks.known().map(|tasks| task_notices(day.node, tasks));
    notices.chain(tasks.into_iter().flatten()).collect()
}

/// GPUs, by the metrics that they lack.
type Lacking = BTreeMap<Vec<Metric>, Vec<(GpuIndex, CardId)>>;

fn series(lacking: Lacking, kind: fn(Series) -> Kind) -> impl Iterator<Item = Kind> {
    let lacking = lacking.into_iter();
    lacking.map(move |(metrics, gpus)| kind(Series { gpus, metrics }))
}

fn use_kinds(day: &NodeDay, gpu: GpuIndex, held: &GpuUse) -> Vec<Kind> {
    let conflicts = held.conflicts.first.iter().map(|conflict| Kind::Conflict {
        gpu,
        conflict: Box::new(conflict.clone()),
        when: day.window.clock_span(conflict.span),
    });
    let count = held.conflicts.more;
    let more = (count > 0).then_some(Kind::MoreConflicts { gpu, count });
    let busy = held.busy_without_task.iter();
    let when: Vec<_> = busy.map(|&span| day.window.clock_span(span)).collect();
    let limit = day.thresholds.busy;
    let busy = (!when.is_empty()).then_some(Kind::BusyWithoutTask { gpu, limit, when });
    conflicts.chain(more).chain(busy).collect()
}

/// What is noticed of the management API's answer itself, in which tasks may run on hosts that are no nodes.
pub fn answer_notices(config: &Config, answer: &Answer) -> Vec<Notice> {
    let malformed = answer.malformed.iter().cloned().collect();
    let malformed = (!answer.malformed.is_empty()).then_some(Kind::Malformed(malformed));
    let unknown = attribution::unknown_hosts(config.known_hosts(), &answer.tasks);
    let tasks = unknown.values().flatten().copied().map(str::to_owned);
    let hosts = unknown.keys().copied().map(str::to_owned);
    let (hosts, tasks) = (hosts.collect(), tasks.collect());
    let unknown = (!unknown.is_empty()).then_some(Kind::UnknownHosts { hosts, tasks });
    let gone = answer.tasks.iter().filter(|task| task.last_named.is_some());
    let gone: Capped<_, 20> = gone.map(|task| task.id.clone()).collect();
    let gone = (!gone.is_empty()).then_some(Kind::TasksGone(gone));
    let repeated = answer.repeated.iter().cloned().collect();
    let repeated = (!answer.repeated.is_empty()).then_some(Kind::RepeatedTasks(repeated));
    let misdated = answer.misdated.iter().cloned().collect();
    let misdated = (!answer.misdated.is_empty()).then_some(Kind::Misdated(misdated));
    let kinds = [malformed, misdated, gone, repeated, unknown];
    let kinds = kinds.into_iter().flatten();
    kinds.map(Notice::from).collect()
}

/// What is noticed of the times of an answer that was given at some time in `asked`.
pub fn time_notices(
    answer: &Answer,
    window: &Window,
    asked: (UnixSeconds, UnixSeconds),
) -> impl Iterator<Item = Notice> {
    let differing = task_clock::differing(&answer.tasks, window, asked).map(Kind::Differing);
    let early = task_clock::early(&answer.tasks, asked.1).map(Kind::Early);
    differing.into_iter().chain(early).map(Notice::from)
}

/// What is noticed of where the GPUs of a node's tasks are, and of when they held them.
pub fn task_notices(node: &Node, tasks: &NodeTasks) -> Vec<Notice> {
    let mut unplaced: BTreeMap<Option<&String>, Vec<UnplacedGpu>> = BTreeMap::new();
    for gpu in &tasks.unplaced {
        let of_owner = unplaced.entry(gpu.owner.as_ref()).or_default();
        of_owner.push(gpu.clone());
    }
    let unplaced = unplaced.into_iter().map(|(owner, gpus)| Kind::Unplaced {
        owner: owner.cloned(),
        gpus,
        remedy: Remedy::new(node, tasks),
    });
    let disagreements: Vec<_> = tasks.disagreements.iter().cloned().collect();
    let disagreement = (!disagreements.is_empty()).then_some(Kind::Disagreement(disagreements));
    let timeless = tasks.timeless.iter().cloned().collect();
    let timeless = (!tasks.timeless.is_empty()).then_some(Kind::Timeless(timeless));
    let unlisted = tasks
        .unlisted
        .iter()
        .map(|task| task.task.clone())
        .collect();
    let unlisted = (!tasks.unlisted.is_empty()).then_some(Kind::Unlisted(unlisted));
    let kinds = unplaced.chain(unlisted).chain(disagreement).chain(timeless);
    kinds.map(|kind| kind.of(node)).collect()
}
