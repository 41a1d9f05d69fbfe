//! A day's answer as it is kept, for runs that cannot or shall not ask again, with the tasks that it had before.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::answer::{self, Entries};
use crate::model::{Answer, KeptAnswer, UnixSeconds, Window};
use crate::settings::regular_file::LIMIT_BYTES;

/// The form of the file. The answer is the API's own, so that a later version can read more from it.
#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    fetched_at: UnixSeconds,
    /// The day that it was asked for.
    start: UnixSeconds,
    end: UnixSeconds,
    /// When an answer last had them, of the entries at the head of `answer` that the newest does not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    last_named: Vec<UnixSeconds>,
    #[serde(borrow)]
    answer: &'a RawValue,
}

impl<'a> Kept<'a> {
    fn read(file: &'a [u8], window: &Window) -> Option<Self> {
        let kept: Self = serde_json::from_slice(file).ok()?;
        ((kept.start, kept.end) == (window.start, window.end)).then_some(kept)
    }

    fn entries(&self) -> Option<Vec<(String, &'a RawValue)>> {
        let Entries(entries) = serde_json::from_str(self.answer.get()).ok()?;
        Some(entries)
    }
}

/// The answer to a question of `asked_at`, which was read from `body`, together with the tasks that it lacks and the
/// `earlier` file has; and the file that keeps both. Where the two are more than can be read again, it is the new answer
/// alone, and no file.
pub fn unite(
    answer: Answer,
    body: &[u8],
    window: &Window,
    asked_at: UnixSeconds,
    earlier: Option<&[u8]>,
) -> (Answer, Option<Vec<u8>>) {
    let kept = earlier.and_then(|file| Kept::read(file, window));
    let gone = kept.map(|kept| gone(&kept, &answer)).unwrap_or_default();
    let body = String::from_utf8_lossy(body);
    if gone.is_empty() {
        let file = file(&body, Vec::new(), window, asked_at);
        return (answer, Some(file));
    }
    let mut united = String::from("{");
    for (id, record, _) in &gone {
        let _ = write!(united, "{}:{record},", serde_json::Value::from(&**id));
    }
    // An answer is an object.
    let rest = body.trim_start().strip_prefix('{').unwrap_or("}");
    if rest.trim_start().starts_with('}') {
        united.pop();
    }
    united.push_str(rest);
    let last_named: Vec<_> = gone.iter().map(|(_, _, stamp)| *stamp).collect();
    let whole = serde_json::from_str(&united).ok();
    let whole = whole.and_then(|Entries(all)| answer::read_records(all, &last_named).ok());
    let Some(whole) = whole else {
        return (answer, None);
    };
    let file = file(&united, last_named, window, asked_at);
    if file.len() as u64 > LIMIT_BYTES {
        return (answer, None);
    }
    (whole, Some(file))
}

fn file(
    answer: &str,
    last_named: Vec<UnixSeconds>,
    window: &Window,
    fetched_at: UnixSeconds,
) -> Vec<u8> {
    let kept = Kept {
        fetched_at,
        start: window.start,
        end: window.end,
        last_named,
        answer: serde_json::from_str(answer).expect("it was read as JSON"),
    };
    serde_json::to_vec(&kept).expect("it has no key but text")
}

/// The kept tasks that the new answer does not have, by id, each with when an answer last had it. An entry that the
/// new answer has and that cannot be read does not take the place of one that could.
fn gone<'a>(kept: &Kept<'a>, new: &Answer) -> Vec<(String, &'a RawValue, UnixSeconds)> {
    /// How many entries of the new answer one id has.
    #[derive(Clone, Copy, Default)]
    struct New {
        tasks: usize,
        malformed: usize,
    }
    let mut counts: HashMap<&str, New> = HashMap::new();
    for task in &new.tasks {
        counts.entry(&task.id).or_default().tasks += 1;
    }
    for task in &new.malformed {
        counts.entry(&task.id).or_default().malformed += 1;
    }
    let tasks = new.tasks.iter();
    let tasks: HashSet<_> = tasks
        .map(|task| (&*task.id, &*task.username, task.start.unix()))
        .collect();
    let entries = kept.entries().unwrap_or_default();
    let line = |id: &str| answer::one_line(id.to_owned());
    let mut kept_counts: HashMap<String, usize> = HashMap::new();
    for (id, _) in &entries {
        *kept_counts.entry(line(id)).or_default() += 1;
    }
    let is_gone = |id: &str, record| {
        let line = line(id);
        let New {
            tasks: named,
            malformed,
        } = counts.get(&*line).copied().unwrap_or_default();
        match answer::read_task(&line, record) {
            Err(_) => named + malformed == 0 && answer::is_task(record),
            Ok(_) if named == 0 => true,
            // The newer of two records of one task.
            Ok(_) if (named + malformed, kept_counts[&line]) == (1, 1) => false,
            // Of several under one id, the one that begins alike and is the same user's is the same.
            Ok((old, _)) => !tasks.contains(&(&*line, &*old.username, old.start.unix())),
        }
    };
    let mut gone = Vec::new();
    for (position, (id, record)) in entries.into_iter().enumerate() {
        if is_gone(&id, record) {
            let stamp = kept.last_named.get(position);
            gone.push((id, record, stamp.copied().unwrap_or(kept.fetched_at)));
        }
    }
    gone
}

/// Reads the file back. `None` where it is none, or was kept for a day of another zone.
pub fn recall(file: &[u8], window: &Window) -> Option<KeptAnswer> {
    let kept = Kept::read(file, window)?;
    let answer = answer::read_records(kept.entries()?, &kept.last_named).ok()?;
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
        let file = keep(body, &window(Tz::UTC), 77);
        let kept = recall(&file, &window(Tz::UTC)).expect("an answer");
        assert_eq!((kept.fetched_at, kept.answer.tasks.len()), (77, 1));
        assert!(recall(&file, &window(Asia::Taipei)).is_none());
        assert!(recall(b"{", &window(Tz::UTC)).is_none());
    }

    fn keep(body: &[u8], window: &Window, asked_at: UnixSeconds) -> Vec<u8> {
        let answer = answer::read(body).expect("an answer");
        let (_, file) = unite(answer, body, window, asked_at, None);
        file.expect("a file")
    }

    /// A task by id and user.
    fn entry(id: &str, user: &str) -> String {
        format!(r#""{id}": {{"username": "{user}", "start": "Fri, 01 Aug 2025 00:00:0{id} GMT"}}"#)
    }

    /// The tasks after each of these answers, of which the first is of second 1: by user and by when each was last
    /// in an answer that is not the last one.
    fn after(answers: &[String]) -> Vec<(String, Option<UnixSeconds>)> {
        let window = window(Tz::UTC);
        let mut file: Option<Vec<u8>> = None;
        let mut tasks = Vec::new();
        for (asked_at, answer) in (1..).zip(answers) {
            let body = format!(" {{{answer}}} ").into_bytes();
            let read = answer::read(&body).expect("an answer");
            let (united, kept) = unite(read, &body, &window, asked_at, file.as_deref());
            let kept = kept.expect("a file");
            let recalled = recall(&kept, &window).expect("an answer").answer;
            assert_eq!(recalled.tasks, united.tasks);
            assert_eq!(recalled.malformed, united.malformed);
            tasks = united.tasks;
            file = Some(kept);
        }
        let tasks = tasks.into_iter();
        tasks.map(|task| (task.username, task.last_named)).collect()
    }

    fn described(tasks: &[(&str, Option<UnixSeconds>)]) -> Vec<(String, Option<UnixSeconds>)> {
        let tasks = tasks.iter();
        tasks
            .map(|&(user, last_named)| (user.to_owned(), last_named))
            .collect()
    }

    #[test]
    fn a_task_that_was_once_answered_stays_with_when_it_was() {
        let (alice, bob) = (entry("1", "alice"), entry("2", "bob"));
        let both = format!("{alice}, {bob}");
        let gone = [both.clone(), bob.clone(), String::new()];
        assert_eq!(
            after(&gone[..2]),
            described(&[("alice", Some(1)), ("bob", None)])
        );
        assert_eq!(
            after(&gone),
            described(&[("alice", Some(1)), ("bob", Some(2))])
        );
        let back = [both.clone(), bob, both];
        assert_eq!(after(&back), described(&[("alice", None), ("bob", None)]));
    }

    #[test]
    fn the_newer_of_two_answers_of_one_task_wins() {
        let answers = [entry("1", "alice"), entry("1", "bob")];
        assert_eq!(after(&answers), described(&[("bob", None)]));
    }

    #[test]
    fn what_cannot_be_read_takes_no_tasks_place() {
        let broken = format!(r#""1": {{"gpus": 7}}, {}"#, entry("2", "bob"));
        let answers = [entry("1", "alice"), broken, entry("2", "bob")];
        let alice = described(&[("alice", Some(1)), ("bob", None)]);
        assert_eq!(after(&answers[..2]), alice);
        assert_eq!(after(&answers), alice);
        let mended = [answers[1].clone(), entry("1", "alice")];
        assert_eq!(
            after(&mended),
            described(&[("alice", None), ("bob", Some(1))])
        );
    }

    #[test]
    fn of_two_tasks_with_one_id_the_one_that_goes_stays() {
        let twice = format!("{}, {}", entry("1", "alice"), entry("1", "bob"));
        let answers = [twice.clone(), entry("1", "bob")];
        assert_eq!(
            after(&answers),
            described(&[("alice", Some(1)), ("bob", None)])
        );
        let again = [twice.clone(), twice];
        assert_eq!(after(&again), described(&[("alice", None), ("bob", None)]));
    }

    #[test]
    fn of_several_tasks_with_one_id_none_takes_the_place_of_another() {
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(|user| entry("1", user));
        let answers = [format!("{alice}, {bob}"), format!("{alice}, {carol}")];
        let all = [("bob", Some(1)), ("alice", None), ("carol", None)];
        assert_eq!(after(&answers), described(&all));
        // One of the new ones cannot be read, and may be alice's.
        let answers = [alice, format!(r#"{bob}, "1": {{"gpus": 7}}"#)];
        assert_eq!(
            after(&answers),
            described(&[("alice", Some(1)), ("bob", None)])
        );
    }

    #[test]
    fn a_start_that_is_worded_otherwise_is_the_same() {
        let twice = format!("{}, {}", entry("1", "alice"), entry("1", "bob"));
        let worded = twice.replace("GMT", "+0000");
        let both = described(&[("alice", None), ("bob", None)]);
        assert_eq!(after(&[twice, worded]), both);
    }

    #[test]
    fn many_under_one_id_are_compared_in_no_time() {
        let all = (0..20_000).map(|user| entry("1", &format!("u{user}")));
        let all = all.collect::<Vec<_>>().join(",");
        let tasks = after(&[all.clone(), all]);
        assert_eq!(tasks.len(), 20_000);
        assert!(tasks.iter().all(|(_, last_named)| last_named.is_none()));
    }

    #[test]
    fn what_could_not_be_read_again_is_not_kept() {
        let body = |ids: std::ops::Range<usize>| {
            let entries = ids.map(|id| format!(r#""{id}": {{"username": "u"}}"#));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(",")).into_bytes()
        };
        let window = window(Tz::UTC);
        let earlier = keep(&body(0..60_000), &window, 1);
        let new = body(60_000..120_000);
        let read = answer::read(&new).expect("an answer");
        let (answer, file) = unite(read, &new, &window, 2, Some(&earlier));
        assert_eq!((answer.tasks.len(), file), (60_000, None));
    }

    #[test]
    fn a_file_of_an_earlier_version_is_united_and_the_new_one_has_its_form() {
        let old = r#"{"fetched_at":5,"start":1754006400,"end":1754092800,"answer":{"1":{"username":"alice"}}}"#;
        let window = window(Tz::UTC);
        let body = br#"{"2":{"username":"bob"}}"#;
        let read = answer::read(body).expect("an answer");
        let (_, file) = unite(read, body, &window, 9, Some(old.as_bytes()));
        let expected = r#"{"fetched_at":9,"start":1754006400,"end":1754092800,"last_named":[5],"answer":{"1":{"username":"alice"},"2":{"username":"bob"}}}"#;
        assert_eq!(
            String::from_utf8(file.expect("a file")).expect("UTF-8"),
            expected
        );
    }
}
