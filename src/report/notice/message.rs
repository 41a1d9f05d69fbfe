//! The notices for people.

use std::fmt;
use std::path::Path;

use super::parts::{cards_list, caveat, count, dozen, problems, remedy, settings};
use super::{Kind, Notice};
use crate::analysis::{Disagreement, IdPlace, UnplacedGpu};
use crate::model::{RejectedRows, comma, counted, quote, said, say, text};
use crate::report::check::{clock_problem, lost, namesakes_problem, renamed_problem, time_left};

impl fmt::Display for Notice {
    #[expect(clippy::too_many_lines, reason = "one message after the other")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = self.node().unwrap_or_default();
        let of_node = |problem: &str| said!("{node} {problem}", "{node}: {problem}");
        match &self.kind {
            Kind::NodeFailed(error) => say!(
                f,
                "{error}（節點 {node}，原有檔案保持不變）",
                "{error} (node {node}, existing files unchanged)"
            ),
            Kind::NoReadingsLeft(error) => say!(
                f,
                "{error}（節點 {node}，沿用原有的讀數）",
                "{error} (node {node}, existing readings kept)"
            ),
            Kind::NotWritten(error) => {
                say!(f, "{error}（節點 {node}）", "{error} (node {node})")
            }
            Kind::NotSynced(error) => say!(
                f,
                "{error}：檔案已寫入，但未能確認已存到磁碟",
                "the files are written, but may not have reached the disk: {error}"
            ),
            Kind::Panicked => say!(
                f,
                "處理節點 {node} 時程式發生內部錯誤，請回報；原有檔案保持不變",
                "internal error while processing node {node}, report this bug; existing files unchanged"
            ),
            Kind::NoReadings(series) => say!(
                f,
                "{node} 的 {gpus}當日沒有任何 {metrics} 讀數：若 GPU 正常，請重新啟動該節點的 Netdata",
                "{node}: no {metrics} readings for {gpus} that day: if the GPU is fine, restart the node's Netdata",
                gpus = series.gpus(),
                metrics = series.metrics()
            ),
            Kind::NoChart(series) => say!(
                f,
                "{node} 的 {gpus}沒有 {metrics} 圖表：Netdata 沒有收集，這個欄位會是空的",
                "{node}: no {metrics} chart for {gpus}: Netdata does not collect it, and the field stays empty",
                gpus = series.gpus(),
                metrics = series.metrics()
            ),
            Kind::OldReadings(problem) => say!(
                f,
                "{node} 較舊的讀數無法取得（{problem}）：已寫入其餘讀數，請稍後重新收集",
                "{node}: cannot get the older readings ({problem}): the others are written; collect again later"
            ),
            Kind::Rejected { example, count } => say!(
                f,
                "{node} 有 {readings}不是 0 到 100 的數字，已視為缺漏（例如 {example}）",
                "{node}: {readings} outside 0 to 100 or not a number, counted as missing (e.g. {example})",
                readings = counted(*count, "筆讀數", "reading", "readings")
            ),
            Kind::Renamed { example, count } => {
                f.write_str(&of_node(&renamed_problem(*count, example)))
            }
            Kind::RejectedRows(RejectedRows { problem, count }) => say!(
                f,
                "{node} 有 {rows}無法使用，已視為缺漏：{problem}",
                "{node}: {rows} unusable, counted as missing: {problem}",
                rows = counted(*count, "列讀數", "row of readings", "rows of readings")
            ),
            Kind::ClockOff(seconds) => f.write_str(&of_node(&clock_problem(*seconds))),
            Kind::Namesakes(namesakes) => f.write_str(&of_node(&namesakes_problem(namesakes))),
            Kind::LostByParent => f.write_str(&of_node(lost())),
            Kind::TokenEnds { at, seconds_left } => say!(
                f,
                "管理 API 的 Token 將於 {at} 過期，{left}：請換新的 Token",
                "the management API's token expires at {at}, {left}: renew the token",
                left = time_left(*seconds_left)
            ),
            Kind::TasksUnavailable(error) => say!(
                f,
                "{error}（沒有任務資訊，使用率不受影響）",
                "{error} (no task information, utilisation is not affected)"
            ),
            Kind::TasksPanicked => f.write_str(text(
                "處理任務資訊時程式發生內部錯誤，請回報（使用率照常寫入，但可能沒有任務資訊）",
                "internal error while processing the task information, report this bug \
                 (utilisation is written as usual, but task information may be missing)",
            )),
            Kind::TasksKept {
                error,
                since,
                is_final,
            } => {
                let caveat = caveat(*is_final);
                match error {
                    Some(error) => say!(
                        f,
                        "{error}（改用 {since} 保存的任務資訊{caveat}）",
                        "{error} (using the task information kept at {since}{caveat})"
                    ),
                    None => say!(
                        f,
                        "使用 {since} 保存的任務資訊{caveat}",
                        "using the task information kept at {since}{caveat}"
                    ),
                }
            }
            Kind::TasksNotKept(error) => say!(
                f,
                "{error}：任務資訊未能保存",
                "task information not kept: {error}"
            ),
            Kind::TasksNotRead(error) => say!(
                f,
                "{error}：任務資訊未能保存，以免失去這個檔案中的任務；請修正它的擁有者與權限，再重新收集這一天",
                "task information not kept, so that the tasks in the existing file are not lost: {error}; \
                 correct its owner and permissions, then collect the day again"
            ),
            Kind::TasksNotUnited(path) => say!(
                f,
                "{path} 的任務與管理 API 的回覆合計太多：任務資訊未能保存，這個檔案保持不變，其中的任務未計入；\
                 請檢查管理 API 的回覆，不需要先前的任務時請移走這個檔案，再重新收集這一天",
                "too many tasks in {path} and the management API's answer together: task information not kept, \
                 this file unchanged, its tasks not counted; check the API's answer, or move this file away if \
                 the earlier tasks are not needed, then collect the day again",
                path = path.display()
            ),
            Kind::NotRecorded(error) => say!(
                f,
                "{error}：執行記錄未能保存",
                "run record not kept: {error}"
            ),
            Kind::RecordNotRead(error) => say!(
                f,
                "{error}：執行記錄未能保存，原有的檔案保持不變；請修正它的擁有者與權限",
                "run record not kept, existing file unchanged: {error}; correct its owner and permissions"
            ),
            Kind::SeriesStopped { since, stopped } => f.write_str(&stopped.message(node, since)),
            Kind::UnknownCards(cards) => say!(
                f,
                "{node} 有設定中沒有的 {cards}，未寫入：請將它加入該節點的 cards",
                "{node}: {cards} not in the settings, so not written: add to the node's cards",
                cards = cards_list(&cards.first) + &cards.rest()
            ),
            Kind::Unplaced {
                owner,
                gpus,
                remedy: lines,
            } => {
                let id = |unplaced: &UnplacedGpu| {
                    let gpu = &unplaced.gpu;
                    let id = gpu.id.map(|id| id.to_string());
                    id.or_else(|| gpu.uuid.clone())
                        .unwrap_or_else(|| "N/A".to_owned())
                };
                let ids = dozen(gpus.iter().map(id));
                let tasks = dozen(gpus.iter().map(|unplaced| unplaced.task.clone()));
                let uuids = dozen(gpus.iter().filter_map(|unplaced| unplaced.gpu.uuid.clone()));
                let uuids = said!(" UUID {uuids} ", "UUID {uuids}");
                let remedy = remedy(owner.as_deref(), uuids, &settings(lines));
                say!(
                    f,
                    "{node} 的任務 GPU id {ids} 無法對應到該節點的 GPU（任務 {tasks}）：{remedy}",
                    "{node}: cannot place GPU id {ids} of task {tasks} on this node: {remedy}"
                )
            }
            Kind::Unlisted(tasks) => say!(
                f,
                "{node} 有 {count}的 flavor 有 GPU，gpus 卻是空的（{named}）：不知道用了哪些 GPU，未計入使用者欄位",
                "{node}: {count} with GPUs in flavor but none in gpus ({named}): \
                 which GPUs they used is not known, left out of the user column",
                count = count(tasks),
                named = tasks.named()
            ),
            Kind::Disagreement(gpus) => {
                let counts = |gpu: &Disagreement| !matches!(gpu.id_place, IdPlace::Card(_));
                let remedy = if gpus.iter().any(counts) {
                    text("修正 first_gpu_id", "correct first_gpu_id")
                } else {
                    text("設定 first_gpu_id", "set first_gpu_id")
                };
                say!(
                    f,
                    "{node} 的 GPU UUID 與 id 不一致，以 UUID 為準（{named}）：\
                     請以 daily-gpu-log inventory 核對 gpu_uuids，或{remedy}",
                    "{node}: GPU UUID and id disagree, the UUID counts ({named}): \
                     check gpu_uuids with daily-gpu-log inventory, or {remedy}",
                    named = dozen(gpus.iter().map(ToString::to_string))
                )
            }
            Kind::UnknownHosts { hosts, tasks } => say!(
                f,
                "有任務使用設定中沒有的主機 {hosts}（任務 {tasks}）：請加入 [[nodes]]，name 須等於管理 API 的 hostname",
                "host {hosts} of task {tasks} not in the settings: add [[nodes]] with the management API's hostname as name",
                tasks = tasks.named(),
                hosts = hosts.named()
            ),
            Kind::Timeless(tasks) => match &tasks.first[..] {
                [task] => say!(
                    f,
                    "{node} 的任務 {id} 時間不明（{problem}），未計入使用者欄位",
                    "{node}: times of task {id} unknown ({problem}), left out of the user column",
                    id = quote(&task.task),
                    problem = task.problem
                ),
                _ => say!(
                    f,
                    "{node} 有 {count}時間不明，未計入使用者欄位：{problems}",
                    "{node}: times of {count} unknown, left out of the user column: {problems}",
                    count = count(tasks),
                    problems = problems(tasks, |task| (&task.task, &task.problem))
                ),
            },
            Kind::Malformed(tasks) => match &tasks.first[..] {
                [task] => say!(
                    f,
                    "任務 {id} 的資料無法解析（{problem}），已略過",
                    "cannot read task {id} ({problem}), skipped",
                    id = quote(&task.id),
                    problem = task.problem
                ),
                _ => say!(
                    f,
                    "有 {count}的資料無法解析，已略過：{problems}",
                    "cannot read {count}, skipped: {problems}",
                    count = count(tasks),
                    problems = problems(tasks, |task| (&task.id, &task.problem))
                ),
            },
            Kind::TasksGone(tasks) => say!(
                f,
                "管理 API 的回覆少了先前有過的 {count}（{named}）：沿用先前保存的任務資訊，佔用只計到它最後一次出現為止",
                "the management API no longer lists {count} ({named}): using the task information kept before; \
                 each counts only until it was last listed",
                count = count(tasks),
                named = tasks.named()
            ),
            Kind::Misdated(tasks) => say!(
                f,
                "有 {count}的日期與星期不符（{named}）：以日期為準",
                "date and weekday of {count} disagree ({named}): the date counts",
                count = count(tasks),
                named = tasks.named()
            ),
            Kind::Differing(differing) => say!(
                f,
                "有 {count}的 total_seconds 與 start、end 不符，最多相差 {minutes} 分鐘（{named}）：\
                 請檢查 management_api.timezone，或任務是否曾經暫停",
                "total_seconds of {count} differs from start and end by up to {minutes} min ({named}): \
                 check management_api.timezone, or whether the tasks were suspended",
                count = count(&differing.tasks),
                minutes = differing.most_seconds / 60,
                named = differing.tasks.named()
            ),
            Kind::Early(early) => say!(
                f,
                "任務 {id} 的 start 在 {minutes} 分鐘之後：請檢查 management_api.timezone 與兩者的時鐘",
                "task {id} starts {minutes} min from now: check management_api.timezone and the clocks of both",
                id = quote(&early.task),
                minutes = early.seconds / 60
            ),
            Kind::RepeatedTasks(tasks) => say!(
                f,
                "管理 API 的回覆有 {ids}出現不只一次（{named}）：每一筆都計入",
                "the management API's answer has {ids} more than once ({named}): every record counts",
                ids = counted(tasks.len(), "個任務 id ", "task id", "task ids"),
                named = tasks.named()
            ),
            Kind::Conflict {
                gpu,
                conflict,
                when,
            } => {
                let users = &conflict.users;
                let all = users.len();
                let users = match users.more {
                    0 => users.named() + text(" ", ""),
                    _ => users.joined(|_| said!(" 等 {all} 位使用者", ", … ({all} users in all)")),
                };
                say!(
                    f,
                    "{node} 的 {gpu} 在 {when} 同時由 {users}佔用（任務 {tasks}）：\
                     資源衝突，請檢查管理系統的配置或 GPU 的對應",
                    "{node}: conflict: {gpu} held by {users} at the same time, {when} (task {tasks}): check the \
                     allocation in the management system, or the GPU map",
                    tasks = conflict.tasks.named()
                )
            }
            Kind::MoreConflicts { gpu, count } => say!(
                f,
                "{node} 的 {gpu} 另有 {times}同時由多位使用者佔用",
                "{node}: conflict: {gpu} held by several users at once {times}",
                times = counted(*count, "段時間", "more time", "more times")
            ),
            Kind::BusyWithoutTask { gpu, limit, when } => say!(
                f,
                "{node} 的 {gpu} 沒有任務佔用，使用率卻超過 {limit}%（{when}）：\
                 請檢查 GPU 的對應，或是否有人未經管理系統使用",
                "{node}: {gpu} held by no task, yet its utilisation was over {limit}% ({when}): \
                 check the GPU map, or whether somebody bypasses the management system",
                when = when.join(comma())
            ),
            Kind::LedgerNotWritten(error) => say!(
                f,
                "{error}：各節點的檔案已寫入，但沒有用量報告",
                "no usage report, though the nodes' files are written: {error}"
            ),
            Kind::PageNotWritten(error) => say!(
                f,
                "{error}：資料都已寫入，但沒有網頁；修正後可執行 daily-gpu-log report 產生",
                "{error}: all data is written, but there is no page; once mended, make it with daily-gpu-log report"
            ),
            Kind::LedgerNotMerged(report) => say!(
                f,
                "原有的 {path} 無法合併（{problem}），已另存為 {kept_as}：其中其他節點的用量不在新的報告中，請重新收集這一天",
                "cannot merge the existing {path} ({problem}), set aside as {kept_as}: \
                 the usage of other nodes in it is not in the new report; collect the day again",
                path = report.path.display(),
                problem = report.problem,
                kept_as = report.kept_as.display()
            ),
            Kind::NotMerged { file, kept_as } => {
                let name = |path: &Path| path.file_name().unwrap_or_default().display().to_string();
                let now = match kept_as {
                    Some(path) => {
                        said!("已另存為 {name}", "set aside as {name}", name = name(path))
                    }
                    None => text("保持原狀", "left as it is").to_owned(),
                };
                let (file, problem) = (name(&file.path), &file.problem);
                say!(
                    f,
                    "{node} 原有的 {file} 無法合併（{problem}），{now}",
                    "{node}: cannot merge the existing {file} ({problem}), {now}"
                )
            }
        }
    }
}
