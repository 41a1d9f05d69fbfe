//! Whether what the management API counts agrees with the times that it gives.

use super::holding::Span;
use crate::model::{Capped, Held, Task, UnixSeconds, Window};

const TOLERANCE_SECONDS: u64 = 60;

/// The tasks of which the API counts another time within the day than lies between their start and end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differing {
    pub tasks: Capped<String, 20>,
    /// By how much, at most.
    pub most_seconds: u64,
}

/// A task that begins after now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Early {
    pub task: String,
    pub seconds: u64,
}

/// Of an answer that was given at some time in `asked`.
pub fn differing(
    tasks: &[Task],
    window: &Window,
    asked: (UnixSeconds, UnixSeconds),
) -> Option<Differing> {
    let mut differing = Differing::default();
    for task in tasks.iter().filter(|task| !task.gpus.is_empty()) {
        let (Some(counted), None, Ok(held)) = (task.total_seconds, task.last_named, task.held())
        else {
            continue;
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it saturates"
        )]
        let counted = counted as u64;
        let [least, most] = [asked.0, asked.1].map(|now| overlap(held, window, now));
        let seconds = least
            .saturating_sub(counted)
            .max(counted.saturating_sub(most));
        if seconds > TOLERANCE_SECONDS {
            differing.tasks.push_with(|| task.id.clone());
            differing.most_seconds = differing.most_seconds.max(seconds);
        }
    }
    (!differing.tasks.is_empty()).then_some(differing)
}

fn overlap(held: Option<Held>, window: &Window, now: UnixSeconds) -> u64 {
    let span = held.and_then(|Held { from, to }| {
        let to = to.map_or(now, |to| to.min(now));
        Span::new(from.max(window.start), to.min(window.end))
    });
    span.map_or(0, Span::seconds)
}

/// The task with the newest start, if that lies after `now`.
pub fn early(tasks: &[Task], now: UnixSeconds) -> Option<Early> {
    let starts = tasks
        .iter()
        .filter_map(|task| Some((task.start.unix()?, task)));
    let (start, task) = starts.max_by_key(|(start, _)| *start)?;
    let seconds = u64::try_from(start - now).unwrap_or(0);
    let task = task.id.clone();
    (seconds > TOLERANCE_SECONDS).then_some(Early { task, seconds })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Interval;
    use crate::sources::management_api::kept;
    use chrono_tz::Tz;

    const HOUR: i64 = 3600;

    fn window() -> Window {
        let date = "2025-08-01".parse().expect("a date");
        Window::new(date, Tz::UTC, Interval::DEFAULT, 2_000_000_000).expect("a window")
    }

    /// By how much the total of a task of these hours differs, asked at this hour or the next.
    fn difference(start: &str, end: &str, total: i64, asked: i64) -> Option<u64> {
        let window = window();
        let (from, to) = (window.start, window.end);
        let file = format!(
            r#"{{"fetched_at":{to},"start":{from},"end":{to},"answer":{{"1":{{"username":"a","hostname":"n",
                "gpus":[{{"id":1}}],"start":"2025-08-01T{start}:00:00Z","end":{end},"total_seconds":{total}}}}}}}"#
        );
        let kept = kept::recall(file.as_bytes(), &window).expect("an answer");
        let asked = from + asked * HOUR;
        let differing = differing(&kept.answer.tasks, &window, (asked, asked + HOUR));
        differing.map(|differing| differing.most_seconds)
    }

    #[test]
    fn a_total_that_differs_from_the_times_by_more_than_a_minute_is_found() {
        assert_eq!(difference("00", "null", 86_399, 24), None);
        assert_eq!(difference("09", "null", 53_999, 24), None);
        assert_eq!(difference("17", "null", 15 * HOUR, 24), Some(8 * 3600));
        assert_eq!(
            difference("00", "\"2025-08-02T09:00:00Z\"", HOUR, 24),
            Some(23 * 3600)
        );
        assert_eq!(
            difference("00", "\"2025-08-01T09:00:00Z\"", 9 * HOUR - 60, 24),
            None
        );
        assert_eq!(
            difference("00", "\"2025-08-01T09:00:00Z\"", 9 * HOUR + 61, 24),
            Some(61)
        );
        for total in [10 * HOUR, 11 * HOUR] {
            assert_eq!(
                difference("00", "null", total, 10),
                None,
                "while the day runs"
            );
        }
        assert_eq!(difference("00", "null", 12 * HOUR, 10), Some(3600));
        assert_eq!(
            difference("09", "\"2025-08-01T08:59:59Z\"", HOUR, 24),
            Some(3600)
        );
    }
}
