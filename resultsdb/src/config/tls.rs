//! The part of the configuration that makes a service speak TLS.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use serde::Deserialize;

/// The files of a service that speaks TLS, all of them in PEM. Where they change, the service takes the new ones.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tls {
    /// The certificate of the service, and those up to one that clients trust.
    pub(crate) certificate: PathBuf,
    /// The private key of the certificate.
    pub(crate) key: PathBuf,
    /// Who signs the certificates of clients; with this, clients without one of theirs are refused.
    pub(crate) client_ca: Option<PathBuf>,
}

impl Tls {
    /// Checks that every file that TLS needs is named.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        for (member, file) in [("certificate", &self.certificate), ("key", &self.key)] {
            ensure!(
                !file.as_os_str().is_empty(),
                "[tls] of the configuration has no `{member}`: name the PEM file that holds it"
            );
        }
        Ok(())
    }

    /// Every file that is read.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()].into_iter().flatten().map(PathBuf::as_path)
    }
}
