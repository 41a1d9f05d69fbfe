//! What a run has to say at its end: as lines for people, as JSON for programs, as a record
//! for later runs, and as an exit status.

pub mod absence;
pub mod alerts;
pub mod alerts_table;
pub mod archive;
pub mod check;
pub mod live;
pub mod notice;
pub mod page;
pub mod status;

mod collected;
mod day;
mod exported;
mod first_reasons;
mod plan;
mod record;
mod tasks;
mod usage;

pub use collected::{Collected, DayResult};
pub use day::{NodeReport, NodeResult, RunReport, kept_coverage};
pub use exported::{Exported, ExportedDay};
pub use plan::{PlanReport, PlannedDay, PlannedNode};
pub use tasks::TaskReport;
pub use usage::UsageReport;
