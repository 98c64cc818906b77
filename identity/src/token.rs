//! Reads tokens: what they say of themselves, and, once their key is known, whether that is true.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::verify;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::IdentityError;
use crate::jwks::Key;
use crate::needs::MAX_TOKEN_BYTES;

/// How far clocks may be apart, seconds.
pub const LEEWAY: i64 = 30;

/// What a token says of itself, whether it is true or not. It only chooses the key.
#[derive(Debug)]
pub(crate) struct Unverified<'a> {
    token: &'a str,
    /// The issuer.
    pub(crate) issuer: String,
    header: Header,
}

/// The members of a header that are used (RFC 7515, section 4.1). Addresses and keys that it may bring along are not.
#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that have to be understood. None is.
    crit: Option<Value>,
}

/// The claim that is read before the signature is checked.
#[derive(Debug, Deserialize)]
struct Issuer {
    iss: String,
}

impl<'a> Unverified<'a> {
    /// Reads a token.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn read(token: &'a str) -> Result<Self, IdentityError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(IdentityError::TooLong);
        }
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(IdentityError::Malformed("it does not have three parts"));
        };
        let header: Header =
            json(header).ok_or(IdentityError::Malformed("its first part is no header with an algorithm"))?;
        if header.crit.is_some() {
            return Err(IdentityError::Malformed("it has extensions that this server does not know"));
        }
        let claims: Issuer = json(payload).ok_or(IdentityError::Malformed("its second part has no issuer"))?;
        Ok(Self { token, issuer: claims.iss, header })
    }

    /// The id of its key.
    ///
    /// # Errors
    /// It has none.
    pub(crate) fn key_id(&self) -> Result<&str, IdentityError> {
        self.header.kid.as_deref().filter(|id| !id.is_empty()).ok_or(IdentityError::NoKeyId)
    }

    /// The name of its algorithm.
    pub(crate) fn algorithm(&self) -> &str {
        &self.header.alg
    }

    /// The claims, if this key signed them. Nothing is checked of them here.
    ///
    /// # Errors
    /// It did not.
    pub(crate) fn verified(&self, key: &Key) -> Result<Claims, IdentityError> {
        let (message, signature) = self.token.rsplit_once('.').ok_or(IdentityError::Signature)?;
        let is_signed = verify(signature, message.as_bytes(), key.verifies(), key.signs_with());
        let claims = message.split_once('.').filter(|_| is_signed.is_ok_and(|is_signed| is_signed));
        let claims = claims.ok_or(IdentityError::Signature)?.1;
        json(claims).map(Claims).ok_or(IdentityError::Malformed("its second part is no object"))
    }
}

/// Claims that the issuer signed.
#[derive(Debug)]
pub(crate) struct Claims(Map<String, Value>);

impl Claims {
    /// All of them.
    pub(crate) fn all(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Whether they are for this audience, and no other: another service could use the token here.
    ///
    /// # Errors
    /// They are not.
    pub(crate) fn check_audience(&self, expected: &str) -> Result<(), IdentityError> {
        let wrong_type = IdentityError::Claim("aud", "a text, or a list of texts");
        let given = match self.0.get("aud") {
            Some(Value::String(audience)) => audience,
            Some(Value::Array(audiences)) => match audiences.as_slice() {
                [Value::String(audience)] => audience,
                [] => return Err(wrong_type),
                several if several.iter().all(Value::is_string) => {
                    let is_among = several.iter().any(|audience| audience.as_str() == Some(expected));
                    let error = if is_among { IdentityError::SeveralAudiences } else { IdentityError::Audience };
                    return Err(error(expected.to_owned()));
                }
                _ => return Err(wrong_type),
            },
            _ => return Err(wrong_type),
        };
        if given == expected { Ok(()) } else { Err(IdentityError::Audience(expected.to_owned())) }
    }

    /// Whether they count at `now`, seconds since 1970.
    ///
    /// # Errors
    /// They do not.
    pub(crate) fn check_times(&self, now: i64) -> Result<(), IdentityError> {
        let seconds = |claim: &'static str, value: &Value| {
            value
                .as_i64()
                .filter(|seconds| *seconds >= 0)
                .ok_or(IdentityError::Claim(claim, "a whole number of seconds"))
        };
        let expires = seconds("exp", self.0.get("exp").unwrap_or(&Value::Null))?;
        let begins = self.0.get("nbf").map(|value| seconds("nbf", value)).transpose()?;
        if expires.saturating_add(LEEWAY) <= now {
            return Err(IdentityError::Expired);
        }
        if begins.is_some_and(|begins| begins > now.saturating_add(LEEWAY)) {
            return Err(IdentityError::NotYet);
        }
        Ok(())
    }
}

/// The JSON of one part.
fn json<T: for<'de> Deserialize<'de>>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn claims(value: Value) -> Claims {
        let Value::Object(claims) = value else { panic!("claims are an object") };
        Claims(claims)
    }

    #[test]
    fn one_audience_counts_and_it_is_ours() {
        let check = |audience: Value| claims(json!({"aud": audience})).check_audience("https://r");
        let wrong_type = Err(IdentityError::Claim("aud", "a text, or a list of texts"));
        assert_eq!(check(json!("https://r")), Ok(()));
        assert_eq!(check(json!(["https://r"])), Ok(()));
        assert_eq!(check(json!("https://r/")), Err(IdentityError::Audience("https://r".into())));
        assert_eq!(check(json!(["https://a", "https://b"])), Err(IdentityError::Audience("https://r".into())));
        assert_eq!(check(json!(["https://r", "https://b"])), Err(IdentityError::SeveralAudiences("https://r".into())));
        for other in
            [json!([]), json!(7), json!(null), json!({"https://r": 1}), json!(["https://r", 7]), json!([["https://r"]])]
        {
            assert_eq!(check(other.clone()), wrong_type, "{other}");
        }
        assert_eq!(claims(json!({})).check_audience("https://r"), wrong_type);
    }

    #[test]
    fn times_are_whole_seconds_and_clocks_may_differ_a_little() {
        let check = |value: Value| claims(value).check_times(1000);
        assert_eq!(check(json!({"exp": 1001, "nbf": 999})), Ok(()));
        assert_eq!(check(json!({"exp": 1001 - LEEWAY, "nbf": 1000 + LEEWAY})), Ok(()));
        assert_eq!(check(json!({"exp": 1000 - LEEWAY})), Err(IdentityError::Expired));
        assert_eq!(check(json!({"exp": 2000, "nbf": 1001 + LEEWAY})), Err(IdentityError::NotYet));
        assert_eq!(check(json!({"exp": i64::MAX})), Ok(()));
        for exp in [
            json!(null),
            json!("2000"),
            json!(2000.5),
            json!(-1),
            json!(u64::MAX),
            json!(1e30),
            json!([2000]),
            json!(true),
        ] {
            assert!(matches!(check(json!({"exp": exp})), Err(IdentityError::Claim("exp", _))), "{exp}");
        }
        assert!(matches!(check(json!({"exp": 2000, "nbf": "1"})), Err(IdentityError::Claim("nbf", _))));
        assert!(matches!(check(json!({})), Err(IdentityError::Claim("exp", _))));
    }

    #[test]
    fn what_has_another_form_is_no_token() {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let (header, payload) = (part(r#"{"alg":"RS256","kid":"k"}"#), part(r#"{"iss":"https://i"}"#));
        let read = |header: &str, payload: &str| Unverified::read(&format!("{header}.{payload}.AA")).map(|_| ());
        assert_eq!(read(&header, &payload), Ok(()));
        for (header, payload) in [
            ("", payload.as_str()),
            ("e30", &payload),
            (&part(r#"{"alg":"RS256","kid":7}"#), &payload),
            (&part(r#"{"alg":"RS256","alg":"none"}"#), &payload),
            (&part(r#"{"alg":"RS256","crit":["exp"]}"#), &payload),
            (&header, "e30"),
            (&header, &part(r#"{"iss":["https://i"]}"#)),
            (&header, &part(r#"{"iss":"https://i","iss":"https://j"}"#)),
            (&header, &part("[]")),
            (&format!("{header}="), &payload),
        ] {
            assert!(matches!(read(header, payload), Err(IdentityError::Malformed(_))), "{header}.{payload}");
        }
        for token in
            ["", ".", "..", "...", "a.b", "rdb_u_x", &format!("{header}.{payload}"), &format!("{header}.{payload}.A.A")]
        {
            assert!(matches!(Unverified::read(token), Err(IdentityError::Malformed(_))), "{token}");
        }
        let long = format!("{header}.{payload}.{}", "A".repeat(MAX_TOKEN_BYTES));
        assert_eq!(Unverified::read(&long).map(|_| ()), Err(IdentityError::TooLong));
        let deep = format!("{header}.{}.AA", part(&"[".repeat(10_000)));
        assert!(matches!(Unverified::read(&deep), Err(IdentityError::Malformed(_))));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,60}", header in "\\PC{0,40}", payload in "\\PC{0,40}") {
            let _ = Unverified::read(&text);
            let _ = Unverified::read(&format!("{}.{}.{text}", URL_SAFE_NO_PAD.encode(&header), URL_SAFE_NO_PAD.encode(&payload)));
        }
    }
}
