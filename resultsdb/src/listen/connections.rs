//! Accepts connections, and serves each in a task of its own.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower::Service;

/// So many clients may be in the middle of their handshake; who comes beyond that is let go.
const HANDSHAKES: usize = 1024;
/// Between two tries to accept where the process has no more files.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// How long a client is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Until the end of its handshake.
    pub(super) handshake: Duration,
    /// Until the end of a request's headers, from the beginning of the connection or the end of the former request on.
    pub(super) headers: Duration,
    /// Until the first request of a connection that has none yet when the service is to stop.
    pub(super) first: Duration,
    /// Until the answers of requests that are on their way when the service is to stop.
    pub(super) drain: Duration,
}

/// Serves who connects, until `stop` is true and what was begun is done or its time is over.
pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<watch::Receiver<Arc<ServerConfig>>>,
    app: Router,
    patience: Patience,
    stop: watch::Receiver<bool>,
) {
    let app = app.with_state(());
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES));
    let mut connections = JoinSet::new();
    let begin = |connections: &mut JoinSet<()>, socket: TcpStream, peer| {
        // Small answers would otherwise wait for the client's delayed acknowledgement.
        let _ = socket.set_nodelay(true);
        let (app, stop) = (app.clone(), stop.clone());
        let Some(tls) = &tls else {
            connections.spawn(converse(socket, peer, app, patience, stop));
            return;
        };
        let Ok(place) = Arc::clone(&handshakes).try_acquire_owned() else {
            tracing::debug!(%peer, "too many handshakes at once");
            return;
        };
        let acceptor = TlsAcceptor::from(Arc::clone(&tls.borrow()));
        connections.spawn(async move {
            let shaken = shake_hands(acceptor, socket, peer, patience.handshake).await;
            drop(place);
            if let Some(stream) = shaken {
                converse(stream, peer, app, patience, stop).await;
            }
        });
    };
    let mut stopping = pin!(stopped(stop.clone()));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // What has ended is forgotten; a panic has already been told of.
            Some(_) = connections.join_next() => continue,
            () = &mut stopping => break,
        };
        match accepted {
            Ok((socket, peer)) => begin(&mut connections, socket, peer),
            Err(error) if is_of_the_peer(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    for (socket, peer) in waiting(listener) {
        begin(&mut connections, socket, peer);
    }
    let _ = timeout(patience.drain, async { while connections.join_next().await.is_some() {} }).await;
}

/// The connections that clients have made already and that were not accepted yet: they would be reset with the listener,
/// whatever was sent on them. It is closed after that.
fn waiting(listener: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    let accept = |listener: &std::net::TcpListener| {
        let (socket, peer) = listener.accept()?;
        socket.set_nonblocking(true)?;
        Ok::<_, io::Error>((TcpStream::from_std(socket)?, peer))
    };
    let mut waiting = Vec::new();
    if let Ok(listener) = listener.into_std() {
        // The last one is followed by the error that accepting would block.
        while let Ok(connection) = accept(&listener) {
            waiting.push(connection);
        }
    }
    waiting
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// A connection that its peer gave up is none; all other errors come again at once.
fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn shake_hands(
    acceptor: TlsAcceptor,
    socket: TcpStream,
    peer: SocketAddr,
    patience: Duration,
) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    match timeout(patience, acceptor.accept(socket)).await {
        Ok(Ok(stream)) => Some(stream),
        // Anybody can cause these, as often as they like.
        Ok(Err(error)) => {
            tracing::debug!(%peer, %error, "a handshake failed");
            None
        }
        Err(_) => {
            tracing::debug!(%peer, "a handshake took too long");
            None
        }
    }
}

/// Answers the requests of one connection. When the service is to stop, the request that is on its way is the last.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    app: Router,
    patience: Patience,
    stop: watch::Receiver<bool>,
) {
    let asked = Arc::new(Notify::new());
    let asks = Arc::clone(&asked);
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        asks.notify_one();
        let mut request: Request = request.map(axum::body::Body::new);
        // Where a request comes from counts for limits.
        request.extensions_mut().insert(ConnectInfo(peer));
        app.clone().call(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience.headers);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(stop) => {
            // A connection that has brought nothing yet would be closed at once, though its request may be on the way.
            let ended = tokio::select! {
                ended = connection.as_mut() => Some(ended),
                () = asked.notified() => None,
                () = sleep(patience.first) => None,
            };
            match ended {
                Some(ended) => ended,
                None => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection ended early");
    }
}
