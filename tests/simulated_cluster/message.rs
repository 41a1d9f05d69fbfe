//! HTTP messages: what a request says and how an answer is written.

/// A request as the server saw it. Credentials are not kept.
#[derive(Clone, Debug)]
pub struct SeenRequest {
    /// `GET` or `POST`.
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// Names in lower case, with values; the value of `authorization` is replaced.
    pub headers: Vec<(String, String)>,
    /// What was sent with it.
    pub body: String,
}

impl SeenRequest {
    /// The value of a header; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A request as a handler gets it. Without `Debug`, since it carries the token.
pub(super) struct Request {
    pub method: String,
    pub target: String,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    /// Reads the lines before the body.
    pub fn parse(head: &str) -> Option<Self> {
        let mut lines = head.lines();
        let mut words = lines.next()?.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let header = |line: &str| {
            line.split_once(':')
                .map(|(key, value)| (key.to_lowercase(), value.trim().to_owned()))
        };
        Some(Self {
            method,
            target,
            headers: lines.filter_map(header).collect(),
            body: String::new(),
        })
    }

    /// The value of a header; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The decoded path.
    pub fn path(&self) -> String {
        percent_decoded(self.target.split('?').next().unwrap_or_default())
    }

    /// A decoded parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(key, _)| *key == name)
            .map(|(_, value)| percent_decoded(value))
    }

    /// Only an explicit wish keeps a connection open, as with Netdata.
    pub fn keep_alive(&self) -> bool {
        self.header("connection")
            .is_some_and(|value| value.to_lowercase().contains("keep-alive"))
    }

    /// What is kept of the request.
    pub fn seen(&self) -> SeenRequest {
        let redacted = |(key, value): &(String, String)| match key.as_str() {
            "authorization" => (key.clone(), "(redacted)".to_owned()),
            _ => (key.clone(), value.clone()),
        };
        SeenRequest {
            method: self.method.clone(),
            target: self.target.clone(),
            headers: self.headers.iter().map(redacted).collect(),
            body: self.body.clone(),
        }
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [
                    bytes.next().unwrap_or_default(),
                    bytes.next().unwrap_or_default(),
                ];
                let digits = std::str::from_utf8(&digits).unwrap_or_default();
                u8::from_str_radix(digits, 16).unwrap_or(b'?')
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// What a handler answers.
pub(super) struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub body: Vec<u8>,
    /// Further header lines, each with its `\r\n`.
    pub more_headers: String,
}

impl Answer {
    pub fn new(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            content_type,
            body: body.into(),
            more_headers: String::new(),
        }
    }

    /// An answer of status 200.
    pub fn json(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200, "application/json; charset=utf-8", body)
    }

    pub fn text(status: u16, body: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body)
    }

    /// Status line and headers; `framing` says where the body ends.
    pub fn head(&self, keep_alive: bool, framing: &str) -> String {
        let reason = if self.status == 200 { "OK" } else { "Not OK" };
        let connection = if keep_alive { "keep-alive" } else { "close" };
        let Self {
            status,
            content_type,
            more_headers,
            ..
        } = self;
        format!(
            "HTTP/1.1 {status} {reason}\r\nConnection: {connection}\r\nServer: Simulated Netdata\r\n\
             Content-Type: {content_type}\r\n{more_headers}{framing}\r\n\r\n"
        )
    }

    /// The whole answer.
    pub fn bytes(&self, keep_alive: bool) -> Vec<u8> {
        let mut bytes = self
            .head(keep_alive, &format!("Content-Length: {}", self.body.len()))
            .into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}
