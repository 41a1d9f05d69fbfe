//! Running `check`, and what of its findings does not depend on the machine and the hour.

use super::{Day, Outcome, World};

impl World {
    /// Runs `check` where it is past noon, so that half of today is due.
    #[must_use]
    #[track_caller]
    pub(crate) fn check(&self, arguments: &[&str]) -> Outcome {
        self.check_with(arguments, &[])
    }

    /// [`World::check`], with environment variables.
    #[must_use]
    #[track_caller]
    pub(crate) fn check_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Outcome {
        let day = Day::now_in_hour(12);
        let zone = day.zone.name();
        let arguments = [&["check", "--timezone", zone], arguments].concat();
        let mut outcome = self.run_with(&arguments, variables);
        outcome.stdout = without_zone(&outcome.stdout, &day);
        outcome
    }
}

/// The text with words in the place of today's date, its zone, ports of loopback and free space.
fn without_zone(text: &str, day: &Day) -> String {
    let text = text
        .replace(&day.date(), "DATE")
        .replace(day.zone.name(), "ZONE");
    let (mut parts, mut masked) = (text.split("http://127.0.0.1:"), String::new());
    masked.push_str(parts.next().unwrap_or_default());
    for part in parts {
        masked.push_str("http://loopback");
        masked.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    let line = |line: &str| match line.split_once("，可用空間 ") {
        Some((before, _)) if line.starts_with("正常：") => format!("{before}，可用空間 FREE\n"),
        _ => format!("{line}\n"),
    };
    masked.lines().map(line).collect()
}
