//! Keys that sign tokens.

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Keys of an issuer: two of RSA, of which the second follows the first, and one of ECDSA.
pub(crate) static FIRST: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::rsa("first"));
pub(crate) static SECOND: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::rsa("second"));
pub(crate) static CURVE: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::p256("curve"));

/// A private key with its id.
pub(crate) struct SigningKey {
    pub(crate) id: &'static str,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
}

impl SigningKey {
    pub(crate) fn rsa(id: &'static str) -> Self {
        Self { id, pair: Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()) }
    }

    pub(crate) fn p256(id: &'static str) -> Self {
        Self { id, pair: Pair::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()) }
    }

    /// The public key, as a JWKS lists it.
    pub(crate) fn jwk(&self) -> Value {
        match &self.pair {
            Pair::Rsa(pair) => {
                let public = pair.public_key();
                let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
                let (n, e) = (public.modulus(), public.exponent());
                json!({
                    "kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.id,
                    "n": encoded(n.big_endian_without_leading_zero()),
                    "e": encoded(e.big_endian_without_leading_zero()),
                })
            }
            Pair::P256(pair) => {
                // 4, which stands for an uncompressed point, and both coordinates.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
                json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": self.id, "x": x, "y": y})
            }
        }
    }

    /// The header of its tokens.
    pub(crate) fn header(&self) -> Value {
        let algorithm = match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::P256(_) => "ES256",
        };
        json!({"typ": "JWT", "alg": algorithm, "kid": self.id})
    }

    /// A token with these claims.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_with(&self.header(), claims)
    }

    /// A token with another header than the key's own.
    pub(crate) fn token_with(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
                signature
            }
            Pair::P256(pair) => pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec(),
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// What anybody knows of the key, in the forms that might be taken for a secret.
    pub(crate) fn public_bytes(&self) -> Vec<Vec<u8>> {
        let jwk = self.jwk();
        let bytes = match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_ref().to_vec(),
            Pair::P256(pair) => pair.public_key().as_ref().to_vec(),
        };
        let member = if jwk["n"].is_string() { &jwk["n"] } else { &jwk["x"] };
        vec![bytes, URL_SAFE_NO_PAD.decode(member.as_str().unwrap()).unwrap(), jwk.to_string().into_bytes()]
    }
}

/// A token that is signed with a secret (HS256).
pub(crate) fn hs256_token(secret: &[u8], header: &Value, claims: &Value) -> String {
    let message = message(header, claims);
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A token without a signature.
pub(crate) fn unsigned_token(header: &Value, claims: &Value) -> String {
    format!("{}.", message(header, claims))
}

fn message(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}
