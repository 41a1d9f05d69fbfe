//! One request over HTTP: with a deadline that holds, a limit on the body, and errors that say what to do.
//!
//! Only the clients of Netdata and of the management API, and the channels of `notify`, use it.

mod body;
mod certificate;
mod clock;
mod error;
mod in_flight;
mod tls;

use std::borrow::Cow;
use std::time::{Duration, Instant, SystemTime};
use std::{mem, thread};

use backon::{BackoffBuilder, ExponentialBuilder};
use reqwest::StatusCode;
use reqwest::blocking::{Client, ClientBuilder, RequestBuilder, Response};
use reqwest::header::{
    CONNECTION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::redirect::Policy;
use url::Url;

use crate::model::Both;
use crate::settings::Patience;
use body::{detail, read_body, read_reply};
use error::from_reqwest;
use in_flight::Room;

pub use certificate::CertificateProblem;
pub use error::{HttpError, root_cause};
pub use tls::{TlsKeys, no_certificate, read_ca_file};

/// The pause before the second try, at least. Each further one is twice as long, and chance adds as much again at most.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connections {
    /// It is closed. An idle one holds 25 kB, which for each of 1,000 nodes is more than all the rest.
    Close,
    Keep,
}

/// A client for servers of one kind.
#[derive(Debug)]
pub struct Http {
    /// Or why there is none: it needs a thread and some open files.
    client: Result<Client, String>,
    /// Why it has no certificates to check `https` servers against.
    tls_problem: Option<Both>,
    patience: Patience,
    quotes_errors: bool,
    shows_paths: bool,
    retries_refusals: bool,
}

#[derive(Debug)]
pub struct Answered {
    pub body: Vec<u8>,
    /// The room that a large body takes, until it is dropped.
    pub room: Room,
    /// By how many seconds at least the server's clock is ahead of the machine's, or behind it where that is negative.
    /// `None` if it is not in the answer.
    pub clock_ahead: Option<i64>,
}

impl Http {
    /// A client that is as patient as `patience`, and speaks TLS if any of `urls` wants it. Where the machine has no
    /// room for it, its requests fail with that.
    pub fn new<'a>(
        patience: &Patience,
        connections: Connections,
        urls: impl IntoIterator<Item = &'a Url>,
    ) -> Self {
        // Reading the system's certificates would take longer than the whole collection.
        let wants_tls = urls.into_iter().any(|url| url.scheme() == "https");
        // Fails only where an earlier call has not: the provider is one for the process.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || builder(patience, connections);
        let without_certificates = || {
            let client = builder().tls_certs_only([]).build();
            client.map_err(|error| root_cause(&error))
        };
        let with_certificates =
            wants_tls.then(|| tls::client(builder, patience.ca_file.as_deref()));
        let (client, tls_problem) = match with_certificates {
            Some(Ok(client)) => (Ok(client), None),
            // That there are no certificates is no concern of servers without TLS.
            Some(Err(problem)) => (without_certificates(), Some(problem)),
            None => (without_certificates(), None),
        };
        Self {
            client,
            tls_problem,
            patience: patience.clone(),
            quotes_errors: true,
            shows_paths: true,
            retries_refusals: false,
        }
    }

    /// Leaves the server's answer out of errors: it may repeat the secret that it was sent.
    pub fn without_quotes(mut self) -> Self {
        self.quotes_errors = false;
        self
    }

    /// Leaves all but the origin of URLs out of the log, and the server's answer out of errors: whoever knows the URL
    /// may use it.
    pub fn with_secret_urls(mut self) -> Self {
        self.shows_paths = false;
        self.without_quotes()
    }

    /// Also where no connection came about, a request is made again.
    pub fn retrying_refusals(mut self) -> Self {
        self.retries_refusals = true;
        self
    }

    /// The moment by which everything that is asked of one server from now on must be done, in a run that began to
    /// ask servers at `begun`.
    ///
    /// One deadline holds for the run, so that many servers that hang cannot add theirs up; but whoever's turn comes
    /// late is given the time of one request.
    pub fn deadline(&self, begun: Instant) -> Instant {
        let Patience {
            timeout, deadline, ..
        } = self.patience;
        (begun + deadline).max(Instant::now() + timeout.min(deadline))
    }

    /// The answer 200 to a GET of `url`, before `deadline` however often it is tried.
    pub fn get(
        &self,
        url: &Url,
        headers: &HeaderMap,
        deadline: Instant,
    ) -> Result<Answered, HttpError> {
        let request = |client: &Client| client.get(url.clone()).headers(headers.clone());
        let is_success = |status| status == StatusCode::OK;
        let limit = self.patience.memory_bytes();
        let read = |response, timeout| read_body(response, limit, deadline, timeout);
        self.until_answered(url, deadline, request, is_success, read)
    }

    /// Posts `body` to `url`, before `deadline` however often it is tried, and answers how the body of the successful
    /// answer begins, as far as it comes: the status says that the message was taken, and it is not to be sent twice.
    pub fn post(
        &self,
        url: &Url,
        content_type: &'static str,
        body: &str,
        deadline: Instant,
    ) -> Result<Vec<u8>, HttpError> {
        let request = |client: &Client| {
            let request = client.post(url.clone()).body(body.to_owned());
            request.header(CONTENT_TYPE, content_type)
        };
        let is_success = |status: StatusCode| status.is_success();
        let read = |response, _| Ok((read_reply(response), Room::default()));
        let answered = self.until_answered(url, deadline, request, is_success, read)?;
        Ok(answered.body)
    }

    fn until_answered(
        &self,
        url: &Url,
        deadline: Instant,
        request: impl Fn(&Client) -> RequestBuilder,
        is_success: impl Fn(StatusCode) -> bool,
        read: impl Fn(Response, Duration) -> Result<(Vec<u8>, Room), HttpError>,
    ) -> Result<Answered, HttpError> {
        if let Some(problem) = &self.tls_problem
            && url.scheme() == "https"
        {
            return Err(HttpError::Tls(problem.clone()));
        }
        let mut pauses = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(FIRST_PAUSE)
            .with_max_times(self.patience.retries)
            .build();
        let client = self.client.as_ref();
        let client = client.map_err(|why| HttpError::Client(why.clone()))?;
        let (first, mut tries) = (Instant::now(), 0);
        loop {
            tries += 1;
            let after = first.elapsed();
            let error = match self.once(url, deadline, request(client), &is_success, &read) {
                Ok(answered) => return Ok(answered),
                Err(error) => error,
            };
            let may_pass = error.may_pass() || (self.retries_refusals && error.is_refusal());
            let pause = pauses.next().map(|pause| pause.max(error.pause()));
            let left = deadline.checked_duration_since(Instant::now());
            match pause {
                // What a server asks for may be more than a moment can be computed from.
                Some(pause) if may_pass && left.is_some_and(|left| pause < left) => {
                    tracing::info!(url = %self.shown(url), %error, ?pause, "trying again");
                    thread::sleep(pause);
                }
                // Where the time is up, this error says more than a try without time for an answer could.
                _ => return Err(error.after_tries(tries, after)),
            }
        }
    }

    fn once(
        &self,
        url: &Url,
        deadline: Instant,
        request: RequestBuilder,
        is_success: impl Fn(StatusCode) -> bool,
        read: impl Fn(Response, Duration) -> Result<(Vec<u8>, Room), HttpError>,
    ) -> Result<Answered, HttpError> {
        let (started, sent) = (Instant::now(), SystemTime::now());
        // Set on the request, the timeout is one for headers and body together; set on the client it would begin
        // anew with every read.
        let left = deadline.saturating_duration_since(started);
        let timeout = self.patience.timeout.min(left);
        let response = request.timeout(timeout).send();
        let response = response.map_err(|error| from_reqwest(&error, timeout))?;
        let status = response.status();
        if !is_success(status) {
            let location = response.headers().get(LOCATION);
            let location = location.and_then(|location| location.to_str().ok());
            let wants_https =
                location.is_some_and(|location| tls::is_same_by_https(response.url(), location));
            let retry_after = response.headers().get(RETRY_AFTER);
            let retry_after = retry_after.and_then(|text| clock::wait(text.to_str().ok()?));
            let detail = if self.quotes_errors {
                detail(response)
            } else {
                String::new()
            };
            return Err(HttpError::Status {
                status,
                detail,
                retry_after,
                wants_https,
            });
        }
        let date = response.headers().get(DATE);
        let date = date.and_then(|date| date.to_str().ok());
        let clock_ahead = date.and_then(|date| clock::ahead(date, sent, SystemTime::now()));
        let (body, room) = read(response, timeout)?;
        tracing::debug!(url = %self.shown(url), bytes = body.len(), elapsed = ?started.elapsed(), "answered");
        Ok(Answered {
            body,
            room,
            clock_ahead,
        })
    }

    fn shown<'a>(&self, url: &'a Url) -> Cow<'a, str> {
        if self.shows_paths {
            url.as_str().into()
        } else {
            url.origin().ascii_serialization().into()
        }
    }
}

fn builder(patience: &Patience, connections: Connections) -> ClientBuilder {
    let mut headers = HeaderMap::new();
    // Netdata closes the connection unless it is asked in so many words (netdata/facts.md §2, HTTP layer).
    headers.insert(CONNECTION, HeaderValue::from_static("keep-alive"));
    let builder = Client::builder()
        .user_agent(concat!("daily-gpu-log/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .connect_timeout(patience.connect_timeout)
        .redirect(Policy::none())
        .referer(false)
        // A proxy in cron's environment is for the outside world.
        .no_proxy();
    match connections {
        Connections::Close => builder.pool_max_idle_per_host(0),
        Connections::Keep => builder,
    }
}

impl Drop for Http {
    /// Lets the client end by itself: it waits for every name that is still being looked up, and nothing that was
    /// given up may hold up what comes next.
    fn drop(&mut self) {
        let client = mem::replace(&mut self.client, Err(String::new()));
        // Where there is no thread for it, the wait has to be.
        let _ = thread::Builder::new().spawn(move || drop(client));
    }
}
