//! The settings in force, in the form of the settings file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::alerts::AlertsSettings;
use super::file::{
    ManagementApiSettings, NetdataSettings, NodeSettings, NotifySettings, Settings, SmtpSettings,
};
use super::ledger::LedgerSettings;
use super::notify::{Notify, Smtp, UrlSetting, UrlSource};
use super::{Config, TokenFile};
use crate::model::cluster::Node;

impl Settings {
    /// The file that would bring `config` about, with `cards` for nodes without cards of their own. Every field is
    /// written out, so that a new key is not forgotten.
    pub fn in_force(config: &Config, cards: Vec<u64>) -> Self {
        let (netdata, api) = (&config.netdata, &config.management_api);
        let users = config.users.iter();
        let (TokenFile::Named(token_file) | TokenFile::Usual(token_file)) = &api.token_file;
        Self {
            data_dir: Some(text(&config.data_dir)),
            timezone: Some(config.zone.to_string()),
            interval: Some(config.interval.to_string()),
            gpu_files: Some(config.gpu_files),
            cards: Some(cards),
            nodes: Some(config.nodes.iter().map(node).collect()),
            netdata: NetdataSettings {
                timeout: Some(duration(netdata.timeout)),
                connect_timeout: Some(duration(netdata.connect_timeout)),
                deadline: Some(duration(netdata.deadline)),
                retries: Some(netdata.retries),
            },
            management_api: ManagementApiSettings {
                url: Some(api.url.to_string()),
                timezone: Some(api.zone.to_string()),
                token_file: Some(text(token_file)),
            },
            notify: notify(&config.notify),
            ledger: LedgerSettings::in_force(&config.thresholds),
            alerts: AlertsSettings::in_force(&config.alerts),
            users: users
                .map(|(name, address)| (name.clone(), address.to_string()))
                .collect(),
        }
    }
}

fn duration(of: Duration) -> String {
    humantime::format_duration(of).to_string()
}

/// What is no UTF-8 can stand on the command line, but in no settings file.
fn text(path: &Path) -> PathBuf {
    path.display().to_string().into()
}

fn notify(notify: &Notify) -> NotifySettings {
    // Of a secret address it is told that there is one.
    let url = |setting: &UrlSetting| match &setting.source {
        Some(UrlSource::Settings(url)) => Some(url.to_string().into()),
        _ => None,
    };
    let file = |setting: &UrlSetting| match &setting.source {
        Some(UrlSource::File(path)) => Some(text(path)),
        _ => None,
    };
    NotifySettings {
        when: Some(notify.when),
        include_users: Some(notify.include_users),
        timeout: Some(duration(notify.timeout)),
        healthcheck_url: url(&notify.healthcheck),
        healthcheck_url_file: file(&notify.healthcheck),
        webhook_url: url(&notify.webhook),
        webhook_url_file: file(&notify.webhook),
        smtp: notify.smtp.as_ref().map(smtp),
    }
}

fn smtp(smtp: &Smtp) -> SmtpSettings {
    let login = smtp.login.as_ref();
    let password_file = login.and_then(|login| login.password_file.as_deref());
    SmtpSettings {
        host: smtp.host.clone(),
        port: Some(smtp.port),
        security: Some(smtp.security),
        username: login.map(|login| login.username.clone()),
        password_file: password_file.map(text),
        from: smtp.from.to_string(),
        to: smtp.to.iter().map(ToString::to_string).collect(),
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
