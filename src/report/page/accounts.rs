//! The accounts of a page's days, and why there are none where there are not.

use std::iter;

use super::Gathering;
use crate::analysis::usage::AbsenceReason;
use crate::analysis::{DayLedger, DayRecord, NodeRecord, Shortfall};
use crate::model::{Window, printable, said, text};
use crate::report::absence::why_no_accounts;
use crate::store::{ReadError, reports};

/// The record of a day, as far as it can be read.
type Record = Result<Option<DayRecord>, ReadError>;

impl Gathering<'_> {
    /// The accounts of the nodes of the page; or why those that there are do not count.
    pub fn ledger(&mut self, window: &Window) -> Result<Option<DayLedger>, AbsenceReason> {
        let date = window.date;
        let Ok(ledger) = reports::ledger(self.archive, window) else {
            self.overview.unusable.insert(said!(
                "{date} 的用量報告無法讀取：請重新收集這一天",
                "the usage report of {date} cannot be read: collect the day again"
            ));
            return Err(AbsenceReason::Damaged);
        };
        let Some(mut ledger) = ledger else {
            return Ok(None);
        };
        if !reports::is_of(&ledger, window) {
            return Err(AbsenceReason::OtherZone);
        }
        self.overview.sources.reports += 1;
        ledger.retain(|node, _| self.scope.includes(node));
        if let Some(pseudonyms) = self.scope.pseudonyms {
            for entry in ledger.values_mut().flat_map(|node| &mut node.entries) {
                entry.user = entry.user.as_deref().map(|user| pseudonyms.user(user));
            }
        }
        Ok(Some(ledger))
    }

    /// Adds the accounts up, or notes why there are none of the nodes that were to be collected.
    pub fn add_usage(
        &mut self,
        window: &Window,
        ledger: Result<Option<DayLedger>, AbsenceReason>,
        record: &Record,
        (due, has_files): (&[&str], bool),
    ) {
        let date = window.date;
        let usage = &mut self.overview.usage;
        let reason = match ledger {
            Ok(Some(ledger)) => {
                usage.add(date, &ledger, |_| true);
                for name in due.iter().filter(|name| !ledger.contains_key(**name)) {
                    let reason = why_no_accounts(record, iter::once(*name), || false);
                    usage.add_absence(date, Some(name), reason);
                }
                return;
            }
            Ok(None) => why_no_accounts(record, due.iter().copied(), || has_files),
            Err(reason) => reason,
        };
        usage.add_absence(date, None, reason);
    }
}

/// Why there is nothing of a node on a day that there is something of: as the run said it, which may hold names.
pub fn why_nothing(record: &Record, node: &str, with_message: bool) -> String {
    let record = match record {
        Ok(record) => record.as_ref().and_then(|record| record.node(node)),
        Err(_) => return AbsenceReason::Unexplained.message().to_owned(),
    };
    match record {
        None => AbsenceReason::NotCollected.message().to_owned(),
        Some(NodeRecord { files: Some(_), .. }) => {
            text("已收集，但檔案不見了", "collected, but its files are gone").to_owned()
        }
        Some(NodeRecord { notices, .. }) => {
            let mut notices = notices.iter().filter(|_| with_message);
            let failed = notices.find(|notice| notice.shortfall == Some(Shortfall::Node));
            let message = failed.map(|notice| printable(&notice.message));
            message.unwrap_or_else(|| AbsenceReason::NoReadings.message().to_owned())
        }
    }
}
