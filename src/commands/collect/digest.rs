//! The digest of the last whole week or month, by mail: sent once, by the first run after it of all nodes.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::request::Request;
use crate::analysis::usage::{GroupBy, UserOrder, dates};
use crate::commands::calendar::Calendar;
use crate::commands::users::gather::{Gathered, Wanted, gather};
use crate::model::{DateArg, said};
use crate::outlets::notify::{Attachment, Channels, digest};
use crate::settings::Config;
use crate::store::{DataDir, pseudonym_key};

/// Most mail servers take twice as much.
const MOST_BYTES: usize = 10 << 20;
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
    let attachments = attachments(&gathered, config)?;
    let names: Vec<_> = attachments.iter().map(|file| file.name.as_str()).collect();
    let message = digest(&gathered.usage, &names);
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
    let Gathered { mut usage, means } = gather(config, data_dir, days, wanted)?;
    if usage.total().is_none() {
        return Ok(None);
    }
    if !config.notify.include_users {
        let pseudonyms = pseudonym_key::pseudonyms(config)?;
        usage = usage.renamed(|user| pseudonyms.user(user));
    }
    Ok(Some(Gathered { usage, means }))
}

fn attachments(gathered: &Gathered, config: &Config) -> Result<Vec<Attachment>> {
    let (from, to) = (gathered.usage.from, gathered.usage.to);
    let book = gathered.book(config, GroupBy::User, UserOrder::Idle);
    let workbook = Attachment {
        name: format!("users_{from}_{to}.xlsx"),
        content_type: WORKBOOK,
        bytes: book.render()?,
    };
    let all = [workbook].into_iter();
    Ok(all.filter(|file| file.bytes.len() <= MOST_BYTES).collect())
}
