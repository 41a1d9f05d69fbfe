//! `status`: how the last days went.

use anyhow::Result;
use chrono::Days;

use super::collect::plan;
use super::request::{now, select};
use super::status_args::StatusArgs;
use crate::model::cluster::Node;
use crate::model::day::{DateArg, DateError, Window};
use crate::model::exit_status::ExitStatus;
use crate::outlets::console::{Console, print_json};
use crate::report::status::{Evidence, StatusReport};
use crate::settings::{self, Config};
use crate::store::archive::Archive;

/// Says how the last days went.
pub fn run(args: &StatusArgs) -> Result<ExitStatus> {
    let console = Console::open(&args.output)?;
    let config = settings::load(&args.settings)?;
    let nodes = select(&config, &args.nodes)?;
    let archive = Archive::new(&config.data_dir, config.gpu_files);
    let days = evidence(&config, &nodes, &archive, args.days)?;
    let report = StatusReport::new(&config.data_dir, &days, &nodes);
    if args.output.json {
        print_json(&console, &report)?;
    } else if !(args.output.quiet && report.is_well()) {
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
    let has_today = archive
        .run(today)
        .read()
        .is_ok_and(|record| record.is_some());
    let newest = u64::from(!has_today);
    let mut days = Vec::new();
    for ago in (newest..newest + u64::from(count)).rev() {
        let Some(date) = today.checked_sub_days(Days::new(ago)) else {
            continue;
        };
        match Window::new(date, config.zone, config.interval, now()) {
            // There is no such day, or no interval of the settings fits into it.
            Err(DateError::Skipped { .. } | DateError::UnevenInterval { .. }) => {}
            window => days.push(day(archive, nodes, window?)),
        }
    }
    Ok(days)
}

fn day(archive: &Archive, nodes: &[&Node], window: Window) -> Evidence {
    let record = plan::known_record(archive, window.date);
    let files = archive.day(window.date);
    let lost = |node: &&Node| {
        let known = record.as_ref()?.node(&node.name)?.files.as_ref()?;
        let lost = files.lost(node, &known.with_readings());
        (!lost.is_empty()).then(|| (node.name.clone(), lost))
    };
    let lost = nodes.iter().filter_map(lost).collect();
    Evidence {
        has_files: files.are_any_there(nodes),
        in_users_report: files.in_users_report(&window),
        window,
        record,
        lost,
    }
}
