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

mod api_faults;
mod bad_input;
mod conflicts;
mod credentials;
mod files;
mod gaps;
mod help;
mod holdings;
mod json;
mod kept_tasks;
mod ledger;
mod mapping;
mod missing;
mod node_faults;
mod one_at_a_time;
mod quiet;
mod range;
mod recollect;
mod requests;
mod seeds;
mod settings;
mod settings_changed;
mod task_records;
mod tasks;
mod token_leaks;
mod user_report;
mod values;
mod window;
