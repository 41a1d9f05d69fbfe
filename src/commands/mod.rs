//! What the program does: a file for each command.

pub mod alerts;
pub mod archive;
pub mod calendar;
pub mod check;
pub mod collect;
pub mod config;
pub mod export;
pub mod failure;
pub mod frame;
pub mod help;
pub mod inventory;
pub mod live;
pub mod man;
pub mod manual;
pub mod nearest;
pub mod reminders;
pub mod report;
pub mod request;
pub mod span;
pub mod status;
pub mod users;
pub mod values;
