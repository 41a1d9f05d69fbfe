//! Nodes for a benchmark: they run until standard input ends, and do what its lines say.

use std::fs;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::time::Duration;

use crate::simulated_cluster::{
    Fault, SimulatedApi, SimulatedCluster, SimulatedNode, SimulatedTask,
};
use crate::{Done, TOKEN, write_settings};

/// Starts as many nodes as `nodes` says, each of which takes `latency_ms` to answer, and writes the settings that lead to them into `directory`.
///
/// Of every hundred nodes, so many as the first of `percents` says hang, and so many as the second are down: of these,
/// every other one refuses connections, and the rest are as machines that are switched off.
///
/// Commands: `count` prints how many requests and connections all nodes together have seen; `urls FILE` writes the
/// distinct URLs that they were asked for, as a configuration of curl that throws the answers away.
pub(crate) fn serve(nodes: &str, latency_ms: &str, percents: [&str; 2], directory: &Path) -> Done {
    let latency = Duration::from_millis(latency_ms.parse()?);
    let [hanging, down] = percents.map(str::parse::<usize>);
    let (hanging, down) = (hanging?, down?);
    let numbers = 1..=nodes.parse::<usize>()?;
    let names: Vec<String> = numbers.map(|n| format!("node{n:05}")).collect();
    let task = |name: &String| {
        SimulatedTask::new(&format!("task-{name}"), "alice", name)
            .gpu(25, "APU-0000000000000019")
            .start(1_750_000_000)
    };
    let api = names
        .iter()
        .map(task)
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
    write_settings(&cluster, directory)?;
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
