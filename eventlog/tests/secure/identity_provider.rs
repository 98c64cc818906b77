//! An identity provider: gives tokens to a client that knows its secret, over HTTP, and tells the key they are signed with.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
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
}

impl IdentityProvider {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}/token", listener.local_addr().unwrap());
        let key = Arc::new(KeyPair::generate().unwrap());
        let signing = Arc::clone(&key);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), &signing);
            }
        });
        Self { endpoint, key }
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

/// Answers one request: RFC 6749, section 4.4, with the client's secret in the header `Authorization`.
fn answer(mut stream: TcpStream, key: &KeyPair) {
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
    let (status, answer) = match authorization == expected {
        true => ("200 OK", json!({"access_token": token(key), "token_type": "Bearer", "expires_in": 300})),
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
}

fn token(key: &KeyPair) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({"sub": CLIENT, "aud": AUDIENCE, "iat": now, "exp": now + 300, "scope": "log"});
    let header = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::ES256) };
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ec_der(key.serialized_der())).unwrap()
}
