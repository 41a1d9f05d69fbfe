//! Synthetic tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The token that the simulated management API takes, unless a test brings an API of its own.
pub(crate) const TOKEN: &str = "header.synthetic-token.signature";

/// A token that says when it ends, and whose signature nobody looks at.
pub(crate) fn jwt(exp: i64) -> String {
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    format!(
        "{}.{}.c2lnbmF0dXJl",
        part(r#"{"alg":"HS256","typ":"JWT"}"#),
        part(&format!(r#"{{"sub":"admin","exp":{exp}}}"#))
    )
}
