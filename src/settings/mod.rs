//! The settings in force: the built-in cluster, overlaid by the settings file, overlaid by the command line.

mod alerts;
mod builtin;
mod file;
mod gpu_uuids;
mod in_force;
mod key;
mod ledger;
mod notify;
mod private_file;
mod resolve;
mod show;
mod template;
mod token;
mod value;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use lettre::message::Mailbox;
use url::Url;

use crate::model::cluster::{GpuFileNumber, Node};
use crate::model::day::Interval;
use crate::model::thresholds::{Alerts, Thresholds};

pub use file::{ConfigError, Source};
pub use notify::{Notify, SecretError, SecretUrl, Security, Smtp, UrlSetting, When};
pub use resolve::{Overrides, load};
pub use show::explain;
pub use template::template;
pub use token::{Token, TokenError, TokenSource};

/// Everything that a run needs to know, resolved and checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the settings come from.
    pub source: Source,
    /// The root of the tree that is written.
    pub data_dir: PathBuf,
    /// The zone whose midnights bound a day.
    pub zone: Tz,
    /// The time that one row of a GPU's CSV stands for.
    pub interval: Interval,
    /// Which number names a GPU's file.
    pub gpu_files: GpuFileNumber,
    /// The cluster's nodes, in the order of the settings.
    pub nodes: Vec<Node>,
    /// How patient the Netdata client is.
    pub netdata: Patience,
    /// Where tasks are asked for.
    pub management_api: ManagementApi,
    /// Who is told how a run ended.
    pub notify: Notify,
    /// What counts as busy, idle, and held.
    pub thresholds: Thresholds,
    /// Who is told of idle GPUs, and from when on.
    pub alerts: Alerts,
    /// The mail addresses of users.
    pub users: BTreeMap<String, Mailbox>,
}

/// How long and how often a client asks before it gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The longest that one request may take, from connecting to the end of the body.
    pub timeout: Duration,
    /// The longest that connecting may take.
    pub connect_timeout: Duration,
    /// The longest that all requests to one server may take together, with every retry.
    pub deadline: Duration,
    /// How often a request is made again after a failure that may pass.
    pub retries: usize,
}

/// The management API.
#[derive(Clone, Debug)]
pub struct ManagementApi {
    /// The address of its task consumption endpoint.
    pub url: Url,
    /// The clock on which it reads `start_t` and `end_t`.
    pub zone: Tz,
    /// The file that holds its token.
    pub token_file: TokenFile,
}

/// Where a token file is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenFile {
    /// The settings name it, so it must exist.
    Named(PathBuf),
    /// The usual place, where it may be missing.
    Usual(PathBuf),
}
