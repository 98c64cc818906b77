//! The log on a Kafka broker that asks for TLS, certificates and logins.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod identity_provider;

use std::path::Path;

use bytes::Bytes;
use eventlog::broker::Broker;
use eventlog::kafka::{Login, ScramHash, Secret, Security, Tls};
use eventlog::{EventLog, KafkaLog, LogError, TopicSpec, contract};
use tempfile::TempDir;
use test_support::pki::{Authority, Identity};
use test_support::wait::until_async;

use identity_provider::{AUDIENCE, IdentityProvider, SECRET};

const USER: &str = "ingest";
const PASSWORD: &str = "correct horse battery staple";

/// A broker with two listeners beside its own: one for users with passwords and certificates, one for tokens.
struct GuardedBroker {
    folder: TempDir,
    broker: Broker,
    authority: Authority,
    identity: Identity,
    provider: IdentityProvider,
}

impl GuardedBroker {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let authority = Authority::new(folder.path(), "authority");
        let identity = authority.issue(&path("client"), "client");
        let own = authority.issue(&path("broker"), "broker");
        let text = |file: &Path| std::fs::read_to_string(file).unwrap();
        std::fs::write(path("broker.pem"), text(&own.key) + &text(&own.certificate)).unwrap();
        let provider = IdentityProvider::start(300);
        provider.write_keys(&path("keys.json"));
        let user = format!("--add-scram\nSCRAM-SHA-512=[name={USER},password={PASSWORD}]\n");
        std::fs::write(path("format.arguments"), user).unwrap();
        let keys = format!("file://{}", path("keys.json").display());
        let options = format!("-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={keys}");
        let broker = Broker::start_with(folder.path(), &options, |port| {
            std::fs::write(path("more.properties"), properties(port, folder.path(), &keys)).unwrap();
        });
        Self { folder, broker, authority, identity, provider }
    }

    fn tls(&self) -> Tls {
        Tls { ca: Some(self.authority.file.clone()), identity: None }
    }

    /// The log by way of the listener for users.
    fn of_user(&self, tls: Tls, hash: ScramHash, password: &str) -> KafkaLog {
        let login = Login::Scram { hash, username: USER.to_owned(), password: Secret::new(password) };
        let address = format!("127.0.0.1:{}", self.broker.port() + 2);
        KafkaLog::connect_securely(&address, Security { tls: Some(tls), login: Some(login) }).unwrap()
    }

    /// The log by way of the listener for tokens.
    fn of_token(&self, tls: Tls, secret: &str) -> KafkaLog {
        let login = self.provider.login(secret);
        let address = format!("127.0.0.1:{}", self.broker.port() + 3);
        KafkaLog::connect_securely(&address, Security { tls: Some(tls), login: Some(login) }).unwrap()
    }
}

fn properties(port: u16, folder: &Path, keys: &str) -> String {
    let (plain, controller, user, token) = (port, port + 1, port + 2, port + 3);
    let (folder, security) = (folder.display(), "org.apache.kafka.common.security");
    format!(
        "listeners=PLAINTEXT://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{controller},USER://127.0.0.1:{user},TOKEN://127.0.0.1:{token}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{plain},USER://127.0.0.1:{user},TOKEN://127.0.0.1:{token}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,USER:SASL_SSL,TOKEN:SASL_SSL\n\
         ssl.keystore.type=PEM\n\
         ssl.keystore.location={folder}/broker.pem\n\
         ssl.truststore.type=PEM\n\
         ssl.truststore.location={folder}/authority.pem\n\
         listener.name.user.ssl.client.auth=required\n\
         listener.name.user.sasl.enabled.mechanisms=SCRAM-SHA-512\n\
         listener.name.user.scram-sha-512.sasl.jaas.config={security}.scram.ScramLoginModule required;\n\
         listener.name.token.sasl.enabled.mechanisms=OAUTHBEARER\n\
         listener.name.token.oauthbearer.sasl.jaas.config={security}.oauthbearer.OAuthBearerLoginModule required;\n\
         listener.name.token.oauthbearer.sasl.server.callback.handler.class={security}.oauthbearer.OAuthBearerValidatorCallbackHandler\n\
         listener.name.token.oauthbearer.sasl.oauthbearer.jwks.endpoint.url={keys}\n\
         listener.name.token.oauthbearer.sasl.oauthbearer.expected.audience={AUDIENCE}\n"
    )
}

fn spec(name: &str) -> TopicSpec {
    TopicSpec { name: name.to_owned(), partitions: 2, retention: None, max_message_bytes: 1 << 20 }
}

/// Why a client cannot use the log, in the words that it is refused with.
async fn refusal(what: &str, log: &KafkaLog) -> String {
    let error = log.ensure_topic(&spec("refused")).await.unwrap_err();
    assert!(matches!(error, LogError::Refused { .. }) && !error.passes(), "{what}: {error:?}");
    // Nothing else passes for done, either.
    assert!(log.append("events", b"key", Bytes::from_static(b"lost")).await.is_err());
    assert!(log.subscribe("events", "group").await.is_err());
    let text = error.to_string();
    assert!(!text.contains(PASSWORD) && !text.contains(SECRET), "{text}");
    text
}

/// Appends a few records and reads all of the topic, of which there are so many.
async fn appends_and_reads(log: &KafkaLog, group: &str, total: usize) {
    log.ensure_topic(&spec("events")).await.unwrap();
    for number in 0..10_u32 {
        log.append("events", &number.to_be_bytes(), Bytes::from(format!("{group} {number}"))).await.unwrap();
    }
    let mut consumer = log.subscribe("events", group).await.unwrap();
    let records = contract::collect(consumer.as_mut(), total).await;
    let of_group = |group: &str| records.iter().filter(|record| record.value.starts_with(group.as_bytes())).count();
    assert_eq!((of_group(group), of_group("lost")), (10, 0));
    consumer.commit(&records.iter().map(|record| record.position).collect::<Vec<_>>()).await.unwrap();
    let committed: u64 = log.committed_offsets("events", group).await.unwrap().iter().sum();
    let ends: u64 = log.end_offsets("events").await.unwrap().iter().sum();
    assert_eq!((committed, ends), (total as u64, total as u64));
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_with_tls_and_logins_take_who_they_know_and_say_why_they_refuse_others() {
    let guarded = GuardedBroker::start();
    let identity = (guarded.identity.certificate.clone(), guarded.identity.key.clone());
    let shown = || Tls { identity: Some(identity.clone()), ..guarded.tls() };
    appends_and_reads(&guarded.of_user(shown(), ScramHash::Sha512, PASSWORD), "user", 10).await;
    appends_and_reads(&guarded.of_token(guarded.tls(), SECRET), "token", 20).await;

    let other = Authority::new(guarded.folder.path(), "other");
    let distrusting = Tls { ca: Some(other.file.clone()), identity: None };
    let (wrong_password, wrong_hash, unshown, wrong_ca, wrong_secret) = (
        guarded.of_user(shown(), ScramHash::Sha512, "wrong"),
        guarded.of_user(shown(), ScramHash::Sha256, PASSWORD),
        guarded.of_user(guarded.tls(), ScramHash::Sha512, PASSWORD),
        guarded.of_token(distrusting, SECRET),
        guarded.of_token(guarded.tls(), "wrong"),
    );
    let (wrong_password, wrong_hash, unshown, wrong_ca, wrong_secret) = tokio::join!(
        refusal("wrong password", &wrong_password),
        refusal("wrong hash", &wrong_hash),
        refusal("unshown", &unshown),
        refusal("wrong ca", &wrong_ca),
        refusal("wrong secret", &wrong_secret)
    );
    assert!(wrong_password.contains("invalid credentials"), "{wrong_password}");
    assert!(wrong_hash.contains("SCRAM-SHA-256"), "{wrong_hash}");
    // The alert, or what is left of it where the connection was closed before it was read.
    assert!(unshown.contains("in state APIVERSION_QUERY"), "{unshown}");
    assert!(wrong_ca.contains("certificate verify failed"), "{wrong_ca}");
    assert!(wrong_secret.contains("that is not the secret"), "{wrong_secret}");

    // What was there before is all that there is.
    appends_and_reads(&guarded.of_user(shown(), ScramHash::Sha512, PASSWORD), "again", 30).await;
}

#[tokio::test]
async fn a_file_that_is_not_there_is_told_of_at_once() {
    let tls = Tls { ca: Some("/nowhere/at-all.pem".into()), identity: None };
    let security = Security { tls: Some(tls), login: None };
    let error = KafkaLog::connect_securely("127.0.0.1:1", security).err().unwrap().to_string();
    assert!(error.contains("ssl.ca.location failed"), "{error}");
}

#[tokio::test]
async fn a_token_is_renewed_before_it_is_over() {
    let provider = IdentityProvider::start(3);
    let security = Security { tls: Some(Tls::default()), login: Some(provider.login(SECRET)) };
    // No broker is needed for that.
    let _log = KafkaLog::connect_securely("127.0.0.1:1", security).unwrap();
    until_async("it was asked for three times", async || provider.given() >= 3).await;
}
