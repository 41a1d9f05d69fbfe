//! Who is on which GPU now: what the nodes and the management API answered, as one value, and the rows that it makes.

pub mod cells;
mod gathered;
mod holders;
mod idle;
mod table;
mod view;
pub mod words;

pub use gathered::Gathered;
pub use holders::Holder;
pub use idle::IdleFor;
pub use view::{GpuView, Holding, Line, LiveReport, NodeView, Order, View};
