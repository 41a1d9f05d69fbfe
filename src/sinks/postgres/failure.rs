//! Why the database did not do what it was asked, in words that say what to do.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::config::Host;
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::{Config, Error};

use super::super::SinkError;
use crate::model::{Both, both, quote};
use crate::sources::http::{CertificateProblem, root_cause};

/// What messages call the database and who logs in.
pub struct Place {
    database: String,
    host: String,
    user: String,
    /// What no message may hold.
    password: Option<SecretString>,
}

impl Place {
    pub fn new(config: &Config, password: Option<SecretString>) -> Self {
        let name = |host: &Host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        };
        let mut hosts: Vec<_> = config.get_hosts().iter().map(name).collect();
        if hosts.is_empty() {
            let addresses = config.get_hostaddrs().iter();
            hosts.extend(addresses.map(ToString::to_string));
        }
        let ports = config.get_ports();
        if let [port] = ports
            && *port != 5432
        {
            for host in &mut hosts {
                *host = format!("{host}:{port}");
            }
        }
        // Who logs in where nobody is named.
        let account = || std::env::var("USER").unwrap_or_default();
        Self {
            database: config.get_dbname().unwrap_or_default().to_owned(),
            host: hosts.join(","),
            user: config.get_user().map_or_else(account, str::to_owned),
            password,
        }
    }

    pub fn says(&self, problem: &Both) -> SinkError {
        let Self { database, host, .. } = self;
        SinkError(both!(
            "資料庫 {database}（{host}）：{problem}",
            "database {database} at {host}: {problem}"
        ))
    }

    pub fn silent(&self, patience: Duration) -> SinkError {
        let seconds = patience.as_secs();
        self.says(&both!(
            "逾時：{seconds} 秒內沒有回應（請檢查伺服器與網路）",
            "timed out: no answer within {seconds} s (check the server and the network)"
        ))
    }

    /// Why there is no connection.
    pub fn unreachable(&self, error: &Error) -> SinkError {
        let problem = self.known(error).unwrap_or_else(|| {
            let cause = self.shown(&root_cause(error));
            both!(
                "無法連線：{cause}（請檢查伺服器是否執行、database.url 是否正確）",
                "cannot connect: {cause} (check that the server runs, and database.url)"
            )
        });
        self.says(&problem)
    }

    /// Why something went wrong on a connection.
    pub fn failed(&self, error: &Error) -> SinkError {
        let problem = self.known(error).unwrap_or_else(|| {
            let cause = self.shown(&root_cause(error));
            both!("連線中斷：{cause}", "the connection broke: {cause}")
        });
        self.says(&problem)
    }

    fn known(&self, error: &Error) -> Option<Both> {
        if let Some(error) = error.as_db_error() {
            return Some(self.refusal(error));
        }
        if error.is_closed() {
            return Some(both!(
                "伺服器結束了連線（請檢查它是否停止或重新啟動，再試一次）",
                "the server closed the connection (check whether it stopped or restarted, and try again)"
            ));
        }
        let cause = root_cause(error);
        let user = &self.user;
        Some(match (CertificateProblem::find(&cause), cause.as_str()) {
            (Some(problem), _) => certificate(problem, &self.shown(&cause)),
            (None, "password missing") => both!(
                "伺服器要求 {user} 的密碼：請設定 database.password_file（chmod 600），\
                 或以 systemd 的 LoadCredential 提供 database-password",
                "the server wants the password of {user}: set database.password_file (chmod 600), \
                 or provide database-password with systemd's LoadCredential"
            ),
            (None, "server does not support TLS") => both!(
                "伺服器沒有 TLS：請在伺服器啟用（ssl = on）；允許不加密時，\
                 在 database.url 加上 ?sslmode=disable 或 prefer",
                "the server has no TLS: turn it on there (ssl = on); to allow a connection without it, set \
                 ?sslmode=disable or prefer in database.url"
            ),
            _ => return None,
        })
    }

    /// What the server answered.
    fn refusal(&self, error: &DbError) -> Both {
        let Self { database, user, .. } = self;
        let message = self.shown(error.message());
        let code = error.code();
        match code {
            &SqlState::INVALID_PASSWORD => both!(
                "{user} 的密碼不正確，或沒有這個帳號（{message}）：請更新 database.password_file，\
                 或憑證 database-password",
                "the password of {user} is wrong, or there is no such role ({message}): correct \
                 database.password_file, or the credential database-password"
            ),
            &SqlState::INVALID_AUTHORIZATION_SPECIFICATION => both!(
                "伺服器拒絕 {user} 登入（{message}）：請檢查 database.url 的帳號，與伺服器的 pg_hba.conf",
                "the server does not let {user} log in ({message}): check the user in database.url, and the \
                 server's pg_hba.conf"
            ),
            &SqlState::INVALID_CATALOG_NAME => both!(
                "沒有這個資料庫（{message}）：請以 CREATE DATABASE 建立，或更正 database.url",
                "there is no such database ({message}): create it with CREATE DATABASE, or correct database.url"
            ),
            &SqlState::INSUFFICIENT_PRIVILEGE => both!(
                "{user} 沒有權限（{message}）：請執行 GRANT CREATE ON DATABASE {database} TO {user}；\
                 schema daily_gpu_log 已存在時，{user} 必須擁有它",
                "{user} lacks a privilege ({message}): run GRANT CREATE ON DATABASE {database} TO {user}; where the \
                 schema daily_gpu_log is there already, {user} must own it"
            ),
            &SqlState::DISK_FULL => both!(
                "伺服器的磁碟已滿（{message}）：請在伺服器釋出空間，再匯出一次",
                "the server's disk is full ({message}): make room there, and export again"
            ),
            &SqlState::TOO_MANY_CONNECTIONS => both!(
                "伺服器的連線數已滿（{message}）：請稍後再試，或加大 max_connections",
                "the server has no connection left ({message}): try again later, or raise max_connections"
            ),
            &SqlState::CANNOT_CONNECT_NOW
            | &SqlState::ADMIN_SHUTDOWN
            | &SqlState::CRASH_SHUTDOWN => both!(
                "伺服器正在啟動或停止（{message}）：請稍後再試",
                "the server is starting or stopping ({message}): try again later"
            ),
            &SqlState::LOCK_NOT_AVAILABLE | &SqlState::QUERY_CANCELED => both!(
                "等候過久（{message}）：請檢查是否有其他連線鎖住 daily_gpu_log，或伺服器過慢",
                "it took too long ({message}): check whether another session locks daily_gpu_log, or the server is \
                 slow"
            ),
            &SqlState::READ_ONLY_SQL_TRANSACTION => both!(
                "這個伺服器只能讀取（{message}）：database.url 必須是主要伺服器",
                "the server is read-only ({message}): database.url must name the primary"
            ),
            &SqlState::UNTRANSLATABLE_CHARACTER => both!(
                "資料庫的編碼不足（{message}）：請使用編碼 UTF8 的資料庫",
                "the database's encoding lacks a character ({message}): use a database with the encoding UTF8"
            ),
            code => {
                let code = code.code();
                both!(
                    "{message}（SQLSTATE {code}）",
                    "{message} (SQLSTATE {code})"
                )
            }
        }
    }

    /// What the server says, as a message may show it: it may repeat the password that it was sent.
    fn shown(&self, text: &str) -> String {
        let password = self.password.as_ref().map(ExposeSecret::expose_secret);
        match password {
            Some(password) => quote(&text.replace(password, "…")),
            None => quote(text),
        }
    }
}

fn certificate(problem: CertificateProblem, cause: &str) -> Both {
    match problem {
        CertificateProblem::UnknownIssuer => both!(
            "無法連線：{cause}（不認得憑證的簽發者：請以 database.ca_file 指定簽發者的憑證，自簽的就是它本身；\
             不需要加密時，在 database.url 加上 ?sslmode=disable）",
            "cannot connect: {cause} (the certificate's issuer is unknown: name the issuer's certificate with \
             database.ca_file, or the certificate itself if it is self-signed; where no encryption is needed, add \
             ?sslmode=disable to database.url)"
        ),
        CertificateProblem::IsCa => both!(
            "無法連線：{cause}（這是 CA 的憑證，不能直接當作伺服器的憑證：請換一張）",
            "cannot connect: {cause} (this is the certificate of a CA, and cannot serve as a server's: replace it)"
        ),
        CertificateProblem::OtherName => both!(
            "無法連線：{cause}（憑證的 subjectAltName 沒有 database.url 中的名稱或位址：請換一張，或更正 database.url）",
            "cannot connect: {cause} (the certificate's subjectAltName lacks the name or address in database.url: \
             replace it, or correct database.url)"
        ),
        CertificateProblem::Other => {
            both!("無法連線：{cause}", "cannot connect: {cause}")
        }
    }
}
