//! The systemd service and the crontab in `scripts/`, which `scripts/check_units.sh` has systemd and cron read.

use chrono::{Days, Utc};
use pretty_assertions::assert_eq;

use crate::support::Lab;

const SERVICE: &str = include_str!("../../scripts/daily-gpu-log.service");
const CRONTAB: &str = include_str!("../../scripts/daily-gpu-log.crontab");
const INSTALLED: &str = "daily-gpu-log ";
const DATA_DIR: &str = "/var/lib/daily-gpu-log";

/// What systemd runs.
fn line_of_service() -> &'static str {
    let mut lines = SERVICE.lines();
    let line = lines.find_map(|line| line.strip_prefix("ExecStart="));
    line.expect("the service runs something")
}

/// What cron runs: what follows the five fields of the time.
fn line_of_crontab() -> &'static str {
    let mut lines = CRONTAB.lines().filter(|line| !line.starts_with('#'));
    // Cron's own path has no /usr/local/bin.
    assert_eq!(lines.next(), Some("PATH=/usr/local/bin:/usr/bin:/bin"));
    let line = lines.next().expect("the crontab runs something");
    assert_eq!(lines.next(), None);
    line.splitn(6, ' ').nth(5).expect("a command")
}

#[test]
fn cron_and_systemd_run_the_same() {
    assert_eq!(line_of_crontab(), line_of_service());
}

#[test]
fn what_they_run_is_a_collection_of_yesterday_and_of_what_the_days_before_lack() {
    let line = line_of_service()
        .strip_prefix(INSTALLED)
        .expect("the program");
    assert!(line.contains(DATA_DIR), "{line}");
    let arguments: Vec<_> = line
        .split(' ')
        .map(|argument| {
            if argument == DATA_DIR {
                "data"
            } else {
                argument
            }
        })
        .chain(["--dry-run"])
        .collect();
    let world = Lab::colab_gpu4().start();
    // At midnight yesterday becomes another day.
    let today = || Utc::now().date_naive();
    let (before, outcome, after) = (today(), world.run(&arguments), today());
    let outcome = outcome.exits(0).stderr_is("").writes_nothing();
    let named = |today: chrono::NaiveDate| {
        (0..6)
            .map(|ago| {
                outcome
                    .stdout
                    .contains(&(today - Days::new(ago)).to_string())
            })
            .collect::<Vec<_>>()
    };
    let expected = [false, true, true, true, true, false];
    assert!(
        named(before) == expected || named(after) == expected,
        "{}",
        outcome.stdout
    );
}
