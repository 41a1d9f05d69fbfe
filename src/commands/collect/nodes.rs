//! The middle of a run: every node's day, in parallel, from its agent's answer to its files in place.

use std::sync::mpsc::Sender;

use super::worker::Outcome;
use crate::model::Node;
use crate::report::NodeResult;
use crate::report::notice::Kind;
use crate::sources::parallel::{self, Jobs, NoThread, Queue};
use crate::store::Tree;

/// Collects the day of each of `nodes`, and answers in their order. `done` is called with the position of each
/// node as it ends.
///
/// With `n` nodes and `j` of them at once, asking them takes at most a deadline and `ceil(n / j) - 1` timeouts more
/// (`netdata.deadline` and `netdata.timeout` of the settings): the deadline runs for all nodes from the beginning, and
/// a node whose turn comes late still has the time of one request ([`Http::deadline`](crate::sources::http::Http::deadline)).
/// Nodes that hang hold up no other as long as they are fewer than `j`; where `jobs` leaves room, `j` grows.
pub fn collect_nodes(
    worker: impl Fn(&Sender<Outcome>) + Sync,
    queue: &Queue<&Node>,
    nodes: &[&Node],
    jobs: Jobs,
    tree: &Tree,
    mut done: impl FnMut(usize),
) -> Result<Vec<NodeResult>, NoThread> {
    let mut results: Vec<_> = nodes.iter().map(|_| None).collect();
    parallel::run_workers(queue, jobs, worker, |batch| {
        for (position, result) in commit(nodes, batch, tree) {
            results[position] = Some(result);
            done(position);
        }
    })?;
    let results = results.into_iter();
    Ok(results
        .map(|result| result.expect("every node has its result"))
        .collect())
}

fn commit(nodes: &[&Node], batch: Vec<Outcome>, tree: &Tree) -> Vec<(usize, NodeResult)> {
    let mut results = Vec::with_capacity(batch.len());
    let (mut staged, mut written) = (Vec::new(), Vec::new());
    for (position, node) in batch {
        match node {
            Ok(node) => {
                staged.push(node.staged);
                written.push((position, node.result, node.unusable));
            }
            Err(failed) => results.push((position, *failed)),
        }
    }
    if staged.is_empty() {
        return results;
    }
    let committed = tree.commit(staged);
    for ((position, mut result, unusable), in_place) in written.into_iter().zip(committed) {
        let node = nodes[position];
        match in_place {
            Ok(mut kept) => {
                result.notices.extend(unusable.into_iter().map(|file| {
                    let kept_as = kept.remove(&file.path);
                    Kind::NotMerged { file, kept_as }.of(node)
                }));
            }
            Err(error) => {
                (result.files, result.ledger) = (None, None);
                result.notices.push(Kind::NotWritten(error).of(node));
            }
        }
        results.push((position, result));
    }
    results
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{FilesRecord, NodeDay, TaskKnowledge};
    use crate::commands::collect::node::StagedNode;
    use crate::model::{Both, CardId, Interval, TaskSource, Thresholds, UserColumn, Window};
    use crate::settings::Config;
    use crate::store::DataDir;
    use chrono_tz::Tz;
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;

    fn node(name: &str) -> Node {
        Node {
            name: name.to_owned(),
            url: "http://127.0.0.1:19999".parse().expect("an URL"),
            cards: vec![CardId(1)],
            first_gpu_id: None,
            gpu_uuids: BTreeMap::new(),
            uuid_owners: std::sync::Arc::default(),
        }
    }

    #[test]
    fn a_panic_in_the_work_on_a_node_is_the_failure_of_that_node_alone() {
        let root = tempfile::tempdir().expect("a directory");
        let date = "2025-08-01".parse().expect("a date");
        let window = Window::new(date, Tz::UTC, Interval::DEFAULT, 2_000_000_000).expect("a day");
        let of_day = |node: &str, file: &str| root.path().join(node).join("2025-08-01").join(file);
        fs::create_dir_all(of_day("second", "")).expect("a directory");
        fs::write(of_day("second", "average_2025-08-01.csv"), "earlier\n").expect("a file");
        let config = Config {
            data_dir: root.path().to_owned(),
            ..Config::default()
        };
        let data_dir = DataDir::open(&config, std::time::Duration::ZERO);
        let data_dir = data_dir.expect("the lock");
        let tree = data_dir.begin(&window).expect("it can be written");
        let stage = |node: &Node| {
            assert_ne!(node.name, "second", "a panic that the test wants");
            let tasks = TaskKnowledge::Unknown {
                reason: Both::of(String::new),
                earlier: BTreeMap::new(),
            };
            let limits = Thresholds::default();
            let day = NodeDay::new(node, &window, BTreeMap::new(), tasks, limits);
            let files = FilesRecord::new(&day, TaskSource::Unavailable, None, &BTreeSet::new());
            StagedNode {
                result: NodeResult {
                    files: Some(files),
                    ledger: day.ledger(),
                    notices: Vec::new(),
                },
                staged: tree
                    .stage(&day, UserColumn::All, &[])
                    .expect("it can be written"),
                unusable: Vec::new(),
            }
        };
        let nodes = ["first", "second", "third"].map(node);
        let nodes: Vec<_> = nodes.iter().collect();
        let mut ended = Vec::new();
        let queue = Queue::new(&nodes);
        let worker = |outcomes: &Sender<Outcome>| {
            while let Some((position, &node)) = queue.take() {
                let staged = crate::commands::collect::worker::guarded(node, || stage(node));
                outcomes.send((position, staged)).expect("they are awaited");
            }
        };
        let done = |position| ended.push(position);
        let results = collect_nodes(worker, &queue, &nodes, Jobs::exactly(1), &tree, done);
        let results = results.expect("room for threads");
        ended.sort_unstable();
        assert_eq!(ended, [0, 1, 2]);
        let written: Vec<_> = results.iter().map(|node| node.files.is_some()).collect();
        assert_eq!(written, [true, false, true]);
        let notices = results.iter().flat_map(|node| &node.notices);
        let messages: Vec<_> = notices.map(ToString::to_string).collect();
        assert_eq!(
            messages,
            ["處理節點 second 時程式發生內部錯誤，請回報；原有檔案保持不變"]
        );
        let average = |node| fs::read_to_string(of_day(node, "average_2025-08-01.csv"));
        for name in ["first", "third"] {
            let text = average(name).expect("the file");
            assert!(text.contains("GPU[0],N/A,N/A,未使用\n"), "{name}: {text}");
        }
        assert_eq!(average("second").expect("the file"), "earlier\n");
    }
}
