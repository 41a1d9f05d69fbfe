//! The settings in force: the built-in cluster, overlaid by the settings file, overlaid by the command line.
//!
//! A key of the file is a field here, with its default, and a line of the templates, with its meaning.

mod archive_dirs;
mod args;
mod check;
mod database;
mod digest;
mod duration;
mod file;
mod language;
mod notify;
mod private_file;
pub mod regular_file;
mod secret;
mod show;
mod template;
mod token;
mod value;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use lettre::message::Mailbox;
use serde::{Deserialize, Serialize, Serializer};
use toml::{Table, Value};
use url::Url;

use crate::model::{
    Alerts, CardId, Engine, GpuFileNumber, Interval, Item, Language, Node, ReadableBy, Shard,
    Thresholds, UserColumn, Written, cards, written,
};

pub use archive_dirs::ArchiveDirs;
pub use args::SettingsArgs;
pub use database::Database;
pub use file::ConfigError;
pub use language::{LANGUAGE_VARIABLE, language_of_variable, written_language};
pub use notify::{Notify, SecretUrl, Security, Smtp, UrlSetting, When};
pub use private_file::{NoSecret, open_private};
pub use secret::SecretError;
pub use show::explain;
pub use template::template;
pub use token::Token;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    #[serde(serialize_with = "as_utf8")]
    pub data_dir: PathBuf,
    #[serde(rename = "timezone", with = "written")]
    pub zone: Tz,
    /// That of what is said.
    #[serde(with = "written")]
    pub language: Language,
    /// The time that one row of a GPU's CSV stands for.
    #[serde(with = "written")]
    pub interval: Interval,
    pub gpu_files: GpuFileNumber,
    pub user_column: UserColumn,
    /// That of the files that a run writes.
    #[serde(with = "written")]
    pub file_language: Language,
    pub readable_by: ReadableBy,
    pub archive_dirs: ArchiveDirs,
    /// The cards of the nodes that have none of their own.
    #[serde(deserialize_with = "cards")]
    pub cards: Vec<CardId>,
    /// The hosts of the management API that are not of this cluster.
    pub ignore_hosts: BTreeSet<String>,
    pub nodes: Vec<Node>,
    pub netdata: Patience,
    pub management_api: ManagementApi,
    pub notify: Notify,
    #[serde(rename = "ledger")]
    pub thresholds: Thresholds,
    pub report: Report,
    pub export: Export,
    pub database: Database,
    pub alerts: Alerts,
    pub users: BTreeMap<String, Item<Mailbox>>,
    /// The share that the command line asks for: `nodes` are those of it.
    #[serde(skip)]
    pub shard: Option<Shard>,
    /// The nodes of the other shards.
    #[serde(skip)]
    pub nodes_of_others: Vec<Node>,
    /// Its file; `None` where none was found: the cluster of the seeds.
    #[serde(skip)]
    pub source: Option<PathBuf>,
}

/// How long and how often a client asks before it gives up, and whom it believes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Patience {
    /// The longest that one request may take, from connecting to the end of the body.
    #[serde(with = "duration")]
    pub timeout: Duration,
    /// The longest that connecting may take.
    #[serde(with = "duration")]
    pub connect_timeout: Duration,
    /// The longest that all requests to one server may take together, with every retry.
    #[serde(with = "duration")]
    pub deadline: Duration,
    /// How often a request is made again after a failure that may pass.
    pub retries: usize,
    /// How much of large answers may be in memory at once.
    pub memory_mib: usize,
    /// The certificates that speak for its servers, besides the system's.
    pub ca_file: Option<PathBuf>,
}

impl Patience {
    pub fn memory_bytes(&self) -> usize {
        self.memory_mib.saturating_mul(1 << 20)
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ManagementApi {
    /// The address of its task consumption endpoint.
    #[serde(with = "written")]
    pub url: Url,
    /// The clock on which it reads `start_t` and `end_t`.
    #[serde(rename = "timezone", with = "written")]
    pub zone: Tz,
    #[serde(with = "written")]
    pub token_file: TokenFile,
    /// The certificates that speak for it, besides the system's.
    pub ca_file: Option<PathBuf>,
}

/// The page of a day.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Report {
    /// Whether each run that collects a day writes it.
    pub nightly: bool,
}

/// Copies of the tree in other engines.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Export {
    /// Which of them each run that collects makes equal to the tree.
    pub nightly: BTreeSet<Engine>,
    /// Where the Parquet files are; `None` is in the data directory.
    pub parquet_dir: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenFile {
    /// The settings name it, so it must exist.
    Named(PathBuf),
    /// The usual place, where it may be missing.
    Usual(PathBuf),
}

/// The cluster of the seeds, whose nodes have eight MI300X each (first seed: GPU 硬體對應表).
impl Default for Config {
    fn default() -> Self {
        let data_dir = PathBuf::from("data");
        Self {
            archive_dirs: ArchiveDirs::beside(&data_dir),
            data_dir,
            zone: Tz::UTC,
            language: Language::Chinese,
            interval: Interval::DEFAULT,
            gpu_files: GpuFileNumber::Index,
            user_column: UserColumn::All,
            file_language: Language::Chinese,
            readable_by: ReadableBy::Group,
            cards: [1, 9, 17, 25, 33, 41, 49, 57].map(CardId).to_vec(),
            ignore_hosts: BTreeSet::new(),
            nodes: (1..=4).map(built_in_node).collect(),
            netdata: Patience::default(),
            management_api: ManagementApi::default(),
            notify: Notify::default(),
            thresholds: Thresholds::default(),
            alerts: Alerts::default(),
            users: BTreeMap::new(),
            report: Report::default(),
            export: Export::default(),
            database: Database::default(),
            shard: None,
            nodes_of_others: Vec::new(),
            source: None,
        }
    }
}

/// Nodes by name, each with whether it is of another shard.
pub type NodesByName<'a> = HashMap<&'a str, (&'a Node, bool)>;

impl Config {
    /// The hosts of the management API that are no surprise: the nodes, those of other shards, and what is ignored.
    pub fn known_hosts(&self) -> impl Iterator<Item = &str> {
        let nodes = self.nodes.iter().chain(&self.nodes_of_others);
        let nodes = nodes.map(|node| &node.name);
        nodes.chain(&self.ignore_hosts).map(String::as_str)
    }

    /// The nodes of all shards.
    pub fn nodes_by_name(&self) -> NodesByName<'_> {
        let own = self.nodes.iter().map(|node| (node, false));
        let of_others = self.nodes_of_others.iter().map(|node| (node, true));
        let nodes = own.chain(of_others);
        nodes.map(|of| (of.0.name.as_str(), of)).collect()
    }

    pub fn is_of_other_shard(&self, name: &str) -> bool {
        self.nodes_of_others.iter().any(|node| node.name == name)
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            deadline: Duration::from_secs(60),
            retries: 2,
            memory_mib: 256,
            ca_file: None,
        }
    }
}

impl Default for ManagementApi {
    fn default() -> Self {
        let url = "http://192.168.10.100/api/v2/consumption/task";
        Self {
            url: url.parse().expect("an URL"),
            zone: Tz::UTC,
            token_file: TokenFile::Usual("/etc/daily-gpu-log/token".into()),
            ca_file: None,
        }
    }
}

fn built_in_node(number: u8) -> Node {
    let url = format!("http://192.168.10.{}:19999", 102 + number);
    Node {
        name: format!("colab-gpu{number}"),
        url: url.parse().expect("an URL"),
        cards: Vec::new(),
        first_gpu_id: None,
        gpu_uuids: BTreeMap::new(),
        uuid_owners: Arc::default(),
    }
}

impl TokenFile {
    pub fn path(&self) -> &Path {
        let (Self::Named(path) | Self::Usual(path)) = self;
        path
    }
}

impl Written for TokenFile {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self::Named(text.into()))
    }
}

impl fmt::Display for TokenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path().display().fmt(f)
    }
}

/// What is no UTF-8 can stand on the command line, but in no settings file.
fn as_utf8<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

pub fn load(args: &SettingsArgs) -> Result<Config, ConfigError> {
    load_with_file(args).map(|(config, _)| config)
}

/// The settings in force, and what the settings file itself says. Their language is chosen, unless one was before: that
/// of a pipe is not known earlier.
fn load_with_file(args: &SettingsArgs) -> Result<(Config, Table), ConfigError> {
    let read = file::read(args.config.as_deref())?;
    let (mut config, mut file) = read.unwrap_or_else(|| (built_in(), Table::new()));
    if let Some(data_dir) = &args.data_dir {
        config.data_dir.clone_from(data_dir);
    }
    config.zone = args.timezone.unwrap_or(config.zone);
    if let Some(language) = args
        .lang
        .map_or_else(language_of_variable, |lang| Ok(Some(lang)))?
    {
        config.language = language;
    }
    config.language.choose();
    if let Some(shard) = args.shard {
        keep_shard(shard, &mut config, &mut file);
    }
    if matches!(config.archive_dirs, ArchiveDirs::Usual(_)) {
        config.archive_dirs = ArchiveDirs::beside(&config.data_dir);
    }
    Ok((config, file))
}

/// Leaves the nodes of other shards out of the settings, and of what their file says.
fn keep_shard(shard: Shard, config: &mut Config, file: &mut Table) {
    let is_kept = |node: &Node| shard.has(&node.name);
    if let Some(Value::Array(nodes)) = file.get_mut("nodes") {
        let mut kept = config.nodes.iter().map(is_kept);
        nodes.retain(|_| kept.next() == Some(true));
    }
    let (own, others): (Vec<_>, Vec<_>) = config.nodes.drain(..).partition(is_kept);
    config.nodes = own;
    config.nodes_of_others = others;
    config.shard = Some(shard);
}

/// The settings with no file and no options.
fn built_in() -> Config {
    let config = check::complete(Config::default());
    config.expect("the built-in settings are sound")
}

/// The settings as a file that brings them about, without their secrets.
fn in_force(config: &Config) -> Table {
    Table::try_from(config).expect("settings are read from TOML, and fit into it")
}
