//! What ought not to be: several users on one GPU at once, and a busy GPU that no task holds.

use std::collections::{BTreeMap, BTreeSet};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::holding::{Holdings, Span, Spans};
use crate::model::{Capped, CardUsage, Reading, UnixSeconds, Window};

/// For how long a GPU that nobody holds must be busy to be named: less is a driver's or an admin's own test.
const LONG_SECONDS: u64 = 3600;

/// The conflicts of a GPU, by time: the first as many as hours. Where it is held by thousands, as by tasks that never
/// end, only their number grows.
pub type Conflicts = Capped<Conflict, 24>;
type Names = Capped<String, 20>;

/// A time in which the same two or more users held one GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// In order of first hold.
    pub users: Names,
    pub tasks: Names,
    pub span: Span,
}

impl Serialize for Conflict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for (key, more_key, names) in [
            ("users", "more_users", &self.users),
            ("tasks", "more_tasks", &self.tasks),
        ] {
            object.serialize_entry(key, &names.first)?;
            if names.more > 0 {
                object.serialize_entry(more_key, &names.more)?;
            }
        }
        object.serialize_entry("from", &self.span.from)?;
        object.serialize_entry("to", &self.span.to)?;
        object.end()
    }
}

/// When who holds a GPU changes, and who it is that begins or ends. The spans of one user do not touch, so that every
/// change is one of who holds it.
type Changes = BTreeMap<UnixSeconds, Vec<usize>>;

/// The conflicts of a GPU. Tasks of one user do not conflict with each other, and neither do users who hand the GPU
/// over within so many seconds.
pub fn conflicts(holdings: &Holdings, handover_seconds: u32) -> Conflicts {
    let mut conflicts = Conflicts::default();
    each_conflict(holdings, handover_seconds, |holding, span| {
        conflicts.push_with(|| conflict(holdings, holding, span));
    });
    conflicts
}

/// Passes on every conflict by time, however many there are: the positions of its holders, and its span.
pub fn each_conflict(
    holdings: &Holdings,
    handover_seconds: u32,
    mut pass_on: impl FnMut(&BTreeSet<usize>, Span),
) {
    let mut changes = Changes::new();
    for (position, holder) in holdings.holders.iter().enumerate() {
        for span in holder.spans.iter() {
            changes.entry(span.from).or_default().push(position);
            changes.entry(span.to).or_default().push(position);
        }
    }
    let handovers = handovers(&changes, handover_seconds);
    let mut holding = BTreeSet::new();
    let mut since = UnixSeconds::MIN;
    for (now, changed) in changes {
        if holding.len() > 1 {
            let span = Span {
                from: since,
                to: now,
            };
            // What is over before this span is no matter of it.
            let next = handovers.partition_point(|handover| handover.to <= since);
            let is_handover = handovers.get(next).is_some_and(|of| of.from <= since);
            if !is_handover {
                pass_on(&holding, span);
            }
        }
        change(&mut holding, &changed);
        since = now;
    }
}

fn change(holding: &mut BTreeSet<usize>, changed: &[usize]) {
    for position in changed {
        if !holding.remove(position) {
            holding.insert(*position);
        }
    }
}

/// The times, in order, in which several users hold the GPU for a short while, and nobody of them both before and after.
fn handovers(changes: &Changes, most_seconds: u32) -> Vec<Span> {
    let mut handovers = Vec::new();
    let mut holding = BTreeSet::new();
    // Since when several hold it, and who held it before.
    let mut overlap: Option<(UnixSeconds, Option<usize>)> = None;
    for (&now, changed) in changes {
        let before = holding.first().copied();
        change(&mut holding, changed);
        if holding.len() > 1 {
            overlap = overlap.or(Some((now, before)));
        } else if let Some((from, before)) = overlap.take() {
            let span = Span { from, to: now };
            let is_handed_over = before.is_none() || before != holding.first().copied();
            if is_handed_over && span.seconds() <= most_seconds.into() {
                handovers.push(span);
            }
        }
    }
    handovers
}

fn conflict(holdings: &Holdings, holding: &BTreeSet<usize>, span: Span) -> Conflict {
    let holders = || holding.iter().map(|&position| &holdings.holders[position]);
    let mut seen = BTreeSet::new();
    let tasks = holders()
        .flat_map(|holder| &holder.holds)
        .filter(|hold| hold.span.within(span).is_some())
        // A task can hold a GPU by two names of it.
        .filter(|hold| seen.insert(hold.task));
    Conflict {
        users: holders().map(|holder| holder.user.to_owned()).collect(),
        tasks: tasks.map(|hold| hold.task.to_owned()).collect(),
        span,
    }
}

/// The times of an hour or more, in whole intervals, in which every reading of a GPU is over `busy` and nobody holds
/// it. Of what is not in `known`, it is not known whether somebody does.
pub fn busy_without_task(
    usage: &CardUsage,
    held: &Spans,
    known: Span,
    window: &Window,
    busy: Reading,
) -> Vec<Span> {
    let step = window.interval.seconds();
    let is_busy = |reading: &Option<Reading>| reading.is_some_and(|reading| reading > busy);
    let intervals = window.stamps().zip(&usage.gpu);
    let busy_intervals = intervals.filter(|(_, reading)| is_busy(reading));
    let busy = Spans::union(busy_intervals.filter_map(|(stamp, _)| Span::new(stamp - step, stamp)));
    let held = held.iter().filter_map(|span| whole_intervals(span, window));
    let unknown = Span::new(known.to, window.end).and_then(|span| whole_intervals(span, window));
    let taken = Spans::union(held.chain(unknown));
    busy.iter()
        .flat_map(|run| taken.gaps_in(run).iter().collect::<Vec<_>>())
        .filter(|run| run.seconds() >= LONG_SECONDS)
        .collect()
}

fn whole_intervals(span: Span, window: &Window) -> Option<Span> {
    let (start, step) = (window.start, window.interval.seconds());
    let down = (span.from - start).div_euclid(step) * step;
    let up = (span.to - start + step - 1).div_euclid(step) * step;
    Span::new(start + down, start + up)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::holding::Hold;
    use crate::model::Interval;
    use chrono_tz::Tz;
    use proptest::prelude::*;

    const USERS: [&str; 4] = ["alice", "bob", "carol", "王小明"];
    const TASKS: [&str; 12] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"];

    fn hold(user: &'static str, task: &'static str, from: i64, to: i64) -> Option<Hold<'static>> {
        let span = Span::new(from, to)?;
        Some(Hold { user, task, span })
    }

    fn found(
        holds: impl IntoIterator<Item = Option<Hold<'static>>>,
    ) -> Vec<(String, String, i64, i64)> {
        let holds: Vec<_> = holds.into_iter().flatten().collect();
        conflicts(&Holdings::new(&holds), 0)
            .first
            .into_iter()
            .map(|of| {
                let (users, tasks) = (of.users.first.join(" "), of.tasks.first.join(" "));
                (users, tasks, of.span.from, of.span.to)
            })
            .collect()
    }

    fn described(users: &str, tasks: &str, from: i64, to: i64) -> (String, String, i64, i64) {
        (users.to_owned(), tasks.to_owned(), from, to)
    }

    #[test]
    fn a_conflict_lasts_as_long_as_the_same_users_hold_the_gpu() {
        assert_eq!(
            found([
                hold("alice", "1", 0, 50),
                hold("bob", "2", 10, 20),
                hold("bob", "3", 20, 30),
                hold("carol", "4", 25, 60),
            ]),
            [
                described("alice bob", "1 2 3", 10, 25),
                described("alice bob carol", "1 3 4", 25, 30),
                described("alice carol", "1 4", 30, 50),
            ]
        );
    }

    #[test]
    fn one_after_the_other_is_no_conflict_and_neither_is_one_user_twice() {
        assert_eq!(
            found([
                hold("alice", "1", 0, 10),
                hold("bob", "2", 10, 20),
                hold("bob", "3", 15, 30),
            ]),
            []
        );
    }

    #[test]
    fn a_short_overlap_where_one_hands_the_gpu_over_is_no_conflict() {
        let count = |bobs: (i64, i64), carols: Option<(i64, i64)>| {
            let alice = hold("alice", "1", 0, 1000);
            let bob = hold("bob", "2", bobs.0, bobs.1);
            let carol = carols.and_then(|(from, to)| hold("carol", "3", from, to));
            let holds: Vec<_> = [alice, bob, carol].into_iter().flatten().collect();
            conflicts(&Holdings::new(&holds), 60).first.len()
        };
        assert_eq!(count((940, 2000), None), 0);
        assert_eq!(count((939, 2000), None), 1, "longer");
        assert_eq!(count((500, 560), None), 1, "alice goes on");
        assert_eq!(count((-500, 60), None), 0, "bob was first");
        assert_eq!(count((940, 2000), Some((960, 990))), 0);
        assert_eq!(count((940, 1030), Some((980, 2000))), 3, "90 s in all");
        assert_eq!(count((940, 2000), Some((1970, 2500))), 0, "twice");
    }

    #[test]
    fn a_task_that_names_the_gpu_twice_is_named_once() {
        assert_eq!(
            found([
                hold("alice", "1", 0, 10),
                hold("alice", "1", 0, 10),
                hold("bob", "2", 5, 9),
            ]),
            [described("alice bob", "1 2", 5, 9)]
        );
    }

    #[test]
    fn of_thousands_of_users_on_one_gpu_some_are_named_and_the_others_counted() {
        let names: Vec<_> = (0..2000).map(|number| number.to_string()).collect();
        let holds = (0..).zip(&names).map(|(from, name)| Hold {
            user: name,
            task: name,
            span: Span::new(from, 5000).expect("a span"),
        });
        let holds: Vec<_> = holds.collect();
        let Conflicts {
            first: listed,
            more,
        } = conflicts(&Holdings::new(&holds), 60);
        assert_eq!((listed.len(), more), (24, 1999 - 24));
        let last = &listed[23];
        assert_eq!(
            (&last.users.first[..], last.users.more, last.span),
            (&names[..20], 5, Span { from: 24, to: 25 })
        );
        assert_eq!((&last.tasks.first[..], last.tasks.more), (&names[..20], 5));
        assert_eq!(
            (listed[18].users.first.len(), listed[18].users.more),
            (20, 0)
        );
    }

    fn window() -> Window {
        let date = "2025-08-01".parse().expect("a date");
        Window::new(date, Tz::UTC, Interval::DEFAULT, 2_000_000_000).expect("a window")
    }

    /// The stretches, in intervals from midnight, of a GPU with these readings, held and known as given in seconds.
    fn busy(readings: &[Option<f64>], held: &[(i64, i64)], known: i64) -> Vec<(i64, i64)> {
        let window = window();
        let mut usage = CardUsage::without_readings(window.due());
        for (slot, reading) in readings.iter().enumerate() {
            usage.gpu[slot] = reading.and_then(Reading::new);
        }
        let at = |seconds| window.start + seconds;
        let held = Spans::union(
            held.iter()
                .filter_map(|&(from, to)| Span::new(at(from), at(to))),
        );
        let known = Span::new(at(0), at(known)).expect("a span");
        let limit = Reading::new(20.0).expect("a reading");
        busy_without_task(&usage, &held, known, &window, limit)
            .into_iter()
            .map(|span| ((span.from - at(0)) / 600, (span.to - at(0)) / 600))
            .collect()
    }

    #[test]
    fn an_hour_over_the_limit_that_nobody_holds_is_named() {
        let day = 24 * 3600;
        let hour = [Some(20.000_000_1); 6];
        assert_eq!(busy(&hour, &[], day), [(0, 6)]);
        assert_eq!(busy(&hour[..5], &[], day), [], "less than an hour");
        assert_eq!(busy(&[Some(20.0); 6], &[], day), [], "not over the limit");
        assert_eq!(busy(&hour, &[(0, 1)], day), [], "held for a second");
        assert_eq!(
            busy(&hour, &[(3600, 7200)], day),
            [(0, 6)],
            "held afterwards"
        );
        assert_eq!(busy(&hour, &[], 3599), [], "not known to its end");
        let mut with_a_gap = [Some(90.0); 13];
        with_a_gap[6] = None;
        assert_eq!(busy(&with_a_gap, &[], day), [(0, 6), (7, 13)]);
        assert_eq!(
            busy(&[Some(90.0); 144], &[(7200, 7201)], day),
            [(0, 12), (13, 144)]
        );
    }

    proptest! {
        #[test]
        fn conflicts_are_what_a_look_at_every_second_shows(
            tasks in prop::collection::vec((0_usize..4, 0_i64..60, 0_i64..30), 0..12), most in 0_u32..12,
        ) {
            let holds = tasks.iter().zip(TASKS).map(|(&(user, from, length), task)| {
                hold(USERS[user], task, from, from + length)
            });
            let holds: Vec<_> = holds.flatten().collect();
            let at = |second: i64| {
                let there = holds.iter().filter(|hold| hold.span.from <= second && second < hold.span.to);
                there.map(|hold| hold.user).collect::<BTreeSet<_>>()
            };
            let is_handover = |second: i64| {
                let several = |second: &i64| at(*second).len() > 1;
                let before = (-1..=second).rev().find(|second| !several(second)).expect("the first");
                let after = (second..=100).find(|second| !several(second)).expect("the last");
                at(before).is_disjoint(&at(after)) && after - before - 1 <= i64::from(most)
            };
            let conflicts = conflicts(&Holdings::new(&holds), most);
            prop_assert_eq!(conflicts.more, 0);
            let conflicts = conflicts.first;
            for second in -1..100 {
                let named = conflicts.iter().find(|of| of.span.from <= second && second < of.span.to);
                let users = named.map(|of| of.users.first.iter().map(String::as_str).collect::<BTreeSet<_>>());
                prop_assert_eq!(users, Some(at(second)).filter(|users| users.len() > 1 && !is_handover(second)));
            }
            for of in &conflicts {
                // As long as it can be.
                prop_assert_ne!(at(of.span.from - 1), at(of.span.from));
                prop_assert_ne!(at(of.span.to - 1), at(of.span.to));
                let tasks: BTreeSet<_> = of.tasks.first.iter().map(String::as_str).collect();
                let there = holds.iter().filter(|hold| hold.span.within(of.span).is_some());
                prop_assert_eq!(tasks, there.map(|hold| hold.task).collect::<BTreeSet<_>>());
            }
        }

        #[test]
        fn busy_hours_are_what_a_look_at_every_interval_shows(
            readings in prop::collection::vec(prop::option::weighted(0.95, 15.0..40.0_f64), 40),
            held in prop::collection::vec((0_i64..24_000, 1_i64..3000), 0..3),
            known in 1_i64..30_000,
        ) {
            let spans: Vec<_> = held.iter().map(|&(from, length)| (from, from + length)).collect();
            let is_named = |slot: usize| {
                let from = i64::try_from(slot).expect("few") * 600;
                let is_held = (from..from + 600).any(|second| spans.iter().any(|of| of.0 <= second && second < of.1));
                readings[slot].is_some_and(|reading| reading > 20.0) && !is_held && from + 600 <= known
            };
            let runs: Vec<bool> = (0..40).map(is_named).collect();
            let mut expected = Vec::new();
            let mut from = 0;
            for run in runs.chunk_by(|a, b| a == b) {
                if run[0] && run.len() >= 6 {
                    expected.push((from, from + i64::try_from(run.len()).expect("few")));
                }
                from += i64::try_from(run.len()).expect("few");
            }
            prop_assert_eq!(busy(&readings, &spans, known), expected);
        }
    }
}
