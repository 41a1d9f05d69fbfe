//! What a run is going to collect: the days that are asked for, and before them what `--catch-up` finds incomplete.

use anyhow::Result;
use chrono::{Days, NaiveDate};

use super::request::Request;
use crate::analysis::{DayRecord, Found, Lack, Need, catch_up};
use crate::commands::calendar::Calendar;
use crate::commands::request::{RequestError, warn_of_archive_dirs};
use crate::model::{DateError, ExitStatus, GpuIndex, Node, Window, said};
use crate::outlets::console;
use crate::report::{PlanReport, PlannedDay, PlannedNode};
use crate::sources::management_api::kept;
use crate::store::{Archive, DayFiles, Earlier, OtherSettings, UnusableFile, reports};

/// The windows of the days that are asked for, of which at least one interval has ended.
pub fn windows(request: &Request) -> Result<Vec<Window>> {
    let calendar = Calendar::now(request.config);
    let windows = calendar.windows(request.first, request.last);
    let windows: Result<Vec<_>, _> = windows.map(|(_, window)| window).collect();
    let mut windows = windows?;
    windows.retain(|window| window.due() > 0);
    if windows.is_empty() && request.args.catch_up == 0 {
        let minutes = request.config.interval.seconds() / 60;
        let message = said!(
            "{date} 還沒有任何已結束的 {minutes} 分鐘區間可收集：請稍後再執行，或改收集 yesterday",
            "no {minutes}-minute interval of {date} has ended yet: run again later, or collect yesterday",
            date = request.first
        );
        let exit_status = ExitStatus::Failed;
        return Err(RequestError {
            message,
            exit_status,
        }
        .into());
    }
    Ok(windows)
}

/// All that is to be collected, oldest day first, and what is not worth asking for again.
pub fn plan<'a>(request: &Request<'a>, archive: &Archive) -> Result<PlanReport<'a>> {
    let mut days = missed(request, archive)?;
    let asked = |&node: &&'a Node| PlannedNode {
        node,
        lacks: Vec::new(),
    };
    let all = || request.nodes.iter().map(asked);
    days.extend(windows(request)?.into_iter().map(|window| PlannedDay {
        window,
        is_asked_for: true,
        collect: all().collect(),
        given_up: Vec::new(),
    }));
    Ok(PlanReport { days })
}

/// Objects to a day that is to be collected and has files in another language, or is asked for and has files that were
/// written under other settings.
pub fn check_settings(
    request: &Request,
    day: &PlannedDay,
    archive: &Archive,
) -> Result<(), OtherSettings> {
    let files = archive.day(day.window.date);
    if !day.collect.is_empty() {
        files.check_language(&request.config.nodes)?;
    }
    if day.is_asked_for {
        let nodes = day.collect.iter().map(|planned| planned.node);
        files.check_settings(nodes, &day.window)?;
    }
    Ok(())
}

/// The days before the first that is asked for which lack something.
fn missed<'a>(request: &Request<'a>, archive: &Archive) -> Result<Vec<PlannedDay<'a>>> {
    let days_ago = |days: u16| request.first.checked_sub_days(Days::new(days.into()));
    let (Some(first), Some(last)) = (days_ago(request.args.catch_up), days_ago(1)) else {
        return Ok(Vec::new());
    };
    if request.args.catch_up > 0 {
        warn_of_archive_dirs(archive);
    }
    let mut days = Vec::new();
    for (_, window) in Calendar::now(request.config).windows(first, last) {
        let window = match window {
            // No interval of the settings fits into such a day, and the others must not wait for it.
            Err(
                DateError::Skipped { .. }
                | DateError::TooEarly(_)
                | DateError::UnevenInterval { .. },
            ) => continue,
            window => window?,
        };
        let wants_users = !request.args.skip_task_info;
        let day = assess(&request.nodes, wants_users, archive, window);
        if !(day.collect.is_empty() && day.given_up.is_empty()) {
            days.push(day);
        }
    }
    Ok(days)
}

/// Which of `nodes` lack something of a day that is over, and which of these are not worth asking for again.
pub fn assess<'a>(
    nodes: &[&'a Node],
    wants_users: bool,
    archive: &Archive,
    window: Window,
) -> PlannedDay<'a> {
    let record = known_record(archive, window.date);
    let files = archive.day(window.date);
    let in_report = files.in_users_report(&window);
    let (mut collect, mut given_up) = (Vec::new(), Vec::new());
    let is_moved = |node: &Node| files.moved_to(node).is_some() && files.has_readings(node);
    for &node in nodes.iter().filter(|node| !is_moved(node)) {
        let found = found(node, &window, &files, record.as_ref());
        let record = record.as_ref().and_then(|record| record.node(&node.name));
        let is_in_report = in_report.contains(&node.name);
        match catch_up::need(node, &window, &found, record, wants_users, is_in_report) {
            Need::Complete => {}
            Need::Collect(mut lacks) => {
                if found == Found::Nothing && has_final_tasks(archive, &window) {
                    // They only have to be written beside the readings.
                    lacks.retain(|lack| *lack != Lack::TaskInformation);
                }
                collect.push(PlannedNode { node, lacks });
            }
            Need::GivenUp(lacks) => given_up.push(PlannedNode { node, lacks }),
        }
    }
    let mut lacks = given_up.iter().flat_map(|planned| &planned.lacks);
    let known = lacks.find_map(|lack| match lack {
        Lack::OtherSettings(setting) => *setting,
        _ => None,
    });
    let of_report = || Some(reports::other_zone(&archive.root, &window)?.1);
    if let Some(setting) = known.or_else(of_report) {
        // A day is of one zone: nothing is added to it under another.
        let lacks = || vec![Lack::OtherSettings(Some(setting))];
        let left = collect
            .drain(..)
            .map(|PlannedNode { node, .. }| PlannedNode {
                node,
                lacks: lacks(),
            });
        given_up.extend(left);
    }
    PlannedDay {
        window,
        is_asked_for: false,
        collect,
        given_up,
    }
}

/// Whether the management API has answered since the day was over.
fn has_final_tasks(archive: &Archive, window: &Window) -> bool {
    let file = archive.kept_tasks(window.date);
    let kept = file.ok().flatten();
    let kept = kept.and_then(|file| kept::recall(&file, window));
    kept.is_some_and(|kept| kept.fetched_at >= window.end)
}

/// What there is of a node's day: on record, if the files are all there, else in the files.
fn found(node: &Node, window: &Window, files: &DayFiles, record: Option<&DayRecord>) -> Found {
    let of_node = record.and_then(|record| record.node(&node.name));
    if let Some(record) = record
        && let Some(written) = of_node.and_then(|node| node.files.as_ref())
    {
        let with_readings = written.with_readings();
        let is_still = |&(index, card): &(GpuIndex, _)| node.cards.get(index.0) == Some(&card);
        let fits = record.is_of(window) && with_readings.iter().all(is_still);
        if !fits && !with_readings.is_empty() {
            return Found::OtherSettings(record.other_setting(window));
        }
        let are_same = written.gpus.len() == node.cards.len();
        if fits && are_same && files.lost(node, &with_readings).is_empty() {
            return Found::on_record(written, window);
        }
    }
    // Without a record it is not known under which settings they were readable.
    let is_other = |file: &UnusableFile| file.is_misnamed || of_node.is_none();
    match files.earlier(node, window) {
        Ok(Earlier {
            other_setting: Some((_, setting)),
            ..
        }) => Found::OtherSettings(Some(setting)),
        Ok(earlier) if files.has_readings(node) && earlier.unusable.iter().any(is_other) => {
            Found::OtherSettings(None)
        }
        Ok(earlier) => Found::in_files(node, window, &earlier.usage),
        // What cannot be read now will be a notice when it is to be merged.
        Err(_) => Found::Nothing,
    }
}

/// The record of a day, if there is one that is whole. One that cannot be read is a warning, and holds nothing up.
pub fn known_record(archive: &Archive, date: NaiveDate) -> Option<DayRecord> {
    archive.record(date).unwrap_or_else(|error| {
        console::warn(error);
        None
    })
}
