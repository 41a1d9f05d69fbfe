//! Telling those who wait for a run how it ended.

use anyhow::Result;
use chrono::NaiveDate;

use crate::commands::failure::exit_status;
use crate::model::exit_status::ExitStatus;
use crate::outlets::console;
use crate::outlets::notify::{Ended, Watch};
use crate::report::Collected;

/// Tells how the run of these days ended, and answers its status. That somebody could not be told changes nothing.
pub fn finish(
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
