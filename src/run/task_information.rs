//! Where a run's task information comes from: the management API, or what an earlier run kept of it.

use crate::attribution;
use crate::collect::TaskInformation;
use crate::config::Token;
use crate::day::Window;
use crate::notice::Notice;
use crate::output::{DataDir, WriteError};
use crate::tasks::{self, Answer, Fetched, TasksError, kept};

use super::request::Request;

/// Asks the management API for the tasks of the window's day.
pub(super) fn ask(
    request: &Request,
    token: &Token,
    window: &Window,
    user: Option<&str>,
) -> Result<Fetched, TasksError> {
    let (api, patience) = (&request.config.management_api, request.config.netdata);
    tasks::fetch(api, patience, token, window, user, request.now)
}

/// The day's tasks: a new answer, which is kept, or else the one that was. Usage is collected without them as well.
/// Without a `token`, the API is not asked.
pub(super) fn obtain(
    request: &Request,
    token: Option<&Token>,
    window: &Window,
    data_dir: &DataDir,
) -> Result<(TaskInformation, Vec<Notice>), WriteError> {
    let recall = || {
        data_dir
            .kept_tasks(window.date)
            .and_then(|file| kept::recall(&file, window))
    };
    let Some(token) = token else {
        return Ok((
            recall().map_or(TaskInformation::NotAsked, TaskInformation::Kept),
            Vec::new(),
        ));
    };
    let error = match ask(request, token, window, None) {
        Ok(Fetched { answer, body }) => {
            if let Some(file) = kept::keep(&body, window, request.now) {
                data_dir.keep_tasks(window.date, &file)?;
            }
            let notices = notices(request, &answer);
            return Ok((TaskInformation::Known(answer), notices));
        }
        Err(error) => error,
    };
    if let Some(kept) = recall() {
        let since = window.clock(kept.fetched_at);
        let is_final = kept.fetched_at >= window.end;
        let notice = Notice::TasksKept {
            error,
            since,
            is_final,
        };
        Ok((TaskInformation::Kept(kept), vec![notice]))
    } else {
        let reason = error.to_string();
        Ok((
            TaskInformation::Unavailable(reason),
            vec![Notice::TasksUnavailable(error)],
        ))
    }
}

/// What is to be said of the API's answer itself.
pub(super) fn notices(request: &Request, answer: &Answer) -> Vec<Notice> {
    let malformed = answer.malformed.iter().cloned().map(Notice::Malformed);
    let unknown = attribution::unknown_hosts(&request.config.nodes, &answer.tasks);
    let unknown = unknown
        .into_iter()
        .map(|(host, tasks)| Notice::UnknownHost {
            host: host.to_owned(),
            tasks: tasks.into_iter().map(str::to_owned).collect(),
        });
    malformed.chain(unknown).collect()
}
