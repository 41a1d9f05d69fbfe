//! `export`: copies of the tree in other engines.

mod copy;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::slice;

use anyhow::Result;
use chrono::{Days, NaiveDate};
use clap::{Args, Subcommand};

use super::calendar::Calendar;
use super::frame::Frame;
use super::request::{RequestError, node_names, open_archive};
use super::span::SpanArgs;
use super::values::node_name;
use crate::analysis::usage::dates;
use crate::model::{
    Both, DateArg, DateError, Engine, ExitStatus, Modes, ReadableBy, Shard, Window, said, text,
};
use crate::outlets::console;
use crate::report::Exported;
use crate::settings::{Config, Database};
use crate::sinks::parquet::Parquet;
use crate::sinks::postgres::Postgres;
use crate::sinks::sqlite::Sqlite;
use crate::sinks::{Sink, SinkError};
use crate::store::{self, Archive};
use copy::{Copying, Scope, copy_days};

/// How many days before it a run makes up for what an earlier one could not copy.
const NIGHTLY_DAYS: u64 = 7;

#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    #[command(about = text("把資料目錄匯出到 SQLite 檔案", "Copy the data directory to a SQLite file"))]
    Sqlite {
        #[arg(long, value_name = "FILE")]
        #[arg(help = text("檔案 [預設: <data_dir>/gpu.sqlite]", "the file [default: <data_dir>/gpu.sqlite]"))]
        file: Option<PathBuf>,
        #[command(flatten)]
        args: ExportArgs,
    },
    #[command(about = text("匯出到 [database] 的 PostgreSQL 資料庫", "Copy it to the PostgreSQL database of [database]"))]
    Postgres(ExportArgs),
    #[command(about = text("匯出成 Parquet 檔案", "Copy it to Parquet files"))]
    Parquet {
        #[arg(long, value_name = "DIR")]
        #[arg(help = text(
            "目錄 [預設: 依設定檔，否則 <data_dir>/parquet]",
            "their directory [default: from the settings, else\n<data_dir>/parquet]"
        ))]
        dir: Option<PathBuf>,
        #[command(flatten)]
        args: ExportArgs,
    },
}

#[derive(Args, Debug)]
pub struct ExportArgs {
    #[command(flatten)]
    span: SpanArgs,
    #[arg(long, conflicts_with_all = ["date", "to", "days", "month"])]
    #[arg(help = text("資料目錄中的每一天", "every day of the data directory"))]
    all: bool,
    #[arg(long = "node", value_name = "NAME", value_delimiter = ',', value_parser = node_name())]
    #[arg(help = text("只匯出這些節點 (可重複，或以逗號分隔)", "only these nodes (repeatable, or with commas)"))]
    nodes: Vec<String>,
    #[arg(long, help = text("只列出會寫入什麼", "only list what would be written"))]
    dry_run: bool,
}

/// Where a copy is.
enum Target<'a> {
    Sqlite(PathBuf),
    Postgres(&'a Database),
    Parquet(PathBuf),
}

impl<'a> Target<'a> {
    /// The one of the settings.
    fn usual(engine: Engine, config: &'a Config) -> Self {
        let in_data_dir = |name| config.data_dir.join(name);
        match engine {
            Engine::Sqlite => Self::Sqlite(in_data_dir("gpu.sqlite")),
            Engine::Postgres => Self::Postgres(&config.database),
            Engine::Parquet => {
                let named = config.export.parquet_dir.clone();
                Self::Parquet(named.unwrap_or_else(|| in_data_dir("parquet")))
            }
        }
    }

    fn place(&self) -> String {
        match self {
            Self::Sqlite(path) | Self::Parquet(path) => path.display().to_string(),
            Self::Postgres(database) => {
                let url = database.url.as_ref();
                url.map_or_else(String::new, |url| url.0.to_string())
            }
        }
    }

    /// Whether its files could be made, found out by trying.
    fn try_writing(&self) -> Result<(), SinkError> {
        let directory = match self {
            Self::Sqlite(path) => path.parent().unwrap_or(path),
            Self::Parquet(root) => root,
            Self::Postgres(_) => return Ok(()),
        };
        let tried = store::try_place(directory);
        tried.map_err(|error| SinkError(Both::of(|| error.to_string())))
    }

    fn open(self, archive: &Archive, shard: &str) -> Result<Box<dyn Sink>, SinkError> {
        let modes = Modes::of_tree(archive.readable_by.min(ReadableBy::Group));
        Ok(match self {
            Self::Sqlite(path) => Box::new(Sqlite::new(path, modes.file)),
            Self::Postgres(database) => Box::new(Postgres::connect(database)?),
            Self::Parquet(root) => Box::new(Parquet::new(root, shard, modes)),
        })
    }
}

/// Whose tree it is, as copies have it.
fn shard(config: &Config) -> String {
    let of = |shard: Shard| format!("{}-of-{}", shard.number, shard.count);
    config.shard.map_or_else(|| "all".to_owned(), of)
}

impl ExportCommand {
    fn parts(&self) -> (Engine, Option<&PathBuf>, &ExportArgs) {
        match self {
            Self::Sqlite { file, args } => (Engine::Sqlite, file.as_ref(), args),
            Self::Postgres(args) => (Engine::Postgres, None, args),
            Self::Parquet { dir, args } => (Engine::Parquet, dir.as_ref(), args),
        }
    }

    fn target<'a>(&self, config: &'a Config) -> Target<'a> {
        match self.parts() {
            (Engine::Sqlite, Some(file), _) => Target::Sqlite(file.clone()),
            (Engine::Parquet, Some(dir), _) => Target::Parquet(dir.clone()),
            (engine, _, _) => Target::usual(engine, config),
        }
    }
}

pub fn run(command: &ExportCommand, frame: &Frame) -> Result<ExitStatus> {
    let (engine, _, args) = command.parts();
    let config = frame.config()?;
    let archive = open_archive(&config);
    let calendar = Calendar::now(&config);
    refuse_unknown(&args.nodes, &config, &archive)?;
    let span = if args.all {
        None
    } else {
        Some(args.span.range(&calendar)?)
    };
    let is_in = |date: &NaiveDate| span.is_none_or(|(first, last)| (first..=last).contains(date));
    let wanted: Vec<_> = match span {
        // To look for all of them takes longer than many an export.
        Some((first, last)) if first == last => {
            let is_there = store::has_date(&archive, first);
            is_there.then_some(first).into_iter().collect()
        }
        _ => store::dates(&archive).into_iter().filter(is_in).collect(),
    };
    let span = span.or(wanted.first().copied().zip(wanted.last().copied()));
    if wanted.is_empty() {
        store::check_readable(&config, &archive)?;
        return Err(nothing(&archive, span).into());
    }
    let windows = windows(&calendar, wanted)?;
    if engine == Engine::Postgres {
        config.database.check()?;
    }
    let target = command.target(&config);
    let (place, shard) = (target.place(), shard(&config));
    let scope = Scope {
        config: &config,
        archive: &archive,
        nodes: &args.nodes,
        is_dry_run: args.dry_run,
        shard: &shard,
        now: calendar.now,
    };
    let mut copying = Copying::new(engine, target.open(&archive, &shard));
    copy_days(&scope, slice::from_mut(&mut copying), &windows);
    problems(&copying).for_each(console::fail);
    if copying.is_well() && copying.days.is_empty() {
        return Err(nothing(&archive, span).into());
    }
    let is_well = copying.is_well();
    let exported = Exported {
        engine,
        place,
        is_dry_run: args.dry_run,
        days: copying.days,
        error: copying.failed.map(|error| error.0),
        exit_status: ExitStatus::incomplete_unless(is_well),
    };
    // Of what was not even begun there is the error.
    if frame.wants_json() || !exported.days.is_empty() {
        frame.print_report(&exported, is_well, Exported::lines)?;
    }
    Ok(exported.exit_status)
}

/// Looks at each copy of the settings and leaves it as it is: where it is, or why it cannot be.
pub fn look(config: &Config, date: NaiveDate) -> Vec<(Engine, String, Result<(), SinkError>)> {
    let archive = Archive::new(config);
    let engines = config.export.nightly.iter();
    let look = |&engine: &Engine| {
        let target = Target::usual(engine, config);
        let place = target.place();
        let tried = target.try_writing();
        let opened = tried.and_then(|()| target.open(&archive, &shard(config)));
        let looked = opened.and_then(|mut sink| sink.fingerprints(date));
        (engine, place, looked.map(drop))
    };
    engines.map(look).collect()
}

/// Brings the copies of the settings up to date, with the days of a run and with what earlier ones could not copy, and
/// answers what keeps them from it.
pub fn nightly(config: &Config, archive: &Archive, of_run: &[NaiveDate]) -> Result<Vec<String>> {
    if config.export.nightly.is_empty() {
        return Ok(Vec::new());
    }
    let calendar = Calendar::now(config);
    let today = calendar.date(DateArg::Today);
    let recent = (0..=NIGHTLY_DAYS).filter_map(|days| today.checked_sub_days(Days::new(days)));
    let dates: BTreeSet<_> = recent.chain(of_run.iter().copied()).collect();
    let shard = shard(config);
    let scope = Scope {
        config,
        archive,
        nodes: &[],
        is_dry_run: false,
        shard: &shard,
        now: calendar.now,
    };
    let engines = config.export.nightly.iter();
    let copies = engines.map(|&engine| {
        let target = Target::usual(engine, config);
        Copying::new(engine, target.open(archive, &shard))
    });
    let mut copies: Vec<_> = copies.collect();
    copy_days(&scope, &mut copies, &windows(&calendar, dates)?);
    let mut found = Vec::new();
    for copying in &copies {
        let engine = copying.engine;
        let written: usize = copying.days.iter().map(|day| day.written).sum();
        tracing::info!(%engine, node_days = written, "copy brought up to date");
        found.extend(problems(copying).map(|problem| {
            said!(
                "副本 {engine} 與資料目錄不同：{problem}",
                "the {engine} copy differs from the data directory: {problem}"
            )
        }));
    }
    Ok(found)
}

/// Their windows, of those that the calendar has.
fn windows(
    calendar: &Calendar,
    dates: impl IntoIterator<Item = NaiveDate>,
) -> Result<Vec<Window>, DateError> {
    let windows = dates.into_iter().map(|date| calendar.window(date));
    let is_uneven = |error: &DateError| matches!(error, DateError::UnevenInterval { .. });
    windows
        .filter(|window| window.as_ref().err().is_none_or(is_uneven))
        .collect()
}

/// Everything that a copy lacks, a line each.
fn problems(copying: &Copying) -> impl Iterator<Item = String> {
    let of_days = copying.days.iter().flat_map(|day| {
        let date = day.date;
        let problems = day.problems.iter();
        problems.map(move |problem| said!("{date}：{problem}", "{date}: {problem}"))
    });
    of_days.chain(copying.failed.as_ref().map(ToString::to_string))
}

fn refuse_unknown(
    nodes: &[String],
    config: &Config,
    archive: &Archive,
) -> Result<(), RequestError> {
    let is_known = |name: &&String| {
        let mut nodes = config.nodes.iter();
        nodes.any(|node| node.name == **name) || store::has_node(archive, name)
    };
    let Some(name) = nodes.iter().find(|name| !is_known(name)) else {
        return Ok(());
    };
    let known = node_names(config);
    Err(RequestError::usage(said!(
        "設定與資料目錄中都沒有節點「{name}」：設定中的節點是 {known}",
        "neither the settings nor the data directory have a node '{name}': the settings have {known}"
    )))
}

fn nothing(archive: &Archive, days: Option<(NaiveDate, NaiveDate)>) -> RequestError {
    let root = archive.root.display();
    let message = match days {
        None => said!(
            "{root} 中沒有任何一天的資料，沒有匯出：請先收集，或以 --data-dir 指定資料目錄",
            "{root} has no data of any day, and nothing was exported: collect first, or name the data directory with --data-dir"
        ),
        Some((first, last)) => {
            let days = dates(first, last);
            said!(
                "{root} 中沒有 {days} 的資料，沒有匯出：請先收集（daily-gpu-log {first}），或以 --data-dir 指定資料目錄",
                "{root} has no data of {days}, and nothing was exported: collect first (daily-gpu-log {first}), or name the data directory with --data-dir"
            )
        }
    };
    RequestError {
        message,
        exit_status: ExitStatus::Failed,
    }
}
