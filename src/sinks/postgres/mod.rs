//! A copy in a PostgreSQL database, in a schema of its own.
//!
//! Whatever is asked of the server has a time after which it is given up: one that has stopped answering keeps its
//! connections open.

mod batch;
mod copy;
mod failure;
mod schema;
mod tls;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use chrono::NaiveDate;
use secrecy::ExposeSecret;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, Error, NoTls, Socket, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Fingerprint, NodeCopy, Sink, SinkError, TreeDay, Unread};
use crate::model::{Both, both};
use crate::settings::Database;
use copy::Date;
use failure::Place;

/// The longest that connecting to one address may take, and with the login and all addresses of the server.
const ADDRESS_PATIENCE: Duration = Duration::from_secs(10);
const LOGIN_PATIENCE: Duration = Duration::from_secs(30);
/// The longest that one transaction may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Within that, what the server gives up by itself, also where nobody is left who waits for it.
const BEGIN: &str = "SET LOCAL lock_timeout = '30s'; SET LOCAL statement_timeout = '60s'; \
                     SET LOCAL idle_in_transaction_session_timeout = '60s'";
/// The nodes that are in memory, and that a transaction takes.
const BATCH: usize = 64;

pub struct Postgres {
    client: Client,
    link: Link,
    /// Of the schema; 0 where there is none yet.
    version: i32,
}

/// What drives the connection.
struct Link {
    runtime: Runtime,
    connection: JoinHandle<()>,
    place: Place,
}

impl Postgres {
    pub fn connect(database: &Database) -> Result<Self, SinkError> {
        let config = database.config().ok_or_else(|| {
            SinkError(both!(
                "沒有資料庫：請設定 [database] url",
                "no database: set url in [database]"
            ))
        })?;
        let password = database.password();
        let password = password.map_err(|error| SinkError(Both::of(|| error.to_string())))?;
        let mut config = with_patience(&config);
        if let Some(password) = &password {
            config.password(password.expose_secret());
        }
        let place = Place::new(&config, password);
        let tls = tls::connector(&mut config, database.ca_file.as_deref());
        let tls = tls.map_err(|problem| place.says(&problem))?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| place.says(&Both::of(|| error.to_string())))?;
        let connected = runtime.block_on(async {
            let connected = async {
                match tls {
                    Some(tls) => open::<MakeRustlsConnect>(&config, tls).await,
                    None => open(&config, NoTls).await,
                }
            };
            timeout(LOGIN_PATIENCE, connected).await
        });
        let (mut client, connection) = match connected {
            Ok(Ok(connected)) => connected,
            Ok(Err(error)) => return Err(place.unreachable(&error)),
            Err(_) => return Err(place.silent(LOGIN_PATIENCE)),
        };
        let link = Link {
            runtime,
            connection,
            place,
        };
        let version = link.wait(schema::version(&mut client))?;
        schema::check(version).map_err(|problem| link.place.says(&problem))?;
        Ok(Self {
            client,
            link,
            version,
        })
    }
}

fn with_patience(config: &Config) -> Config {
    let mut config = config.clone();
    let within = config.get_connect_timeout().copied();
    config.connect_timeout(within.unwrap_or(ADDRESS_PATIENCE).min(ADDRESS_PATIENCE));
    config.tcp_user_timeout(PATIENCE);
    config.keepalives_idle(Duration::from_secs(30));
    config.keepalives_interval(Duration::from_secs(10));
    config.keepalives_retries(3);
    if config.get_application_name().is_none() {
        config.application_name("daily-gpu-log");
    }
    config
}

/// Connects, and logs in.
async fn open<T>(config: &Config, tls: T) -> Result<(Client, JoinHandle<()>), Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
    T::TlsConnect: Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let (client, connection) = config.connect(tls).await?;
    let connection = tokio::spawn(async move {
        // What becomes of it, those learn who wait for an answer.
        let _ = connection.await;
    });
    Ok((client, connection))
}

async fn begin(client: &mut Client) -> Result<Transaction<'_>, Error> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(BEGIN).await?;
    Ok(transaction)
}

impl Link {
    fn wait<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, SinkError> {
        let done = self
            .runtime
            .block_on(async { timeout(PATIENCE, work).await });
        if let Ok(done) = done {
            return done.map_err(|error| self.place.failed(&error));
        }
        // Whoever asks next is not to wait as long again.
        self.connection.abort();
        Err(self.place.silent(PATIENCE))
    }
}

impl Sink for Postgres {
    fn fingerprints(
        &mut self,
        date: NaiveDate,
    ) -> Result<BTreeMap<String, Fingerprint>, SinkError> {
        if self.version == 0 {
            return Ok(BTreeMap::new());
        }
        self.link.wait(fingerprints(&mut self.client, date))
    }

    fn write(
        &mut self,
        day: &TreeDay,
        nodes: &mut dyn Iterator<Item = Result<NodeCopy, Unread>>,
    ) -> Result<(), SinkError> {
        if self.version < schema::LATEST {
            let version = self.link.wait(schema::migrate(&mut self.client))?;
            schema::check(version).map_err(|problem| self.link.place.says(&problem))?;
            self.version = version;
        }
        // First: a day whose nodes are all equal is not written again.
        self.link.wait(batch::write_run(&mut self.client, day))?;
        let mut nodes = nodes.flatten().fuse();
        loop {
            let batch: Vec<NodeCopy> = nodes.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                return Ok(());
            }
            self.link
                .wait(batch::write(&mut self.client, day, &batch))?;
        }
    }
}

async fn fingerprints(
    client: &mut Client,
    date: NaiveDate,
) -> Result<BTreeMap<String, Fingerprint>, Error> {
    const QUERY: &str = "SELECT node, fingerprint FROM daily_gpu_log.node_day WHERE date = $1";
    let transaction = begin(client).await?;
    let rows = transaction.query(QUERY, &[&Date(date)]).await?;
    let mut fingerprints = BTreeMap::new();
    for row in rows {
        let fingerprint: &[u8] = row.try_get(1)?;
        if let Ok(fingerprint) = fingerprint.try_into() {
            fingerprints.insert(row.try_get(0)?, fingerprint);
        }
    }
    transaction.commit().await?;
    Ok(fingerprints)
}
