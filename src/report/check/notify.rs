//! Whether how a run ended could be delivered.

use super::{Check, Subject};
use crate::model::{comma, said, text};
use crate::settings::{Notify, UrlSetting};

/// The addresses and the password of the notifications: no check if there are none. Nothing is delivered now.
pub fn notify(settings: &Notify) -> Vec<Check> {
    let missing = settings.missing_secrets();
    if !missing.is_empty() {
        let missing = missing.into_iter().map(|error| {
            let message = said!(
                "{error}（執行結果不會送到這裡）",
                "{error} (this channel will not be notified)"
            );
            Check::error(Subject::Notify, message)
        });
        return missing.collect();
    }
    if let Some(problem) = settings.digest_problem() {
        return vec![Check::error(Subject::Notify, problem.to_owned())];
    }
    let address = |whom: &str, url: UrlSetting| {
        let url = url.find().ok().flatten()?;
        Some(format!("{whom} {url}"))
    };
    let mail = settings.smtp.as_ref();
    let mail = mail.map(|smtp| {
        said!(
            "郵件伺服器 {host}:{port}",
            "mail server {host}:{port}",
            host = smtp.host,
            port = smtp.port()
        )
    });
    let monitor = address(text("監控服務", "monitor"), settings.healthcheck());
    let room = address(text("聊天室", "chat"), settings.webhook());
    let whom: Vec<_> = [monitor, room, mail].into_iter().flatten().collect();
    if whom.is_empty() {
        return Vec::new();
    }
    let message = said!(
        "通知：{whom}（未試送）",
        "notifications: {whom} (not tried)",
        whom = whom.join(comma())
    );
    vec![Check::ok(Subject::Notify, message)]
}
