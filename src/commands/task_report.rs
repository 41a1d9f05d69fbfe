//! `--user-report`: the tasks of a day.

use anyhow::Result;

use super::collect::tasks;
use super::request::Request;
use crate::analysis::pseudonym::WITHHELD;
use crate::formats::task_report;
use crate::model::exit_status::ExitStatus;
use crate::outlets::console::{self, print_json};
use crate::report::TaskReport;
use crate::report::notice::of_answer;
use crate::store::pseudonym_key;

/// Prints the tasks of the day, and writes nothing but the key of pseudonyms.
pub fn print(request: &Request) -> Result<ExitStatus> {
    let window = request.first_window()?;
    let user = request.args.user.as_deref();
    let token = request.token()?;
    let (mut answer, user) = if request.args.anonymize {
        // Of all users, because the request is logged, and the user may be meant by pseudonym.
        let fetched = tasks::ask(request, &token, &window, None);
        let answer = fetched
            .map_err(|error| error.without_quotes(WITHHELD))?
            .answer;
        let pseudonyms = pseudonym_key::pseudonyms(&request.config.data_dir)?;
        let user = user.map(|user| pseudonyms.user_meant_by(user));
        (pseudonyms.answer(answer), user)
    } else {
        let fetched = tasks::ask(request, &token, &window, user)?;
        (fetched.answer, user.map(str::to_owned))
    };
    let notices = of_answer(request.config, &answer);
    answer.tasks.retain(|task| {
        request.wants_host(&task.hostname)
            && user.as_ref().is_none_or(|user| task.username == *user)
    });
    notices.iter().for_each(console::log_notice);
    if request.args.output.json {
        print_json(
            request.console,
            &TaskReport::new(&window, &answer.tasks, &notices),
        )?;
    } else {
        let hosts: Vec<_> = request
            .nodes
            .iter()
            .map(|node| node.name.as_str())
            .collect();
        let report = task_report::render(
            window.date,
            &hosts,
            &answer.tasks,
            request.args.user.is_some(),
        );
        request.console.print(report.as_bytes())?;
    }
    Ok(ExitStatus::Complete)
}
