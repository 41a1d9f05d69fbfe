//! Where results and problems go: console, log, mail, webhook, monitor, metrics file; the live screen.

pub mod console;
pub mod live;
pub mod metrics;
pub mod notify;
