//! The certificates of a service, read from files and read again when they change.
//!
//! Connections that are open go on with what they began with; a handshake takes what is newest. Files that make no whole,
//! such as a certificate whose key is not there yet, leave things as they are until they change again.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::config::Tls;

/// What a handshake is made with.
pub(super) type ServerTls = Arc<ServerConfig>;

/// Between two looks at the files.
const INTERVAL: Duration = Duration::from_secs(2);

/// What tells a file from the one that was there before: its inode, and when that was last changed. None without a file.
type Stamp = Option<(u64, i64, i64)>;

/// Reads the files, and reads them again whenever they change, until `stop` is true.
///
/// Errors name the file that makes no sense. After the first time they are only logged.
pub(super) fn follow(files: &Tls, stop: watch::Receiver<bool>) -> anyhow::Result<watch::Receiver<ServerTls>> {
    files.check()?;
    // Taken before the files are read, so that a change in between is one.
    let seen = stamps(files);
    let (send, receive) = watch::channel(load(files).context("in [tls] of the configuration")?);
    tokio::spawn(reload(files.clone(), seen, send, stop));
    Ok(receive)
}

async fn reload(files: Tls, mut seen: Vec<Stamp>, send: watch::Sender<ServerTls>, mut stop: watch::Receiver<bool>) {
    let files = Arc::new(files);
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !*stop.borrow() {
        tokio::select! {
            _ = ticks.tick() => {}
            changed = stop.changed() => if changed.is_err() { return } else { continue },
        }
        let (read, before) = (Arc::clone(&files), seen.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let now = stamps(&read);
            (now != before).then(|| (now, load(&read)))
        });
        let Ok(Some((now, loaded))) = looked.await else { continue };
        seen = now;
        match loaded {
            Ok(loaded) => {
                tracing::info!(certificate = %files.certificate.display(), "the new certificate is used");
                send.send_replace(loaded);
            }
            Err(error) => {
                tracing::error!("the changed files of [tls] are not used, and the former certificate stays: {error:#}");
            }
        }
    }
}

fn stamps(files: &Tls) -> Vec<Stamp> {
    let stamp = |file: &Path| {
        let found = std::fs::metadata(file).ok()?;
        Some((found.ino(), found.ctime(), found.ctime_nsec()))
    };
    files.files().map(stamp).collect()
}

pub(super) fn load(files: &Tls) -> anyhow::Result<ServerTls> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .with_context(|| format!("reading the private key {}", files.key.display()))?;
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .context("choosing the versions of TLS")?;
    let config = match &files.client_ca {
        None => config.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).with_context(|| format!("in {}", path.display()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            config.with_client_cert_verifier(verifier.with_context(|| format!("in {}", path.display()))?)
        }
    };
    let mut config = config.with_single_cert(certificates(&files.certificate)?, key).with_context(|| {
        format!("{} and {} do not belong together", files.certificate.display(), files.key.display())
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// All certificates of a file; at least one.
pub(crate) fn certificates(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.with_context(|| format!("reading the certificates {}", file.display()))?;
    ensure!(!found.is_empty(), "{} holds no certificate", file.display());
    Ok(found)
}
