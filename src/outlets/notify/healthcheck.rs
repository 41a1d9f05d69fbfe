//! The monitor of a cron job, as healthchecks.io and its self-hosted kin are: it gets a signal when a run begins and
//! one when it ends, and raises the alarm itself when it gets none.

use std::io;
use std::sync::mpsc::{self, Sender};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use url::Url;

use super::address::Address;
use super::message::Message;
use super::{TRIES, Undelivered};
use crate::model::{ExitStatus, text};
use crate::sources::http::Http;

/// What self-hosted monitors keep of a body unless they are configured otherwise.
const LIMIT_BYTES: usize = 10_000;

/// A monitor, and the thread that sends it the signals of a run, one after the other: a beginning that arrived after
/// the end would be that of a run that never ends.
#[derive(Debug)]
pub struct Healthcheck {
    timeout: Duration,
    signals: Sender<Signal>,
    sending: io::Result<JoinHandle<Vec<Undelivered>>>,
}

struct Signal {
    /// What it adds to the address.
    segment: String,
    /// What it is called where it is not delivered.
    name: &'static str,
    body: String,
    deadline: Instant,
}

impl Healthcheck {
    /// Sends the signal that a run begins, without waiting for an answer.
    pub fn begin(address: Address) -> Self {
        let (signals, queue) = mpsc::channel::<Signal>();
        let timeout = address.timeout;
        let send_all = move || {
            let http = address.http();
            let sent = queue.into_iter();
            let sent = sent.map(|signal| signal.send(&address, &http));
            sent.filter_map(Result::err).collect()
        };
        let monitor = Self {
            timeout,
            signals,
            sending: Builder::new().spawn(send_all),
        };
        // Both tries together have the time of one: of a run that ends at once, the end has to be sent in time.
        let name = text("（執行開始）", " (start of the run)");
        monitor.signal("start", name, String::new(), timeout);
        monitor
    }

    /// Sends the signal that the run has ended. The thread that does so ends with what was not delivered.
    pub fn end(
        self,
        status: ExitStatus,
        message: &Message,
    ) -> io::Result<JoinHandle<Vec<Undelivered>>> {
        let (status, body) = (u8::from(status).to_string(), message.text(LIMIT_BYTES));
        let name = text("（執行結束）", " (end of the run)");
        self.signal(&status, name, body, self.timeout * TRIES);
        self.sending
    }

    fn signal(&self, segment: &str, name: &'static str, body: String, time: Duration) {
        // Where the thread is gone, joining it says so.
        let _ = self.signals.send(Signal {
            segment: segment.to_owned(),
            name,
            body,
            deadline: Instant::now() + time,
        });
    }
}

impl Signal {
    fn send(&self, address: &Address, http: &Http) -> Result<(), Undelivered> {
        let url = below(address.url.expose(), &self.segment);
        let answer = http.post(&url, "text/plain; charset=utf-8", &self.body, self.deadline);
        let ignored = match answer {
            Ok(answer) => why_ignored(&answer).map(str::to_owned),
            Err(error) => Some(error.to_string()),
        };
        ignored.map_or(Ok(()), |why| Err(address.undelivered(self.name, why)))
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
        b"OK (not found)" => Some(text("沒有這個 check", "no such check")),
        b"OK (rate limited)" => Some(text("通知過於頻繁", "too many notifications")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Language;

    #[test]
    fn what_a_monitor_did_not_do_is_said_in_both_languages() {
        for (answer, chinese, english) in [
            ("OK (not found)", "沒有這個 check", "no such check"),
            (
                "OK (rate limited)",
                "通知過於頻繁",
                "too many notifications",
            ),
        ] {
            let why = || why_ignored(answer.as_bytes());
            assert_eq!(why(), Some(chinese));
            assert_eq!(Language::English.in_it(why), Some(english));
        }
        assert_eq!(why_ignored(b"OK"), None);
    }

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
