//! The door that a configuration describes.

use std::path::Path;
use std::sync::Arc;

use access::{AccessOptions, BearerCheck, Door, Guards, SessionSecret, SignIn};
use anyhow::Context;
use identity::{Issuers, Provider};

use super::Config;

impl Config {
    /// The door that it describes; an error names the member that makes no sense.
    pub(crate) fn door(&self) -> anyhow::Result<Door> {
        let Some(options) = &self.access else { return Ok(Door::open()) };
        if options.names_nobody() {
            tracing::warn!(
                "[access] of the configuration names no key, issuer or person: nobody comes in who has no key from earlier; \
                 `resultsdb keys create --name admin --scope admin` makes the first one"
            );
        }
        let guards = Guards {
            sessions: sessions(options)?,
            is_secure: self.tls.is_some()
                || self.address.as_ref().is_some_and(|address| address.starts_with("https://")),
            tokens: self.tokens(options)?,
            sign_in: self.sign_in(options)?,
        };
        Door::guarded(options, guards).context("in the configuration")
    }

    fn tokens(&self, options: &AccessOptions) -> anyhow::Result<Option<Arc<dyn BearerCheck>>> {
        let issuers = Issuers::new(&options.issuers, &self.outbound);
        let issuers = issuers.context("in access.issuers of the configuration")?;
        Ok((!issuers.is_empty()).then(|| Arc::new(issuers) as Arc<dyn BearerCheck>))
    }

    fn sign_in(&self, options: &AccessOptions) -> anyhow::Result<Option<Arc<dyn SignIn>>> {
        let Some(people) = &options.people else { return Ok(None) };
        let secret = people.provider.as_ref().and_then(|provider| provider.client_secret_file.as_deref());
        let secret = secret.map(|path| {
            String::from_utf8(read(path, "access.people.provider.client_secret_file")?)
                .with_context(|| format!("in {}", path.display()))
        });
        let provider = Provider::new(people, secret.transpose()?, self.address.as_deref(), &self.outbound);
        let provider = provider.context("in the configuration")?;
        Ok(provider.map(|provider| Arc::new(provider) as Arc<dyn SignIn>))
    }
}

fn sessions(options: &AccessOptions) -> anyhow::Result<SessionSecret> {
    match &options.session_secret_file {
        None => SessionSecret::random().context("making a secret of sessions"),
        Some(path) => SessionSecret::new(&read(path, "access.session_secret_file")?)
            .with_context(|| format!("in {}", path.display())),
    }
}

fn read(path: &Path, member: &str) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path)
        .with_context(|| format!("reading {}, which {member} of the configuration names", path.display()))
}
