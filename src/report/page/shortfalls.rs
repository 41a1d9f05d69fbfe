//! What the runs of a page's days said that they lack.

use std::collections::BTreeSet;

use super::Gathering;
use super::day::Found;
use crate::analysis::{DayRecord, Doubt, Shortfall};
use crate::model::{UnixSeconds, Window};

impl Gathering<'_> {
    /// Adds what the last runs of the nodes lacked, as far as nothing else of the page says it.
    pub fn add_shortfalls(&mut self, record: &DayRecord, found: &[Found], window: &Window) {
        let run = &record.last_run;
        let mut shortfalls = BTreeSet::new();
        // A run of other nodes left these as they were.
        if found
            .iter()
            .any(|of_node| run.nodes.contains(&of_node.name))
        {
            shortfalls.extend(run.notices.iter().filter_map(|notice| notice.shortfall));
        }
        // Why a node has no readings is said with its name.
        for of_node in found.iter().filter(|of_node| of_node.has_readings()) {
            let Some(node) = record.node(&of_node.name) else {
                continue;
            };
            let notices = node.notices.iter();
            shortfalls.extend(notices.filter_map(|notice| notice.shortfall));
            let Some(files) = node.files.as_ref().filter(|_| window.is_over()) else {
                continue;
            };
            // What was whole when the run ended may no longer be, now that the day is over.
            let is_early = |until: UnixSeconds| until < window.end;
            let early = [
                (Shortfall::Unasked, is_early(files.until)),
                (
                    Shortfall::EarlyTasks,
                    files.tasks_as_of.is_some_and(is_early),
                ),
            ];
            let early = early.into_iter().filter(|(_, is_so)| *is_so);
            shortfalls.extend(early.map(|(shortfall, _)| shortfall));
        }
        shortfalls.retain(|shortfall| !is_said(*shortfall, found));
        if !shortfalls.is_empty() {
            let dates = self.overview.shortfalls.entry(shortfalls).or_default();
            dates.add(record.date);
        }
    }
}

/// Whether the accounts say it, or that they are not there.
fn is_said(shortfall: Shortfall, found: &[Found]) -> bool {
    let accounts = || found.iter().filter_map(|of_node| of_node.accounts.as_ref());
    let has = |doubt| accounts().any(|of_node| of_node.doubts.contains(&doubt));
    let mut due = found.iter().filter(|of_node| of_node.is_due);
    match shortfall {
        Shortfall::NoTasks | Shortfall::UsersReport => {
            due.any(|of_node| of_node.accounts.is_none())
        }
        Shortfall::Unplaced => has(Doubt::Unplaced),
        Shortfall::DoubtfulTasks => has(Doubt::Timeless) || has(Doubt::Malformed),
        // The page that was not written then is not this one.
        Shortfall::Page => true,
        _ => false,
    }
}
