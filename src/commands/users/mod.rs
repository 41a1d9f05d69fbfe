//! `users`: who held how many GPU-hours over some days, from the reports of those days.

mod closer;
pub mod gather;
pub mod gathered;
mod nodes;

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::calendar::Calendar;
use super::frame::Frame;
use super::request::{open_archive, unknown_user};
use super::span::SpanArgs;
use super::values::{node_name, user_name};
use crate::analysis::usage::{GroupBy, Usage, UserOrder};
use crate::formats::{usage_groups, usage_rows, usage_table};
use crate::model::{ExitStatus, text};
use crate::outlets::console;
use crate::report::UsageReport;
use crate::settings::Config;
use crate::store::{new_file, pseudonym_key};
use gather::gather;
use gathered::{Gathered, Wanted};

#[derive(Args, Debug)]
pub struct UsersArgs {
    #[command(flatten)]
    span: SpanArgs,
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    #[arg(hide_default_value = true, hide_possible_values = true)]
    #[arg(help = text(
        "合計的方式: user (使用者)、project (專案)、\nnode (節點)、day (日期) 或 task-type (任務類型)\n[預設: user]",
        "add up by user, project, node, day or task-type\n[default: user]",
    ))]
    by: GroupBy,
    #[arg(long, conflicts_with = "by")]
    #[arg(help = text(
        "每位使用者、每張 GPU、每一天各列一列",
        "a row for each user, GPU and day",
    ))]
    rows: bool,
    #[arg(long, value_name = "NAME", value_parser = user_name())]
    #[arg(help = text(
        "只列這位使用者 (可重複；搭配 --anonymize 時，\n名稱或代號皆可)",
        "list only this user (repeatable; with --anonymize, by\nname or pseudonym)",
    ))]
    user: Vec<String>,
    #[arg(long = "node", value_name = "NAME", value_delimiter = ',', value_parser = node_name())]
    #[arg(help = text(
        "只計這些節點 (可重複，或以逗號分隔)",
        "count only these nodes (repeatable, or with commas)",
    ))]
    nodes: Vec<String>,
    #[arg(
        long,
        value_name = "ORDER",
        value_enum,
        conflicts_with = "rows",
        hide_possible_values = true
    )]
    #[arg(help = text(
        "排序: idle (閒置時數)、allocated (時數)\n或 name (名稱) [預設: idle；節點與日期是 name]",
        "order: idle (hours idle), allocated (hours held)\nor name [default: idle; of nodes and days name]",
    ))]
    sort: Option<UserOrder>,
    #[arg(long, conflicts_with = "json")]
    #[arg(help = text("以 CSV 輸出，並含精確的秒數", "print CSV, with exact seconds"))]
    csv: bool,
    #[arg(long, value_name = "FILE")]
    #[arg(help = text(
        "另寫成 Excel 活頁簿。要用 Excel 看請用它：\nExcel 會把沒有 BOM 的 UTF-8 CSV 顯示成亂碼",
        "also write an Excel workbook: the way for Excel, which\nshows the Chinese of a UTF-8 CSV as garbage",
    ))]
    xlsx: Option<PathBuf>,
    #[arg(long, help = text("以固定的代號取代使用者的名稱", "print stable pseudonyms instead of user names"))]
    anonymize: bool,
}

impl UsersArgs {
    fn order(&self) -> UserOrder {
        self.sort.unwrap_or(match self.by {
            GroupBy::Node | GroupBy::Day => UserOrder::Name,
            GroupBy::User | GroupBy::Project | GroupBy::TaskType => UserOrder::Idle,
        })
    }
}

pub fn run(args: &UsersArgs, frame: &Frame) -> Result<ExitStatus> {
    let config = frame.config()?;
    let span = args.span.range(&Calendar::now(&config))?;
    let wanted = Wanted {
        nodes: &args.nodes,
        by: args.by,
        rows: args.rows || args.xlsx.is_some(),
        means: args.xlsx.is_some(),
    };
    let archive = open_archive(&config);
    let gathered = gather(&config, &archive, span, wanted)?;
    let gathered = select_users(gathered, &config, args)?;
    if let Some(path) = &args.xlsx {
        let book = gathered.book(&config, args.by, args.order());
        new_file::replace(path, archive.modes().file, &book.render()?)?;
    }
    let usage = gathered.usage;
    let exit_status = ExitStatus::incomplete_unless(usage.is_complete());
    if args.csv {
        let csv = || csv(&usage, args);
        console::print(config.file_language.in_it(csv))?;
        usage_table::remarks(&usage).iter().for_each(console::warn);
    } else {
        let order = args.order();
        let zone = config.zone;
        let report = UsageReport::new(&usage, order, zone.name(), exit_status);
        let report = match args.by {
            _ if args.rows => report.with_rows(&usage),
            GroupBy::User => report,
            by => report.with_groups(&usage, by, order),
        };
        frame.print_report(&report, usage.is_complete(), |_| match args.by {
            _ if args.rows => usage_rows::table(&usage, zone),
            GroupBy::User => usage_table::render(&usage, order),
            by => usage_groups::table(&usage, by, order),
        })?;
    }
    Ok(exit_status)
}

fn csv(usage: &Usage, args: &UsersArgs) -> Vec<u8> {
    let order = args.order();
    match args.by {
        _ if args.rows => usage_rows::csv(usage),
        by => usage_groups::csv(usage, by, order),
    }
}

/// The users who are asked for, by the names that they are to be shown by.
fn select_users(mut gathered: Gathered, config: &Config, args: &UsersArgs) -> Result<Gathered> {
    // Without accounts it is not known whether there is such a user, and there is nobody to be hidden.
    if gathered.usage.total().is_none() {
        return Ok(gathered);
    }
    let mut wanted = args.user.clone();
    if args.anonymize {
        let pseudonyms = pseudonym_key::pseudonyms(config)?;
        gathered.usage = gathered.usage.renamed(|user| pseudonyms.user(user));
        if args.by == GroupBy::Project {
            let project = |project: &str| pseudonyms.project(project);
            gathered.usage = gathered.usage.with_groups_renamed(project);
        }
        let meant = wanted.iter().map(|user| pseudonyms.user_meant_by(user));
        wanted = meant.collect();
    }
    let usage = &mut gathered.usage;
    let mut users = wanted.iter();
    if let Some(unknown) = users.find(|user| !usage.users.contains_key(*user)) {
        return Err(unknown_user(unknown, usage).into());
    }
    if !wanted.is_empty() {
        usage.retain_users(&BTreeSet::from_iter(wanted));
    }
    Ok(gathered)
}
