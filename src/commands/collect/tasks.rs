//! Where a run's task information comes from: the management API, or what an earlier run kept of it.

use std::sync::OnceLock;

use super::request::Request;
use crate::commands::calendar::now;
use crate::model::{Both, TaskInformation, Window, both};
use crate::report::notice::{Kind, Notice, answer_notices, time_notices};
use crate::settings::Token;
use crate::sources::management_api::{self, Fetched, TasksError, kept};
use crate::store::DataDir;

pub fn ask(
    request: &Request,
    token: &Token,
    window: &Window,
    user: Option<&str>,
) -> Result<Fetched, TasksError> {
    let (api, patience) = (&request.config.management_api, &request.config.netdata);
    management_api::fetch(api, patience, token, window, user, now())
}

#[derive(Clone, Copy, Debug)]
pub enum ApiAccess<'a> {
    Api(&'a Token),
    Nobody,
    /// Nobody, because the management API did not answer earlier in this run, for this reason.
    Absent(&'a Both),
}

/// The day's tasks: a new answer, which is kept, or else the one that was. Usage is collected without them as well.
///
/// They are in `obtained` as soon as they are known, and in any case when this returns.
pub fn obtain(
    request: &Request,
    source: ApiAccess,
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
        ApiAccess::Api(token) => Some(token),
        ApiAccess::Nobody | ApiAccess::Absent(_) => None,
    };
    let (earlier, unreadable) = match data_dir.kept_tasks(window.date) {
        Ok(earlier) => (earlier, None),
        Err(error) => (None, Some(Kind::TasksNotRead(error))),
    };
    let may_keep = unreadable.is_none();
    let unreadable = unreadable.map(Notice::from);
    let error = match token.map(|token| ask(request, token, window, None)) {
        Some(Ok(Fetched { answer, body, .. })) => {
            let (answer, file) = kept::unite(answer, &body, window, asked_at, earlier.as_deref());
            let mut notices = answer_notices(request.config, &answer);
            notices.extend(time_notices(&answer, window, (asked_at, now())));
            obtained(TaskInformation::Known(answer));
            let end = token.and_then(|token| token.ends_soon(asked_at));
            let end = end.map(|end| Kind::TokenEnds {
                at: window.clock(end),
                seconds_left: end - asked_at,
            });
            notices.extend(end.map(Notice::from));
            let kept_file = data_dir.tasks(window.date);
            let not_kept = match file {
                // Without a look at the file that is there, it would cost the tasks that only that one has.
                _ if !may_keep => None,
                Some(file) => kept_file.keep(&file).err().map(Kind::TasksNotKept),
                None => Some(Kind::TasksNotUnited(kept_file.path)),
            };
            notices.extend(not_kept.map(Notice::from));
            notices.extend(unreadable);
            return notices;
        }
        Some(Err(error)) => Some(error),
        None => None,
    };
    let kept = earlier.and_then(|file| kept::recall(&file, window));
    let mut notices: Vec<_> = unreadable.into_iter().collect();
    match (kept, error) {
        (Some(kept), error) => {
            notices.extend(answer_notices(request.config, &kept.answer));
            let is_final = kept.fetched_at >= window.end;
            if error.is_some() || !is_final {
                let since = window.clock(kept.fetched_at);
                let kept = Kind::TasksKept {
                    error,
                    since,
                    is_final,
                };
                notices.push(kept.into());
            }
            obtained(TaskInformation::Kept(kept));
        }
        (None, Some(error)) => {
            obtained(TaskInformation::Unavailable(Both::of(|| error.to_string())));
            notices.push(Kind::TasksUnavailable(error).into());
        }
        (None, None) => {
            obtained(match source {
                ApiAccess::Absent(reason) => TaskInformation::Unavailable(reason.clone()),
                ApiAccess::Api(_) | ApiAccess::Nobody => TaskInformation::NotAsked,
            });
        }
    }
    notices
}

/// Ends the wait for the tasks without any, should a bug keep them from being obtained.
struct UnavailableOnPanic<'a>(&'a OnceLock<TaskInformation>);

impl Drop for UnavailableOnPanic<'_> {
    fn drop(&mut self) {
        // Without effect where they have been.
        let reason = both!(
            "處理任務資訊時程式發生內部錯誤，請回報",
            "internal error while processing the task information, report this bug"
        );
        let _ = self.0.set(TaskInformation::Unavailable(reason));
    }
}
