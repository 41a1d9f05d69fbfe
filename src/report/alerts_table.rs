//! The alerts as a table for people.

use comfy_table::CellAlignment;

use super::alerts::{AlertReport, AlertsReport, Notified};
use crate::analysis::idle::Outcome;
use crate::formats::table;
use crate::model::{Capped, printable, said, text};

impl AlertsReport<'_> {
    /// The rules, the table, and below it what is incomplete or in doubt.
    pub fn text(&self) -> String {
        let days = self.days();
        let mut lines = vec![said!("{days}的 GPU 閒置情形", "Idle GPUs, {days}")];
        lines.extend(self.rules());
        lines.push(String::new());
        if self.alerts.is_empty() {
            let nobody = match self.nodes_without_evidence.as_slice() {
                _ if !self.has_evidence => text("沒有可以判斷的資料", "No usable data"),
                [] => text("沒有使用者達到門檻", "No user reached a threshold"),
                _ => text(
                    "在可以判斷的資料中，沒有使用者達到門檻",
                    "No user reached a threshold in the usable data",
                ),
            };
            lines.push(nobody.to_owned());
        } else {
            lines.extend(self.table());
        }
        if !self.left_out.is_empty() {
            lines.push(String::new());
            let not_idle = text(
                "以下資料不完整或有疑問，不算閒置（知道佔用多久的，仍計入時數）：",
                "Incomplete or in doubt, so not counted as idle (known hours still count as held):",
            );
            lines.push(not_idle.to_owned());
            let left_out = self.left_out.iter().map(ToString::to_string);
            let left_out: Capped<_, 20> = left_out.collect();
            lines.extend(left_out.followed_by(|more| {
                said!(
                    "還有 {more} 項（以 --json 查看）",
                    "{more} more (see --json)"
                )
            }));
        }
        lines.into_iter().map(|line| line + "\n").collect()
    }

    fn table(&self) -> Vec<String> {
        let header = [
            text("使用者", "User"),
            text("規則", "Rule"),
            text("閒置(GPU小時)", "Idle (GPU-h)"),
            text("時數(GPU小時)", "Held (GPU-h)"),
            text("閒置比例", "Idle share"),
            text("涵蓋率", "Coverage"),
            text("平均GPU使用率", "Mean GPU"),
            text("通知", "Notice"),
            text("上次通知", "Last notice"),
        ];
        table::lines(header, self.alerts.iter().map(row), CellAlignment::Left)
    }
}

fn row(alert: &AlertReport) -> [String; 9] {
    let figures = alert.figures;
    [
        printable(alert.user),
        printable(alert.rule),
        figures.idle_hours(),
        figures.allocated_hours(),
        figures.idle_share(),
        figures.coverage(),
        figures.mean_gpu(),
        match alert.notice {
            Notified::Due => text("未通知", "none yet"),
            Notified::Recent => text("不重複通知", "not again"),
            Notified::Sent => text("已通知", "sent"),
            Notified::Failed => text("通知失敗", "failed"),
        }
        .to_owned(),
        last_notice(alert),
    ]
}

fn last_notice(alert: &AlertReport) -> String {
    let Some(last) = &alert.last_notice else {
        return "-".to_owned();
    };
    let outcome = |outcome| match outcome {
        Outcome::Unknown => text("結果不明", "unknown"),
        Outcome::Delivered => text("已送達", "delivered"),
        Outcome::Failed => text("失敗", "failed"),
    };
    let mail = last.reminder.mail;
    let mail = mail.map_or(text("未寄", "not mailed"), outcome);
    let admin = outcome(last.reminder.admin);
    said!(
        "{time}（管理員{admin}，使用者{mail}）",
        "{time} (admin: {admin}, user: {mail})",
        time = last.time
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::idle::{LeftOut, Reason, Reminder};
    use crate::analysis::{Account, Idle};
    use crate::model::{Alerts, ExitStatus, GpuIndex, Language, Reading};
    use crate::report::alerts::LastNotice;
    use chrono::NaiveDate;
    use chrono_tz::Tz;
    use pretty_assertions::assert_eq;

    fn date(date: &str) -> NaiveDate {
        date.parse().expect("a date")
    }

    fn alert(user: &str, notice: Notified) -> AlertReport<'_> {
        let mut account = Account {
            active: 12 * 3600,
            idle: Idle {
                vram_held: 48 * 3600,
                ..Idle::default()
            },
            ..Account::default()
        };
        account.gpu.add(Reading::ZERO, 60 * 3600);
        let reminder = Reminder {
            user: user.to_owned(),
            rule: "default".to_owned(),
            at: 0,
            admin: Outcome::Delivered,
            mail: None,
        };
        AlertReport {
            user,
            rule: "default",
            task_types: &[],
            figures: account.into(),
            gpus: Vec::new(),
            last_notice: (notice == Notified::Recent).then(|| LastNotice::new(&reminder, Tz::UTC)),
            notice,
        }
    }

    fn text_in_english(alerts: Vec<AlertReport>, left_out: &[LeftOut]) -> String {
        let settings = Alerts::default();
        let report = AlertsReport {
            first_date: date("2025-07-26"),
            date: date("2025-08-01"),
            zone: Tz::UTC,
            window_days: 7,
            min_coverage_percent: settings.min_coverage_percent,
            rules: settings.rules(),
            idle: Reading::ZERO,
            alerts,
            left_out,
            has_evidence: true,
            nodes_without_evidence: Vec::new(),
            exit_status: ExitStatus::Complete,
        };
        Language::English.in_it(|| report.text())
    }

    #[test]
    fn the_table_is_in_english_as_well() {
        let left_out = [LeftOut {
            date: date("2025-07-28"),
            node: Some("gpu-b".to_owned()),
            gpu: Some(GpuIndex(3)),
            reason: Reason::Running,
        }];
        let alerts = vec![
            alert("alice", Notified::Recent),
            alert("bob", Notified::Due),
        ];
        assert_eq!(
            text_in_english(alerts, &left_out),
            "Idle GPUs, 2025-07-26 to 2025-08-01 (7 days)\n\
             Rule default: idle >= 24 GPU-hours, >= 50% of hours held; coverage >= 90%\n\
             \n\
             User   Rule     Idle (GPU-h)  Held (GPU-h)  Idle share  Coverage  Mean GPU  Notice     Last notice\n\
             alice  default  48.00         60.00         80.00%      100.00%   0.00%     not again  1970-01-01 00:00:00 (admin: delivered, user: not mailed)\n\
             bob    default  48.00         60.00         80.00%      100.00%   0.00%     none yet   -\n\
             \n\
             Incomplete or in doubt, so not counted as idle (known hours still count as held):\n\
             2025-07-28 gpu-b GPU[3]: the day is not over\n"
        );
        assert_eq!(
            text_in_english(Vec::new(), &[]),
            "Idle GPUs, 2025-07-26 to 2025-08-01 (7 days)\n\
             Rule default: idle >= 24 GPU-hours, >= 50% of hours held; coverage >= 90%\n\
             \n\
             No user reached a threshold\n"
        );
    }
}
