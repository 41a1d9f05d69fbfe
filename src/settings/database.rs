//! The PostgreSQL database that the tree is copied into, and the password that this needs.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::private_file;
use super::secret::{Places, SecretError, line};
use crate::model::{Item, Written, said};

/// The name of the password among a service's credentials.
const CREDENTIAL: &str = "database-password";
const PASSWORD_FILE: &str = "database.password_file";
const EXAMPLE: &str = "postgres://gpulog@db.example.org/gpu";
/// The directory of the socket of a server on this machine.
const SOCKET_DIRECTORY: &str = "/run/postgresql";

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    pub url: Option<Item<DatabaseUrl>>,
    /// The file with the password. A credential wins over it.
    pub password_file: Option<PathBuf>,
    /// The certificates that speak for the server, besides the system's.
    pub ca_file: Option<PathBuf>,
}

/// Where the database is and who logs in. There is no password in it.
#[derive(Clone)]
pub struct DatabaseUrl {
    text: String,
    config: Config,
    /// Whether it says when there is to be TLS.
    has_mode: bool,
}

impl DatabaseUrl {
    /// Whether all that is sent stays on this machine.
    fn is_here(&self) -> bool {
        let is_loopback = |address: &IpAddr| address.to_canonical().is_loopback();
        let addresses = self.config.get_hostaddrs();
        if !addresses.is_empty() {
            // These are connected to, and the hosts are only their names.
            return addresses.iter().all(is_loopback);
        }
        self.config.get_hosts().iter().all(|host| match host {
            Host::Unix(_) => true,
            Host::Tcp(name) => {
                name == "localhost" || name.parse().is_ok_and(|address| is_loopback(&address))
            }
        })
    }
}

impl Written for DatabaseUrl {
    /// The problem repeats none of the text: it may hold a password.
    fn parse(text: &str) -> Result<Self, String> {
        let schemes = ["postgres://", "postgresql://"];
        let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme));
        let Some(rest) = rest else {
            return Err(said!(
                "不是資料庫的網址：請寫成 {EXAMPLE}",
                "not the URL of a database: write {EXAMPLE}"
            ));
        };
        let server_end = rest.find(['/', '?']).unwrap_or(rest.len());
        let path_end = rest.find('?').unwrap_or(rest.len());
        // Before the parser, whose objections may quote a part of it. A password may itself have any of `@/?`.
        let ends = [server_end, path_end];
        let mut logins = ends.map(|end| rest[..end].rsplit_once('@')).into_iter();
        if logins.any(|login| login.is_some_and(|(login, _)| login.contains(':'))) {
            return Err(password_in_url());
        }
        let (server, after) = rest.split_at(server_end);
        // The parser takes all before the first `@` for the login.
        let (plain, has_mode) = with_known_modes(&after.replace('@', "%40"));
        let parsed = format!("postgres://{server}{plain}").parse();
        let mut config: Config = parsed.map_err(|_| {
            if server.contains(':') && after.contains('@') {
                return password_in_url();
            }
            said!(
                "無法解析，或有不認得的參數：請寫成 {EXAMPLE}，參數例如 ?sslmode=verify-full",
                "it cannot be read, or has an unknown parameter: write {EXAMPLE}, with parameters such as \
                 ?sslmode=verify-full"
            )
        })?;
        if config.get_password().is_some() {
            return Err(password_in_url());
        }
        if config.get_dbname().is_none_or(str::is_empty) {
            return Err(said!(
                "沒有資料庫的名稱：請寫成 {EXAMPLE}",
                "it names no database: write {EXAMPLE}"
            ));
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host_path(SOCKET_DIRECTORY);
        }
        Ok(Self {
            text: text.to_owned(),
            config,
            has_mode,
        })
    }
}

/// What is after the server with a mode that the parser knows, and whether it has one. A certificate is verified with
/// each.
fn with_known_modes(after: &str) -> (String, bool) {
    let Some((path, parameters)) = after.split_once('?') else {
        return (after.to_owned(), false);
    };
    let parameters = parameters.split('&').map(|parameter| match parameter {
        "sslmode=verify-ca" | "sslmode=verify-full" => "sslmode=require",
        parameter => parameter,
    });
    let parameters: Vec<_> = parameters.collect();
    let is_mode = |parameter: &&str| parameter.starts_with("sslmode=");
    let has_mode = parameters.iter().any(is_mode);
    (format!("{path}?{}", parameters.join("&")), has_mode)
}

fn password_in_url() -> String {
    said!(
        "網址不可含有密碼：請將密碼寫入 {PASSWORD_FILE} 的檔案（chmod 600）",
        "a URL must not contain a password: write it to a file, and name that with {PASSWORD_FILE} (chmod 600)"
    )
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl Database {
    /// How the server is connected to. Where the URL does not say when there is to be TLS, there is no way without it
    /// to another machine, or where a certificate is named.
    pub fn config(&self) -> Option<Config> {
        let url = &self.url.as_ref()?.0;
        let mut config = url.config.clone();
        if !url.has_mode && (self.ca_file.is_some() || !url.is_here()) {
            config.ssl_mode(SslMode::Require);
        }
        Some(config)
    }

    /// Objects where a database is needed and the settings have none, or its password cannot be had.
    pub fn check(&self) -> Result<(), SecretError> {
        if self.url.is_none() {
            return Err(SecretError::Unusable(said!(
                "沒有資料庫：請在設定檔的 [database] 設定 url，例如 {EXAMPLE}",
                "no database: set url in [database] of the settings file, such as {EXAMPLE}"
            )));
        }
        self.password().map(drop)
    }

    /// The password of who logs in, if there is one.
    pub fn password(&self) -> Result<Option<SecretString>, SecretError> {
        let places = Places {
            credential: CREDENTIAL,
            file: self.password_file.as_deref(),
            file_name: said!("{PASSWORD_FILE} 的檔案", "{PASSWORD_FILE}"),
            variable: None,
        };
        places.parse(line)
    }

    /// The key whose place a credential of the service takes, with the name of the credential.
    pub fn credential(&self) -> Option<(&'static str, &'static str)> {
        self.url.as_ref()?;
        private_file::credential(CREDENTIAL).map(|_| (PASSWORD_FILE, CREDENTIAL))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_named_with_its_server_and_its_user() {
        let read =
            |text: &str| DatabaseUrl::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let url = read("postgres://gpulog@db.example.org:5433/gpu");
        assert_eq!(url.config.get_user(), Some("gpulog"));
        assert_eq!(
            url.config.get_hosts(),
            [Host::Tcp("db.example.org".to_owned())]
        );
        assert_eq!(
            (url.config.get_ports(), url.config.get_dbname()),
            (&[5433][..], Some("gpu"))
        );
        for (mode, expected) in [
            ("disable", SslMode::Disable),
            ("prefer", SslMode::Prefer),
            ("require", SslMode::Require),
            ("verify-ca", SslMode::Require),
            ("verify-full", SslMode::Require),
        ] {
            let url = read(&format!(
                "postgresql://gpulog@db/gpu?application_name=a&sslmode={mode}"
            ));
            assert_eq!(url.config.get_ssl_mode(), expected, "{mode}");
        }
        let socket = Host::Unix("/run/postgresql".into());
        for text in [
            "postgres:///gpu",
            "postgres://%2Frun%2Fpostgresql/gpu",
            "postgres:///gpu?host=/run/postgresql",
        ] {
            assert_eq!(
                read(text).config.get_hosts(),
                std::slice::from_ref(&socket),
                "{text}"
            );
        }
    }

    #[test]
    fn tls_is_required_unless_the_url_says_otherwise_or_the_server_is_here() {
        let mode = |url: &str, ca_file: Option<&str>| {
            let url = DatabaseUrl::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            let database = Database {
                url: Some(Item(url)),
                password_file: None,
                ca_file: ca_file.map(PathBuf::from),
            };
            database.config().expect("a database").get_ssl_mode()
        };
        let remote = [
            "db.example.org/gpu",
            "gpulog@10.0.0.1/gpu?application_name=a@b",
            "localhost,10.0.0.1/gpu",
            "localhost/gpu?hostaddr=10.0.0.1",
        ];
        let here = [
            "/gpu",
            "%2Frun%2Fpostgresql/gpu",
            "localhost/gpu",
            "127.0.0.9:5433/gpu",
            "[::1]/gpu",
            "db.example.org/gpu?hostaddr=127.0.0.1",
        ];
        for (server, expected) in remote
            .map(|server| (server, SslMode::Require))
            .into_iter()
            .chain(here.map(|server| (server, SslMode::Prefer)))
        {
            let url = format!("postgres://{server}");
            assert_eq!(mode(&url, None), expected, "{url}");
            assert_eq!(mode(&url, Some("ca.pem")), SslMode::Require, "{url}");
            let parameter = if url.contains('?') { '&' } else { '?' };
            for (said, expected) in [("disable", SslMode::Disable), ("prefer", SslMode::Prefer)] {
                let url = format!("{url}{parameter}sslmode={said}");
                assert_eq!(mode(&url, Some("ca.pem")), expected, "{url}");
            }
        }
    }

    #[test]
    fn an_at_sign_after_the_server_is_of_no_login() {
        let read = |text: &str| DatabaseUrl::parse(text).expect(text);
        let text = "postgres://db:5433/gpu?application_name=a@b";
        let url = read(text);
        assert_eq!(url.to_string(), text);
        assert_eq!(url.config.get_hosts(), [Host::Tcp("db".to_owned())]);
        assert_eq!(url.config.get_application_name(), Some("a@b"));
        assert_eq!(
            (url.config.get_user(), url.config.get_ports()),
            (None, &[5433][..])
        );
        let url = read("postgres://gpulog@db/g@u?application_name=a@b");
        assert_eq!(url.config.get_user(), Some("gpulog"));
        assert_eq!(url.config.get_dbname(), Some("g@u"));
    }

    #[test]
    fn a_password_is_refused_and_nothing_of_a_wrong_address_is_repeated() {
        for (text, reason) in [
            ("postgres://gpulog:hush@db/gpu", "密碼"),
            ("postgres://gpulog:hu@sh@db/gpu", "密碼"),
            ("postgres://gpulog:hu?sh=1@db/gpu", "密碼"),
            ("postgres://gpulog:hu/sh@db/gpu", "密碼"),
            ("postgres://gpulog:12/hush@db/gpu", "密碼"),
            ("postgres://gpulog:12?hush=1@db/gpu", "密碼"),
            ("postgres://gpulog/x:hush@db/gpu", "密碼"),
            ("postgres://gpulog@x:hush@db/gpu", "密碼"),
            ("postgres://gpulog:@db/gpu", "密碼"),
            ("postgres://gpulog@db/gpu?password=hush", "密碼"),
            ("postgres://db/gpu?hush=1", "無法解析"),
            ("postgres://gpulog@db/gpu?sslmode=hush", "無法解析"),
            ("postgres://db:hush/gpu", "無法解析"),
            ("postgres://gpulog@db/", "沒有資料庫的名稱"),
            ("postgres://gpulog@db", "沒有資料庫的名稱"),
            ("host=db password=hush dbname=gpu", "不是資料庫的網址"),
            ("mysql://hush@db/gpu", "不是資料庫的網址"),
            ("", "不是資料庫的網址"),
        ] {
            let problem = DatabaseUrl::parse(text).expect_err(text);
            assert!(problem.contains(reason), "{text}: {problem}");
            assert!(!problem.contains("hush"), "{text}: {problem}");
        }
    }
}
