//! Where results and problems go: console, log, mail, webhook, monitor, metrics file.

pub mod console;
pub mod metrics;
pub mod notify;
