//! Which servers are trusted over TLS, and who asks them.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

/// Files for a server that is not known to everybody. Without them, the public authorities are trusted.
#[derive(Args, Debug, Clone, Default)]
pub struct TrustOptions {
    /// A PEM file with the authorities that may have signed the server's certificate, instead of the public ones.
    #[arg(long, value_name = "FILE", env = "RESULTSDB_CA")]
    pub ca: Option<PathBuf>,

    /// A PEM file with a certificate to show to a server that asks for one.
    #[arg(long, value_name = "FILE", env = "RESULTSDB_CLIENT_CERTIFICATE", requires = "client_key")]
    pub client_certificate: Option<PathBuf>,

    /// The PEM file with the private key of that certificate.
    #[arg(long, value_name = "FILE", env = "RESULTSDB_CLIENT_KEY", requires = "client_certificate")]
    pub client_key: Option<PathBuf>,
}

impl TrustOptions {
    /// What TLS is spoken with.
    ///
    /// # Errors
    /// A file cannot be read, or holds no certificate or key.
    pub fn tls(&self) -> anyhow::Result<TlsConfig> {
        let mut tls = TlsConfig::builder();
        if let Some(file) = &self.ca {
            let certificates = certificates(file)?;
            tls = tls.root_certs(RootCerts::new_with_certs(&certificates));
        }
        if let (Some(certificate), Some(key)) = (&self.client_certificate, &self.client_key) {
            let private = PrivateKey::from_pem(&read(key)?)
                .with_context(|| format!("{} holds no private key in PEM", key.display()))?;
            let chain = certificates(certificate)?;
            check_pair(&chain, &private).with_context(|| {
                format!("the key in {} is not that of the certificate in {}", key.display(), certificate.display())
            })?;
            tls = tls.client_cert(Some(ClientCert::new_with_certs(&chain, private)));
        }
        Ok(tls.build())
    }
}

/// Whether a key is that of a certificate. Whoever speaks TLS with another one panics.
fn check_pair(chain: &[Certificate<'static>], key: &PrivateKey<'static>) -> anyhow::Result<()> {
    let chain = chain.iter().map(|certificate| CertificateDer::from(certificate.der().to_vec())).collect();
    let key = PrivateKeyDer::try_from(key.der().to_vec()).map_err(anyhow::Error::msg)?;
    CertifiedKey::from_der(chain, key, &ring::default_provider())?;
    Ok(())
}

fn certificates(file: &Path) -> anyhow::Result<Vec<Certificate<'static>>> {
    let mut found = Vec::new();
    for item in parse_pem(&read(file)?) {
        if let PemItem::Certificate(certificate) = item.with_context(|| format!("{} is no PEM file", file.display()))? {
            found.push(certificate);
        }
    }
    ensure!(!found.is_empty(), "{} holds no certificate in PEM", file.display());
    Ok(found)
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn files_without_certificates_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let error = |text: &str| {
            std::fs::write(&file, text).unwrap();
            TrustOptions { ca: Some(file.clone()), ..TrustOptions::default() }.tls().unwrap_err().to_string()
        };
        assert_eq!(error("nothing"), format!("{} holds no certificate in PEM", file.display()));
        let cut_short = "-----BEGIN CERTIFICATE-----\nAAAA\n";
        assert_eq!(error(cut_short), format!("{} is no PEM file", file.display()));
        std::fs::remove_file(&file).unwrap();
        let missing = TrustOptions { ca: Some(file.clone()), ..TrustOptions::default() }.tls().unwrap_err().to_string();
        assert_eq!(missing, format!("{} cannot be read", file.display()));
        assert!(TrustOptions::default().tls().is_ok());
    }
}
