//! The settings in force, in the form of the settings file.

use super::file::{ManagementApiSettings, NetdataSettings, NodeSettings, Settings};
use super::{Config, Node, TokenFile};

impl Settings {
    /// The file that would bring `config` about, with `cards` for nodes without cards of their own. Every field is
    /// written out, so that a new key is not forgotten.
    pub(super) fn in_force(config: &Config, cards: Vec<u64>) -> Self {
        let duration = |of| Some(humantime::format_duration(of).to_string());
        let (netdata, api) = (&config.netdata, &config.management_api);
        let (TokenFile::Named(token_file) | TokenFile::Usual(token_file)) = &api.token_file;
        // What is no UTF-8 can stand on the command line, but in no settings file.
        let text = |path: &std::path::Path| path.display().to_string().into();
        Self {
            data_dir: Some(text(&config.data_dir)),
            timezone: Some(config.zone.to_string()),
            interval: Some(config.interval.to_string()),
            gpu_files: Some(config.gpu_files),
            cards: Some(cards),
            nodes: Some(config.nodes.iter().map(node).collect()),
            netdata: NetdataSettings {
                timeout: duration(netdata.timeout),
                connect_timeout: duration(netdata.connect_timeout),
                deadline: duration(netdata.deadline),
                retries: Some(netdata.retries),
            },
            management_api: ManagementApiSettings {
                url: Some(api.url.to_string()),
                timezone: Some(api.zone.to_string()),
                token_file: Some(text(token_file)),
            },
        }
    }
}

fn node(node: &Node) -> NodeSettings {
    let uuids = node.gpu_uuids.iter();
    NodeSettings {
        name: node.name.clone(),
        url: node.address().to_owned(),
        cards: Some(node.cards.iter().map(|card| card.0).collect()),
        first_gpu_id: node.first_gpu_id,
        gpu_uuids: uuids
            .map(|(uuid, index)| (uuid.to_string(), index.0))
            .collect(),
    }
}
