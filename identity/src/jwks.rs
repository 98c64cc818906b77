//! Reads the public keys of an issuer (JWKS, RFC 7517 and 7518).

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::Value;

use access::Algorithm;

/// Bits of an RSA key: fewer can be broken, and more only cost time.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// Bytes of a coordinate on P-256.
const P256_BYTES: usize = 32;

/// Keys by their ids.
pub(crate) type Keys = HashMap<String, Key>;

/// A public key, which verifies one algorithm.
#[derive(Clone)]
pub(crate) struct Key {
    algorithm: Algorithm,
    public: DecodingKey,
}

impl Key {
    /// The algorithm that the key is for. A token does not choose it.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(crate) fn signs_with(&self) -> jsonwebtoken::Algorithm {
        match self.algorithm {
            Algorithm::RS256 => jsonwebtoken::Algorithm::RS256,
            Algorithm::ES256 => jsonwebtoken::Algorithm::ES256,
        }
    }

    pub(crate) fn verifies(&self) -> &DecodingKey {
        &self.public
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Key").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Value>,
}

/// The members of a key that are used.
#[derive(Deserialize)]
struct Jwk {
    kid: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    #[serde(flatten)]
    material: Material,
}

#[derive(Deserialize)]
#[serde(tag = "kty")]
enum Material {
    #[serde(rename = "RSA")]
    Rsa { n: String, e: String },
    #[serde(rename = "EC")]
    Ec { crv: String, x: String, y: String },
}

/// Reads the keys that may verify a token. Other keys are left out: those for other purposes and algorithms, too short ones,
/// those without an id, and all that share one id, of which a token would not tell which it means. None if it is no JWKS.
pub(crate) fn read(text: &[u8]) -> Option<Keys> {
    let jwks: Jwks = serde_json::from_slice(text).ok()?;
    let (mut keys, mut repeated) = (Keys::new(), Vec::new());
    for value in jwks.keys {
        let Some((id, key)) = serde_json::from_value(value).ok().and_then(key) else { continue };
        if keys.insert(id.clone(), key).is_some() {
            repeated.push(id);
        }
    }
    for id in repeated {
        keys.remove(&id);
    }
    Some(keys)
}

/// A key with its id, if it may verify a token.
fn key(jwk: Jwk) -> Option<(String, Key)> {
    let is_for_signatures = jwk.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
        && jwk.key_ops.is_none_or(|operations| operations.iter().any(|operation| operation == "verify"));
    let (algorithm, public) = match &jwk.material {
        Material::Rsa { n, e } => (Algorithm::RS256, rsa(n, e)?),
        Material::Ec { crv, x, y } => (Algorithm::ES256, p256(crv, x, y)?),
    };
    let has_algorithm = jwk.alg.as_deref().is_none_or(|name| name == algorithm.name());
    (is_for_signatures && has_algorithm && !jwk.kid.is_empty()).then_some((jwk.kid, Key { algorithm, public }))
}

fn rsa(n: &str, e: &str) -> Option<DecodingKey> {
    let (n, e) = (URL_SAFE_NO_PAD.decode(n).ok()?, URL_SAFE_NO_PAD.decode(e).ok()?);
    let zeros = n.iter().take_while(|byte| **byte == 0).count();
    let modulus = n.get(zeros..)?;
    let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
    RSA_BITS.contains(&bits).then(|| DecodingKey::from_rsa_raw_components(modulus, &e))
}

fn p256(curve: &str, x: &str, y: &str) -> Option<DecodingKey> {
    let is_coordinate = |text: &str| URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == P256_BYTES);
    let is_point = curve == "P-256" && is_coordinate(x) && is_coordinate(y);
    is_point.then(|| DecodingKey::from_ec_components(x, y).ok())?
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn rsa_key(bits: usize) -> Value {
        let mut modulus = vec![0x5a; bits / 8];
        modulus[0] = 0x80;
        json!({"kty": "RSA", "kid": "k", "n": URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB"})
    }

    fn ec_key() -> Value {
        let coordinate = URL_SAFE_NO_PAD.encode([7; 32]);
        json!({"kty": "EC", "kid": "e", "crv": "P-256", "x": coordinate, "y": coordinate})
    }

    fn with(mut key: Value, member: &str, value: Value) -> Value {
        key[member] = value;
        key
    }

    fn ids(keys: Value) -> Vec<String> {
        let mut ids: Vec<String> = read(json!({ "keys": keys }).to_string().as_bytes()).unwrap().into_keys().collect();
        ids.sort();
        ids
    }

    #[test]
    fn keys_for_signatures_are_read_with_their_algorithm() {
        let document = json!({"keys": [rsa_key(2048), with(ec_key(), "use", json!("sig"))], "other": 1}).to_string();
        let keys = read(document.as_bytes()).unwrap();
        assert_eq!((keys["k"].algorithm(), keys["e"].algorithm()), (Algorithm::RS256, Algorithm::ES256));
        for (member, value) in
            [("alg", json!("RS256")), ("key_ops", json!(["verify"])), ("x5c", json!(["AA"])), ("use", json!("sig"))]
        {
            assert_eq!(ids(json!([with(rsa_key(4096), member, value)])), ["k"], "{member}");
        }
    }

    #[test]
    fn short_keys_and_those_for_something_else_are_left_out() {
        let mut padded = vec![0; 256];
        padded[128] = 0x80;
        for key in [
            rsa_key(1024),
            rsa_key(2040),
            rsa_key(8200),
            with(rsa_key(2048), "n", json!(URL_SAFE_NO_PAD.encode(padded))),
            with(rsa_key(2048), "n", json!("")),
            with(rsa_key(2048), "n", json!("AAAA")),
            with(rsa_key(2048), "use", json!("enc")),
            with(rsa_key(2048), "key_ops", json!(["encrypt"])),
            with(rsa_key(2048), "alg", json!("PS256")),
            with(rsa_key(2048), "alg", json!("HS256")),
            with(rsa_key(2048), "kid", json!(null)),
            with(rsa_key(2048), "kid", json!("")),
            with(ec_key(), "crv", json!("P-384")),
            with(ec_key(), "x", json!("AAAA")),
            json!({"kty": "oct", "kid": "k", "k": "c2VjcmV0"}),
            json!({"kty": "OKP", "kid": "k", "crv": "Ed25519", "x": "AAAA"}),
            json!("k"),
        ] {
            assert_eq!(ids(json!([key])), [""; 0], "{key}");
            assert_eq!(ids(json!([key, ec_key()])), ["e"], "{key}");
        }
    }

    #[test]
    fn keys_that_share_an_id_do_not_count() {
        assert_eq!(ids(json!([rsa_key(2048), ec_key(), with(ec_key(), "kid", json!("k")), rsa_key(3072)])), ["e"]);
    }

    #[test]
    fn what_has_no_list_of_keys_is_none() {
        for text in ["", "[]", "{}", r#"{"keys": {}}"#, r#"{"keys": ["#] {
            assert!(read(text.as_bytes()).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,60}", n in "[A-Za-z0-9_=-]{0,20}", x in "[A-Za-z0-9_-]{40,46}") {
            let _ = read(text.as_bytes());
            let keys = json!({"keys": [with(rsa_key(2048), "n", json!(n)), with(ec_key(), "x", json!(x)), text]});
            let _ = read(keys.to_string().as_bytes());
        }
    }
}
