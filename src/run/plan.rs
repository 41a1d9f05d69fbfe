//! What a run is going to collect: the days that are asked for, and before them what `--catch-up` finds incomplete.

use anyhow::Result;
use chrono::{Days, NaiveDate};

use crate::catch_up::{self, Need};
use crate::day::{DateError, Window};
use crate::output::Archive;
use crate::record::DayRecord;
use crate::report::{PlanReport, PlannedDay, PlannedNode};

use super::RequestError;
use super::request::Request;

/// The windows of the days that are asked for, of which at least one interval has ended.
pub(super) fn windows(request: &Request) -> Result<Vec<Window>> {
    let dates = request.dates()?;
    let is_range = request.args.to.is_some();
    let mut windows = Vec::new();
    for &date in &dates {
        match request.window(date) {
            // A zone that crossed the date line has no such day, and the days around it are whole.
            Err(DateError::Skipped { .. }) if is_range => {}
            window => windows.push(window?),
        }
    }
    windows.retain(|window| window.due() > 0);
    if windows.is_empty() && request.args.catch_up == 0 {
        let minutes = request.config.interval.seconds() / 60;
        let date = dates[0];
        return Err(RequestError::NothingDue { date, minutes }.into());
    }
    Ok(windows)
}

/// All that is to be collected, oldest day first, and what is not worth asking for again.
pub(super) fn plan<'a>(request: &'a Request<'a>, archive: &Archive) -> Result<PlanReport<'a>> {
    let mut days = missed(request, archive)?;
    let all = || request.nodes.iter().map(|&node| PlannedNode::asked(node));
    days.extend(windows(request)?.into_iter().map(|window| PlannedDay {
        window,
        collect: all().collect(),
        given_up: Vec::new(),
    }));
    Ok(PlanReport::new(days))
}

/// The days before the first that is asked for which lack something.
fn missed<'a>(request: &'a Request<'a>, archive: &Archive) -> Result<Vec<PlannedDay<'a>>> {
    let first = request.dates()?[0];
    let mut days = Vec::new();
    for ago in (1..=request.args.catch_up).rev() {
        let Some(date) = first.checked_sub_days(Days::new(ago.into())) else {
            continue;
        };
        let window = match request.window(date) {
            Err(DateError::Skipped { .. } | DateError::TooEarly(_)) => continue,
            window => window?,
        };
        let day = assess(request, archive, window);
        if !(day.collect.is_empty() && day.given_up.is_empty()) {
            days.push(day);
        }
    }
    Ok(days)
}

fn assess<'a>(request: &'a Request<'a>, archive: &Archive, window: Window) -> PlannedDay<'a> {
    let record = record(archive, window.date).filter(|record| record.is_of(&window));
    let files = archive.day(window.date);
    let wants_tasks = !request.args.skip_task_info;
    let (mut collect, mut given_up) = (Vec::new(), Vec::new());
    for &node in &request.nodes {
        let record = record.as_ref().and_then(|record| record.node(&node.name));
        let is_complete = record.is_some_and(|record| {
            catch_up::is_complete_on_record(node, &window, record, wants_tasks)
        });
        if is_complete && files.are_all_there(node) {
            continue;
        }
        // What cannot be read now will be told of when it is to be merged.
        let found = files.earlier(node, &window).unwrap_or_default().usage;
        match catch_up::need(node, &window, &found, record, wants_tasks) {
            Need::Complete => {}
            Need::Collect(lacks) => collect.push(PlannedNode { node, lacks }),
            Need::GivenUp(lacks) => given_up.push(PlannedNode { node, lacks }),
        }
    }
    PlannedDay {
        window,
        collect,
        given_up,
    }
}

/// The record of a day, if there is one that can be read.
pub(super) fn record(archive: &Archive, date: NaiveDate) -> Option<DayRecord> {
    DayRecord::from_json(&archive.run_record(date)?)
}
