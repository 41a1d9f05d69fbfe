//! What somebody should look at.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::analysis::Span;
use crate::model::{Capped, CardUsage, GpuIndex, Metric, UnixSeconds, Window};

/// The most of a kind that are named one by one.
const MOST: usize = 50;

#[derive(Debug, Default)]
pub struct Findings {
    pub conflicts: Capped<Conflicting, MOST>,
    pub conflict_seconds: u64,
    pub untasked: Capped<Untasked, MOST>,
    pub untasked_seconds: u64,
    /// Series that had readings, and then none to the end of what was collected.
    pub stopped: Capped<Missing, MOST>,
    pub gaps: Capped<Missing, MOST>,
    pub unplaced: Capped<Unplaced, MOST>,
}

/// Several users on one GPU at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflicting {
    pub node: String,
    pub gpu: GpuIndex,
    pub users: Vec<String>,
    pub more_users: usize,
    pub span: Span,
}

/// A GPU that was busy though no task held it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untasked {
    pub node: String,
    pub gpu: GpuIndex,
    pub span: Span,
}

/// A time of which GPUs have no reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub node: String,
    pub gpus: Vec<GpuIndex>,
    pub metrics: Vec<Metric>,
    pub span: Span,
}

/// Tasks whose GPUs are none that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unplaced {
    pub node: String,
    pub date: NaiveDate,
    pub tasks: Capped<String, 5>,
}

impl Findings {
    /// Adds what a node's GPUs lack of the readings up to `collected`: GPUs that lack the same are one finding.
    pub fn add_missing<'a>(
        &mut self,
        node: &str,
        window: &Window,
        collected: UnixSeconds,
        gpus: impl IntoIterator<Item = (GpuIndex, Option<&'a CardUsage>)>,
    ) {
        let mut runs: BTreeMap<(usize, usize, Vec<Metric>), Vec<GpuIndex>> = BTreeMap::new();
        let due = window.stamps().take_while(|stamp| *stamp <= collected);
        let due = due.count();
        for (index, usage) in gpus {
            for (from, to, metrics) in missing(usage, due) {
                runs.entry((from, to, metrics)).or_default().push(index);
            }
        }
        let step = window.interval.seconds();
        let at = |slot| window.start + step * UnixSeconds::try_from(slot).unwrap_or(0);
        for ((from, to, metrics), gpus) in runs {
            let Some(span) = Span::new(at(from), at(to)) else {
                continue;
            };
            let found = || Missing {
                node: node.to_owned(),
                gpus,
                metrics,
                span,
            };
            // Without a reading before it, nothing stopped.
            if from > 0 && to == due {
                self.stopped.push_with(found);
            } else {
                self.gaps.push_with(found);
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.conflicts.is_empty()
            && self.untasked.is_empty()
            && self.stopped.is_empty()
            && self.gaps.is_empty()
            && self.unplaced.is_empty()
    }
}

/// The runs of slots that lack the same metrics.
fn missing(usage: Option<&CardUsage>, due: usize) -> Vec<(usize, usize, Vec<Metric>)> {
    let lacks = |slot: usize| {
        let is_missing = |metric: &Metric| {
            let series = usage.map(|usage| usage.series(*metric));
            series.is_none_or(|series| series.get(slot).copied().flatten().is_none())
        };
        Metric::ALL.map(|metric| is_missing(&metric))
    };
    let mut runs = Vec::new();
    let mut from = 0;
    while from < due {
        let what = lacks(from);
        let to = (from + 1..due)
            .find(|&slot| lacks(slot) != what)
            .unwrap_or(due);
        let metrics = Metric::ALL.into_iter().zip(what);
        let metrics: Vec<_> = metrics.filter(|(_, is_missing)| *is_missing).collect();
        if !metrics.is_empty() {
            let metrics = metrics.into_iter().map(|(metric, _)| metric);
            runs.push((from, to, metrics.collect()));
        }
        from = to;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Interval, Reading};
    use chrono_tz::Tz;
    use pretty_assertions::assert_eq;

    #[test]
    fn gpus_that_lack_the_same_time_are_one_finding() {
        let date = "2025-08-01".parse().expect("a date");
        let hour = Interval::from_seconds(3600).expect("an hour");
        let window = Window::new(date, Tz::UTC, hour, 2_000_000_000).expect("a window");
        let some = Reading::new(1.0);
        let mut usage = CardUsage {
            gpu: vec![some; 24],
            vram: vec![some; 24],
        };
        usage.gpu[3..5].fill(None);
        usage.vram[3..5].fill(None);
        usage.vram[22..].fill(None);
        let gpus = [
            (GpuIndex(0), Some(&usage)),
            (GpuIndex(2), Some(&usage)),
            (GpuIndex(3), None),
        ];
        let mut early = Findings::default();
        early.add_missing("n1", &window, window.start + 22 * 3600, gpus);
        assert!(
            early.stopped.is_empty(),
            "what comes later was not collected"
        );
        let mut found = Findings::default();
        found.add_missing("n1", &window, window.end, gpus);
        let shown = |of: &Missing| {
            let hour = |stamp: UnixSeconds| (stamp - window.start) / 3600;
            (
                of.gpus.clone(),
                of.metrics.clone(),
                hour(of.span.from),
                hour(of.span.to),
            )
        };
        let both = Metric::ALL.to_vec();
        let two = vec![GpuIndex(0), GpuIndex(2)];
        assert_eq!(
            found.gaps.first.iter().map(shown).collect::<Vec<_>>(),
            [
                (vec![GpuIndex(3)], both.clone(), 0, 24),
                (two.clone(), both, 3, 5)
            ]
        );
        assert_eq!(
            found.stopped.first.iter().map(shown).collect::<Vec<_>>(),
            [(two, vec![Metric::Vram], 22, 24)]
        );
    }
}
