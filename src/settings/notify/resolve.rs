//! From what the file says of notifications to checked settings.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use secrecy::{ExposeSecret, SecretString};
use url::Host;

use super::secret::SecretUrl;
use super::{Login, Notify, Security, Smtp, UrlSetting, UrlSource};
use crate::settings::file::{NotifySettings, SmtpSettings};
use crate::settings::value::{Invalid, invalid, parse_duration, shown};

/// Who waits for a run to end need not wait much longer for the notifications.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(60);

/// The settings in force where the file says this.
pub fn resolve(settings: NotifySettings) -> Result<Notify, Invalid> {
    let mut notify = Notify::default();
    notify.when = settings.when.unwrap_or(notify.when);
    notify.include_users = settings.include_users.unwrap_or(notify.include_users);
    if let Some(text) = settings.timeout {
        notify.timeout = parse_timeout("notify.timeout", &text)?;
    }
    set_url(
        &mut notify.healthcheck,
        settings.healthcheck_url,
        settings.healthcheck_url_file,
    )?;
    set_url(
        &mut notify.webhook,
        settings.webhook_url,
        settings.webhook_url_file,
    )?;
    notify.smtp = settings.smtp.map(check_smtp).transpose()?;
    Ok(notify)
}

fn parse_timeout(key: &str, text: &str) -> Result<Duration, Invalid> {
    let timeout = parse_duration(key, text)?;
    if timeout > LONGEST_TIMEOUT {
        return invalid(
            key,
            format!("「{text}」超過 {} 秒", LONGEST_TIMEOUT.as_secs()),
        );
    }
    Ok(timeout)
}

fn set_url(
    setting: &mut UrlSetting,
    url: Option<SecretString>,
    file: Option<PathBuf>,
) -> Result<(), Invalid> {
    let key = setting.key();
    setting.source = match (url, file) {
        (None, None) => None,
        (Some(text), None) => match SecretUrl::parse(text.expose_secret()) {
            Ok(url) => Some(UrlSource::Settings(url)),
            Err(problem) => return invalid(key, problem),
        },
        (None, Some(path)) => Some(UrlSource::File(path)),
        (Some(_), Some(_)) => {
            let problem = format!("{key} 與 {key}_file 只能設定其中一個");
            return invalid(key, problem);
        }
    };
    Ok(())
}

fn check_smtp(settings: SmtpSettings) -> Result<Smtp, Invalid> {
    let security = settings.security.unwrap_or(Security::Starttls);
    let login = match (settings.username, settings.password_file) {
        (Some(_), _) if security == Security::None => {
            return invalid(
                "notify.smtp.username",
                "security = \"none\" 時密碼會以明文傳送，不可設定 username",
            );
        }
        (Some(username), password_file) => Some(Login {
            username,
            password_file,
        }),
        (None, Some(_)) => {
            return invalid("notify.smtp.password_file", "沒有 username 就用不到密碼");
        }
        (None, None) => None,
    };
    if settings.to.is_empty() {
        return invalid("notify.smtp.to", "沒有任何收件者");
    }
    let to = settings.to.iter();
    Ok(Smtp {
        host: check_host(settings.host)?,
        port: settings.port.unwrap_or(security.usual_port()),
        security,
        login,
        from: parse_mailbox("notify.smtp.from", &settings.from)?,
        to: to
            .map(|text| parse_mailbox("notify.smtp.to", text))
            .collect::<Result<_, _>>()?,
    })
}

fn check_host(host: String) -> Result<String, Invalid> {
    if host.parse::<IpAddr>().is_ok() || matches!(Host::parse(&host), Ok(Host::Domain(_))) {
        return Ok(host);
    }
    let problem = format!(
        "「{}」不是主機名稱或 IP 位址，例如 smtp.example.org；埠請寫在 port",
        shown(&host)
    );
    invalid("notify.smtp.host", problem)
}

/// Reads a mail address, with or without a name.
pub fn parse_mailbox(key: &str, text: &str) -> Result<Mailbox, Invalid> {
    text.parse().or_else(|_| {
        let problem = format!(
            "「{}」不是電子郵件地址，例如 admin@example.org 或 管理員 <admin@example.org>",
            shown(text)
        );
        invalid(key, problem)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::notify::When;

    fn resolved(toml: &str) -> Result<Notify, String> {
        let settings = toml::from_str(toml).map_err(|error| error.to_string())?;
        resolve(settings).map_err(|Invalid { key, problem }| format!("{key}：{problem}"))
    }

    /// The least that a mail server needs, and these keys.
    fn smtp(keys: &str) -> String {
        format!(
            "[smtp]\nhost = \"smtp.example.org\"\nfrom = \"gpulog@example.org\"\nto = [\"admin@example.org\"]\n{keys}"
        )
    }

    #[test]
    fn by_default_nobody_is_told() {
        let notify = resolved("").expect("settings");
        assert_eq!(format!("{notify:?}"), format!("{:?}", Notify::default()));
        assert_eq!(notify.when, When::Problem);
        assert!(
            notify.webhook.source.is_none()
                && notify.healthcheck.source.is_none()
                && notify.smtp.is_none()
        );
    }

    #[test]
    fn every_key_is_read() {
        let notify = resolved(
            r#"
            when = "always"
            include_users = true
            timeout = "3s"
            healthcheck_url = "https://hc.example.org/ping/hush"
            webhook_url_file = "/etc/daily-gpu-log/webhook"
            [smtp]
            host = "smtp.example.org"
            port = 2525
            security = "tls"
            username = "gpulog"
            password_file = "/etc/daily-gpu-log/smtp-password"
            from = "GPU 紀錄 <gpulog@example.org>"
            to = ["admin@example.org", "王小明 <ming@example.org>"]
            "#,
        )
        .expect("settings");
        assert_eq!((notify.when, notify.include_users), (When::Always, true));
        assert_eq!(notify.timeout, Duration::from_secs(3));
        let Some(UrlSource::Settings(url)) = &notify.healthcheck.source else {
            panic!("{notify:?}");
        };
        assert_eq!(url.expose().path(), "/ping/hush");
        assert!(
            matches!(&notify.webhook.source, Some(UrlSource::File(_))),
            "{notify:?}"
        );
        let smtp = notify.smtp.as_ref().expect("a mail server");
        assert_eq!((smtp.port, smtp.security), (2525, Security::Tls));
        assert_eq!(smtp.to[1].name.as_deref(), Some("王小明"));
        assert!(!format!("{notify:?}").contains("hush"), "{notify:?}");
    }

    #[test]
    fn the_port_follows_the_encryption() {
        for (keys, port) in [
            ("", 587),
            ("security = \"starttls\"", 587),
            ("security = \"tls\"", 465),
            ("security = \"none\"", 25),
            ("security = \"none\"\nport = 2525", 2525),
        ] {
            let notify = resolved(&smtp(keys)).expect(keys);
            assert_eq!(notify.smtp.map(|smtp| smtp.port), Some(port), "{keys}");
        }
    }

    #[test]
    fn a_mail_server_may_be_named_by_its_address() {
        for host in ["localhost", "127.0.0.1", "::1", "mail-1.example.org"] {
            let settings = smtp("").replace("smtp.example.org", host);
            assert!(resolved(&settings).is_ok(), "{host}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_the_name_of_its_key() {
        let both = "webhook_url = \"https://a/hush\"\nwebhook_url_file = \"b\"";
        for (settings, key) in [
            (
                "webhook_url = \"hooks.example.org/hush\"".to_owned(),
                "notify.webhook_url：",
            ),
            (
                "healthcheck_url = \"https://a:hush@b/\"".to_owned(),
                "notify.healthcheck_url：",
            ),
            (both.to_owned(), "notify.webhook_url："),
            ("timeout = \"61s\"".to_owned(), "notify.timeout："),
            ("timeout = \"soon\"".to_owned(), "notify.timeout："),
            (
                smtp("").replace("smtp.example.org", "smtp.example.org:587"),
                "notify.smtp.host：",
            ),
            (
                smtp("").replace("smtp.example.org", "smtp://example.org"),
                "notify.smtp.host：",
            ),
            (
                smtp("").replace("smtp.example.org", ""),
                "notify.smtp.host：",
            ),
            (
                smtp("").replace("gpulog@", "gpulog at "),
                "notify.smtp.from：",
            ),
            (
                smtp("").replace("[\"admin@example.org\"]", "[\"admin\"]"),
                "notify.smtp.to：",
            ),
            (
                smtp("").replace("[\"admin@example.org\"]", "[]"),
                "notify.smtp.to：",
            ),
            (
                smtp("security = \"none\"\nusername = \"a\""),
                "notify.smtp.username：",
            ),
            (
                smtp("password_file = \"/run/password\""),
                "notify.smtp.password_file：",
            ),
            (smtp("password = \"x\""), "unknown field `password`"),
            (
                smtp("").replace("host =", "server ="),
                "unknown field `server`",
            ),
            (
                "when = \"never\"".to_owned(),
                "expected `problem` or `always`",
            ),
        ] {
            let error = resolved(&settings).expect_err(&settings);
            assert!(error.contains(key), "{settings}: {error}");
            assert!(!error.contains("hush"), "{settings}: {error}");
        }
    }
}
