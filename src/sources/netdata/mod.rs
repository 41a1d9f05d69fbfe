//! The client of a node's Netdata agent: a day of GPU and VRAM utilisation of every card.
//!
//! One request for a node returns all its cards and both metrics, by context; cards are known by the end of the
//! chart's id, so that a new product name in it changes nothing. It asks for the samples (`tier=0`): left to itself an
//! agent that has them answers from its one-minute means, whose rows are a second off. Only where the first reading of
//! a card is missing, which may be older than the samples, the request is made once more without a tier, and fills what
//! lies before the first sample. An agent that answers with an error about the query is asked chart by chart.

mod answer;
mod json;
mod parent;
mod probe;
pub mod query;
mod recent;

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Instant;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use url::Url;

use super::http::{Answered, Connections, Http, HttpError, TlsKeys};
use crate::model::{Metric, Node, NodeUsage, Window, said, text};
use crate::settings::Patience;
use query::Tier;

pub use parent::{Namesakes, OnParent};
pub use probe::{Agent, Charts, Probe};
pub use recent::{Recent, Stretch};

/// Why a node has no usage. The message follows the seeds' wording.
#[derive(Debug, thiserror::Error)]
#[error("{}", said!("無法從 {url} 獲取數據：{reason}", "cannot get data from {url}: {reason}"))]
pub struct NodeError {
    pub url: String,
    pub reason: NodeErrorReason,
}

impl NodeError {
    fn new(node: &Node, reason: NodeErrorReason) -> Self {
        Self {
            url: node.address().to_owned(),
            reason,
        }
    }

    /// Whether the agent answered, and has no reading.
    pub fn is_about_readings(&self) -> bool {
        matches!(self.reason, NodeErrorReason::NoReadings)
    }

    /// Whether there was no answer, so that the next question would only be waited for in vain.
    pub fn is_absence(&self) -> bool {
        matches!(&self.reason, NodeErrorReason::Http(error) if error.is_absence())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum NodeErrorReason {
    #[error("{0}{advice}{tls}", advice = advice(.0), tls = .0.tls_advice(TLS_KEYS))]
    Http(#[from] HttpError),
    #[error("{}", said!("回應不是 JSON（{0}）", "the answer is not JSON ({0})", .0))]
    NotJson(String),
    /// It is JSON, but not the table that was asked for.
    #[error("{}", said!(
        "回應的 JSON 格式不符（{0}）",
        "the answer's JSON is not of the expected form ({0})", .0
    ))]
    Shape(String),
    /// There is no reading in the rows of the window, and this is wrong with others.
    #[error("{0}")]
    Rows(String),
    #[error(
        "{}",
        text(
            "這段時間沒有任何 AMD GPU 的讀數（amdgpu 圖表不存在、已停止，或資料已超過 Netdata 的保留期）",
            "no readings of AMD GPUs in this time (the amdgpu charts do not exist or have stopped, or Netdata no longer keeps the data)"
        )
    )]
    NoReadings,
}

const TLS_KEYS: TlsKeys = TlsKeys {
    url: "url",
    ca_file: "netdata.ca_file",
};

/// What the answers of Netdata's access control mean, and what helps (netdata/facts.md §2, Access control).
fn advice(error: &HttpError) -> &'static str {
    if matches!(error, HttpError::Unanswered(_)) {
        return text(
            "（若每次都如此，請檢查此 Netdata 的 [web] allow connections from）",
            " (if this happens every time, check [web] allow connections from of this Netdata)",
        );
    }
    match error.status().map(|status| status.as_u16()) {
        Some(401 | 412) => text(
            "（此 Netdata 啟用了 bearer token protection：請在它的 [web] 設定 bearer token protection = no）",
            " (this Netdata has bearer token protection on: set bearer token protection = no in its [web])",
        ),
        Some(403 | 451) => text(
            "（此 Netdata 不允許本機存取：請檢查 [web] allow dashboard from）",
            " (this Netdata does not give this machine access: check its [web] allow dashboard from)",
        ),
        _ => "",
    }
}

#[derive(Debug)]
pub struct Client {
    /// For the one request that an agent gets.
    http: Http,
    /// For the many that a parent gets, or an agent where the one fails: made when it is first needed.
    series: LazyLock<Http, Box<dyn FnOnce() -> Http + Send>>,
}

impl Client {
    pub fn new(patience: &Patience, nodes: &[&Node]) -> Self {
        let urls: Vec<Url> = nodes.iter().map(|node| node.url.clone()).collect();
        Self {
            http: Http::new(patience, Connections::Close, &urls),
            series: LazyLock::new(Box::new({
                let patience = patience.clone();
                move || Http::new(&patience, Connections::Keep, &urls)
            })),
        }
    }

    /// The usage of `node` in `window`. The deadline is that of a run over many nodes which began at `begun`.
    pub fn usage(
        &self,
        node: &Node,
        window: &Window,
        begun: Instant,
    ) -> Result<NodeUsage, NodeError> {
        let usage = self.inquiry(node, window, begun).usage();
        usage.map_err(|reason| NodeError::new(node, reason))
    }

    fn inquiry<'a>(&'a self, node: &'a Node, window: &'a Window, begun: Instant) -> Inquiry<'a> {
        Inquiry {
            client: self,
            node,
            window,
            deadline: self.http.deadline(begun),
        }
    }
}

/// All that one node is asked.
struct Inquiry<'a> {
    client: &'a Client,
    node: &'a Node,
    window: &'a Window,
    deadline: Instant,
}

/// An answer of nothing but gaps means the same as 404, and which of the two comes depends on seconds (netdata/facts.md
/// §2, Retention behaviour).
fn with_readings(usage: NodeUsage) -> Result<NodeUsage, NodeErrorReason> {
    if usage.is_empty() {
        let rows = usage.rejected_rows.map(|rows| rows.problem);
        return Err(rows.map_or(NodeErrorReason::NoReadings, NodeErrorReason::Rows));
    }
    Ok(usage)
}

impl Inquiry<'_> {
    fn usage(&self) -> Result<NodeUsage, NodeErrorReason> {
        let usage = match self.whole_node() {
            Err(NodeErrorReason::Http(error)) if is_about_the_query(&error) => {
                tracing::info!(node = self.node.name, %error, "asking chart by chart");
                self.chart_by_chart()?
            }
            usage => usage?,
        };
        let mut usage = with_readings(usage)?;
        // A chart without samples in the window has no column, and so has one that never was.
        let mut charts = BTreeMap::new();
        for (card, metric) in usage.half_empty(&self.node.cards) {
            let charts = charts.entry(metric);
            let charts = charts.or_insert_with(|| self.charts(&[metric]));
            let charts = charts.as_ref();
            if charts.is_ok_and(|charts| !charts.contains_key(&(card, metric))) {
                usage.without_chart.insert((card, metric));
            }
        }
        Ok(usage)
    }

    fn whole_node(&self) -> Result<NodeUsage, NodeErrorReason> {
        let mut usage = self.one_tier(Tier::Samples)?;
        if usage.may_lack_old_readings(&self.node.cards) {
            tracing::info!(
                node = self.node.name,
                "asking the coarser tiers for older readings"
            );
            match self.one_tier(Tier::Any) {
                Ok(coarse) => usage.add_coarse(coarse),
                // What is there is not lost for what may be missing.
                Err(reason) if !usage.is_empty() => {
                    usage.coarse_problem = Some(reason.to_string());
                }
                Err(reason) => return Err(reason),
            }
        }
        Ok(usage)
    }

    fn one_tier(&self, tier: Tier) -> Result<NodeUsage, NodeErrorReason> {
        let url = query::whole_node(&self.node.url, self.window, tier);
        // A parent is asked for one node after the other.
        let http = if self.node.is_on_parent() {
            &self.client.series
        } else {
            &self.client.http
        };
        match self.ask(http, &url) {
            Ok(answered) => {
                let mut usage = answer::whole_node(&answered.body, &self.node.cards, self.window)?;
                usage.clock_ahead = self.clock_ahead(&answered);
                Ok(usage)
            }
            Err(error) if tier == Tier::Samples && is_without_data(&error) => {
                Ok(NodeUsage::default())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn chart_by_chart(&self) -> Result<NodeUsage, NodeErrorReason> {
        let mut usage = NodeUsage::default();
        for &card in &self.node.cards {
            for metric in Metric::ALL {
                let url = query::one_chart(&self.node.url, self.window, metric, card);
                match self.ask(&self.client.series, &url) {
                    Ok(answered) => {
                        usage.clock_ahead = self.clock_ahead(&answered);
                        answer::one_chart(&answered.body, self.window, metric, card, &mut usage)?;
                    }
                    Err(error) if is_without_data(&error) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(usage)
    }

    /// A parent's answer has its own time, and not the node's.
    fn clock_ahead(&self, answered: &Answered) -> Option<i64> {
        answered.clock_ahead.filter(|_| !self.node.is_on_parent())
    }

    fn ask(&self, http: &Http, url: &Url) -> Result<Answered, HttpError> {
        http.get(url, &HeaderMap::new(), self.deadline)
    }
}

/// Whether the agent has nothing of the charts in the window. That a parent has no such node is no matter of data (netdata/facts.md §5).
fn is_without_data(error: &HttpError) -> bool {
    matches!(error, HttpError::Status { status, detail, .. }
        if *status == StatusCode::NOT_FOUND && !detail.contains("does not maintain a database"))
}

/// Whether another query might get an answer: not where the agent refuses access, or has no time for any.
fn is_about_the_query(error: &HttpError) -> bool {
    error.status().is_some_and(|status| match status.as_u16() {
        404 => is_without_data(error),
        401 | 403 | 408 | 412 | 429 | 451 | 499 => false,
        500 | 501 => true,
        _ => status.is_client_error(),
    })
}
