//! Services that reach ClickHouse over HTTPS.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use eventlog::broker::Broker;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use serde_json::json;
use test_support::clock::now;
use test_support::documents::upload;
use test_support::pki::{Authority, Identity};
use test_support::server::Server;
use test_support::wait::until;
use test_support::workspace::example;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::RESULTSDB;

/// Speaks TLS before a server that does not, to clients with a certificate of an authority. Its address.
fn front(target: String, identity: &Identity, clients: &Authority) -> String {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let certificates =
        |file: &Path| CertificateDer::pem_file_iter(file).unwrap().map(Result::unwrap).collect::<Vec<_>>();
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(certificates(&clients.file));
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates(&identity.certificate), PrivateKeyDer::from_pem_file(&identity.key).unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, target) = (acceptor.clone(), target.clone());
                tokio::spawn(async move {
                    let Ok(mut outer) = acceptor.accept(socket).await else { return };
                    let mut inner = TcpStream::connect(target).await.unwrap();
                    let _ = copy_bidirectional(&mut outer, &mut inner).await;
                });
            }
        });
    });
    url
}

#[test]
fn services_reach_clickhouse_over_https_with_a_certificate_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("password"), "only for this test\n").unwrap();
    std::fs::create_dir(path("kafka")).unwrap();
    let broker = Broker::start(Path::new(&path("kafka")));
    let engine = ["engine", "--data-dir", &path("store"), "--password-file", &path("password"), "--port", "0"];
    let engine = RESULTSDB.spawn(&engine);
    let authority = Authority::new(folder.path(), "authority");
    let own = authority.issue(Path::new(&path("front")), "front");
    let service = authority.issue(Path::new(&path("service")), "service");
    let url = front(engine.url.trim_start_matches("http://").to_owned(), &own, &authority);
    let example = std::fs::read_to_string(example("webkit.toml")).unwrap();
    let config = format!(
        "listen = '127.0.0.1:0'\nblobs = '{}'\n{example}\n[kafka]\nbrokers = '{}'\n[clickhouse]\nurl = '{url}'\npassword_file = '{}'\n\
         ca = '{}'\ncertificate = '{}'\nkey = '{}'\n",
        path("blobs"),
        broker.address(),
        path("password"),
        authority.file.display(),
        service.certificate.display(),
        service.key.display()
    );
    std::fs::write(path("config.toml"), config).unwrap();
    let command = |name: &str, members: &[&str]| {
        let mut command = RESULTSDB.command();
        command.args([name, "--config", &path("config.toml")]);
        for member in members {
            command.args(["--set", member]);
        }
        command
    };
    let output = |mut command: Command| -> Output { command.output().unwrap() };
    let migrated = output(command("migrate", &[]));
    assert!(migrated.status.success(), "{migrated:?}");
    let [ingest, processor, query] = ["ingest", "processor", "query"].map(|name| Server::run(command(name, &[])));
    let time = now() - 3600;
    let (status, answer) = ingest.post("/api/upload", &upload(time, time + 60, &json!({"a.html": {}}))).unwrap();
    assert!(status < 300, "{status}: {answer}");
    until("the upload is shown", || query.get("/api/results/layout-tests/a.html").0 == 200);
    for service in [ingest, processor, query] {
        service.stop();
    }

    // Neither another server than that of the authority, nor a client without a certificate.
    let other = Authority::new(folder.path(), "other");
    let refused = |members: &[&str]| {
        let refused = output(command("migrate", members));
        assert!(!refused.status.success(), "{refused:?}");
        String::from_utf8_lossy(&refused.stderr).into_owned()
    };
    let error = refused(&[&format!("clickhouse.ca={}", other.file.display())]);
    assert!(error.contains(&url) && error.contains("invalid peer certificate"), "{error}");
    let error = refused(&[&format!("clickhouse.key={}", other.file.display())]);
    assert!(error.contains(&format!("{} cannot be read as PEM", other.file.display())), "{error}");
    let error = refused(&["clickhouse.url=http://127.0.0.1:1"]);
    assert!(error.contains("clickhouse.url does not begin with https://"), "{error}");
    let without = std::fs::read_to_string(path("config.toml")).unwrap();
    let without = without.lines().filter(|line| !line.starts_with("certificate") && !line.starts_with("key"));
    std::fs::write(path("config.toml"), without.collect::<Vec<_>>().join("\n")).unwrap();
    assert!(refused(&[]).contains(&url));
}
