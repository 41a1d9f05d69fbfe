//! What an agent is and what it stores: to find out before the night whether a collection would succeed.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Deserialize;

use super::parent::{MirroredHost, OnParent};
use super::{Client, Inquiry, NodeError, NodeErrorReason, answer, is_without_data, query};
use crate::model::{CardId, Metric, Node, NodeUsage, UnixSeconds, Window, quote};

#[derive(Debug)]
pub struct Probe {
    /// What a collection of the window would get.
    pub usage: Result<NodeUsage, NodeErrorReason>,
    pub agent: Result<Agent, NodeErrorReason>,
    /// How far back it knows each card.
    pub charts: Result<Charts, NodeErrorReason>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Netdata's version, as it writes it.
    pub version: String,
    /// The machine's GUID, which no two agents have in common.
    pub id: String,
    /// The host that was asked for: of a parent, its child.
    pub hostname: Option<String>,
    /// By how many seconds its clock is ahead of the machine's, if its answer has the time.
    pub clock_ahead: Option<i64>,
    /// What its parent says of it, if it is on one.
    pub on_parent: Option<OnParent>,
}

/// When the oldest reading of each card is of, in any of the agent's tiers of storage. Charts that are not collected
/// any more are among these, for as long as something of them is stored.
///
/// That one is collected now cannot be seen from what the agent lists of its charts: 1.37.1 was measured to call a chart
/// collected, and its last sample of now, 95 seconds after its plugin had declared it obsolete.
pub type Charts = BTreeMap<(CardId, Metric), UnixSeconds>;

impl Client {
    /// Asks `node` what it is and what it has in `window`; the error is why it does not answer at all. The deadline is
    /// that of a look at many nodes which began at `begun`.
    pub fn probe(&self, node: &Node, window: &Window, begun: Instant) -> Result<Probe, NodeError> {
        let inquiry = self.inquiry(node, window, begun);
        let usage = match inquiry.usage() {
            Err(NodeErrorReason::Http(error)) if error.status().is_none() => {
                return Err(NodeError::new(node, error.into()));
            }
            usage => usage,
        };
        Ok(Probe {
            usage,
            agent: inquiry.agent(),
            charts: inquiry.charts(&Metric::ALL),
        })
    }
}

impl Inquiry<'_> {
    fn agent(&self) -> Result<Agent, NodeErrorReason> {
        let answered = self.ask(&self.client.http, &query::info(&self.node.url))?;
        let info: Info = answer::parse(&answered.body)?;
        let is_asked = |host: &&MirroredHost| host.guid == info.uid;
        let host = info.mirrored_hosts_status.iter().find(is_asked);
        let place = self.node.place_on_parent();
        let on_parent =
            place.map(|(parent, host)| OnParent::new(&parent, &host, &info.mirrored_hosts_status));
        Ok(Agent {
            hostname: host.map(|host| quote(&host.hostname)),
            version: quote(&info.version),
            id: info.uid,
            clock_ahead: self.clock_ahead(&answered),
            on_parent,
        })
    }

    pub fn charts(&self, metrics: &[Metric]) -> Result<Charts, NodeErrorReason> {
        let mut charts = Charts::new();
        for &metric in metrics {
            let url = query::charts(&self.node.url, metric);
            match self.ask(&self.client.http, &url) {
                Ok(answered) => add_charts(&mut charts, &answered.body)?,
                Err(error) if is_without_data(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(charts)
    }
}

/// `/api/v1/info`, the same in 1.37 and 2.8 as far as it is read.
#[derive(Deserialize)]
struct Info {
    version: String,
    uid: String,
    #[serde(default)]
    mirrored_hosts_status: Vec<MirroredHost>,
}

/// `/api/v1/context` with `options=charts`.
#[derive(Deserialize)]
struct Context {
    charts: BTreeMap<String, Chart>,
}

#[derive(Deserialize)]
struct Chart {
    first_time_t: UnixSeconds,
}

/// Adds the charts of one metric. A card has several where its product's name has changed.
fn add_charts(charts: &mut Charts, body: &[u8]) -> Result<(), NodeErrorReason> {
    let context: Context = answer::parse(body)?;
    for (id, chart) in context.charts {
        let first = chart.first_time_t;
        // Of a chart that has just begun, nothing is stored yet.
        if let Some((metric, card)) = answer::chart_of(&id)
            && first > 0
        {
            let known = charts.entry((card, metric)).or_insert(first);
            *known = first.min(*known);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: &[u8] =
        include_bytes!("../../../fixtures/netdata/recorded/v1.37.1-context-charts.json");

    #[test]
    fn the_charts_that_a_real_agent_lists_are_read() {
        let mut charts = Charts::new();
        add_charts(&mut charts, CONTEXT).expect("charts");
        // The last card had no sample before the first noon.
        let first = |card| {
            if card == 57 {
                1_795_176_001
            } else {
                1_795_132_801
            }
        };
        let expected =
            [1, 9, 17, 25, 33, 41, 49, 57].map(|card| ((CardId(card), Metric::Gpu), first(card)));
        assert_eq!(charts, BTreeMap::from(expected));
    }

    #[test]
    fn the_oldest_chart_of_a_card_counts_and_an_empty_one_does_not() {
        let chart = |product: &str, card, first: i64| {
            format!(r#""amdgpu.gpu_utilization_{product}_card{card}":{{"first_time_t":{first}}}"#)
        };
        let list = [
            chart("unknown AMD GPU", 1, 500),
            chart("AMD Instinct MI300X", 1, 900),
            chart("unknown AMD GPU", 9, 0),
        ];
        let mut charts = Charts::new();
        let body = format!(r#"{{"charts":{{{}}}}}"#, list.join(","));
        add_charts(&mut charts, body.as_bytes()).expect("charts");
        assert_eq!(charts, BTreeMap::from([((CardId(1), Metric::Gpu), 500)]));
    }

    #[test]
    fn both_generations_say_who_they_are() {
        for (info, version, hostname) in [
            (
                &include_bytes!("../../../fixtures/netdata/recorded/v1.37.1-info.json")[..],
                "v1.37.1",
                "gpu-node-01",
            ),
            (
                &include_bytes!("../../../fixtures/netdata/recorded/v2.8.0-info.json")[..],
                "v2.8.0-338-nightly",
                "gpu-node-02",
            ),
        ] {
            let info: Info = answer::parse(info).expect("an answer");
            assert_eq!(info.version, version);
            assert_eq!(info.mirrored_hosts_status[0].hostname, hostname);
            assert_eq!(info.mirrored_hosts_status[0].guid, info.uid);
        }
    }
}
