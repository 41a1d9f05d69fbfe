//! The result of `users`, for programs.

use chrono::NaiveDate;
use serde::Serialize;

use crate::analysis::Doubt;
use crate::analysis::usage::{AbsenceReason, Usage, UserOrder};
use crate::formats::account::AccountFields;
use crate::model::ExitStatus;

#[derive(Debug, Serialize)]
pub struct UsageReport<'a> {
    timezone: &'a str,
    from: NaiveDate,
    to: NaiveDate,
    days: usize,
    days_with_report: usize,
    users: Vec<UserFields<'a>>,
    total: Option<AccountFields>,
    days_without_report: Vec<AbsenceFields<'a>>,
    nodes_without_accounts: Vec<AbsenceFields<'a>>,
    doubts: Vec<DoubtFields<'a>>,
    exit_status: ExitStatus,
}

#[derive(Debug, Serialize)]
struct UserFields<'a> {
    user: &'a str,
    #[serde(flatten)]
    account: AccountFields,
}

#[derive(Debug, Serialize)]
struct AbsenceFields<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a str>,
    from: NaiveDate,
    to: NaiveDate,
    reason: AbsenceReason,
    message: &'static str,
}

#[derive(Debug, Serialize)]
struct DoubtFields<'a> {
    node: &'a str,
    from: NaiveDate,
    to: NaiveDate,
    doubt: Doubt,
}

impl<'a> UsageReport<'a> {
    pub fn new(
        usage: &'a Usage,
        order: UserOrder,
        timezone: &'a str,
        exit_status: ExitStatus,
    ) -> Self {
        let users = usage.sorted(order).into_iter();
        let absences = |of_node: bool| {
            let absences = usage.absences.iter();
            let absences = absences.filter(move |(absence, _)| absence.node.is_some() == of_node);
            let fields = absences.flat_map(|(absence, dates)| {
                dates.0.iter().map(|run| AbsenceFields {
                    node: absence.node.as_deref(),
                    from: run.0,
                    to: run.1,
                    reason: absence.reason,
                    message: absence.reason.message(),
                })
            });
            fields.collect()
        };
        let doubts = usage.doubts.iter().flat_map(|((node, doubt), dates)| {
            dates.0.iter().map(|run| DoubtFields {
                node,
                from: run.0,
                to: run.1,
                doubt: *doubt,
            })
        });
        Self {
            timezone,
            from: usage.from,
            to: usage.to,
            days: usage.days,
            days_with_report: usage.days_with_accounts,
            users: users
                .map(|(user, account)| UserFields {
                    user,
                    account: account.into(),
                })
                .collect(),
            total: usage.total().map(Into::into),
            days_without_report: absences(false),
            nodes_without_accounts: absences(true),
            doubts: doubts.collect(),
            exit_status,
        }
    }
}
