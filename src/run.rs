//! A run: the stages in their order, for one day.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use crate::attribution;
use crate::cli::{Cli, RunArgs};
use crate::collect::{self, TaskInformation};
use crate::config::{self, Config, Node, Token};
use crate::console::{self, Console, Verbosity};
use crate::day::Window;
use crate::exit_status::ExitStatus;
use crate::netdata;
use crate::notice::Notice;
use crate::output::{self, Tree};
use crate::report::{RunReport, TaskReport};
use crate::tasks;
use crate::units::UnixSeconds;

/// What the command line asks for that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// `--node` names a node that the settings do not.
    #[error("設定中沒有節點「{name}」：可用的節點是 {known}")]
    UnknownNode {
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// Not one interval of the day has ended.
    #[error("{date} 還沒有任何已結束的 {minutes} 分鐘區間可收集：請稍後再執行，或改收集 yesterday")]
    NothingDue {
        /// The day.
        date: chrono::NaiveDate,
        /// The interval.
        minutes: i64,
    },
}

/// Does what the command line asks for.
pub fn run(cli: &Cli) -> Result<ExitStatus> {
    let console = Console::new(verbosity(&cli.run));
    if let Some(command) = &cli.command {
        console
            .print(&command.render())
            .context("無法寫到標準輸出")?;
        return Ok(ExitStatus::Complete);
    }
    let args = &cli.run;
    let config = config::load(args.overrides())?;
    tracing::info!(settings = %config.source, "settings loaded");
    let nodes = select(&config, &args.nodes)?;
    let now = now();
    let date = args.date.resolve(config.zone, now);
    let window = Window::new(date, config.zone, config.interval, now)?;
    if args.user_report {
        report_tasks(&console, &config, args, &nodes, &window, now)
    } else {
        collect_day(&console, &config, args, &nodes, &window, now)
    }
}

/// Collects the day and writes it.
fn collect_day(
    console: &Console,
    config: &Config,
    args: &RunArgs,
    nodes: &[&Node],
    window: &Window,
    now: UnixSeconds,
) -> Result<ExitStatus> {
    if window.due() == 0 {
        let minutes = window.interval.seconds() / 60;
        return Err(RequestError::NothingDue {
            date: window.date,
            minutes,
        }
        .into());
    }
    let token = if args.skip_task_info {
        None
    } else {
        Some(Token::find(&config.management_api.token_file)?)
    };
    let tree = Tree::open(&config.data_dir, window, config.gpu_files, args.wait)?;
    let (tasks, notices) = task_information(config, token.as_ref(), window, now);
    let client = netdata::Client::new(config.netdata, nodes);
    let mut progress = console.progress(nodes.iter().map(|node| node.name.as_str()));
    let results = collect::collect(
        nodes,
        args.jobs.into(),
        window,
        &tasks,
        &client,
        &tree,
        |node| progress.done(node),
    );
    drop(progress);
    tree.finish()?;
    let report = RunReport::new(window, &tasks, nodes, results, notices);
    report.notices.iter().for_each(console::notify);
    if args.json {
        print_json(console, &report)?;
    } else {
        console
            .say(report.lines().trim_end())
            .context("無法寫到標準輸出")?;
    }
    Ok(report.exit_status)
}

/// The day's tasks, if they are asked for and to be had. Usage is collected without them as well.
fn task_information(
    config: &Config,
    token: Option<&Token>,
    window: &Window,
    now: UnixSeconds,
) -> (TaskInformation, Vec<Notice>) {
    let Some(token) = token else {
        return (TaskInformation::NotAsked, Vec::new());
    };
    match tasks::fetch(
        &config.management_api,
        config.netdata,
        token,
        window,
        None,
        now,
    ) {
        Ok(answer) => {
            let notices = answer_notices(config, &answer);
            (TaskInformation::Known(answer), notices)
        }
        Err(error) => (
            TaskInformation::Unavailable(error.to_string()),
            vec![Notice::TasksUnavailable(error)],
        ),
    }
}

/// Prints the tasks of the day, and writes nothing.
fn report_tasks(
    console: &Console,
    config: &Config,
    args: &RunArgs,
    nodes: &[&Node],
    window: &Window,
    now: UnixSeconds,
) -> Result<ExitStatus> {
    let token = Token::find(&config.management_api.token_file)?;
    let user = args.user.as_deref();
    let mut answer = tasks::fetch(
        &config.management_api,
        config.netdata,
        &token,
        window,
        user,
        now,
    )?;
    let notices = answer_notices(config, &answer);
    let is_wanted =
        |host: &str| args.nodes.is_empty() || nodes.iter().any(|node| node.name == host);
    answer
        .tasks
        .retain(|task| is_wanted(&task.hostname) && user.is_none_or(|user| task.username == user));
    notices.iter().for_each(console::notify);
    if args.json {
        print_json(console, &TaskReport::new(window, &answer.tasks, &notices))?;
    } else {
        let hosts: Vec<_> = nodes.iter().map(|node| node.name.as_str()).collect();
        let report = output::task_report(window.date, &hosts, &answer.tasks);
        console
            .print(report.as_bytes())
            .context("無法寫到標準輸出")?;
    }
    Ok(ExitStatus::Complete)
}

/// What is to be said of the API's answer itself.
fn answer_notices(config: &Config, answer: &tasks::Answer) -> Vec<Notice> {
    let malformed = answer.malformed.iter().cloned().map(Notice::Malformed);
    let unknown = attribution::unknown_hosts(&config.nodes, &answer.tasks)
        .into_iter()
        .map(|(host, tasks)| Notice::UnknownHost {
            host: host.to_owned(),
            tasks: tasks.into_iter().map(str::to_owned).collect(),
        });
    malformed.chain(unknown).collect()
}

/// The nodes that `names` name, in the order of the settings; all if there are none.
fn select<'a>(config: &'a Config, names: &[String]) -> Result<Vec<&'a Node>, RequestError> {
    if let Some(name) = names
        .iter()
        .find(|name| config.nodes.iter().all(|node| node.name != **name))
    {
        let known: Vec<_> = config.nodes.iter().map(|node| node.name.as_str()).collect();
        return Err(RequestError::UnknownNode {
            name: name.clone(),
            known: known.join("、"),
        });
    }
    Ok(config
        .nodes
        .iter()
        .filter(|node| names.is_empty() || names.contains(&node.name))
        .collect())
}

fn print_json(console: &Console, report: &impl serde::Serialize) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(report).context("無法產生 JSON")?;
    text.push(b'\n');
    console.print(&text).context("無法寫到標準輸出")
}

fn verbosity(args: &RunArgs) -> Verbosity {
    match (args.quiet, args.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, 0) => Verbosity::Normal,
        (false, 1) => Verbosity::Verbose,
        (false, _) => Verbosity::Debug,
    }
}

fn now() -> UnixSeconds {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixSeconds::try_from(since_epoch.as_secs()).unwrap_or(UnixSeconds::MAX)
}
