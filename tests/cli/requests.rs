//! What the agents are asked, and in which order their answers are told.

use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;

use crate::simulated_cluster::SimulatedNode;
use crate::support::{CARDS, DATE, Lab, World};

fn cluster(names: &[&str]) -> Lab {
    names.iter().fold(Lab::new(), |lab, name| {
        lab.node(SimulatedNode::new(name).cards(&[1, 9]))
    })
}

fn targets(world: &World, node: &str) -> Vec<String> {
    let requests = world.cluster.requests(node);
    requests.into_iter().map(|request| request.target).collect()
}

/// The names of the nodes, as the lines on stdout begin with them.
fn order(stdout: &str) -> Vec<&str> {
    let name = |line: &'_ str| line.split_once('：').map_or(0, |(name, _)| name.len());
    let lines = stdout.lines().filter(|line| line.contains("，平均 GPU "));
    lines.map(|line| &line[..name(line)]).collect()
}

/// The directories of nodes in the tree.
fn written(world: &World) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(world.path("data"))
        .expect("the tree")
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.retain(|name| !name.starts_with('.') && name != "reports");
    names.sort();
    names
}

#[test]
fn a_node_is_asked_once_on_one_connection() {
    let names = ["colab-gpu1", "colab-gpu2", "colab-gpu3"];
    let lab = names
        .iter()
        .fold(Lab::new(), |lab, name| lab.node(SimulatedNode::new(name)));
    let outcome = lab.run(&[DATE]).exits(0);
    let world = outcome.world();
    for name in names {
        assert_eq!(
            targets(world, name),
            [
                "/api/v1/data?context=amdgpu.gpu_utilization%7Camdgpu.gpu_mem_vram_usage_perc\
                 &after=1754006400&before=1754092800&points=144&group=average&format=json\
                 &options=unaligned%7Cjsonwrap%7Cflip&tier=0"
            ]
        );
        assert_eq!(world.cluster.connections(name), 1);
        let request = &world.cluster.requests(name)[0];
        assert_eq!(request.header("connection"), Some("keep-alive"));
        assert_eq!(request.header("authorization"), None);
    }
}

#[test]
fn an_agent_without_contexts_is_asked_chart_by_chart_on_one_more_connection() {
    let node = SimulatedNode::new("colab-gpu4").without_context_queries();
    let outcome = Lab::new().node(node).run(&[DATE]).exits(0);
    let world = outcome.world();
    let asked = targets(world, "colab-gpu4");
    let chart = |context: &str, card| {
        format!(
            "/api/v1/data?chart=amdgpu.{context}_unknown_AMD_GPU_card{card}\
             &after=1754006400&before=1754092800&points=144&group=average&format=json\
             &options=unaligned%7Cflip&tier=0"
        )
    };
    let charts = CARDS.iter().flat_map(|card| {
        ["gpu_utilization", "gpu_mem_vram_usage_perc"].map(|context| chart(context, card))
    });
    assert_eq!(asked[1..], charts.collect::<Vec<_>>());
    assert_eq!(world.cluster.connections("colab-gpu4"), 2);
}

#[test]
fn nodes_are_told_in_the_order_of_the_settings_whichever_answers_first() {
    let lab = [("c", 400), ("a", 200), ("b", 0)].into_iter().fold(
        Lab::new(),
        |lab, (name, milliseconds)| {
            lab.node(SimulatedNode::new(name).latency(Duration::from_millis(milliseconds)))
        },
    );
    let world = lab.start();
    let outcome = world.run(&[DATE]).exits(0);
    assert_eq!(order(&outcome.stdout), ["c", "a", "b"]);
    let json = world.run(&[DATE, "--json"]).exits(0).json();
    let nodes = json["nodes"].as_array().expect("the nodes");
    let names: Vec<_> = nodes.iter().map(|node| &node["name"]).collect();
    assert_eq!(names, ["c", "a", "b"]);
    for node in nodes {
        let name = node["name"].as_str().expect("a name");
        assert_eq!(node["url"], world.cluster.url(name));
        assert_eq!(node["directory"], format!("data/{name}/{DATE}"));
    }
}

#[test]
fn only_the_nodes_that_are_named_are_asked() {
    for (arguments, named) in [
        (&["--node", "b"][..], &["b"][..]),
        (&["--node", "c", "--node", "b"], &["b", "c"]),
        (&["--node", "c,a"], &["a", "c"]),
        (
            &["--node=d,a", "--node", "c", "--node", "a"],
            &["a", "c", "d"],
        ),
    ] {
        let outcome = cluster(&["a", "b", "c", "d"])
            .run(&[&[DATE], arguments].concat())
            .exits(0)
            .stderr_is("");
        assert_eq!(order(&outcome.stdout), named, "{arguments:?}");
        let world = outcome.world();
        assert_eq!(written(world), named, "{arguments:?}");
        for name in ["a", "b", "c", "d"] {
            let requests = usize::from(named.contains(&name));
            assert_eq!(
                targets(world, name).len(),
                requests,
                "{arguments:?}, {name}"
            );
        }
    }
}

#[test]
fn one_job_asks_one_node_after_the_other() {
    let names = ["a", "b", "c", "d"];
    let latency = Duration::from_millis(100);
    let lab = names.iter().fold(Lab::new(), |lab, name| {
        lab.node(SimulatedNode::new(name).cards(&[1]).latency(latency))
    });
    let world = lab.start();
    let started = Instant::now();
    let outcome = world.run(&[DATE, "--jobs", "1"]).exits(0).stderr_is("");
    assert!(started.elapsed() >= 4 * latency, "{:?}", started.elapsed());
    assert_eq!(order(&outcome.stdout), names);
    assert_eq!(written(&world), names);
}

#[test]
fn nodes_are_asked_at_the_same_time() {
    let latency = Duration::from_millis(250);
    let lab = (0..16).fold(Lab::new(), |lab, number| {
        lab.node(
            SimulatedNode::new(&format!("n{number:02}"))
                .cards(&[1])
                .latency(latency),
        )
    });
    let world = lab.start();
    let started = Instant::now();
    let outcome = world.run(&[DATE]).exits(0);
    assert!(started.elapsed() < 12 * latency, "{:?}", started.elapsed());
    assert_eq!(outcome.tree().len(), 16 * 3);
}

#[test]
fn the_proxy_of_the_environment_is_not_used() {
    let world = cluster(&["a"]).start();
    // Nobody listens on the discard port.
    let dead = "http://127.0.0.1:9";
    let variables = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"].map(|name| (name, dead));
    let outcome = world.run_with(&[DATE], &variables).exits(0).stderr_is("");
    assert_eq!(written(&world), ["a"]);
    assert_eq!(outcome.tree().len(), 4);
    assert_eq!(world.cluster.api_requests().len(), 1);
}

#[test]
fn few_open_files_are_enough_for_many_nodes() {
    for (soft, hard) in [(20, 4096), (60, 60)] {
        let lab = (1..=40)
            .map(|number| SimulatedNode::new(&format!("n{number}")).cards(&[1]))
            .fold(Lab::new(), Lab::node);
        let limit = format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$@\"");
        let outcome = lab.start().run_in_shell(&limit, &[DATE, "--jobs", "40"]);
        outcome.exits(0).stderr_is("");
    }
}
