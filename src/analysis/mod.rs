//! What it means: card and index, who held what, means, conflicts, ledger, idle GPUs. No I/O, no clock.

pub mod attribution;
mod average;
pub mod catch_up;
mod completeness;
mod conflict;
mod false_zeros;
mod gpu_map;
mod holding;
pub mod idle;
mod ledger;
mod merge;
mod node_day;
pub mod other_setting;
pub mod overview;
mod pseudonym;
mod record;
mod remedy;
pub mod stopped_series;
pub mod task_clock;
pub mod usage;

pub use attribution::{NodeTasks, TasksByHost, TimelessTask, UnplacedGpu, attribute, attribute_by};
pub use average::{Coverage, Mean};
pub use catch_up::{Found, Lack, Need};
pub use completeness::{Completeness, Shortfall, Verdict, run_status};
pub use conflict::{Conflict, each_conflict};
pub use false_zeros::take_false_zeros;
pub use gpu_map::{Disagreement, IdPlace};
pub use holding::{Span, Spans};
pub use ledger::{Account, DOUBTS, DayLedger, Doubt, Entry, Idle, NodeLedger};
pub use merge::merge;
pub use node_day::{GpuDay, GpuUse, NodeDay, TaskKnowledge};
pub use pseudonym::{KEY_BYTES, Pseudonyms, withheld, without_text};
pub use record::{
    DayRecord, FilesRecord, GpuRecord, LastRun, NodeRecord, NoticeRecord, Severity, WindowRecord,
};
pub use remedy::Remedy;
pub use stopped_series::{Series, Stopped};
pub use task_clock::{Differing, Early};
