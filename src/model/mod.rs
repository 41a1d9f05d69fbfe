//! The words: day and window, units, node and GPU, readings, task, thresholds.

mod capped;
mod cluster;
mod day;
mod engine;
mod exit_status;
mod gpu_uuid;
mod if_there;
mod language;
mod other_setting;
mod readable_by;
mod readings;
mod shard;
mod task;
mod text;
mod thresholds;
mod units;
pub mod written;

pub use capped::Capped;
pub use cluster::{GpuFileNumber, Node, UserColumn, cards};
pub use day::{DateArg, DateError, Interval, RowPlace, Window, clock, is_offset};
pub use engine::Engine;
pub use exit_status::ExitStatus;
pub use gpu_uuid::GpuUuid;
pub use if_there::if_there;
pub use language::{Both, Language, comma, counted, text};
pub(crate) use language::{both, said, say};
pub use other_setting::OtherSetting;
pub use readable_by::{Modes, ReadableBy};
pub use readings::{ByMetric, CardUsage, Metric, NodeUsage, RejectedRows};
pub use shard::Shard;
pub use task::{
    Answer, Held, KeptAnswer, MalformedTask, Task, TaskGpu, TaskInformation, TaskSource, TaskTime,
};
pub use text::{beginning, breaks_line, composed, is_format, literal_end, printable, quote};
pub use thresholds::{AlertRule, Alerts, GENERAL, Thresholds, WrittenRule};
pub use units::{CardId, GpuIndex, Percent, Reading, UnixSeconds, WeightedSum};
pub use written::{Item, Written, looks_like_token, mark, problem, redacted};
