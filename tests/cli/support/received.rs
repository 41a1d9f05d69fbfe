//! What those who are notified of a run receive.

use serde_json::Value;

use crate::simulated_cluster::SimulatedReceiver;

/// What this machine calls itself.
fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("a host name");
    name.trim_end().to_owned()
}

/// The whole text of a message: a verdict, with its dates if there are any, its lines, and the exit status.
pub(crate) fn message(verdict: &str, lines: &[&str], status: u8) -> String {
    let (host, version) = (hostname(), env!("CARGO_PKG_VERSION"));
    let lines = lines.join("\n");
    format!(
        "daily-gpu-log {host}：{verdict}\n\n{lines}\n\n主機 {host}，結束狀態 {status}，daily-gpu-log {version}\n"
    )
}

/// What a monitor received: each signal, which is the end of the path below `/ping`, with its body.
pub(crate) fn signals(monitor: &SimulatedReceiver) -> Vec<(String, String)> {
    let signal = |target: &str| {
        let signal = target.strip_prefix("/ping/").expect("below the address");
        signal.to_owned()
    };
    let requests = monitor.requests().into_iter();
    requests
        .map(|seen| (signal(&seen.target), seen.body))
        .collect()
}

/// The texts that a chat received, with the links that it is not to make.
pub(crate) fn texts(chat: &SimulatedReceiver) -> Vec<String> {
    let text = |body: &str| {
        let json: Value = serde_json::from_str(body).expect("JSON");
        let fields = json.as_object().expect("an object");
        assert_eq!(fields.len(), 1, "{json}");
        let text = json["text"].as_str().expect("a text");
        assert!(!text.contains("://"), "{text}");
        text.replace(":⁄⁄", "://")
    };
    let requests = chat.requests().into_iter();
    requests.map(|seen| text(&seen.body)).collect()
}
