//! `report`: a page to look at, made from the tree alone.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::slice;

use anyhow::Result;
use chrono::NaiveDate;
use clap::Args;
use serde::Serialize;

use super::calendar::{Calendar, now};
use super::frame::Frame;
use super::request::{RequestError, node_names, open_archive, refuse_of_other_shard, unknown_user};
use super::span::SpanArgs;
use super::values::{node_name, user_name};
use crate::analysis::overview::Overview;
use crate::analysis::usage::dates;
use crate::formats::page::{self, About};
use crate::model::{ExitStatus, Language, Window, both, clock, said, text};
use crate::outlets::console;
use crate::report::page::{Gathering, Scope};
use crate::settings::Config;
use crate::store::{Archive, WriteError, check_readable, new_file, pseudonym_key, reports};

#[derive(Args, Debug)]
pub struct ReportArgs {
    #[command(flatten)]
    span: SpanArgs,
    #[arg(long, value_name = "NAME", value_parser = user_name())]
    #[arg(help = text(
        "只看這位使用者 (搭配 --anonymize 時，名稱或代號皆可)",
        "only this user (with --anonymize by name or pseudonym)",
    ))]
    user: Option<String>,
    #[arg(long = "node", value_name = "NAME", value_delimiter = ',', value_parser = node_name())]
    #[arg(help = text("只看這些節點 (可重複，或以逗號分隔)", "only these nodes (repeatable, or with commas)"))]
    nodes: Vec<String>,
    #[arg(long)]
    #[arg(help = text("以固定的代號取代使用者的名稱", "pseudonyms for the names of users, always the same"))]
    anonymize: bool,
    #[arg(short, long, value_name = "FILE")]
    #[arg(help = text("寫到這個檔案；- 是標準輸出", "write to this file; - is standard output"))]
    output: Option<PathBuf>,
}

impl ReportArgs {
    /// What keeps the page from the place of the one that a run writes.
    fn suffix(&self) -> &'static str {
        let is_part = self.user.is_some() || !self.nodes.is_empty();
        match (self.anonymize, is_part) {
            (false, false) => "",
            (true, false) => "_anonymous",
            (false, true) => "_part",
            (true, true) => "_anonymous_part",
        }
    }
}

/// Where the page is, for programs.
#[derive(Serialize)]
struct Written<'a> {
    timezone: &'a str,
    from: NaiveDate,
    to: NaiveDate,
    file: String,
    bytes: usize,
    exit_status: ExitStatus,
}

pub fn run(args: &ReportArgs, frame: &Frame) -> Result<ExitStatus> {
    let is_printed = args.output.as_deref() == Some(Path::new("-"));
    if is_printed && frame.wants_json() {
        return Err(RequestError::usage(said!(
            "-o - 會把網頁寫到標準輸出：不可與 --json 同時使用",
            "-o - writes the page to standard output: it excludes --json"
        ))
        .into());
    }
    let config = frame.config()?;
    let calendar = Calendar::now(&config);
    let (first, last) = args.span.year_at_most(&calendar)?;
    let archive = open_archive(&config);
    let overview = look(args, &config, &archive, (first, last))?;
    let page = page::render(&overview, &about(&overview, &args.nodes, args.anonymize));
    let exit_status = ExitStatus::incomplete_unless(overview.is_complete());
    if is_printed {
        console::print(page)?;
        return Ok(exit_status);
    }
    let path = match &args.output {
        None => {
            let path = reports::page_file(&archive.root, first, last, args.suffix());
            reports::write_page(&archive, &path, &page)?;
            path
        }
        Some(path) => {
            new_file::replace(path, archive.modes().file, page.as_bytes())?;
            path.clone()
        }
    };
    let file = path.display().to_string();
    let written = Written {
        timezone: config.zone.name(),
        from: first,
        to: last,
        file,
        bytes: page.len(),
        exit_status,
    };
    frame.print_report(&written, overview.is_complete(), |written| {
        let file = &written.file;
        said!("網頁：{file}\n", "Page: {file}\n")
    })?;
    if !overview.is_complete() {
        console::warn(text(
            "資料不完整：網頁開頭列出缺少什麼",
            "the data is incomplete: the page begins with what is missing",
        ));
    }
    Ok(exit_status)
}

/// What there is of the days, for whoever is asked for.
fn look(
    args: &ReportArgs,
    config: &Config,
    archive: &Archive,
    (first, last): (NaiveDate, NaiveDate),
) -> Result<Overview> {
    // Nothing is made in a place that has nothing.
    if !archive.root.is_dir() {
        check_readable(config, archive)?;
        return Err(nothing(archive, first, last).into());
    }
    let pseudonyms = args.anonymize.then(|| pseudonym_key::pseudonyms(config));
    let pseudonyms = pseudonyms.transpose()?;
    let user = args.user.as_ref().map(|user| match &pseudonyms {
        Some(pseudonyms) => pseudonyms.user_meant_by(user),
        None => user.clone(),
    });
    let scope = Scope {
        nodes: &args.nodes,
        user: user.as_deref(),
        pseudonyms: pseudonyms.as_ref(),
    };
    let calendar = Calendar::now(config);
    let windows = calendar.windows(first, last).map(|(_, window)| window);
    let windows = windows.collect::<Result<Vec<_>, _>>()?;
    let gathering = Gathering::new(config, archive, scope, (first, last), windows.len());
    let mut overview = gathering.gather(&windows);
    let is_unknown = |name: &&String| !overview.nodes.iter().any(|node| node.name == **name);
    if let Some(name) = args.nodes.iter().find(is_unknown) {
        refuse_of_other_shard(name, config)?;
        return Err(unknown_node(name, config, first, last).into());
    }
    if !overview.has_files() {
        check_readable(config, archive)?;
        return Err(nothing(archive, first, last).into());
    }
    if let (Some(user), Some(_)) = (&user, overview.usage.total()) {
        if !overview.usage.users.contains_key(user) {
            return Err(unknown_user(user, &overview.usage).into());
        }
        overview.usage.users.retain(|name, _| name == user);
    }
    Ok(overview)
}

fn nothing(archive: &Archive, first: NaiveDate, last: NaiveDate) -> RequestError {
    let (days, root) = (dates(first, last), archive.root.display());
    RequestError {
        message: said!(
            "{root} 中沒有 {days} 的任何資料，沒有寫出網頁：請先收集（daily-gpu-log {first}），或以 --data-dir 指定資料目錄",
            "{root} has no data of {days}, and no page was written: collect first (daily-gpu-log {first}), or name the data directory with --data-dir"
        ),
        exit_status: ExitStatus::Failed,
    }
}

fn unknown_node(name: &str, config: &Config, first: NaiveDate, last: NaiveDate) -> RequestError {
    let (known, days) = (node_names(config), dates(first, last));
    RequestError::usage(said!(
        "設定與 {days} 的資料中都沒有節點「{name}」：設定中的節點是 {known}",
        "neither the settings nor the data of {days} have a node '{name}': the settings have {known}"
    ))
}

fn about(overview: &Overview, nodes: &[String], anonymize: bool) -> About {
    let mut command = format!("daily-gpu-log report {}", overview.first);
    let mut add = |option: &str, value: &str| command.extend([" ", option, " ", &*quoted(value)]);
    if overview.first != overview.last {
        add("--to", &overview.last.to_string());
    }
    if let Some(user) = &overview.user {
        add("--user", user);
    }
    for node in nodes {
        add("--node", node);
    }
    if anonymize {
        command.push_str(" --anonymize");
    }
    // Whatever the settings say then, and the variable.
    command.extend([" --lang ", &*Language::chosen().to_string()]);
    About {
        made_at: clock(overview.zone, now()),
        command,
    }
}

/// A word of a shell's command line.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | ':');
    if word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Writes the page of a day that was just collected, and what leads to the newest, in the language of a run's files. A bug
/// costs the page alone.
pub fn write_page(
    config: &Config,
    archive: &Archive,
    window: &Window,
) -> Result<PathBuf, WriteError> {
    let path = reports::page_file(&archive.root, window.date, window.date, "");
    let write = || put_page(config, archive, window, &path);
    caught(&path, || config.file_language.in_it(write))?;
    Ok(path)
}

fn caught(path: &Path, write: impl FnOnce() -> Result<(), WriteError>) -> Result<(), WriteError> {
    let of_bug = || {
        let cause = both!(
            "程式發生內部錯誤，請回報",
            "internal error, report this bug"
        );
        Err(WriteError::at(path)(io::Error::other(cause)))
    };
    catch_unwind(AssertUnwindSafe(write)).unwrap_or_else(|_| of_bug())
}

fn put_page(
    config: &Config,
    archive: &Archive,
    window: &Window,
    path: &Path,
) -> Result<(), WriteError> {
    let date = window.date;
    let gathering = Gathering::new(config, archive, Scope::default(), (date, date), 1);
    let overview = gathering.gather(slice::from_ref(window));
    let about = about(&overview, &[], false);
    reports::write_page(archive, path, &page::render(&overview, &about))?;
    if let Some(newest) = reports::newest_page(&archive.root) {
        let page = page::leading_to(&newest);
        reports::write_page(archive, &reports::latest_file(&archive.root), &page)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_in_the_page_is_an_error_of_the_page() {
        let error = caught(Path::new("page.html"), || panic!("a bug")).expect_err("an error");
        assert_eq!(error.path, Path::new("page.html"));
        let said = error.to_string();
        assert!(said.contains("程式發生內部錯誤，請回報"), "{said}");
        let said = Language::English.in_it(|| error.to_string());
        assert!(said.contains("internal error, report this bug"), "{said}");
        assert!(caught(Path::new("page.html"), || Ok(())).is_ok());
    }
}
