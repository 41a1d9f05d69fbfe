//! A cluster to run the program against: Netdata agents and the management API, on loopback.
//!
//! Every node and the API has a port of its own and speaks real HTTP/1.1, so that the program under test runs unchanged:
//! only its settings differ ([`SimulatedCluster::settings`]). What the agents answer follows what real agents were measured
//! to do, down to the white space of the two generations; what can go wrong with them is a [`Fault`].
//!
//! ```ignore
//! let cluster = SimulatedCluster::start(
//!     vec![SimulatedNode::new("colab-gpu1"), SimulatedNode::new("colab-gpu2").fault(Fault::Refuse)],
//!     SimulatedApi::new("token").task(SimulatedTask::new("t1", "alice", "colab-gpu1").gpu(1, "APU-0000000000000001")),
//! );
//! ```

mod agent;
mod bell;
mod fault;
mod http;
mod management_api;
mod message;
mod node;
mod readings;
mod receiver;
mod rendering;
mod window;

use std::fmt::Write as _;
use std::sync::Arc;
use std::thread;

use self::bell::Bell;
pub use self::fault::Fault;
use self::http::Server;
pub use self::management_api::{SimulatedApi, SimulatedTask};
pub use self::message::SeenRequest;
pub use self::node::{SimulatedNode, Version, with_agents};
pub use self::readings::{Metric, expected_row, expected_text};
pub use self::receiver::SimulatedReceiver;

/// A running cluster. Dropping it ends every connection, also the hanging ones, and every thread.
///
/// # Panics
/// On drop, if a thread of the simulation panicked: a test must not pass on the strength of a broken simulation.
pub struct SimulatedCluster {
    nodes: Vec<RunningNode>,
    api: Server,
    bell: Arc<Bell>,
}

struct RunningNode {
    node: Arc<SimulatedNode>,
    server: Server,
}

impl SimulatedCluster {
    /// Starts an agent for each node, and the management API.
    pub fn start(nodes: Vec<SimulatedNode>, api: SimulatedApi) -> Self {
        let bell = Arc::new(Bell::default());
        let nodes = nodes
            .into_iter()
            .map(|node| {
                let conduct = node.conduct.clone();
                let node = Arc::new(node);
                let agent = Arc::clone(&node);
                let server = Server::start(&node.name, "GET", conduct, &bell, move |request| {
                    agent::answer(&agent, request)
                });
                RunningNode { node, server }
            })
            .collect();
        let conduct = api.conduct.clone();
        let api = Server::start("management-api", "GET", conduct, &bell, move |request| {
            api.answer(request)
        });
        Self { nodes, api, bell }
    }

    /// The node called `name`, as [`expected_row`] wants it.
    pub fn node(&self, name: &str) -> &SimulatedNode {
        &self.running(name).node
    }

    /// The agent's address, `http://127.0.0.1:<port>`.
    pub fn url(&self, name: &str) -> String {
        self.running(name).server.url()
    }

    /// The management API's address, with its path.
    pub fn api_url(&self) -> String {
        self.api.url() + management_api::PATH
    }

    /// What the node was asked, in the order of arrival.
    pub fn requests(&self, name: &str) -> Vec<SeenRequest> {
        self.running(name).server.requests()
    }

    /// What the management API was asked, in the order of arrival.
    pub fn api_requests(&self) -> Vec<SeenRequest> {
        self.api.requests()
    }

    /// How many connections the node has accepted.
    pub fn connections(&self, name: &str) -> usize {
        self.running(name).server.connections()
    }

    /// The part of the program's settings file that leads to this cluster. It ends inside a table, so keys of the top level
    /// (`data_dir`, ...) go before it, and the API's `token_file` may follow it.
    pub fn settings(&self) -> String {
        let mut toml = String::new();
        for RunningNode { node, server } in &self.nodes {
            write!(
                toml,
                "[[nodes]]\nname = \"{}\"\nurl = \"{}\"\n",
                node.name,
                server.url()
            )
            .expect("a String takes all");
            if let Some(cards) = node.unusual_cards() {
                writeln!(toml, "cards = {cards:?}").expect("a String takes all");
            }
            toml.push('\n');
        }
        write!(toml, "[management_api]\nurl = \"{}\"\n", self.api_url())
            .expect("a String takes all");
        toml
    }

    fn running(&self, name: &str) -> &RunningNode {
        let found = self.nodes.iter().find(|running| running.node.name == name);
        found.unwrap_or_else(|| panic!("the simulated cluster has no node {name}"))
    }
}

impl Drop for SimulatedCluster {
    fn drop(&mut self) {
        let nodes = self.nodes.iter_mut().map(|running| &mut running.server);
        end(&self.bell, nodes.chain([&mut self.api]).collect());
    }
}

/// Ends servers that listen to `bell`, and every connection to them.
fn end(bell: &Bell, mut servers: Vec<&mut Server>) {
    bell.ring();
    for server in &servers {
        server.disconnect();
    }
    let panicked: Vec<String> = servers
        .iter_mut()
        .filter_map(|server| server.join().err())
        .collect();
    // A second panic during the unwinding of a failed test would abort the test binary and hide the first.
    if !thread::panicking() {
        assert!(
            panicked.is_empty(),
            "the simulation itself panicked, at {}",
            panicked.join(", ")
        );
    }
}
