//! `status`: how the last days went.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::Days;
use clap::Args;

use super::calendar::Calendar;
use super::collect::plan::known_record;
use super::frame::Frame;
use super::request::{open_archive, select};
use super::values::{MOST_DAYS, node_name, parse_within};
use crate::model::{DateArg, DateError, ExitStatus, Node, Window, text};
use crate::report::status::{Evidence, StatusReport};
use crate::settings::Config;
use crate::store::Archive;

#[derive(Args, Debug)]
pub struct StatusArgs {
    #[arg(long, value_name = "N", default_value = "7", hide_default_value = true)]
    #[arg(value_parser = |days: &str| parse_within(days, 1..=MOST_DAYS, text("天數", "number of days")))]
    #[arg(help = text("最近幾天，1 到 366 [預設: 7]", "how many of the last days, 1 to 366 [default: 7]"))]
    days: u16,
    #[arg(long = "node", value_name = "NAME", value_delimiter = ',', value_parser = node_name())]
    #[arg(help = text(
        "只看這些節點 (可重複，或以逗號分隔)",
        "show these nodes alone (repeatable, or with commas)",
    ))]
    nodes: Vec<String>,
}

pub fn run(args: &StatusArgs, frame: &Frame) -> Result<ExitStatus> {
    let config = frame.config()?;
    let nodes = select(&config, &args.nodes)?;
    let archive = open_archive(&config);
    let days = evidence(&config, &nodes, &archive, args.days)?;
    let report = StatusReport::new(&config.data_dir, &days, &nodes);
    frame.print_report(&report, report.is_well(), StatusReport::text)?;
    Ok(report.exit_status)
}

/// What there is of the last `count` days: up to today if that was collected, else up to yesterday.
fn evidence(
    config: &Config,
    nodes: &[&Node],
    archive: &Archive,
    count: u16,
) -> Result<Vec<Evidence>, DateError> {
    let calendar = Calendar::now(config);
    let today = calendar.date(DateArg::Today);
    let has_today = archive
        .run(today)
        .read()
        .is_ok_and(|record| record.is_some());
    let last = today - Days::new(u64::from(!has_today));
    let first = last - Days::new(u64::from(count) - 1);
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

fn day(archive: &Archive, nodes: &[&Node], window: Window) -> Evidence {
    let record = known_record(archive, window.date);
    let files = archive.day(window.date);
    let lost = |node: &&Node| {
        let known = record.as_ref()?.node(&node.name)?.files.as_ref()?;
        let lost = files.lost(node, &known.with_readings());
        (!lost.is_empty()).then(|| (node.name.clone(), lost))
    };
    let lost = nodes.iter().filter_map(lost).collect();
    let moved = nodes.iter().filter_map(|node| {
        let month = files.moved_to(node)?;
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
