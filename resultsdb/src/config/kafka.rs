//! The part `[kafka]` of the configuration: where the event log is, and how the services speak to it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use eventlog::KafkaLog;
use eventlog::kafka::{Login, ScramHash, Secret, Security, Tls};
use schema::seconds::DAY;
use serde::Deserialize;

/// Where the event log is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Kafka {
    /// `host:port`, separated by commas.
    pub(crate) brokers: String,
    /// Days that new topics keep events; without this, for ever. Processors archive them before that.
    pub(crate) retention_days: Option<u64>,
    /// This processor's own name, with which it keeps its partitions over a restart.
    pub(crate) instance: Option<String>,
    /// Whether brokers are spoken to over TLS; they are where any of the members below is there, too.
    pub(crate) tls: bool,
    /// A PEM file with the authorities that sign brokers; those of the system without it.
    pub(crate) ca: Option<PathBuf>,
    /// The PEM file of this service's certificate, for brokers that ask for one.
    pub(crate) certificate: Option<PathBuf>,
    /// The PEM file of its private key.
    pub(crate) key: Option<PathBuf>,
    /// The login.
    pub(crate) sasl: Option<Sasl>,
}

/// A login. Which members it has depends on the mechanism.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Sasl {
    /// `SCRAM-SHA-256`, `SCRAM-SHA-512` or `OAUTHBEARER`.
    pub(crate) mechanism: String,
    /// The user, of SCRAM.
    pub(crate) username: Option<String>,
    /// A file that holds the password of the user.
    pub(crate) password_file: Option<PathBuf>,
    /// Where an identity provider gives tokens to clients, of OAUTHBEARER.
    pub(crate) token_endpoint: Option<String>,
    /// A PEM file with the authorities of that provider; those of the system without it.
    pub(crate) token_ca: Option<PathBuf>,
    /// Who asks for tokens.
    pub(crate) client_id: Option<String>,
    /// A file that holds the secret of that client.
    pub(crate) client_secret_file: Option<PathBuf>,
    /// What tokens are to allow, where the provider wants to know.
    pub(crate) scope: Option<String>,
}

impl Default for Kafka {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".to_owned(),
            retention_days: None,
            instance: None,
            tls: false,
            ca: None,
            certificate: None,
            key: None,
            sasl: None,
        }
    }
}

impl Kafka {
    pub(crate) fn retention(&self) -> Option<Duration> {
        self.retention_days.map(|days| Duration::from_secs(days.saturating_mul(DAY)))
    }
}

impl Kafka {
    /// The log; an error names the member that makes no sense, or the file that cannot be read.
    pub(crate) fn connect(&self) -> anyhow::Result<KafkaLog> {
        Ok(KafkaLog::connect_securely(&self.brokers, self.security()?)?)
    }

    fn security(&self) -> anyhow::Result<Security> {
        let identity = match (&self.certificate, &self.key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
            _ => bail!("kafka.certificate and kafka.key belong together: name both files, or neither"),
        };
        for file in [&self.ca, &self.certificate, &self.key].into_iter().flatten() {
            readable(file)?;
        }
        let is_tls = self.tls || self.ca.is_some() || identity.is_some() || self.sasl.is_some();
        let login = self.sasl.as_ref().map(Sasl::login).transpose()?;
        Ok(Security { tls: is_tls.then(|| Tls { ca: self.ca.clone(), identity }), login })
    }
}

impl Sasl {
    fn login(&self) -> anyhow::Result<Login> {
        let scram = [("username", self.username.is_some()), ("password_file", self.password_file.is_some())];
        let bearer = [
            ("token_endpoint", self.token_endpoint.is_some()),
            ("client_id", self.client_id.is_some()),
            ("client_secret_file", self.client_secret_file.is_some()),
        ];
        let more = [("token_ca", self.token_ca.is_some()), ("scope", self.scope.is_some())];
        let hash = match self.mechanism.as_str() {
            "SCRAM-SHA-256" => Some(ScramHash::Sha256),
            "SCRAM-SHA-512" => Some(ScramHash::Sha512),
            "OAUTHBEARER" => None,
            other => bail!("kafka.sasl.mechanism is '{other}': write SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"),
        };
        let (needed, useless) = match hash {
            Some(_) => (&scram[..], [&bearer[..], &more].concat()),
            None => (&bearer[..], scram.to_vec()),
        };
        for (member, is_there) in needed {
            ensure!(is_there, "kafka.sasl has no `{member}`, which {} needs", self.mechanism);
        }
        for (member, is_there) in useless {
            ensure!(!is_there, "kafka.sasl.{member} is nothing that {} uses: take it away", self.mechanism);
        }
        let text = |member: &Option<String>| member.clone().unwrap_or_default();
        let Some(hash) = hash else {
            let token_endpoint = text(&self.token_endpoint);
            ensure!(
                is_safe(&token_endpoint),
                "kafka.sasl.token_endpoint is '{token_endpoint}': the secret is sent there, so it has to begin with https://"
            );
            if let Some(file) = &self.token_ca {
                readable(file)?;
            }
            return Ok(Login::OAuthBearer {
                token_endpoint,
                token_ca: self.token_ca.clone(),
                client_id: text(&self.client_id),
                client_secret: secret(self.client_secret_file.as_deref())?,
                scope: self.scope.clone(),
            });
        };
        Ok(Login::Scram { hash, username: text(&self.username), password: secret(self.password_file.as_deref())? })
    }
}

/// Whether what is sent to an address is read by nobody else: it goes over TLS, or stays on this machine.
fn is_safe(address: &str) -> bool {
    let local = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"];
    address.starts_with("https://") || local.iter().any(|start| address.starts_with(start))
}

fn readable(file: &Path) -> anyhow::Result<()> {
    std::fs::File::open(file).with_context(|| format!("reading {}, which [kafka] names", file.display()))?;
    Ok(())
}

fn secret(file: Option<&Path>) -> anyhow::Result<Secret> {
    let file = file.unwrap_or_else(|| Path::new(""));
    let text =
        std::fs::read_to_string(file).with_context(|| format!("reading {}, which kafka.sasl names", file.display()))?;
    let text = text.trim_end();
    ensure!(!text.is_empty(), "{}, which kafka.sasl names, is empty", file.display());
    Ok(Secret::new(text))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn security(flags: &[&str]) -> Result<Security, String> {
        let flags = flags.iter().map(|flag| format!("kafka.{flag}")).collect::<Vec<_>>();
        Config::load(None, &flags)
            .map_err(|error| error.to_string())?
            .kafka
            .security()
            .map_err(|error| error.to_string())
    }

    #[test]
    fn half_a_login_is_refused_in_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let (secret, empty) = (folder.path().join("secret"), folder.path().join("empty"));
        std::fs::write(&secret, "secret\n").unwrap();
        std::fs::write(&empty, "\n").unwrap();
        let (secret, empty) = (secret.display(), empty.display());
        let scram = "sasl.mechanism=SCRAM-SHA-512";
        let bearer = "sasl.mechanism=OAUTHBEARER";
        let (user, password) = ("sasl.username=a", &*format!("sasl.password_file={secret}"));
        let (id, client) = ("sasl.client_id=a", &*format!("sasl.client_secret_file={secret}"));
        let (endpoint, ca) = ("sasl.token_endpoint=https://a/token", &*format!("ca={secret}"));
        for (flags, expected) in [
            (&["sasl.mechanism=PLAIN"][..], "kafka.sasl.mechanism is 'PLAIN': write"),
            (&["sasl.username=a"], "kafka.sasl.mechanism is '': write"),
            (&[scram, user], "kafka.sasl has no `password_file`, which SCRAM-SHA-512 needs"),
            (&[scram, password], "kafka.sasl has no `username`, which SCRAM-SHA-512 needs"),
            (&[scram, user, password, id], "kafka.sasl.client_id is nothing that SCRAM-SHA-512 uses"),
            (
                &[scram, user, &format!("sasl.password_file={empty}")],
                &format!("{empty}, which kafka.sasl names, is empty"),
            ),
            (&[scram, user, "sasl.password_file=/nowhere/at-all"], "reading /nowhere/at-all, which kafka.sasl names"),
            (&[bearer, endpoint, client], "kafka.sasl has no `client_id`, which OAUTHBEARER needs"),
            (&[bearer, id, client], "kafka.sasl has no `token_endpoint`"),
            (&[bearer, endpoint, id], "kafka.sasl has no `client_secret_file`"),
            (&[bearer, endpoint, id, client, user], "kafka.sasl.username is nothing that OAUTHBEARER uses"),
            (&[bearer, id, client, "sasl.token_endpoint=http://a/"], "kafka.sasl.token_endpoint is 'http://a/'"),
            (&["certificate=a"], "kafka.certificate and kafka.key belong together"),
            (&["key=a"], "kafka.certificate and kafka.key belong together"),
            (&["ca=/nowhere/at-all"], "reading /nowhere/at-all, which [kafka] names"),
            (&["sasl.user=a"], "in the flag --set kafka.sasl.user: unknown field `user`"),
        ] {
            let error = security(flags).unwrap_err();
            assert!(error.starts_with(expected), "{flags:?}: {error}");
        }
        let guarded = |flags: &[&str]| {
            let Security { tls, login } = security(flags).unwrap();
            (tls.is_some(), login.is_some())
        };
        assert_eq!(guarded(&[]), (false, false));
        assert_eq!(guarded(&["tls=true"]), (true, false));
        assert_eq!(guarded(&[ca]), (true, false));
        assert_eq!(guarded(&[scram, user, password]), (true, true));
        assert_eq!(guarded(&[bearer, id, client, endpoint]), (true, true));
    }
}
