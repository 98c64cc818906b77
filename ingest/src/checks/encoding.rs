//! Refuses bodies in an encoding that would have to be decoded first.

use axum::http::{HeaderMap, header};

use crate::error::IntakeError;

/// An error shows at most so many characters of what the sender wrote.
const SHOWN_CHARACTERS: usize = 80;

/// Checks `Content-Encoding` (RFC 9110, 8.4): nothing is decoded here, so that the only encoding taken is `identity`,
/// in any case and however often; all others are a 415.
pub(crate) fn refuse_encoded(headers: &HeaderMap) -> Result<(), IntakeError> {
    for line in headers.get_all(header::CONTENT_ENCODING) {
        let line = String::from_utf8_lossy(line.as_bytes());
        let encodings = line.split(',').map(str::trim).filter(|encoding| !encoding.is_empty());
        let mut others = encodings.filter(|encoding| !encoding.eq_ignore_ascii_case(IntakeError::TAKEN_ENCODING));
        if let Some(other) = others.next() {
            let given = other.chars().take(SHOWN_CHARACTERS).collect();
            return Err(IntakeError::UnsupportedEncoding { given });
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use axum::response::IntoResponse;

    fn check(lines: &[&[u8]]) -> Result<(), IntakeError> {
        let line = |line: &&[u8]| (header::CONTENT_ENCODING, HeaderValue::from_bytes(line).unwrap());
        refuse_encoded(&lines.iter().map(line).collect())
    }

    #[test]
    fn no_encoding_is_taken_however_it_is_spelled() {
        assert!(check(&[]).is_ok());
        for line in ["", "identity", "Identity , IDENTITY,"] {
            assert!(check(&[line.as_bytes()]).is_ok() && check(&[line.as_bytes(), b"identity"]).is_ok(), "{line}");
        }
    }

    #[test]
    fn every_other_encoding_is_refused_by_name() {
        for (lines, given) in [
            (&[&b"gzip"[..]][..], "gzip"),
            (&[b"GZip"], "GZip"),
            (&[b"identity, br"], "br"),
            (&[b"identity", b"zstd"], "zstd"),
            (&[b"identity;q=1"], "identity;q=1"),
            (&[b"gzip, deflate"], "gzip"),
            (&[b"\xff"], "\u{fffd}"),
        ] {
            let error = check(lines).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "The body has the Content-Encoding '{given}', and only 'identity' is taken: \
                     send the body without an encoding"
                )
            );
            let response = error.into_response();
            assert_eq!(response.status().as_u16(), 415);
            assert_eq!(response.headers()["accept-encoding"], "identity");
        }
    }
}
