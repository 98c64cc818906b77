//! An identity provider: gives tokens to a client that knows its secret, over HTTP, and tells the key they are signed with.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use eventlog::kafka::{Login, Secret};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::KeyPair;
use serde_json::json;

pub(crate) const CLIENT: &str = "resultsdb-ingest";
pub(crate) const SECRET: &str = "the client's own secret";
pub(crate) const AUDIENCE: &str = "kafka";
const KEY_ID: &str = "only";

/// Listens until the test ends.
pub(crate) struct IdentityProvider {
    /// Where tokens are asked for.
    pub(crate) endpoint: String,
    key: Arc<KeyPair>,
    given: Arc<AtomicU32>,
}

impl IdentityProvider {
    /// Starts one whose tokens count for so many seconds.
    pub(crate) fn start(lifetime: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}/token", listener.local_addr().unwrap());
        let key = Arc::new(KeyPair::generate().unwrap());
        let given = Arc::new(AtomicU32::new(0));
        let (signing, counted) = (Arc::clone(&key), Arc::clone(&given));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if answer(stream.unwrap(), &signing, lifetime) {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self { endpoint, key, given }
    }

    /// How many tokens it has given.
    pub(crate) fn given(&self) -> u32 {
        self.given.load(Ordering::SeqCst)
    }

    /// The login of its client with a secret, which may be wrong.
    pub(crate) fn login(&self, secret: &str) -> Login {
        Login::OAuthBearer {
            token_endpoint: self.endpoint.clone(),
            token_ca: None,
            client_id: CLIENT.to_owned(),
            client_secret: Secret::new(secret),
            scope: Some("log".to_owned()),
        }
    }

    /// Writes the public key as a set of JSON Web Keys.
    pub(crate) fn write_keys(&self, file: &Path) {
        // An uncompressed point of P-256: 4, then two coordinates of 32 bytes.
        let point = self.key.public_key_raw();
        let (x, y) = (BASE64_URL_SAFE_NO_PAD.encode(&point[1..33]), BASE64_URL_SAFE_NO_PAD.encode(&point[33..]));
        let key = json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": KEY_ID, "x": x, "y": y});
        std::fs::write(file, json!({ "keys": [key] }).to_string()).unwrap();
    }
}

/// Answers one request: RFC 6749, section 4.4, with the client's secret in the header `Authorization`. Whether
/// it gave a token.
fn answer(mut stream: TcpStream, key: &KeyPair, lifetime: u64) -> bool {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut line, mut length, mut authorization) = (String::new(), 0, String::new());
    while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 2) {
        if let Some((name, value)) = line.split_once(':') {
            match name.to_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap(),
                "authorization" => authorization = value.trim().to_owned(),
                _ => {}
            }
        }
        line.clear();
    }
    let mut body = vec![0; length];
    let _ = reader.read_exact(&mut body);
    let expected = format!("Basic {}", BASE64_STANDARD.encode(format!("{CLIENT}:{SECRET}")));
    let is_known = authorization == expected;
    let (status, answer) = match is_known {
        true => {
            ("200 OK", json!({"access_token": token(key, lifetime), "token_type": "Bearer", "expires_in": lifetime}))
        }
        false => {
            ("401 Unauthorized", json!({"error": "invalid_client", "error_description": "that is not the secret"}))
        }
    };
    let answer = answer.to_string();
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
        answer.len()
    );
    is_known
}

fn token(key: &KeyPair, lifetime: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({"sub": CLIENT, "aud": AUDIENCE, "iat": now, "exp": now + lifetime, "scope": "log"});
    let header = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::ES256) };
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ec_der(key.serialized_der())).unwrap()
}
