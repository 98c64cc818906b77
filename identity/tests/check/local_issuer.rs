//! An issuer on loopback: it serves its discovery document and its keys, and tokens for codes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Value, json};

use crate::signing_key::SigningKey;

/// Serves until the test ends.
pub(crate) struct LocalIssuer {
    /// Its address, which is its name.
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    discovery: Value,
    jwks: Value,
    cache_control: String,
    /// What is answered to a code: a status and a body.
    exchange: (u16, Value),
    how: How,
    requests: Vec<String>,
    /// Codes that were sent: the header that proves who sends them, and the form.
    exchanges: Vec<(String, String)>,
}

/// How requests are answered.
#[derive(Clone)]
pub(crate) enum How {
    /// With what is asked for.
    Well,
    /// With a status alone.
    Status(u16),
    /// With the address of something else.
    Redirect(String),
    /// With nothing: the connection ends.
    NotAtAll,
    /// Not before this changes.
    Later,
}

impl LocalIssuer {
    pub(crate) fn start(keys: &[&SigningKey]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = State {
            discovery: json!({
                "issuer": url,
                "jwks_uri": format!("{url}/keys"),
                "authorization_endpoint": format!("{url}/authorize"),
                "token_endpoint": format!("{url}/token"),
            }),
            jwks: jwks(keys),
            cache_control: "max-age=600".to_owned(),
            exchange: (500, Value::Null),
            how: How::Well,
            requests: Vec::new(),
            exchanges: Vec::new(),
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let server = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, server) = (stream.unwrap(), Arc::clone(&server));
                std::thread::spawn(move || server.serve(stream));
            }
        });
        Self { url, shared }
    }

    /// Serves these keys from now on.
    pub(crate) fn rotate(&self, keys: &[&SigningKey]) {
        self.set_jwks(jwks(keys));
    }

    pub(crate) fn set_jwks(&self, jwks: Value) {
        self.change(|state| state.jwks = jwks);
    }

    pub(crate) fn set_discovery(&self, discovery: Value) {
        self.change(|state| state.discovery = discovery);
    }

    pub(crate) fn set_cache_control(&self, value: &str) {
        self.change(|state| value.clone_into(&mut state.cache_control));
    }

    /// Answers codes with this from now on.
    pub(crate) fn set_exchange(&self, status: u16, body: Value) {
        self.change(|state| state.exchange = (status, body));
    }

    /// Codes that were sent so far.
    pub(crate) fn exchanges(&self) -> Vec<(String, String)> {
        self.shared.state.lock().unwrap().exchanges.clone()
    }

    pub(crate) fn answer(&self, how: How) {
        self.change(|state| state.how = how);
    }

    /// Paths that were asked for so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.state.lock().unwrap().requests.clone()
    }

    /// Waits until so many requests have come.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        let state = self.shared.state.lock().unwrap();
        drop(self.shared.changed.wait_while(state, |state| state.requests.len() < count).unwrap());
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.shared.state.lock().unwrap());
        self.shared.changed.notify_all();
    }
}

impl Shared {
    /// Answers one request, and ends the connection.
    fn serve(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some(path) = line.split(' ').nth(1).map(str::to_owned) else { return };
        let (mut length, mut proof) = (0, String::new());
        loop {
            line.clear();
            if reader.read_line(&mut line).is_ok_and(|bytes| bytes <= 2) {
                break;
            }
            match line.trim().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().unwrap(),
                Some((name, value)) if name.eq_ignore_ascii_case("authorization") => value.clone_into(&mut proof),
                _ => {}
            }
        }
        let mut form = vec![0; length];
        reader.read_exact(&mut form).unwrap();
        let mut state = self.state.lock().unwrap();
        state.requests.push(path.clone());
        if path == "/token" {
            state.exchanges.push((proof, String::from_utf8(form).unwrap()));
        }
        self.changed.notify_all();
        let state = self.changed.wait_while(state, |state| matches!(state.how, How::Later)).unwrap();
        let (status, body) = match path.as_str() {
            "/keys" => (200, &state.jwks),
            "/token" => (state.exchange.0, &state.exchange.1),
            _ => (200, &state.discovery),
        };
        let body = body.to_string();
        let cache_control = &state.cache_control;
        let head = match &state.how {
            How::Well => {
                format!("{status} Something\r\ncontent-type: application/json\r\ncache-control: {cache_control}")
            }
            How::Status(status) => format!("{status} Something"),
            How::Redirect(url) => format!("302 Found\r\nlocation: {url}"),
            How::NotAtAll | How::Later => return,
        };
        let length = body.len();
        // The other side may have gone.
        let _ = write!(stream, "HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    }
}

fn jwks(keys: &[&SigningKey]) -> Value {
    json!({"keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>()})
}
