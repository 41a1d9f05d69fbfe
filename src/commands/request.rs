//! What a command line asks for that cannot be done.

use crate::analysis::usage::{Usage, dates};
use crate::model::{Capped, ExitStatus, Node, Shard, comma, said, text};
use crate::outlets::console;
use crate::settings::Config;
use crate::store::Archive;

#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct RequestError {
    pub message: String,
    pub exit_status: ExitStatus,
}

impl RequestError {
    /// It asks for what there is not, or contradicts itself.
    pub fn usage(message: String) -> Self {
        let exit_status = ExitStatus::Usage;
        Self {
            message,
            exit_status,
        }
    }
}

/// The nodes that `names` name, in the order of the settings; all if there are no names.
pub fn select<'a>(config: &'a Config, names: &[String]) -> Result<Vec<&'a Node>, RequestError> {
    let is_known = |name: &&String| config.nodes.iter().any(|node| node.name == **name);
    if let Some(name) = names.iter().find(|name| !is_known(name)) {
        refuse_of_other_shard(name, config)?;
        let known = node_names(config);
        let message = said!(
            "設定中沒有節點「{name}」：可用的節點是 {known}",
            "no node '{name}' in the settings: the nodes are {known}"
        );
        return Err(RequestError::usage(message));
    }
    let is_wanted = |node: &&Node| names.is_empty() || names.contains(&node.name);
    Ok(config.nodes.iter().filter(is_wanted).collect())
}

/// The names of the nodes of the settings, for messages.
pub fn node_names(config: &Config) -> String {
    let names: Vec<_> = config.nodes.iter().map(|node| node.name.as_str()).collect();
    names.join(comma())
}

/// Refuses a node that is in the settings, but in another shard.
pub fn refuse_of_other_shard(name: &str, config: &Config) -> Result<(), RequestError> {
    match config.shard {
        Some(shard) if config.is_of_other_shard(name) => {
            let own = Shard::of(name, shard.count);
            Err(RequestError::usage(said!(
                "節點「{name}」屬於分片 {own}，不屬於 {shard}：請改用 --shard {own}",
                "the node '{name}' is in shard {own}, not in {shard}: use --shard {own}"
            )))
        }
        _ => Ok(()),
    }
}

/// That the reports name no such user; and whom they name, by the names that are to be shown.
pub fn unknown_user(name: &str, usage: &Usage) -> RequestError {
    let users: Capped<_, 20> = usage.users.keys().collect();
    let count = users.len();
    let known = if count == 0 {
        text("沒有人佔用 GPU", "nobody held a GPU").to_owned()
    } else {
        let users = users.joined(|_| said!(" 等 {count} 位使用者", " and others, {count} in all"));
        said!("有 {users}", "the users are {users}")
    };
    let days = dates(usage.from, usage.to);
    RequestError::usage(said!(
        "{days} 的報告中沒有使用者「{name}」：{known}",
        "no user '{name}' in the reports of {days}: {known}"
    ))
}

/// The data directory, to be read, with a warning where a part of what belongs to it cannot be.
pub fn open_archive(config: &Config) -> Archive {
    let archive = Archive::new(config);
    warn_of_archive_dirs(&archive);
    archive
}

pub fn warn_of_archive_dirs(archive: &Archive) {
    let unreadable = archive.unreadable_archive_dirs();
    unreadable.iter().for_each(console::warn);
}
