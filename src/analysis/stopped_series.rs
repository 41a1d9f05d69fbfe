//! Series that stop within a day: a chart of Netdata dies with one failed read, and stays dead until the agent
//! restarts (netdata/facts.md §1).

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{
    ByMetric, CardId, CardUsage, GpuIndex, Interval, Metric, UnixSeconds, Window, comma, said, text,
};

/// For how long a series must have been silent at the window's end. An agent that is restarted is back sooner.
const SILENCE_SECONDS: i64 = 3600;

/// The stamps of a GPU's last readings; `None` of a metric that has none.
pub type LastReadings = ByMetric<Option<UnixSeconds>>;

pub fn last_readings(usage: &CardUsage, window: &Window) -> LastReadings {
    usage.map(|readings| {
        let slot = readings.iter().rposition(Option::is_some)?;
        window.stamps().nth(slot)
    })
}

impl LastReadings {
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    pub fn stamped(self, gpu: GpuIndex, card: CardId) -> impl Iterator<Item = Series> {
        let has_reading = move |metric: &Metric| self.series(*metric).is_some();
        let metrics = Metric::ALL.into_iter().filter(has_reading);
        metrics.map(move |metric| Series { gpu, card, metric })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Series {
    pub gpu: GpuIndex,
    pub card: CardId,
    pub metric: Metric,
}

/// Series of a node that stopped together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The stamp of their last reading.
    pub since: UnixSeconds,
    pub series: Vec<Series>,
    /// Whether no series of the node goes on, nor went on for longer, so that it is the node or its agent that
    /// stopped.
    pub is_whole_node: bool,
}

impl Stopped {
    /// What happened, and what helps. `since` is their last reading's moment on the clocks of the zone.
    pub fn message(&self, node: &str, since: &str) -> String {
        if self.is_whole_node {
            return said!(
                "{node} 自 {since} 起沒有任何讀數：請檢查該節點、它的 Netdata 與時鐘，經由 parent 時也檢查串流",
                "{node}: no readings at all since {since}: check the node, its Netdata, its clock, and its \
                 streaming if url is that of a parent"
            );
        }
        let mut metrics: BTreeMap<(GpuIndex, CardId), Vec<String>> = BTreeMap::new();
        for series in &self.series {
            let of_gpu = metrics.entry((series.gpu, series.card)).or_default();
            of_gpu.push(series.metric.to_string());
        }
        let named = metrics.iter().map(|((gpu, card), metrics)| {
            let metrics = metrics.join(text(" 與 ", " and "));
            said!(
                "{gpu}（Card {card}）的 {metrics}",
                "{metrics} of {gpu} (card {card})"
            )
        });
        let named: Vec<_> = named.collect();
        let named = named.join(comma());
        said!(
            "{node} 自 {since} 起沒有 {named} 讀數，其他圖表之後仍有：圖表已停止，請重新啟動該節點的 Netdata",
            "{node}: no readings of {named} since {since}, though other charts went on: these charts have \
             stopped, restart the node's Netdata"
        )
    }
}

/// The series of a node that had readings, and none in the last hour before `until`. Those whose last readings are one
/// interval apart at most stopped together: nothing is read of all cards in one moment.
pub fn stopped(
    gpus: impl IntoIterator<Item = (GpuIndex, CardId, LastReadings)>,
    until: UnixSeconds,
    interval: Interval,
) -> Vec<Stopped> {
    let mut by_stamp: BTreeMap<UnixSeconds, Vec<Series>> = BTreeMap::new();
    for (gpu, card, last) in gpus {
        for series in last.stamped(gpu, card) {
            let stamp = last.series(series.metric);
            let stamp = stamp.expect("a series has a reading");
            by_stamp.entry(stamp).or_default().push(series);
        }
    }
    let goes_on = |stamp| until - stamp < SILENCE_SECONDS;
    let does_any = by_stamp.keys().any(|&stamp| goes_on(stamp));
    let mut groups: Vec<Stopped> = Vec::new();
    for (since, series) in by_stamp
        .into_iter()
        .rev()
        .filter(|(stamp, _)| !goes_on(*stamp))
    {
        match groups.last_mut() {
            Some(group) if group.since - since <= interval.seconds() => group.series.extend(series),
            group => {
                let is_whole_node = group.is_none() && !does_any;
                groups.push(Stopped {
                    since,
                    series,
                    is_whole_node,
                });
            }
        }
    }
    for group in &mut groups {
        group.series.sort_unstable();
    }
    groups.reverse();
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Language;

    const UNTIL: UnixSeconds = 1_754_092_800;

    fn last(gpu: UnixSeconds, vram: UnixSeconds) -> LastReadings {
        LastReadings {
            gpu: Some(gpu),
            vram: Some(vram),
        }
    }

    fn of(gpus: &[LastReadings]) -> Vec<Stopped> {
        let numbered = (0..).zip(gpus);
        let gpus = numbered.map(|(n, &last)| (GpuIndex(n), CardId(8 * n as u64 + 1), last));
        stopped(gpus, UNTIL, Interval::DEFAULT)
    }

    fn series(gpu: usize, metric: Metric) -> Series {
        Series {
            gpu: GpuIndex(gpu),
            card: CardId(8 * gpu as u64 + 1),
            metric,
        }
    }

    #[test]
    fn what_stopped_is_said_in_english() {
        let message = |series: &[Series], is_whole_node| {
            let stopped = Stopped {
                since: UNTIL,
                series: series.to_vec(),
                is_whole_node,
            };
            Language::English.in_it(|| stopped.message("n1", "12:00:00"))
        };
        let both = [series(0, Metric::Gpu), series(0, Metric::Vram)];
        let all = [&both[..], &[series(1, Metric::Vram)]].concat();
        assert_eq!(
            message(&all, false),
            "n1: no readings of GPU and VRAM of GPU[0] (card 1), VRAM of GPU[1] (card 9) since 12:00:00, \
             though other charts went on: these charts have stopped, restart the node's Netdata"
        );
        assert_eq!(
            message(&both, true),
            "n1: no readings at all since 12:00:00: check the node, its Netdata, its clock, and its streaming \
             if url is that of a parent"
        );
    }

    #[test]
    fn series_that_go_on_have_not_stopped() {
        let short = UNTIL - SILENCE_SECONDS + 600;
        assert_eq!(of(&[last(UNTIL, UNTIL), last(short, UNTIL)]), []);
        let never = LastReadings::default();
        assert_eq!(of(&[last(UNTIL, UNTIL), never]), []);
        assert_eq!(of(&[]), []);
    }

    #[test]
    fn a_chart_that_died_is_no_node_that_did() {
        let noon = UNTIL - 12 * 3600;
        let one = of(&[last(UNTIL, UNTIL), last(noon, UNTIL)]);
        assert_eq!(
            one,
            [Stopped {
                since: noon,
                series: vec![series(1, Metric::Gpu)],
                is_whole_node: false
            }]
        );
        let all = of(&[last(noon, noon), last(noon, noon)]);
        assert_eq!((all.len(), all[0].is_whole_node), (1, true));
        assert_eq!(all[0].series.len(), 4);
    }

    #[test]
    fn a_node_that_stops_within_an_interval_stops_once() {
        let noon = UNTIL - 12 * 3600;
        let node = of(&[last(noon, noon), last(noon - 600, noon)]);
        assert_eq!(
            (node.len(), node[0].since, node[0].is_whole_node),
            (1, noon, true)
        );
    }

    #[test]
    fn a_chart_that_died_before_its_node_is_reported_apart() {
        let (ten, noon) = (UNTIL - 14 * 3600, UNTIL - 12 * 3600);
        let both = of(&[last(noon, noon), last(ten, ten)]);
        let groups: Vec<_> = both
            .iter()
            .map(|group| (group.since, group.is_whole_node))
            .collect();
        assert_eq!(groups, [(ten, false), (noon, true)]);
    }
}
