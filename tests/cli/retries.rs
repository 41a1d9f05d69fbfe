//! What can pass in a moment is asked for again, and nothing else is; and whatever goes wrong with a node costs no other.

use std::fs;
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;

use crate::simulated_cluster::{Fault, SimulatedApi, SimulatedNode};
use crate::support::{DATE, Lab, TOKEN, World, at_once};

/// How often a request is made that fails each time in a way that could pass.
const TRIES: usize = 3;
/// The charts of a node with eight GPUs, for which it is asked one by one where it does not know the query for all.
const CHARTS: usize = 16;

fn status(code: u16) -> Fault {
    Fault::status(code, "some words")
}

fn times(code: u16, times: usize) -> Fault {
    Fault::StatusTimes { code, times }
}

fn too_much(chunked: bool) -> Fault {
    let bytes = 33 << 20;
    Fault::Oversize { bytes, chunked }
}

/// A cluster with a node for each fault of `table`, between two without, which are complete whatever happens.
#[track_caller]
fn run_with_all(table: &[(&str, Fault)], patience: &str, status: i32) -> (World, String) {
    let mut lab = Lab::new()
        .node(SimulatedNode::new("first"))
        .tables(patience);
    for (name, fault) in table {
        lab = lab.node(SimulatedNode::new(name).fault(fault.clone()));
    }
    let world = lab.node(SimulatedNode::new("last")).start();
    let outcome = world.run(&[DATE]).exits(status);
    for name in ["first", "last"] {
        outcome.holds_all_readings_of(world.cluster.node(name), name);
        assert_eq!(world.cluster.requests(name).len(), 1, "{name}");
    }
    (world, outcome.stderr)
}

/// Each node fails for its reason, after so many requests.
#[track_caller]
fn each_fails(table: &[(&str, Fault, usize, &str)], patience: &str) {
    // No more than a dozen are named.
    at_once(table.chunks(12), |table| {
        let faults: Vec<_> = table
            .iter()
            .map(|(name, fault, ..)| (*name, fault.clone()))
            .collect();
        let (world, stderr) = run_with_all(&faults, patience, 3);
        assert_eq!(stderr.lines().count(), table.len(), "{stderr}");
        for (line, (name, _, requests, reason)) in stderr.lines().zip(table) {
            let url = world.cluster.url(name);
            let said = format!("錯誤：無法從 {url} 獲取數據：{reason}");
            let kept = format!("（節點 {name}，原有檔案保持不變）");
            assert!(line.starts_with(&said), "no {said:?} in {line}");
            assert!(line.ends_with(&kept), "no {kept:?} in {line}");
            assert_eq!(world.cluster.requests(name).len(), *requests, "{name}");
            let files = fs::read_dir(world.path(format!("data/{name}/{DATE}")));
            // Without readings it has no file but the average and the summary.
            assert_eq!(files.expect("a directory").count(), 2, "{name}");
        }
    });
}

#[test]
fn a_node_is_asked_again_only_where_that_may_help() {
    let refused = "無法連線：Connection refused (os error 111)";
    let no_data = "這段時間沒有任何 AMD GPU 的讀數";
    let (words, whole_then_first_chart) = ("：some words", TRIES + TRIES);
    let said = |status: &str| format!("HTTP {status}{words}");
    let [s400, s403, s408, s412, s429, s451] = [
        "400 Bad Request",
        "403 Forbidden",
        "408 Request Timeout",
        "412 Precondition Failed",
        "429 Too Many Requests",
        "451 Unavailable For Legal Reasons",
    ]
    .map(said);
    let [s499, s500, s502, s503] = [
        "499 <unknown status code>",
        "500 Internal Server Error",
        "502 Bad Gateway",
        "503 Service Unavailable",
    ]
    .map(said);
    each_fails(
        &[
            ("refuses", Fault::Refuse, 0, refused),
            ("s400", status(400), 1 + 1, &s400),
            ("s403", status(403), 1, &s403),
            // Asked for the samples, for what is older, and for each chart: it has none of them.
            ("s404", status(404), 1 + 1 + CHARTS, no_data),
            ("s408", status(408), TRIES, &s408),
            ("s412", status(412), 1, &s412),
            ("s429", status(429), TRIES, &s429),
            ("s451", status(451), 1, &s451),
            ("s499", status(499), TRIES, &s499),
            ("s500", status(500), whole_then_first_chart, &s500),
            ("s502", status(502), TRIES, &s502),
            ("s503", status(503), TRIES, &s503),
            (
                "redirects",
                Fault::RedirectLoop,
                1,
                "HTTP 302 Found，轉址到 /api/v1/data?",
            ),
            ("no-json", Fault::NotJson, 1, "回應不是 JSON"),
            ("half", Fault::TruncatedJson, 1, "回應不是 JSON（"),
            ("shape", Fault::OtherShape, 1, "回應的 JSON 格式不符"),
            ("announced", too_much(false), 1, "回應超過 32 MiB 的上限"),
            ("endless", too_much(true), 1, "回應超過 32 MiB 的上限"),
            ("resets", Fault::ResetMidBody, TRIES, "連線中斷："),
            ("closes", Fault::CloseWithoutAnswer, TRIES, "連線中斷："),
        ],
        "[netdata]\ndeadline = \"20s\"",
    );
}

#[test]
fn a_node_that_lets_the_program_wait_has_the_time_of_its_tries() {
    let late = "逾時：試了 3 次，共 ";
    let drip = Fault::DripByte {
        every: Duration::from_millis(20),
    };
    each_fails(
        &[
            ("silent", Fault::HangBeforeHeaders, TRIES, late),
            ("halting", Fault::HangAfterHeaders, TRIES, late),
            ("dripping", drip, TRIES, late),
            ("off", Fault::Unreachable, 0, "無法連線：沒有回應"),
        ],
        "[netdata]\ntimeout = \"400ms\"\nconnect_timeout = \"300ms\"\ndeadline = \"10s\"",
    );
}

#[test]
fn a_machine_that_is_silent_is_tried_again() {
    let world = Lab::new()
        .node(SimulatedNode::new("off").fault(Fault::Unreachable))
        .tables("[netdata]\nconnect_timeout = \"200ms\"")
        .start();
    let outcome = world.run(&[DATE, "-v"]).exits(1);
    assert_eq!(outcome.stderr.matches("trying again").count(), 2);
}

#[test]
fn a_timeout_names_the_time_of_all_tries_together() {
    let hanging = SimulatedNode::new("n").fault(Fault::HangBeforeHeaders);
    let world = Lab::new()
        .node(hanging)
        .tables("[netdata]\ntimeout = \"300ms\"\nretries = 1")
        .start();
    let started = Instant::now();
    let outcome = world.run(&[DATE]).exits(1);
    let whole_run = started.elapsed().as_secs_f64();
    let (_, said) = outcome
        .stderr
        .split_once("逾時：試了 2 次，共 ")
        .expect("a count");
    let (seconds, _) = said.split_once(" 秒內沒有完整的回應").expect("a time");
    let seconds: f64 = seconds.parse().expect("a number");
    // Two tries, and the shortest pause between them.
    assert!((0.8..whole_run + 0.05).contains(&seconds), "{seconds}");
}

#[test]
fn what_passes_leaves_no_trace() {
    let table = [
        ("busy", times(503, 1), 2),
        ("throttled", times(429, 2), 3),
        ("given-up", times(499, 1), 2),
        ("crashed", times(500, 1), 2),
        ("closes-idle", Fault::CloseIdle, 1),
    ];
    let faults = table.clone().map(|(name, fault, _)| (name, fault));
    let (world, stderr) = run_with_all(&faults, "[netdata]\n", 0);
    assert_eq!(stderr, "");
    for (name, _, requests) in table {
        assert_eq!(world.cluster.requests(name).len(), requests, "{name}");
        assert!(
            world
                .path(format!("data/{name}/{DATE}/gpu7_{DATE}.csv"))
                .exists()
        );
    }
}

#[test]
fn a_server_is_left_alone_for_as_long_as_it_asks() {
    let busy = || SimulatedNode::new("n").fault(Fault::RetryAfter(1));
    let started = Instant::now();
    let world = Lab::new().node(busy()).with_usual_retries().start();
    let _ = world.run(&[DATE]).exits(0).stderr_is("");
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(world.cluster.requests("n").len(), 2);
    // Who asks for more than there is time for is not asked again.
    let started = Instant::now();
    let world = Lab::new()
        .node(busy())
        .tables("[netdata]\ndeadline = \"900ms\"");
    let world = world.start();
    let _ = world.run(&[DATE]).exits(1).stderr_has("HTTP 503");
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(world.cluster.requests("n").len(), 1);
}

#[test]
fn a_server_may_ask_for_a_longer_pause_than_there_is_time_in_the_world() {
    let for_ever = || Fault::RetryAfter(u64::MAX);
    let world = Lab::new()
        .node(SimulatedNode::new("n").fault(for_ever()))
        .with_usual_retries()
        .start();
    let _ = world.run(&[DATE]).exits(1).stderr_has("HTTP 503");
    assert_eq!(world.cluster.requests("n").len(), 1);
}

#[test]
fn who_waited_for_memory_until_there_was_no_time_left_is_said_to_have_done_so() {
    let hangs = |name| SimulatedNode::new(name).fault(Fault::HangMidBody { bytes: 2 << 20 });
    let limits = "[netdata]\nretries = 0\ntimeout = \"2s\"\ndeadline = \"2s\"\nmemory_mib = 1";
    let lab = Lab::new().node(hangs("a")).node(hangs("b")).tables(limits);
    let outcome = lab.run(&[DATE]).exits(1);
    let lines = |what: &str| outcome.stderr.matches(what).count();
    assert_eq!(lines("：逾時："), 1, "{}", outcome.stderr);
    assert_eq!(
        lines("秒，來不及讀完這個回應（請加大 netdata.memory_mib）"),
        1,
        "{}",
        outcome.stderr
    );
}

#[test]
fn an_agent_that_is_being_started_anew_is_waited_for() {
    let world = Lab::new()
        .node(SimulatedNode::new("n"))
        .with_usual_retries()
        .start();
    let agent = world.cluster.url("n");
    let port = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = port.local_addr().expect("an address");
    drop(port);
    world.edit_settings(&agent, &format!("http://{address}"));
    let agent = agent.trim_start_matches("http://").to_owned();
    let restart = thread::spawn(move || {
        thread::sleep(Duration::from_secs(2));
        let listener = TcpListener::bind(address).expect("the port");
        let (client, _) = listener.accept().expect("a connection");
        let agent = TcpStream::connect(agent).expect("the agent");
        thread::scope(|scope| {
            scope.spawn(|| {
                io::copy(&mut &client, &mut &agent).expect("the requests");
                agent.shutdown(Shutdown::Both).expect("a connection");
            });
            io::copy(&mut &agent, &mut &client).expect("the answers");
        });
    });
    let outcome = world.run(&[DATE]).exits(0).stderr_is("");
    outcome.holds_all_readings_of(world.cluster.node("n"), "n");
    restart.join().expect("the relay");
}

#[test]
fn access_that_is_denied_comes_with_what_helps() {
    for (fault, advice) in [
        (
            status(412),
            "some words（此 Netdata 啟用了 bearer token protection：請在它的 [web] 設定 bearer token protection = no）",
        ),
        (
            Fault::CloseWithoutAnswer,
            "（若每次都如此，請檢查此 Netdata 的 [web] allow connections from）",
        ),
    ] {
        let node = SimulatedNode::new("n").fault(fault);
        let _ = Lab::new()
            .node(node)
            .run(&[DATE])
            .exits(1)
            .stderr_has(advice);
    }
}

#[test]
fn a_connection_that_was_promised_to_stay_open_and_is_closed_costs_nothing() {
    let node = SimulatedNode::new("n").without_context_queries();
    let world = Lab::new()
        .node(node.fault(Fault::CloseIdle))
        .with_usual_retries()
        .start();
    let outcome = world.run(&[DATE]).exits(0).stderr_is("");
    outcome.holds_all_readings_of(world.cluster.node("n"), "n");
    assert!(world.cluster.requests("n").len() > CHARTS);
}

#[test]
fn nodes_that_hang_share_one_deadline() {
    let hanging = |name| SimulatedNode::new(name).fault(Fault::HangBeforeHeaders);
    let world = Lab::new()
        .node(hanging("a"))
        .node(hanging("b"))
        .node(hanging("c"))
        .node(SimulatedNode::new("last"))
        .tables("[netdata]\ntimeout = \"400ms\"\ndeadline = \"1000ms\"")
        .start();
    let outcome = world.run(&[DATE, "--jobs", "1"]).exits(3);
    outcome.holds_all_readings_of(world.cluster.node("last"), "last");
    let requests = ["a", "b", "c"].map(|name| world.cluster.requests(name).len());
    assert_eq!(
        requests,
        [2, 1, 1],
        "who comes late has the time of one request"
    );
}

/// With each of these faults the API is given up for its reason after so many requests, and no reading is lost.
fn the_api_is_given_up(table: &[(Fault, usize, &str)], patience: &str) {
    at_once(table, |(fault, requests, reason)| {
        let world = Lab::new()
            .node(SimulatedNode::new("n"))
            .api(SimulatedApi::new(TOKEN).fault(fault.clone()))
            .tables(&format!("[netdata]\nretries = 1\n{patience}"))
            .start();
        let outcome = world.run(&[DATE]).exits(3).stderr_has(reason);
        outcome.holds_all_readings_of(world.cluster.node("n"), "n");
        assert_eq!(world.cluster.api_requests().len(), *requests, "{fault:?}");
    });
}

#[test]
fn the_api_is_asked_again_only_where_that_may_help() {
    let table = [
        (status(400), 1, "HTTP 400 Bad Request"),
        (status(404), 1, "HTTP 404 Not Found"),
        (status(429), 2, "HTTP 429 Too Many Requests"),
        (status(499), 2, "HTTP 499 <unknown status code>"),
        (status(503), 2, "HTTP 503 Service Unavailable"),
        (Fault::RedirectLoop, 1, "HTTP 302 Found"),
        (Fault::TruncatedJson, 1, " 的回應無法解析（不是 JSON："),
        (too_much(true), 1, "回應超過 32 MiB 的上限"),
        (Fault::ResetMidBody, 2, "連線中斷："),
        (Fault::CloseWithoutAnswer, 2, "連線中斷："),
    ];
    the_api_is_given_up(&table, "");
}

#[test]
fn an_api_that_falls_silent_has_the_time_of_its_tries() {
    let late = "逾時：試了 2 次，共 ";
    let drip = Fault::DripByte {
        every: Duration::from_millis(20),
    };
    let table = [
        (Fault::Unreachable, 0, "無法連線：沒有回應"),
        (Fault::HangAfterHeaders, 2, late),
        (drip, 2, late),
    ];
    let patience = "timeout = \"500ms\"\nconnect_timeout = \"300ms\"";
    the_api_is_given_up(&table, patience);
}
