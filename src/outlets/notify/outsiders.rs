//! What of a notice leaves the house.
//!
//! What the management API says may name people, and so may the ids that it gives tasks, hosts and GPUs. Outsiders
//! get none of that, but how often it happened. There is no arm for what is not named here: whoever adds a notice
//! decides what of it leaves the house.

use crate::report::notice::{Kind, Notice, caveat, remedy};
use crate::sources::management_api::TasksError;

/// The message of a notice, without a word of the management API's.
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
            format!("{}（沒有任務資訊，使用率不受影響）", tasks_error(error))
        }
        Kind::TasksKept {
            error,
            since,
            is_final,
        } => {
            let error = error.as_ref();
            let error = error.map(|error| tasks_error(error) + "：");
            let (error, caveat) = (error.unwrap_or_default(), caveat(*is_final));
            format!("{error}使用 {since} 保存的任務資訊{caveat}")
        }
        Kind::Unplaced {
            owner,
            gpus,
            remedy: _,
        } => {
            let remedy = remedy(
                owner.as_deref(),
                "它們的 UUID ",
                "gpu_uuids 或 first_gpu_id",
            );
            let count = gpus.len();
            format!("{node} 有 {count} 張任務的 GPU 無法對應到該節點的 GPU：{remedy}")
        }
        Kind::Unlisted(tasks) => format!(
            "{node} 有 {} 個任務的 flavor 有 GPU，gpus 卻是空的：不知道用了哪些 GPU，未計入使用者欄位",
            tasks.len()
        ),
        Kind::Disagreement(gpus) => format!(
            "{node} 有 {} 張任務的 GPU 的 UUID 與 id 不一致，以 UUID 為準：\
             請以 scripts/gpu-inventory.sh 核對 gpu_uuids 與 first_gpu_id",
            gpus.len()
        ),
        Kind::Conflict { gpu, when, .. } => format!("{node} 的 {gpu} 在 {when} 同時有多位使用者"),
        Kind::UnknownHosts { hosts: _, tasks } => format!(
            "有 {} 個任務使用的主機不在設定中：請加入 [[nodes]]，name 須等於管理 API 的 hostname",
            tasks.len()
        ),
        Kind::Timeless(tasks) => {
            format!("{node} 有 {} 個任務時間不明，未計入使用者欄位", tasks.len())
        }
        Kind::Malformed(tasks) => {
            format!("有 {} 個任務的資料無法解析，已略過", tasks.len())
        }
        Kind::TasksGone(tasks) => format!(
            "管理 API 的回覆少了先前有過的 {} 個任務：沿用先前保存的任務資訊，佔用只計到它最後出現之時",
            tasks.len()
        ),
        Kind::Misdated(tasks) => {
            format!("有 {} 個任務的日期與星期不符：以日期為準", tasks.len())
        }
        Kind::Differing(differing) => format!(
            "有 {} 個任務的 total_seconds 與 start、end 不符：請檢查 management_api.timezone",
            differing.tasks.len()
        ),
        Kind::Early(_) => "有任務的 start 在現在之後：請檢查 management_api.timezone".to_owned(),
        Kind::RepeatedTasks(tasks) => format!(
            "管理 API 的回覆有 {} 個任務 id 出現不只一次：每一筆都計入",
            tasks.len()
        ),
    }
}

fn tasks_error(error: &TasksError) -> String {
    match error {
        // The client of the management API leaves what the API says out of these.
        TasksError::Http { .. } | TasksError::Refused { .. } => error.to_string(),
        TasksError::Unreadable { url, problem: _ } => {
            format!("無法從管理 API 獲取數據：{url} 的回應無法解析")
        }
    }
}
