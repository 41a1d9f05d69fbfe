//! What is wrong with a node's place on its parent, in words that follow the node's name.

use crate::sources::netdata::Namesakes;

pub const LOST: &str =
    "與 parent 的連線中斷，parent 只有它先前送出的讀數：請檢查該節點、它的 Netdata 與串流";

pub fn namesakes_problem(namesakes: &Namesakes) -> String {
    let Namesakes { hosts, remedy } = namesakes;
    let guids = hosts.first.iter().map(|host| {
        let state = if host.is_connected {
            "連線中"
        } else {
            "已斷線"
        };
        format!("{}（{state}）", host.guid)
    });
    let guids: Vec<_> = guids.collect();
    format!(
        "在 parent 上有 {} 台同名的主機（{}{}），回應可能是其中任何一台的：請將 url 改為 {remedy}",
        hosts.len(),
        guids.join("、"),
        hosts.rest()
    )
}
