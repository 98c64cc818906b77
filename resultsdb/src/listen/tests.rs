#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use test_support::pki::Authority;
use test_support::wait::DEADLINE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::connections::{self, Patience};
use super::{Endpoint, certificates};
use crate::config::Tls;

/// So little that a test need not wait.
const LITTLE: Duration = Duration::from_millis(50);
const PATIENCE: Patience = Patience { handshake: DEADLINE, headers: DEADLINE, first: DEADLINE, drain: DEADLINE };

/// A service that answers who asks.
struct Service {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: tokio::task::JoinHandle<()>,
}

async fn start(tls: Option<&Tls>, patience: Patience) -> Service {
    let (stop, stopped) = watch::channel(false);
    let tls = tls.map(|files| certificates::follow(files, stopped.clone()).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string()));
    let serving = tokio::spawn(connections::serve(listener, tls, app, patience, stopped));
    Service { address, stop, serving }
}

/// A folder with an authority, and what a service needs that has a certificate of it.
fn files() -> (TempDir, Authority, Tls) {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path(), "authority");
    let identity = authority.issue(&folder.path().join("service"), "service");
    let tls = Tls { certificate: identity.certificate, key: identity.key, client_ca: None };
    (folder, authority, tls)
}

fn connector(authority: &Authority) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    for certificate in certificates::certificates(&authority.file).unwrap() {
        roots.add(certificate).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

/// All that the other end sends until it closes the connection.
async fn rest(mut stream: impl AsyncReadExt + Unpin) -> String {
    let mut read = Vec::new();
    // A connection that is reset is closed, too.
    let _ = timeout(DEADLINE, stream.read_to_end(&mut read)).await.unwrap();
    String::from_utf8_lossy(&read).into_owned()
}

const QUESTION: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn a_sender_that_is_silent_before_the_end_of_its_headers_is_let_go() {
    let service = start(None, Patience { headers: LITTLE, ..PATIENCE }).await;
    for begun in ["", "GET", "GET / HTTP/1.1\r\nHost: localhost\r\n", "POST / HTTP/1.1\r\nContent-Le"] {
        let mut socket = TcpStream::connect(service.address).await.unwrap();
        socket.write_all(begun.as_bytes()).await.unwrap();
        assert_eq!(rest(socket).await, "", "{begun:?}");
    }
    let mut socket = TcpStream::connect(service.address).await.unwrap();
    let own = socket.local_addr().unwrap().to_string();
    socket.write_all(QUESTION).await.unwrap();
    let answer = rest(socket).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with(&own), "{answer}");
}

#[tokio::test]
async fn a_client_that_is_silent_in_its_handshake_is_let_go_and_holds_up_nobody() {
    let (_folder, authority, tls) = files();
    let patient = start(Some(&tls), PATIENCE).await;
    let silent = TcpStream::connect(patient.address).await.unwrap();
    let socket = TcpStream::connect(patient.address).await.unwrap();
    let own = socket.local_addr().unwrap().to_string();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = connector(&authority).connect(name, socket).await.unwrap();
    stream.write_all(QUESTION).await.unwrap();
    let answer = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with(&own), "{answer}");
    drop(silent);

    let hasty = start(Some(&tls), Patience { handshake: LITTLE, ..PATIENCE }).await;
    // Nothing, and the beginning of a record of 512 bytes.
    for begun in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
        let mut socket = TcpStream::connect(hasty.address).await.unwrap();
        socket.write_all(begun).await.unwrap();
        assert_eq!(rest(socket).await, "");
    }
}

#[tokio::test]
async fn a_stop_closes_idle_connections_and_the_port() {
    let service = start(None, PATIENCE).await;
    let mut idle = TcpStream::connect(service.address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    // The answer has come, and the connection is kept for the next request.
    assert!(idle.read(&mut [0; 1024]).await.unwrap() > 0);
    service.stop.send(true).unwrap();
    timeout(DEADLINE, service.serving).await.unwrap().unwrap();
    rest(idle).await;
    assert!(TcpStream::connect(service.address).await.is_err());
}

/// The service has one thread, which this test has for itself until it waits: the connections are made, and nobody has
/// accepted them.
#[tokio::test]
async fn who_is_connected_is_answered_though_the_service_stops() {
    for _ in 0..20 {
        let service = start(None, PATIENCE).await;
        let connect = |_| std::net::TcpStream::connect(service.address).unwrap();
        let mut clients: Vec<std::net::TcpStream> = (0..5).map(connect).collect();
        // Half of them ask at once, the others once the service has begun to stop.
        let (at_once, later) = clients.split_at_mut(3);
        at_once.iter_mut().for_each(|client| std::io::Write::write_all(client, QUESTION).unwrap());
        service.stop.send_replace(true);
        tokio::task::yield_now().await;
        later.iter_mut().for_each(|client| std::io::Write::write_all(client, QUESTION).unwrap());
        for client in clients {
            client.set_nonblocking(true).unwrap();
            let answer = rest(TcpStream::from_std(client).unwrap()).await;
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer:?}");
        }
        timeout(DEADLINE, service.serving).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn what_is_no_pair_of_files_is_refused_with_its_name() {
    let (folder, authority, tls) = files();
    let other = authority.issue(&folder.path().join("other"), "other");
    let (_stop, stopped) = watch::channel(false);
    let refused = async |tls: Tls| match Endpoint::bind("127.0.0.1:0", Some(&tls), &stopped).await {
        Ok(_) => String::new(),
        Err(error) => format!("{error:#}"),
    };
    let name = |path: &std::path::Path| path.display().to_string();
    assert_eq!(refused(tls.clone()).await, "");
    let error = refused(Tls { key: other.key.clone(), ..tls.clone() }).await;
    assert!(error.contains(&format!("{} and {} do not", name(&tls.certificate), name(&other.key))), "{error}");
    let error = refused(Tls { key: tls.certificate.clone(), ..tls.clone() }).await;
    assert!(error.contains(&format!("reading the private key {}", name(&tls.certificate))), "{error}");
    let error = refused(Tls { certificate: tls.key.clone(), ..tls.clone() }).await;
    assert!(error.contains(&format!("{} holds no certificate", name(&tls.key))), "{error}");
    let error = refused(Tls { client_ca: Some(tls.key.clone()), ..tls.clone() }).await;
    assert!(error.contains(&format!("{} holds no certificate", name(&tls.key))), "{error}");
    let error = refused(Tls { key: "".into(), ..tls }).await;
    assert_eq!(error, "[tls] of the configuration has no `key`: name the PEM file that holds it");
}
