//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use clap::builder::NonEmptyStringValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::config::Overrides;
use crate::day::DateArg;

/// How many nodes are collected at once, to begin with, unless `--jobs` says otherwise. The wait for an agent's answer
/// is what takes the time, so it is no function of the machine's cores.
pub const DEFAULT_JOBS: u16 = 64;

/// How many nodes are collected at once at most. A thread and at most two sockets each: below the usual limit of
/// 1,024 open files.
pub const MOST_JOBS: u16 = 400;

const HELP_TEMPLATE: &str = "\
{about}

用法: {usage}

引數:
{positionals}

選項:
{options}

子命令:
{subcommands}{after-help}
";

const COMPLETIONS_TEMPLATE: &str = "\
{about}

用法: {usage}

引數:
{positionals}

選項:
{options}
";

const MAN_TEMPLATE: &str = "\
{about}

用法: {usage}

選項:
{options}
";

const AFTER_HELP: &str = "\
設定檔依序尋找: --config、./daily-gpu-log.toml、$XDG_CONFIG_HOME/daily-gpu-log/config.toml、
/etc/daily-gpu-log/config.toml；都沒有時使用內建的叢集 (colab-gpu1 到 colab-gpu4)。
管理 API 的 Token 依序取自: $CREDENTIALS_DIRECTORY/management-api-token、設定檔的 token_file、
環境變數 MANAGEMENT_API_TOKEN。

結束狀態: 0 完整；1 失敗，沒有寫入任何新資料；2 用法錯誤；3 已寫入但不完整 (缺少節點、GPU、讀數
或任務資訊)；10 設定或憑證錯誤；11 另一次執行佔用資料目錄；130 被中斷。";

/// What the user asks for.
#[derive(Debug, Parser)]
#[command(
    name = "daily-gpu-log",
    version,
    about = "收集叢集一天的 AMD GPU 與 VRAM 使用率，以及每張 GPU 的使用者",
    after_help = AFTER_HELP,
    help_template = HELP_TEMPLATE,
    override_usage = "daily-gpu-log [選項] [DATE] [--to DATE]",
    disable_help_flag = true,
    disable_version_flag = true,
    disable_help_subcommand = true,
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    /// What to do instead of collecting.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What to collect, and how.
    #[command(flatten)]
    pub run: RunArgs,
}

/// The arguments of a run.
#[derive(Args, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct RunArgs {
    /// The day.
    #[arg(
        value_name = "DATE",
        default_value = "today",
        hide_default_value = true
    )]
    #[arg(help = "要收集的日期: YYYY-MM-DD、today 或 yesterday [預設: today]")]
    pub date: DateArg,
    /// The last day of a range.
    #[arg(long, value_name = "DATE", conflicts_with_all = ["user_report"])]
    #[arg(help = "收集 DATE 到這個日期的每一天，由舊到新")]
    pub to: Option<DateArg>,
    /// The root of the tree.
    #[arg(
        long,
        value_name = "DIR",
        help = "資料目錄 [預設: 依設定檔，否則 ./data]"
    )]
    pub data_dir: Option<PathBuf>,
    /// Print the tasks of the day, and collect nothing.
    #[arg(
        long,
        conflicts_with = "skip_task_info",
        help = "只顯示當日的 GPU 使用者任務報告，不收集也不寫入"
    )]
    pub user_report: bool,
    /// Do not ask the management API.
    #[arg(long, help = "不連線管理 API，只收集使用率")]
    pub skip_task_info: bool,
    /// The user whose tasks are reported.
    #[arg(long, value_name = "NAME", requires = "user_report", conflicts_with = "skip_task_info", value_parser = NonEmptyStringValueParser::new())]
    #[arg(help = "任務報告只列這位使用者的任務 (搭配 --user-report)")]
    pub user: Option<String>,
    /// The nodes that are collected; all if there are none.
    #[arg(long = "node", value_name = "NAME", value_delimiter = ',')]
    #[arg(help = "只處理這些節點 (可重複，或以逗號分隔)")]
    pub nodes: Vec<String>,
    /// The settings file.
    #[arg(long, value_name = "FILE", help = "設定檔")]
    pub config: Option<PathBuf>,
    /// The zone of the day.
    #[arg(long, value_name = "ZONE", value_parser = parse_zone, help = "一天所屬的 IANA 時區 [預設: 依設定檔，否則 UTC]")]
    pub timezone: Option<Tz>,
    /// How many nodes are collected at once; without it [`DEFAULT_JOBS`], and up to [`MOST_JOBS`] where none answers.
    #[arg(long, value_name = "N", value_parser = parse_jobs)]
    #[arg(help = "同時收集的節點數，1 到 400 [預設: 64，全都沒有回應時增加]")]
    pub jobs: Option<u16>,
    /// How long to wait for another run to end.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "0",
        hide_default_value = true
    )]
    #[arg(value_parser = parse_seconds)]
    #[arg(help = "另一次執行佔用資料目錄時，最多等待的秒數 [預設: 0]")]
    pub wait: Duration,
    /// Say nothing unless something is wrong.
    #[arg(
        short,
        long,
        conflicts_with = "verbose",
        help = "安靜: 只在有問題時輸出"
    )]
    pub quiet: bool,
    /// Say more.
    #[arg(short, long, action = ArgAction::Count, help = "輸出執行細節 (-vv 更多)")]
    pub verbose: u8,
    /// Print the result as JSON.
    #[arg(long, help = "以一個 JSON 物件輸出結果")]
    pub json: bool,
    #[arg(short, long, action = ArgAction::Help, global = true, help = "顯示說明")]
    help: (),
    #[arg(short = 'V', long, action = ArgAction::Version, help = "顯示版本")]
    version: (),
}

/// What the program does besides collecting.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print a completion script.
    #[command(about = "輸出 shell 的自動補全腳本", help_template = COMPLETIONS_TEMPLATE)]
    #[command(override_usage = "daily-gpu-log completions <SHELL>")]
    Completions {
        /// The shell.
        #[arg(value_name = "SHELL", hide_possible_values = true)]
        #[arg(help = "bash、elvish、fish、powershell 或 zsh")]
        shell: Shell,
    },
    /// Print the manual page.
    #[command(about = "輸出 man 手冊頁", help_template = MAN_TEMPLATE)]
    #[command(override_usage = "daily-gpu-log man")]
    Man,
}

impl Command {
    /// The text that is asked for.
    #[must_use]
    pub fn render(&self) -> Vec<u8> {
        let mut text = Vec::new();
        match self {
            Self::Completions { shell } => {
                clap_complete::generate(*shell, &mut Cli::command(), "daily-gpu-log", &mut text);
            }
            Self::Man => {
                let page = clap_mangen::Man::new(Cli::command());
                // The subcommands have no pages of their own that a section could refer to.
                let sections = [
                    clap_mangen::Man::render_title,
                    clap_mangen::Man::render_name_section,
                    clap_mangen::Man::render_synopsis_section,
                    clap_mangen::Man::render_description_section,
                    clap_mangen::Man::render_options_section,
                    clap_mangen::Man::render_extra_section,
                ];
                for section in sections {
                    section(&page, &mut text).expect("a vector takes whatever is written");
                }
            }
        }
        text
    }
}

impl RunArgs {
    /// What the command line sets over the settings file.
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        Overrides {
            config: self.config.clone(),
            data_dir: self.data_dir.clone(),
            zone: self.timezone,
        }
    }
}

fn parse_zone(text: &str) -> Result<Tz, String> {
    text.parse()
        .map_err(|_| format!("不認得的時區「{text}」，請用 IANA 名稱，例如 Asia/Taipei"))
}

fn parse_jobs(text: &str) -> Result<u16, String> {
    let jobs = text
        .parse()
        .ok()
        .filter(|jobs| (1..=MOST_JOBS).contains(jobs));
    jobs.ok_or_else(|| format!("「{text}」不是 1 到 {MOST_JOBS} 的整數"))
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: u32 = text.parse().map_err(|_| format!("「{text}」不是秒數"))?;
    Ok(Duration::from_secs(seconds.into()))
}

/// What is wrong with the command line, in the language of the user.
#[must_use]
pub fn usage_error(error: &clap::Error) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join("、"),
        _ => String::new(),
    };
    let (argument, value) = (
        context(ContextKind::InvalidArg),
        context(ContextKind::InvalidValue),
    );
    let problem = match error.kind() {
        ErrorKind::UnknownArgument => format!("不認得的引數 '{argument}'"),
        ErrorKind::InvalidSubcommand => format!(
            "不認得的子命令 '{}'",
            context(ContextKind::InvalidSubcommand)
        ),
        ErrorKind::InvalidValue if value.is_empty() => format!("{argument} 缺少值"),
        // A second date is taken for a subcommand.
        ErrorKind::ArgumentConflict if argument.is_empty() => {
            format!("{} 之後有多餘的引數", context(ContextKind::PriorArg))
        }
        ErrorKind::ArgumentConflict => format!(
            "{argument} 不可與 {} 同時使用",
            context(ContextKind::PriorArg)
        ),
        ErrorKind::MissingRequiredArgument => format!("缺少 {argument}"),
        // The program's own parsers say what is wrong in full.
        ErrorKind::ValueValidation => match std::error::Error::source(error) {
            Some(reason) if argument == "[DATE]" => reason.to_string(),
            Some(reason) => format!("{argument} 的值不正確：{reason}"),
            None => format!("{argument} 的值 '{value}' 不正確"),
        },
        _ => format!("{argument} 的值 '{value}' 不正確"),
    };
    format!("{problem}（用法請見 daily-gpu-log --help）")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn usage_errors_are_told_in_the_language_of_the_user() {
        for (arguments, told) in [
            (&["--colour"][..], "不認得的引數 '--colour'"),
            (&["2025-02-30"], "日期「2025-02-30」不存在"),
            (&["lastweek"], "日期「lastweek」格式不正確"),
            (
                &["--timezone", "Mars"],
                "--timezone <ZONE> 的值不正確：不認得的時區「Mars」",
            ),
            (&["--jobs", "0"], "--jobs <N> 的值不正確"),
            (&["--jobs"], "--jobs <N> 缺少值"),
            (&["--user", "alice"], "缺少 --user-report"),
            (&["--user-report", "--user", ""], "--user <NAME> 缺少值"),
            (&["-q", "-v"], "--quiet 不可與 --verbose"),
            (&["--user-report", "--skip-task-info"], "不可與"),
            (&["2025-08-01", "2025-08-02"], "[DATE] 之後有多餘的引數"),
            (&["completions", "tcsh"], "<SHELL> 的值 'tcsh' 不正確"),
        ] {
            let line = ["daily-gpu-log"]
                .into_iter()
                .chain(arguments.iter().copied());
            let error = Cli::try_parse_from(line).expect_err("a wrong command line");
            let said = usage_error(&error);
            assert!(said.contains(told), "{arguments:?}: {said}");
        }
    }
}
