//! `live`: who is on which GPU now. It asks and shows, and writes nothing.

mod asking;
mod shown;

use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::calendar::now;
use super::frame::Frame;
use super::request::select;
use super::values::{node_name, user_name};
use crate::model::{ExitStatus, said, text};
use crate::outlets::live::Screen;
use crate::report::live::{Gathered, LiveReport, View};
use asking::Asking;

const LEAST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(3600);

#[derive(Args, Debug)]
pub struct LiveArgs {
    #[arg(long = "node", value_name = "NAME", value_delimiter = ',', value_parser = node_name())]
    #[arg(help = text("只看這些節點 (可重複，或以逗號分隔)", "only these nodes (repeatable, or with commas)"))]
    nodes: Vec<String>,
    #[arg(long, value_name = "NAME", value_parser = user_name())]
    #[arg(help = text("只列這位使用者佔用的 GPU", "list only the GPUs that this user holds"))]
    user: Option<String>,
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = every)]
    #[arg(hide_default_value = true)]
    #[arg(help = text("多久查詢一次，1s 到 1h [預設: 5s]", "how often to ask, 1s to 1h [default: 5s]"))]
    every: Duration,
    #[arg(long, help = text("查詢一次，輸出一個表格", "ask once, and print one table"))]
    once: bool,
}

fn every(text: &str) -> Result<Duration, String> {
    let every = humantime::parse_duration(text).ok();
    let every = every.filter(|every| (LEAST..=MOST).contains(every));
    every.ok_or_else(|| {
        said!(
            "「{text}」不是 1s 到 1h 的時間長度",
            "'{text}' is no length of time from 1s to 1h"
        )
    })
}

pub fn run(args: &LiveArgs, frame: &Frame) -> Result<ExitStatus> {
    let config = frame.config()?;
    let nodes = select(&config, &args.nodes)?;
    let user = args.user.as_deref();
    let is_once = args.once || frame.wants_json() || !Screen::is_possible();
    let mut gathered = Gathered::new(&config, &nodes);
    let mut asking = Asking::begin(&config, &nodes, is_once)?;
    if !is_once {
        return shown::run(&mut asking, &mut gathered, args);
    }
    asking.ask_once(&mut gathered);
    let view = gathered.view(now(), user);
    let exit_status = view.exit_status();
    let report = LiveReport {
        view: &view,
        exit_status,
    };
    let is_complete = exit_status == ExitStatus::Complete;
    frame.print_report(&report, is_complete, |report| View::text(report.view))?;
    Ok(exit_status)
}
