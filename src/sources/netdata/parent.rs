//! What a parent says of the hosts that it keeps the readings of.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

use super::json::{self, ForEach};
use super::{Client, NodeErrorReason, query};
use crate::model::{Capped, Node, quote, said};
use crate::sources::parallel::{self, Jobs};

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
struct Hosts<'a> {
    #[serde(borrow)]
    mirrored_hosts_status: Option<&'a RawValue>,
}

/// The most hosts that are kept of those that are looked for, which is more than any parent has.
const HOSTS_LIMIT: usize = 10_000;

/// The hosts of a list that are wanted; no more than a usual answer's memory is taken for the others.
pub fn wanted_hosts(
    hosts: Option<&RawValue>,
    is_wanted: impl Fn(&MirroredHost) -> bool,
) -> Result<Vec<MirroredHost>, NodeErrorReason> {
    let mut wanted = Vec::new();
    let add = |host: MirroredHost| {
        if wanted.len() <= HOSTS_LIMIT && is_wanted(&host) {
            wanted.push(host);
        }
    };
    if let Some(hosts) = hosts {
        json::walk(hosts, ForEach::new(add))?;
    }
    if wanted.len() > HOSTS_LIMIT {
        let problem = said!(
            "parent 上有超過 {HOSTS_LIMIT} 台要找的主機",
            "the parent has more than {HOSTS_LIMIT} of the hosts that are looked for"
        );
        return Err(NodeErrorReason::Shape(problem));
    }
    Ok(wanted)
}

/// The hosts by all that they can be asked for by, without its case, each list in their order.
fn by_name(hosts: &[MirroredHost]) -> HashMap<String, Vec<&MirroredHost>> {
    let mut hosts_of: HashMap<_, Vec<_>> = HashMap::new();
    for host in hosts {
        let names = host.ids().chain([&host.hostname]);
        let names: BTreeSet<_> = names.map(|name| name.to_ascii_lowercase()).collect();
        for name in names {
            hosts_of.entry(name).or_default().push(host);
        }
    }
    hosts_of
}

impl MirroredHost {
    fn is_connected(&self) -> bool {
        self.reachable != Some(false)
    }

    /// Whether it is meant where `host` is asked for: by its guid, its node id or its name.
    pub fn is(&self, host: &str) -> bool {
        self.hostname == host || self.has_id(host)
    }

    fn has_id(&self, id: &str) -> bool {
        self.ids().any(|own| own.eq_ignore_ascii_case(id))
    }

    fn ids(&self) -> impl Iterator<Item = &String> {
        let ids = [Some(&self.guid), self.node_id.as_ref()];
        ids.into_iter().flatten()
    }
}

impl OnParent {
    /// Of the `host` that is asked for at `parent`, by its guid, its node id or its name.
    pub fn new<'a>(
        parent: &Url,
        host: &str,
        hosts: &(impl Iterator<Item = &'a MirroredHost> + Clone),
    ) -> Self {
        if let Some(exact) = hosts.clone().find(|known| known.has_id(host)) {
            let is_lost = !exact.is_connected();
            return Self {
                namesakes: None,
                is_lost,
            };
        }
        let named = || hosts.clone().filter(|known| known.hostname == host);
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
    /// What the parents say of those of `nodes` that are on one. Each parent is asked once, however many nodes it has,
    /// and all at once; of one that does not answer, nothing is known.
    pub fn on_parents<'a>(&self, nodes: &[&'a Node], jobs: Jobs) -> Vec<(&'a Node, OnParent)> {
        let mut parents: BTreeMap<Url, Vec<(&Node, String)>> = BTreeMap::new();
        for node in nodes {
            if let Some((parent, host)) = node.place_on_parent() {
                parents.entry(parent).or_default().push((node, host));
            }
        }
        let parents: Vec<_> = parents.into_iter().collect();
        let deadline = self.http.deadline(Instant::now());
        let ask = |(parent, nodes): &(Url, Vec<(&'a Node, String)>)| {
            let hosts = self.hosts(parent, nodes, deadline).inspect_err(
                |reason| tracing::info!(%parent, %reason, "the parent does not list its hosts"),
            );
            let hosts = hosts.ok()?;
            let hosts = by_name(&hosts);
            let on_parent = |(node, host): &(&'a Node, String)| {
                let named = hosts.get(&host.to_ascii_lowercase()).into_iter().flatten();
                (*node, OnParent::new(parent, host, &named.copied()))
            };
            Some(nodes.iter().map(on_parent).collect::<Vec<_>>())
        };
        // Where there is no thread to ask them, nothing is known either.
        let asked = parallel::map(&parents, jobs, ask).unwrap_or_default();
        let known = asked.into_iter().filter_map(|known| known.ok().flatten());
        known.flatten().collect()
    }

    /// The hosts of the parent that the nodes are, or may be.
    fn hosts(
        &self,
        parent: &Url,
        nodes: &[(&Node, String)],
        deadline: Instant,
    ) -> Result<Vec<MirroredHost>, NodeErrorReason> {
        let url = query::info(parent);
        let answered = self.http.get(&url, &HeaderMap::new(), deadline)?;
        let hosts: Hosts = json::parse(&answered.body)?;
        let names: BTreeSet<_> = nodes.iter().map(|(_, host)| host.as_str()).collect();
        let ids: BTreeSet<_> = names.iter().map(|host| host.to_ascii_lowercase()).collect();
        let is_wanted = |host: &MirroredHost| {
            let mut of_host = host.ids();
            names.contains(host.hostname.as_str())
                || of_host.any(|id| ids.contains(&id.to_ascii_lowercase()))
        };
        wanted_hosts(hosts.mirrored_hosts_status, is_wanted)
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
        let hosts: Hosts = json::parse(INFO).expect("an answer");
        let is_wanted = |known: &MirroredHost| known.is(host);
        let hosts = wanted_hosts(hosts.mirrored_hosts_status, is_wanted).expect("hosts");
        let all = OnParent::new(&parent, host, &hosts.iter());
        let named = by_name(&hosts).remove(&host.to_ascii_lowercase());
        let named = named.into_iter().flatten();
        let named: Vec<_> = named.collect();
        assert_eq!(OnParent::new(&parent, host, &named.into_iter()), all);
        all
    }

    #[test]
    fn only_the_hosts_that_are_asked_for_are_kept_and_no_number_without_end() {
        let read = |count: usize| {
            let hosts = vec![r#"{"hostname":"a","guid":"1"},{"hostname":"b","guid":"2"}"#; count];
            let hosts = format!("[{}]", hosts.join(","));
            let hosts = RawValue::from_string(hosts).expect("JSON");
            wanted_hosts(Some(&hosts), |host| host.is("a")).map(|hosts| hosts.len())
        };
        assert_eq!(read(3).expect("hosts"), 3);
        let problem = read(HOSTS_LIMIT + 1).expect_err("too many").to_string();
        assert!(problem.contains("超過 10000 台"), "{problem}");
        assert_eq!(wanted_hosts(None, |_| true).expect("none").len(), 0);
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
