//! The cluster of the seeds, in force where the settings file says nothing else.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;

use super::file::Source;
use super::notify::Notify;
use super::{Config, ManagementApi, Patience, TokenFile};
use crate::model::cluster::{GpuFileNumber, Node};
use crate::model::day::Interval;
use crate::model::thresholds::{Alerts, Thresholds};
use crate::model::units::CardId;

/// The DRM cards of a node with eight MI300X, in the order of GPU index (first seed: GPU 硬體對應表).
pub const CARDS: [CardId; 8] = [
    CardId(1),
    CardId(9),
    CardId(17),
    CardId(25),
    CardId(33),
    CardId(41),
    CardId(49),
    CardId(57),
];

/// The settings with no file and no options.
pub fn config() -> Config {
    Config {
        source: Source::BuiltIn,
        data_dir: PathBuf::from("data"),
        zone: Tz::UTC,
        interval: Interval::DEFAULT,
        gpu_files: GpuFileNumber::Index,
        nodes: (1..=4).map(node).collect(),
        netdata: Patience {
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            deadline: Duration::from_secs(60),
            retries: 2,
        },
        management_api: ManagementApi {
            url: "http://192.168.10.100/api/v2/consumption/task"
                .parse()
                .expect("an URL"),
            zone: Tz::UTC,
            token_file: TokenFile::Usual(PathBuf::from("/etc/daily-gpu-log/token")),
        },
        notify: Notify::default(),
        thresholds: Thresholds::default(),
        alerts: Alerts::default(),
        users: BTreeMap::new(),
    }
}

fn node(number: u8) -> Node {
    Node {
        name: format!("colab-gpu{number}"),
        url: format!("http://192.168.10.{}:19999", 102 + number)
            .parse()
            .expect("an URL"),
        cards: CARDS.to_vec(),
        first_gpu_id: None,
        gpu_uuids: BTreeMap::new(),
        uuid_owners: Arc::default(),
    }
}
