//! Who is on which GPU now: what the nodes and the management API answered, as one value, and the rows that it makes.

pub mod cells;
mod gathered;
pub mod holders;
mod idle;
mod table;
pub mod view;
pub mod words;

pub use gathered::Gathered;
pub use idle::IdleFor;
pub use view::{GpuView, Holding, Line, LiveReport, NodeView, Order, View};

#[cfg(test)]
mod tests;
