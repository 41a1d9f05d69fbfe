//! daily-gpu-log: a day of a cluster's AMD GPU and VRAM utilisation, and who used it, from Netdata's agents and the
//! management API into a tree of CSV files.
//!
//! Data flows one way, in the order of the modules below: the day and the settings, the two clients, the maps and
//! the means, the files. `collect` runs those stages for one day, and `run` does what the command line asks for.

pub mod parallel;
pub mod units;

pub mod day;

pub mod config;

pub mod cli;

pub mod http;
pub mod netdata;
pub mod tasks;

pub mod gpu_map;

pub mod holding;

pub mod attribution;
pub mod average;
pub mod conflict;
pub mod ledger;
pub mod node_day;
pub mod pseudonym;
pub mod stopped_series;
pub mod usage;

pub mod output;

pub mod notice;

pub mod exit_status;

pub mod check;
pub mod collect;
pub mod record;

pub mod catch_up;
pub mod report;

pub mod metrics;
pub mod status;

pub mod alerts;

pub mod notify;

pub mod console;
pub mod run;
