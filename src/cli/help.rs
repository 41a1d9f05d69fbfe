//! The help, the same for every command. Its lines are broken by hand: clap wraps no Chinese.

use clap::{Arg, Command, CommandFactory};

use super::Cli;
use crate::model::text;

const TEMPLATE: &str = "\
{about}

用法: {usage}

{all-args}{after-help}
";

pub const OF_PROGRAM: &str = "\
設定檔依序尋找: --config、./daily-gpu-log.toml、
$XDG_CONFIG_HOME/daily-gpu-log/config.toml、/etc/daily-gpu-log/config.toml；
都沒有時使用內建的叢集 (colab-gpu1 到 colab-gpu4)。
管理 API 的 Token 依序取自: $CREDENTIALS_DIRECTORY/management-api-token、
設定檔的 token_file、環境變數 MANAGEMENT_API_TOKEN。

結束狀態: 0 完整或有缺漏；1 失敗，沒有寫入任何新資料；2 用法錯誤；3 已寫入但不
完整 (缺少節點、GPU 或任務資訊，任務的 GPU 無法對應，任務無法解析或時間不明)；
10 設定或憑證錯誤；11 另一次執行佔用資料目錄；130 被中斷。";

pub const OF_CHECK: &str = "\
結束狀態: 0 沒有錯誤 (可能有警告)；3 資料目錄、管理 API 或節點有錯誤，或任務的
警告使收集的結果不完整；10 設定、Token 或通知的秘密有錯誤。";

pub const OF_STATUS: &str = "\
結束狀態: 0 每天都完整、有缺漏或尚未結束；2 用法錯誤；3 有不完整或缺少的日子；
10 設定錯誤。";

pub const OF_USERS: &str = "\
閒置 (佔用VRAM) 是閒置時數中 VRAM 仍有資料的部分；無讀數是佔用期間沒有讀數、
無法得知是否使用的時數。平均只計佔用期間的讀數，涵蓋率是佔用時數中有讀數的比例。

結束狀態: 0 每一天、每個節點都有帳目；1 代號的金鑰無法寫入；2 用法錯誤，
或沒有這位使用者；3 有缺少或無法讀取的帳目；10 設定錯誤，或代號的金鑰無法使用。";

pub const OF_ALERTS: &str = "\
門檻在設定檔的 [alerts] 與 [[alerts.rules]]。不完整或有疑問的資料不算閒置，
並會列出。同一位使用者的同一個規則在 window_days (預設 7) 天內只通知一次，
通知失敗也不再通知。--send 的 DATE 最早是 window_days 天前。

結束狀態: 0 完成 (不論有沒有使用者達到門檻)；1 alerts.json 或執行記錄無法讀取或
寫入；2 用法錯誤；3 有節點或所有節點都沒有可以判斷的資料，或有通知沒有送達；
10 設定或憑證錯誤，或 --send 而沒有通知的管道；11 另一次執行佔用資料目錄。";

pub fn of_report() -> &'static str {
    text(
        "\
網頁只用資料目錄中已有的檔案，不連線；沒有 JavaScript 也完整。檔案裡有使用者的
名稱，--anonymize 則完全沒有。沒有 -o 時寫到 <data_dir>/reports/。

結束狀態: 0 每一天、每個節點都有資料與帳目；1 沒有任何資料，或檔案無法寫入；
2 用法錯誤；3 已寫出，但有缺少的資料 (網頁開頭會列出)；10 設定錯誤。",
        "\
The page is made from the files of the data directory alone, and nobody is asked;
it is complete without JavaScript. It names the users, unless --anonymize is given:
then no name is in it. Without -o it is written to <data_dir>/reports/.

Exit status: 0 every day and node has data and accounts; 1 there is no data at all,
or the file cannot be written; 2 usage; 3 written, but data is missing (the page
begins with what); 10 settings.",
    )
}

pub fn command() -> Command {
    dressed(Cli::command(), "daily-gpu-log")
}

/// The command of this name, and its subcommands, with their help.
fn dressed(command: Command, name: &str) -> Command {
    let mut usage = format!("{name} [選項]");
    if command.is_subcommand_required_set() {
        let names = command.get_subcommands().map(Command::get_name);
        usage = format!("{name} <{}>", names.collect::<Vec<_>>().join("|"));
    }
    for positional in command.get_positionals() {
        usage = format!("{usage} {positional}");
    }
    if command.get_arguments().any(|arg| arg.get_id() == "to") {
        usage.push_str(" [--to DATE]");
    }
    command
        .help_template(TEMPLATE)
        .override_usage(usage)
        .subcommand_help_heading("子命令")
        .mut_args(|arg| {
            let heading = heading(&arg);
            arg.help_heading(heading)
        })
        .mut_subcommands(|command| {
            let name = format!("{name} {}", command.get_name());
            dressed(command, &name)
        })
}

fn heading(arg: &Arg) -> &'static str {
    if arg.is_positional() {
        "引數"
    } else if arg.is_global_set() {
        "所有命令的選項"
    } else {
        "選項"
    }
}
