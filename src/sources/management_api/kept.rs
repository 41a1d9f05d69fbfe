//! A day's answer as it is kept, for runs that cannot or shall not ask again.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::answer;
use crate::model::{KeptAnswer, UnixSeconds, Window};

/// The form of the file. The answer is the API's own, so that a later version can read more from it.
#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    fetched_at: UnixSeconds,
    /// The day that it was asked for.
    start: UnixSeconds,
    end: UnixSeconds,
    #[serde(borrow)]
    answer: &'a RawValue,
}

/// The contents of the file that keeps `body`, or `None` where that is not JSON.
pub fn keep(body: &[u8], window: &Window, fetched_at: UnixSeconds) -> Option<Vec<u8>> {
    let answer: &RawValue = serde_json::from_slice(body).ok()?;
    let (start, end) = (window.start, window.end);
    serde_json::to_vec(&Kept {
        fetched_at,
        start,
        end,
        answer,
    })
    .ok()
}

/// Reads the file back. `None` where it is none, or was kept for a day of another zone.
pub fn recall(file: &[u8], window: &Window) -> Option<KeptAnswer> {
    let kept: Kept = serde_json::from_slice(file).ok()?;
    if (kept.start, kept.end) != (window.start, window.end) {
        return None;
    }
    let answer = answer::read(kept.answer.get().as_bytes()).ok()?;
    Some(KeptAnswer {
        answer,
        fetched_at: kept.fetched_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Interval;
    use chrono_tz::{Asia, Tz};

    fn window(zone: Tz) -> Window {
        let date = "2025-08-01".parse().expect("a date");
        Window::new(date, zone, Interval::DEFAULT, 2_000_000_000).expect("a window")
    }

    #[test]
    fn an_answer_is_recalled_for_the_day_that_it_was_kept_for() {
        let body = br#"{"t1": {"username": "alice", "hostname": "n", "gpus": [{"id": 1}]}}"#;
        let file = keep(body, &window(Tz::UTC), 77).expect("a file");
        let kept = recall(&file, &window(Tz::UTC)).expect("an answer");
        assert_eq!((kept.fetched_at, kept.answer.tasks.len()), (77, 1));
        assert!(recall(&file, &window(Asia::Taipei)).is_none());
        assert!(recall(b"{", &window(Tz::UTC)).is_none());
        assert!(keep(b"<html>", &window(Tz::UTC), 77).is_none());
    }
}
