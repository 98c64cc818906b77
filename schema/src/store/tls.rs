//! What HTTPS to the store is spoken with.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

/// As the client without TLS has it.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// Less than the three seconds after which ClickHouse closes a connection that nobody uses.
const IDLE: Duration = Duration::from_secs(2);

/// Whom HTTPS to the store trusts, and who asks.
#[derive(Debug, Clone)]
pub struct StoreTls(Arc<ClientConfig>);

/// Why TLS cannot be spoken.
#[derive(Debug, thiserror::Error)]
pub enum StoreTlsError {
    /// A file is none, or no PEM file.
    #[error("{file} cannot be read as PEM: {source}")]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// A file holds something else.
    #[error("{0} holds no certificate")]
    NoCertificate(PathBuf),
    /// The system trusts nobody.
    #[error("this system has no certificates of authorities: name a file that holds some")]
    NoAuthorities,
    /// Certificates that make no sense, or do not fit their key.
    #[error("{file}: {source}")]
    Unfit {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: rustls::Error,
    },
}

impl StoreTls {
    /// Trusts the authorities of a PEM file, or those of the system without one, and shows the certificate of a file, with its
    /// private key of another, to servers that ask for it.
    ///
    /// # Errors
    /// A file cannot be read, or does not hold what it should.
    pub fn new(ca: Option<&Path>, identity: Option<(&Path, &Path)>) -> Result<Self, StoreTlsError> {
        let mut roots = RootCertStore::empty();
        match ca {
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                if roots.is_empty() {
                    return Err(StoreTlsError::NoAuthorities);
                }
            }
            Some(file) => {
                for certificate in certificates(file)? {
                    roots.add(certificate).map_err(unfit(file))?;
                }
            }
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unfit(ca.unwrap_or_else(|| Path::new("TLS"))))?
            .with_root_certificates(roots);
        let config = match identity {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => {
                let private = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key))?;
                config.with_client_auth_cert(certificates(certificate)?, private).map_err(unfit(certificate))?
            }
        };
        Ok(Self(Arc::new(config)))
    }

    /// A client that speaks HTTPS alone.
    pub(super) fn client(&self) -> clickhouse::Client {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_keepalive(Some(KEEP_ALIVE));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(ClientConfig::clone(&self.0))
            .https_only()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new()).pool_idle_timeout(IDLE).build(connector);
        clickhouse::Client::with_http_client(client)
    }
}

/// All certificates of a file; at least one.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, StoreTlsError> {
    let found = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(unreadable(file))?;
    if found.is_empty() { Err(StoreTlsError::NoCertificate(file.to_owned())) } else { Ok(found) }
}

fn unreadable(file: &Path) -> impl Fn(pem::Error) -> StoreTlsError {
    move |source| StoreTlsError::Unreadable { file: file.to_owned(), source }
}

fn unfit(file: &Path) -> impl Fn(rustls::Error) -> StoreTlsError {
    move |source| StoreTlsError::Unfit { file: file.to_owned(), source }
}
