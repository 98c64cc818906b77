//! The server: TLS with certificates that are replaced, and a short retention.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chrono::DateTime;
use schema::seconds::monday;
use tempfile::TempDir;
use test_support::pki::Authority;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::sample::{Sample, parts_of};
use crate::process::{Process, listening};
use crate::server::get;

/// How long a new certificate may take to be used; the server looks every two seconds.
const TAKEN_WITHIN: Duration = Duration::from_secs(20);
/// Between two looks whether it is.
const LOOK: Duration = Duration::from_millis(100);

/// The server and its folder; dies with this.
pub(super) struct Setting {
    process: Process,
    url: String,
    /// Two that sign certificates by turns, so that a client that trusts one alone sees whose is in use.
    authorities: [Authority; 2],
    renewals: usize,
    slowest_renewal: Duration,
    folder: TempDir,
}

/// What clients are made of.
#[derive(Debug, Clone)]
pub(super) struct Agents {
    pub(super) url: String,
    roots: Vec<Certificate<'static>>,
}

impl Agents {
    /// A client without a connection, which trusts both authorities.
    pub(super) fn new_agent(&self) -> ureq::Agent {
        trusting(&self.roots)
    }
}

fn trusting(roots: &[Certificate<'static>]) -> ureq::Agent {
    let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(roots)).build();
    ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(120))).tls_config(tls).build().into()
}

/// What happened to the server.
pub(super) struct Turned {
    /// Certificates that were replaced, and how long the slowest took to be used.
    pub(super) renewals: usize,
    pub(super) slowest_renewal: Duration,
    /// Lines of errors in its log, and the first of them.
    pub(super) errors: usize,
    pub(super) first_error: Option<String>,
    /// From SIGTERM to its end.
    pub(super) ended_in: Duration,
}

impl Setting {
    /// Starts it on an empty folder.
    pub(super) fn start(binary: &Path, retention: u64) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("a folder")?;
        let path = |name: &str| folder.path().join(name);
        let authorities = ["one", "other"].map(|name| Authority::new(folder.path(), name));
        authorities[0].issue(&path("0"), "server");
        symlink("0", path("current"))?;
        let current = path("current").display().to_string();
        let config = format!(
            "retention_weeks = {retention}\n[tls]\ncertificate = '{current}/certificate.pem'\nkey = '{current}/key.pem'\n"
        );
        std::fs::write(path("config.toml"), config)?;
        let mut command = Command::new(binary);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(path("data"));
        command.arg("--config").arg(path("config.toml")).env("RUST_LOG", "warn");
        command.stderr(std::fs::File::create(path("log"))?);
        let (process, url) = listening(&mut command).context("build it with `make build`")?;
        Ok(Self { process, url, authorities, renewals: 0, slowest_renewal: Duration::ZERO, folder })
    }

    pub(super) fn agents(&self) -> anyhow::Result<Agents> {
        let roots = self.authorities.iter().map(root).collect::<anyhow::Result<_>>()?;
        Ok(Agents { url: self.url.clone(), roots })
    }

    /// Replaces certificate and key by those of the other authority, and waits until they are used.
    pub(super) fn renew(&mut self) -> anyhow::Result<()> {
        self.renewals += 1;
        let (name, next) = (self.renewals.to_string(), self.folder.path().join("next"));
        let authority = &self.authorities[self.renewals % 2];
        authority.issue(&self.folder.path().join(&name), "server");
        symlink(&name, &next)?;
        std::fs::rename(next, self.folder.path().join("current"))?;
        let (begun, root) = (Instant::now(), [root(authority)?]);
        while get(&trusting(&root), &self.url, "/__health").is_err() {
            ensure!(begun.elapsed() < TAKEN_WITHIN, "a new certificate is not used after {:.0?}", begun.elapsed());
            std::thread::sleep(LOOK);
        }
        self.slowest_renewal = self.slowest_renewal.max(begun.elapsed());
        Ok(())
    }

    /// What the process and its folder have now.
    pub(super) fn sample(&self, at: Duration) -> anyhow::Result<Sample> {
        Sample::take(at, self.process.id(), &self.folder.path().join("data"))
    }

    /// Parts on disk of the week that a time lies in.
    pub(super) fn parts_of_week(&self, time: u64) -> anyhow::Result<usize> {
        let week = DateTime::from_timestamp(monday(i64::try_from(time)?), 0).context("the date of a week")?;
        Ok(parts_of(&self.folder.path().join("data/store"), &week.format("%Y%m%d_").to_string()))
    }

    /// Ends the server in good order.
    pub(super) fn stop(self) -> anyhow::Result<Turned> {
        let begun = Instant::now();
        let status = self.process.stop()?;
        ensure!(status.success(), "the server ended with {status}");
        let log = std::fs::read_to_string(self.folder.path().join("log")).context("the server's log")?;
        let mut errors = log.lines().filter(|line| line.contains("ERROR"));
        let first_error = errors.next().map(str::to_owned);
        Ok(Turned {
            renewals: self.renewals,
            slowest_renewal: self.slowest_renewal,
            errors: errors.count() + usize::from(first_error.is_some()),
            first_error,
            ended_in: begun.elapsed(),
        })
    }
}

fn root(authority: &Authority) -> anyhow::Result<Certificate<'static>> {
    let pem = std::fs::read(&authority.file).context("an authority's certificate")?;
    Ok(Certificate::from_pem(&pem)?.to_owned())
}
