//! What a parent says of the hosts that it keeps the readings of.

use std::collections::BTreeMap;
use std::time::Instant;

use reqwest::header::HeaderMap;
use serde::Deserialize;
use url::Url;

use super::{Client, NodeErrorReason, answer, query};
use crate::model::{Capped, Node, quote};

/// What is to be known of a node's place on its parent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnParent {
    /// The hosts that have the name in the node's address, if there are several: any of them may answer.
    pub namesakes: Option<Namesakes>,
    /// Whether the parent hears no more of any host that the address can mean.
    pub is_lost: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namesakes {
    pub hosts: Capped<Namesake, 12>,
    /// The address of the one that the parent hears of, if there is one such, or how to write it.
    pub remedy: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namesake {
    pub guid: String,
    pub is_connected: bool,
}

#[derive(Deserialize)]
pub struct MirroredHost {
    pub hostname: String,
    pub guid: String,
    #[serde(default)]
    node_id: Option<String>,
    /// Not there in all versions.
    #[serde(default)]
    reachable: Option<bool>,
}

#[derive(Deserialize)]
struct Hosts {
    #[serde(default)]
    mirrored_hosts_status: Vec<MirroredHost>,
}

impl MirroredHost {
    fn is_connected(&self) -> bool {
        self.reachable != Some(false)
    }
}

impl OnParent {
    /// Of the `host` that is asked for at `parent`, by its guid, its node id or its name.
    pub fn new(parent: &Url, host: &str, hosts: &[MirroredHost]) -> Self {
        let is_exact = |known: &&MirroredHost| {
            let ids = [Some(&known.guid), known.node_id.as_ref()];
            let mut ids = ids.into_iter().flatten();
            ids.any(|id| id.eq_ignore_ascii_case(host))
        };
        if let Some(exact) = hosts.iter().find(is_exact) {
            let is_lost = !exact.is_connected();
            return Self {
                namesakes: None,
                is_lost,
            };
        }
        let named = || hosts.iter().filter(|known| known.hostname == host);
        let mut connected = named().filter(|known| known.is_connected());
        let (first, second) = (connected.next(), connected.next());
        let namesakes = (named().count() > 1).then(|| {
            let guid = match (first, second) {
                (Some(only), None) => quote(&only.guid),
                _ => "<guid>".to_owned(),
            };
            let parent = parent.as_str().trim_end_matches('/');
            let namesake = |known: &MirroredHost| Namesake {
                guid: quote(&known.guid),
                is_connected: known.is_connected(),
            };
            Namesakes {
                hosts: named().map(namesake).collect(),
                remedy: format!("{parent}/host/{guid}"),
            }
        });
        Self {
            namesakes,
            is_lost: first.is_none() && named().next().is_some(),
        }
    }
}

impl Client {
    /// What the parents say of those of `nodes` that are on one. Each parent is asked once, however many nodes it has;
    /// of one that does not answer, nothing is known.
    pub fn on_parents<'a>(&self, nodes: &[&'a Node], begun: Instant) -> Vec<(&'a Node, OnParent)> {
        let mut parents: BTreeMap<Url, Vec<(&Node, String)>> = BTreeMap::new();
        for node in nodes {
            if let Some((parent, host)) = node.place_on_parent() {
                parents.entry(parent).or_default().push((node, host));
            }
        }
        let mut known = Vec::new();
        for (parent, nodes) in parents {
            match self.hosts(&parent, begun) {
                Ok(hosts) => known.extend(
                    nodes
                        .into_iter()
                        .map(|(node, host)| (node, OnParent::new(&parent, &host, &hosts))),
                ),
                Err(reason) => {
                    tracing::info!(%parent, %reason, "the parent does not list its hosts");
                }
            }
        }
        known
    }

    fn hosts(&self, parent: &Url, begun: Instant) -> Result<Vec<MirroredHost>, NodeErrorReason> {
        let deadline = self.http.deadline(begun);
        let answered = self
            .http
            .get(&query::info(parent), &HeaderMap::new(), deadline)?;
        let hosts: Hosts = answer::parse(&answered.body)?;
        Ok(hosts.mirrored_hosts_status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &[u8] = include_bytes!(
        "../../../fixtures/netdata/recorded/v2.11.0-info-parent-duplicate-hostnames.json"
    );

    fn of(host: &str) -> OnParent {
        let parent = "http://parent:19999/".parse().expect("an URL");
        let hosts: Hosts = answer::parse(INFO).expect("an answer");
        OnParent::new(&parent, host, &hosts.mirrored_hosts_status)
    }

    #[test]
    fn hosts_of_one_name_are_told_apart_by_their_guids() {
        let named = of("colab-gpu1");
        let namesakes = named.namesakes.expect("two");
        let hosts = namesakes.hosts.first.iter();
        let hosts: Vec<_> = hosts
            .map(|host| (host.guid.as_str(), host.is_connected))
            .collect();
        let guids = [
            "cccccccc-0000-4000-8000-000000000001",
            "cccccccc-0000-4000-8000-000000000003",
        ];
        assert_eq!(hosts, [(guids[0], true), (guids[1], false)]);
        let remedy = format!("http://parent:19999/host/{}", guids[0]);
        assert_eq!((namesakes.remedy, named.is_lost), (remedy, false));
        let exact = |is_lost| OnParent {
            namesakes: None,
            is_lost,
        };
        assert_eq!(of(guids[0]), exact(false));
        assert_eq!(of(&guids[1].to_uppercase()), exact(true));
        assert_eq!(of("nd-p3"), exact(false));
        // Names are compared with their case, as an agent does.
        assert_eq!(of("COLAB-GPU1"), exact(false));
    }
}
