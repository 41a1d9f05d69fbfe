//! The client of the management API: which tasks held which GPUs on a day.

mod answer;
pub mod kept;
mod moment;

use std::time::Instant;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use url::Url;

use super::http::{Answered, Connections, Http, HttpError, TlsKeys};
use crate::model::{Answer, Both, UnixSeconds, Window, clock, said};
use crate::settings::{ManagementApi, Patience, Token};

/// Why there is no task information. The messages follow the seeds' wording, and name the address without its query.
#[derive(Debug, thiserror::Error)]
pub enum TasksError {
    #[error("{}", failed(.url, .cause))]
    Http { url: String, cause: HttpError },
    #[error("{}", refused(.url, *.status, .expired_at.as_deref()))]
    Refused {
        url: String,
        status: u16,
        /// When the token expired, on the clocks of the day's zone, if it is a JWT that has.
        expired_at: Option<String>,
    },
    #[error("{}", said!(
        "無法從管理 API 獲取數據：{0} 的回應無法解析（{1}）",
        "cannot get data from the management API: the answer from {0} cannot be read ({1})",
        .url, .problem
    ))]
    Unreadable { url: String, problem: Both },
}

const TLS_KEYS: TlsKeys = TlsKeys {
    url: "management_api.url",
    ca_file: "management_api.ca_file",
};

impl TasksError {
    /// The error with `instead` for what it quotes of the API's answer.
    pub fn without_quotes(self, instead: Both) -> Self {
        match self {
            Self::Unreadable { url, .. } => Self::Unreadable {
                url,
                problem: instead,
            },
            error => error,
        }
    }
}

fn failed(url: &str, cause: &HttpError) -> String {
    let advice = cause.tls_advice(TLS_KEYS);
    said!(
        "無法從管理 API 獲取數據：{url}：{cause}{advice}",
        "cannot get data from the management API: {url}: {cause}{advice}"
    )
}

fn refused(url: &str, status: u16, expired_at: Option<&str>) -> String {
    let advice = match expired_at {
        Some(at) => said!(
            "Token 已於 {at} 過期，請換新的 Token",
            "the token expired at {at}, renew it"
        ),
        None => said!("請檢查 Token 是否有效", "check whether the token is valid"),
    };
    said!(
        "無法從管理 API 獲取數據：{url} 拒絕了 Token（HTTP {status}）：{advice}",
        "cannot get data from the management API: {url} refused the token (HTTP {status}): {advice}"
    )
}

#[derive(Clone, Debug)]
pub struct Fetched {
    pub answer: Answer,
    /// As it came, but without the token if the API repeats it.
    pub body: Vec<u8>,
    /// By how many seconds the API's clock is ahead of the machine's, if its answer has the time.
    pub clock_ahead: Option<i64>,
}

/// The tasks of the window's day: all, or those of `username`. By `now`, an expired token is known from a wrong one.
pub fn fetch(
    api: &ManagementApi,
    patience: &Patience,
    token: &Token,
    window: &Window,
    username: Option<&str>,
    now: UnixSeconds,
) -> Result<Fetched, TasksError> {
    let patience = Patience {
        ca_file: api.ca_file.clone(),
        ..patience.clone()
    };
    let http = Http::new(&patience, Connections::Close, [&api.url]).without_quotes();
    let (query, deadline) = (query(api, window, username), http.deadline(Instant::now()));
    let url = || api.url.to_string();
    let failure = |cause: HttpError| match cause.status().map(|status| status.as_u16()) {
        Some(status @ (401 | 403 | 422)) => {
            let expired_at = token.expires_at().filter(|&at| at <= now);
            TasksError::Refused {
                url: url(),
                status,
                expired_at: expired_at.map(|at| window.clock(at)),
            }
        }
        _ => TasksError::Http { url: url(), cause },
    };
    let answered = http.get(&query, &headers(token), deadline);
    let Answered {
        body,
        room: _room,
        clock_ahead,
    } = answered.map_err(failure)?;
    // Before it is read or kept, so that no message of this run or a later one can repeat it.
    let body = token.redact(body);
    let answer = answer::read(&body);
    Ok(Fetched {
        answer: answer.map_err(|problem| TasksError::Unreadable {
            url: url(),
            problem,
        })?,
        body,
        clock_ahead,
    })
}

/// The API takes the first and the last second of the day, as its own clock shows them.
fn query(api: &ManagementApi, window: &Window, username: Option<&str>) -> Url {
    let mut url = api.url.clone();
    url.query_pairs_mut()
        .append_pair("start_t", &clock(api.zone, window.start))
        .append_pair("end_t", &clock(api.zone, window.end - 1))
        .extend_pairs(username.map(|name| ("username", name)));
    url
}

fn headers(token: &Token) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
        .expect("a token is visible ASCII");
    bearer.set_sensitive(true);
    headers.insert(AUTHORIZATION, bearer);
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Interval, Language};
    use crate::settings::TokenFile;
    use chrono_tz::{Asia, Tz};

    fn asked(day_zone: Tz, api_zone: Tz, username: Option<&str>) -> String {
        let api = ManagementApi {
            url: "http://192.168.10.100/api/v2/consumption/task"
                .parse()
                .expect("an URL"),
            zone: api_zone,
            token_file: TokenFile::Usual("token".into()),
            ca_file: None,
        };
        let date = "2025-07-22".parse().expect("a date");
        let window =
            Window::new(date, day_zone, Interval::DEFAULT, 2_000_000_000).expect("a window");
        query(&api, &window, username)
            .query()
            .expect("a query")
            .to_owned()
    }

    #[test]
    fn an_error_is_said_in_either_language() {
        let refused = |expired_at: Option<&str>| TasksError::Refused {
            url: "http://api".to_owned(),
            status: 401,
            expired_at: expired_at.map(str::to_owned),
        };
        let unreadable = TasksError::Unreadable {
            url: "http://api".to_owned(),
            problem: answer::read(b"[]").expect_err("a list"),
        };
        for (error, chinese, english) in [
            (
                refused(None),
                "http://api 拒絕了 Token（HTTP 401）：請檢查 Token 是否有效",
                "http://api refused the token (HTTP 401): check whether the token is valid",
            ),
            (
                refused(Some("12:00")),
                "http://api 拒絕了 Token（HTTP 401）：Token 已於 12:00 過期，請換新的 Token",
                "http://api refused the token (HTTP 401): the token expired at 12:00, renew it",
            ),
            (
                unreadable,
                "http://api 的回應無法解析（不是任務的 JSON 物件：是清單）",
                "the answer from http://api cannot be read (not a JSON object of tasks: it is a list)",
            ),
        ] {
            let chinese = format!("無法從管理 API 獲取數據：{chinese}");
            assert_eq!(error.to_string(), chinese);
            let english = format!("cannot get data from the management API: {english}");
            assert_eq!(Language::English.in_it(|| error.to_string()), english);
        }
    }

    #[test]
    fn the_api_is_asked_for_the_day_on_its_own_clock() {
        assert_eq!(
            asked(Tz::UTC, Tz::UTC, None),
            "start_t=2025-07-22+00%3A00%3A00&end_t=2025-07-22+23%3A59%3A59"
        );
        assert_eq!(
            asked(Asia::Taipei, Tz::UTC, None),
            "start_t=2025-07-21+16%3A00%3A00&end_t=2025-07-22+15%3A59%3A59"
        );
        assert_eq!(
            asked(Asia::Taipei, Asia::Taipei, Some("王 小明")),
            "start_t=2025-07-22+00%3A00%3A00&end_t=2025-07-22+23%3A59%3A59&username=%E7%8E%8B+%E5%B0%8F%E6%98%8E"
        );
    }
}
