//! `status`: how the last days went.

use anyhow::Result;
use chrono::{Days, NaiveDate};

use crate::cli::StatusArgs;
use crate::config::{self, Config, Node};
use crate::console::Console;
use crate::day::{DateArg, DateError, Window};
use crate::exit_status::ExitStatus;
use crate::output::Archive;
use crate::status::{Evidence, StatusReport};

use super::request::{now, select};
use super::{plan, print_json};

/// Says how the last days went.
pub(super) fn tell(args: &StatusArgs) -> Result<ExitStatus> {
    let console = Console::open(&args.output)?;
    let config = config::load(args.settings.overrides())?;
    let nodes = select(&config, &args.nodes)?;
    let archive = Archive::new(&config.data_dir, config.gpu_files);
    let days = evidence(&config, &nodes, &archive, args.days)?;
    let report = StatusReport::of(&days, &nodes);
    if args.output.json {
        print_json(&console, &report)?;
    } else {
        console.print(report.text().as_bytes())?;
    }
    Ok(report.exit_status)
}

/// What there is of the last `count` days: up to today if that was collected, else up to yesterday.
fn evidence(
    config: &Config,
    nodes: &[&Node],
    archive: &Archive,
    count: u16,
) -> Result<Vec<Evidence>, DateError> {
    let today = DateArg::Today.resolve(config.zone, now());
    let has_today = archive.run_record(today).is_some();
    let newest = u64::from(!has_today);
    let mut days = Vec::new();
    for ago in (newest..newest + u64::from(count)).rev() {
        let Some(date) = today.checked_sub_days(Days::new(ago)) else {
            continue;
        };
        match Window::new(date, config.zone, config.interval, now()) {
            // A zone that crossed the date line has no such day.
            Err(DateError::Skipped { .. }) => {}
            window => days.push(of_day(archive, nodes, date, window?)),
        }
    }
    Ok(days)
}

fn of_day(archive: &Archive, nodes: &[&Node], date: NaiveDate, window: Window) -> Evidence {
    Evidence {
        window,
        record: plan::record(archive, date),
        has_files: archive.day(date).are_any_there(nodes),
    }
}
