//! The digest of the last whole week or month, by mail: sent once, by the first run after it of all nodes.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::request::Request;
use crate::analysis::Pseudonyms;
use crate::analysis::usage::{GroupBy, UserOrder, dates};
use crate::commands::calendar::{Calendar, now};
use crate::commands::users::gather::gather;
use crate::commands::users::gathered::{Gathered, Wanted};
use crate::formats::page::{self, About};
use crate::model::{DateArg, Language, clock, said};
use crate::outlets::notify::{Attachment, Channels, digest};
use crate::report::page::{Gathering, Scope};
use crate::settings::Config;
use crate::store::{DataDir, pseudonym_key};

/// The most that the attachments have together. Most mail servers take twice as much.
const MOST_MIB: usize = 10;
const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// The digest that was last sent, and to whom, for later runs.
#[derive(Debug, Deserialize, Serialize)]
struct Sent {
    from: NaiveDate,
    to: NaiveDate,
    delivered: BTreeSet<String>,
}

/// Sends the digest if it is due. Whoever did not get it is sent it again by the next run.
pub fn send_if_due(request: &Request, data_dir: &DataDir) -> Result<()> {
    let config = request.config;
    let Some(every) = config.notify.digest else {
        return Ok(());
    };
    if !request.args.nodes.is_empty() {
        return Ok(());
    }
    let today = Calendar::now(config).date(DateArg::Today);
    let (from, to) = every.last_span(today);
    let mut sent = sent(data_dir, (from, to))?;
    if let Some(problem) = config.notify.digest_problem() {
        bail!(problem);
    }
    let (channels, no_secret) = Channels::open(&config.notify);
    let Some(mailer) = channels.mailer else {
        return no_secret.map_or(Ok(()), |error| Err(error.into()));
    };
    let is_left = |address: &str| !sent.delivered.contains(address);
    let left: Vec<_> = mailer
        .admins()
        .filter(|admin| is_left(admin.email.as_ref()))
        .collect();
    if left.is_empty() {
        return Ok(());
    }
    let Some(gathered) = gathered(config, data_dir, (from, to))? else {
        tracing::info!(%from, %to, "no usage report, and so no digest");
        return Ok(());
    };
    let all = vec![
        workbook(&gathered, config)?,
        page(config, data_dir, (from, to))?,
    ];
    let (attachments, too_large) = fitting(all, MOST_MIB << 20);
    let names: Vec<_> = attachments.iter().map(|file| file.name.as_str()).collect();
    let message = digest(&gathered.usage, &names, (&too_large, MOST_MIB));
    let results = mailer.send_to_each(&left, &message, &attachments);
    let mut undelivered = Vec::new();
    for (admin, result) in left.iter().zip(results) {
        match result {
            Ok(()) => drop(sent.delivered.insert(admin.email.to_string())),
            Err(error) => undelivered.push(error.to_string()),
        }
    }
    if !sent.delivered.is_empty() {
        let file = serde_json::to_vec(&sent).expect("dates and addresses are JSON");
        data_dir.digest().keep(&file)?;
    }
    if undelivered.is_empty() {
        return Ok(());
    }
    let (days, why) = (dates(from, to), undelivered.join("; "));
    bail!(said!(
        "{days} 的用量摘要沒有寄出，下次執行時再試：{why}",
        "the digest of {days} was not sent, and the next run tries again: {why}"
    ))
}

/// What was sent of the digest of these days.
fn sent(data_dir: &DataDir, (from, to): (NaiveDate, NaiveDate)) -> Result<Sent> {
    let file = data_dir.digest();
    let nothing = Sent {
        from,
        to,
        delivered: BTreeSet::new(),
    };
    let Some(contents) = file.read()? else {
        return Ok(nothing);
    };
    let sent: Sent = serde_json::from_slice(&contents).ok().with_context(|| {
        said!(
            "{path} 無法解析：不知道用量摘要寄給了誰，因此不寄（請從備份還原，或移除它）",
            "{path} cannot be parsed: it is not known who got the digest, so none is sent (restore it from a backup, or remove it)",
            path = file.path.display()
        )
    })?;
    let is_same = (sent.from, sent.to) == (from, to);
    Ok(if is_same { sent } else { nothing })
}

/// The accounts of the days, with pseudonyms unless names may leave the house; `None` where no day has any.
fn gathered(
    config: &Config,
    data_dir: &DataDir,
    days: (NaiveDate, NaiveDate),
) -> Result<Option<Gathered>> {
    let wanted = Wanted {
        rows: true,
        means: true,
        ..Wanted::default()
    };
    let mut gathered = gather(config, data_dir, days, wanted)?;
    if gathered.usage.total().is_none() {
        return Ok(None);
    }
    if let Some(pseudonyms) = pseudonyms(config)? {
        gathered.usage = gathered.usage.renamed(|user| pseudonyms.user(user));
    }
    Ok(Some(gathered))
}

/// Those that users are shown by; `None` where names may leave the house.
fn pseudonyms(config: &Config) -> Result<Option<Pseudonyms>> {
    let are_needed = !config.notify.include_users;
    let pseudonyms = are_needed.then(|| pseudonym_key::pseudonyms(config));
    Ok(pseudonyms.transpose()?)
}

fn workbook(gathered: &Gathered, config: &Config) -> Result<Attachment> {
    let (from, to) = (gathered.usage.from, gathered.usage.to);
    let book = gathered.book(config, GroupBy::User, UserOrder::Idle);
    Ok(Attachment {
        name: format!("users_{from}_{to}.xlsx"),
        content_type: WORKBOOK,
        bytes: book.render()?,
    })
}

/// The page of the days, as `report` makes it.
fn page(
    config: &Config,
    data_dir: &DataDir,
    (from, to): (NaiveDate, NaiveDate),
) -> Result<Attachment> {
    let pseudonyms = pseudonyms(config)?;
    let scope = Scope {
        pseudonyms: pseudonyms.as_ref(),
        ..Scope::default()
    };
    let calendar = Calendar::now(config);
    let windows = calendar.windows(from, to).map(|(_, window)| window);
    let windows = windows.collect::<Result<Vec<_>, _>>()?;
    let gathering = Gathering::new(config, data_dir, scope, (from, to), windows.len());
    let overview = gathering.gather(&windows);
    let mut command = format!("daily-gpu-log report {from} --to {to}");
    if pseudonyms.is_some() {
        command.push_str(" --anonymize");
    }
    if Language::chosen() == Language::English {
        command.push_str(" --lang en");
    }
    let about = About {
        made_at: clock(config.zone, now()),
        command,
    };
    Ok(Attachment {
        name: format!("report_{from}_{to}.html"),
        content_type: "text/html; charset=utf-8",
        bytes: page::render(&overview, &about).into_bytes(),
    })
}

/// As many of the files, in their order, as have so many bytes together; and the names of the others.
fn fitting(files: Vec<Attachment>, most_bytes: usize) -> (Vec<Attachment>, Vec<String>) {
    let (mut attached, mut too_large) = (Vec::new(), Vec::new());
    let mut room = most_bytes;
    for file in files {
        match room.checked_sub(file.bytes.len()) {
            Some(left) => {
                room = left;
                attached.push(file);
            }
            None => too_large.push(file.name),
        }
    }
    (attached, too_large)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_named() {
        let file = |(name, bytes): (&str, usize)| Attachment {
            name: name.to_owned(),
            content_type: WORKBOOK,
            bytes: vec![0; bytes],
        };
        for (sizes, names, others) in [
            ([("a", 6), ("b", 4)], &["a", "b"][..], &[][..]),
            ([("a", 6), ("b", 5)], &["a"], &["b"]),
            ([("a", 11), ("b", 10)], &["b"], &["a"]),
            ([("a", 11), ("b", 11)], &[], &["a", "b"]),
        ] {
            let (attached, too_large) = fitting(sizes.map(file).into(), 10);
            let attached: Vec<_> = attached.iter().map(|file| &*file.name).collect();
            let too_large: Vec<_> = too_large.iter().map(String::as_str).collect();
            assert_eq!((attached, too_large), (names.to_vec(), others.to_vec()));
        }
    }
}
