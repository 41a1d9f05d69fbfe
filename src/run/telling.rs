//! Telling those who wait for a run how it ended.

use anyhow::Result;
use chrono::NaiveDate;

use super::exit_status;
use crate::console;
use crate::exit_status::ExitStatus;
use crate::notify::{Ended, Watch};
use crate::report::Collected;

/// Tells how the run of these days ended, and answers its status. That somebody could not be told changes nothing.
pub(super) fn tell(
    watch: Watch,
    collected: Result<Collected>,
    dates: &[NaiveDate],
) -> Result<ExitStatus> {
    let ended = match &collected {
        Ok(collected) => Ended::Collected(collected),
        Err(error) => Ended::Failed {
            error,
            exit_status: exit_status(error),
            dates,
        },
    };
    watch.end(&ended).iter().for_each(console::warn);
    Ok(collected?.exit_status())
}
