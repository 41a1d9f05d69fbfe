//! Whether how a run ended could be delivered.

use super::{Check, Subject};
use crate::settings::{Notify, UrlSetting};

/// The addresses and the password of the notifications: no check if there are none. Nothing is delivered now.
pub fn notify(settings: &Notify) -> Vec<Check> {
    let missing = settings.missing_secrets();
    if !missing.is_empty() {
        let error =
            |error| Check::error(Subject::Notify, format!("{error}（執行結果會少通知一處）"));
        return missing.into_iter().map(error).collect();
    }
    if let Some(problem) = settings.digest_problem() {
        return vec![Check::error(Subject::Notify, problem.to_owned())];
    }
    let address = |whom: &str, url: UrlSetting| {
        let url = url.find().ok().flatten()?;
        Some(format!("{whom} {url}"))
    };
    let mail = settings.smtp.as_ref();
    let mail = mail.map(|smtp| format!("郵件伺服器 {}:{}", smtp.host, smtp.port()));
    let monitor = address("監控服務", settings.healthcheck());
    let room = address("聊天室", settings.webhook());
    let whom: Vec<_> = [monitor, room, mail].into_iter().flatten().collect();
    if whom.is_empty() {
        return Vec::new();
    }
    let message = format!("通知：{}（未試送）", whom.join("、"));
    vec![Check::ok(Subject::Notify, message)]
}
