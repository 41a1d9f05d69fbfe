//! Nodes for a benchmark: they run until standard input ends, and do what its lines say.

use std::fs;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::time::Duration;

use chrono::Utc;

use crate::simulated_cluster::{
    Fault, SimulatedApi, SimulatedCluster, SimulatedNode, SimulatedTask,
};
use crate::{CARDS, Done, TOKEN, write_settings};

/// Starts as many nodes as `nodes` says, each of which takes `latency_ms` to answer, with `tasks` that hold their GPUs
/// in turn, and writes the settings that lead to them into `directory`.
///
/// Of every hundred nodes, so many as the first of `percents` says hang, and so many as the second are down: of these,
/// every other one refuses connections, and the rest are as machines that are switched off.
///
/// Commands: `count` prints how many requests and connections all nodes together have seen; `urls FILE` writes the
/// distinct URLs that they were asked for, as a configuration of curl that throws the answers away.
pub(crate) fn serve(
    nodes: &str,
    latency_ms: &str,
    tasks: &str,
    percents: [&str; 2],
    directory: &Path,
) -> Done {
    let [hanging, down] = percents.map(str::parse::<usize>);
    let (hanging, down) = (hanging?, down?);
    let latency = Duration::from_millis(latency_ms.parse()?);
    let names: Vec<String> = (1..=nodes.parse::<usize>()?)
        .map(|n| format!("node{n:05}"))
        .collect();
    let api = (0..)
        .zip(holds(names.len(), tasks.parse()?))
        .map(|(n, (node, card, from, to)): (usize, _)| {
            SimulatedTask::new(
                &format!("task-{n:06}"),
                &format!("user{:03}", n % 199),
                &names[node],
            )
            .gpu(card, &format!("APU-{card:016x}"))
            .start(from)
            .end(to)
        })
        .fold(SimulatedApi::new(TOKEN), SimulatedApi::task);
    let node = |(position, name): (usize, &String)| {
        let node = SimulatedNode::new(name).latency(latency);
        // A step that has no divisor in common with a hundred spreads the faults over the cluster.
        match position * 37 % 100 {
            place if place < hanging => node.fault(Fault::HangBeforeHeaders),
            place if place < hanging + down && place % 2 == 0 => node.fault(Fault::Refuse),
            place if place < hanging + down => node.fault(Fault::Unreachable),
            _ => node,
        }
    };
    let cluster = SimulatedCluster::start(names.iter().enumerate().map(node).collect(), api);
    let settings = write_settings(&cluster, directory)?;
    // The simulated GPUs are busy whoever holds them, and a warning for each is not what is measured.
    let mut settings = fs::OpenOptions::new().append(true).open(settings)?;
    settings.write_all(b"[ledger]\nbusy_percent = 100\n")?;
    println!("ready");
    for line in io::stdin().lock().lines() {
        if let Some(("urls", file)) = line?.split_once(' ') {
            fs::write(file, curl_configuration(&cluster, &names))?;
            println!("written");
        } else {
            let requests: usize = names.iter().map(|name| cluster.requests(name).len()).sum();
            let connections: usize = names.iter().map(|name| cluster.connections(name)).sum();
            println!("{requests} {connections}");
        }
        io::stdout().flush()?;
    }
    Ok(())
}

/// What each of `tasks` tasks holds on yesterday's day: a node, a card, from when and until when. Each GPU is held by one
/// task at a time, and by as many in turn as there are.
fn holds(nodes: usize, tasks: usize) -> impl Iterator<Item = (usize, u32, i64, i64)> {
    const DAY: i64 = 86_400;
    let midnight = (Utc::now().timestamp() / DAY - 1) * DAY;
    let gpus = nodes * CARDS.len();
    let length = DAY / i64::try_from(tasks.div_ceil(gpus)).unwrap_or(DAY).max(1);
    let of_gpu = move |turn| {
        let from = midnight + turn * length;
        let cards = CARDS.into_iter();
        cards.flat_map(move |card| (0..nodes).map(move |node| (node, card, from, from + length)))
    };
    (0..).flat_map(of_gpu).take(tasks)
}

fn curl_configuration(cluster: &SimulatedCluster, names: &[String]) -> String {
    let mut urls: Vec<String> = names
        .iter()
        .flat_map(|name| {
            let base = cluster.url(name);
            cluster
                .requests(name)
                .into_iter()
                .map(move |seen| base.clone() + &seen.target)
        })
        .collect();
    urls.sort();
    urls.dedup();
    let entries: Vec<_> = urls
        .iter()
        .map(|url| format!("url = \"{url}\"\noutput = \"/dev/null\"\n"))
        .collect();
    entries.concat()
}
