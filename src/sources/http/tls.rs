//! Which servers are believed to be who they say, and what helps where one is not.

use std::fmt;
use std::io::Read;
use std::path::Path;

use reqwest::Certificate;
use reqwest::blocking::{Client, ClientBuilder};
use url::Url;

use super::certificate::CertificateProblem;
use super::error::{HttpError, root_cause};
use crate::model::{Both, both, say};
use crate::settings::regular_file;

/// Many times all the certificates of a system.
const CA_FILE_LIMIT_BYTES: u64 = 4 << 20;

/// The keys of the settings that decide about TLS to a server.
#[derive(Clone, Copy, Debug)]
pub struct TlsKeys {
    pub url: &'static str,
    pub ca_file: &'static str,
}

/// A client that believes those servers which the system's certificates or those of `ca_file` speak for; or why not.
pub fn client(builder: impl Fn() -> ClientBuilder, ca_file: Option<&Path>) -> Result<Client, Both> {
    let Some(path) = ca_file else {
        let client = builder().build();
        return client.map_err(|error| {
            let cause = root_cause(&error);
            both!(
                "{cause}（請安裝 ca-certificates）",
                "{cause} (install ca-certificates)"
            )
        });
    };
    let client = certificates(path).and_then(|extra| {
        let client = builder().tls_certs_merge(extra).build();
        client.map_err(|error| Both::of(|| root_cause(&error)))
    });
    client.map_err(|why| {
        let path = path.display();
        both!("ca_file {path}：{why}", "ca_file {path}: {why}")
    })
}

/// What a file of certificates holds.
pub fn read_ca_file(path: &Path) -> Result<Vec<u8>, Both> {
    let mut pem = Vec::new();
    let file = regular_file::open_named(path);
    let read = file.and_then(|file| file.take(CA_FILE_LIMIT_BYTES).read_to_end(&mut pem));
    let read = read.map_err(|error| Both::of(|| error.to_string()));
    read.map(|_| pem)
}

pub fn no_certificate() -> Both {
    both!("沒有 PEM 格式的憑證", "it has no certificate in PEM format")
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, Both> {
    let pem = read_ca_file(path)?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if certificates.is_empty() => Err(no_certificate()),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(Both::of(|| root_cause(&error))),
    }
}

impl HttpError {
    /// What to change where it is a matter of TLS: the keys of the settings, or the server's certificate.
    pub fn tls_advice(&self, keys: TlsKeys) -> TlsAdvice<'_> {
        TlsAdvice { error: self, keys }
    }
}

pub struct TlsAdvice<'a> {
    error: &'a HttpError,
    keys: TlsKeys,
}

impl fmt::Display for TlsAdvice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use CertificateProblem as P;
        let TlsKeys { url, ca_file } = self.keys;
        match self.error {
            HttpError::Certificate { problem, .. } => match problem {
                P::UnknownIssuer => say!(
                    f,
                    "（不認得憑證的簽發者：請以 {ca_file} 指定簽發者的憑證，自簽的就是它本身）",
                    " (the certificate's issuer is unknown: name the issuer's certificate with {ca_file}, \
                     or the certificate itself if it is self-signed)"
                ),
                P::IsCa => say!(
                    f,
                    "（這是 CA 的憑證，不能直接當作伺服器的憑證，Netdata 文件中的自簽憑證就是如此：\
                     請換一張，做法見 daily-gpu-log help settings）",
                    " (this is the certificate of a CA, as is the self-signed one in Netdata's documentation, \
                     and cannot serve as a server's: replace it, see daily-gpu-log help settings)"
                ),
                P::OtherName => say!(
                    f,
                    "（憑證的 subjectAltName 沒有 {url} 中的名稱或位址：請換一張，做法見 daily-gpu-log help settings）",
                    " (the certificate's subjectAltName lacks the name or address in {url}: replace it, see \
                     daily-gpu-log help settings)"
                ),
                P::Other => Ok(()),
            },
            HttpError::Status {
                wants_https: true, ..
            } => say!(
                f,
                "（這裡只接受 https：請將 {url} 的 http 改為 https）",
                " (only https is accepted here: change http to https in {url})"
            ),
            _ => Ok(()),
        }
    }
}

/// Whether `location` is `asked`, which is no `https`, but by `https`.
pub fn is_same_by_https(asked: &Url, location: &str) -> bool {
    let Ok(location) = asked.join(location) else {
        return false;
    };
    let place = |url: &Url| (url.host_str().map(str::to_owned), url.path().to_owned());
    asked.scheme() == "http" && location.scheme() == "https" && place(asked) == place(&location)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_wants_https_says_so_by_a_redirect_to_the_same_place() {
        let asked = "http://n:19999/host/a/api/v1/data?chart=a%7Cb"
            .parse()
            .expect("an URL");
        for (location, is_same) in [
            ("https://n:19999/host/a/api/v1/data?chart=a|b", true),
            ("https://n/host/a/api/v1/data", true),
            ("https://m:19999/host/a/api/v1/data", false),
            ("https://n:19999/login", false),
            ("http://n:19999/host/a/api/v1/data", false),
            ("/host/a/api/v1/data", false),
            ("https://", false),
        ] {
            assert_eq!(is_same_by_https(&asked, location), is_same, "{location}");
        }
    }
}
