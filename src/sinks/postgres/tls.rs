//! TLS to the database, as to all other servers: by the system's certificates, and those of `ca_file`.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::model::{Both, both};
use crate::sources::http::{no_certificate, read_ca_file, root_cause};

/// None where there is no TLS. By a socket of this machine there never is.
pub fn connector(
    config: &mut Config,
    ca_file: Option<&Path>,
) -> Result<Option<MakeRustlsConnect>, Both> {
    let hosts = config.get_hosts();
    let is_socket = |host: &Host| matches!(host, Host::Unix(_));
    let has_no_address = config.get_hostaddrs().is_empty();
    if has_no_address && !hosts.is_empty() && hosts.iter().all(is_socket) {
        config.ssl_mode(SslMode::Disable);
    }
    if config.get_ssl_mode() == SslMode::Disable {
        return Ok(None);
    }
    let extra = match ca_file {
        Some(path) => certificates(path).map_err(|why| {
            let path = path.display();
            both!(
                "database.ca_file {path}：{why}",
                "database.ca_file {path}: {why}"
            )
        })?,
        None => Vec::new(),
    };
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider));
    let built = verifier.and_then(|verifier| {
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions()?;
        let builder = builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        Ok(MakeRustlsConnect::new(builder.with_no_client_auth()))
    });
    built.map(Some).map_err(|error| {
        let cause = root_cause(&error);
        both!(
            "無法使用 TLS：{cause}（請安裝 ca-certificates）",
            "cannot use TLS: {cause} (install ca-certificates)"
        )
    })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Both> {
    let pem = read_ca_file(path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(no_certificate()),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(Both::of(|| root_cause(&error))),
    }
}
