//! What can go wrong between the program and a node or the API.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::bell::Bell;
use super::message::{Answer, Request};

/// Longer than any test; the bell ends it.
const FOR_EVER: Duration = Duration::from_secs(86_400);
/// What an oversized body is made of: white space, so that it is the beginning of valid JSON at any length.
static FILLING: [u8; 64 * 1024] = [b' '; 64 * 1024];

/// What goes wrong with every request to a node or the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nobody listens on the port.
    Refuse,
    /// Nothing comes back, as from a machine that is switched off.
    Unreachable,
    /// Takes the request and says nothing.
    HangBeforeHeaders,
    /// Sends the headers, and then nothing.
    HangAfterHeaders,
    /// Sends the answer one byte at a time.
    DripByte {
        /// The time between two bytes.
        every: Duration,
    },
    /// Sends half of the answer and resets the connection. The kernel does so (RST instead of FIN) because the request is still
    /// unread in the socket when it is closed; the client may therefore lose also some of what was sent before.
    ResetMidBody,
    /// Closes the connection in good order, without a byte.
    CloseWithoutAnswer,
    /// A whole HTTP answer, with half of the JSON.
    TruncatedJson,
    /// An HTML page with status 200.
    NotJson,
    /// JSON with status 200, of a shape that nobody expects.
    OtherShape,
    /// A body of this size, made while it is sent.
    Oversize {
        /// Size of the body.
        bytes: usize,
        /// In chunks, so that the client does not know the size beforehand.
        chunked: bool,
    },
    /// Another status than 200.
    Status {
        /// The status.
        code: u16,
        /// What is sent with it, as plain text.
        body: String,
    },
    /// Another status than 200, for the first requests only.
    StatusTimes {
        /// The status.
        code: u16,
        /// How many requests fail; the next ones succeed.
        times: usize,
    },
    /// 503 for the first request, and a plea for a pause of so many seconds.
    RetryAfter(u64),
    /// Answers so many requests well, and every further one with an error.
    StatusAfter {
        /// The HTTP status.
        code: u16,
        /// How many answers are well.
        times: usize,
    },
    /// Redirects to the same place by https, with this status.
    RedirectToHttps(u16),
    /// Redirects to itself.
    RedirectLoop,
    /// Answers well and promises to keep the connection open, and closes it.
    CloseIdle,
}

impl Fault {
    /// Another status than 200, with this text.
    pub fn status(code: u16, body: &str) -> Self {
        let body = body.to_owned();
        Self::Status { code, body }
    }
}

/// How a server behaves, whatever it answers.
#[derive(Clone, Debug, Default)]
pub(super) struct Conduct {
    pub fault: Option<Fault>,
    pub latency: Duration,
    /// Seconds by which the clock is ahead of the machine's.
    pub clock_ahead: i64,
    /// Whether answers have no `Date`.
    pub omits_date: bool,
}

impl Conduct {
    /// What the server takes for now, in Unix seconds.
    pub fn clock(&self) -> i64 {
        Utc::now().timestamp() + self.clock_ahead
    }

    /// The header lines that every answer has, unless a fault has taken its place.
    pub fn headers(&self) -> String {
        if self.omits_date {
            return String::new();
        }
        let now = DateTime::from_timestamp(self.clock(), 0).expect("a time within the calendar");
        format!("Date: {}\r\n", now.format("%a, %d %b %Y %H:%M:%S GMT"))
    }

    /// See [`Fault::ResetMidBody`].
    pub fn leaves_input_unread(&self) -> bool {
        self.fault == Some(Fault::ResetMidBody)
    }

    /// Sends the answer to the server's request `number` (from 1), or what the fault makes of it; whether the connection can
    /// take another request.
    pub fn send(
        &self,
        mut stream: &TcpStream,
        request: &Request,
        number: usize,
        answer: &Answer,
        keep_alive: bool,
        bell: &Bell,
    ) -> io::Result<bool> {
        bell.sleep(self.latency);
        let bytes = match &self.fault {
            Some(Fault::Refuse | Fault::Unreachable | Fault::CloseWithoutAnswer) => {
                return Ok(false);
            }
            Some(Fault::HangBeforeHeaders) => {
                bell.sleep(FOR_EVER);
                return Ok(false);
            }
            Some(Fault::HangAfterHeaders) => {
                let bytes = answer.bytes(keep_alive);
                stream.write_all(&bytes[..bytes.len() - answer.body.len()])?;
                bell.sleep(FOR_EVER);
                return Ok(false);
            }
            Some(Fault::DripByte { every }) => {
                for byte in answer.bytes(keep_alive) {
                    stream.write_all(&[byte])?;
                    bell.sleep(*every);
                }
                return Ok(keep_alive);
            }
            Some(Fault::ResetMidBody) => {
                let bytes = answer.bytes(keep_alive);
                stream.write_all(&bytes[..bytes.len() - answer.body.len() / 2])?;
                return Ok(false);
            }
            Some(Fault::Oversize { bytes, chunked }) => {
                return send_oversize(stream, *bytes, *chunked).map(|()| false);
            }
            Some(Fault::CloseIdle) => {
                stream.write_all(&answer.bytes(true))?;
                return Ok(false);
            }
            Some(Fault::StatusTimes { times, .. }) if number > *times => answer.bytes(keep_alive),
            Some(Fault::RetryAfter(_)) if number > 1 => answer.bytes(keep_alive),
            Some(Fault::RetryAfter(seconds)) => {
                let mut busy = Answer::text(503, "busy");
                busy.more_headers = format!("Retry-After: {seconds}\r\n");
                busy.bytes(keep_alive)
            }
            Some(Fault::StatusAfter { times, .. }) if number <= *times => answer.bytes(keep_alive),
            Some(Fault::StatusAfter { code, .. }) => {
                Answer::text(*code, "no more").bytes(keep_alive)
            }
            Some(Fault::StatusTimes { code, .. }) => {
                Answer::text(*code, "not this time").bytes(keep_alive)
            }
            Some(Fault::Status { code, body }) => Answer::text(*code, body).bytes(keep_alive),
            Some(Fault::TruncatedJson) => {
                Answer::json(&answer.body[..answer.body.len() / 2]).bytes(keep_alive)
            }
            Some(Fault::NotJson) => Answer::new(
                200,
                "text/html; charset=utf-8",
                "<!DOCTYPE html><title>Login</title>",
            )
            .bytes(keep_alive),
            Some(Fault::OtherShape) => {
                Answer::json(r#"{"data":7,"status":["ok"]}"#).bytes(keep_alive)
            }
            Some(Fault::RedirectToHttps(code)) => {
                let mut redirect = Answer::text(*code, "");
                let target = &request.target;
                redirect.more_headers = format!("Location: https://127.0.0.1{target}\r\n");
                redirect.bytes(keep_alive)
            }
            Some(Fault::RedirectLoop) => {
                let mut redirect = Answer::text(302, "");
                redirect.more_headers = format!("Location: {}\r\n", request.target);
                redirect.bytes(keep_alive)
            }
            None => answer.bytes(keep_alive),
        };
        stream.write_all(&bytes)?;
        Ok(keep_alive)
    }
}

/// Sends `{`, and white space until there are so many bytes.
fn send_oversize(mut stream: &TcpStream, bytes: usize, chunked: bool) -> io::Result<()> {
    let framing = if chunked {
        "Transfer-Encoding: chunked".to_owned()
    } else {
        format!("Content-Length: {bytes}")
    };
    stream.write_all(Answer::json("").head(false, &framing).as_bytes())?;
    let mut send = |part: &[u8]| {
        if !chunked {
            return stream.write_all(part);
        }
        write!(stream, "{:x}\r\n", part.len())?;
        stream.write_all(part)?;
        stream.write_all(b"\r\n")
    };
    send(b"{")?;
    let mut left = bytes.saturating_sub(1);
    while left > 0 {
        let part = left.min(FILLING.len());
        send(&FILLING[..part])?;
        left -= part;
    }
    if chunked {
        stream.write_all(b"0\r\n\r\n")
    } else {
        Ok(())
    }
}
