//! `status`: how the last days went.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::{Days, NaiveDate};
use clap::Args;

use super::calendar::Calendar;
use super::collect::plan::known_record;
use super::frame::Frame;
use super::request::{open_archive, select};
use super::span::SpanArgs;
use super::values::node_name;
use crate::model::{DateArg, DateError, ExitStatus, Node, Window, text};
use crate::report::status::{Evidence, StatusReport};
use crate::settings::Config;
use crate::store::Archive;

/// How many days are shown where nothing is said of them.
const USUAL_DAYS: u16 = 7;

#[derive(Args, Debug)]
pub struct StatusArgs {
    #[command(flatten)]
    span: SpanArgs,
    #[arg(long = "node", value_name = "NAME", value_delimiter = ',', value_parser = node_name())]
    #[arg(help = text(
        "只看這些節點 (可重複，或以逗號分隔)",
        "show only these nodes (repeatable, or with commas)",
    ))]
    nodes: Vec<String>,
}

pub fn run(args: &StatusArgs, frame: &Frame) -> Result<ExitStatus> {
    let config = frame.config()?;
    let nodes = select(&config, &args.nodes)?;
    let archive = open_archive(&config);
    // Of no node there is nothing to be missed.
    let days = if nodes.is_empty() {
        Vec::new()
    } else {
        evidence(&config, &nodes, &archive, &args.span)?
    };
    let report = StatusReport::new(&config.data_dir, &days, &nodes);
    frame.print_report(&report, report.is_well(), StatusReport::text)?;
    Ok(report.exit_status)
}

fn evidence(
    config: &Config,
    nodes: &[&Node],
    archive: &Archive,
    span: &SpanArgs,
) -> Result<Vec<Evidence>> {
    let calendar = Calendar::now(config);
    let (first, last) = match span.lone_days(USUAL_DAYS) {
        Some(count) => last_days(&calendar, archive, count),
        None => span.year_at_most(&calendar)?,
    };
    let mut days = Vec::new();
    for (_, window) in calendar.windows(first, last) {
        match window {
            // There is no such day, or no interval of the settings fits into it.
            Err(DateError::Skipped { .. } | DateError::UnevenInterval { .. }) => {}
            window => days.push(day(archive, nodes, window?)),
        }
    }
    Ok(days)
}

/// The last `count` days: up to today if that was collected, else up to yesterday.
fn last_days(calendar: &Calendar, archive: &Archive, count: u16) -> (NaiveDate, NaiveDate) {
    let today = calendar.date(DateArg::Today);
    let has_today = archive
        .run(today)
        .read()
        .is_ok_and(|record| record.is_some());
    let last = today - Days::new(u64::from(!has_today));
    (last - Days::new(u64::from(count) - 1), last)
}

/// What there is of a day. One that was moved away together with its record is looked at as in its old place.
pub fn day(archive: &Archive, nodes: &[&Node], window: Window) -> Evidence {
    let record = known_record(archive, window.date);
    let files = archive.day(window.date);
    let lost = |node: &&Node| {
        let known = record.as_ref()?.node(&node.name)?.files.as_ref()?;
        let lost = files.lost(node, &known.with_readings());
        (!lost.is_empty()).then(|| (node.name.clone(), lost))
    };
    let lost = nodes.iter().filter_map(lost).collect();
    let of_record = archive.month_of_record(window.date);
    let moved = nodes.iter().filter_map(|node| {
        let month = files.moved_to(node)?;
        if of_record.as_ref() == Some(&month) {
            return None;
        }
        Some((node.name.clone(), month.parent()?.to_owned()))
    });
    let moved: BTreeMap<_, _> = moved.collect();
    let mut others = nodes.iter().filter(|node| !moved.contains_key(&node.name));
    let is_here = others.any(|&node| files.are_any_there(&[node]));
    Evidence {
        is_here,
        moved,
        has_files: files.are_any_there(nodes),
        in_users_report: files.in_users_report(&window),
        window,
        record,
        lost,
    }
}
