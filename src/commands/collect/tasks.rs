//! Where a run's task information comes from: the management API, or what an earlier run kept of it.

use std::sync::OnceLock;

use super::request::Request;
use crate::analysis::attribution;
use crate::commands::calendar::now;
use crate::model::day::Window;
use crate::model::task::{Answer, KeptAnswer, TaskInformation};
use crate::report::notice::Notice;
use crate::settings::Token;
use crate::sources::management_api::{self, Fetched, TasksError, kept};
use crate::store::tree::DataDir;

/// Asks the management API for the tasks of the window's day.
pub fn ask(
    request: &Request,
    token: &Token,
    window: &Window,
    user: Option<&str>,
) -> Result<Fetched, TasksError> {
    let (api, patience) = (&request.config.management_api, request.config.netdata);
    management_api::fetch(api, patience, token, window, user, now())
}

/// Who is asked for the tasks.
#[derive(Clone, Copy, Debug)]
pub enum TaskSource<'a> {
    /// The management API, with this token.
    Api(&'a Token),
    /// Nobody.
    Nobody,
    /// Nobody, because the management API did not answer earlier in this run, for this reason.
    Absent(&'a str),
}

/// The day's tasks: a new answer, which is kept, or else the one that was. Usage is collected without them as well.
///
/// They are in `obtained` as soon as they are known, and in any case when this returns.
pub fn obtain(
    request: &Request,
    source: TaskSource,
    window: &Window,
    data_dir: &DataDir,
    obtained: &OnceLock<TaskInformation>,
) -> Vec<Notice> {
    let _guard = UnavailableOnPanic(obtained);
    let obtained = |information| {
        let is_first = obtained.set(information).is_ok();
        debug_assert!(is_first, "a day's tasks are obtained once");
    };
    // Before the question, so that what is known is never taken for newer than it is.
    let asked_at = now();
    let token = match source {
        TaskSource::Api(token) => Some(token),
        TaskSource::Nobody | TaskSource::Absent(_) => None,
    };
    let recall = || {
        let file = data_dir.kept_tasks(window.date)?;
        kept::recall(&file, window)
    };
    // An API that has cleared its past has nothing to say of it, which is not that there was nothing.
    let has_forgotten = |answer: &Answer| {
        let knew = |kept: &KeptAnswer| kept.fetched_at >= window.end && !kept.answer.is_empty();
        answer.is_empty() && recall().is_some_and(|kept| knew(&kept))
    };
    let error = match token.map(|token| ask(request, token, window, None)) {
        Some(Ok(Fetched { answer, .. })) if has_forgotten(&answer) => {
            let url = request.config.management_api.url.to_string();
            Some(TasksError::TasksGone { url })
        }
        Some(Ok(Fetched { answer, body, .. })) => {
            let mut notices = notices(request, &answer);
            obtained(TaskInformation::Known(answer));
            let kept = kept::keep(&body, window, asked_at);
            let kept = kept.map(|file| data_dir.keep_tasks(window.date, &file));
            notices.extend(kept.and_then(Result::err).map(Notice::TasksNotKept));
            return notices;
        }
        Some(Err(error)) => Some(error),
        None => None,
    };
    match (recall(), error) {
        (Some(kept), error) => {
            let mut notices = notices(request, &kept.answer);
            let is_final = kept.fetched_at >= window.end;
            if error.is_some() || !is_final {
                notices.push(Notice::TasksKept {
                    error,
                    since: window.clock(kept.fetched_at),
                    is_final,
                });
            }
            obtained(TaskInformation::Kept(kept));
            notices
        }
        (None, Some(error)) => {
            obtained(TaskInformation::Unavailable(error.to_string()));
            vec![Notice::TasksUnavailable(error)]
        }
        (None, None) => {
            obtained(match source {
                TaskSource::Absent(reason) => TaskInformation::Unavailable(reason.to_owned()),
                TaskSource::Api(_) | TaskSource::Nobody => TaskInformation::NotAsked,
            });
            Vec::new()
        }
    }
}

/// Ends the wait for the tasks without any, should a bug keep them from being obtained.
struct UnavailableOnPanic<'a>(&'a OnceLock<TaskInformation>);

impl Drop for UnavailableOnPanic<'_> {
    fn drop(&mut self) {
        // Without effect where they have been.
        let _ = self.0.set(TaskInformation::Unavailable(
            "處理任務資訊時程式發生內部錯誤，請回報".to_owned(),
        ));
    }
}

/// The notices about the API's answer itself.
pub fn notices(request: &Request, answer: &Answer) -> Vec<Notice> {
    let malformed = answer.malformed.iter().cloned().map(Notice::Malformed);
    let (known, ignored) = (&request.config.nodes, &request.config.ignore_hosts);
    let unknown = attribution::unknown_hosts(known, ignored, &answer.tasks);
    let unknown = unknown
        .into_iter()
        .map(|(host, tasks)| Notice::UnknownHost {
            host: host.to_owned(),
            tasks: tasks.into_iter().map(str::to_owned).collect(),
        });
    malformed.chain(unknown).collect()
}
