//! The PostgreSQL database that the tree is copied into, and the password that this needs.

use std::fmt;
use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio_postgres::Config;

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
}

impl DatabaseUrl {
    pub fn config(&self) -> &Config {
        &self.config
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
        // Before the parser, whose objections may quote a part of it.
        let login = rest.split_once('@').map_or("", |(login, _)| login);
        if login.contains(':') {
            return Err(password_in_url());
        }
        let mut config: Config = with_known_modes(text).parse().map_err(|_| {
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
        let text = text.to_owned();
        Ok(Self { text, config })
    }
}

/// The text with a mode that the parser knows. A certificate is verified with each.
fn with_known_modes(text: &str) -> String {
    let Some((address, parameters)) = text.split_once('?') else {
        return text.to_owned();
    };
    let parameters = parameters.split('&').map(|parameter| match parameter {
        "sslmode=verify-ca" | "sslmode=verify-full" => "sslmode=require",
        parameter => parameter,
    });
    let parameters: Vec<_> = parameters.collect();
    format!("{address}?{}", parameters.join("&"))
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
    use tokio_postgres::config::{Host, SslMode};

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
        assert_eq!(url.config.get_ssl_mode(), SslMode::Prefer);
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
            assert_eq!(read(text).config.get_hosts(), [socket.clone()], "{text}");
        }
    }

    #[test]
    fn a_password_is_refused_and_nothing_of_a_wrong_address_is_repeated() {
        for (text, reason) in [
            ("postgres://gpulog:hush@db/gpu", "密碼"),
            ("postgres://gpulog:hu@sh@db/gpu", "密碼"),
            ("postgres://gpulog:hu?sh=1@db/gpu", "密碼"),
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
