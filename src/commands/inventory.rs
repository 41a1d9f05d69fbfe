//! `inventory`: a node's table of the settings. It is the script of the same purpose, which also runs where the program
//! is not installed.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::process::{Command, Stdio};

use anyhow::{Error, Result};
use clap::Args;

use crate::model::{ExitStatus, Language, said, text};
use crate::outlets::console;
use crate::settings::LANGUAGE_VARIABLE;

const SCRIPT: &str = include_str!("../../scripts/gpu-inventory.sh");

#[derive(Args, Debug)]
pub struct InventoryArgs {
    #[arg(long, value_name = "FILE")]
    #[arg(help = text(
        "不讀 sysfs，改讀 rocm-smi --showuniqueid 或\namd-smi list 的輸出 (- 是標準輸入)",
        "read output of rocm-smi --showuniqueid or of\namd-smi list (- is standard input), not sysfs",
    ))]
    from: Option<OsString>,
    #[arg(long, value_name = "NAME")]
    #[arg(help = text(
        "節點名稱，須等於管理 API 的 hostname\n[預設: 本機的主機名稱]",
        "the node's name, as the management API's hostname\nhas it [default: this host's]",
    ))]
    name: Option<OsString>,
    #[arg(long, value_name = "URL")]
    #[arg(help = text(
        "節點的 Netdata [預設: http://節點名稱:19999]",
        "the node's Netdata [default: http://NAME:19999]",
    ))]
    url: Option<OsString>,
    #[arg(long, value_name = "DIR")]
    #[arg(help = text("sysfs 的位置 [預設: /sys]", "where sysfs is [default: /sys]"))]
    sysfs: Option<OsString>,
    #[arg(long, conflicts_with_all = ["from", "name", "url", "sysfs"])]
    #[arg(help = text(
        "輸出腳本本身，給沒有安裝本程式的節點執行",
        "print the script itself, for a node without the\nprogram",
    ))]
    script: bool,
}

pub fn run(args: &InventoryArgs) -> Result<ExitStatus> {
    if args.script {
        console::print(SCRIPT)?;
        return Ok(ExitStatus::Complete);
    }
    let options = [
        ("--from", &args.from),
        ("--name", &args.name),
        ("--url", &args.url),
        ("--sysfs", &args.sysfs),
    ];
    let given = options.into_iter().filter_map(|(option, value)| {
        let value: &OsStr = value.as_deref()?;
        Some([OsStr::new(option), value])
    });
    let status = Command::new("bash")
        // Messages that name the script name the command.
        .args(["-c", SCRIPT, "daily-gpu-log inventory"])
        .args(given.flatten())
        .env(LANGUAGE_VARIABLE, Language::chosen().to_string())
        .stdin(Stdio::inherit())
        .status()
        .map_err(|cause| match cause.kind() {
            ErrorKind::NotFound => Error::msg(text(
                "找不到 bash：inventory 由 bash 執行，請先安裝",
                "bash is not found: inventory is run by bash, install it",
            )),
            _ => Error::msg(said!("無法執行 bash：{cause}", "cannot run bash: {cause}")),
        })?;
    Ok(match status.code() {
        Some(0) => ExitStatus::Complete,
        Some(2) => ExitStatus::Usage,
        _ => ExitStatus::Failed,
    })
}
