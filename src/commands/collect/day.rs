//! One day: its tasks and its nodes, at the same time, the users' report, and the record for later runs.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::thread;
use std::time::Instant;

use anyhow::Result;

use super::node::Day;
use super::nodes;
use super::request::Request;
use super::tasks::{self, ApiAccess};
use super::without_readings;
use super::worker::Work;
use crate::analysis::{DayLedger, DayRecord};
use crate::commands::calendar::now;
use crate::commands::report::write_page;
use crate::commands::values::{DEFAULT_JOBS, MOST_JOBS};
use crate::model::{Node, Window};
use crate::report::notice::{self, Kind, Notice};
use crate::report::{NodeResult, RunReport};
use crate::settings::Token;
use crate::sources::netdata;
use crate::sources::parallel::{self, Jobs, NoThread, Queue};
use crate::store::{DataDir, ReadError, Tree, reports};

pub struct Run<'a> {
    pub request: &'a Request<'a>,
    /// `None` if the management API is not to be asked.
    pub token: Option<Token>,
    pub data_dir: DataDir,
    pub client: netdata::Client,
}

impl<'a> Run<'a> {
    /// Collects the day of each of `nodes`, writes it, and remembers what there is of it. The nodes that are `skipped`
    /// were to be collected as well. What is noticed of the moment is for the last day of the run, which the results of
    /// this one decide.
    pub fn collect_day(
        &self,
        window: &Window,
        nodes: &[&'a Node],
        skipped: &[&Node],
        source: ApiAccess,
        is_last: impl Fn(&[NodeResult]) -> bool,
    ) -> Result<RunReport<'a>> {
        let (started_at, clock) = (now(), Instant::now());
        let tree = self.data_dir.begin(window)?;
        let tasks = OnceLock::new();
        // What is no record is replaced. What cannot be read may be one.
        let (earlier, unreadable) = match self.data_dir.record(window.date) {
            Ok(earlier) => (earlier, None),
            Err(error) if error.is_of_no_file() => (None, None),
            Err(error) => (None, Some(error)),
        };
        let known = earlier.as_ref().filter(|earlier| earlier.is_of(window));
        let day = Day {
            window,
            tasks: &tasks,
            started_at,
            earlier: known,
            thresholds: self.request.config.thresholds,
            user_column: self.request.config.user_column,
            logs_placements: self.request.frame.args.output.verbose > 0,
        };
        let (mut notices, mut results) = self.ask(nodes, source, day, &tree)?;
        notices.extend(without_readings::write_files(
            nodes, &results, skipped, day, &tree,
        ));
        let is_last = is_last(&results);
        let users_report = report_users(&tree, window, nodes, &mut results, &mut notices);
        let not_synced = tree.finish().err();
        notices.extend(not_synced.map(|error| Kind::NotSynced(error).into()));
        if is_last {
            self.ask_parents(nodes, &mut results);
        }
        let tasks = tasks.wait();
        let results = nodes.iter().copied().zip(results);
        let mut report =
            RunReport::new(window, started_at, tasks, results, skipped, notices, known);
        report
            .notices
            .retain(|notice| is_last || !notice.kind.is_about_now());
        report.users_report = users_report;
        report.took = clock.elapsed();
        self.remember(window, &mut report, earlier, unreadable);
        if self.request.config.report.nightly {
            match write_page(self.request.config, &self.data_dir, window) {
                Ok(path) => report.page = Some(path),
                Err(error) => report.add_notice(Kind::PageNotWritten(error).into()),
            }
        }
        Ok(report)
    }

    /// Asks for the tasks and for the nodes' usage at the same time. The nodes' files are in place when this returns.
    fn ask(
        &self,
        nodes: &[&Node],
        source: ApiAccess,
        day: Day,
        tree: &Tree,
    ) -> Result<(Vec<Notice>, Vec<NodeResult>), NoThread> {
        let frame = self.request.frame;
        let Day { window, tasks, .. } = day;
        let title = if self.request.is_range() {
            format!("{} ", window.date)
        } else {
            String::new()
        };
        let mut progress = frame.console.progress(&title, nodes);
        let done = |position| progress.done(position);
        thread::scope(|scope| {
            let obtain = || tasks::obtain(self.request, source, window, &self.data_dir, tasks);
            let obtaining = parallel::spawn(scope, obtain)?;
            let queue = Queue::new(nodes);
            let work = Work::new(&queue, day, &self.client, tree);
            let worker = |outcomes: &_| work.run(outcomes);
            let results = nodes::collect_nodes(worker, &queue, nodes, self.jobs(), tree, done)?;
            // A bug costs the tasks, and no figure.
            let notices = obtaining.join();
            let notices = notices.unwrap_or_else(|_| vec![Kind::TasksPanicked.into()]);
            Ok((notices, results))
        })
    }

    fn jobs(&self) -> Jobs {
        let usual = || Jobs::between(DEFAULT_JOBS, MOST_JOBS);
        self.request.args.jobs.map_or_else(usual, Jobs::exactly)
    }

    /// What the parents say of their nodes now: not where one did not answer before.
    fn ask_parents(&self, nodes: &[&Node], results: &mut [NodeResult]) {
        let is_absent =
            |notice: &Notice| matches!(&notice.kind, Kind::NodeFailed(error) if error.is_absence());
        let asked = nodes.iter().zip(&*results);
        let answering = asked.filter(|(_, result)| !result.notices.iter().any(is_absent));
        let answering: Vec<_> = answering.map(|(node, _)| *node).collect();
        let on_parents = self.client.on_parents(&answering, self.jobs());
        let mut on_parents: HashMap<_, _> = on_parents
            .into_iter()
            .map(|(node, on_parent)| (&*node.name, on_parent))
            .collect();
        for (node, result) in nodes.iter().zip(results) {
            if let Some(on_parent) = on_parents.remove(&*node.name) {
                let notices = notice::parent_notices(node, on_parent);
                result.notices.extend(notices);
            }
        }
    }

    fn remember(
        &self,
        window: &Window,
        report: &mut RunReport,
        earlier: Option<DayRecord>,
        unreadable: Option<ReadError>,
    ) {
        let asked: Vec<_> = report.nodes.iter().map(|node| &*node.node.name).collect();
        let record = match earlier {
            // A look at a few nodes under other settings must not cost the record of the others.
            Some(earlier) if !earlier.is_of(window) && !earlier.is_about(&asked) => earlier,
            earlier => DayRecord::of_run(report, earlier.filter(|earlier| earlier.is_of(window))),
        };
        let record = Some(&record).filter(|_| unreadable.is_none());
        let kept = self.data_dir.end(window.date, record);
        let not_recorded = kept.err().map(|error| Kind::NotRecorded(error).into());
        report.notices.extend(not_recorded);
        let not_read = unreadable.map(|error| Kind::RecordNotRead(error).into());
        report.notices.extend(not_read);
    }
}

/// Writes the accounts of the nodes that have some, and answers where they are.
fn report_users(
    tree: &Tree,
    window: &Window,
    nodes: &[&Node],
    results: &mut [NodeResult],
    notices: &mut Vec<Notice>,
) -> Option<PathBuf> {
    let with_accounts = nodes.iter().zip(results).filter_map(|(node, result)| {
        let ledger = result.ledger.take()?;
        Some((node.name.clone(), ledger))
    });
    let accounts: DayLedger = with_accounts.collect();
    if accounts.is_empty() {
        return None;
    }
    let written = reports::write_users(tree.files.archive, window, accounts);
    let not_written = |error| notices.push(Kind::LedgerNotWritten(error).into());
    let (path, not_merged) = written.map_err(not_written).ok()?;
    notices.extend(not_merged.map(|report| Kind::LedgerNotMerged(report).into()));
    Some(path)
}
