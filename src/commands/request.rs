//! What a command line asks for that the settings or the files may not have.

use chrono::NaiveDate;

use crate::model::Node;
use crate::settings::Config;

#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("設定中沒有節點「{name}」：可用的節點是 {known}")]
    UnknownNode { name: String, known: String },
    /// `--node` of `users` names a node that neither the settings nor the reports do.
    #[error("設定與 {days} 的報告中都沒有節點「{name}」：可用的節點是 {known}")]
    UnreportedNode {
        name: String,
        /// Of which days the reports are.
        days: String,
        known: String,
    },
    /// `help` is asked for what it has not.
    #[error("沒有子命令或主題「{word}」{nearest}（全部列在 daily-gpu-log help）")]
    UnknownTopic { word: String, nearest: String },
    #[error("--to {last} 早於 {first}{hint}：請先寫較早的日期")]
    ReversedRange {
        first: NaiveDate,
        last: NaiveDate,
        /// Where the first date may come from, if nobody need have written it.
        hint: &'static str,
    },
    /// `--user` names nobody who held a GPU.
    #[error("{days} 的報告中沒有使用者「{name}」：{known}")]
    UnknownUser {
        /// The name, or the pseudonym.
        name: String,
        /// Of which days the reports are.
        days: String,
        known: String,
    },
    #[error("{date} 還沒有任何已結束的 {minutes} 分鐘區間可收集：請稍後再執行，或改收集 yesterday")]
    NothingDue { date: NaiveDate, minutes: i64 },
}

/// The nodes that `names` name, in the order of the settings; all if there are no names.
pub fn select<'a>(config: &'a Config, names: &[String]) -> Result<Vec<&'a Node>, RequestError> {
    let is_known = |name: &&String| config.nodes.iter().any(|node| node.name == **name);
    if let Some(name) = names.iter().find(|name| !is_known(name)) {
        let known: Vec<_> = config.nodes.iter().map(|node| node.name.as_str()).collect();
        return Err(RequestError::UnknownNode {
            name: name.clone(),
            known: known.join("、"),
        });
    }
    let is_wanted = |node: &&Node| names.is_empty() || names.contains(&node.name);
    Ok(config.nodes.iter().filter(is_wanted).collect())
}
