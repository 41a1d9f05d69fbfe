//! What `check` does: asks everything that a collection would need, and writes nothing.

use std::thread;
use std::time::Instant;

use anyhow::Result;

use super::check_args::CheckArgs;
use super::request::{now, select};
use super::values::{DEFAULT_JOBS, MOST_JOBS};
use crate::model::cluster::Node;
use crate::model::day::{DateArg, DateError, Window};
use crate::model::exit_status::ExitStatus;
use crate::model::units::UnixSeconds;
use crate::outlets::console::{Console, print_json};
use crate::report::check::{self, Check, Report};
use crate::settings::{self, Config, Token};
use crate::sources::management_api::{self, Fetched, TasksError};
use crate::sources::netdata::Client;
use crate::sources::parallel::{self, Jobs, NoThread, Panicked};
use crate::store::writable;

/// Tells of everything that was found, and answers what it means.
pub fn run(args: &CheckArgs) -> Result<ExitStatus> {
    let console = Console::open(&args.output)?;
    let report = match settings::load(&args.settings) {
        Ok(config) => Report::new(checks(&config, args, &console)?),
        Err(error) => Report::new(vec![check::unusable_settings(&error)]),
    };
    if args.output.json {
        print_json(&console, &report)?;
    } else {
        console.print(report.lines(args.output.quiet).as_bytes())?;
    }
    Ok(report.exit_status)
}

fn checks(config: &Config, args: &CheckArgs, console: &Console) -> Result<Vec<Check>> {
    let nodes = select(config, &args.nodes)?;
    let now = now();
    let window = last_window(config, now)?;
    let mut checks = vec![check::settings(config, &nodes)];
    let writable = writable::try_writing(&config.data_dir, &nodes);
    checks.extend(check::directory(config, &nodes, &writable));
    let token = (!args.skip_task_info).then(|| Token::find(&config.management_api.token_file));
    let usable = token.as_ref().and_then(|token| token.as_ref().ok());
    let answers = ask(config, usable, &nodes, &window, console)?;
    if let Some(token) = &token {
        checks.push(check::token(token, config.zone, now));
    }
    checks.extend(check::notify(&config.notify));
    if let Some(tasks) = answers.tasks {
        checks.extend(check::api(&config.management_api, &tasks, &window));
        if let Ok(Fetched { answer, .. }) = tasks {
            checks.extend(check::tasks(&nodes, config, &answer, &window));
        }
    }
    let (findings, ids): (Vec<_>, Vec<_>) = answers.nodes.into_iter().unzip();
    checks.extend(findings.into_iter().flatten());
    checks.extend(check::same_agents(&nodes, &ids));
    Ok(checks)
}

/// The day of the last interval that has ended on every clock that is not told to be off: today, or yesterday for as
/// long as none of today's has.
fn last_window(config: &Config, now: UnixSeconds) -> Result<Window, DateError> {
    let now = now - check::CLOCK_TOLERANCE_SECONDS;
    let window = |date: DateArg| {
        let date = date.resolve(config.zone, now);
        Window::new(date, config.zone, config.interval, now)
    };
    let today = window(DateArg::Today)?;
    if today.due() > 0 {
        return Ok(today);
    }
    window(DateArg::Yesterday)
}

/// What was answered.
struct Answers {
    /// By the management API, if it was asked.
    tasks: Option<Result<Fetched, TasksError>>,
    /// What the nodes' answers, which are as large as those of a collection, come to, with the ids of their agents.
    nodes: Vec<(Vec<Check>, Option<String>)>,
}

/// Asks the management API and every node at once: none of them waits for another that hangs.
fn ask(
    config: &Config,
    token: Option<&Token>,
    nodes: &[&Node],
    window: &Window,
    console: &Console,
) -> Result<Answers, NoThread> {
    let begun = Instant::now();
    let client = Client::new(config.netdata, nodes);
    let mut findings = vec![(Vec::new(), None); nodes.len()];
    let mut progress = console.progress(nodes.iter().map(|node| node.name.as_str()));
    thread::scope(|scope| {
        let (api, patience) = (&config.management_api, config.netdata);
        let tasks = token.map(|token| {
            let fetch = move || management_api::fetch(api, patience, token, window, None, now());
            parallel::spawn(scope, fetch)
        });
        let tasks = tasks.transpose()?;
        let work = |&node: &&Node| {
            let probe = client.probe(node, window, begun);
            let agent = probe
                .as_ref()
                .ok()
                .and_then(|probe| probe.agent.as_ref().ok());
            (
                check::node(node, &probe, window),
                agent.map(|agent| agent.id.clone()),
            )
        };
        let jobs = Jobs::between(DEFAULT_JOBS, MOST_JOBS);
        parallel::for_each(nodes, jobs, work, |batch| {
            for (position, found) in batch {
                let panicked = |Panicked| (vec![check::panicked(nodes[position])], None);
                findings[position] = found.unwrap_or_else(panicked);
                progress.done(position);
            }
        })?;
        Ok(Answers {
            tasks: tasks.map(|tasks| tasks.join().expect("reading an answer does not panic")),
            nodes: findings,
        })
    })
}
