//! Who is told: console, log, mail, webhook, monitor, metrics file.

pub mod console;
pub mod metrics;
pub mod notify;
