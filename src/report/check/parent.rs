//! What is wrong with a node's place on its parent, in words that follow the node's name.

use crate::model::{comma, said, text};
use crate::sources::netdata::Namesakes;

pub fn lost() -> &'static str {
    text(
        "與 parent 的連線中斷，parent 只有它先前送出的讀數：請檢查該節點、它的 Netdata 與串流",
        "disconnected from its parent, which has only the readings sent before: \
         check the node, its Netdata and its streaming",
    )
}

pub fn namesakes_problem(namesakes: &Namesakes) -> String {
    let Namesakes { hosts, remedy } = namesakes;
    let guids = hosts.first.iter().map(|host| {
        let state = if host.is_connected {
            text("連線中", "connected")
        } else {
            text("已斷線", "disconnected")
        };
        said!("{guid}（{state}）", "{guid} {state}", guid = host.guid)
    });
    let guids: Vec<_> = guids.collect();
    let guids = guids.join(comma()) + &hosts.rest();
    said!(
        "在 parent 上有 {count} 台同名的主機（{guids}），回應可能是其中任何一台的：請將 url 改為 {remedy}",
        "its parent has {count} hosts of this name ({guids}), any of which may answer: set url to {remedy}",
        count = hosts.len()
    )
}
