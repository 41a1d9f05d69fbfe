//! What a check says, in both languages.

use std::collections::BTreeMap;
use std::fs;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono_tz::Tz;
use pretty_assertions::assert_eq;

use super::{Check, Report, Subject, api, api_panicked, directory, node, notify, tasks, token};
use crate::model::{
    Answer, CardId, CardUsage, Interval, Language, Metric, Node, NodeUsage, Reading, RejectedRows,
    UnixSeconds, Window,
};
use crate::settings::{self, Config, SettingsArgs, Token, TokenFile};
use crate::sources::management_api::Fetched;
use crate::sources::netdata::{Agent, Charts, NodeError, NodeErrorReason, OnParent, Probe};
use crate::store::Writable;

const DAY: UnixSeconds = 24 * 3600;
const SETTINGS: &str = r#"
data_dir = "/data"
[[nodes]]
name = "gpu1"
url = "http://127.0.0.1:19999"
cards = [1, 9]
[[nodes]]
name = "gpu2"
url = "http://127.0.0.2:19999/host/gpu2"
cards = [1, 9]
[management_api]
url = "http://127.0.0.3/tasks"
[notify]
healthcheck_url = "http://127.0.0.4/ping"
webhook_url = "http://127.0.0.5/room"
[notify.smtp]
host = "127.0.0.6"
from = "a@example.org"
to = ["b@example.org"]
"#;

#[test]
fn a_check_in_traditional_chinese() {
    let golden = include_str!("../../../fixtures/golden/check.zh-TW.txt");
    assert_eq!(Language::Chinese.in_it(listing), golden);
}

#[test]
fn a_check_in_english() {
    let golden = include_str!("../../../fixtures/golden/check.en.txt");
    assert_eq!(Language::English.in_it(listing), golden);
}

fn listing() -> String {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(&file, SETTINGS).expect("the settings");
    let config = settings::load(&SettingsArgs {
        config: Some(file.path().to_owned()),
        ..SettingsArgs::default()
    });
    let mut config = config.expect("the settings");
    config.source = Some("config.toml".into());
    let nodes: Vec<&Node> = config.nodes.iter().collect();
    let date = "2025-08-01".parse().expect("a date");
    let window = Window::new(date, Tz::UTC, Interval::DEFAULT, 2_000_000_000).expect("a window");

    let built_in = Config {
        source: None,
        ..config.clone()
    };
    let mut checks = vec![
        super::settings(&config, &nodes),
        super::settings(&built_in, &nodes[..1]),
    ];
    for (exists, free_bytes) in [(true, Some(1 << 30)), (false, None), (true, Some(1))] {
        let found = Ok(Writable { exists, free_bytes });
        checks.extend(directory(&config, &nodes, &found));
    }
    checks.extend(tokens(&window));
    checks.extend(notify(&config.notify));
    checks.extend(of_api(&config, &nodes, &window));
    checks.extend(nodes.iter().flat_map(|&of| of_node(of, &window)));
    checks.push(super::panicked(nodes[0]));
    let id = || Some("8f1c".to_owned());
    checks.extend(super::same_agents(&nodes, &[id(), id()]));

    let mut lines = Report::new(checks).lines(false);
    let subject = Subject::DataDir;
    for checks in [
        vec![Check::ok(subject, "…")],
        vec![Check::ok(subject, "…"), Check::warning(subject, "…")],
        vec![Check::error(subject, "…")],
    ] {
        lines += &Report::new(checks).lines(false);
    }
    lines
}

fn tokens(window: &Window) -> Vec<Check> {
    let now = window.end;
    let ends = [None, Some(30 * DAY), Some(3 * DAY), Some(3600), Some(0)];
    let check = |end: Option<UnixSeconds>| {
        let claims = end.map_or("{}".to_owned(), |end| format!(r#"{{"exp":{}}}"#, now + end));
        let file = tempfile::NamedTempFile::new().expect("a file");
        let text = format!("e30.{}.e30", URL_SAFE_NO_PAD.encode(claims));
        fs::write(&file, text).expect("the token");
        let mut found = Token::find(&TokenFile::Named(file.path().to_owned())).expect("a token");
        found.origin.description = "token.jwt".to_owned();
        token(&Ok(found), Tz::UTC, now)
    };
    ends.map(check).into()
}

fn of_api(config: &Config, nodes: &[&Node], window: &Window) -> Vec<Check> {
    let answer = Answer {
        tasks: Vec::new(),
        malformed: Vec::new(),
        repeated: Vec::new(),
        misdated: Vec::new(),
    };
    let clocks = [None, Some(0), Some(-3), Some(90)];
    let fetched = |clock_ahead| {
        Ok(Fetched {
            answer: answer.clone(),
            body: Vec::new(),
            clock_ahead,
        })
    };
    let of_api = |clock| api(&config.management_api, &fetched(clock), window);
    let mut checks: Vec<_> = clocks.into_iter().flat_map(of_api).collect();
    checks.push(api_panicked(&config.management_api));
    let asked = (window.end, window.end);
    checks.extend(tasks(nodes, config, &answer, window, asked));
    checks
}

fn of_node(of: &Node, window: &Window) -> Vec<Check> {
    let answers = answers(of, window).into_iter();
    let checks = answers.flat_map(|answer| {
        let quoted = quoted(&answer, window);
        let mut checks = node(of, &answer, window);
        for check in &mut checks {
            for (text, stands_for) in &quoted {
                check.message = check.message.replace(text, stands_for);
            }
        }
        checks
    });
    checks.collect()
}

/// The texts of other wings that a finding quotes, and what the listing has of each.
fn quoted(answer: &Result<Probe, NodeError>, window: &Window) -> Vec<(String, &'static str)> {
    let usage = match answer {
        Ok(probe) => probe.usage.as_ref().ok(),
        Err(error) => return vec![(error.to_string(), "<error>")],
    };
    let rejected = usage.and_then(|usage| usage.rejected_example(window));
    let in_part = usage.and_then(|usage| usage.in_part_example(window));
    let examples = [rejected, in_part].into_iter().flatten();
    let examples = examples.map(|example| (example, "<example>"));
    let error = NodeErrorReason::NoReadings.to_string();
    examples.chain([(error, "<error>")]).collect()
}

/// Readings of both metrics to this row, of all the window's.
fn readings(window: &Window, [gpu, vram]: [usize; 2]) -> CardUsage {
    let of = |until| {
        (0..window.due())
            .map(|row| (row < until).then(half))
            .collect()
    };
    CardUsage {
        gpu: of(gpu),
        vram: of(vram),
    }
}

fn half() -> Reading {
    Reading::new(50.0).expect("a percentage")
}

fn usage<const N: usize>(window: &Window, cards: [(u64, [usize; 2]); N]) -> NodeUsage {
    let cards = cards.map(|(card, rows)| (CardId(card), readings(window, rows)));
    NodeUsage {
        cards: cards.into(),
        ..NodeUsage::default()
    }
}

/// What a node's agent may answer.
fn answers(of: &Node, window: &Window) -> Vec<Result<Probe, NodeError>> {
    let due = window.due();
    let agent = |clock_ahead, on_parent| {
        Ok(Agent {
            version: "v2.8.0".to_owned(),
            id: "8f1c".to_owned(),
            hostname: Some("host1".to_owned()).filter(|_| clock_ahead != Some(0)),
            clock_ahead,
            on_parent,
        })
    };
    let charts = |days: UnixSeconds| -> Result<Charts, NodeErrorReason> {
        let of_card = |card| ((CardId(card), Metric::Gpu), window.end - days * DAY);
        Ok([1, 9].map(of_card).into())
    };
    let failure = || NodeErrorReason::NoReadings;
    let lost = || OnParent {
        namesakes: None,
        is_lost: true,
    };
    let all = |rows| usage(window, [(1, [rows; 2]), (9, [rows; 2])]);
    let probe = |agent, usage, charts| {
        Ok(Probe {
            usage,
            agent,
            charts,
        })
    };
    if of.is_on_parent() {
        return vec![
            probe(agent(None, None), Ok(all(12)), charts(14)),
            probe(agent(None, Some(lost())), Ok(all(12)), charts(14)),
            probe(agent(None, Some(lost())), Ok(all(due)), charts(14)),
        ];
    }
    vec![
        Err(NodeError {
            url: of.address().to_owned(),
            reason: failure(),
        }),
        probe(agent(Some(0), None), Ok(all(due)), charts(14)),
        probe(Err(failure()), Ok(faulty(window)), charts(1)),
        probe(agent(Some(90), None), Ok(all(12)), Err(failure())),
        probe(agent(Some(3600), None), Err(failure()), charts(14)),
        probe(
            agent(None, None),
            Ok(usage(window, [(1, [due; 2])])),
            charts(14),
        ),
        probe(
            agent(Some(-3), None),
            Ok(usage(window, [(1, [due; 2])])),
            Ok(BTreeMap::new()),
        ),
    ]
}

/// Of a node with whatever a collection would warn of.
fn faulty(window: &Window) -> NodeUsage {
    let mut usage = usage(window, [(1, [window.due(), 0]), (9, [window.due(), 12])]);
    usage.without_chart.insert((CardId(1), Metric::Vram));
    usage.other_cards.push_with(|| CardId(17));
    let place = (CardId(1), Metric::Gpu, window.end);
    usage.rejected.insert(place, "nan".to_owned());
    usage.in_part.insert((CardId(1), Metric::Gpu, 0));
    usage.coarse_problem = Some("…".to_owned());
    let problem = "…".to_owned();
    usage.rejected_rows = Some(RejectedRows { problem, count: 1 });
    usage
}
