//! One mail to its server, with a deadline for each try.
//!
//! lettre's own timeout is one for each read; a server that sends a byte now and then would never be left. Here a try
//! is a future that is dropped, with its connection, when its time is up.

use std::time::Duration;

use lettre::transport::smtp::authentication::DEFAULT_MECHANISMS;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{Error, response};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::time::{sleep, timeout};

use super::Mailer;
use super::bounded::Bounded;
use crate::model::{said, text};
use crate::outlets::notify::message::hostname;
use crate::settings::Security;
use crate::sources::http::root_cause;

const PAUSE: Duration = Duration::from_millis(200);
/// How long taking leave may take, of a server that has taken the mail.
const LEAVE: Duration = Duration::from_secs(1);

/// Why a mail was not taken. Of what the server says, only numbers are in it: it may repeat the password.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    #[error("{}", said!(
        "無法使用 TLS：{0}（請安裝 ca-certificates）",
        "cannot use TLS: {0} (install ca-certificates)",
        .0
    ))]
    Tls(String),
    #[error("{}", said!(
        "逾時：{0:.1} 秒內沒有完成",
        "timed out: not done within {0:.1} seconds",
        .0.as_secs_f64()
    ))]
    Timeout(Duration),
    #[error("{}", said!("{step}失敗：{cause}", "{step} failed: {cause}"))]
    Network { step: &'static str, cause: String },
    #[error("{}", said!("{step}被拒絕（SMTP {code}）", "{step} refused (SMTP {code})"))]
    Refused {
        step: &'static str,
        /// The reply's code, and the enhanced one if it has one (RFC 5321, RFC 3463).
        code: String,
    },
    #[error("{0}")]
    Unable(&'static str),
    #[error(
        "{}",
        text(
            "回應不是 SMTP（請檢查 port 與 security）",
            "the answer is not SMTP (check port and security)"
        )
    )]
    NotSmtp,
}

/// With TLS from the first byte if that is wanted, and with the greeting.
fn connection() -> &'static str {
    text("連線", "connection")
}

impl MailError {
    /// What went wrong at `step`. What lettre itself objects to is that the server is `unable` to do it.
    fn new(step: &'static str, unable: Option<&'static str>, error: &Error) -> Self {
        if let Some(code) = error.status() {
            let code = with_enhanced(code, error);
            return Self::Refused { step, code };
        }
        match unable {
            Some(unable) if error.is_client() => Self::Unable(unable),
            _ if error.is_response() => Self::NotSmtp,
            _ => Self::Network {
                step,
                cause: root_cause(error),
            },
        }
    }

    /// Whether the same may well succeed in a moment.
    fn may_pass(&self) -> bool {
        match self {
            Self::Timeout(_) | Self::Network { .. } => true,
            Self::Refused { code, .. } => code.starts_with('4'),
            Self::Tls(_) | Self::Unable(_) | Self::NotSmtp => false,
        }
    }
}

/// The code, and the enhanced one that begins the text of a reply: `535 5.7.8`.
fn with_enhanced(code: response::Code, error: &Error) -> String {
    let text = std::error::Error::source(error).map(ToString::to_string);
    let text = text.unwrap_or_default();
    let first = text.split_whitespace().next().unwrap_or_default();
    let is_number = |part: &str| {
        (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if first.split('.').count() == 3 && first.split('.').all(is_number) {
        format!("{code} {first}")
    } else {
        code.to_string()
    }
}

pub fn deliver(mailer: &Mailer, letter: &lettre::Message) -> Result<(), MailError> {
    // Before the clock starts: it reads files.
    mailer.tls()?;
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| MailError::Network {
        step: connection(),
        cause: error.to_string(),
    })?;
    let delivered = runtime.block_on(deliver_in_two_tries(mailer, letter));
    // A name that is still being looked up is not waited for.
    runtime.shutdown_background();
    delivered
}

async fn deliver_in_two_tries(mailer: &Mailer, letter: &lettre::Message) -> Result<(), MailError> {
    match deliver_once(mailer, letter).await {
        Err(error) if error.may_pass() => {
            tracing::info!(%error, "sending the mail again");
            sleep(PAUSE).await;
            deliver_once(mailer, letter).await
        }
        delivered => delivered,
    }
}

async fn deliver_once(mailer: &Mailer, letter: &lettre::Message) -> Result<(), MailError> {
    let given = timeout(mailer.timeout, give(mailer, letter)).await;
    let mut connection = given.unwrap_or(Err(MailError::Timeout(mailer.timeout)))?;
    // The server has the mail, however it takes leave.
    let _ = timeout(LEAVE, connection.quit()).await;
    Ok(())
}

/// Connects and gives the letter, and answers the connection once the server has taken it.
async fn give(mailer: &Mailer, letter: &lettre::Message) -> Result<AsyncSmtpConnection, MailError> {
    let at = |step, unable| move |error: Error| MailError::new(step, unable, &error);
    let (smtp, hello) = (&mailer.smtp, hello_name(hostname()));
    let tls = mailer.tls()?;
    let server = (smtp.host.as_str(), smtp.port());
    let connected = if smtp.security == Security::Tls {
        // With its certificate, the server is who it should be before a line of it is read.
        AsyncSmtpConnection::connect_tokio1(server, None, &hello, tls.clone(), None).await
    } else {
        let stream = TcpStream::connect(server).await;
        let stream = stream.map_err(|error| MailError::Network {
            step: connection(),
            cause: error.to_string(),
        })?;
        let stream = Box::new(Bounded::from(stream));
        AsyncSmtpConnection::connect_with_transport(stream, &hello).await
    };
    let mut connection = connected.map_err(at(connection(), None))?;
    if let Some(tls) = tls.filter(|_| smtp.security == Security::Starttls) {
        let encrypted = connection.starttls(tls, &hello).await;
        let unable = text(
            "伺服器不支援 STARTTLS（請改用 security = \"tls\"，或檢查 port）",
            "the server does not support STARTTLS (set security = \"tls\", or check port)",
        );
        encrypted.map_err(at(text("STARTTLS ", "STARTTLS"), Some(unable)))?;
    }
    if let Some(credentials) = &mailer.credentials {
        let login = connection.auth(DEFAULT_MECHANISMS, credentials).await;
        let unable = text(
            "伺服器不提供 PLAIN 或 LOGIN 登入",
            "the server offers neither PLAIN nor LOGIN",
        );
        login.map_err(at(text("登入", "login"), Some(unable)))?;
    }
    let taken = connection
        .send(letter.envelope(), &letter.formatted())
        .await;
    let unable = text(
        "伺服器不支援非 ASCII 的郵件地址",
        "the server does not support non-ASCII mail addresses",
    );
    taken.map_err(at(text("寄送", "delivery"), Some(unable)))?;
    Ok(connection)
}

/// What the client calls itself: servers may refuse a name that is not fully qualified (RFC 5321 §4.1.4).
fn hello_name(hostname: String) -> ClientId {
    let is_domain = hostname.contains('.')
        && hostname
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    if is_domain {
        ClientId::Domain(hostname)
    } else {
        ClientId::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fully_qualified_name_is_sent_to_servers() {
        for (hostname, hello) in [
            ("mgmt01.example.org", "mgmt01.example.org"),
            ("mgmt01", "[127.0.0.1]"),
            ("", "[127.0.0.1]"),
            ("mgmt 01.example.org", "[127.0.0.1]"),
        ] {
            assert_eq!(hello_name(hostname.to_owned()).to_string(), hello);
        }
    }
}
