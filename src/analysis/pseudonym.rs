//! Names that stand for the names of people, so that a report can leave the house: each is the same in every report of
//! one data directory, and without its key nobody can find out whose it is, not even by trying every name.
//!
//! Hosts, models of GPUs, UUIDs, types and times stay: the first, the second and the types are words of whoever runs the
//! cluster, and the others are written anew or left out where they are not what they should be. Task ids do not stay:
//! whoever may ask the management system about an id learns the name at once.

use std::fmt::{self, Write};

use chrono::DateTime;
use ring::hmac;

use crate::model::{Answer, Both, GpuUuid, MalformedTask, Task, TaskGpu, TaskTime, text};

/// What stands for text that may hold a name.
pub fn withheld() -> &'static str {
    text("內容因 --anonymize 而略去", "withheld by --anonymize")
}

/// How many bytes a key has: as many as the hash gives.
pub const KEY_BYTES: usize = 32;
/// How many bytes of the hash a pseudonym shows. Among a million names, two are alike with a probability of 3 in 10⁸.
const SHOWN_BYTES: usize = 8;

/// What the pseudonyms of users begin with. No two kinds of names share one.
const USER: &str = "user-";

pub struct Pseudonyms(hmac::Key);

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms(redacted)")
    }
}

impl Pseudonyms {
    pub fn new(key: &[u8; KEY_BYTES]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    fn of(&self, prefix: &str, name: &str) -> String {
        let mut pseudonym = prefix.to_owned();
        // No prefix begins another, so that no two kinds hash the same text.
        let hash = hmac::sign(&self.0, format!("{pseudonym}{name}").as_bytes());
        for byte in &hash.as_ref()[..SHOWN_BYTES] {
            let _ = write!(pseudonym, "{byte:02x}");
        }
        pseudonym
    }

    pub fn user(&self, name: &str) -> String {
        self.of(USER, name)
    }

    pub fn project(&self, uuid: &str) -> String {
        self.of("project-", uuid)
    }

    /// That of a user who is named by name or by pseudonym.
    pub fn user_meant_by(&self, given: &str) -> String {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_pseudonym = given
            .strip_prefix(USER)
            .is_some_and(|digits| digits.len() == 2 * SHOWN_BYTES && digits.bytes().all(is_digit));
        if is_pseudonym {
            given.to_owned()
        } else {
            self.user(given)
        }
    }

    /// An answer of the management API in which no name is left, nor any text that could be one.
    pub fn answer(&self, answer: Answer) -> Answer {
        let Answer {
            tasks,
            malformed,
            repeated,
            misdated,
        } = answer;
        let misdated = misdated.iter().map(|id| self.of("task-", id));
        let repeated = repeated.iter().map(|id| self.of("task-", id));
        let malformed = malformed.into_iter().map(|task| MalformedTask {
            id: self.of("task-", &task.id),
            // It quotes the record.
            problem: Both::of(withheld),
        });
        Answer {
            tasks: tasks.into_iter().map(|task| self.task(task)).collect(),
            malformed: malformed.collect(),
            repeated: repeated.collect(),
            misdated: misdated.collect(),
        }
    }

    fn task(&self, task: Task) -> Task {
        // Every field by name, so that a new one is not forgotten.
        let Task {
            id,
            username,
            hostname,
            gpus,
            unlisted_gpus,
            kind,
            project_uuid,
            image,
            owner,
            create_time,
            start,
            end,
            total_seconds,
            position,
            last_named,
        } = task;
        Task {
            id: self.of("task-", &id),
            // Of a task without GPUs there may be none.
            username: if username.is_empty() {
                username
            } else {
                self.user(&username)
            },
            hostname,
            gpus: gpus.into_iter().map(gpu_without_text).collect(),
            unlisted_gpus,
            kind,
            project_uuid: project_uuid.map(|project| self.project(&project)),
            image: image.map(|image| self.of("image-", &image)),
            owner: owner.map(|owner| self.user(&owner)),
            create_time: without_text(&create_time),
            start: without_text(&start),
            end: without_text(&end),
            total_seconds,
            position,
            last_named,
        }
    }
}

/// A UUID that is none can be any text, and so can that of a GPU that is not AMD's.
fn gpu_without_text(gpu: TaskGpu) -> TaskGpu {
    let TaskGpu {
        id,
        uuid,
        name,
        memory,
    } = gpu;
    let uuid = uuid.map(|uuid| match GpuUuid::parse(&uuid) {
        Some(GpuUuid::Amd(_)) => uuid,
        Some(GpuUuid::Text(_)) | None => withheld().to_owned(),
    });
    TaskGpu {
        id,
        uuid,
        name,
        memory,
    }
}

/// A time that is none can be any text, and one can have any text in its comment.
pub fn without_text(time: &TaskTime) -> TaskTime {
    match time {
        TaskTime::Absent => TaskTime::Absent,
        TaskTime::Never => TaskTime::Never,
        TaskTime::At { unix, .. } => TaskTime::At {
            unix: *unix,
            text: DateTime::from_timestamp(*unix, 0).map_or_else(
                || withheld().to_owned(),
                |moment| moment.format("%a, %d %b %Y %H:%M:%S GMT").to_string(),
            ),
        },
        TaskTime::Unreadable(_) => TaskTime::Unreadable(withheld().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pseudonym_is_the_keyed_hash_of_the_kind_and_the_name() {
        // printf 'user-alice' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0707…07
        let pseudonyms = Pseudonyms::new(&[7; KEY_BYTES]);
        assert_eq!(pseudonyms.user("alice"), "user-b06a332429635ae2");
        assert_eq!(pseudonyms.of("image-", "alice"), "image-1b4a998e2d1ee38b");
    }

    #[test]
    fn a_user_is_meant_by_name_or_by_pseudonym() {
        let pseudonyms = Pseudonyms::new(&[7; KEY_BYTES]);
        let alice = pseudonyms.user("alice");
        assert_eq!(pseudonyms.user_meant_by("alice"), alice);
        assert_eq!(pseudonyms.user_meant_by(&alice), alice);
        for name in ["user-1", "user-00112233445566zz", "user-00112233445566FF"] {
            assert_eq!(pseudonyms.user_meant_by(name), pseudonyms.user(name));
        }
    }

    #[test]
    fn the_key_is_never_shown() {
        let shown = format!("{:?}", Pseudonyms::new(&[7; KEY_BYTES]));
        assert_eq!(shown, "Pseudonyms(redacted)");
    }

    proptest! {
        #[test]
        fn names_have_the_same_pseudonym_if_and_only_if_they_are_the_same(
            name in "\\PC{0,12}", other in "\\PC{0,12}", key: [u8; KEY_BYTES], another: [u8; KEY_BYTES],
        ) {
            let pseudonyms = Pseudonyms::new(&key);
            prop_assert_eq!(pseudonyms.user(&name), Pseudonyms::new(&key).user(&name));
            prop_assert_eq!(pseudonyms.user(&name) == pseudonyms.user(&other), name == other);
            prop_assert_eq!(Pseudonyms::new(&another).user(&name) == pseudonyms.user(&name), key == another);
        }
    }
}
