//! The monitor of a cron job, as healthchecks.io and its self-hosted kin are: it is told when a run begins and how it
//! ends, and raises the alarm itself when it is told nothing.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use url::Url;

use super::address::Address;
use super::message::Message;
use super::{TRIES, Undelivered};
use crate::model::exit_status::ExitStatus;

/// What self-hosted monitors keep of a body unless they are told otherwise.
const LIMIT_BYTES: usize = 10_000;

/// The address, and whether it was told of the beginning.
type Sent = (Address, Result<(), String>);

/// How far the monitor has been told of the beginning.
#[derive(Debug)]
enum StartPing {
    /// A thread tells it.
    Sending(JoinHandle<Sent>),
    /// There was no room for a thread.
    Sent(Box<Sent>),
}

/// A monitor that is being told that a run has begun.
#[derive(Debug)]
pub struct Healthcheck {
    timeout: Duration,
    begun: StartPing,
}

impl Healthcheck {
    /// Tells that a run begins, without waiting for an answer. A try takes at most `timeout`.
    pub fn begin(
        address: impl Fn() -> Address + Clone + Send + 'static,
        timeout: Duration,
    ) -> Self {
        // Both tries together have the time of one: of a run that ends at once, the end has to be told in time.
        let deadline = Instant::now() + timeout;
        let tell_begin = move || {
            let address = address();
            let sent = deliver(&address, "start", "", deadline);
            (address, sent)
        };
        let begun = match thread::Builder::new().spawn(tell_begin.clone()) {
            Ok(telling) => StartPing::Sending(telling),
            Err(_) => StartPing::Sent(Box::new(tell_begin())),
        };
        Self { timeout, begun }
    }

    /// Tells how the run ended.
    pub fn end(self, status: ExitStatus, message: &Message) -> Vec<Undelivered> {
        let deadline = Instant::now() + self.timeout * TRIES;
        // A beginning that arrived after the end would be that of a run that never ends.
        let sent = match self.begun {
            StartPing::Sending(telling) => telling.join(),
            StartPing::Sent(sent) => Ok(*sent),
        };
        let Ok((address, begun)) = sent else {
            return vec![Undelivered::Panicked];
        };
        let status = u8::from(status).to_string();
        let ended = deliver(&address, &status, &message.text(LIMIT_BYTES), deadline);
        let undelivered = |(signal, sent): (_, Result<_, _>)| {
            let reason = sent.err()?;
            Some(address.undelivered(signal, reason))
        };
        let sent = [("（執行開始）", begun), ("（執行結束）", ended)];
        sent.into_iter().filter_map(undelivered).collect()
    }
}

/// Tells of one signal, or says why not.
fn deliver(address: &Address, signal: &str, body: &str, deadline: Instant) -> Result<(), String> {
    let url = below(address.url(), signal);
    let answer = address.post(&url, "text/plain; charset=utf-8", body, deadline);
    let answer = answer.map_err(|error| error.to_string())?;
    match why_ignored(&answer) {
        None => Ok(()),
        Some(reason) => Err(reason.to_owned()),
    }
}

/// The address with one more segment at the end of its path. The query may have `create=1`.
fn below(url: &Url, segment: &str) -> Url {
    let mut url = url.clone();
    let mut segments = url.path_segments_mut().expect("an http URL has a path");
    segments.pop_if_empty().push(segment);
    drop(segments);
    url
}

/// Why the monitor did nothing, which older ones say in an answer of status 200.
fn why_ignored(answer: &[u8]) -> Option<&'static str> {
    match answer {
        b"OK (not found)" => Some("沒有這個 check"),
        b"OK (rate limited)" => Some("通知過於頻繁"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_go_to_the_end_of_the_path() {
        for (url, sent) in [
            ("https://hc-ping.com/uuid", "https://hc-ping.com/uuid/3"),
            ("https://hc-ping.com/uuid/", "https://hc-ping.com/uuid/3"),
            (
                "https://hc-ping.com/key/slug?create=1",
                "https://hc-ping.com/key/slug/3?create=1",
            ),
            ("https://hc.example.org", "https://hc.example.org/3"),
        ] {
            let url = url.parse().expect("an URL");
            assert_eq!(below(&url, "3").as_str(), sent);
        }
    }
}
