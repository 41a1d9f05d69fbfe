//! The management API's token: where it comes from, and what it says of itself.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::TokenFile;
use super::secret::{Places, SecretError, Source};
use crate::model::{UnixSeconds, literal_end, looks_like_token, said, text};

/// The variable that may hold the token itself.
const TOKEN_VARIABLE: &str = "MANAGEMENT_API_TOKEN";
/// How long before its end a token is spoken of: a week has a working day for everybody who may renew it.
const NOTICE_SECONDS: UnixSeconds = 7 * 24 * 3600;

/// A bearer token. It does not show in `Debug` output, and is wiped when dropped.
#[derive(Clone, Debug)]
pub struct Token {
    text: SecretString,
    pub origin: TokenOrigin,
}

#[derive(Clone, Debug, Serialize)]
pub struct TokenOrigin {
    source: &'static str,
    pub description: String,
}

fn file_name() -> &'static str {
    text("Token 檔", "token file")
}

/// What messages call the file, with its path, unless somebody wrote the token itself in its place.
fn file_text(source: &Source) -> String {
    let path = source.to_string();
    if looks_like_token(&path) {
        said!(
            "Token 檔（設定的 token_file 看起來是 Token 本身，必須是檔案路徑）",
            "token file (token_file in the settings looks like the token itself, and must be the path of a file)"
        )
    } else {
        format!("{} {path}", file_name())
    }
}

/// A file that the settings name is one even if it is missing.
fn places(file: &TokenFile) -> Places<'_> {
    let is_there = matches!(file, TokenFile::Named(_)) || file.path().exists();
    Places {
        credential: "management-api-token",
        file: Some(file.path()).filter(|_| is_there),
        file_name: file_name().to_owned(),
        variable: Some(TOKEN_VARIABLE),
    }
}

impl TokenOrigin {
    /// Where a token would come from, if there is one.
    pub fn find(file: &TokenFile) -> Option<Self> {
        places(file).find().map(|source| Self::new(&source))
    }

    fn new(source: &Source) -> Self {
        let (kind, description) = match source {
            Source::Credential(_) => (
                "credential",
                said!("systemd 憑證 {source}", "systemd credential {source}"),
            ),
            Source::File(_) => ("file", file_text(source)),
            Source::Variable(_) => (
                "variable",
                said!("環境變數 {source}", "environment variable {source}"),
            ),
        };
        Self {
            source: kind,
            description,
        }
    }
}

impl Token {
    /// Whether there is one at all, be it what it may.
    pub fn is_anywhere(file: &TokenFile) -> bool {
        places(file).find().is_some()
    }

    pub fn find(file: &TokenFile) -> Result<Self, SecretError> {
        let places = places(file);
        let Some(source) = places.find() else {
            return Err(SecretError::Unusable(said!(
                "沒有管理 API 的 Token：請將它寫入 {path}（chmod 600）、設定 [management_api] token_file、\
                 或設定環境變數 {TOKEN_VARIABLE}；若不需要任務資訊，請加上 --skip-task-info",
                "no token for the management API: write it to {path} (chmod 600), set [management_api] token_file, \
                 or set the environment variable {TOKEN_VARIABLE}; if you need no task information, \
                 add --skip-task-info",
                path = file.path().display()
            )));
        };
        let content = places.read(&source).map_err(|error| match error {
            SecretError::Unreadable { cause, .. } => SecretError::Unreadable {
                place: file_text(&source),
                cause,
            },
            error => error,
        })?;
        let content = content.expose_secret();
        Self::new(content, TokenOrigin::new(&source)).ok_or_else(|| {
            let problem = if content.trim().is_empty() {
                text(
                    "是空的：請將 Token 寫入其中",
                    "is empty: write the token to it",
                )
            } else {
                text(
                    "的內容不是 Token：必須是一行可見的 ASCII 字元",
                    "does not hold a token, which is one line of visible ASCII characters",
                )
            };
            SecretError::Unusable(format!("{source} {problem}"))
        })
    }

    fn new(text: &str, origin: TokenOrigin) -> Option<Self> {
        let text = text.trim();
        let is_token = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_token.then(|| Self {
            text: text.into(),
            origin,
        })
    }

    /// The token itself, for the one header that carries it.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// The body of an answer without the token, which a server may repeat in what it complains of, also in the
    /// escapes of JSON.
    pub fn redact(&self, body: Vec<u8>) -> Vec<u8> {
        const INSTEAD: &str = "(Token)";
        let Ok(text) = std::str::from_utf8(&body) else {
            return body;
        };
        let mut redacted = text.replace(self.expose(), INSTEAD);
        if redacted.contains('\\') {
            let mut plain = String::with_capacity(redacted.len());
            let mut rest = redacted.as_str();
            while let Some(start) = rest.find('"') {
                plain.push_str(&rest[..start]);
                let (literal, after) = rest[start..].split_at(literal_end(&rest[start..]));
                let decoded = serde_json::from_str::<String>(literal).ok();
                match decoded.filter(|decoded| decoded.contains(self.expose())) {
                    Some(decoded) => {
                        let decoded = Value::from(decoded.replace(self.expose(), INSTEAD));
                        plain.push_str(&decoded.to_string());
                    }
                    None => plain.push_str(literal),
                }
                rest = after;
            }
            plain.push_str(rest);
            redacted = plain;
        }
        redacted.into_bytes()
    }

    /// When the token ends, if that is soon after `now`.
    pub fn ends_soon(&self, now: UnixSeconds) -> Option<UnixSeconds> {
        let end = self.expires_at()?;
        (now..now + NOTICE_SECONDS).contains(&end).then_some(end)
    }

    /// When the token ends, if it is a JWT that says so (RFC 7519, `exp`). The signature is not looked at: the
    /// answer only explains a refusal.
    pub fn expires_at(&self) -> Option<UnixSeconds> {
        #[derive(Deserialize)]
        struct Claims {
            exp: f64,
        }
        let payload = self.expose().split('.').nth(1)?;
        let json = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        let claims: Claims = serde_json::from_slice(&json).ok()?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "`as` saturates, and a stamp is far from the bounds"
        )]
        Some(claims.exp as UnixSeconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Token> {
        Token::new(text, TokenOrigin::new(&Source::Variable("test")))
    }

    fn token(text: &str) -> Token {
        read(text).expect("a token")
    }

    #[test]
    fn a_token_does_not_show_itself() {
        assert!(!format!("{:?}", token("hush-hush")).contains("hush"));
    }

    #[test]
    fn an_answer_can_be_had_without_the_token() {
        let redacted = |body: &[u8]| token("hush").redact(body.to_vec());
        assert_eq!(redacted(b"bad header: hush!"), b"bad header: (Token)!");
        assert_eq!(redacted(b"\xff"), b"\xff");
        // As PHP writes a slash, and as anybody may write anything.
        let redacted = |body: &str| token("a/SECRET+").redact(body.into());
        for (body, plain) in [
            (
                r#"{"a\/SECRET+":["x \"a\u002fSECRET\u002b\""]}"#,
                r#"{"(Token)":["x \"(Token)\""]}"#,
            ),
            (r#"["a\\", "b", "unended \"#, r#"["a\\", "b", "unended \"#),
        ] {
            assert_eq!(redacted(body), plain.as_bytes());
        }
    }

    #[test]
    fn a_jwt_says_when_it_expires() {
        let payload = URL_SAFE_NO_PAD.encode(r#"{"sub":"admin","exp":1754006400}"#);
        assert_eq!(
            token(&format!("e30.{payload}.c2ln")).expires_at(),
            Some(1_754_006_400)
        );
    }

    #[test]
    fn a_token_ends_soon_within_a_week() {
        let end = 1_754_006_400;
        let payload = URL_SAFE_NO_PAD.encode(format!(r#"{{"exp":{end}}}"#));
        let token = token(&format!("e30.{payload}.c2ln"));
        let week = 7 * 24 * 3600;
        for (now, soon) in [
            (end - week, None),
            (end - week + 1, Some(end)),
            (end, Some(end)),
            (end + 1, None),
        ] {
            assert_eq!(token.ends_soon(now), soon, "{now}");
        }
    }

    #[test]
    fn what_is_not_a_jwt_says_nothing() {
        let without = URL_SAFE_NO_PAD.encode(r#"{"sub":"admin"}"#);
        for text in ["opaque", "a.b.c", "..", &format!("e30.{without}.c2ln")] {
            assert_eq!(token(text).expires_at(), None, "{text}");
        }
    }

    #[test]
    fn a_token_is_one_line_of_visible_ascii() {
        assert_eq!(token("abc\n").expose(), "abc");
        for text in ["", "\n", "two words", "a\nb", "權杖"] {
            assert!(read(text).is_none(), "{text:?}");
        }
    }
}
