//! The result of `alerts`.

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Serialize, Serializer};

use crate::analysis::Account;
use crate::analysis::idle::{Alert, LeftOut, Memory, Reminder, Tally};
use crate::formats::number;
use crate::model::{AlertRule, Alerts, ExitStatus, GpuIndex, Reading, UnixSeconds};

#[derive(Debug, Serialize)]
pub struct AlertsReport<'a> {
    version: &'static str,
    pub first_date: NaiveDate,
    /// The last one.
    pub date: NaiveDate,
    timezone: &'static str,
    /// The zone of the days, and of the clocks.
    #[serde(skip)]
    pub zone: Tz,
    /// How many days were looked at, and for how many nobody is notified again.
    pub window_days: u16,
    min_coverage_percent: u8,
    rules: Vec<RuleReport<'a>>,
    /// Up to this a GPU reading is idle.
    #[serde(skip)]
    pub idle: Reading,
    /// The users whose GPUs were idle beyond a rule.
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
    pub user: &'a str,
    pub rule: &'a str,
    /// The types of the rule's tasks; empty for the rule of all other tasks.
    #[serde(skip)]
    pub task_types: &'a [String],
    #[serde(flatten)]
    pub figures: Figures,
    pub gpus: Vec<GpuReport<'a>>,
    /// When the user was last notified of the rule.
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

#[derive(Clone, Copy, Debug)]
pub struct Days {
    pub first: NaiveDate,
    /// The last.
    pub last: NaiveDate,
    /// Their zone.
    pub zone: Tz,
}

impl<'a> AlertsReport<'a> {
    /// The report of `tally` at `now`; `memory` has who was notified before.
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

    pub fn days(&self) -> String {
        let (first, last) = (self.first_date, self.date);
        format!("{first} 到 {last}（{} 天）", self.window_days)
    }

    pub fn rules(&self) -> impl Iterator<Item = String> {
        let coverage = self.min_coverage_percent;
        self.rules.iter().map(move |rule| {
            let types = match rule.task_types {
                [] => String::new(),
                types => format!("（{}）", types.join("、")),
            };
            format!(
                "規則 {}{types}：閒置達 {} GPU 小時，且達時數的 {}%，涵蓋率至少 {coverage}%",
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
            figures: Figures(alert.account),
            gpus: gpus
                .map(|((node, gpu), account)| GpuReport {
                    node,
                    gpu: *gpu,
                    figures: Figures(*account),
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
            time: crate::model::clock(zone, reminder.at),
            reminder: reminder.clone(),
        }
    }
}

/// What GPUs did for a user, in seconds and in percent rounded down.
#[derive(Clone, Copy, Debug)]
pub struct Figures(Account);

impl Figures {
    pub fn idle_seconds(self) -> u64 {
        self.0.idle.seconds()
    }

    pub fn idle_hours(self) -> String {
        number::hours(self.idle_seconds(), 2)
    }

    pub fn allocated_hours(self) -> String {
        number::hours(self.0.seconds(), 2)
    }

    /// Which part of the hours is idle.
    pub fn idle_share(self) -> String {
        hundredths_percent(self.0.idle_hundredths())
    }

    pub fn coverage(self) -> String {
        hundredths_percent(self.0.coverage_hundredths())
    }

    pub fn mean_gpu(self) -> String {
        let mean = self.0.gpu.mean().map(Reading::percent);
        mean.map_or_else(|| "-".to_owned(), |mean| format!("{mean:.2}%"))
    }
}

impl Serialize for Figures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields {
            idle_seconds: u64,
            allocated_seconds: u64,
            observed_seconds: u64,
            idle_share_percent: Option<f64>,
            coverage_percent: Option<f64>,
            mean_gpu_percent: Option<f64>,
        }
        let account = self.0;
        let fields = Fields {
            idle_seconds: account.idle.seconds(),
            allocated_seconds: account.seconds(),
            observed_seconds: account.observed(),
            idle_share_percent: account.idle_hundredths().map(percent),
            coverage_percent: account.coverage_hundredths().map(percent),
            mean_gpu_percent: account.gpu.mean().map(Reading::percent),
        };
        fields.serialize(serializer)
    }
}

/// To the hundredth of a percent.
pub fn percent(hundredths: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "at most 10,000")]
    let hundredths = hundredths as f64;
    hundredths / 100.0
}

fn hundredths_percent(hundredths: Option<u64>) -> String {
    hundredths.map_or_else(|| "-".to_owned(), |part| format!("{:.2}%", percent(part)))
}
