//! Idle alerts: whose GPUs did nothing, over several days.
//!
//! Hours are those of the ledger, but parted by rule, and so by task type, which the ledger's files do not have: they
//! come from the management API's kept answers and the GPUs' files. Of what is not known to be right, it counts that it
//! was held, and not that it was idle.

mod day;
mod left_out;
mod memory;

use std::collections::BTreeMap;

use super::ledger::Account;
use crate::model::{AlertRule, GpuIndex};

pub use day::RuledTasks;
pub use left_out::{LeftOut, Reason};
pub use memory::{Memory, Outcome, Reminder};

/// What users held in several days, by user and position of the rule, then by node and GPU.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    held: BTreeMap<(String, usize), BTreeMap<(String, GpuIndex), Account>>,
    pub left_out: Vec<LeftOut>,
    /// The nodes whose GPUs tasks that count held or may have held, and whether there is any time of which it is known what they did.
    nodes: BTreeMap<String, bool>,
    /// Whether it is known of any day that no task held a GPU that counts.
    pub has_free_day: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert<'a> {
    pub user: &'a str,
    pub rule: AlertRule<'a>,
    pub account: Account,
    pub gpus: &'a BTreeMap<(String, GpuIndex), Account>,
}

impl Tally {
    /// Whether it is known of any time what GPUs did for their users, or that they had none. Without that, it means
    /// nothing that nobody is beyond a rule.
    pub fn has_evidence(&self) -> bool {
        self.has_free_day || self.nodes.values().any(|has_evidence| *has_evidence)
    }

    /// The nodes of which that is known of no time at all, though users held their GPUs.
    pub fn nodes_without_evidence(&self) -> Vec<&str> {
        let without = self
            .nodes
            .iter()
            .filter(|(_, has_evidence)| !**has_evidence);
        without.map(|(node, _)| node.as_str()).collect()
    }

    /// The users whose GPUs were idle beyond a rule, each rule for itself, by name.
    pub fn alerts<'a>(
        &'a self,
        rules: &[AlertRule<'a>],
        min_coverage_percent: u8,
    ) -> Vec<Alert<'a>> {
        let alert = |((user, rule), gpus): (&'a (String, usize), &'a BTreeMap<_, _>)| {
            let alert = Alert {
                user,
                rule: rules[*rule],
                account: gpus.values().copied().sum(),
                gpus,
            };
            is_beyond(alert.account, alert.rule, min_coverage_percent).then_some(alert)
        };
        self.held.iter().filter_map(alert).collect()
    }
}

/// Whether an account is idle beyond a rule, and known well enough. In whole numbers, so that a threshold that is met
/// exactly is met.
fn is_beyond(account: Account, rule: AlertRule, min_coverage_percent: u8) -> bool {
    let (idle, held) = (account.idle.seconds(), account.seconds());
    let reaches = |part: u64, percent: u8| part * 100 >= held * u64::from(percent);
    idle >= rule.min_idle_seconds
        && reaches(idle, rule.min_idle_share_percent)
        && reaches(account.observed(), min_coverage_percent)
}
