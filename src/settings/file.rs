//! The settings file as it is written: where it is looked for, its keys, and what is wrong with it.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_path_to_error::{Path as KeyPath, Segment};
use toml::{Deserializer, Table, Value};

use super::{Config, check, regular_file};
use crate::model::{if_there, mark, redacted, said, text};

const FILE_NAME: &str = "daily-gpu-log.toml";
const SYSTEM_FILE: &str = "/etc/daily-gpu-log/config.toml";

/// Settings that cannot be used (exit status 10).
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{}", said!(
        "無法讀取設定檔 {path}：{cause}（{advice}）",
        "cannot read the settings file {path}: {cause}; {advice}",
        path = .path.display()
    ))]
    Unreadable {
        path: PathBuf,
        cause: io::Error,
        advice: &'static str,
    },
    /// The problem begins with its place: the line, where the file is no TOML, or a key is unknown or of the wrong
    /// type; the key, where its value makes no sense.
    #[error("{}", said!(
        "設定檔 {path} 有誤：{problem}",
        "settings file {path}: {problem}",
        path = .path.display()
    ))]
    Malformed { path: PathBuf, problem: String },
    /// What a variable says in the place of a setting.
    #[error("{}", said!("環境變數 {name}：{problem}", "environment variable {name}: {problem}"))]
    Variable { name: &'static str, problem: String },
}

/// Reads the file `named` on the command line, else the first that exists in the usual places, else none: the
/// settings that it brings about, and what it says itself.
pub fn read(named: Option<&Path>) -> Result<Option<(Config, Table)>, ConfigError> {
    let found = match named {
        Some(path) => Some((path.to_owned(), fs::read_to_string(path))),
        None => found().map(|(path, file)| (path, file.and_then(io::read_to_string))),
    };
    let Some((path, content)) = found else {
        return Ok(None);
    };
    let content = match content {
        Ok(content) => content,
        Err(cause) => {
            let advice = if named.is_some() {
                text(
                    "請確認 --config 的路徑與讀取權限",
                    "check the path of --config, and the permission to read it",
                )
            } else if path.is_relative() {
                text(
                    "請先 cd 到其他目錄，例如 cd /，或以 --config 指定設定檔",
                    "cd to another directory first, such as cd /, or name a settings file with --config",
                )
            } else {
                text(
                    "請確認讀取權限，或以 --config 指定設定檔",
                    "check the permission to read it, or name a settings file with --config",
                )
            };
            return Err(ConfigError::Unreadable {
                path,
                cause,
                advice,
            });
        }
    };
    match parse(&content) {
        Ok((mut config, file)) => {
            config.source = Some(path);
            Ok(Some((config, file)))
        }
        Err(problem) => Err(ConfigError::Malformed { path, problem }),
    }
}

/// The first file that exists in the usual places.
pub fn found() -> Option<(PathBuf, io::Result<File>)> {
    first(usual_places())
}

fn first(places: Vec<PathBuf>) -> Option<(PathBuf, io::Result<File>)> {
    places.into_iter().find_map(|path| {
        let file = if_there(open_found(&path)).transpose()?;
        Some((path, file))
    })
}

/// Opens a file that was looked for, and so must be of somebody who may decide what the program does.
fn open_found(path: &Path) -> io::Result<File> {
    let file = regular_file::open_named(path)?;
    let metadata = file.metadata()?;
    if !regular_file::is_own(&metadata) {
        return Err(io::Error::other(text(
            "它屬於其他使用者，除非以 --config 指定，否則不使用",
            "it belongs to another user, and is not used unless --config names it",
        )));
    }
    if metadata.mode() & 0o002 != 0 {
        return Err(io::Error::other(text(
            "任何使用者都可以改寫它：請執行 chmod o-w",
            "any user may change it: run chmod o-w",
        )));
    }
    Ok(file)
}

fn usual_places() -> Vec<PathBuf> {
    let user = std::env::var_os("XDG_CONFIG_HOME")
        .filter(|dir| !dir.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".config")))
        .map(|dir| dir.join("daily-gpu-log").join("config.toml"));
    let places = [Some(FILE_NAME.into()), user, Some(SYSTEM_FILE.into())];
    places.into_iter().flatten().collect()
}

/// The settings that a file brings about, and what it says itself; or what is wrong with it, and where.
pub fn parse(content: &str) -> Result<(Config, Table), String> {
    let malformed = |error: &toml::de::Error| {
        let message = match error.message() {
            "duplicate key" => text(
                "這個鍵或表格已經寫過一次，請合併",
                "this key or table is there already: merge the two",
            )
            .to_owned(),
            message => without_values(message),
        };
        format!("{}{}{message}", line(content, error.span()), mark())
    };
    let file: Table = toml::from_str(content).map_err(|error| malformed(&error))?;
    let deserializer = Deserializer::parse(content).map_err(|error| malformed(&error))?;
    let config = serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let (path, error) = (error.path(), error.inner());
        if error.message().starts_with(mark()) {
            format!("{}{}", key_at(path, &file), error.message())
        } else {
            malformed(error)
        }
    })?;
    Ok((check::complete(config)?, file))
}

/// A key as messages have it: of a node or a rule with the name of that.
fn key_at(path: &KeyPath, file: &Table) -> String {
    let (mut list, mut keys) = (None, Vec::new());
    let mut value = Value::Table(file.clone());
    for segment in path {
        let inner = match segment {
            Segment::Map { key } => {
                keys.push(key.as_str());
                value.get(key)
            }
            Segment::Seq { index } => value.get(index),
            _ => None,
        };
        value = inner.cloned().unwrap_or(Value::Boolean(false));
        if let (Segment::Seq { .. }, Some(name)) = (segment, value.get("name")) {
            list = Some((keys.join("."), name.as_str().unwrap_or_default().to_owned()));
            keys.clear();
        }
    }
    match (list, keys.as_slice()) {
        (Some((list, name)), [key, ..]) if list == "nodes" => check::of_item(&list, &name, key),
        (Some((list, name)), [key, ..]) => check::of_item(&list, redacted(&name), key),
        (None, ["users", user]) => {
            let user = redacted(user);
            said!("users（{user}）", "users ({user})")
        }
        _ => keys.join("."),
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
        Some((what, expected)) => {
            let is_table = expected.starts_with("struct ");
            let expected = if is_table { "a table" } else { expected };
            format!("{}, expected {expected}", in_english(what))
        }
        None => in_english(message),
    }
}

/// The line in which `span` begins, and its key. The line itself is not shown: it may hold a secret that has no
/// business there, as may what stands for a key without being one.
fn line(content: &str, span: Option<Range<usize>>) -> String {
    let before = span
        .and_then(|span| content.get(..span.start))
        .unwrap_or_default();
    let before = before.matches('\n').count();
    let line = content.lines().nth(before).unwrap_or_default();
    let number = before + 1;
    let key = line.split_once('=').map_or("", |(key, _)| key.trim());
    let is_key = |c: char| c.is_ascii_lowercase() || c == '_';
    if !key.is_empty() && key.chars().all(is_key) {
        said!("第 {number} 行（{key}）", "line {number} ({key})")
    } else {
        said!("第 {number} 行", "line {number}")
    }
}

#[cfg(test)]
mod tests;
