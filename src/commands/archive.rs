//! `archive`: moves finished months away from the data directory.

use std::collections::BTreeMap;
use std::fs;
use std::path::{self, Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use chrono::{Datelike, Months, NaiveDate};
use clap::Args;

use super::calendar::Calendar;
use super::collect::plan::assess;
use super::frame::Frame;
use super::request::{RequestError, open_archive};
use super::span::Month;
use super::status;
use crate::analysis::{Lack, Shortfall, Verdict};
use crate::model::{DateArg, ExitStatus, Node, TaskSource, Window, comma, said, text};
use crate::outlets::console;
use crate::report::archive::{ArchiveReport, KeptBy, MonthReport, MonthState};
use crate::report::status::{DayStatus, Evidence};
use crate::settings::{ArchiveDirs, Config};
use crate::store::{Archive, DataDir, Piece, Size, try_month};

#[derive(Args, Debug)]
pub struct ArchiveArgs {
    #[arg(long, value_name = "YYYY-MM")]
    #[arg(help = text(
        "移出這個月之前的月份 [預設: 上個月，所以這個月與\n上個月留下]",
        "move the months before this one [default: last month,\nso that it and the current one stay]",
    ))]
    before: Option<Month>,
    #[arg(long, value_name = "DIR")]
    #[arg(help = text(
        "移到這個目錄，必須列在 archive_dirs [預設: 其中\n第一個]",
        "move them to this directory, which has to be one of\narchive_dirs [default: the first of them]",
    ))]
    dir: Option<PathBuf>,
    #[arg(long)]
    #[arg(help = text("只列出將移出的月份，不移動", "only list what would be moved"))]
    dry_run: bool,
}

/// The shortfalls of readings, which an agent that was asked and has no more cannot mend.
const OF_READINGS: [Shortfall; 4] = [
    Shortfall::Node,
    Shortfall::Gpu,
    Shortfall::RefusedReadings,
    Shortfall::Unasked,
];

/// What there is of some days.
type Days = BTreeMap<NaiveDate, Vec<Piece>>;

pub fn run(args: &ArchiveArgs, frame: &Frame) -> Result<ExitStatus> {
    let config = frame.config()?;
    refuse_shard(&config)?;
    let calendar = Calendar::now(&config);
    let before = first_kept(args, &calendar)?;
    let dir = place(args, &config)?;
    let is_to_move = !args.dry_run && config.data_dir.is_dir();
    let open = || DataDir::open(&config, Duration::ZERO);
    let data_dir = is_to_move.then(open).transpose()?;
    let archive = open_archive(&config);
    let moving = Moving {
        calendar,
        config: &config,
        archive: &archive,
        data_dir: data_dir.as_ref(),
    };
    let months = moving.months(before, &dir)?;
    let places = (&*config.data_dir, &*dir);
    let to_move = months
        .iter()
        .find(|month| month.state == MonthState::ToMove);
    let first = to_move.map(|month| dir.join(&month.month));
    let mut report = ArchiveReport::new(places, month_of(before), args.dry_run, months);
    if let Some(Err(error)) = first.map(|month| try_month(&month)) {
        console::fail(error);
        report.exit_status = ExitStatus::Failed;
    }
    let is_fine = report.exit_status == ExitStatus::Complete;
    frame.print_report(&report, is_fine, ArchiveReport::text)?;
    Ok(report.exit_status)
}

/// Refuses one of several shards: in one place their files would have the same names.
fn refuse_shard(config: &Config) -> Result<(), RequestError> {
    let Some(shard) = config.shard else {
        return Ok(());
    };
    let message = said!(
        "archive 不能加上 --shard {shard}：各分片的月份放在同一個目錄會混在一起。請讓每台機器有自己的 archive_dirs，再不加 --shard 執行 archive",
        "archive takes no --shard {shard}: in one directory the months of several shards would be taken for one another. Give each machine archive_dirs of its own, and run archive without --shard"
    );
    let exit_status = ExitStatus::Configuration;
    Err(RequestError {
        message,
        exit_status,
    })
}

/// The first day of the first month that stays.
fn first_kept(args: &ArchiveArgs, calendar: &Calendar) -> Result<NaiveDate, RequestError> {
    let today = calendar.date(DateArg::Today);
    let this_month = today.with_day(1).unwrap_or(today);
    match args.before {
        None => Ok(this_month - Months::new(1)),
        Some(Month(first)) if first <= this_month => Ok(first),
        Some(Month(first)) => Err(RequestError::usage(said!(
            "--before {} 太晚：{} 還沒結束，最晚用 --before {}",
            "--before {} is too late: {} is not over, and --before {} is the latest",
            month_of(first),
            month_of(this_month),
            month_of(this_month)
        ))),
    }
}

/// Where the months are to lie: in a place where the other commands look for them.
fn place(args: &ArchiveArgs, config: &Config) -> Result<PathBuf, RequestError> {
    let dirs = config.archive_dirs.paths();
    let named = args.dir.as_deref();
    let dir = match named {
        None => dirs.first(),
        Some(named) => dirs.iter().find(|dir| is_same(dir, named)),
    };
    let message = match (dir, named) {
        (Some(dir), _) => {
            let is_usual = matches!(config.archive_dirs, ArchiveDirs::Usual(_));
            // One that is named and missing may be a disk that is not mounted.
            if is_usual || dir.is_dir() {
                return Ok(dir.clone());
            }
            said!(
                "archive_dirs 的 {dir} 不是目錄：請掛載或建立它",
                "{dir} of archive_dirs is no directory: mount it, or make it",
                dir = dir.display()
            )
        }
        (None, Some(named)) => {
            let dirs: Vec<_> = dirs.iter().map(|dir| dir.display().to_string()).collect();
            said!(
                "{named} 不在 archive_dirs（{dirs}）之中，移到那裡的月份不會再被讀取，也會重新收集：請先把它加入設定檔的 archive_dirs",
                "{named} is not among archive_dirs ({dirs}): months there would not be read, and collected again; add it to archive_dirs in the settings file first",
                named = named.display(),
                dirs = dirs.join(comma())
            )
        }
        (None, None) => text(
            "archive_dirs 是空的，沒有可以移去的地方：請在設定檔的 archive_dirs 寫一個目錄",
            "archive_dirs is empty, and there is no place to move to: name a directory in archive_dirs of the settings file",
        )
        .to_owned(),
    };
    let exit_status = ExitStatus::Configuration;
    Err(RequestError {
        message,
        exit_status,
    })
}

fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| {
        fs::canonicalize(path)
            .or_else(|_| path::absolute(path))
            .ok()
    };
    one == other || real(one).is_some_and(|one| Some(one) == real(other))
}

fn month_of(date: NaiveDate) -> String {
    date.format("%Y-%m").to_string()
}

struct Moving<'a> {
    calendar: Calendar<'a>,
    config: &'a Config,
    archive: &'a Archive,
    /// `None` where nothing is to be moved yet.
    data_dir: Option<&'a DataDir>,
}

impl Moving<'_> {
    /// Moves the months whose days may all be moved, oldest first.
    fn months(&self, before: NaiveDate, dir: &Path) -> Result<Vec<MonthReport>> {
        let mut months: BTreeMap<String, Days> = BTreeMap::new();
        for (date, pieces) in self.archive.leaving(before, &self.config.nodes)? {
            let days = months.entry(month_of(date)).or_default();
            days.insert(date, pieces);
        }
        let months = months.into_iter();
        Ok(months
            .map(|(month, days)| self.month(month, &days, dir))
            .collect())
    }

    fn month(&self, month: String, days: &Days, dir: &Path) -> MonthReport {
        let directory = dir.join(&month);
        let (mut size, mut kept_by) = (Size::default(), Vec::new());
        for (&date, pieces) in days {
            let mut reasons = self.reasons(date);
            let lacks = !reasons.is_empty();
            match self.archive.check_move(date, pieces, &directory) {
                Ok(of_day) => {
                    size.files += of_day.files;
                    size.bytes += of_day.bytes;
                }
                Err(obstacle) => reasons.push(obstacle.to_string()),
            }
            if !reasons.is_empty() {
                kept_by.push(KeptBy {
                    date,
                    reasons,
                    lacks,
                });
            }
        }
        let mut error = None;
        let state = match self.data_dir {
            _ if !kept_by.is_empty() => MonthState::Stays,
            None => MonthState::ToMove,
            Some(data_dir) => {
                let mut days = days.iter();
                let moved = days
                    .try_for_each(|(&date, pieces)| data_dir.move_away(date, pieces, &directory));
                match moved {
                    Ok(()) => MonthState::Moved,
                    Err(failed) => {
                        error = Some(failed.to_string());
                        console::fail(failed);
                        MonthState::Failed
                    }
                }
            }
        };
        MonthReport {
            kept_by,
            error,
            ..MonthReport::new(month, &directory, state, days.len(), size)
        }
    }

    /// Why a day may not be moved: it is neither complete nor with gaps, and more than readings that no agent has is
    /// missing, or may still be had.
    fn reasons(&self, date: NaiveDate) -> Vec<String> {
        let window = match self.calendar.window(date) {
            Ok(window) => window,
            Err(error) => return vec![error.to_string()],
        };
        let nodes: Vec<_> = self.config.nodes.iter().collect();
        let day = status::day(self.archive, &nodes, window.clone());
        let nodes = self.known(&day, nodes);
        let of_all = DayStatus::new(&day, &nodes);
        if is_well(&of_all) {
            return Vec::new();
        }
        if nodes.is_empty() {
            return of_all.reasons;
        }
        let asked_for = self.asked_for(&day, &nodes, window);
        let mut reasons: Vec<String> = Vec::new();
        for node in nodes {
            let of_node = DayStatus::new(&day, &[node]);
            let mut shortfalls = of_node.shortfalls.iter();
            let is_given_up = of_node.completeness.verdict == Verdict::Incomplete
                && shortfalls.all(|shortfall| OF_READINGS.contains(shortfall))
                && !asked_for.contains(&&*node.name);
            if is_well(&of_node) || is_given_up {
                continue;
            }
            for reason in of_node.reasons {
                if !reasons.contains(&reason) {
                    reasons.push(reason);
                }
            }
        }
        reasons
    }

    /// Without the nodes that came into the settings later: the day's record does not name them, and they have no files.
    fn known<'n>(&self, day: &Evidence, mut nodes: Vec<&'n Node>) -> Vec<&'n Node> {
        let files = self.archive.day(day.window.date);
        if let Some(record) = &day.record {
            nodes.retain(|node| record.node(&node.name).is_some() || files.are_any_there(&[node]));
        }
        nodes
    }

    /// The nodes that `--catch-up` would ask for the day, or that it leaves to the administrator.
    fn asked_for<'n>(&self, day: &Evidence, nodes: &[&'n Node], window: Window) -> Vec<&'n str> {
        let records = day.record.iter().flat_map(|record| &record.nodes);
        let mut files = records.filter_map(|node| node.files.as_ref());
        let wants_users = files.any(|files| files.task_information != TaskSource::NotAsked);
        let planned = assess(nodes, wants_users, self.archive, window);
        let is_left = |lack: &Lack| matches!(lack, Lack::OtherSettings(_));
        let left = planned.given_up.into_iter();
        let left = left.filter(|planned| planned.lacks.iter().any(is_left));
        let asked = planned.collect.into_iter().chain(left);
        asked.map(|planned| &*planned.node.name).collect()
    }
}

fn is_well(day: &DayStatus) -> bool {
    use Verdict::{Complete, Gaps, Moved};
    matches!(day.completeness.verdict, Complete | Gaps | Moved)
}
