//! Where a service is reached: its port, with TLS or without, and the connections to it.
//!
//! [`connections`] accepts and serves; [`certificates`] holds what TLS is spoken with, and takes new files while it runs.

mod certificates;
mod connections;
#[cfg(test)]
mod tests;

use std::time::Duration;

use anyhow::Context;
use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::config::Tls;
pub(crate) use certificates::certificates;
use certificates::{ServerTls, load};
use connections::Patience;

/// How long connections are waited for.
const PATIENCE: Patience = Patience {
    handshake: Duration::from_secs(10),
    // Proxies close connections that nobody uses after a minute, and must do so before the server does: what they send
    // on a connection that is just being closed is lost.
    headers: Duration::from_secs(75),
    first: Duration::from_millis(500),
    drain: Duration::from_secs(8),
};

/// Checks that the files can be read and fit each other; an error names the one that makes no sense.
pub(crate) fn check(files: &Tls) -> anyhow::Result<()> {
    files.check()?;
    load(files).map(drop)
}

/// A port that is bound.
pub(crate) struct Endpoint {
    listener: TcpListener,
    tls: Option<watch::Receiver<ServerTls>>,
}

impl Endpoint {
    /// Binds an address; with TLS where the configuration has its part. Certificates are followed until `stop` is true.
    pub(crate) async fn bind(address: &str, tls: Option<&Tls>, stop: &watch::Receiver<bool>) -> anyhow::Result<Self> {
        let tls = tls.map(|files| certificates::follow(files, stop.clone())).transpose()?;
        let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
        Ok(Self { listener, tls })
    }

    /// Its address, such as `https://127.0.0.1:8080`.
    pub(crate) fn url(&self) -> anyhow::Result<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{}", self.listener.local_addr()?))
    }

    /// Serves until `stop` is true, and then until requests that are on their way have their answer, for a while.
    pub(crate) async fn serve(self, app: Router, stop: watch::Receiver<bool>) {
        connections::serve(self.listener, self.tls, app, PATIENCE, stop).await;
    }
}
