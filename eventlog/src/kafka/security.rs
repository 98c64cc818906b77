//! How brokers are spoken to: in the clear, or over TLS, with a login or without; and why they refuse.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

/// A reason that is older says nothing of a call that fails now.
const FRESH: Duration = Duration::from_secs(30);

/// How brokers are spoken to. By default in the clear and without a login.
#[derive(Debug, Clone, Default)]
pub struct Security {
    /// TLS; a login needs it.
    pub tls: Option<Tls>,
    /// Who logs in, over SASL.
    pub login: Option<Login>,
}

/// TLS to brokers.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// A PEM file with the authorities that sign brokers; without it, those of the system.
    pub ca: Option<PathBuf>,
    /// The PEM files with this client's certificate and its private key, for brokers that ask for one.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Who logs in.
#[derive(Debug, Clone)]
pub enum Login {
    /// A user with a password, which is never sent.
    Scram {
        /// What both sides hash with.
        hash: ScramHash,
        /// The user.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A token that an identity provider gives to this client (the grant `client_credentials`), and renews.
    OAuthBearer {
        /// Where the token is asked for.
        token_endpoint: String,
        /// A PEM file with the authorities that sign the endpoint's certificate; without it, those of the system.
        token_ca: Option<PathBuf>,
        /// Who asks.
        client_id: String,
        /// What shows it.
        client_secret: Secret,
        /// What the token is to allow.
        scope: Option<String>,
    },
}

/// The hash of SCRAM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScramHash {
    /// `SCRAM-SHA-256`.
    Sha256,
    /// `SCRAM-SHA-512`.
    Sha512,
}

/// A text that is never printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes the text as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

impl Security {
    /// Whether brokers can refuse this client, or it them.
    pub(super) fn can_refuse(&self) -> bool {
        self.tls.is_some() || self.login.is_some()
    }

    pub(super) fn apply(&self, settings: &mut ClientConfig) {
        let path = |file: &PathBuf| file.display().to_string();
        settings.set(
            "security.protocol",
            match (&self.tls, &self.login) {
                (None, None) => "plaintext",
                (Some(_), None) => "ssl",
                // A login is never made in the clear.
                (_, Some(_)) => "sasl_ssl",
            },
        );
        if let Some(Tls { ca, identity }) = &self.tls {
            if let Some(ca) = ca {
                settings.set("ssl.ca.location", path(ca));
            }
            if let Some((certificate, key)) = identity {
                settings.set("ssl.certificate.location", path(certificate)).set("ssl.key.location", path(key));
            }
        }
        match &self.login {
            None => {}
            Some(Login::Scram { hash, username, password }) => {
                let mechanism = match hash {
                    ScramHash::Sha256 => "SCRAM-SHA-256",
                    ScramHash::Sha512 => "SCRAM-SHA-512",
                };
                settings.set("sasl.mechanism", mechanism);
                settings.set("sasl.username", username).set("sasl.password", &password.0);
            }
            Some(Login::OAuthBearer { token_endpoint, token_ca, client_id, client_secret, scope }) => {
                settings
                    .set("sasl.mechanism", "OAUTHBEARER")
                    .set("sasl.oauthbearer.method", "oidc")
                    .set("sasl.oauthbearer.token.endpoint.url", token_endpoint)
                    .set("sasl.oauthbearer.client.id", client_id)
                    .set("sasl.oauthbearer.client.secret", &client_secret.0);
                if let Some(scope) = scope {
                    settings.set("sasl.oauthbearer.scope", scope);
                }
                if let Some(ca) = token_ca {
                    settings.set("https.ca.location", path(ca));
                }
            }
        }
    }
}

/// What librdkafka has to say: lines for our log, and why it has no connection, which the calls that fail do not know.
#[derive(Clone, Default)]
pub(super) struct Context {
    refused: Arc<Mutex<Option<Refusal>>>,
}

/// Why a client has no connection.
struct Refusal {
    at: Instant,
    reason: String,
    is_certain: bool,
}

impl Refusal {
    /// None for troubles that say nothing of who is refused, such as a broker that is away.
    fn new(code: Option<Code>, reason: &str) -> Option<Self> {
        let is_certain = match code {
            Some(Code::Authentication | Code::SSL | Code::SaslAuthenticationFailed) => true,
            // With TLS 1.3 a broker says only after the handshake what it thinks of the client's certificate, and then closes
            // the connection: what it said may be lost.
            Some(Code::BrokerTransportFailure) if reason.contains("SSL routines") => true,
            Some(Code::BrokerTransportFailure) if BEFORE_LOGIN.iter().any(|state| reason.contains(state)) => false,
            _ => return None,
        };
        Some(Self { at: Instant::now(), reason: reason.to_owned(), is_certain })
    }
}

/// States of a connection, as librdkafka calls them, that a broker ends for reasons of its own only if it stops just then.
const BEFORE_LOGIN: [&str; 3] = ["in state SSL_HANDSHAKE", "in state APIVERSION_QUERY", "in state AUTH_"];

impl Context {
    /// Why brokers refused this client, or it them, if that was lately.
    pub(super) fn refusal(&self) -> Option<String> {
        self.reason(|refusal| refusal.is_certain)
    }

    /// The same, also where it is not certain.
    pub(super) fn likely_refusal(&self) -> Option<String> {
        self.reason(|_| true)
    }

    fn reason(&self, counts: impl Fn(&Refusal) -> bool) -> Option<String> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.as_ref().filter(|found| found.at.elapsed() < FRESH && counts(found)).map(|found| found.reason.clone())
    }

    fn keep(&self, refusal: Refusal) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let is_better =
            refused.as_ref().is_none_or(|known| refusal.is_certain || !known.is_certain || known.at.elapsed() >= FRESH);
        if is_better {
            *refused = Some(refusal);
        }
    }
}

impl rdkafka::client::ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::error!(facility, "{message}");
            }
            RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => tracing::warn!(facility, "{message}"),
            _ => tracing::debug!(facility, "{message}"),
        }
    }

    // The calls that fail report it; this one comes on top, for each connection attempt.
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka client");
        if let Some(refusal) = Refusal::new(error.rdkafka_error_code(), reason) {
            self.keep(refusal);
        }
    }
}

impl ConsumerContext for Context {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_certain_counts_more_than_what_is_likely() {
        let context = Context::default();
        let note = |code, reason: &str| Refusal::new(Some(code), reason).map(|refusal| context.keep(refusal)).is_some();
        assert!(!note(Code::BrokerTransportFailure, "Connect failed: refused (after 0ms in state CONNECT)"));
        let closed = "Disconnected while requesting ApiVersion (after 1ms in state APIVERSION_QUERY)";
        assert!(note(Code::BrokerTransportFailure, closed));
        assert_eq!((context.refusal(), context.likely_refusal().as_deref()), (None, Some(closed)));
        assert!(note(Code::Authentication, "invalid credentials") && note(Code::BrokerTransportFailure, closed));
        assert_eq!(context.refusal().as_deref(), Some("invalid credentials"));
        assert_eq!(context.likely_refusal(), context.refusal());
    }

    #[test]
    fn secrets_are_not_printed() {
        let login = Login::Scram {
            hash: ScramHash::Sha512,
            username: "ingest".to_owned(),
            password: Secret::new("correct horse"),
        };
        let shown = format!("{:?}", Security { tls: Some(Tls::default()), login: Some(login) });
        assert!(shown.contains("ingest") && !shown.contains("horse"), "{shown}");
    }
}
