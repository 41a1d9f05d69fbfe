//! Notifying the admin and the users of idle GPUs: it is remembered first, so that nobody is ever notified twice.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::calendar::now;
use crate::analysis::idle::{Memory, Outcome, Reminder};
use crate::model::{ExitStatus, Item, said, text};
use crate::outlets::console;
use crate::outlets::notify::{Channels, mail_for_user, notice_for_admin};
use crate::report::alerts::{AlertReport, AlertsReport, LastNotice, Notified};
use crate::settings::Config;
use crate::sources::parallel::{self, NoThread};
use crate::store::{Archive, DataDir, OpenError};

/// How long a collection that began meanwhile is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn memory(archive: &Archive) -> Result<Memory> {
    let Some(file) = archive.alerts().read()? else {
        return Ok(Memory::default());
    };
    let path = archive.alerts().path;
    serde_json::from_slice(&file).ok().with_context(|| {
        said!(
            "{path} 無法解析：不知道通知過誰，因此不再通知（請從備份還原；移除它會重新通知所有人）",
            "{path} cannot be read: it is not known who was notified, so nobody is notified (restore it from a backup; removing it notifies everybody again)",
            path = path.display()
        )
    })
}

/// Makes sure that this machine has room for the threads that send.
pub fn check_threads() -> Result<(), NoThread> {
    thread::scope(|scope| parallel::spawn(scope, || {}).map(drop))
}

/// Remembers everybody who has not been notified lately, and answers which alerts those are.
pub fn remember(
    report: &mut AlertsReport,
    memory: &mut Memory,
    config: &Config,
    channels: &Channels,
) -> Vec<usize> {
    let at = now();
    let (zone, has_mail) = (report.zone, channels.mailer.is_some());
    let mut due = Vec::new();
    for (position, alert) in report.alerts.iter_mut().enumerate() {
        if alert.notice == Notified::Recent {
            continue;
        }
        let is_mailed = has_mail && config.users.contains_key(alert.user);
        let reminder = Reminder {
            user: alert.user.to_owned(),
            rule: alert.rule.to_owned(),
            at,
            admin: Outcome::Unknown,
            mail: is_mailed.then_some(Outcome::Unknown),
        };
        alert.last_notice = Some(LastNotice::new(&reminder, zone));
        memory.remember(reminder);
        due.push(position);
    }
    due
}

/// Sends what is `due`. The outcome is in the report, and is remembered as well.
pub fn send(
    report: &mut AlertsReport,
    due: Vec<usize>,
    config: &Config,
    channels: &Channels,
    open: impl FnOnce(Duration) -> Result<DataDir, OpenError>,
) {
    let alerts: Vec<&AlertReport> = due
        .iter()
        .map(|&position| &report.alerts[position])
        .collect();
    let notice = notice_for_admin(report, &alerts, config.notify.include_users);
    let mut undelivered = channels.deliver(&notice);
    let admin = outcome(undelivered.is_empty());
    let mut by_user: BTreeMap<&str, Vec<&AlertReport>> = BTreeMap::new();
    for alert in alerts {
        by_user.entry(alert.user).or_default().push(alert);
    }
    let (users, mails): (Vec<String>, Vec<_>) = by_user
        .iter()
        .filter_map(|(&user, alerts)| {
            let Item(address) = config.users.get(user)?;
            let mail = mail_for_user(report, user, alerts);
            Some((user.to_owned(), (address, mail)))
        })
        .unzip();
    let mut outcomes = BTreeMap::new();
    match &channels.mailer {
        Some(mailer) => {
            for (user, sent) in users.into_iter().zip(mailer.send_all(&mails)) {
                outcomes.insert(user, outcome(sent.is_ok()));
                undelivered.extend(sent.err());
            }
        }
        None if !users.is_empty() => {
            console::warn(text(
                "[users] 有使用者的地址，但沒有 [notify.smtp]：沒有寄信給使用者",
                "[users] has addresses, but there is no [notify.smtp]: no mail was sent to users",
            ));
        }
        None => {}
    }
    undelivered.iter().for_each(console::warn);
    for position in due {
        let alert = &mut report.alerts[position];
        let mail = outcomes.get(alert.user).copied();
        let is_sent = [admin, mail.unwrap_or(admin)] == [Outcome::Delivered; 2];
        alert.notice = if is_sent {
            Notified::Sent
        } else {
            Notified::Failed
        };
        if let Some(last) = &mut alert.last_notice {
            (last.reminder.admin, last.reminder.mail) = (admin, mail);
        }
    }
    if !undelivered.is_empty() {
        report.exit_status = ExitStatus::Incomplete;
    }
    if let Err(error) = settle(report, open) {
        console::warn(said!(
            "通知的結果沒有記下：{error:#}",
            "the outcome of the notifications was not recorded: {error:#}"
        ));
    }
}

fn outcome(is_delivered: bool) -> Outcome {
    if is_delivered {
        Outcome::Delivered
    } else {
        Outcome::Failed
    }
}

/// Remembers the outcome of this run's notices.
fn settle(
    report: &AlertsReport,
    open: impl FnOnce(Duration) -> Result<DataDir, OpenError>,
) -> Result<()> {
    let data_dir = open(PATIENCE)?;
    let mut memory = memory(&data_dir)?;
    for alert in &report.alerts {
        if let Some(last) = &alert.last_notice {
            memory.settle(&last.reminder);
        }
    }
    Ok(data_dir.keep_alerts(&memory)?)
}
