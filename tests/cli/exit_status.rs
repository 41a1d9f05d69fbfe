//! The exit status of every situation that a run can end in, as its caller sees it: the whole table of the README.

use pretty_assertions::assert_eq;

use crate::simulated_cluster::{Fault, Metric, SimulatedApi, SimulatedNode, SimulatedTask};
use crate::support::{DATE, Day, HOUR, Lab, MIDNIGHT, TOKEN, at_once};

const NEXT_DATE: &str = "2025-08-02";
/// The end of most situations' shell scripts.
const RUN: &str = "exec \"$@\"";

/// Those with one status, made when their turn comes.
type Situations = fn() -> Vec<Situation>;

/// A shell script that leads to the program's end, in a world, with arguments.
struct Situation {
    name: &'static str,
    lab: Lab,
    script: String,
    arguments: Vec<&'static str>,
}

impl Situation {
    /// The day is collected, unless told otherwise.
    fn new(name: &'static str, lab: Lab) -> Self {
        Self {
            name,
            lab,
            script: RUN.to_owned(),
            arguments: vec![DATE],
        }
    }

    fn arguments(self, arguments: &[&'static str]) -> Self {
        let arguments = arguments.to_vec();
        Self { arguments, ..self }
    }

    fn after(self, preparation: &str) -> Self {
        let script = format!("{preparation}; {RUN}");
        Self { script, ..self }
    }

    /// The signal comes when the program has begun to collect.
    fn stopped_by(self, signal: &str) -> Self {
        let script = format!(
            "\"$@\" & until [ -s data/.daily-gpu-log/lock ] || ! kill -0 $!; do sleep 0.01; done\n\
             kill -{signal} $!; wait $!"
        );
        Self { script, ..self }
    }
}

#[test]
fn every_situation_has_its_status() {
    let table: [(i32, Situations); 7] = [
        (0, complete),
        (1, nothing_new),
        (2, no_sense),
        (3, something_missing),
        (10, wrong_settings_or_credentials),
        (11, in_use),
        (130, stopped),
    ];
    at_once(table, |(status, situations)| {
        for situation in situations() {
            let world = situation.lab.start();
            let outcome = world.run_in_shell(&situation.script, &situation.arguments);
            assert_eq!(outcome.status, Some(status), "{}", situation.name);
        }
    });
}

fn healthy() -> Lab {
    Lab::new().node(SimulatedNode::new("n"))
}

/// A node besides a healthy one.
fn healthy_and(node: SimulatedNode) -> Lab {
    healthy().node(node)
}

fn down(name: &str) -> SimulatedNode {
    SimulatedNode::new(name).fault(Fault::Refuse)
}

fn without_api() -> Lab {
    healthy().api(SimulatedApi::new(TOKEN).fault(Fault::Refuse))
}

fn complete() -> Vec<Situation> {
    let task = |host| SimulatedTask::new("t1", "alice", host).gpu(1, "APU-1");
    let gap = SimulatedNode::new("gappy").gap(9, MIDNIGHT, MIDNIGHT + HOUR);
    vec![
        Situation::new("a day", healthy().task(task("n"))),
        Situation::new("gaps within a day", healthy_and(gap)),
        Situation::new("warnings alone", healthy().task(task("nobody's"))),
        Situation::new("tasks skipped", healthy().token(None))
            .arguments(&[DATE, "--skip-task-info"]),
        Situation::new(
            "one of two nodes, without the other",
            healthy_and(down("d")),
        )
        .arguments(&[DATE, "--node", "n"]),
        Situation::new("a range", healthy()).arguments(&[DATE, "--to", NEXT_DATE]),
        Situation::new("a report of tasks", healthy()).arguments(&[DATE, "--user-report"]),
        Situation::new("help", healthy()).arguments(&["--help"]),
    ]
}

fn nothing_new() -> Vec<Situation> {
    let soon = Day::now_in_hour(0).zone;
    let nothing_due = Lab::new().settings(&format!("timezone = \"{soon}\"\ninterval = \"1h\""));
    let all_down = || Lab::new().node(down("a")).node(down("b"));
    vec![
        // First, because the hour may end soon.
        Situation::new("nothing due", nothing_due.node(SimulatedNode::new("n")))
            .arguments(&["today"]),
        Situation::new("all nodes down", all_down()),
        Situation::new("all nodes down, all days", all_down())
            .arguments(&[DATE, "--to", NEXT_DATE]),
        Situation::new("a data directory that is none", healthy()).after(": > data"),
        Situation::new("no place for the only node", healthy()).after("mkdir data; : > data/n"),
        Situation::new("a report of tasks without the API", without_api())
            .arguments(&[DATE, "--user-report"]),
    ]
}

fn no_sense() -> Vec<Situation> {
    let rows: [(&str, &[&str]); 9] = [
        ("an unknown option", &["--nonsense"]),
        ("an option without its value", &["--node"]),
        ("options that exclude each other", &["--quiet", "--verbose"]),
        ("no date", &["lastweek"]),
        ("a date that does not exist", &["2025-02-30"]),
        ("a day to come", &["2999-01-01"]),
        ("an unknown node", &[DATE, "--node", "m"]),
        (
            "a range that ends before it begins",
            &[NEXT_DATE, "--to", DATE],
        ),
        ("a zone that does not exist", &["--timezone", "Mars"]),
    ];
    let row = |(name, arguments)| Situation::new(name, healthy()).arguments(arguments);
    rows.into_iter().map(row).collect()
}

fn something_missing() -> Vec<Situation> {
    let cardless = SimulatedNode::new("cardless").without_card(57);
    let dark = SimulatedNode::new("dark").vram_gap(57, MIDNIGHT, MIDNIGHT + 25 * HOUR);
    let odd = SimulatedNode::new("odd");
    let odd = odd.raw_reading(Metric::GpuUtilization, 9, MIDNIGHT + HOUR, "150");
    let young = SimulatedNode::new("n").samples_from(MIDNIGHT + 24 * HOUR);
    vec![
        Situation::new("a node down", healthy_and(down("d"))),
        Situation::new("no place for a node", healthy_and(SimulatedNode::new("m")))
            .after("mkdir data; : > data/m"),
        Situation::new("a log file that cannot be opened", healthy()).arguments(&[
            DATE,
            "--log-file",
            "nowhere/log",
        ]),
        Situation::new("a GPU without readings", healthy_and(cardless)),
        Situation::new("a GPU without VRAM readings", healthy_and(dark)),
        Situation::new("rejected readings", healthy_and(odd)),
        Situation::new("the API down", without_api()),
        Situation::new(
            "a token that the API refuses",
            healthy().token(Some("no-token")),
        ),
        Situation::new("a day of a range forgotten", Lab::new().node(young))
            .arguments(&[DATE, "--to", NEXT_DATE]),
    ]
}

fn wrong_settings_or_credentials() -> Vec<Situation> {
    vec![
        Situation::new("settings that are no TOML", healthy().settings("=")),
        Situation::new("an unknown key", healthy().settings("colour = \"red\"")),
        Situation::new(
            "a value of the wrong type",
            healthy().settings("timezone = 8"),
        ),
        Situation::new("no settings file", healthy()).arguments(&[
            DATE,
            "--config",
            "nowhere.toml",
        ]),
        Situation::new("no token", healthy().token(None)),
        Situation::new("no token, for a report", healthy().token(None))
            .arguments(&[DATE, "--user-report"]),
        Situation::new("a token that others can read", healthy()).after("chmod 644 token"),
        Situation::new("an empty token", healthy()).after(": > token"),
    ]
}

fn in_use() -> Vec<Situation> {
    let lock = "data/.daily-gpu-log/lock";
    let held = format!("mkdir -p data/.daily-gpu-log; echo 1 > {lock}; exec 9< {lock}; flock 9");
    vec![
        Situation::new("another run", healthy()).after(&held),
        Situation::new("another run that takes longer than the wait", healthy())
            .after(&held)
            .arguments(&[DATE, "--wait", "1"]),
    ]
}

fn stopped() -> Vec<Situation> {
    let hanging = || Lab::new().node(SimulatedNode::new("n").fault(Fault::HangBeforeHeaders));
    vec![
        Situation::new("SIGINT", hanging()).stopped_by("INT"),
        Situation::new("SIGTERM", hanging()).stopped_by("TERM"),
        Situation::new("SIGHUP", hanging()).stopped_by("HUP"),
    ]
}
