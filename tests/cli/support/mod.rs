//! What the tests are written in: a [`Lab`] sets a cluster up, a [`World`] runs the program in it, an [`Outcome`] is
//! looked at, and a [`Day`] says what the files of a day must hold.

mod at_once;
mod checked;
mod day;
mod files;
mod generations;
mod lab;
mod outcome;
mod received;
mod sysfs;
mod time_limit;
mod token;

pub(crate) use at_once::at_once;
pub(crate) use day::{CARDS, Day};
pub(crate) use generations::with_both_generations;
pub(crate) use lab::{Lab, World, wait_for_request};
pub(crate) use outcome::Outcome;
pub(crate) use received::{message, signals, texts};
pub(crate) use sysfs::Sysfs;
pub(crate) use token::{TOKEN, jwt};

/// 2025-08-01 00:00:00 UTC: the date of most tests.
pub(crate) const MIDNIGHT: i64 = 1_754_006_400;
pub(crate) const DATE: &str = "2025-08-01";
pub(crate) const HOUR: i64 = 3600;
/// Takes from root the power to go where the mode of a file or directory forbids it. Nobody else has it.
pub(crate) const BOUND_BY_MODES: &str = "\
    [ \"$(id -u)\" != 0 ] || exec setpriv --bounding-set=-dac_override,-dac_read_search -- \"$@\"\n\
    exec \"$@\"";
