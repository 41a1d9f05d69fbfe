//! `--user-report`: the tasks of a day.

use anyhow::Result;

use super::request::Request;
use super::tasks;
use crate::analysis::withheld;
use crate::commands::calendar::Calendar;
use crate::formats::task_report;
use crate::model::{Both, ExitStatus, Language};
use crate::outlets::console;
use crate::report::TaskReport;
use crate::report::notice::answer_notices;
use crate::settings::Token;
use crate::store::pseudonym_key;

/// Prints the tasks of the day, and writes nothing but the key of pseudonyms.
pub fn print(request: &Request) -> Result<ExitStatus> {
    let window = Calendar::now(request.config).window(request.first)?;
    let user = request.args.user.as_deref();
    let token = Token::find(&request.config.management_api.token_file)?;
    let (mut answer, user) = if request.args.anonymize {
        // Of all users, because the request is logged, and the user may be meant by pseudonym.
        let fetched = tasks::ask(request, &token, &window, None);
        let answer = fetched
            .map_err(|error| error.without_quotes(Both::of(withheld)))?
            .answer;
        let pseudonyms = pseudonym_key::pseudonyms(request.config)?;
        let user = user.map(|user| pseudonyms.user_meant_by(user));
        // What is withheld stands in the report.
        let answer = Language::Chinese.in_it(|| pseudonyms.answer(answer));
        (answer, user)
    } else {
        let fetched = tasks::ask(request, &token, &window, user)?;
        (fetched.answer, user.map(str::to_owned))
    };
    let notices = answer_notices(request.config, &answer);
    let hosts: Vec<_> = request.nodes.iter().map(|node| &*node.name).collect();
    answer.tasks.retain(|task| {
        !request.config.is_of_other_shard(&task.hostname)
            && (request.args.nodes.is_empty() || hosts.contains(&&*task.hostname))
            && user.as_ref().is_none_or(|user| task.username == *user)
    });
    for notice in &notices {
        console::log_notice(notice, None, false);
    }
    let report = TaskReport {
        date: window.date,
        timezone: window.zone.name(),
        tasks: &answer.tasks,
        notices: &notices,
    };
    request.frame.print_report(&report, false, |_| {
        let is_of_one_user = request.args.user.is_some();
        let render = || task_report::render(window.date, &hosts, &answer.tasks, is_of_one_user);
        Language::Chinese.in_it(render)
    })?;
    Ok(ExitStatus::Complete)
}
