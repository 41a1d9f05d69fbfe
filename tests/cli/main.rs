//! The program as its users meet it: the real binary, against a simulated cluster over real sockets.

#[allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "each target uses a part of it"
)]
#[path = "../simulated_cluster/mod.rs"]
mod simulated_cluster;

mod support;

mod seeds;

mod api_faults;
mod bad_input;
mod credentials;
mod help;
mod node_faults;
mod quiet;
mod settings;
mod token_leaks;
