//! Who was notified of what, and when, so that nobody is twice.

use serde::{Deserialize, Serialize};

use crate::model::UnixSeconds;

const DAY_SECONDS: i64 = 24 * 3600;
/// For how long the last notice to somebody is remembered.
const KEPT_DAYS: i64 = 366;

/// The last notice of every rule to every user, of the last year.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    reminders: Vec<Reminder>,
}

/// That a user was notified of a rule, or was going to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminder {
    pub user: String,
    pub rule: String,
    /// When: just before anything was sent.
    pub at: UnixSeconds,
    pub admin: Outcome,
    /// Whether the user was; `None` where no mail was to be sent.
    pub mail: Option<Outcome>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was going to be sent, and nothing is known of that.
    Unknown,
    Delivered,
    /// It was not taken by everybody.
    Failed,
}

impl Memory {
    pub fn last(&self, user: &str, rule: &str) -> Option<&Reminder> {
        let is_it = |reminder: &&Reminder| reminder.user == user && reminder.rule == rule;
        self.reminders.iter().find(is_it)
    }

    /// Whether a user was notified of a rule in the last `days` before `now`. A clock that was set back changes nothing
    /// of that.
    pub fn is_recent(&self, user: &str, rule: &str, now: UnixSeconds, days: u16) -> bool {
        let last = self.last(user, rule);
        let seconds = u64::from(days) * DAY_SECONDS.unsigned_abs();
        last.is_some_and(|last| now.abs_diff(last.at) < seconds)
    }

    /// Remembers that somebody is going to be notified, in the place of the last time.
    pub fn remember(&mut self, reminder: Reminder) {
        self.reminders.retain(|known| {
            let is_same = known.user == reminder.user && known.rule == reminder.rule;
            !is_same && reminder.at.saturating_sub(known.at) < KEPT_DAYS * DAY_SECONDS
        });
        self.reminders.push(reminder);
    }

    /// Adds what became of a reminder, unless it is no longer the last.
    pub fn settle(&mut self, settled: &Reminder) {
        let is_it = |known: &&mut Reminder| {
            (&known.user, &known.rule, known.at) == (&settled.user, &settled.rule, settled.at)
        };
        if let Some(known) = self.reminders.iter_mut().find(is_it) {
            known.clone_from(settled);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = 1_754_006_400;

    fn reminder(user: &str, rule: &str, at: UnixSeconds) -> Reminder {
        Reminder {
            user: user.to_owned(),
            rule: rule.to_owned(),
            at,
            admin: Outcome::Unknown,
            mail: Some(Outcome::Unknown),
        }
    }

    #[test]
    fn a_user_is_notified_of_a_rule_again_after_so_many_days() {
        let mut memory = Memory::default();
        memory.remember(reminder("alice", "lab", NOW));
        let week = 7 * DAY_SECONDS;
        for (user, rule, at, is_recent) in [
            ("alice", "lab", NOW, true),
            ("alice", "lab", NOW + week - 1, true),
            ("alice", "lab", NOW + week, false),
            ("alice", "lab", NOW - week + 1, true),
            ("alice", "lab", NOW - week, false),
            ("alice", "web", NOW, false),
            ("bob", "lab", NOW, false),
        ] {
            let found = memory.is_recent(user, rule, at, 7);
            assert_eq!(found, is_recent, "{user} {rule} {at}");
        }
    }

    #[test]
    fn the_last_time_is_remembered_for_a_year_and_read_back() {
        let mut memory = Memory::default();
        memory.remember(reminder("carol", "lab", NOW - 366 * DAY_SECONDS));
        memory.remember(reminder("alice", "lab", NOW - 9 * DAY_SECONDS));
        memory.remember(reminder("bob", "lab", NOW - 8 * DAY_SECONDS));
        memory.remember(reminder("alice", "lab", NOW));
        let users: Vec<_> = memory
            .reminders
            .iter()
            .map(|of| (of.user.as_str(), of.at))
            .collect();
        assert_eq!(users, [("bob", NOW - 8 * DAY_SECONDS), ("alice", NOW)]);
        let file = serde_json::to_vec(&memory).expect("a memory");
        assert_eq!(serde_json::from_slice(&file).ok(), Some(memory));
    }

    #[test]
    fn what_became_of_a_reminder_is_added_to_that_one_alone() {
        let mut memory = Memory::default();
        memory.remember(reminder("alice", "lab", NOW));
        let delivered = |at| Reminder {
            admin: Outcome::Delivered,
            ..reminder("alice", "lab", at)
        };
        memory.settle(&delivered(NOW - 1));
        assert_eq!(memory.reminders, [reminder("alice", "lab", NOW)]);
        memory.settle(&delivered(NOW));
        assert_eq!(memory.reminders, [delivered(NOW)]);
    }
}
