//! The order of users.

use clap::ValueEnum;

/// The order of users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum UserOrder {
    /// Whoever left the most GPU-hours idle first.
    #[default]
    Idle,
    /// Whoever held the most GPU-hours first.
    Allocated,
    Name,
}
