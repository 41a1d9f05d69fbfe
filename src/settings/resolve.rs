//! From what the file and the command line say to checked settings.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use chrono_tz::Tz;

use super::file::{self, ConfigError, NodeSettings, Settings, Source};
use super::value::{Invalid, invalid, parse_duration, parse_interval, parse_url, parse_zone};
use super::{Config, TokenFile, alerts, builtin, gpu_uuids, notify};
use crate::model::cluster::Node;
use crate::model::units::CardId;

/// What the command line sets over the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--timezone`.
    pub zone: Option<Tz>,
}

/// The settings in force.
pub fn load(overrides: Overrides) -> Result<Config, ConfigError> {
    load_with_file(overrides).map(|(config, _)| config)
}

/// The settings in force, and what the settings file itself says, if there is one.
pub fn load_with_file(overrides: Overrides) -> Result<(Config, Option<Settings>), ConfigError> {
    let mut config = builtin::config();
    let mut file = None;
    if let Some((path, settings)) = file::read(overrides.config.as_deref())? {
        file = Some(settings.clone());
        overlay(&mut config, settings).map_err(|Invalid { key, problem }| {
            ConfigError::Invalid {
                path: path.clone(),
                key,
                problem,
            }
        })?;
        config.source = Source::File(path);
    }
    config.data_dir = overrides.data_dir.unwrap_or(config.data_dir);
    config.zone = overrides.zone.unwrap_or(config.zone);
    Ok((config, file))
}

pub fn overlay(config: &mut Config, settings: Settings) -> Result<(), Invalid> {
    config.data_dir = settings.data_dir.unwrap_or_else(|| config.data_dir.clone());
    config.gpu_files = settings.gpu_files.unwrap_or(config.gpu_files);
    if let Some(zone) = settings.timezone {
        config.zone = parse_zone("timezone", &zone)?;
    }
    if let Some(interval) = settings.interval {
        config.interval = parse_interval(&interval)?;
    }
    let cards = settings
        .cards
        .map(|cards| check_cards("cards", cards))
        .transpose()?;
    match settings.nodes {
        Some(nodes) => {
            config.nodes = check_nodes(nodes, cards.as_deref().unwrap_or(&builtin::CARDS))?;
        }
        None => {
            if let Some(cards) = cards {
                config
                    .nodes
                    .iter_mut()
                    .for_each(|node| node.cards.clone_from(&cards));
            }
        }
    }
    let netdata = &mut config.netdata;
    for (key, text, value) in [
        (
            "netdata.timeout",
            settings.netdata.timeout,
            &mut netdata.timeout,
        ),
        (
            "netdata.connect_timeout",
            settings.netdata.connect_timeout,
            &mut netdata.connect_timeout,
        ),
        (
            "netdata.deadline",
            settings.netdata.deadline,
            &mut netdata.deadline,
        ),
    ] {
        if let Some(text) = text {
            *value = parse_duration(key, &text)?;
        }
    }
    netdata.retries = settings.netdata.retries.unwrap_or(netdata.retries);
    if let Some(url) = settings.management_api.url {
        config.management_api.url = parse_url("management_api.url", &url)?;
    }
    if let Some(zone) = settings.management_api.timezone {
        config.management_api.zone = parse_zone("management_api.timezone", &zone)?;
    }
    if let Some(path) = settings.management_api.token_file {
        config.management_api.token_file = TokenFile::Named(path);
    }
    config.notify = notify::resolve(settings.notify)?;
    config.alerts = settings.alerts.resolve(&config.nodes)?;
    config.users = alerts::check_users(settings.users)?;
    settings.ledger.overlay(&mut config.thresholds)
}

fn check_nodes(nodes: Vec<NodeSettings>, cards: &[CardId]) -> Result<Vec<Node>, Invalid> {
    if nodes.is_empty() {
        return invalid(
            "nodes",
            "沒有任何節點：請加入至少一個 [[nodes]]，或刪除這個鍵以使用內建的叢集",
        );
    }
    let mut names = BTreeSet::new();
    for node in &nodes {
        if !names.insert(node.name.as_str()) {
            return invalid(
                "nodes.name",
                format!("節點「{}」出現兩次：名稱就是目錄名稱，不可重複", node.name),
            );
        }
    }
    let nodes = nodes.into_iter().map(|node| check_node(node, cards));
    let mut nodes = nodes.collect::<Result<Vec<_>, _>>()?;
    let owners = Arc::new(gpu_uuids::owners(&nodes)?);
    for node in &mut nodes {
        node.uuid_owners = Arc::clone(&owners);
    }
    Ok(nodes)
}

fn check_node(node: NodeSettings, cards: &[CardId]) -> Result<Node, Invalid> {
    let key = |name: &str| format!("nodes（{}）的 {name}", node.name);
    check_node_name(&node.name)?;
    let url = parse_url(&key("url"), &node.url)?;
    let cards = match node.cards {
        Some(cards) => check_cards(&key("cards"), cards)?,
        None => cards.to_vec(),
    };
    let gpu_uuids = gpu_uuids::check(&key("gpu_uuids"), node.gpu_uuids, cards.len())?;
    Ok(Node {
        name: node.name,
        url,
        cards,
        first_gpu_id: node.first_gpu_id,
        gpu_uuids,
        uuid_owners: Arc::default(),
    })
}

/// The name becomes a directory below the data directory, beside `.daily-gpu-log` and `reports`, and must not lead
/// elsewhere.
fn check_node_name(name: &str) -> Result<(), Invalid> {
    let problem = if name.is_empty() {
        "節點名稱是空的"
    } else if name.starts_with('.') {
        "節點名稱不可以「.」開頭"
    } else if name.contains(|c: char| c == '/' || c == '\\' || c.is_control()) {
        "節點名稱不可含有斜線或控制字元"
    } else if name == "reports" {
        "節點名稱不可以是 reports，那是報告的目錄"
    } else if name.len() > 255 {
        "節點名稱太長（上限 255 位元組）"
    } else {
        return Ok(());
    };
    invalid(
        "nodes.name",
        format!(
            "{problem}：「{}」。它是資料目錄下的目錄名稱",
            name.escape_debug()
        ),
    )
}

fn check_cards(key: &str, cards: Vec<u64>) -> Result<Vec<CardId>, Invalid> {
    if cards.is_empty() {
        return invalid(key, "沒有任何卡：請依 GPU 索引順序列出 DRM 卡號");
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = cards.iter().find(|card| !seen.insert(**card)) {
        return invalid(key, format!("卡 {twice} 出現兩次"));
    }
    Ok(cards.into_iter().map(CardId).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::thresholds::Thresholds;
    use crate::model::units::{GpuIndex, GpuUuid};
    use std::time::Duration;

    fn overlaid(text: &str) -> Result<Config, String> {
        let mut config = builtin::config();
        let settings = toml::from_str(text).map_err(|error| error.to_string())?;
        overlay(&mut config, settings)
            .map_err(|Invalid { key, problem }| format!("{key}: {problem}"))?;
        Ok(config)
    }

    #[test]
    fn the_built_in_cluster_is_that_of_the_seeds() {
        let config = builtin::config();
        let nodes: Vec<_> = config
            .nodes
            .iter()
            .map(|node| format!("{} {}", node.name, node.url))
            .collect();
        assert_eq!(
            nodes,
            [
                "colab-gpu1 http://192.168.10.103:19999/",
                "colab-gpu2 http://192.168.10.104:19999/",
                "colab-gpu3 http://192.168.10.105:19999/",
                "colab-gpu4 http://192.168.10.106:19999/",
            ]
        );
    }

    #[test]
    fn an_empty_file_changes_nothing() {
        let (empty, builtin) = (overlaid("").expect("settings"), builtin::config());
        assert_eq!(format!("{empty:?}"), format!("{builtin:?}"));
    }

    #[test]
    fn the_example_of_the_design_is_read() {
        let config = overlaid(
            r#"
            data_dir = "/srv/gpu"
            timezone = "Asia/Taipei"
            interval = "5m"
            gpu_files = "card"
            cards = [1, 9, 17]
            [[nodes]]
            name = "colab-gpu4"
            url = "http://parent:19999/host/colab-gpu4"
            first_gpu_id = 25
            [nodes.gpu_uuids]
            "APU-70cb99ce3e214bda" = 2
            [[nodes]]
            name = "其他"
            url = "https://[::1]:19999"
            cards = [3, 2]
            [netdata]
            timeout = "1m 30s"
            connect_timeout = "500ms"
            retries = 0
            [management_api]
            url = "https://api/tasks"
            timezone = "Asia/Taipei"
            token_file = "/run/token"
            [ledger]
            busy_percent = 30
            idle_percent = 2.5
            "#,
        )
        .expect("settings");
        assert_eq!(config.interval.seconds(), 300);
        assert_eq!(config.nodes[0].cards, [CardId(1), CardId(9), CardId(17)]);
        assert_eq!(
            config.nodes[0].gpu_uuids[&GpuUuid::parse("0x70CB99CE3E214BDA").expect("one")],
            GpuIndex(2)
        );
        assert_eq!(config.nodes[1].cards, [CardId(3), CardId(2)]);
        let Thresholds {
            busy,
            idle,
            vram_floor,
        } = config.thresholds;
        let thresholds = [busy, idle, vram_floor].map(|threshold| threshold.to_string());
        assert_eq!(thresholds, ["30", "2.5", "1"]);
        assert_eq!(config.netdata.timeout, Duration::from_secs(90));
        assert_eq!(
            config.management_api.token_file,
            TokenFile::Named(PathBuf::from("/run/token"))
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_the_name_of_its_key() {
        let node = |body: &str| format!("[[nodes]]\nname = \"n\"\nurl = \"http://n\"\n{body}");
        for (text, key, said) in [
            (
                "timezone = \"Mars/Olympus\"".to_owned(),
                "timezone",
                "Mars/Olympus",
            ),
            ("interval = \"7m\"".to_owned(), "interval", "7m"),
            ("interval = \"600\"".to_owned(), "interval", "600"),
            ("interval = \"0s\"".to_owned(), "interval", "0s"),
            ("cards = [1, 9, 1]".to_owned(), "cards", "卡 1 出現兩次"),
            ("nodes = []".to_owned(), "nodes", "沒有任何節點"),
            (
                "[netdata]\ntimeout = \"soon\"".to_owned(),
                "netdata.timeout",
                "soon",
            ),
            (
                "[management_api]\nurl = \"192.168.10.100/api\"".to_owned(),
                "management_api.url",
                "http://",
            ),
            (
                "[management_api]\nurl = \"http://a:b@c/\"".to_owned(),
                "management_api.url",
                "密碼",
            ),
            (
                "[ledger]\nbusy_percent = 101".to_owned(),
                "ledger.busy_percent",
                "101 不是 0 到 100",
            ),
            (
                "[ledger]\nidle_percent = -0.5".to_owned(),
                "ledger.idle_percent",
                "-0.5 不是 0 到 100",
            ),
            (
                "[ledger]\nvram_floor_percent = nan".to_owned(),
                "ledger.vram_floor_percent",
                "NaN 不是 0 到 100",
            ),
            (
                "[ledger]\nidle_percent = 20.5".to_owned(),
                "ledger.idle_percent",
                "20.5 大於 busy_percent = 20",
            ),
            (node("cards = []"), "cards", "沒有任何卡"),
            (
                node("cards = [1]\ngpu_uuids = { \"APU-1\" = 1 }"),
                "gpu_uuids",
                "只有 1 張卡",
            ),
            (node("gpu_uuids = { \"none\" = 1 }"), "gpu_uuids", "none"),
            (
                node("gpu_uuids = { \"APU-01\" = 1, \"0x1\" = 2 }"),
                "gpu_uuids",
                "出現兩次",
            ),
            // The driver has no id for the GPU.
            (
                node("gpu_uuids = { \"APU-0000000000000000\" = 0 }"),
                "gpu_uuids",
                "APU-0000000000000000",
            ),
            (
                format!("{}\n{}", node(""), node("")),
                "nodes.name",
                "出現兩次",
            ),
        ] {
            let error = overlaid(&text).expect_err(&text);
            assert!(
                error.contains(key) && error.contains(said),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn every_node_knows_whose_each_uuid_is() {
        let config = overlaid(
            r#"
            [[nodes]]
            name = "a"
            url = "http://a"
            gpu_uuids = { "0x1" = 0, "0x2" = 1 }
            [[nodes]]
            name = "b"
            url = "http://b"
            gpu_uuids = { "0x3" = 0 }
            "#,
        )
        .expect("settings");
        for node in &config.nodes {
            let owners: Vec<_> = node.uuid_owners.values().map(String::as_str).collect();
            assert_eq!(owners, ["a", "a", "b"]);
        }
    }

    #[test]
    fn a_node_name_cannot_lead_out_of_the_data_directory() {
        for name in [
            "",
            ".",
            "..",
            "../up",
            "a/b",
            "/etc",
            ".daily-gpu-log",
            "reports",
            "a\\b",
            "a\nb",
            &"長".repeat(86),
        ] {
            assert!(check_node_name(name).is_err(), "{name:?}");
        }
        for name in ["colab-gpu4", "reports1", "節點 1", "a..b", "gpu.example"] {
            assert!(check_node_name(name).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = overlaid("tiemzone = \"UTC\"").expect_err("unknown");
        assert!(error.contains("tiemzone"), "{error}");
    }
}
