//! What is said of idle GPUs.

use std::fmt;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::Serialize;

use crate::analysis::idle::{Alert, LeftOut, Memory, Reminder, Tally};
use crate::analysis::ledger::Account;
use crate::formats::number;
use crate::model::exit_status::ExitStatus;
use crate::model::thresholds::{AlertRule, Alerts};
use crate::model::units::{GpuIndex, Reading, UnixSeconds};

/// Who has idle GPUs, and who was told.
#[derive(Debug, Serialize)]
pub struct AlertsReport<'a> {
    version: &'static str,
    /// The first day that was looked at.
    pub first_date: NaiveDate,
    /// The last one.
    pub date: NaiveDate,
    timezone: &'static str,
    /// The zone of the days, and of the clocks.
    #[serde(skip)]
    pub zone: Tz,
    /// How many days were looked at, and for how many nobody is told again.
    pub window_days: u16,
    min_coverage_percent: u8,
    rules: Vec<RuleReport<'a>>,
    /// Up to this a GPU reading is idle.
    #[serde(skip)]
    pub idle: Reading,
    /// The users whose GPUs were idle beyond a rule.
    pub alerts: Vec<AlertReport<'a>>,
    /// What is incomplete or in doubt.
    pub left_out: &'a [LeftOut],
    /// Whether there is anything to judge by.
    #[serde(rename = "is_judged")]
    pub has_evidence: bool,
    /// The nodes with users of which there is nothing to judge by.
    #[serde(rename = "unjudged_nodes")]
    pub nodes_without_evidence: Vec<&'a str>,
    /// How the run ends.
    pub exit_status: ExitStatus,
}

#[derive(Debug, Serialize)]
struct RuleReport<'a> {
    name: &'a str,
    /// Empty for the rule of all other tasks.
    task_types: &'a [String],
    min_idle_hours: u64,
    min_idle_share_percent: u8,
}

/// A user with idle GPUs.
#[derive(Debug, Serialize)]
pub struct AlertReport<'a> {
    /// The user.
    pub user: &'a str,
    /// The name of the rule.
    pub rule: &'a str,
    /// The types of the rule's tasks; empty for the rule of all other tasks.
    #[serde(skip)]
    pub task_types: &'a [String],
    /// What all of their GPUs did.
    #[serde(flatten)]
    pub figures: Figures,
    /// What each of them did.
    pub gpus: Vec<GpuReport<'a>>,
    /// When the user was last told of the rule.
    pub last_notice: Option<LastNotice>,
    /// What this run does about it.
    pub notice: Notified,
}

/// One GPU of a user.
#[derive(Debug, Serialize)]
pub struct GpuReport<'a> {
    /// Its node.
    pub node: &'a str,
    /// Which GPU of that.
    pub gpu: GpuIndex,
    /// What it did.
    #[serde(flatten)]
    pub figures: Figures,
}

/// What GPUs did for a user, in seconds and in percent rounded down.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Figures {
    idle_seconds: u64,
    allocated_seconds: u64,
    observed_seconds: u64,
    idle_share_percent: Option<f64>,
    coverage_percent: Option<f64>,
    mean_gpu_percent: Option<f64>,
}

/// When somebody was told.
#[derive(Clone, Debug, Serialize)]
pub struct LastNotice {
    /// On the zone's clocks.
    pub time: String,
    /// What became of it.
    #[serde(flatten)]
    pub reminder: Reminder,
}

/// Whether somebody is told in this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Notified {
    /// They would be, if the run were to tell anybody.
    Due,
    /// They are not, because they were told lately.
    Recent,
    /// They are.
    Sent,
    /// They, or the admin, could not be.
    Failed,
}

/// The days that are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Days {
    /// The first.
    pub first: NaiveDate,
    /// The last.
    pub last: NaiveDate,
    /// Their zone.
    pub zone: Tz,
}

impl<'a> AlertsReport<'a> {
    /// What is said of `tally` at `now`, if it is known who was told before.
    pub fn new(
        tally: &'a Tally,
        (settings, idle): (&'a Alerts, Reading),
        days: Days,
        memory: &Memory,
        now: UnixSeconds,
    ) -> Self {
        let alert = |alert: Alert<'a>| AlertReport::new(&alert, settings, days.zone, memory, now);
        let rule = |rule: &'a AlertRule| RuleReport {
            name: &rule.name,
            task_types: &rule.task_types,
            min_idle_hours: rule.min_idle_hours(),
            min_idle_share_percent: rule.min_idle_share_percent,
        };
        let (has_evidence, nodes_without_evidence) =
            (tally.has_evidence(), tally.nodes_without_evidence());
        let exit_status = if has_evidence && nodes_without_evidence.is_empty() {
            ExitStatus::Complete
        } else {
            ExitStatus::Incomplete
        };
        Self {
            version: env!("CARGO_PKG_VERSION"),
            first_date: days.first,
            date: days.last,
            timezone: days.zone.name(),
            zone: days.zone,
            window_days: settings.window_days,
            min_coverage_percent: settings.min_coverage_percent,
            rules: settings.rules.iter().map(rule).collect(),
            idle,
            alerts: tally.alerts(settings).into_iter().map(alert).collect(),
            left_out: &tally.left_out,
            has_evidence,
            nodes_without_evidence,
            exit_status,
        }
    }

    /// What there is nothing to judge by, for people.
    pub fn warning(&self) -> Option<String> {
        let whose = match self.nodes_without_evidence.as_slice() {
            _ if !self.has_evidence => String::new(),
            [] => return None,
            nodes => format!("{} 在 ", nodes.join("、")),
        };
        Some(format!(
            "{whose}{}沒有可以判斷的資料，不知道 GPU 是否閒置（原因請執行 daily-gpu-log alerts {} 查看）",
            self.days(),
            self.date
        ))
    }

    /// The days, for people.
    pub fn days(&self) -> String {
        let (first, last) = (self.first_date, self.date);
        format!("{first} 到 {last}（{} 天）", self.window_days)
    }

    /// The rules, for people.
    pub fn rules(&self) -> impl Iterator<Item = String> {
        let coverage = self.min_coverage_percent;
        self.rules.iter().map(move |rule| {
            let types = match rule.task_types {
                [] => String::new(),
                types => format!("（{}）", types.join("、")),
            };
            format!(
                "規則 {}{types}：閒置達 {} GPU 小時，且達配置時數的 {}%，涵蓋率至少 {coverage}%",
                rule.name, rule.min_idle_hours, rule.min_idle_share_percent
            )
        })
    }
}

impl<'a> AlertReport<'a> {
    fn new(
        alert: &Alert<'a>,
        settings: &Alerts,
        zone: Tz,
        memory: &Memory,
        now: UnixSeconds,
    ) -> Self {
        let Alert { user, rule, .. } = *alert;
        let is_recent = memory.is_recent(user, &rule.name, now, settings.window_days);
        let last = memory.last(user, &rule.name);
        let gpus = alert.gpus.iter();
        Self {
            user,
            rule: &rule.name,
            task_types: &rule.task_types,
            figures: Figures::of(alert.account),
            gpus: gpus
                .map(|((node, gpu), account)| GpuReport {
                    node,
                    gpu: *gpu,
                    figures: Figures::of(*account),
                })
                .collect(),
            last_notice: last.map(|last| LastNotice::new(last, zone)),
            notice: if is_recent {
                Notified::Recent
            } else {
                Notified::Due
            },
        }
    }
}

impl LastNotice {
    /// A reminder, with its time on the clocks of `zone`.
    pub fn new(reminder: &Reminder, zone: Tz) -> Self {
        Self {
            time: crate::model::day::clock(zone, reminder.at),
            reminder: reminder.clone(),
        }
    }
}

impl Figures {
    fn of(account: Account) -> Self {
        let (allocated, idle) = (account.seconds(), account.idle.seconds());
        Self {
            idle_seconds: idle,
            allocated_seconds: allocated,
            observed_seconds: account.observed(),
            idle_share_percent: percent(idle, allocated),
            coverage_percent: percent(account.observed(), allocated),
            mean_gpu_percent: account.gpu.mean().map(Reading::percent),
        }
    }

    /// The idle seconds.
    pub fn idle_seconds(&self) -> u64 {
        self.idle_seconds
    }

    /// The idle hours, for people.
    pub fn idle_hours(&self) -> String {
        number::hours(self.idle_seconds, 2)
    }

    /// The hours, for people.
    pub fn allocated_hours(&self) -> String {
        number::hours(self.allocated_seconds, 2)
    }

    /// Which part of them is idle, for people.
    pub fn idle_share(&self) -> impl fmt::Display + use<> {
        Share(self.idle_share_percent)
    }

    /// Which part of them has readings, for people.
    pub fn coverage(&self) -> impl fmt::Display + use<> {
        Share(self.coverage_percent)
    }

    /// The mean GPU reading, for people.
    pub fn mean_gpu(&self) -> impl fmt::Display + use<> {
        Share(self.mean_gpu_percent)
    }
}

/// To the hundredth of a percent, rounded down, so that nobody is shown more than there is.
fn percent(part: u64, whole: u64) -> Option<f64> {
    let hundredths = (part * 10_000).checked_div(whole)?;
    #[expect(clippy::cast_precision_loss, reason = "at most 10,000")]
    let percent = hundredths as f64 / 100.0;
    Some(percent)
}

struct Share(Option<f64>);

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(percent) => write!(f, "{percent:.2}%"),
            None => f.write_str("-"),
        }
    }
}
