//! The words: day and window, units, node and GPU, readings, task, thresholds.

pub mod cluster;
pub mod day;
pub mod exit_status;
pub mod if_there;
pub mod readings;
pub mod task;
pub mod text;
pub mod thresholds;
pub mod units;
pub mod written;
