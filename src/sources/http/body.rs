//! The bodies of answers: one that is wanted is read whole, of others the beginning.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use reqwest::blocking::Response;
use reqwest::header::LOCATION;

use super::error::{BODY_LIMIT_BYTES, HttpError, from_read};
use super::in_flight::Room;
use crate::model::{quote, said};

/// How much of an answer is read without waiting for room: many times a usual day, so that no large answer of one
/// server holds up the others.
const FREE_BYTES: usize = 1 << 20;
/// How much of an error's body is read.
const QUOTE_BYTES: u64 = 800;
/// How much is read of the answer to a message: a refusal in JSON is understood only as a whole.
const REPLY_BYTES: u64 = 64 << 10;
/// Waits for room that are shorter are not why an answer came too late.
const NOTABLE_WAIT: Duration = Duration::from_millis(100);

/// The whole of a body, for the rest of which room is waited for once it is no usual one. The time of the wait is part
/// of the `timeout` that the request has.
pub fn read_body(
    response: Response,
    limit: usize,
    deadline: Instant,
    timeout: Duration,
) -> Result<(Vec<u8>, Room), HttpError> {
    let broken = |error| from_read(&error, timeout);
    let announced = usize::try_from(response.content_length().unwrap_or(0));
    let Some(announced) = announced.ok().filter(|&bytes| bytes <= BODY_LIMIT_BYTES) else {
        return Err(HttpError::TooLarge);
    };
    let mut body = Vec::with_capacity(announced.min(FREE_BYTES));
    let mut response = response.take(BODY_LIMIT_BYTES as u64 + 1);
    let mut start = response.by_ref().take(FREE_BYTES as u64);
    start.read_to_end(&mut body).map_err(broken)?;
    if body.len() < FREE_BYTES {
        return Ok((body, Room::default()));
    }
    let most = if announced == 0 {
        BODY_LIMIT_BYTES + 1
    } else {
        announced
    };
    let begun = Instant::now();
    let room = Room::wait_for(most - FREE_BYTES, limit, deadline);
    let waited = begun.elapsed();
    let room = room.ok_or(HttpError::NoRoom { waited })?;
    // So much at once is given back to the system when it is freed (mallopt(3), M_MMAP_THRESHOLD), and what is not
    // written takes no memory.
    body.reserve_exact(BODY_LIMIT_BYTES + 1);
    let rest = response.read_to_end(&mut body).map_err(broken);
    rest.map_err(|error| match error {
        // Without the wait there might have been time enough.
        HttpError::Timeout { .. } if waited >= NOTABLE_WAIT => HttpError::NoRoom { waited },
        error => error,
    })?;
    if body.len() > BODY_LIMIT_BYTES {
        return Err(HttpError::TooLarge);
    }
    Ok((body, room))
}

/// The beginning of the answer to a message. One that breaks off says less, but the status stands.
pub fn read_reply(response: Response) -> Vec<u8> {
    read_start(response, REPLY_BYTES)
}

fn read_start(response: Response, bytes: u64) -> Vec<u8> {
    let mut start = Vec::new();
    let _: io::Result<_> = response.take(bytes).read_to_end(&mut start);
    start
}

/// The reason in an unsuccessful answer: where it redirects to, or the beginning of a text body.
pub fn detail(response: Response) -> String {
    if let Some(location) = response.headers().get(LOCATION) {
        let location = String::from_utf8_lossy(location.as_bytes());
        let location = quoted(&location);
        return said!("，轉址到 {location}", ", redirected to {location}");
    }
    let start = read_start(response, QUOTE_BYTES);
    match quoted(&String::from_utf8_lossy(&start)).trim() {
        "" => String::new(),
        text => said!("：{text}", ": {text}"),
    }
}

/// One line with the beginning of what a server says, and a mark where there is more.
fn quoted(text: &str) -> String {
    quote(text.trim_end())
}
