//! What it means: card and index, who held what, means, conflicts, ledger, idle GPUs. No I/O, no clock.

pub mod attribution;
pub mod average;
pub mod catch_up;
pub mod conflict;
pub mod figures;
pub mod gpu_map;
pub mod holding;
pub mod idle;
pub mod ledger;
pub mod merge;
pub mod node_day;
pub mod pseudonym;
pub mod record;
pub mod stopped_series;
pub mod usage;
