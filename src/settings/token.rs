//! The management API's token: where it comes from, and what it says of itself.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::TokenFile;
use super::private_file::{self, NoSecret};
use crate::model::units::UnixSeconds;

/// The name of the token among a service's credentials.
const CREDENTIAL: &str = "management-api-token";
/// The variable that may hold the token itself.
const TOKEN_VARIABLE: &str = "MANAGEMENT_API_TOKEN";

/// A bearer token. It does not show in `Debug` output, and is wiped when dropped.
#[derive(Clone, Debug)]
pub struct Token(SecretString);

/// A token that cannot be had (exit status 10).
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// No source holds one.
    #[error(
        "沒有管理 API 的 Token：請將它寫入 {usual}（chmod 600）、設定 [management_api] token_file、\
         或設定環境變數 {TOKEN_VARIABLE}；若不需要任務資訊，請加上 --skip-task-info",
        usual = .usual.display()
    )]
    Missing {
        /// The usual file.
        usual: PathBuf,
    },
    /// The file cannot be read.
    #[error("無法讀取 Token 檔 {}：{cause}", shown(.path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Users other than the owner may read the file.
    #[error("Token 檔 {path} 可被其他使用者讀取（權限 {mode:04o}）：請執行 chmod 600 {path}", path = .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// What the source holds cannot be a token.
    #[error("{source_name} 的內容不是 Token：必須是一行可見的 ASCII 字元")]
    Malformed {
        /// The file or the variable.
        source_name: String,
    },
}

/// Whether a text may be a token that stands where none belongs. A JWT begins with the `{"` of its header.
pub fn looks_like_one(text: &str) -> bool {
    text.starts_with("eyJ") || (text.len() > 60 && !text.contains(['/', ' ']))
}

/// The path of a token file, unless somebody wrote the token itself in its place.
fn shown(path: &Path) -> String {
    let path = path.display().to_string();
    if looks_like_one(&path) {
        "（設定的 token_file 看起來是 Token 本身，必須是檔案路徑）".to_owned()
    } else {
        path
    }
}

/// Where the token comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// A credential that systemd gives the service.
    Credential(PathBuf),
    /// The token file.
    File(PathBuf),
    /// The environment variable.
    Variable,
}

impl TokenSource {
    /// The first that there is: the credentials directory of systemd, the token file, the variable. A file that the
    /// settings name is one even if it is missing.
    pub fn find(file: &TokenFile) -> Option<Self> {
        if let Some(path) = private_file::credential(CREDENTIAL) {
            return Some(Self::Credential(path));
        }
        let (TokenFile::Named(path) | TokenFile::Usual(path)) = file;
        if matches!(file, TokenFile::Named(_)) || path.exists() {
            return Some(Self::File(path.clone()));
        }
        let is_set = std::env::var_os(TOKEN_VARIABLE).is_some_and(|text| !text.is_empty());
        is_set.then_some(Self::Variable)
    }

    /// A word for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Credential(_) => "credential",
            Self::File(_) => "file",
            Self::Variable => "variable",
        }
    }

    fn read(&self) -> Result<Token, TokenError> {
        match self {
            Self::Credential(path) => Token::from_file(path, private_file::read_credential),
            Self::File(path) => Token::from_file(path, private_file::read_private),
            Self::Variable => {
                let text = std::env::var(TOKEN_VARIABLE).unwrap_or_default();
                Token::new(&text, TOKEN_VARIABLE)
            }
        }
    }
}

impl fmt::Display for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential(path) => write!(f, "systemd 憑證 {}", path.display()),
            Self::File(path) => write!(f, "Token 檔 {}", shown(path)),
            Self::Variable => write!(f, "環境變數 {TOKEN_VARIABLE}"),
        }
    }
}

impl Token {
    /// The token from the first of its sources, which [`TokenSource::find`] has.
    pub fn find(file: &TokenFile) -> Result<Self, TokenError> {
        let (TokenFile::Named(path) | TokenFile::Usual(path)) = file;
        match TokenSource::find(file) {
            Some(source) => source.read(),
            None => Err(TokenError::Missing {
                usual: path.clone(),
            }),
        }
    }

    fn from_file(
        path: &Path,
        read: fn(&Path) -> Result<SecretString, NoSecret>,
    ) -> Result<Self, TokenError> {
        let text = read(path).map_err(|problem| match problem {
            NoSecret::Unreadable(cause) => TokenError::Unreadable {
                path: path.to_owned(),
                cause,
            },
            NoSecret::Exposed { mode } => TokenError::Exposed {
                path: path.to_owned(),
                mode,
            },
        })?;
        Self::new(text.expose_secret(), &path.display().to_string())
    }

    fn new(text: &str, source_name: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Malformed {
                source_name: source_name.to_owned(),
            });
        }
        Ok(Self(text.into()))
    }

    /// The token itself, for the one header that carries it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The body of an answer without the token, which a server may repeat in what it complains of.
    pub fn redact(&self, body: Vec<u8>) -> Vec<u8> {
        match std::str::from_utf8(&body) {
            Ok(text) if text.contains(self.expose()) => {
                text.replace(self.expose(), "(Token)").into_bytes()
            }
            _ => body,
        }
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

    fn token(text: &str) -> Token {
        Token::new(text, "test").expect("a token")
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
            assert!(Token::new(text, "test").is_err(), "{text:?}");
        }
    }
}
