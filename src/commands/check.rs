//! `check`: asks everything that a collection would need, and writes nothing.

use std::thread::{self, ScopedJoinHandle};
use std::time::Instant;

use anyhow::Result;
use clap::Args;

use super::calendar::{Calendar, now};
use super::export;
use super::frame::Frame;
use super::request::select;
use super::values::{DEFAULT_JOBS, MOST_JOBS, node_name};
use crate::model::{DateArg, DateError, ExitStatus, Node, Window, text};
use crate::report::check::{self, Check, Report};
use crate::settings::{Config, Token};
use crate::sources::management_api::{self, Fetched, TasksError};
use crate::sources::netdata::{Client, Probe};
use crate::sources::parallel::{self, Jobs, NoThread, Panicked};
use crate::store::{Archive, writable};

#[derive(Args, Debug)]
pub struct CheckArgs {
    #[arg(long = "node", value_name = "NAME", value_delimiter = ',', value_parser = node_name())]
    #[arg(help = text(
        "只檢查這些節點 (可重複，或以逗號分隔)",
        "check only these nodes (repeatable, or with commas)",
    ))]
    nodes: Vec<String>,
    #[arg(long, help = text("不檢查 Token 與管理 API", "do not check the token or the management API"))]
    skip_task_info: bool,
}

pub fn run(args: &CheckArgs, frame: &Frame) -> Result<ExitStatus> {
    let report = match frame.config() {
        Ok(config) => Report::new(checks(&config, args, frame)?),
        Err(error) => Report::new(vec![check::unusable_settings(&error)]),
    };
    let is_quiet = frame.args.output.quiet;
    frame.print_report(&report, false, |report| report.lines(is_quiet))?;
    Ok(report.exit_status)
}

fn checks(config: &Config, args: &CheckArgs, frame: &Frame) -> Result<Vec<Check>> {
    let nodes = select(config, &args.nodes)?;
    let calendar = Calendar::now(config);
    let window = last_window(calendar)?;
    let mut checks = vec![check::settings(config, &nodes)];
    let writable = writable::try_writing(&config.data_dir, &nodes, window.date);
    checks.extend(check::directory(config, &nodes, &writable));
    let unreadable = Archive::new(config).unreadable_archive_dirs();
    checks.extend(unreadable.iter().map(check::archive_dir));
    let token = (!args.skip_task_info).then(|| Token::find(&config.management_api.token_file));
    let usable = token.as_ref().and_then(|token| token.as_ref().ok());
    let (tasks, findings) = ask(config, usable, &nodes, &window, frame)?;
    if let Some(token) = &token {
        checks.push(check::token(token, config.zone, calendar.now));
    }
    checks.extend(check::notify(&config.notify));
    checks.extend(check::copies(&export::look(config, window.date)));
    match tasks {
        Some(Ok(tasks)) => {
            checks.extend(check::api(&config.management_api, &tasks, &window));
            if let Ok(Fetched { answer, .. }) = tasks {
                checks.extend(check::tasks(
                    &nodes,
                    config,
                    &answer,
                    &window,
                    (calendar.now, now()),
                ));
            }
        }
        Some(Err(_)) => checks.push(check::api_panicked(&config.management_api)),
        None => {}
    }
    let (findings, ids): (Vec<_>, Vec<_>) = findings.into_iter().unzip();
    checks.extend(findings.into_iter().flatten());
    checks.extend(check::same_agents(&nodes, &ids));
    Ok(checks)
}

/// The day of the last interval that has ended on every clock that no check would call off: today, or yesterday for as
/// long as none of today's has.
fn last_window(mut calendar: Calendar) -> Result<Window, DateError> {
    calendar.now -= check::CLOCK_TOLERANCE_SECONDS;
    let today = calendar.window(calendar.date(DateArg::Today))?;
    if today.due() > 0 {
        return Ok(today);
    }
    calendar.window(calendar.date(DateArg::Yesterday))
}

/// The answer of the management API, if it was asked; and what the nodes' answers, which are as large as those of a
/// collection, come to, with the ids of their agents.
type Answers = (
    Option<thread::Result<Result<Fetched, TasksError>>>,
    Vec<(Vec<Check>, Option<String>)>,
);

/// Asks the management API and every node at once: none of them waits for another that hangs.
fn ask(
    config: &Config,
    token: Option<&Token>,
    nodes: &[&Node],
    window: &Window,
    frame: &Frame,
) -> Result<Answers, NoThread> {
    let begun = Instant::now();
    let client = Client::new(&config.netdata, nodes);
    let mut findings = vec![(Vec::new(), None); nodes.len()];
    let mut progress = frame.console.progress("", nodes);
    thread::scope(|scope| {
        let (api, patience) = (&config.management_api, &config.netdata);
        let tasks = token.map(|token| {
            let fetch = move || management_api::fetch(api, patience, token, window, None, now());
            parallel::spawn(scope, fetch)
        });
        let tasks = tasks.transpose()?;
        let work = |&node: &&Node| {
            let probe = client.probe(node, window, begun);
            let id = |probe: &Probe| Some(probe.agent.as_ref().ok()?.id.clone());
            let id = probe.as_ref().ok().and_then(id);
            (check::node(node, &probe, window), id)
        };
        let jobs = Jobs::between(DEFAULT_JOBS, MOST_JOBS);
        parallel::for_each(nodes, jobs, work, |batch| {
            for (position, found) in batch {
                let panicked = |Panicked| (vec![check::panicked(nodes[position])], None);
                findings[position] = found.unwrap_or_else(panicked);
                progress.done(position);
            }
        })?;
        Ok((tasks.map(ScopedJoinHandle::join), findings))
    })
}
