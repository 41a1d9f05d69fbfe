//! What an agent is and what it stores: to find out before the night whether a collection would succeed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::parent::{MirroredHost, OnParent, wanted_hosts};
use super::{Client, Inquiry, NodeError, NodeErrorReason, answer, is_without_data, json, query};
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
            Err(NodeErrorReason::Http(error)) if error.is_absence() => {
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
        let info: Info = json::parse(&answered.body)?;
        let place = self.node.place_on_parent();
        let is_asked = |host: &MirroredHost| host.guid == info.uid;
        let is_wanted = |host: &MirroredHost| {
            let place = place.as_ref();
            is_asked(host) || place.is_some_and(|(_, asked)| host.is(asked))
        };
        let hosts = wanted_hosts(info.mirrored_hosts_status, is_wanted)?;
        let host = hosts.iter().find(|host| is_asked(host));
        let on_parent = place
            .as_ref()
            .map(|(parent, host)| OnParent::new(parent, host, &hosts.iter()));
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
                Ok(answered) => add_charts(&mut charts, &answered.body, &self.node.cards)?,
                Err(error) if is_without_data(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(charts)
    }
}

/// `/api/v1/info`, the same in 1.37 and 2.8 as far as it is read.
#[derive(Deserialize)]
struct Info<'a> {
    version: String,
    uid: String,
    #[serde(borrow)]
    mirrored_hosts_status: Option<&'a RawValue>,
}

/// `/api/v1/context` with `options=charts`.
#[derive(Deserialize)]
struct Context<'a> {
    #[serde(borrow)]
    charts: &'a RawValue,
}

#[derive(Deserialize)]
struct Chart {
    first_time_t: UnixSeconds,
}

/// Takes the charts of a node's cards out of an object of charts, whose others are passed over.
struct ChartsOf<'a> {
    cards: &'a [CardId],
    charts: &'a mut Charts,
}

impl<'de> Visitor<'de> for ChartsOf<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("charts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut charts: A) -> Result<(), A::Error> {
        while let Some(id) = charts.next_key::<Cow<str>>()? {
            let chart = answer::chart_of(&id);
            let Some((metric, card)) = chart.filter(|(_, card)| self.cards.contains(card)) else {
                charts.next_value::<IgnoredAny>()?;
                continue;
            };
            let Chart { first_time_t } = charts.next_value()?;
            // Of a chart that has just begun, nothing is stored yet.
            if first_time_t > 0 {
                let known = self.charts.entry((card, metric)).or_insert(first_time_t);
                *known = first_time_t.min(*known);
            }
        }
        Ok(())
    }
}

/// Adds the charts that `cards` have of one metric. A card has several where its product's name has changed.
fn add_charts(charts: &mut Charts, body: &[u8], cards: &[CardId]) -> Result<(), NodeErrorReason> {
    let context: Context = json::parse(body)?;
    json::walk(context.charts, ChartsOf { cards, charts })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: &[u8] =
        include_bytes!("../../../fixtures/netdata/recorded/v1.37.1-context-charts.json");

    #[test]
    fn the_charts_that_a_real_agent_lists_are_read() {
        let mut charts = Charts::new();
        let cards = [1, 9, 17, 25, 33, 41, 49, 57].map(CardId);
        add_charts(&mut charts, CONTEXT, &cards).expect("charts");
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
    fn the_oldest_chart_of_a_card_of_the_node_counts_and_an_empty_one_does_not() {
        let chart = |product: &str, card, first: i64| {
            format!(r#""amdgpu.gpu_utilization_{product}_card{card}":{{"first_time_t":{first}}}"#)
        };
        let list = [
            chart("unknown AMD GPU", 1, 500),
            chart("AMD Instinct MI300X", 1, 900),
            chart("unknown AMD GPU", 9, 0),
            chart("unknown AMD GPU", 17, 500),
            r#""system.cpu":[]"#.to_owned(),
        ];
        let mut charts = Charts::new();
        let body = format!(r#"{{"charts":{{{}}}}}"#, list.join(","));
        add_charts(&mut charts, body.as_bytes(), &[CardId(1), CardId(9)]).expect("charts");
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
            let info: Info = json::parse(info).expect("an answer");
            assert_eq!(info.version, version);
            let is_wanted = |host: &MirroredHost| host.guid == info.uid;
            let hosts = wanted_hosts(info.mirrored_hosts_status, is_wanted).expect("hosts");
            assert_eq!(hosts[0].hostname, hostname);
        }
    }
}
