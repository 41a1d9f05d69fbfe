//! What of a notice leaves the house.
//!
//! What the management API says may name people, and so may the ids that it gives tasks, hosts and GPUs. Outsiders
//! get none of that, but how often it happened. There is no arm for what is not named here: whoever adds a notice
//! decides what of it leaves the house.

use crate::model::{counted, said, text};
use crate::report::notice::{Kind, Notice, caveat, remedy};
use crate::sources::management_api::TasksError;

/// The message of a notice, without a word of the management API's.
#[expect(clippy::too_many_lines, reason = "one message after the other")]
pub fn message(notice: &Notice) -> String {
    let node = notice.node().unwrap_or_default();
    match &notice.kind {
        Kind::NodeFailed(_)
        | Kind::NotWritten(_)
        | Kind::NotSynced(_)
        | Kind::Panicked
        | Kind::NoReadings(_)
        | Kind::NoChart(_)
        | Kind::SeriesStopped { .. }
        | Kind::OldReadings(_)
        | Kind::Rejected { .. }
        | Kind::Renamed { .. }
        | Kind::RejectedRows(_)
        | Kind::ClockOff(_)
        | Kind::Namesakes(_)
        | Kind::LostByParent
        | Kind::TokenEnds { .. }
        | Kind::TasksPanicked
        | Kind::TasksNotKept(_)
        | Kind::TasksNotRead(_)
        | Kind::TasksNotUnited(_)
        | Kind::NotRecorded(_)
        | Kind::RecordNotRead(_)
        | Kind::NoReadingsLeft(_)
        | Kind::BusyWithoutTask { .. }
        | Kind::MoreConflicts { .. }
        | Kind::LedgerNotWritten(_)
        | Kind::LedgerNotMerged(_)
        | Kind::PageNotWritten(_)
        | Kind::UnknownCards(_)
        | Kind::NotMerged { .. } => notice.to_string(),
        Kind::TasksUnavailable(error) => {
            let error = tasks_error(error);
            said!(
                "{error}（沒有任務資訊，使用率不受影響）",
                "{error} (no task information, utilisation is not affected)"
            )
        }
        Kind::TasksKept {
            error,
            since,
            is_final,
        } => {
            let error = error.as_ref();
            let error = error.map(|error| tasks_error(error) + text("：", ": "));
            let (error, caveat) = (error.unwrap_or_default(), caveat(*is_final));
            said!(
                "{error}使用 {since} 保存的任務資訊{caveat}",
                "{error}using the task information kept at {since}{caveat}"
            )
        }
        Kind::Unplaced {
            owner,
            gpus,
            remedy: _,
        } => {
            let remedy = remedy(
                owner.as_deref(),
                text("它們的 UUID ", "their UUIDs"),
                text("gpu_uuids 或 first_gpu_id", "gpu_uuids or first_gpu_id"),
            );
            let gpus = counted(gpus.len(), "張任務的 GPU", "task GPU", "task GPUs");
            said!(
                "{node} 有 {gpus} 無法對應到該節點的 GPU：{remedy}",
                "{node}: cannot place {gpus} on this node: {remedy}"
            )
        }
        Kind::Unlisted(tasks) => {
            let tasks = task_count(tasks.len());
            said!(
                "{node} 有 {tasks}的 flavor 有 GPU，gpus 卻是空的：不知道用了哪些 GPU，未計入使用者欄位",
                "{node}: {tasks} with GPUs in flavor but none in gpus: which GPUs they used is not known, left \
                 out of the user column"
            )
        }
        Kind::Disagreement(gpus) => {
            let gpus = counted(gpus.len(), "張任務的 GPU", "task GPU", "task GPUs");
            said!(
                "{node} 有 {gpus} 的 UUID 與 id 不一致，以 UUID 為準：\
                 請以 daily-gpu-log inventory 核對 gpu_uuids 與 first_gpu_id",
                "{node}: UUID and id of {gpus} disagree, the UUID counts: \
                 check gpu_uuids and first_gpu_id with daily-gpu-log inventory"
            )
        }
        Kind::Conflict { gpu, when, .. } => said!(
            "{node} 的 {gpu} 在 {when} 同時有多位使用者",
            "{node}: conflict: {gpu} held by several users at once, {when}"
        ),
        Kind::UnknownHosts { hosts: _, tasks } => {
            let tasks = task_count(tasks.len());
            said!(
                "有 {tasks}使用設定中沒有的主機：請加入 [[nodes]]，name 須等於管理 API 的 hostname",
                "hosts of {tasks} not in the settings: add [[nodes]] with the management API's hostname as name"
            )
        }
        Kind::Timeless(tasks) => {
            let tasks = task_count(tasks.len());
            said!(
                "{node} 有 {tasks}時間不明，未計入使用者欄位",
                "{node}: times of {tasks} unknown, left out of the user column"
            )
        }
        Kind::Malformed(tasks) => {
            let tasks = task_count(tasks.len());
            said!(
                "有 {tasks}的資料無法解析，已略過",
                "cannot read {tasks}, skipped"
            )
        }
        Kind::TasksGone(tasks) => {
            let tasks = task_count(tasks.len());
            said!(
                "管理 API 的回覆少了先前有過的 {tasks}：沿用先前保存的任務資訊，佔用只計到它最後一次出現為止",
                "the management API no longer lists {tasks}: using the task information kept before; each counts only until it was last listed"
            )
        }
        Kind::Misdated(tasks) => {
            let tasks = task_count(tasks.len());
            said!(
                "有 {tasks}的日期與星期不符：以日期為準",
                "date and weekday of {tasks} disagree: the date counts"
            )
        }
        Kind::Differing(differing) => {
            let tasks = task_count(differing.tasks.len());
            said!(
                "有 {tasks}的 total_seconds 與 start、end 不符：請檢查 management_api.timezone",
                "total_seconds of {tasks} differs from start and end: check management_api.timezone"
            )
        }
        Kind::Early(_) => text(
            "有任務的 start 在現在之後：請檢查 management_api.timezone",
            "a task starts in the future: check management_api.timezone",
        )
        .to_owned(),
        Kind::RepeatedTasks(tasks) => {
            let ids = counted(tasks.len(), "個任務 id", "task id", "task ids");
            said!(
                "管理 API 的回覆有 {ids} 出現不只一次：每一筆都計入",
                "the management API's answer has {ids} more than once: every record counts"
            )
        }
    }
}

fn task_count(number: usize) -> String {
    counted(number, "個任務", "task", "tasks")
}

fn tasks_error(error: &TasksError) -> String {
    match error {
        // The client of the management API leaves what the API says out of these.
        TasksError::Http { .. } | TasksError::Refused { .. } => error.to_string(),
        TasksError::Unreadable { url, problem: _ } => {
            said!(
                "無法從管理 API 獲取數據：{url} 的回應無法解析",
                "cannot get data from the management API: the answer from {url} cannot be read"
            )
        }
    }
}
