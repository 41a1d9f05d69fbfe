//! The result of `users`, for programs.

use chrono::NaiveDate;
use serde::Serialize;

use crate::analysis::Doubt;
use crate::analysis::usage::{AbsenceReason, Group, GroupBy, TaskGap, Usage, UserOrder};
use crate::formats::account::AccountFields;
use crate::model::{ExitStatus, GpuIndex, TaskTime};

#[derive(Debug, Serialize)]
pub struct UsageReport<'a> {
    timezone: &'a str,
    from: NaiveDate,
    to: NaiveDate,
    days: usize,
    days_with_report: usize,
    users: Vec<UserFields<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<GroupBy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<GroupFields>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<Vec<RowFields<'a>>>,
    total: Option<AccountFields>,
    days_without_report: Vec<AbsenceFields<'a>>,
    nodes_without_accounts: Vec<AbsenceFields<'a>>,
    /// Where it is not known by which task something was held, if that is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    days_without_tasks: Option<Vec<TaskGapFields<'a>>>,
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
struct GroupFields {
    /// `null` where it has none.
    name: Option<String>,
    /// Whether it is known by which tasks it was held.
    is_known: bool,
    #[serde(flatten)]
    account: AccountFields,
}

#[derive(Debug, Serialize)]
struct RowFields<'a> {
    user: &'a str,
    date: NaiveDate,
    node: &'a str,
    gpu: GpuIndex,
    /// How many tasks it was held by, and when the first of them was created, in the API's words. Not there where that
    /// is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    tasks: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    create_time: Option<&'a TaskTime>,
    #[serde(flatten)]
    account: AccountFields,
}

#[derive(Debug, Serialize)]
struct TaskGapFields<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a str>,
    from: NaiveDate,
    to: NaiveDate,
    reason: TaskGap,
    message: &'static str,
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
            by: None,
            groups: None,
            rows: None,
            days_without_tasks: None,
            total: usage.total().map(Into::into),
            days_without_report: absences(false),
            nodes_without_accounts: absences(true),
            doubts: doubts.collect(),
            exit_status,
        }
    }

    pub fn with_groups(mut self, usage: &'a Usage, by: GroupBy, order: UserOrder) -> Self {
        let groups = usage.sorted_groups(by, order).into_iter();
        let groups = groups.map(|(group, account)| GroupFields {
            name: group.name(),
            is_known: group != Group::Unknown,
            account: account.into(),
        });
        let gaps = usage.task_gaps.iter().flat_map(|((node, gap), dates)| {
            dates.0.iter().map(|run| TaskGapFields {
                node: node.as_deref(),
                from: run.0,
                to: run.1,
                reason: *gap,
                message: gap.message(),
            })
        });
        (self.by, self.groups) = (Some(by), Some(groups.collect()));
        self.days_without_tasks = by.needs_tasks().then(|| gaps.collect());
        self
    }

    pub fn with_rows(mut self, usage: &'a Usage) -> Self {
        let rows = usage.rows.iter().map(|row| RowFields {
            user: &row.user,
            date: row.date,
            node: &row.node,
            gpu: row.gpu,
            tasks: row.tasks.as_ref().map(|tasks| tasks.count),
            create_time: row.created(),
            account: row.account.into(),
        });
        self.rows = Some(rows.collect());
        self
    }
}
