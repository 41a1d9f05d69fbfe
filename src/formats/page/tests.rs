use std::collections::BTreeSet;

use chrono_tz::Tz;
use pretty_assertions::assert_eq;

use super::*;
use crate::analysis::overview::{
    Conflicting, Findings, HeldTask, Hold, Lane, OverviewDay, OverviewNode, Parts, Resolution,
    Sources,
};
use crate::analysis::usage::Usage;
use crate::analysis::{Account, Idle, Mean, Span};
use crate::model::{CardUsage, GpuIndex, Interval, Reading, Thresholds};

const MIDNIGHT: i64 = 1_754_006_400;
const HOSTILE: [&str; 3] = [
    "\"><script>alert(1)</script>",
    "</script><b onclick='x'>",
    "&lt;\u{202e}王\n",
];

fn about() -> About {
    About {
        made_at: "2025-08-02 00:10:00".to_owned(),
        command: "daily-gpu-log report 2025-08-01".to_owned(),
    }
}

/// So many days of a node of one GPU, which these users held at once for the first two hours. It has no reading from
/// 03:00 to 04:00.
fn overview(days: u16, users: &[&str]) -> Overview {
    let first = "2025-08-01".parse().expect("a date");
    let last = first + chrono::Days::new(u64::from(days) - 1);
    let mut lane = Lane::without_readings(GpuIndex(0), 0, 0);
    let mut usage = Usage::new(first, last);
    let account = Account {
        active: 3600,
        idle: Idle {
            vram_held: 3600,
            ..Idle::default()
        },
        ..Account::default()
    };
    let mut overview_days = Vec::new();
    let parts = Parts {
        active: 3600,
        idle: 3600,
        free: 86_400 - 7200,
        ..Parts::default()
    };
    for day in 0..i64::from(days) {
        let mut gpu = vec![Reading::new(65.28); 144];
        gpu[18..24].fill(None);
        let readings = CardUsage {
            vram: gpu.clone(),
            gpu,
        };
        lane.add_day(Some(&readings), 144, 144, 1);
        let start = MIDNIGHT + day * 86_400;
        overview_days.push(OverviewDay {
            date: first + chrono::Days::new(day.unsigned_abs()),
            start,
            end: start + 86_400,
            until: start + 86_400,
            collected: start + 86_400,
            last_reading: Some(start + 86_400),
            cells: 144,
            offsets: vec![(0, 0)],
            parts: Some(parts),
            tasks_until: Some(start + 86_400),
        });
        for task in 0..users.len() {
            lane.add_hold(Hold {
                from: start,
                to: start + 7200,
                task,
            });
        }
    }
    usage.days = usize::from(days);
    usage.days_with_accounts = usage.days;
    usage.users = users
        .iter()
        .map(|user| ((*user).to_owned(), account))
        .collect();
    let task = |user| HeldTask {
        id: format!("t{user}"),
        kind: Some("LAB".to_owned()),
        user,
        start: Some(MIDNIGHT - 3600),
    };
    let held = BTreeSet::from([(0, GpuIndex(0))]);
    Overview {
        first,
        last,
        zone: Tz::UTC,
        interval: Interval::DEFAULT,
        thresholds: Thresholds::default(),
        resolution: Resolution::Interval,
        days: overview_days,
        nodes: vec![OverviewNode {
            name: "n1".to_owned(),
            parts,
            days: lane
                .days
                .iter()
                .map(|day| Mean::of_means([day.mean]))
                .collect(),
            lanes: vec![lane],
            failures: [].into(),
            without_readings: [].into(),
        }],
        users: users.iter().map(|user| (*user).to_owned()).collect(),
        tasks: (0..users.len()).map(task).collect(),
        usage,
        vram: [].into(),
        gpus_of_users: users
            .iter()
            .map(|user| ((*user).to_owned(), held.clone()))
            .collect(),
        user: None,
        findings: findings(users),
        shortfalls: [].into(),
        unusable: BTreeSet::new(),
        sources: Sources::default(),
    }
}

/// That these users held the GPU at once.
fn findings(users: &[&str]) -> Findings {
    let mut findings = Findings::default();
    findings.conflicts.push_with(|| Conflicting {
        node: "n1".to_owned(),
        gpu: GpuIndex(0),
        users: users.iter().map(|user| (*user).to_owned()).collect(),
        more_users: 0,
        span: Span::new(MIDNIGHT, MIDNIGHT + 7200).expect("a span"),
    });
    findings
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(begin).expect("the beginning");
    rest.split_once(end).expect("the end").0
}

#[test]
fn nothing_but_its_own_style_and_script_is_allowed_to_it() {
    for days in [1, 3, 70] {
        let page = render(&overview(days, &["alice"]), &about());
        let policy = between(&page, "Content-Security-Policy\" content=\"", "\"");
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        for (begin, end) in [("<style>", "</style>"), ("<script>", "</script>")] {
            let hash = STANDARD.encode(digest(&SHA256, between(&page, begin, end).as_bytes()));
            assert!(policy.contains(&format!("'sha256-{hash}'")), "{begin}");
        }
        // An attribute of that name needs a policy that would allow every other one as well.
        assert!(!page.contains(" style="));
        for outside in [" src=", " href=", "@import", "url(\"", "url(h"] {
            assert!(!page.contains(outside), "{outside}");
        }
        let addresses = page.matches("://").count();
        assert_eq!(
            addresses,
            page.matches("http://www.w3.org/2000/svg").count()
        );
    }
}

#[test]
fn the_script_makes_no_markup_of_text_and_asks_nobody() {
    for forbidden in [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "createContextualFragment",
        "DOMParser",
        "eval(",
        "Function(",
        "setTimeout",
        "fetch(",
        "XMLHttpRequest",
        "WebSocket",
        "EventSource",
        "sendBeacon",
        "import(",
        "importScripts",
        "localStorage",
        "cookie",
        "location",
        "window.open",
        "\"style\"",
    ] {
        assert!(!SCRIPT.contains(forbidden), "{forbidden}");
    }
    assert!(!SCRIPT.contains("</") && !STYLE.contains("</"));
}

#[test]
fn names_are_text_wherever_they_stand() {
    for days in [1, 3] {
        let page = render(&overview(days, &HOSTILE), &about());
        assert_eq!(
            page.matches("<script").count(),
            2,
            "the data and the script"
        );
        assert_eq!(page.matches("</script").count(), 2);
        for part in ["<b onclick", "\u{202e}", "alert(1)</script"] {
            assert!(!page.contains(part), "{part}");
        }
        assert!(page.contains("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"));
        let data = between(&page, "type=\"application/json\">", "</script>");
        let data: serde_json::Value = serde_json::from_str(data).expect("JSON");
        assert_eq!(data["users"][0], HOSTILE[0]);
    }
}

#[test]
fn the_page_of_one_user_names_nobody_else() {
    let mut of_alice = overview(1, &["alice", "mallory"]);
    of_alice.user = Some("alice".to_owned());
    of_alice.usage.users.remove("mallory");
    of_alice.findings = Findings::default();
    of_alice.nodes[0].lanes[0]
        .holds
        .retain(|hold| hold.task == 0);
    let page = render(&of_alice, &about());
    assert!(page.contains("alice 的 GPU 使用概況 2025-08-01"));
    assert!(!page.contains("mallory"));
}

#[test]
fn that_nobody_held_a_gpu_is_said_only_as_far_as_it_is_known() {
    let data = |overview: &Overview| -> serde_json::Value {
        let page = render(overview, &about());
        let data = between(&page, "type=\"application/json\">", "</script>");
        serde_json::from_str(data).expect("JSON")
    };
    let mut of_days = overview(2, &["alice"]);
    let known = data(&of_days);
    assert_eq!(known["days"][0][4], MIDNIGHT + 86_400);
    assert!(known["gpus"][0].get("x").is_none());
    assert_eq!(known["words"]["unused"], "沒有任務佔用");
    of_days.days[0].tasks_until = None;
    of_days.days[1].tasks_until = Some(MIDNIGHT + 90_000);
    of_days.nodes[0].lanes[0].doubted = vec![1];
    let known = data(&of_days);
    assert_eq!(known["days"][0][4], 0);
    assert_eq!(known["days"][1][4], MIDNIGHT + 90_000);
    assert_eq!(known["gpus"][0]["x"], serde_json::json!([1]));
    // Others may have held what one user did not.
    of_days.user = Some("alice".to_owned());
    assert_eq!(data(&of_days)["words"]["unused"], "這位使用者沒有佔用");
}

#[test]
fn since_when_a_task_runs_is_on_the_clocks_of_its_own_date() {
    let mut of_berlin = overview(1, &["alice"]);
    of_berlin.zone = Tz::Europe__Berlin;
    // 12:00 in winter, whatever the clocks of the page's day.
    of_berlin.tasks[0].start = Some(1_735_729_200);
    let page = render(&of_berlin, &about());
    assert!(page.contains("[\"t0\",\"LAB\",0,\"2025-01-01 12:00\"]"));
}

#[test]
fn the_hours_are_where_the_clocks_show_them_on_the_days_on_which_they_are_set() {
    for (hours, cell, before, after, three, noon) in [
        // Berlin: from 03:00 back to 02:00, and from 02:00 on to 03:00.
        (25, 18, 7200, 3600, "16%", "52%"),
        (23, 12, 3600, 7200, "8.696%", "47.826%"),
    ] {
        let mut set = overview(1, &[]);
        let day = &mut set.days[0];
        day.end = day.start + hours * 3600;
        day.offsets = vec![(0, before), (cell, after)];
        let page = render(&set, &about());
        for (at, shown) in [("0%", "00:00"), (three, "03:00"), (noon, "12:00")] {
            let tick = format!("<text x=\"{at}\" y=\"11\">{shown}</text>");
            assert!(page.contains(&tick), "{tick}");
        }
    }
}

#[test]
fn the_banner_says_how_many_lines_it_leaves_out() {
    let mut damaged = overview(1, &["alice"]);
    let coverage = 1;
    let files = (0..130).map(|number| format!("file {number:03}"));
    damaged.unusable = files.collect();
    let page = render(&damaged, &about());
    let banner = between(&page, "<details class=\"banner\"", "</details>");
    assert_eq!(banner.matches("<li>").count(), 100);
    let more = 130 + coverage - 100;
    assert!(
        banner.contains(&format!("<li class=\"dim\">另外 {more} 項</li>")),
        "{banner}"
    );
}

#[test]
fn both_languages_are_whole() {
    let is_cjk = |c: char| matches!(c, '\u{3000}'..='\u{303f}' | '\u{4e00}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}');
    for days in [1, 3, 70] {
        let page = Language::English.in_it(|| render(&overview(days, &["alice", "bob"]), &about()));
        let left: Vec<_> = page.lines().filter(|line| line.contains(is_cjk)).collect();
        assert!(left.is_empty(), "{left:?}");
        assert!(page.contains("<html lang=\"en\">"));
        let page = render(&overview(days, &["alice"]), &about());
        assert!(page.contains("<html lang=\"zh-Hant-TW\">"));
    }
}

#[test]
fn what_is_no_reading_is_never_drawn_as_one() {
    let mut with_gap = overview(3, &["alice"]);
    with_gap.days[1].parts = None;
    with_gap.nodes[0].days[1] = Mean::default();
    let page = render(&with_gap, &about());
    // Three days of a block: up to three and from four o'clock on.
    assert!(page.contains(
        "<path class=\"c0\" d=\"M0 .5h18m6 0h120m-144 1h18m6 0h120m-144 1h18m6 0h120\"/>"
    ));
    assert_eq!(
        page.matches("class=\"empty\"").count(),
        2,
        "the slot, and its sample"
    );
    assert!(page.contains("2025-08-02 沒有資料"));
    assert_eq!(
        page.matches("<td class=\"kx\">").count(),
        2,
        "of both metrics"
    );
}

#[test]
fn the_bar_closes_to_the_second() {
    let page = render(&overview(1, &["alice"]), &about());
    for shown in [
        "<b>24.0</b>",
        "<b>8.3%</b>",
        "<b>1.0</b> <span>4.2%</span>",
        "<b>22.0</b> <span>91.7%</span>",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
}
