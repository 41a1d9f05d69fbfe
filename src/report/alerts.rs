//! The result of `alerts`.

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::Serialize;

use crate::analysis::Account;
use crate::analysis::idle::{Alert, LeftOut, Memory, Reminder, Tally};
use crate::formats::number;
use crate::model::{
    AlertRule, ExitStatus, GpuIndex, Percent, Reading, UnixSeconds, clock, comma, counted, said,
    written,
};
use crate::settings::Config;

#[derive(Debug, Serialize)]
pub struct AlertsReport<'a> {
    pub first_date: NaiveDate,
    pub date: NaiveDate,
    #[serde(rename = "timezone", serialize_with = "written::serialize")]
    pub zone: Tz,
    /// How many days are looked at where nothing is said of them, and for how many nobody is notified again.
    pub window_days: u16,
    pub min_coverage_percent: u8,
    pub rules: Vec<AlertRule<'a>>,
    /// Up to this a GPU reading is idle.
    #[serde(skip)]
    pub idle: Reading,
    pub alerts: Vec<AlertReport<'a>>,
    pub left_out: &'a [LeftOut],
    #[serde(rename = "is_judged")]
    pub has_evidence: bool,
    /// The nodes with users of which no reading counts.
    #[serde(rename = "unjudged_nodes")]
    pub nodes_without_evidence: Vec<&'a str>,
    pub exit_status: ExitStatus,
}

#[derive(Debug, Serialize)]
pub struct AlertReport<'a> {
    pub user: &'a str,
    pub rule: &'a str,
    #[serde(skip)]
    pub task_types: &'a [String],
    #[serde(flatten)]
    pub figures: Figures,
    pub gpus: Vec<GpuReport<'a>>,
    pub last_notice: Option<LastNotice>,
    pub notice: Notified,
}

#[derive(Debug, Serialize)]
pub struct GpuReport<'a> {
    pub node: &'a str,
    pub gpu: GpuIndex,
    #[serde(flatten)]
    pub figures: Figures,
}

#[derive(Clone, Debug, Serialize)]
pub struct LastNotice {
    /// On the zone's clocks.
    pub time: String,
    #[serde(flatten)]
    pub reminder: Reminder,
}

/// Whether the admin and the user are notified in this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Notified {
    /// They would be with `--send`.
    Due,
    /// They are not, because they were lately.
    Recent,
    Sent,
    /// They, or the admin, could not be.
    Failed,
}

impl<'a> AlertsReport<'a> {
    /// The report of `tally` at `now`; `memory` has who was notified before.
    pub fn new(
        tally: &'a Tally,
        config: &'a Config,
        (first, last): (NaiveDate, NaiveDate),
        memory: &Memory,
        now: UnixSeconds,
    ) -> Self {
        let (settings, zone) = (&config.alerts, config.zone);
        let alert = |alert: Alert<'a>| AlertReport::new(&alert, config, memory, now);
        let rules = settings.rules();
        let alerts = tally.alerts(&rules, settings.min_coverage_percent);
        let (has_evidence, nodes_without_evidence) =
            (tally.has_evidence(), tally.nodes_without_evidence());
        let is_complete = has_evidence && nodes_without_evidence.is_empty();
        Self {
            first_date: first,
            date: last,
            zone,
            window_days: settings.window_days,
            min_coverage_percent: settings.min_coverage_percent,
            rules,
            idle: config.thresholds.idle,
            alerts: alerts.into_iter().map(alert).collect(),
            left_out: &tally.left_out,
            has_evidence,
            nodes_without_evidence,
            exit_status: ExitStatus::incomplete_unless(is_complete),
        }
    }

    pub fn warning(&self) -> Option<String> {
        let whose = match self.nodes_without_evidence.as_slice() {
            _ if !self.has_evidence => String::new(),
            [] => return None,
            nodes => said!("{nodes} 在 ", "{nodes}: ", nodes = nodes.join(comma())),
        };
        Some(said!(
            "{whose}{days}沒有可以判斷的資料，不知道 GPU 是否閒置（原因請執行 daily-gpu-log alerts {date} 查看）",
            "{whose}no usable data in {days}, so it is not known whether GPUs are idle (for the reasons, run daily-gpu-log alerts {date})",
            days = self.days(),
            date = self.date
        ))
    }

    fn day_count(&self) -> usize {
        let days = (self.date - self.first_date).num_days() + 1;
        usize::try_from(days).unwrap_or(0)
    }

    pub fn days(&self) -> String {
        let (first, last) = (self.first_date, self.date);
        let days = self.day_count();
        let days = counted(days, "天", "day", "days");
        said!("{first} 到 {last}（{days}）", "{first} to {last} ({days})")
    }

    pub fn rules(&self) -> impl Iterator<Item = String> {
        let coverage = self.min_coverage_percent;
        self.rules.iter().map(move |rule| {
            let types = match rule.task_types {
                [] => String::new(),
                types => said!("（{types}）", " ({types})", types = types.join(comma())),
            };
            said!(
                "規則 {name}{types}：閒置達 {hours} GPU 小時，且達時數的 {share}%，涵蓋率至少 {coverage}%",
                "Rule {name}{types}: idle >= {hours} GPU-hours, >= {share}% of hours held; coverage >= {coverage}%",
                name = rule.name,
                hours = rule.min_idle_hours(),
                share = rule.min_idle_share_percent
            )
        })
    }
}

impl<'a> AlertReport<'a> {
    fn new(alert: &Alert<'a>, config: &Config, memory: &Memory, now: UnixSeconds) -> Self {
        let Alert { user, rule, .. } = *alert;
        let is_recent = memory.is_recent(user, rule.name, now, config.alerts.window_days);
        let last = memory.last(user, rule.name);
        let gpus = alert.gpus.iter();
        let gpus = gpus.map(|((node, gpu), account)| GpuReport {
            node,
            gpu: *gpu,
            figures: (*account).into(),
        });
        Self {
            user,
            rule: rule.name,
            task_types: rule.task_types,
            figures: alert.account.into(),
            gpus: gpus.collect(),
            last_notice: last.map(|last| LastNotice::new(last, config.zone)),
            notice: if is_recent {
                Notified::Recent
            } else {
                Notified::Due
            },
        }
    }
}

impl LastNotice {
    pub fn new(reminder: &Reminder, zone: Tz) -> Self {
        Self {
            time: clock(zone, reminder.at),
            reminder: reminder.clone(),
        }
    }
}

/// What GPUs did for a user, in seconds and in percent rounded down.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Figures {
    pub idle_seconds: u64,
    allocated_seconds: u64,
    observed_seconds: u64,
    idle_share_percent: Option<Percent>,
    coverage_percent: Option<Percent>,
    mean_gpu_percent: Option<Reading>,
}

impl From<Account> for Figures {
    fn from(account: Account) -> Self {
        Self {
            idle_seconds: account.idle.seconds(),
            allocated_seconds: account.seconds(),
            observed_seconds: account.observed(),
            idle_share_percent: account.idle_share(),
            coverage_percent: account.coverage(),
            mean_gpu_percent: account.gpu.mean(),
        }
    }
}

impl Figures {
    pub fn idle_hours(self) -> String {
        number::hours(self.idle_seconds, 2)
    }

    pub fn allocated_hours(self) -> String {
        number::hours(self.allocated_seconds, 2)
    }

    pub fn idle_share(self) -> String {
        percent_text(self.idle_share_percent)
    }

    pub fn coverage(self) -> String {
        percent_text(self.coverage_percent)
    }

    pub fn mean_gpu(self) -> String {
        percent_text(self.mean_gpu_percent.map(Percent::from))
    }
}

fn percent_text(percent: Option<Percent>) -> String {
    match percent {
        None => "-".to_owned(),
        percent => number::percent(percent),
    }
}
