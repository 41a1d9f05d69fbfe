//! The settings file as it is written: where it is looked for, its keys, and what is wrong with it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};

use super::alerts::AlertsSettings;
use super::ledger::LedgerSettings;
use super::notify::{Security, When};
use crate::model::cluster::GpuFileNumber;

const FILE_NAME: &str = "daily-gpu-log.toml";
const SYSTEM_FILE: &str = "/etc/daily-gpu-log/config.toml";

/// Where the settings in force come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// No file was found: the cluster of the seeds.
    BuiltIn,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::BuiltIn => f.write_str("內建設定"),
        }
    }
}

/// A settings file that cannot be used (exit status 10).
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("無法讀取設定檔 {path}：{cause}", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The file is not TOML, or a key is unknown or of the wrong type.
    #[error("設定檔 {path} 有誤：{message}", path = .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the parser says, with the line.
        message: String,
    },
    /// The value of a key makes no sense.
    #[error("設定檔 {path} 有誤：{key}：{problem}", path = .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The key, with its table.
        key: String,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
}

/// The keys of the file. Each is optional; an unknown one is an error. [`super::key`] says what each means.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub data_dir: Option<PathBuf>,
    pub timezone: Option<String>,
    pub interval: Option<String>,
    pub gpu_files: Option<GpuFileNumber>,
    pub cards: Option<Vec<u64>>,
    pub nodes: Option<Vec<NodeSettings>>,
    #[serde(default)]
    pub netdata: NetdataSettings,
    #[serde(default)]
    pub management_api: ManagementApiSettings,
    #[serde(default)]
    pub notify: NotifySettings,
    #[serde(default)]
    pub ledger: LedgerSettings,
    #[serde(default)]
    pub alerts: AlertsSettings,
    /// Any name can be a key.
    #[serde(default)]
    pub users: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSettings {
    pub name: String,
    pub url: String,
    pub cards: Option<Vec<u64>>,
    pub first_gpu_id: Option<u64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gpu_uuids: BTreeMap<String, usize>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NetdataSettings {
    pub timeout: Option<String>,
    pub connect_timeout: Option<String>,
    pub deadline: Option<String>,
    pub retries: Option<usize>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ManagementApiSettings {
    pub url: Option<String>,
    pub timezone: Option<String>,
    pub token_file: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NotifySettings {
    pub when: Option<When>,
    pub include_users: Option<bool>,
    pub timeout: Option<String>,
    #[serde(serialize_with = "without_secret")]
    pub healthcheck_url: Option<SecretString>,
    pub healthcheck_url_file: Option<PathBuf>,
    #[serde(serialize_with = "without_secret")]
    pub webhook_url: Option<SecretString>,
    pub webhook_url_file: Option<PathBuf>,
    pub smtp: Option<SmtpSettings>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpSettings {
    pub host: String,
    pub port: Option<u16>,
    pub security: Option<Security>,
    pub username: Option<String>,
    pub password_file: Option<PathBuf>,
    pub from: String,
    pub to: Vec<String>,
}

/// That there is a secret, and nothing of it.
#[expect(clippy::ref_option, reason = "serde passes the field")]
fn without_secret<S: Serializer>(
    secret: &Option<SecretString>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|_| "…").serialize(serializer)
}

/// Reads the file `named` on the command line, else the first that exists in the usual places, else none.
pub fn read(named: Option<&Path>) -> Result<Option<(PathBuf, Settings)>, ConfigError> {
    if let Some(path) = named {
        let text = std::fs::read_to_string(path).map_err(|cause| ConfigError::Unreadable {
            path: path.to_owned(),
            cause,
        })?;
        return parse(path, &text).map(Some);
    }
    for path in usual_places() {
        match std::fs::read_to_string(&path) {
            Ok(text) => return parse(&path, &text).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(ConfigError::Unreadable { path, cause }),
        }
    }
    Ok(None)
}

fn usual_places() -> impl Iterator<Item = PathBuf> {
    let user = std::env::var_os("XDG_CONFIG_HOME")
        .filter(|dir| !dir.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".config")))
        .map(|dir| dir.join("daily-gpu-log").join("config.toml"));
    [
        Some(PathBuf::from(FILE_NAME)),
        user,
        Some(PathBuf::from(SYSTEM_FILE)),
    ]
    .into_iter()
    .flatten()
}

fn parse(path: &Path, text: &str) -> Result<(PathBuf, Settings), ConfigError> {
    match toml::from_str(text) {
        Ok(settings) => Ok((path.to_owned(), settings)),
        Err(error) => {
            let message = format!(
                "{}：{}",
                place(text, error.span()),
                without_values(error.message())
            );
            Err(ConfigError::Malformed {
                path: path.to_owned(),
                message,
            })
        }
    }
}

/// What the parser says, without the values that it quotes. The names of keys are not values.
fn without_values(message: &str) -> String {
    if ["unknown field", "missing field", "duplicate"]
        .iter()
        .any(|of| message.starts_with(of))
    {
        return message.to_owned();
    }
    let in_english = |text: &str| {
        text.split([':', '`', '"'])
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    match message.rsplit_once(", expected ") {
        Some((what, expected)) => format!("{}, expected {expected}", in_english(what)),
        None => in_english(message),
    }
}

/// The line in which `span` begins, and its key. The line itself is not shown: it may hold a secret that has no
/// business there, as may what stands for a key without being one.
fn place(text: &str, span: Option<Range<usize>>) -> String {
    let before = span
        .and_then(|span| text.get(..span.start))
        .unwrap_or_default();
    let number = before.matches('\n').count();
    let line = text.lines().nth(number).unwrap_or_default();
    let key = line.split_once('=').map_or("", |(key, _)| key.trim());
    let is_key = |c: char| c.is_ascii_lowercase() || c == '_';
    if !key.is_empty() && key.chars().all(is_key) {
        format!("第 {} 行（{key}）", number + 1)
    } else {
        format!("第 {} 行", number + 1)
    }
}
