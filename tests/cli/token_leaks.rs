//! A server that repeats the token does not make the program repeat it.

use serde_json::json;

use crate::simulated_cluster::{Fault, SimulatedApi, SimulatedTask};
use crate::support::{DATE, Lab, Outcome, World};

/// As long as real ones, so that a quotation may end in the middle of it.
const LONG_TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.\
                          eyJzdWIiOiJzeW50aGV0aWMiLCJyb2xlIjoiYWRtaW4iLCJuYW1lIjoiYSBzeW50aGV0aWMgdXNlciJ9.\
                          c3ludGhldGljLXNpZ25hdHVyZS1vZi1ub3RoaW5n";
/// Whatever is twice as long holds one of the token's parts of this length whole, and would say too much.
const PART: usize = 6;

const LOG: &str = "run.log";

const WAYS: [&[&str]; 4] = [
    &[DATE, "-vv"],
    &[DATE, "-vv", "--json"],
    &[DATE, "-vv", "--log-format", "json", "--log-file", LOG],
    &[DATE, "-vv", "--user-report"],
];

#[track_caller]
fn shows_no_part_of_the_token(outcome: &Outcome, world: &World, way: &[&str], told: &str) {
    let files = outcome.files("").into_iter();
    let log = way
        .contains(&LOG)
        .then(|| (LOG.to_owned(), world.read(LOG)));
    let texts = files.chain(log).chain([
        ("stdout".to_owned(), outcome.stdout.clone()),
        ("stderr".to_owned(), outcome.stderr.clone()),
    ]);
    for (place, text) in texts {
        for part in LONG_TOKEN.as_bytes().chunks_exact(PART) {
            let part = str::from_utf8(part).expect("ASCII");
            assert!(!text.contains(part), "{told}: {part} in {place}: {text}");
        }
    }
}

fn world_of(api: SimulatedApi) -> World {
    Lab::colab_gpu4()
        .api(api)
        .token(Some(LONG_TOKEN))
        .tables("[netdata]\nretries = 1")
        .start()
}

#[track_caller]
fn an_answer_of(code: u16, body: &str) {
    let fault = Fault::status(code, body);
    let world = world_of(SimulatedApi::new(LONG_TOKEN).fault(fault));
    for way in WAYS {
        // Silence would hold no part of the token either.
        let status = if way.contains(&"--user-report") { 1 } else { 3 };
        let outcome = world
            .run(way)
            .exits(status)
            .stderr_has("無法從管理 API 獲取數據：http://127.0.0.1:");
        shows_no_part_of_the_token(&outcome, &world, way, &format!("{code} {way:?}"));
    }
}

#[test]
fn an_error_that_repeats_the_token_is_told_without_it() {
    an_answer_of(400, &format!("malformed header: Bearer {LONG_TOKEN}"));
}

#[test]
fn a_failure_that_is_retried_is_told_without_the_token() {
    an_answer_of(500, &format!("cannot verify {LONG_TOKEN}"));
}

#[test]
fn a_quotation_that_ends_within_the_token_holds_no_part_of_it() {
    let before = "x".repeat(150);
    an_answer_of(400, &format!("{before} {LONG_TOKEN}"));
}

#[test]
fn a_refusal_that_repeats_the_token_is_told_without_it() {
    an_answer_of(401, LONG_TOKEN);
}

#[test]
fn an_answer_that_cannot_be_read_is_told_without_the_token() {
    for body in [
        LONG_TOKEN.to_owned(),
        format!("\"{LONG_TOKEN}\""),
        format!("{{\"{LONG_TOKEN}\": 1}}"),
        format!("{{\"t1\": {{\"username\": [\"{LONG_TOKEN}\"]}}}}"),
        format!("{{\"t1\": {{\"gpus\": \"{LONG_TOKEN}\"}}}}"),
    ] {
        an_answer_of(200, &body);
    }
}

#[test]
fn a_task_that_cannot_be_read_beside_others_is_told_without_the_token() {
    let sound = SimulatedTask::new("t1", "alice", "colab-gpu4").gpu(1, "APU-1");
    for (id, task) in [
        ("t2", json!({"username": "bob", "gpus": LONG_TOKEN})),
        (LONG_TOKEN, json!("no task")),
    ] {
        let api = SimulatedApi::new(LONG_TOKEN).task(sound.clone());
        let world = world_of(api.raw_task(id, task));
        for way in WAYS {
            let outcome = world.run(way).exits(0).stderr_has("無法解析");
            shows_no_part_of_the_token(&outcome, &world, way, &format!("{id} {way:?}"));
        }
    }
}
