//! The client of a node's Netdata agent: a day of GPU and VRAM utilisation of every card.

mod answer;
pub mod query;
mod rows;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::LazyLock;
use std::time::Instant;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use url::Url;

use crate::config::{Node, Patience};
use crate::day::{Interval, Window};
use crate::http::{Connections, Http, HttpError};
use crate::units::{CardId, Reading, UnixSeconds};

pub use query::Metric;
use query::Tier;

/// What an agent knows of one node's cards in a window.
#[derive(Debug, Default)]
pub struct NodeUsage {
    /// The cards with at least one reading.
    pub cards: BTreeMap<CardId, CardUsage>,
    /// Readings that cannot be true. They count as gaps.
    pub rejected: Vec<RejectedReading>,
}

/// The readings of one card: one a due interval of the window, in its order; `None` is a gap.
#[derive(Clone, Debug, PartialEq)]
pub struct CardUsage {
    /// How busy the GPU was.
    pub gpu: Vec<Option<Reading>>,
    /// How full its VRAM was.
    pub vram: Vec<Option<Reading>>,
}

impl CardUsage {
    /// `due` gaps.
    #[must_use]
    pub fn without_readings(due: usize) -> Self {
        Self {
            gpu: vec![None; due],
            vram: vec![None; due],
        }
    }

    fn of(&self, metric: Metric) -> &[Option<Reading>] {
        match metric {
            Metric::Gpu => &self.gpu,
            Metric::Vram => &self.vram,
        }
    }

    fn of_mut(&mut self, metric: Metric) -> &mut [Option<Reading>] {
        match metric {
            Metric::Gpu => &mut self.gpu,
            Metric::Vram => &mut self.vram,
        }
    }
}

impl NodeUsage {
    /// Whether the window's first reading of one of `cards` is missing: it may be older than the samples that the
    /// agent still has.
    fn may_lack_old_readings(&self, cards: &[CardId]) -> bool {
        let has_first = |card: &CardUsage| {
            Metric::ALL
                .iter()
                .all(|&metric| card.of(metric).first().is_some_and(Option::is_some))
        };
        !cards
            .iter()
            .all(|card| self.cards.get(card).is_some_and(has_first))
    }

    /// Takes from `earlier` what is missing here: a new reading wins, an old one stays where the new is a gap.
    pub fn fill_gaps(&mut self, earlier: Self) {
        for (card, earlier) in earlier.cards {
            match self.cards.entry(card) {
                Entry::Vacant(vacant) => {
                    vacant.insert(earlier);
                }
                Entry::Occupied(mut occupied) => {
                    for metric in Metric::ALL {
                        let readings = occupied.get_mut().of_mut(metric).iter_mut();
                        for (reading, &earlier) in readings.zip(earlier.of(metric)) {
                            *reading = reading.or(earlier);
                        }
                    }
                }
            }
        }
    }

    /// Takes from `coarse` the readings before each series' own first one. Later gaps are no matter of age, and a
    /// coarser tier has nothing to fill them with but what leaks from their neighbours.
    fn fill_old_readings(&mut self, coarse: Self) {
        for (card, coarse) in coarse.cards {
            let due = coarse.gpu.len();
            let card = self
                .cards
                .entry(card)
                .or_insert_with(|| CardUsage::without_readings(due));
            for metric in Metric::ALL {
                let readings = card.of_mut(metric);
                let old = readings
                    .iter()
                    .take_while(|reading| reading.is_none())
                    .count();
                readings[..old].copy_from_slice(&coarse.of(metric)[..old]);
            }
        }
        // The same false sample shows in every tier.
        let is_new = |new: &RejectedReading| !self.rejected.iter().any(|known| known.is_of(new));
        let new: Vec<_> = coarse.rejected.into_iter().filter(is_new).collect();
        self.rejected.extend(new);
    }
}

/// A reading that is not within 0..=100 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RejectedReading {
    /// The card that it is said of.
    pub card: CardId,
    /// Which of its metrics.
    pub metric: Metric,
    /// The end of its interval.
    pub stamp: UnixSeconds,
    /// What the agent said.
    pub value: f64,
}

impl RejectedReading {
    /// Whether both are readings of one series at one time.
    fn is_of(&self, other: &Self) -> bool {
        (self.card, self.metric, self.stamp) == (other.card, other.metric, other.stamp)
    }
}

/// Why a node has no usage. The message follows the seeds' wording.
#[derive(Debug, thiserror::Error)]
#[error("無法從 {url} 獲取數據：{reason}")]
pub struct NodeError {
    /// The node's agent, as the settings write it.
    pub url: String,
    /// What went wrong.
    pub reason: NodeErrorReason,
}

/// What went wrong with a node.
#[derive(Debug, thiserror::Error)]
pub enum NodeErrorReason {
    /// The agent gave no answer.
    #[error("{0}{advice}", advice = advice(.0))]
    Http(#[from] HttpError),
    /// The agent's answer cannot be read.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The agent has not one reading of any card in the window.
    #[error(
        "這段時間沒有任何 AMD GPU 的讀數（amdgpu 圖表不存在、已停止，或資料已超過 Netdata 的保留期）"
    )]
    NoReadings,
}

/// An answer that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// It is not JSON.
    #[error("回應不是 JSON（{0}）")]
    NotJson(String),
    /// It is JSON, but not the table that was asked for.
    #[error("回應的 JSON 格式不符（{0}）")]
    Shape(String),
    /// Its rows do not end where the window's intervals end.
    #[error("回應的時間戳 {stamp} 不在 {interval} 的區間界線上（請檢查該節點的時鐘）")]
    OffGrid {
        /// One such row, on the zone's clocks.
        stamp: String,
        /// The interval asked for.
        interval: Interval,
    },
}

/// What the statuses of Netdata's access control mean, and what helps (netdata/facts.md §2, Access control).
fn advice(error: &HttpError) -> &'static str {
    match error.status().map(|status| status.as_u16()) {
        Some(401 | 412) => "（此 Netdata 啟用了 bearer token protection：請對本機停用）",
        Some(403 | 451) => "（此 Netdata 不允許本機存取：請檢查 [web] allow dashboard from）",
        _ => "",
    }
}

/// The client. It may be shared between threads.
#[derive(Debug)]
pub struct Client {
    /// For the one request that a node gets.
    http: Http,
    /// For the many that it gets where that fails: made when it is first needed.
    series: LazyLock<Http, Box<dyn FnOnce() -> Http + Send>>,
}

impl Client {
    /// A client for the agents of `nodes`.
    #[must_use]
    pub fn new(patience: Patience, nodes: &[&Node]) -> Self {
        let urls: Vec<Url> = nodes.iter().map(|node| node.url.clone()).collect();
        Self {
            http: Http::new(patience, Connections::Close, &urls),
            series: LazyLock::new(Box::new(move || {
                Http::new(patience, Connections::Keep, &urls)
            })),
        }
    }

    /// The usage of `node` in `window`: in one request, or chart by chart where the agent answers that with an error.
    pub fn usage(&self, node: &Node, window: &Window) -> Result<NodeUsage, NodeError> {
        let deadline = self.http.deadline();
        self.whole_node(node, window, deadline)
            .or_else(|reason| match reason {
                NodeErrorReason::Http(error) if is_about_the_query(&error) => {
                    tracing::info!(node = node.name, %error, "asking chart by chart");
                    self.chart_by_chart(node, window, deadline)
                }
                reason => Err(reason),
            })
            .and_then(|usage| {
                // An answer of nothing but gaps means the same as 404, and which of the two comes depends on
                // seconds (netdata/facts.md §2, Retention behaviour).
                let is_empty = usage.cards.is_empty() && usage.rejected.is_empty();
                if is_empty {
                    Err(NodeErrorReason::NoReadings)
                } else {
                    Ok(usage)
                }
            })
            .map_err(|reason| NodeError {
                url: node.address().to_owned(),
                reason,
            })
    }

    /// From the samples; and what is older than these, from the coarser tiers.
    fn whole_node(
        &self,
        node: &Node,
        window: &Window,
        deadline: Instant,
    ) -> Result<NodeUsage, NodeErrorReason> {
        let mut usage = self.of_tier(node, window, Tier::Samples, deadline)?;
        if usage.may_lack_old_readings(&node.cards) {
            tracing::info!(
                node = node.name,
                "asking the coarser tiers for older readings"
            );
            usage.fill_old_readings(self.of_tier(node, window, Tier::Any, deadline)?);
        }
        Ok(usage)
    }

    fn of_tier(
        &self,
        node: &Node,
        window: &Window,
        tier: Tier,
        deadline: Instant,
    ) -> Result<NodeUsage, NodeErrorReason> {
        let url = query::whole_node(&node.url, window, tier);
        match self.http.get(&url, &HeaderMap::new(), deadline) {
            Ok(body) => Ok(answer::whole_node(&body, window)?),
            // Nothing of the window is in this tier.
            Err(error)
                if tier == Tier::Samples && error.status() == Some(StatusCode::NOT_FOUND) =>
            {
                Ok(NodeUsage::default())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn chart_by_chart(
        &self,
        node: &Node,
        window: &Window,
        deadline: Instant,
    ) -> Result<NodeUsage, NodeErrorReason> {
        let mut usage = NodeUsage::default();
        for &card in &node.cards {
            for metric in Metric::ALL {
                let url = query::one_chart(&node.url, window, metric, card);
                match self.series.get(&url, &HeaderMap::new(), deadline) {
                    Ok(body) => answer::one_chart(&body, window, metric, card, &mut usage)?,
                    Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(usage)
    }
}

/// Whether another query might get an answer: not where the agent refuses access, or has no time for any.
fn is_about_the_query(error: &HttpError) -> bool {
    error.status().is_some_and(|status| {
        status.is_client_error()
            && !matches!(status.as_u16(), 401 | 403 | 408 | 412 | 429 | 451 | 499)
            || matches!(status.as_u16(), 500 | 501)
    })
}
