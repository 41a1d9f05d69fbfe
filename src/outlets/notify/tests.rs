//! The English of what is sent.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use chrono::NaiveDate;
use chrono_tz::Tz;
use pretty_assertions::assert_eq;

use super::message::hostname;
use super::{
    Ended, MailError, Message, Undelivered, digest, mail_for_user, notice_for_admin, outsiders,
};
use crate::analysis::idle::{LeftOut, Memory, Reason, Tally};
use crate::analysis::usage::Usage;
use crate::analysis::{Account, Coverage, Disagreement, Early, IdPlace, Idle};
use crate::model::{
    Capped, ExitStatus, GpuIndex, GpuUuid, Interval, Language, Reading, TaskInformation, Window,
};
use crate::report::alerts::{AlertReport, AlertsReport, GpuReport, Notified};
use crate::report::notice::{Kind, Notice};
use crate::report::{Collected, DayResult, RunReport};
use crate::settings::Config;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

/// The text of a message with these lines, from this machine.
#[track_caller]
fn reads(message: &Message, subject: &str, lines: &[&str], signature: &str) {
    let (host, lines) = (hostname(), lines.join("\n"));
    let text = format!("{subject}\n\n{lines}\n\n{signature}\n").replace("HOST", &host);
    assert_eq!(message.text(10_000), text.replace("VERSION", VERSION));
}

#[track_caller]
fn of_run(ended: &Ended, warnings: &[String], subject: &str, lines: &[&str], status: u8) {
    let message = Language::English.in_it(|| ended.message(warnings, false));
    let subject = format!("daily-gpu-log HOST: {subject}");
    let signature = format!("host HOST, exit status {status}, daily-gpu-log VERSION");
    reads(&message, &subject, lines, &signature);
}

#[test]
fn a_run_that_an_error_ends() {
    let error = anyhow!("no token");
    let days = [date("2025-08-01"), date("2025-08-02")];
    for (exit_status, dates, subject) in [
        (ExitStatus::Failed, &days[..1], "failed (2025-08-01)"),
        (ExitStatus::Usage, &[], "wrong usage"),
        (
            ExitStatus::Configuration,
            &days,
            "wrong settings or credentials (2025-08-01 to 2025-08-02)",
        ),
        (
            ExitStatus::Locked,
            &days[..1],
            "another run holds the data directory (2025-08-01)",
        ),
        (
            ExitStatus::Interrupted,
            &days[1..],
            "interrupted (2025-08-02)",
        ),
    ] {
        let ended = Ended::Failed {
            error: &error,
            exit_status,
            dates,
        };
        let status = exit_status.into();
        of_run(&ended, &[], subject, &["error: no token"], status);
    }
}

#[test]
fn a_run_that_had_nothing_to_collect() {
    let nothing = Collected::default();
    let lines = ["No day needs to be collected"];
    of_run(&Ended::Collected(&nothing), &[], "complete", &lines, 0);
    let warnings = ["no webhook".to_owned()];
    let lines = ["warning: no webhook", lines[0]];
    of_run(
        &Ended::Collected(&nothing),
        &warnings,
        "complete, with warnings",
        &lines,
        0,
    );
}

fn names<const CAP: usize>(count: usize) -> Capped<String, CAP> {
    (0..count).map(|number| number.to_string()).collect()
}

#[test]
fn days_with_and_without_a_report() {
    let start = 1_754_006_400;
    let hour = Interval::from_seconds(3600).expect("an hour");
    let day = date("2025-08-01");
    let window = Window::new(day, Tz::UTC, hour, start + 86_400).expect("a day");
    let misdated = || Notice::from(Kind::Misdated(names(2)));
    let notices = vec![misdated(), misdated()];
    let tasks = TaskInformation::NotAsked;
    let report = RunReport::new(&window, start, &tasks, [].into_iter(), &[], notices, None);
    let day_line = Language::English.in_it(|| report.day_line());
    let failed = DayResult::Failed {
        date: date("2025-08-02"),
        error: "no room".to_owned(),
        coverage: Coverage { found: 0, due: 1 },
        nodes: [],
        notices: [],
        exit_status: ExitStatus::Failed,
    };
    let collected = Collected {
        days: vec![DayResult::Collected(Box::new(report)), failed],
        failed_outputs: vec!["no metrics file".to_owned()],
        ..Collected::default()
    };
    let lines = [
        "error: no metrics file",
        &day_line,
        "warning: date and weekday of 2 tasks disagree: the date counts (2 times)",
        "2025-08-02: failed",
        "error: no room",
    ];
    let ended = Ended::Collected(&collected);
    of_run(
        &ended,
        &[],
        "failed (2025-08-01 to 2025-08-02)",
        &lines,
        ended.exit_status().into(),
    );
}

#[test]
fn what_leaves_the_house_of_the_management_api() {
    let disagreement = Disagreement {
        index: GpuIndex(0),
        uuid: GpuUuid::parse("APU-70cb99ce3e214bda").expect("an UUID"),
        id: 25,
        id_place: IdPlace::OffNode,
    };
    let early = Early {
        task: "alice".to_owned(),
        seconds: 60,
    };
    for (kind, message) in [
        (
            Kind::TasksKept {
                error: None,
                since: "2025-08-02 00:05:00".to_owned(),
                is_final: true,
            },
            "using the task information kept at 2025-08-02 00:05:00",
        ),
        (
            Kind::Unlisted(names(1)),
            "n1: 1 task with GPUs in flavor but none in gpus: which GPUs they used is not known, \
             left out of the user column",
        ),
        (
            Kind::Disagreement(vec![disagreement]),
            "n1: UUID and id of 1 task GPU disagree, the UUID counts: \
             check gpu_uuids and first_gpu_id with daily-gpu-log inventory",
        ),
        (
            Kind::UnknownHosts {
                hosts: names(1),
                tasks: names(2),
            },
            "hosts of 2 tasks not in the settings: add [[nodes]] with the management API's hostname as name",
        ),
        (
            Kind::TasksGone(names(2)),
            "the management API no longer lists 2 tasks: using the task information kept before; \
             each counts only until it was last listed",
        ),
        (
            Kind::Misdated(names(1)),
            "date and weekday of 1 task disagree: the date counts",
        ),
        (
            Kind::Early(early),
            "a task starts in the future: check management_api.timezone",
        ),
        (
            Kind::RepeatedTasks(names(1)),
            "the management API's answer has 1 task id more than once: every record counts",
        ),
    ] {
        let node = Some(Arc::from("n1"));
        let notice = Notice { node, kind };
        let english = Language::English.in_it(|| outsiders::message(&notice));
        assert_eq!(english, message);
    }
}

/// A report that names alice and bob, with what is left out.
fn with_alerts<T>(left_out: &[LeftOut], read: impl Fn(&AlertsReport) -> T) -> T {
    let (tally, config, memory) = (Tally::default(), Config::default(), Memory::default());
    let days = (date("2025-07-26"), date("2025-08-01"));
    let mut report = AlertsReport::new(&tally, &config, days, &memory, 0);
    let mut account = Account {
        active: 4 * 3600,
        idle: Idle {
            vram_held: 36 * 3600,
            ..Idle::default()
        },
        ..Account::default()
    };
    let mean = Reading::new(2.5).expect("a reading");
    account.gpu.add(mean, 40 * 3600);
    let types = ["WEBAPP".to_owned(), "LAB".to_owned()];
    report.alerts = ["alice", "bob"]
        .map(|user| AlertReport {
            user,
            rule: "default",
            task_types: if user == "bob" { &types } else { &[] },
            figures: account.into(),
            gpus: vec![GpuReport {
                node: "n1",
                gpu: GpuIndex(3),
                figures: account.into(),
            }],
            last_notice: None,
            notice: Notified::Due,
        })
        .into();
    report.left_out = left_out;
    Language::English.in_it(|| read(&report))
}

#[test]
fn the_admins_notice_of_idle_gpus() {
    let left_out = LeftOut {
        date: date("2025-07-26"),
        node: None,
        gpu: None,
        reason: Reason::NoTasks,
    };
    let left_out = [left_out.clone(), left_out];
    let signature = "host HOST, daily-gpu-log VERSION";
    let details = "For details, run daily-gpu-log alerts on the host";
    with_alerts(&left_out, |report| {
        let alerts: Vec<_> = report.alerts.iter().collect();
        let rules: Vec<_> = report.rules().collect();
        reads(
            &notice_for_admin(report, &alerts, false),
            "daily-gpu-log HOST: idle GPUs of 2 users (2025-07-26 to 2025-08-01)",
            &[
                "Rule default: threshold reached by 2 users",
                &rules.join("\n"),
                "Data incomplete or in doubt: 2 items; time that is not known does not count as idle",
                details,
            ],
            signature,
        );
    });
    with_alerts(&[], |report| {
        let rules: Vec<_> = report.rules().collect();
        reads(
            &notice_for_admin(report, &[&report.alerts[0]], true),
            "daily-gpu-log HOST: idle GPUs of 1 user (2025-07-26 to 2025-08-01)",
            &[
                "alice (rule default): 36.00 GPU-hours idle, 90.00% of 40.00 GPU-hours held, coverage 100.00%",
                &rules.join("\n"),
                details,
            ],
            signature,
        );
    });
}

#[test]
fn a_users_mail_about_idle_gpus() {
    with_alerts(&[], |report| {
        let days = report.days();
        reads(
            &mail_for_user(report, "bob", &[&report.alerts[1]]),
            "Reminder: idle GPUs (2025-07-26 to 2025-08-01)",
            &[
                "Hello bob,",
                "",
                &format!(
                    "{days}: GPUs that you held were idle for a long time (utilisation {}% or less):",
                    report.idle
                ),
                "",
                "WEBAPP, LAB tasks: 36.00 GPU-hours idle, 90.00% of 40.00 GPU-hours held",
                "  n1 GPU[3]: 36.00 hours idle, 40.00 hours held, mean utilisation 2.50%",
                "",
                "What you can do:",
                "- If your work is done, end the task, so that others can use the GPUs.",
                "- If you do not need them for now, save your progress, end the task, and request GPUs again later.",
                "- If your program should be computing, check whether it really uses the GPU or is waiting for data.",
                "- If you do need to keep these GPUs, let the administrator know.",
                "",
                "Time without readings, or with data in doubt, does not count as idle. \
                 You will get no more mail about this for 7 days. Thank you!",
            ],
            "sent automatically by daily-gpu-log VERSION on HOST; it lists only your own usage",
        );
    });
}

#[test]
fn lines_without_room_are_counted() {
    let message = |count: usize| {
        let lines = (0..count).map(|_| "x".repeat(100));
        let message = Message::new("subject", lines, "signature");
        Language::English.in_it(|| message.text(150))
    };
    assert_eq!(
        message(1),
        format!("subject\n\n{}\n\nsignature\n", "x".repeat(100))
    );
    let mut text = message(3);
    assert_eq!(
        text,
        "subject\n\n… (3 more lines not listed)\n\nsignature\n"
    );
    text = Language::English.in_it(|| {
        let lines = ["x".repeat(20), "y".repeat(100)];
        Message::new("subject", lines, "signature").text(100)
    });
    let sent = "x".repeat(20);
    assert_eq!(
        text,
        format!("subject\n\n{sent}\n… (1 more line not listed)\n\nsignature\n")
    );
}

#[test]
fn what_could_not_be_delivered() {
    let mail = |reason| Undelivered::Mail {
        recipient: "admin@example.org".to_owned(),
        server: "mail:25".to_owned(),
        reason,
    };
    let http = Undelivered::Http {
        address: "https://hooks.example.org/…".to_owned(),
        signal: " (start of the run)",
        reason: "no such check".to_owned(),
        key: "notify.healthcheck_url".to_owned(),
    };
    let refused = MailError::Refused {
        step: "login",
        code: "535 5.7.8".to_owned(),
    };
    let lost = MailError::Network {
        step: "delivery",
        cause: "broken pipe".to_owned(),
    };
    let to = "cannot send mail to admin@example.org (via mail:25)";
    for (undelivered, english) in [
        (
            http,
            "cannot notify https://hooks.example.org/… (start of the run): no such check; \
             check notify.healthcheck_url"
                .to_owned(),
        ),
        (
            mail(refused),
            format!("{to}: login refused (SMTP 535 5.7.8); check [notify.smtp]"),
        ),
        (
            mail(lost),
            format!("{to}: delivery failed: broken pipe; check [notify.smtp]"),
        ),
        (
            mail(MailError::Timeout(Duration::from_millis(2500))),
            format!("{to}: timed out: not done within 2.5 seconds; check [notify.smtp]"),
        ),
        (
            mail(MailError::Tls("no roots".to_owned())),
            format!(
                "{to}: cannot use TLS: no roots (install ca-certificates); check [notify.smtp]"
            ),
        ),
        (
            mail(MailError::NotSmtp),
            format!("{to}: the answer is not SMTP (check port and security); check [notify.smtp]"),
        ),
        (
            Undelivered::Panicked,
            "internal error while notifying, report this bug".to_owned(),
        ),
    ] {
        let said = Language::English.in_it(|| undelivered.to_string());
        assert_eq!(said, english);
    }
}

#[test]
fn the_digest_names_what_is_attached_and_what_is_too_large_for_that() {
    let usage = Usage::new(date("2025-07-28"), date("2025-08-03"));
    let digest = |attached: &[&str], too_large: &[&str]| {
        let too_large: Vec<_> = too_large.iter().map(|file| (*file).to_owned()).collect();
        digest(&usage, attached, (&too_large, 10)).text(10_000)
    };
    let text = digest(&["book.xlsx", "page.html"], &[]);
    assert!(
        text.contains("\n附件：book.xlsx, page.html\n詳情請在"),
        "{text}"
    );
    let text = digest(&["book.xlsx"], &["page.html"]);
    let lines = "\n附件：book.xlsx\n太大而沒有附上（附件合計最多 10 MiB）：page.html\n";
    assert!(text.contains(lines), "{text}");
    let text = Language::English.in_it(|| digest(&[], &["book.xlsx", "page.html"]));
    let line = "\n\nToo large to attach (at most 10 MiB in all): book.xlsx, page.html\n";
    assert!(text.contains(line), "{text}");
}
