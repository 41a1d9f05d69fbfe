//! Series that stop within a day: a chart of Netdata dies with one failed read, and stays dead until the agent
//! restarts (netdata/facts.md §1).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::day::Window;
use crate::netdata::{CardUsage, Metric};
use crate::units::{CardId, GpuIndex, Reading, UnixSeconds};

/// For how long a series must have been silent at the window's end. An agent that is restarted is back sooner.
const SILENCE_SECONDS: i64 = 3600;

/// The stamps of a GPU's last readings; `None` of a metric that has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastReadings {
    /// Of the GPU utilisation.
    pub gpu: Option<UnixSeconds>,
    /// Of the VRAM utilisation.
    pub vram: Option<UnixSeconds>,
}

impl LastReadings {
    /// Those of the readings of a card in the window.
    #[must_use]
    pub fn of(usage: &CardUsage, window: &Window) -> Self {
        let last = |readings: &[Option<Reading>]| {
            let slot = readings.iter().rposition(Option::is_some)?;
            window.stamps().nth(slot)
        };
        Self {
            gpu: last(&usage.gpu),
            vram: last(&usage.vram),
        }
    }

    /// The series of the GPU that have a reading.
    pub fn series(self, gpu: GpuIndex, card: CardId) -> impl Iterator<Item = Series> {
        let has_reading = move |metric: &Metric| self.of_metric(*metric).is_some();
        let metrics = Metric::ALL.into_iter().filter(has_reading);
        metrics.map(move |metric| Series { gpu, card, metric })
    }

    fn of_metric(self, metric: Metric) -> Option<UnixSeconds> {
        match metric {
            Metric::Gpu => self.gpu,
            Metric::Vram => self.vram,
        }
    }
}

/// One metric of one card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Series {
    /// The GPU.
    pub gpu: GpuIndex,
    /// Its card.
    pub card: CardId,
    /// The metric.
    pub metric: Metric,
}

/// Series of a node that stopped at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The stamp of their last reading.
    pub since: UnixSeconds,
    /// Which.
    pub series: Vec<Series>,
    /// Whether no other series of the node goes on, so that it is the node or its agent that stopped.
    pub is_whole_node: bool,
}

impl Stopped {
    /// What is to be said of them, and what helps. `since` is their last reading's moment on the clocks of the zone.
    #[must_use]
    pub fn told(&self, node: &str, since: &str) -> String {
        if self.is_whole_node {
            return format!("{node} 自 {since} 起沒有任何讀數：請檢查該節點與它的 Netdata");
        }
        let mut metrics: BTreeMap<(GpuIndex, CardId), Vec<String>> = BTreeMap::new();
        for series in &self.series {
            let of_gpu = metrics.entry((series.gpu, series.card)).or_default();
            of_gpu.push(series.metric.to_string());
        }
        let named = metrics
            .iter()
            .map(|((gpu, card), metrics)| format!("{gpu}（Card {card}）的 {}", metrics.join("、")));
        let named: Vec<_> = named.collect();
        format!(
            "{node} 自 {since} 起沒有 {} 讀數，其他圖表仍有：圖表已停止，請重新啟動該節點的 Netdata",
            named.join("、")
        )
    }
}

/// The series of a node that had readings, and none in the last hour before `until`.
#[must_use]
pub fn stopped(
    gpus: impl IntoIterator<Item = (GpuIndex, CardId, LastReadings)>,
    until: UnixSeconds,
) -> Vec<Stopped> {
    let mut by_stamp: BTreeMap<UnixSeconds, Vec<Series>> = BTreeMap::new();
    for (gpu, card, last) in gpus {
        for metric in Metric::ALL {
            if let Some(stamp) = last.of_metric(metric) {
                let series = Series { gpu, card, metric };
                by_stamp.entry(stamp).or_default().push(series);
            }
        }
    }
    let is_whole_node = by_stamp.len() == 1;
    by_stamp
        .into_iter()
        .filter(|&(stamp, _)| until - stamp >= SILENCE_SECONDS)
        .map(|(since, series)| Stopped {
            since,
            series,
            is_whole_node,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        stopped(gpus, UNTIL)
    }

    fn series(gpu: usize, metric: Metric) -> Series {
        Series {
            gpu: GpuIndex(gpu),
            card: CardId(8 * gpu as u64 + 1),
            metric,
        }
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
    fn a_chart_that_died_is_told_from_a_node_that_did() {
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
}
