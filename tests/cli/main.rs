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

mod alerts;
mod alerts_send;
mod anonymize;
mod api_faults;
mod archive;
mod archive_kept;
mod archive_killed;
mod bad_input;
mod catch_up;
mod check;
mod check_nodes;
mod check_tasks;
mod config_init;
mod config_show;
mod conflicts;
mod credentials;
mod digest;
mod disk_faults;
mod english;
mod exit_status;
mod export;
mod false_zeros;
mod file_language;
mod files;
mod gaps;
mod gpu_uuids;
mod help;
mod holdings;
mod hostile_files;
mod inventory;
mod json;
mod kept_tasks;
mod killed;
mod ledger;
mod live;
mod live_screen;
mod logs;
mod manual;
mod mapping;
mod metrics;
mod migration;
mod missing;
mod moved;
mod no_threads;
mod node_faults;
mod notify;
mod notify_faults;
mod notify_privacy;
mod notify_secrets;
mod one_at_a_time;
mod other_settings;
mod parents;
mod quiet;
mod range;
mod readme;
mod recollect;
mod report;
mod report_doubts;
mod requests;
mod retries;
mod seeds;
mod settings;
mod settings_changed;
mod shards;
mod status;
mod task_records;
mod tasks;
mod terminal;
mod texts;
mod token_leaks;
mod units;
mod user_column;
mod user_report;
mod users;
mod users_by;
mod users_rows;
mod usual_terminal;
mod values;
mod window;
mod without_readings;
mod workbook;
